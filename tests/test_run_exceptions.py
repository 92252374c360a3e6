"""Whatever ends a run: it has a report, a record and a notification, and the other jobs go on."""

import errno
import json
import logging
import os
import subprocess
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from mcmirror.cli.execution import Output, Task, execute
from mcmirror.engine import planning
from mcmirror.engine import run as engine_run
from mcmirror.engine.context import Context
from mcmirror.messages.exceptions import problem_of
from mcmirror.model.event import Event, Planned, Removed, Vanished
from mcmirror.model.job import Verb
from mcmirror.model.problem import Category
from mcmirror.model.report import Status
from mcmirror.service import Service
from mcmirror.service.assembly import assemble
from mcmirror.store.database import Database
from mcmirror.store.inbox import Inbox
from mcmirror.store.runs import Runs
from tests.conftest import Pair
from tests.servers.command import COMMAND, Cli, Result
from tests.servers.hook import FakeHook
from tests.waiting import until

ERRORS = (
    MemoryError(),
    RecursionError("maximum recursion depth exceeded"),
    OSError(errno.EMFILE, "Too many open files"),
    PermissionError(errno.EACCES, "Permission denied", "/var/tmp/x"),
    ValueError("what nobody foresaw"),
    RuntimeError("can't start new thread"),
    AssertionError(),
)


@pytest.fixture
def hook() -> Iterator[FakeHook]:
    with FakeHook() as server:
        yield server


