"""Runs as files: what they hold, how many there may be, and disks that are full, read-only or lying."""

import gzip
import json
import os
import stat
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mcmirror.model.record import Outcome
from mcmirror.model.report import Remaining, Status
from mcmirror.store import inbox as module
from mcmirror.store import outcomes
from mcmirror.store.inbox import Inbox
from mcmirror.store.presence import Presence
from tests.store_samples import begun, ended, ran

ROOT = Path(__file__).parents[1]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state.db.inbox"


@pytest.fixture
def inbox(folder: Path) -> Inbox:
    return Inbox(folder)


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _on_a_disk(folder: Path, mount: str, program: str) -> Any:
    """Run a program in a mount namespace of its own; ``folder`` is where ``mount`` put something. What it printed."""
    folder.mkdir(exist_ok=True)
    unshare = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--mount", "--map-root-user"]
    start = f"""
        import errno, json, os, sys
        from dataclasses import replace
        from pathlib import Path
        from mcmirror.model.record import Outcome
        from mcmirror.model.report import Remaining, Status
        from mcmirror.store.inbox import Inbox
        from tests.store_samples import begun, ended, machine, ran

        folder = Path({str(folder)!r})

        def fill():
            "Leave not a byte."
            with (folder / "filler").open("ab", 0) as filler:
                for size in (1 << 16, 1 << 12, 1):
                    try:
                        while True:
                            filler.write(bytes(size))
                    except OSError as error:
                        assert error.errno == errno.ENOSPC
    """
    code = textwrap.dedent(start) + textwrap.dedent(program)
    argv = [*unshare, "sh", "-c", f'{mount} && exec "$@"', "sh", sys.executable, "-c", code]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def _tmpfs(folder: Path, size: str = "256k") -> str:
    return f"mount -t tmpfs -o size={size} tmpfs '{folder}'"


# What is written.


def test_nobody_else_can_read_it(inbox: Inbox, folder: Path) -> None:
    before = os.umask(0)
    try:
        record = begun()
        opened = inbox.open(record)
        opened.fate(Outcome.COPIED, "secret plans.pdf")
        modes = {path.suffix: oct(stat.S_IMODE(path.stat().st_mode)) for path in folder.iterdir()}
        opened.close(ended(record))
    finally:
        os.umask(before)

    assert "0o700" == oct(stat.S_IMODE(folder.stat().st_mode))
    assert {".open": "0o600", ".new": "0o600", ".fates": "0o600"} == modes
    assert {"0o600"} == {oct(stat.S_IMODE(path.stat().st_mode)) for path in folder.iterdir()}


def test_a_run_is_open_then_done(inbox: Inbox, folder: Path) -> None:
    record = begun()
    opened = inbox.open(record)
    assert ((record,), []) == (inbox.live(), list(inbox.pending()))

    opened.close(ended(record))

    assert [f"{record.id}.done"] == _names(folder)
    assert () == inbox.live()
    assert [ended(record)] == [one.record for one in inbox.pending()]
    inbox.taken(record.id)
    assert [] == _names(folder)


def test_the_fates_are_gzip_lines(inbox: Inbox, folder: Path) -> None:
    record = begun()
    opened = inbox.open(record)
    opened.fate(Outcome.REMOVED, 'a\n"b"')
    opened.fate(Outcome.COPIED, "京都")
    opened.close(ended(record))

    text = gzip.decompress((folder / f"{record.id}.fates").read_bytes()).decode()

    assert 'removed "a\\n\\"b\\""\ncopied "\\u4eac\\u90fd"\n' == text


def test_after_a_million_keys_none_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcomes, "MOST", 700)
    inbox, record = Inbox(folder), begun()
    opened = inbox.open(record)
    for number in range(2000):
        opened.fate(Outcome.COPIED, str(number))
    opened.close(ended(record))

    assert 700 == sum(1 for _ in outcomes.read(inbox.fates(record.id)))


def test_naming_costs_little(inbox: Inbox) -> None:
    record = begun()
    opened = inbox.open(record)
    start = time.process_time()
    for number in range(100_000):
        opened.fate(Outcome.COPIED, f"2026/11/21/photo-{number:09}.jpg")
    spent = time.process_time() - start
    opened.close(ended(record))

    assert spent < 3  # about 0.15 s


