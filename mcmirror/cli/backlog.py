"""``mcmirror backlog``: many keys of a job, worked off in batches by any number of processes."""

import json
import sys
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mcmirror.cli import options as o
from mcmirror.cli.commands import Group
from mcmirror.cli.table import columns
from mcmirror.codec.documents import BACKLOG, ITEM
from mcmirror.config import ConfigError, Mistake
from mcmirror.messages.error_lookup import problem
from mcmirror.model.backlog import Item, ItemState, summary
from mcmirror.model.problem import Category, Trouble
from mcmirror.model.redact import redactors
from mcmirror.model.wording import harmless, objects

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcmirror.model.job import Job
    from mcmirror.service import Service
    from mcmirror.service.backlog import JobBacklog

app = typer.Typer(
    help="Many keys of a job, worked off in batches by any number of processes and machines.",
    no_args_is_help=True,
    cls=Group,
    add_completion=False,
    rich_markup_mode=None,
)
JobName = Annotated[str, typer.Argument(metavar="JOB", help="Name of a job.")]
States = Annotated[
    list[ItemState] | None,
    typer.Option("--state", metavar="STATE", help=f"{', '.join(ItemState)}; repeatable."),
]
WORKED = (
    "Exit codes: 0 all that was due is done, 1 nothing could be decided, 2 usage or configuration, 3 some failed,"
    " 130 Ctrl-C, 143 SIGTERM."
)
UNFINISHED = tuple(state for state in ItemState if state is not ItemState.DONE)


@app.command(epilog=o.EXIT_CODES)
def prepare(job: JobName, *, quiet: o.Quiet = False, config: o.Config = None, as_json: o.JsonOption = False) -> None:
    """Put in every object that differs between source and target; what waits already is not put in twice.

    Both sides are listed once, and nothing is copied. A job that removes puts in what the source lacks, too.
    """
    from mcmirror.cli.backlog_work import prepare as prepare_

    with _opened(job, config) as backlog:
        raise typer.Exit(prepare_(backlog, quiet=quiet or as_json, as_json=as_json))


@app.command(epilog=WORKED)
def process(  # noqa: PLR0913  one parameter an option
    job: JobName,
    *,
    batch_size: Annotated[
        int, typer.Option("--batch-size", min=1, max=5000, metavar="N", help="Items of one batch. Default 100.")
    ] = 100,
    parallel: Annotated[
        int, typer.Option("--parallel", min=1, max=32, metavar="N", help="Batches at once in this process. Default 2.")
    ] = 2,
    once: Annotated[bool, typer.Option("--once", help="Work off one batch and end.")] = False,
    follow: Annotated[bool, typer.Option("--follow", help="Wait for further items until Ctrl-C.")] = False,
    max_delete: o.MaxDeletes = None,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
    config: o.Config = None,
    as_json: o.JsonOption = False,
) -> None:
    """Work off what is due, each item verified on both servers. Any number of processes may do so at once.

    An item belongs to one process at a time; those of a process that was killed come back after a minute.
    """
    from mcmirror.cli.backlog_work import Wish
    from mcmirror.cli.backlog_work import process as process_

    if once and follow:
        raise typer.BadParameter("--once ends after a batch, --follow never ends. Leave one out.", param_hint="--once")
    wish = Wish(batch_size, parallel, once=once, follow=follow, max_delete=max_delete, quiet=quiet, debug=debug)
    with _opened(job, config) as backlog:
        raise typer.Exit(process_(backlog, wish, as_json=as_json))


@app.command()
def status(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[JOB]...", help="Jobs; none: all that have one.")
    ] = None,
    *,
    config: o.ConfigOption = None,
    as_json: o.JsonOption = False,
) -> None:
    """Say how many items wait, are in work, failed and done, how fast it goes and how long it takes."""
    found = []
    with _service(config) as service:
        for job in service.jobs(names or []):
            with _backlog(service, job) as backlog:
                state = backlog.state()
            if names or state.open or state.dead or state.done or state.prepared:
                found.append((job.name, state))
    if as_json:
        print(json.dumps([{"job": name, **BACKLOG.to(state)} for name, state in found], indent=2))
        return
    for name, state in found:
        print(f"{name}: {summary(state)}")
        if state.error and (state.failed or state.dead):
            print(f"  why: {harmless(state.error)}")
            print(
                f"  do:  mcmirror backlog list {name} names the items; mcmirror backlog retry {name} tries them again."
            )
        elif state.held:
            print(
                f"  do:  mcmirror backlog retry {name}, then mcmirror backlog process {name} --max-delete {state.held}"
            )
    if not found:
        print("no job has a backlog: mcmirror backlog prepare JOB puts in what differs", file=sys.stderr)