@pytest.fixture
def folder(cli: Cli, bucket_pair: Pair, hook: FakeHook, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two jobs that a webhook hears of; this process stands in their folder."""
    for name in ("one", "two"):
        (cli.folder / name).mkdir()
        (cli.folder / name / "object").write_bytes(name.encode())
    jobs = "".join(
        f'[job.{name}]\nsource = "./{name}"\ntarget = "{bucket_pair.target.location}/{name}"\n'
        for name in ("one", "two")
    )
    told = f'[notify.hook]\ntype = "webhook"\nformat = "json"\nurl = "{hook.url}"\non = ["success", "failure"]\n'
    cli.write(f'[defaults]\nnotify = ["hook"]\n{jobs}{told}')
    monkeypatch.chdir(cli.folder)
    for name in os.environ:
        if name.startswith(("MCMIRROR_", "XDG_")):
            monkeypatch.delenv(name)
    for name, value in cli.environment.items():
        monkeypatch.setenv(name, value)
    return cli.folder


@pytest.fixture
def breaks(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Let the plan of the job ``one`` raise."""
    made = planning.make_plan

    def use(error: BaseException) -> None:
        def make_plan(context: Context) -> object:
            if context.job.name == "one":
                raise error
            return made(context)

        monkeypatch.setattr(engine_run, "make_plan", make_plan)

    return use


def told(hook: FakeHook) -> dict[str, str]:
    return {taken.document["job"]: taken.document["run"]["report"]["status"] for taken in hook.taken}


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("parallel", [1, 2])
def test_an_unforeseen_exception_is_a_failed_run(  # noqa: PLR0917
    folder: Path,
    hook: FakeHook,
    bucket_pair: Pair,
    breaks: Callable[[BaseException], None],
    error: BaseException,
    parallel: int,
) -> None:
    breaks(error)
    output = Output(json=False, quiet=True, report_json=folder / "report.json", junit=folder / "junit.xml")
    code = execute(
        Task("run", lambda service: service.jobs(), str, needs_jobs=True, parallel=parallel),
        output,
    )
    assert 1 == code
    reports = {one["job"]: one for one in json.loads((folder / "report.json").read_text())["reports"]}
    assert {"one": "failed", "two": "succeeded"} == {name: one["status"] for name, one in reports.items()}
    (found,) = reports["one"]["problems"]
    expected = problem_of(error)
    assert (expected.category, expected.cause) == (found["category"], found["cause"])
    assert found["category"] in {"system", "internal"}
    suite = ET.fromstring((folder / "junit.xml").read_text())
    assert ("2", "1", "0") == (suite.get("tests"), suite.get("errors"), suite.get("failures"))
    assert {"one": "failed", "two": "succeeded"} == told(hook)
    database = Database(Service.load().state)
    remembered = Runs(database, Service.load().inbox).runs()
    database.close()
    assert {("one", Status.FAILED), ("two", Status.SUCCEEDED)} == {
        (record.job, record.report.status) for record in remembered if record.report
    }
    assert {"two/object": 3} == bucket_pair.target.sizes()


@pytest.mark.parametrize("error", ERRORS[:5], ids=lambda error: type(error).__name__)
def test_a_server_goes_on_and_tells_of_it(
    folder: Path, hook: FakeHook, breaks: Callable[[BaseException], None], error: BaseException
) -> None:
    breaks(error)
    rooms = assemble(Service.load(needs_jobs=True), lambda *_, **__: None)
    rooms.begin()
    try:
        runs = {name: rooms.server.trigger(name) for name in ("one", "two")}
        assert rooms.server.wait(60)
        until(lambda: {"one": "failed", "two": "succeeded"} == told(hook))
        reports = {name: rooms.server.run(run).report for name, run in runs.items()}
        assert reports["one"]
        assert (Status.FAILED, [problem_of(error)]) == (reports["one"].status, list(reports["one"].problems))
        assert {"one": Status.FAILED, "two": Status.SUCCEEDED} == {
            job.name: job.last.report.status for job in rooms.server.state().jobs if job.last and job.last.report
        }
    finally:
        rooms.end(10)


def test_an_observer_or_a_memory_that_raises_ends_no_run(
    folder: Path, bucket_pair: Pair, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def observer(event: Event) -> None:
        raise RecursionError

    def broken(*_: object) -> None:
        raise MemoryError

    service = Service.load(needs_jobs=True)
    monkeypatch.setattr(Inbox, "open", broken)
    with caplog.at_level(logging.WARNING, "mcmirror"):
        reports = service.run(service.jobs(), [observer], parallel=1)
    assert [Status.SUCCEEDED] * 2 == [report.status for report in reports]
    assert 1 == sum("an observer failed" in record.message for record in caplog.records)
    assert 2 == sum("is not remembered" in record.message for record in caplog.records)
    assert {"one/object": 3, "two/object": 3} == bucket_pair.target.sizes()


def test_what_was_removed_or_vanished_is_told_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def steps(context: Context, _: object) -> Generator[Event, None, engine_run.StepsResult]:
        for key in ("a", "b", "a", "a"):
            yield Removed(context.job.name, key)
            yield Vanished(context.job.name, key)
        return engine_run.StepsResult(Status.SUCCEEDED)

    monkeypatch.setitem(engine_run._STEPS, Verb.RUN, steps)
    heard = list[Event]()
    service = Service.load(needs_jobs=True)
    service.run(service.jobs(["one"]), [heard.append])
    assert [Removed("one", "a"), Vanished("one", "a"), Removed("one", "b"), Vanished("one", "b")] == [
        event for event in heard if isinstance(event, Removed | Vanished)
    ]


def test_a_server_shows_which_observer_failed(folder: Path) -> None:
    def observer(event: Event) -> None:
        if isinstance(event, Planned):
            raise ValueError  # noqa: TRY004  any would do

    rooms = assemble(Service.load(needs_jobs=True), lambda *_, **__: None, [observer])
    rooms.begin()
    try:
        rooms.server.trigger("one")
        assert rooms.server.wait(60)
        (warning,) = rooms.server.state().warnings
        assert "observer failed at Planned: ValueError" in warning
    finally:
        rooms.end(10)


def test_a_server_without_a_thread_for_a_run_says_so_and_goes_on(folder: Path, hook: FakeHook) -> None:
    rooms = assemble(Service.load(needs_jobs=True), lambda *_, **__: None)
    spawn = rooms.server._around.spawn

    def starved(work: Callable[[], None], name: str) -> None:
        if name == "job-one":
            raise RuntimeError("can't start new thread")
        spawn(work, name)

    object.__setattr__(rooms.server._around, "spawn", starved)
    rooms.begin()
    try:
        for name in ("one", "two"):
            rooms.server.trigger(name)
        rooms.server.tick()
        assert rooms.server.wait(60)
        until(lambda: {"one": "failed", "two": "succeeded"} == told(hook))
        last = rooms.server.state().jobs[0].last
        assert last
        assert last.report
        assert Category.SYSTEM == last.report.problems[0].category
    finally:
        rooms.end(10)


READ_ONLY = 'for place in / /tmp /var/tmp "$(df --output=target . | tail -1)"; do mountpoint -q "$place" && '
READ_ONLY += 'mount -o remount,bind,ro "$place"; done; mount -t tmpfs tmpfs home'
"""Nothing can be written but the home: Python finds no folder for temporary files wherever it looks."""


def confined(cli: Cli, mounts: str, *arguments: str) -> Result:
    """Run the command where ``mounts``, a shell command, has changed the file systems for it alone."""
    unshare = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--mount", "--map-root-user"]
    done = subprocess.run(
        [*unshare, "sh", "-c", f'{mounts} && exec "$@"', "sh", str(COMMAND), *arguments],
        cwd=cli.folder,
        env=cli.environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Result(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(
    ("mounts", "category"),
    [
        (READ_ONLY, "system"),
        (f"mount -t tmpfs -o size=4k tmpfs tmp && head -c 4096 /dev/zero > tmp/full && {READ_ONLY}", "system"),
        *((f"mount -t tmpfs -o nr_inodes={number} tmpfs tmp", "disk-full") for number in range(2, 7)),
    ],
)
@pytest.mark.parametrize("command", ["run", "verify", "plan"])
def test_a_folder_for_temporary_files_that_takes_nothing(  # noqa: PLR0917
    cli: Cli, folder: Path, hook: FakeHook, mounts: str, category: str, command: str
) -> None:
    arguments = ("run", "--parallel", "1") if command == "run" else (command, "./one", "dst/some")
    done = confined(cli, mounts, *arguments, "--json", "--junit", "home/junit.xml")
    assert (2 if command == "run" else 1, 1) == (len(done.reports), done.code), done
    assert {"failed"} == {report["status"] for report in done.reports.values()}
    assert {category} == {found["category"] for report in done.reports.values() for found in report["problems"]}
    assert "Traceback" not in done.stderr
    if command == "run":
        assert {"one": "failed", "two": "failed"} == told(hook)


@pytest.mark.parametrize("size", ["32k", "64k", "128k", "256k"])
def test_differences_for_which_there_is_no_room(cli: Cli, folder: Path, bucket_pair: Pair, size: str) -> None:
    for number in range(5000):
        (folder / "one" / f"object with a long name {number:064}").touch()
    mounts = f"mount -t tmpfs -o size={size} tmpfs tmp"
    done = confined(cli, mounts, "run", "one", "two", "--parallel", "1", "--dry-run", "--json")
    assert {"one": "failed", "two": "succeeded"} == {name: one["status"] for name, one in done.reports.items()}
    (found,) = done.reports["one"]["problems"]
    assert ("disk-full", True) == (found["category"], "differences could not be kept in" in found["message"])
    assert str(folder / "tmp") in found["message"]