def test_what_a_killed_run_had_written_can_be_read(folder: Path, inbox: Inbox) -> None:
    record = begun()
    opened = inbox.open(record)
    for number in range(5000):
        opened.fate(Outcome.COPIED, str(number))
    file = folder / f"{record.id}.fates"
    data = file.read_bytes()

    for length in (0, 1, 15, len(data) // 2, len(data) - 1):
        file.write_bytes(data[:length])
        seen = [key for _, key in outcomes.read(inbox.fates(record.id))]
        assert [str(number) for number in range(len(seen))] == seen
    opened.close(ended(record))


# How many there may be.


def test_the_oldest_go_when_nobody_empties_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_DONE", 5)
    inbox = Inbox(folder)
    records = [ran(inbox, ago=1000 - number) for number in range(9)]

    assert records[-5:] == [one.record for one in inbox.pending()]


def test_fates_are_bounded_when_nobody_empties_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 3000)
    inbox = Inbox(folder)
    for number in range(4):
        record = begun(ago=1000 - number)
        opened = inbox.open(record)
        for _ in range(20):
            opened.fate(Outcome.COPIED, os.urandom(50).hex())
        opened.close(ended(record))

    found = list(inbox.pending())
    assert 4 == len(found)
    assert [False, True] == [found[0].fates is not None, found[-1].fates is not None]


def test_what_belongs_to_no_run_goes_after_an_hour(inbox: Inbox, folder: Path) -> None:
    done = ran(inbox)
    for name in ("20261121T000000-aaaaaaaa.fates", "20261121T000000-bbbbbbbb.new", f"{done.id}.fates"):
        (folder / name).write_bytes(b"")
    os.utime(folder / "20261121T000000-bbbbbbbb.new", (1, 1))
    os.utime(folder / f"{done.id}.fates", (1, 1))

    list(inbox.pending())

    assert ["20261121T000000-aaaaaaaa.fates", f"{done.id}.done", f"{done.id}.fates"] == _names(folder)


def test_half_a_file_hides_no_other(inbox: Inbox, folder: Path) -> None:
    done = ran(inbox, ago=60)
    (folder / "20261121T000000-aaaaaaaa.done").write_bytes(b'{"id": "2026')
    (folder / "20261121T000000-bbbbbbbb.done").write_bytes(b"")
    (folder / "20261121T000000-cccccccc.open").write_bytes(b"[]")

    assert [done] == [one.record for one in inbox.pending()]
    assert [done] == [one.record for one in inbox.pending()]


# Disks.


@pytest.mark.parametrize(("objects", "named"), [(100_000, 1000), (0, 10)])
def test_a_disk_that_is_full_when_a_run_ends(tmp_path: Path, objects: int, named: int) -> None:
    said = _on_a_disk(
        tmp_path / "inbox",
        _tmpfs(tmp_path / "inbox"),
        f"""
        inbox, record = Inbox(folder), begun()
        opened = inbox.open(record)
        for number in range({objects}):
            opened.fate(Outcome.COPIED, os.urandom(20).hex())
        fill()
        many = tuple(Remaining(f"key {{number}}" * 10, "no reason") for number in range(1000))
        opened.close(replace(ended(record), report=replace(ended(record).report, remaining=many)))
        found = [(one.record.status, one.fates is None, len(one.record.report.remaining)) for one in inbox.pending()]
        print(json.dumps([inbox.live() == (), inbox.warning, found]))
        """,
    )

    # What became of each object gave way; without that, the room that was kept has the verdict.
    assert [True, "", [["succeeded", True, named]]] == said


def test_a_disk_that_is_full_from_the_beginning_and_has_room_later(tmp_path: Path) -> None:
    said = _on_a_disk(
        tmp_path / "inbox",
        _tmpfs(tmp_path / "inbox"),
        """
        runs, inbox, _ = machine(folder / "inbox", f"sqlite:///{folder}/state.db")
        (folder / "inbox").mkdir()
        fill()
        done = ran(inbox)
        before = [inbox.warning, [record.id == done.id for record in runs.runs()], len(runs.take_in())]
        (folder / "filler").unlink()
        inbox.retry()
        there = [one.name == f"{done.id}.done" for one in (folder / "inbox").iterdir()]
        print(json.dumps([*before, inbox.warning, there]))
        """,
    )

    warning, remembered, taken, after, there = said
    assert "a run cannot be written down: No space left on device. It is kept in memory; make room there" in warning
    assert ([True], 0, "", [True]) == (remembered, taken, after, there)


