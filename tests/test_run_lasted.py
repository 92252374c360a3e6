"""How long a run lasted whose process was killed: until the last sign of life that it gave, or nobody knows."""

import json
import os
import re
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from mcmirror.cli.history import list_lines
from mcmirror.codec.documents import decode, encode
from mcmirror.messages.record_text import show_lines
from mcmirror.messages.text_style import Style
from mcmirror.model.record import Record, interrupted
from mcmirror.model.report import RunReport
from mcmirror.model.streak import Streak
from mcmirror.notify.message import Occasion, finished
from mcmirror.store import paths
from mcmirror.store.inbox import OPEN, Inbox
from mcmirror.tui.history_compare import compared
from tests.conftest import Pair
from tests.servers.command import Cli
from tests.store_samples import begun, ended, when
from tests.waiting import until

ROOT = Path(__file__).parents[1]
KILLED = """
import json, os, sys
from pathlib import Path
from mcmirror.codec.documents import decode
from mcmirror.model.record import Record
from mcmirror.store.inbox import Inbox
Inbox(Path(sys.argv[1])).open(decode(Record, json.loads(sys.argv[2])))
os._exit(9)
"""


def test_a_real_run_that_is_killed_shows_how_long_it_was_alive(cli: Cli, bucket_pair: Pair) -> None:
    bucket_pair.source.put({"large": os.urandom(16 << 20)})
    inbox = paths.inbox(f"sqlite:///{cli.environment['HOME']}/.local/state/mcmirror/state.db")
    pair = (bucket_pair.source.location, bucket_pair.target.location)
    process = cli.start("mirror", *pair, "--limit-upload", "256KiB")

    def alive() -> float:
        for file in inbox.glob(f"*{OPEN}"):
            began = datetime.fromisoformat(json.loads(file.read_text())["started"]).timestamp()
            return file.stat().st_mtime - began
        return 0.0

    try:
        until(lambda: alive() > 2.5)
    finally:
        process.kill()
        process.communicate()

    (run,) = json.loads(cli("history", "--json").stdout)
    assert "interrupted" == run["status"]
    assert run["report"]["duration_seconds"] > 2.5
    assert datetime.fromisoformat(run["finished"]) > datetime.fromisoformat(run["started"])
    (row,) = cli("history").stdout.splitlines()[1:]
    assert re.search(r" \d+(\.\d)? s +interrupted ", row), row
    assert re.search(r"^ +time +\d+(\.\d)? s$", cli("history", "show", "last").stdout, re.MULTILINE)


def test_a_run_that_died_at_its_beginning_lasted_nobody_knows_how_long(tmp_path: Path) -> None:
    record, folder = begun(ago=60), tmp_path / "inbox"
    argv = [sys.executable, "-c", KILLED, str(folder), json.dumps(encode(record))]
    assert 9 == subprocess.run(argv, cwd=ROOT, check=False).returncode
    start = datetime.fromisoformat(record.started).timestamp()
    os.utime(Inbox(folder).file(record.id, OPEN), (start + 0.02, start + 0.02))

    (found,) = (one.record for one in Inbox(folder).pending())

    assert found.report is not None
    assert (None, 0.02) == (found.report.lasted, round(found.report.seconds, 3))
    assert "unknown" == list_lines([found], None, Style())[1].split()[4]
    assert "  time        unknown" in show_lines(found, None, Style())
    document = encode(found)
    assert None is document["report"]["duration_seconds"]
    back = decode(Record, json.loads(json.dumps(document)))
    assert (None, "interrupted") == (back.report and back.report.lasted, back.status)
    message = finished(found.report, Occasion.FAILURE, Streak())
    assert "unknown" == dict(message.facts)["Duration"]


def test_what_was_seen_of_it_is_how_long_it_lasted() -> None:
    killed = interrupted(begun(ago=300), when(100))
    assert killed.report is not None
    assert 200.0 == killed.report.lasted == decode(RunReport, encode(killed.report)).lasted
    assert "3m 20s" == list_lines([killed], None, Style())[1].split("  ")[3].strip()
    assert "3m 20s" == dict(finished(killed.report, Occasion.FAILURE, Streak()).facts)["Duration"]


@pytest.mark.parametrize(("seen", "took", "change"), [(300.0, "unknown", ""), (100.0, "3m 20s", "+3m 10s")])
def test_two_runs_side_by_side(seen: float, took: str, change: str) -> None:
    lines = compared(ended(begun(ago=900)), interrupted(begun(ago=300), when(seen)), None)
    assert ("took", "10 s", took, change) == next(line for line in lines if line[0] == "took")
