"""`mcmirror history`: what people see of the past, and what they see when they ask for what is not there."""

import json
import re
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from mcmirror.cli.history import list_lines
from mcmirror.messages.record_text import again, show_lines
from mcmirror.messages.text_style import Style, cells
from mcmirror.model.record import Outcome
from mcmirror.model.report import Status
from mcmirror.store import paths
from mcmirror.store.inbox import Inbox
from tests.conftest import Pair
from tests.servers.command import Cli, Result
from tests.store_samples import begun, ended, ran


@pytest.fixture
def state(cli: Cli) -> str:
    return f"sqlite:///{cli.environment['HOME']}/.local/state/mcmirror/state.db"


@pytest.fixture
def inbox(state: str) -> Inbox:
    return Inbox(paths.inbox(state))


def _rows(result: Result) -> list[list[str]]:
    assert 0 == result.code, result.stderr
    return [line.split() for line in result.stdout.splitlines()[1:]]


def test_real_runs_are_remembered_with_what_became_of_each_object(cli: Cli, bucket_pair: Pair) -> None:
    pair = bucket_pair
    pair.source.put({"a": b"1", "b/c": b"22", "new\nline": b"3"})
    pair.target.put({"old": b"4", "b/c": b"another"})
    mirror = ("mirror", pair.source.location, pair.target.location)
    assert 0 == cli(*mirror, "--remove").code
    assert 0 == cli(*mirror, "--overwrite").code

    second, first = json.loads(cli("history", "--json").stdout)
    assert ("succeeded", "hand", 1) == (second["status"], second["cause"], second["report"]["done"]["objects"])
    shown = cli("history", "show", first["id"])
    assert (0, "") == (shown.code, shown.stderr)
    told = shown.stdout[shown.stdout.index("  copied:") :]
    assert "  copied:\n    a\n    new\\nline\n  removed:\n    old\n  kept:\n    b/c\n" == told
    assert "copied      2 objects, 2 B" in shown.stdout
    lines = cli("history", "show", "last", "--all", "--json").stdout.splitlines()
    assert second["id"] == json.loads(lines[0])["id"]
    assert [{"fate": "copied", "key": "b/c"}] == [json.loads(line) for line in lines[1:]]


def test_a_run_that_failed_shows_its_problem_and_how_to_repeat_it(cli: Cli, bucket_pair: Pair) -> None:
    bucket_pair.source.put({"a": b"1"})
    cli.write(f'[job.photos]\nsource = "{bucket_pair.source.location}"\ntarget = "dst/no-such-bucket"\nretries = 0\n')
    assert 1 == cli("run").code

    shown = cli("history", "show", "last")

    assert "✗ photos failed" in shown.stdout
    assert "[bucket-not-found]" in shown.stdout
    assert "  do  " in shown.stdout
    assert [["photos", "failed"]] == [[row[1], row[6]] for row in _rows(cli("history", "--status", "failed"))]
    assert 0 == cli("history", "photos").code
    assert "no run of photos that is partial is remembered\n" == cli("history", "photos", "--status", "partial").stderr


def test_dry_runs_plans_and_verifications_are_no_runs(cli: Cli, bucket_pair: Pair) -> None:
    pair = (bucket_pair.source.location, bucket_pair.target.location)
    bucket_pair.source.put({"a": b"1"})
    cli("mirror", *pair, "--dry-run")
    cli("plan", *pair)
    cli("verify", *pair)

    empty = cli("history")

    assert (0, "", "no run is remembered\n") == (empty.code, empty.stdout, empty.stderr)
    assert "[]\n" == cli("history", "--json").stdout


def test_the_newest_come_first_and_so_many_as_asked(cli: Cli, inbox: Inbox) -> None:
    runs = [ran(inbox, "photos", 500 - number) for number in range(25)]

    assert [run.id for run in reversed(runs)][:20] == [row[0] for row in _rows(cli("history"))]
    assert [run.id for run in reversed(runs)][:3] == [row[0] for row in _rows(cli("history", "--limit", "3"))]


def test_a_run_is_named_by_the_beginning_of_its_id(cli: Cli, inbox: Inbox) -> None:
    first, second = ran(inbox, ago=86400 * 3), ran(inbox, ago=60)

    assert second.id in cli("history", "show", second.id[:9]).stdout
    assert first.id in cli("history", "show", first.id[:-1]).stdout
    many = cli("history", "show", "2")
    assert (
        f"Error: several runs begin with 2\n  why: {second.id}, {first.id}\n  do:  write one of them out\n"
        == many.stderr
    )
    wrong = cli("history", "show", f"{first.id[:-1]}x")
    assert (
        f"Error: there is no run {first.id[:-1]}x\n  why: no run of that id is remembered\n"
        f"  do:  did you mean {first.id}?\n" == wrong.stderr
    )
    assert (2, 2) == (many.code, wrong.code)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("show",), "show needs one RUN"),
        (("show", "a", "b"), "show needs one RUN"),
        (("one", "two"), "one JOB, not 2. Did you mean show two?"),
        (("--status", "faild"), "'faild' is no verdict. Did you mean failed?"),
        (("--status", "xyz"), "There are: running, succeeded, partial, failed"),
        (("show", "last"), "there is no last run"),
        (("show", "../../etc/passwd"), "there is no run ../../etc/passwd"),
        (("fotos",), "did you mean photos?"),
        (("xyz",), "there are: photos"),
    ],
)
def test_what_is_not_there(cli: Cli, words: tuple[str, ...], said: str) -> None:
    cli.write('[job.photos]\nsource = "src/photos"\ntarget = "dst/photos"\n')

    result = cli("history", *words)

    assert (2, "") == (result.code, result.stdout)
    assert said in result.stderr