@app.command("list")
def list_(  # noqa: PLR0913  one parameter an option
    job: JobName,
    *,
    state: States = None,
    after: Annotated[str, typer.Option("--after", metavar="KEY", help="From behind this key on.")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=100_000, metavar="N", help="Default 50.")] = 50,
    config: o.ConfigOption = None,
    as_json: o.JsonOption = False,
) -> None:
    """List items by key: all that are not done, or those in a state."""
    with _opened(job, config) as backlog:
        found = backlog.items.items(state or UNFINISHED, backlog.items.now(), after=after, limit=limit)
    if as_json:
        print(json.dumps([ITEM.to(one) for one in found], indent=2))
        return
    heads = ("KEY", "ACTION", "STATE", "ATTEMPTS", "SINCE (UTC)", "NEXT (UTC)", "ERROR")
    columns(heads, [_row(one) for one in found])
    if len(found) == limit:
        print(f"note: there may be more: --after {harmless(found[-1].key)}", file=sys.stderr)


@app.command()
def add(
    job: JobName,
    keys: Annotated[list[str], typer.Argument(metavar="KEY...", help="Below the source; - reads a key a line.")],
    *,
    config: o.ConfigOption = None,
) -> None:
    """Put in keys by name, for a system that knows what it has changed."""
    from mcmirror.model.change import Change

    given = [line.rstrip("\n") for line in sys.stdin] if keys == ["-"] else keys
    wanted = dict.fromkeys(key for key in given if key)
    with _opened(job, config) as backlog:
        added = backlog.enqueue([Change(key) for key in wanted])
    print(f"{job}: {objects(added)} put in, {len(wanted) - added:,} waited already")


@app.command()
def retry(
    job: JobName,
    keys: Annotated[list[str] | None, typer.Argument(metavar="[KEY]...", help="These alone; else all.")] = None,
    *,
    config: o.ConfigOption = None,
) -> None:
    """Try again at once what failed, was given up, or is held back."""
    with _opened(job, config) as backlog:
        print(f"{job}: {objects(backlog.items.retry(backlog.items.now(), keys or ()))} tried again")


@app.command()
def purge(job: JobName, *, state: States = None, config: o.ConfigOption = None) -> None:
    """Forget the items that are done, or those in a state. Nothing is removed on any server."""
    with _opened(job, config) as backlog:
        print(f"{job}: {objects(backlog.items.purge(state or (ItemState.DONE,), backlog.items.now()))} forgotten")


@app.command()
def pause(job: JobName, *, config: o.ConfigOption = None) -> None:
    """Begin no more batches, in whatever process, until resume. What is under way ends."""
    _pause(job, config, wanted=True)


@app.command()
def resume(job: JobName, *, config: o.ConfigOption = None) -> None:
    """Undo pause."""
    _pause(job, config, wanted=False)


def _pause(job: str, config: Path | None, *, wanted: bool) -> None:
    with _opened(job, config) as backlog:
        backlog.pause(wanted=wanted)
        if warning := backlog.unwritten:
            raise Trouble(problem(Category.DISK_FULL, "the pause could not be written down", warning))
    print(f"backlog of {job}: {'paused' if wanted else 'resumed'}")


@contextmanager
def _service(config: Path | None) -> "Iterator[Service]":
    """The service; a state that cannot be used is a Trouble."""
    from mcmirror.service import Service
    from mcmirror.store.database import Unusable

    service = Service.load(config, needs_jobs=True)
    redactors.append(service.redact)
    try:
        yield service
    except Unusable as error:
        what, _, why = str(error).partition(": the state cannot be used: ")
        raise Trouble(problem(Category.SYSTEM, f"{what}: the state cannot be used", why)) from None


@contextmanager
def _opened(name: str, config: Path | None) -> "Iterator[JobBacklog]":
    """The backlog of a job. Raises ConfigError for a job that cannot have one."""
    with _service(config) as service:
        (job,) = service.jobs([name])
        _check(service, job)
        with _backlog(service, job) as backlog:
            yield backlog


@contextmanager
def _backlog(service: "Service", job: "Job") -> "Iterator[JobBacklog]":
    from mcmirror.service.backlog import JobBacklog
    from mcmirror.store.database import Database
    from mcmirror.store.pauses import Pauses

    database = Database(service.state)
    try:
        yield JobBacklog(service, job, database, Pauses(database))
    finally:
        database.close()


def _check(service: "Service", job: "Job") -> None:
    from mcmirror.model.job import Assurance

    wrong = {"dry_run": job.options.dry_run, "assurance": job.assurance is Assurance.OFF, "prefix": "{" in job.prefix}
    for key in (key for key, is_so in wrong.items() if is_so):
        what = "a backlog belongs to one place, and each of its items is copied and verified"
        remedy = f"Take {key} out of the job."
        raise ConfigError([Mistake(service.configuration.origin, f"job.{job.name}.{key}", what, remedy)])


def _row(item: Item) -> list[str]:
    due = _time(item.due) if item.state in {ItemState.PENDING, ItemState.FAILED} else ""
    if item.state is ItemState.LEASED:
        item = replace(item, error=item.error or f"of the process {item.owner.rpartition(':')[0]}")
    return [
        harmless(item.key),
        item.action,
        item.state,
        str(item.attempts),
        _time(item.since),
        due,
        harmless(item.error),
    ]


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
