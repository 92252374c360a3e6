"""The private folder of a session, when other runs tidy up beside it."""

import tempfile
from pathlib import Path
from typing import Any

import filelock
import pytest

from mcmirror.model.location import Alias
from mcmirror.movers.mc import session
from mcmirror.movers.mc.session import LOCK, Session


def test_a_sweep_between_the_making_of_the_lock_and_its_locking_takes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    acquire = filelock.FileLock.acquire
    made: list[int] = []

    def late(lock: Any, *arguments: Any, **how: Any) -> Any:
        if not made:
            made.append(Path(lock.lock_file).parent.stat().st_ino)
            Path(lock.lock_file).touch()
            session._sweep()
        return acquire(lock, *arguments, **how)

    monkeypatch.setattr(filelock.FileLock, "acquire", late)
    with Session("mc", ()):
        session._sweep()
        (folder,) = tmp_path.iterdir()
        assert made == [folder.stat().st_ino]
        assert 0o700 == folder.stat().st_mode & 0o777
        assert {LOCK, "mc", "empty"} == {path.name for path in folder.iterdir()}
    assert [] == list(tmp_path.iterdir())


def test_the_folder_of_a_killed_run_is_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    left = tmp_path / f"{session.FOLDER_PREFIX}left"
    left.mkdir()
    (left / LOCK).touch()
    with Session("mc", ()):
        assert left not in tmp_path.iterdir()


def test_only_an_mc_that_speaks_to_an_insecure_alias_leaves_its_certificate_unchecked(tmp_path: Path) -> None:
    said = list[str]()
    aliases = [Alias("secure", "https://one"), Alias("loose", "https://two", insecure=True)]
    names = tmp_path / "names"
    with Session("mc", aliases, debug=said.append) as opened:
        for bucket, stdin in (
            ("secure/a", None),
            ("loose/a", None),
            ("--stdin", "secure/a\n"),
            ("--stdin", "loose/a\n"),
        ):
            names.write_text(stdin or "")
            opened.process(["rm", bucket], stdin=names if stdin else None)

    assert ["mc rm secure/a", "mc --insecure rm loose/a", "mc rm --stdin", "mc --insecure rm --stdin"] == said