def test_the_first_twenty_of_each_kind_are_named_and_all_when_asked(cli: Cli, inbox: Inbox) -> None:
    record = begun()
    opened = inbox.open(record)
    keys = [f"key {number}" for number in range(30)]
    for key in keys:
        opened.fate(Outcome.COPIED, key)
    opened.fate(Outcome.REMAINING, "lost")
    opened.close(ended(record, Status.PARTIAL))

    shown = cli("history", "show", "last").stdout

    assert "\n    key 19\n    and 10 more: " in shown
    assert "key 20" not in shown
    assert "    - a\\nb: the server said no\n" in shown  # once, with its reason
    assert "lost" not in shown
    everything = cli("history", "show", "last", "--all").stdout.splitlines()
    assert [*(f"    copied    {key}" for key in keys), "    remaining lost"] == everything[-31:]


def test_a_run_that_goes_on_and_one_that_was_killed(cli: Cli, inbox: Inbox) -> None:
    record = begun()
    opened = inbox.open(record)
    running = cli("history")
    shown = cli("history", "show", "last")
    opened.close(ended(record))

    assert "running" in running.stdout
    assert "photos running" in shown.stdout
    assert f"{record.pid} on here" in shown.stdout


def test_a_state_that_cannot_be_used_is_a_warning_and_the_files_still_tell(cli: Cli, inbox: Inbox, state: str) -> None:
    done = ran(inbox)
    file = Path(state.removeprefix("sqlite:///"))
    file.write_bytes(b"broken" * 1000)

    result = cli("history")

    assert done.id in result.stdout
    assert f"warning: {file}: the state cannot be used: file is not a database. Move {file} away" in result.stderr
    assert 0 == result.code


def test_the_configured_time_zone_holds(cli: Cli, inbox: Inbox) -> None:
    cli.write('[settings]\ntimezone = "Asia/Kathmandu"\n[job.photos]\nsource = "src/photos"\ntarget = "dst/photos"\n')
    done = ran(inbox)
    begun_there = datetime.fromisoformat(done.started).astimezone(ZoneInfo("Asia/Kathmandu"))

    assert f"{begun_there:%Y-%m-%d %H:%M:%S}" in cli("history").stdout
    assert f"{begun_there:%Y-%m-%d %H:%M:%S} +0545" in cli("history", "show", "last").stdout


def test_the_reader_who_leaves_early_sees_no_error(cli: Cli, inbox: Inbox) -> None:
    record = begun()
    opened = inbox.open(record)
    for number in range(50_000):
        opened.fate(Outcome.COPIED, f"key {number}")
    opened.close(ended(record))
    process = cli.start("history", "show", "last", "--all")
    assert process.stdout
    assert process.stderr
    process.stdout.readline()
    process.stdout.close()

    assert b"" == process.stderr.read()
    process.wait()
    process.stderr.close()


def test_the_table_is_aligned_and_its_words_say_all_without_colours() -> None:
    records = [ended(begun("photos")), ended(begun("写真"), Status.FAILED), begun("x")]
    plain = list_lines(records, None, Style())
    coloured = list_lines(records, None, Style(colour=True))

    times = [re.search(r"\d{4}-\d\d-\d\d \d", line) for line in plain[1:]]
    assert 1 == len({cells(line[: time.start()]) for line, time in zip(plain[1:], times, strict=True) if time})
    assert all(times)
    assert plain[1:] != coloured[1:]
    assert ["succeeded", "failed", "running"] == [
        next(word for word in line.split() if word in {"succeeded", "failed", "running"}) for line in plain[1:]
    ]
    assert all(line == line.rstrip() for line in plain)


def test_a_pair_is_repeated_by_its_places() -> None:
    record = replace(begun(), job="src/a b → dst/c", source="src/a b", target="dst/c")
    assert "mcmirror mirror 'src/a b' dst/c" == again(record)
    assert "mcmirror run photos" == again(begun())
    assert show_lines(record, None, Style())[0] == "• src/a b → dst/c running"


def test_an_inbox_that_nobody_looks_into_is_emptied_by_a_run(cli: Cli, inbox: Inbox, state: str) -> None:
    cli.write('[job.files]\nsource = "./files"\ntarget = "./copy"\n')
    (cli.folder / "files").mkdir()
    for number in range(101):
        ran(inbox, "photos", 5000 - number)

    assert 0 == cli("run").code

    assert [] == list(inbox.pending())
    assert 102 == len(_rows(cli("history", "--limit", "1000")))