def test_a_database_whose_disk_is_full_and_has_room_later(tmp_path: Path) -> None:
    said = _on_a_disk(
        tmp_path / "disk",
        _tmpfs(tmp_path / "disk", "3m"),
        f"""
        from mcmirror.store import database
        database.PAUSES = (0.0,)
        runs, inbox, _ = machine(Path({str(tmp_path)!r}) / "inbox", f"sqlite:///{{folder}}/state.db")
        first = ran(inbox, ago=100)
        assert runs.take_in() == (first,)
        fill()
        for number in range(3):
            record = begun(ago=90 - number)
            opened = inbox.open(record)
            for _ in range(20_000):
                opened.fate(Outcome.COPIED, os.urandom(20).hex())
            opened.close(ended(record))
        before = [len(runs.take_in()), runs.warning, len(runs.runs())]
        (folder / "filler").unlink()
        print(json.dumps([*before, len(runs.take_in()), runs.warning, len(runs.runs()), len(list(inbox.pending()))]))
        """,
    )

    none, warning, seen, taken, after, all_of_them, left = said
    assert "Make room on the disk of" in warning
    assert (0, 4, 3, "", 4, 0) == (none, seen, taken, after, all_of_them, left)


def test_a_folder_that_is_read_only_and_is_not_later(tmp_path: Path) -> None:
    said = _on_a_disk(
        tmp_path / "disk",
        _tmpfs(tmp_path / "disk", "2m,ro"),
        """
        import subprocess
        from mcmirror.store import database
        database.PAUSES = (0.0,)
        runs, inbox, _ = machine(folder / "inbox", f"sqlite:///{folder}/state.db")
        record = begun()
        opened = inbox.open(record)
        opened.fate(Outcome.COPIED, "key")
        opened.close(ended(record))
        before = [len(runs.take_in()), runs.warning, len(runs.runs())]
        subprocess.run(["mount", "-o", "remount,rw", str(folder)], check=True)
        print(json.dumps([*before, len(runs.take_in()), runs.warning, len(runs.runs())]))
        """,
    )

    none, warning, seen, taken, after, all_of_them = said
    assert "Read-only file system" in warning
    assert "the state cannot be used" in warning
    assert (0, 1, 1, "", 1) == (none, seen, taken, after, all_of_them)


def test_a_file_in_place_of_the_folder(folder: Path, inbox: Inbox) -> None:
    folder.write_text("in the way")
    done = ran(inbox, status=Status.FAILED)

    assert "a run cannot be written down: " in inbox.warning
    assert [done] == [one.record for one in inbox.pending()]
    folder.unlink()
    inbox.retry()
    assert "" == inbox.warning
    assert [done] == [one.record for one in Inbox(folder).pending()]


def test_what_waits_in_memory_is_bounded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 3)
    folder.write_text("in the way")
    inbox = Inbox(folder)
    records = [ran(inbox, ago=100 - number) for number in range(5)]

    assert records[-3:] == [one.record for one in inbox.pending()]


def test_a_long_report_is_written_whole_where_there_is_room(inbox: Inbox) -> None:
    record = begun()
    done = ended(record, Status.PARTIAL)
    assert done.report
    many = tuple(Remaining(f"key {number}", "no reason") for number in range(1000))
    long = replace(done, report=replace(done.report, remaining=many))

    inbox.open(record).close(long)

    assert [long] == [one.record for one in inbox.pending()]


# Who serves.


def test_a_server_is_seen_while_it_lives(tmp_path: Path) -> None:
    file = tmp_path / "state.db.serve"
    assert None is Presence(file).see()
    with Presence(file):
        seen = Presence(file).see()
        assert seen is not None
        assert (os.getpid(), True) == (seen.pid, abs(time.time() - seen.started) < 60)
        # A second one changes nothing.
        with Presence(file):
            assert seen == Presence(file).see()
        assert seen == Presence(file).see()
    assert None is Presence(file).see()


def test_a_server_that_was_killed_is_not_seen(tmp_path: Path) -> None:
    file = tmp_path / "state.db.serve"
    program = (
        "import os, signal, sys; from pathlib import Path; from mcmirror.store.presence import Presence\n"
        "Presence(Path(sys.argv[1])).begin(); print('here', flush=True); signal.pause()"
    )
    process = subprocess.Popen([sys.executable, "-c", program, str(file)], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert "here\n" == process.stdout.readline()
    seen = Presence(file).see()
    assert process.pid == (seen.pid if seen else 0)

    process.kill()
    process.wait()
    process.stdout.close()

    assert None is Presence(file).see()
