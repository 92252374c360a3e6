"""``manage.py process_pending_mirror_tasks``."""

import argparse
from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError, CommandParser

from mcmirror.backlog.processor import Batch
from mcmirror.contrib.django.command import MirrorCommand, ended
from mcmirror.contrib.django.configuration import own
from mcmirror.contrib.django.mirroring import BATCH, hand_over, process, ready
from mcmirror.contrib.django.triggers import kick
from mcmirror.model.backlog import BacklogState, summary
from mcmirror.model.job import MaxDelete
from mcmirror.model.report import ExitCode
from mcmirror.model.wording import objects, shown_bytes

if TYPE_CHECKING:
    from mcmirror.service.backlog import JobBacklog

THREADS, TASKS = 2, 100
COPYING, SENDING = ("batch_size", "parallel", "max_delete"), ("batches",)
"""The options of copying in this process, and of sending tasks."""
RETRY = "Look at them in the admin (mirrored items, by state) and choose Try again now; failed ones come by themselves."


def _limit(text: str) -> MaxDelete:
    try:
        return MaxDelete.parse(text)
    except ValueError as wrong:
        raise argparse.ArgumentTypeError(str(wrong)) from None


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def _refuse(given: set[str], *, sends: bool) -> None:
    """Raise CommandError for options that would have no effect."""
    if given:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in sorted(given))
        remedy = "Add --here to copy in this process" if sends else "Leave it out: nothing is sent"
        why = f"MCMIRROR_TRIGGER is {own('MCMIRROR_TRIGGER')!r}{', and tasks are sent' if sends else ''}"
        raise CommandError(f"{names}: no effect here. {why}. {remedy}.", returncode=ExitCode.USAGE)


class Command(MirrorCommand):
    """Works off the backlog, or has workers do so: MCMIRROR_TRIGGER says which."""

    help = (
        "Copy what waits, in batches, each object verified on both servers; with MCMIRROR_TRIGGER = 'celery' or 'tasks'"
        " send a task for each batch instead. Safe from cron every few minutes, twice at once, on many machines."
        " Exit codes: 0 all that was due is done, 1 nothing could be decided, 3 some objects failed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Its options."""
        parser.add_argument("--batch-size", type=_positive, metavar="N", help="Items of one batch. Default 100.")
        parser.add_argument("--parallel", type=_positive, metavar="N", help="Batches at once. Default 2.")
        parser.add_argument("--once", action="store_true", help="End after one batch.")
        parser.add_argument("--batches", type=_positive, metavar="N",
                            help="Tasks that one call sends at most. Default 100.")  # fmt: skip
        parser.add_argument("--max-delete", type=_limit, metavar="N|P%", help="Removals within an hour. Default 25%%.")
        parser.add_argument("--here", action="store_true", help="Copy in this process, whatever MCMIRROR_TRIGGER says.")

    def handle(self, *_: Any, **options: Any) -> None:
        """Copy, or send tasks."""
        with self.backlog() as (backlog, stop):
            sends = own("MCMIRROR_TRIGGER") != "cron" and not options["here"]
            _refuse({name for name in (COPYING if sends else SENDING) if options[name] is not None}, sends=sends)
            if sends:
                self._send(backlog, options)
                return
            total = process(
                backlog,
                stop,
                self._heard,
                size=options["batch_size"] or BATCH,
                threads=options["parallel"] or THREADS,
                once=options["once"],
                max_delete=options["max_delete"],
            )
            state = backlog.state()
            self._strangers(backlog)
            self.say(f"{_sum(total)}; {summary(state)}")
            ended(stop, _code(total, state), f"not all is mirrored: {summary(state)}")

    def _send(self, backlog: "JobBacklog", options: dict[str, Any]) -> None:
        hand_over(backlog)
        self._strangers(backlog)
        state = backlog.state()
        wanted = -(-(state.pending + state.failed) // BATCH)
        number = min(1 if options["once"] else wanted, wanted, options["batches"] or TASKS)
        try:
            for _ in range(number):
                kick()
        except Exception as error:  # noqa: BLE001  each queue has its own errors
            remedy = "See that the broker runs, or call this with --here, which needs none. Nothing is lost."
            self.problem("no task could be sent", f"{type(error).__name__}: {error}", remedy)
            raise CommandError(summary(state), returncode=ExitCode.FAILED) from None
        self.say(f"{number:,} {'task' if number == 1 else 'tasks'} sent; {summary(state)}")
        if state.dead or state.held:
            self.problem(f"{objects(state.dead + state.held)} wait for somebody", state.error, RETRY)

    def _heard(self, batch: Batch) -> None:
        if batch.trouble is not None:
            self.problems((batch.trouble,))
        elif batch.error:
            self.problem(f"{objects(batch.failed + batch.dead)} of a batch failed", batch.error, RETRY)
        elif batch.held:
            what, why = f"{objects(batch.held)} wait to be removed", "more than max_delete allows within an hour"
            self.problem(
                what, why, "If that is meant: retry them in the admin, then call this with --here --max-delete N."
            )

    def _strangers(self, backlog: "JobBacklog") -> None:
        left = ready()
        if number := left.count():
            place, key = left.values_list("place", "key")[0]
            what = f"these settings do not mirror {objects(number)} of the outbox"
            why = f"they are elsewhere, such as {key} in {place}"
            self.problem(what, why, "After a switch: call this once more with the settings from before it.")
        for pair, number in backlog.items.elsewhere(backlog.job.name).items():
            what, why = f"other settings have {objects(number)} waiting", f"they were to be mirrored as {pair}"
            remedy = "After a switch: call this once more with the settings from before it."
            self.problem(what, why, f"{remedy} Else prepare_mirroring_items_history puts in what still differs.")


def _sum(total: Batch) -> str:
    parts = [f"{objects(total.done)} done"]
    parts += [f"{total.copied:,} copied ({shown_bytes(total.bytes)})"] if total.copied else []
    parts += [f"{total.removed:,} removed"] if total.removed else []
    parts += [f"{total.failed:,} failed"] if total.failed else []
    parts += [f"{total.dead:,} given up"] if total.dead else []
    parts += [f"{total.held:,} removals held"] if total.held else []
    return ", ".join(parts)


def _code(total: Batch, state: BacklogState) -> ExitCode:
    if total.trouble is not None and not total.done:
        return ExitCode.FAILED
    unwell = total.trouble is not None or total.failed or total.dead or total.held or state.dead
    return ExitCode.PARTIAL if unwell else ExitCode.SUCCEEDED
