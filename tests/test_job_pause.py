"""Pausing and resuming by command: it outlives the process, and the schedule obeys."""

from pathlib import Path

import pytest

from tests.conftest import Pair
from tests.servers.command import COMMAND, Cli
from tests.serving import Serving


@pytest.fixture
def jobs(cli: Cli, bucket_pair: Pair) -> Cli:
    """Two jobs that begin every second."""
    source = bucket_pair.source.location
    cli.write(
        "".join(
            f'[job.{name}]\nsource = "{source}"\ntarget = "./{name}"\nevery = "1s"\n' for name in ("photos", "docs")
        )
    )
    return cli


def test_pause_and_resume_one_and_all(jobs: Cli) -> None:
    assert "photos: paused\n" == jobs("job", "pause", "photos").stdout
    assert "all jobs: paused\n" == jobs("job", "pause").stdout
    lifted = jobs("job", "resume")
    assert ("all jobs: resumed\n", "note: still paused: photos\n") == (lifted.stdout, lifted.stderr)
    assert "paused" in jobs("status").stdout
    assert "photos: resumed\n" == jobs("job", "resume", "photos").stdout
    assert "paused" not in jobs("status").stdout


def test_who_does_not_exist_cannot_be_paused(jobs: Cli) -> None:
    wrong = jobs("job", "pause", "photo")
    assert 2 == wrong.code
    assert "Did you mean photos?" in wrong.stderr


def test_a_pause_that_cannot_be_written_is_a_failure(jobs: Cli, tmp_path: Path) -> None:
    jobs.write(
        f'[settings]\nstate = "sqlite:///{tmp_path}/file/state.db"\n' + (jobs.folder / "mcmirror.toml").read_text()
    )
    (tmp_path / "file").write_text("no folder")
    failed = jobs("job", "pause")
    assert 1 == failed.code
    assert "the pause could not be written down" in failed.stderr


def test_the_schedule_obeys(jobs: Cli, bucket_pair: Pair) -> None:
    bucket_pair.source.put({"a": b"1"})
    assert 0 == jobs("job", "pause", "photos").code
    command = (COMMAND, "serve", "--listen", "off", "--log", "text")
    with Serving(command, jobs.environment, jobs.folder, 0) as serve:
        serve.says("docs: ", 8)
        assert "photos: " not in serve.log
        assert 0 == jobs("job", "resume", "photos").code
        serve.until((jobs.folder / "photos" / "a").exists)
