"""What a newcomer meets on a terminal: mc is offered, a dry run is no circle, a job's name may have spaces."""

import json
import os
import pty
from pathlib import Path
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest

from mcmirror.cli.execution import carrying_out
from mcmirror.model.job import Job, MirrorOptions, Origin
from mcmirror.model.location import Location
from tests.conftest import Pair
from tests.servers.command import COMMAND, Cli
from tests.servers.server import free_port
from tests.serving import Serving

NAME = "Mirror Production to DR"


def typed(cli: Cli, words: list[str], answers: dict[bytes, bytes], **variables: str) -> tuple[int, str]:
    """Run a command on a terminal of its own and answer what it asks; each answer once."""
    process, terminal = pty.fork()
    if not process:
        os.chdir(cli.folder)
        os.execve(COMMAND, [str(COMMAND), *words], {**cli.environment, **variables})
    shown, left = b"", dict(answers)
    while True:
        try:
            part = os.read(terminal, 4096)
        except OSError:
            break
        shown += part
        for question in [question for question in left if question in shown]:
            os.write(terminal, left.pop(question) + b"\r")
        if not part:
            break
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), shown.decode(errors="replace")


@pytest.fixture
def without_mc(cli: Cli) -> dict[str, str]:
    """No mc anywhere, and a release that nobody serves."""
    address = f"http://127.0.0.1:{free_port()}/mc"
    return {"MCMIRROR_MC": "", "PATH": str(cli.folder), "MCMIRROR_MC_URL": address}


@pytest.mark.parametrize("words", [["mirror", "src/a", "dst/b"], ["alias", "set", "src", "http://127.0.0.1:1"]])
def test_a_missing_mc_is_offered_before_anything_else_is_asked(
    words: list[str], cli: Cli, without_mc: dict[str, str]
) -> None:
    code, shown = typed(cli, words, {b"[Y/n]": b""}, **without_mc)
    assert (1, True) == (code, "cannot be reached" in shown), shown
    assert "Access key" not in shown


def test_without_it_the_command_says_what_is_missing(cli: Cli, without_mc: dict[str, str]) -> None:
    code, shown = typed(cli, ["mirror", "src/a", "dst/b"], {b"[Y/n]": b"n"}, **without_mc)
    assert (1, True) == (code, "mcmirror mc install" in shown), shown


def test_nobody_is_asked_where_nobody_can_answer(cli: Cli, without_mc: dict[str, str]) -> None:
    done = Cli(cli.folder, cli.environment | without_mc)("mirror", "src/a", "dst/b")
    assert (1, False) == (done.code, "[Y/n]" in done.stderr)
    assert "mcmirror mc install" in done.stderr


def _again(name: str) -> str:
    return f"mcmirror run {name}"


@pytest.mark.parametrize(
    ("dry_run", "origin", "command"),
    [
        (False, Origin.FILE, "mcmirror run x"),
        (True, Origin.FILE, "mcmirror run x, without dry_run = true in mcmirror.toml,"),
        (True, Origin.PAIRS, "MIRROR_DRY_RUN=false mcmirror run x"),
    ],
)
def test_what_carries_a_dry_run_out_is_no_dry_run(dry_run: bool, origin: Origin, command: str) -> None:
    job = Job("x", Location("a", "b"), Location("c", "d"), MirrorOptions(dry_run=dry_run), origin=origin)
    again = carrying_out(_again, {"x": job})
    assert command == again("x")
    assert "mcmirror run other" == again("other")


def test_a_job_with_spaces_in_its_name_works_everywhere(cli: Cli, bucket_pair: Pair, tmp_path: Path) -> None:
    bucket_pair.source.put({"a": b"a"})
    (cli.folder / "mcmirror.toml").write_text(
        f'[settings]\nlog = "json"\n[job."{NAME}"]\nsource = "{bucket_pair.source.location}"\n'
        f'target = "{bucket_pair.target.location}"\n'
    )
    done = cli("run", NAME, "--textfile-dir", str(tmp_path), "--junit", "j.xml", "--report-json", "r.json")
    assert 0 == done.code, done.stderr
    assert f'job_name="{NAME}"' in (tmp_path / "mcmirror.prom").read_text()
    assert [NAME] == [report["job"] for report in json.loads((cli.folder / "r.json").read_text())["reports"]]
    assert f"✓ {NAME} verified" in done.stderr
    bucket_pair.source.put({"b": b"b"})
    assert f"mcmirror run '{NAME}' carries it out" in cli("plan", NAME).stderr
    assert NAME in cli("status").stdout
    assert NAME in cli("history", NAME).stdout
    assert 3 == cli("verify", NAME, "--content").code
    assert 0 == cli("job", "pause", NAME).code
    assert 0 == cli("job", "resume", NAME).code


def test_and_over_http(cli: Cli, bucket_pair: Pair) -> None:
    bucket_pair.source.put({"a": b"a"})
    port = free_port()
    (cli.folder / "mcmirror.toml").write_text(
        f'[settings]\nlisten = "127.0.0.1:{port}"\napi_token = "{{env:TOKEN}}"\n[job."{NAME}"]\n'
        f'source = "{bucket_pair.source.location}"\ntarget = "{bucket_pair.target.location}"\n'
    )
    variables = {**cli.environment, "TOKEN": "long-enough"}
    with Serving([COMMAND, "serve"], variables, cli.folder, port) as serving:
        serving.until(lambda: serving.status("/healthz") == 200)
        request = Request(f"http://127.0.0.1:{port}/api/v1/jobs/{quote(NAME)}/run", method="POST")
        request.add_header("Authorization", "Bearer long-enough")
        with urlopen(request, timeout=60) as answer:
            assert 202 == answer.status
        done = f'mcmirror_job_last_success_timestamp_seconds{{job_name="{NAME}"}}'
        serving.until(lambda: done in serving.answer("/metrics")[1].decode())
    assert ["a"] == list(bucket_pair.target.contents())
