"""What ``mcmirror backlog prepare`` and ``process`` do and print."""

import json
import sys
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcmirror.backlog.processor import Batch
from mcmirror.cli.console import Console, Manner
from mcmirror.cli.log import noted
from mcmirror.cli.mc_offer import offer_mc
from mcmirror.cli.signals import stopping
from mcmirror.cli.style import style_of
from mcmirror.codec.documents import BACKLOG
from mcmirror.messages.text_style import Style
from mcmirror.model.backlog import BacklogState, summary
from mcmirror.model.job import MaxDelete
from mcmirror.model.redact import redact
from mcmirror.model.report import ExitCode
from mcmirror.model.stop import Stop
from mcmirror.model.wording import harmless, objects, shown_bytes
from mcmirror.store.database import Unusable

if TYPE_CHECKING:
    from mcmirror.service.backlog import JobBacklog

SPOKEN = 5.0
"""Seconds between two lines about batches."""


@dataclass(frozen=True, slots=True)
class Wish:
    """How a backlog is to be worked off."""

    batch_size: int
    parallel: int
    once: bool = False
    follow: bool = False
    max_delete: MaxDelete | None = None
    quiet: bool = False
    debug: bool = False


def prepare(backlog: "JobBacklog", *, quiet: bool, as_json: bool) -> int:
    """Put in what differs; return the exit code."""
    job, stop, style = backlog.job, Stop(), style_of(sys.stderr)
    offer_mc(backlog.service)
    manner = Manner(verb="plan", quiet=quiet, again=lambda name: f"mcmirror backlog process {name}",
                    redact=backlog.service.redact)  # fmt: skip
    with stopping(stop), Console(sys.stderr, style, manner) as console, noted(console, debug=False):
        done = backlog.prepare(console, stop)
    if as_json:
        print(json.dumps({"job": job.name, "differing": done.differing, "added": done.added,
                          "status": done.report.status, "backlog": BACKLOG.to(backlog.state())},
                         indent=2))  # fmt: skip
    elif not quiet and not done.report.exit_code:
        waited = done.differing - done.added
        print(f"{job.name}: {objects(done.added)} put in" + (f", {waited:,} waited already" if waited else ""))
    if stop.requested:
        what, do = f"{job.name}: the rest was not put in", f"mcmirror backlog prepare {job.name} puts it in."
        _say(style, "yellow", f"problem: {what}", "  why: a stop was requested", f"  do:  {do}")
        return int(ExitCode.SIGTERM if stop.signal == 15 else ExitCode.SIGINT)
    return int(done.report.exit_code)


def process(backlog: "JobBacklog", wish: Wish, *, as_json: bool) -> int:
    """Work off what is due and say how it goes; return the exit code."""
    job, stop, style = backlog.job, Stop(), style_of(sys.stderr)
    offer_mc(backlog.service)
    talk = _Talk(backlog, style, quiet=wish.quiet or as_json)
    with stopping(stop):
        total = backlog.process(
            wish.batch_size,
            wish.parallel,
            stop,
            talk.heard,
            once=wish.once,
            follow=wish.follow,
            max_delete=wish.max_delete,
        )
        state = backlog.state()
        backlog.tell(state)
        told = backlog.finish(stop)
    for failed in told:
        _say(style, "yellow", f"note: {failed.what}", f"  why: {failed.why}", f"  do:  {failed.remedy}")
    if as_json:
        numbers = {name: getattr(total, name) for name in ("items", "done", "failed", "dead", "held", "copied", "bytes",
                                                           "removed")}  # fmt: skip
        why = total.trouble.message if total.trouble is not None else total.error
        print(json.dumps({"job": job.name, **numbers, "error": why, "backlog": BACKLOG.to(state)}, indent=2))
    else:
        talk.end(total, state)
    return int(_code(total, stop))


def _code(total: Batch, stop: Stop) -> ExitCode:
    if stop.requested:
        return ExitCode.SIGTERM if stop.signal == 15 else ExitCode.SIGINT
    if total.trouble is not None and not total.done:
        return ExitCode.FAILED
    unwell = total.trouble is not None or total.failed or total.dead or total.held
    return ExitCode.PARTIAL if unwell else ExitCode.SUCCEEDED


class _Talk:
    """Says every few seconds how it goes. Thread-safe."""

    def __init__(self, backlog: "JobBacklog", style: Style, *, quiet: bool) -> None:
        self._backlog, self._style, self._quiet = backlog, style, quiet
        self._lock = threading.Lock()
        self._spoken = 0.0
        self._errors = set[str]()

    def heard(self, batch: Batch) -> None:
        with self._lock:
            found = batch.trouble
            if found is not None:
                self._error(found.message, found.cause, found.remedy)
            elif batch.error:
                name = self._backlog.job.name
                then = "they are tried again by themselves" if batch.failed else "they are given up"
                which = " ".join(f"--state {word}" for word in ("failed", "dead") if getattr(batch, word))
                what = f"{objects(batch.failed + batch.dead)} of a batch failed; {then}"
                self._error(what, batch.error, f"mcmirror backlog list {name} {which} names them.")
            now = time.monotonic()
            if now - self._spoken < SPOKEN:
                return
            self._spoken = now
            try:
                state = self._backlog.state()
                self._backlog.tell(state)
            except Unusable:
                return
        line = summary(state)
        if not self._quiet:
            _say(self._style, "", f"{self._backlog.job.name}: {line}")

    def _error(self, what: str, why: str, remedy: str) -> None:
        if why not in self._errors:
            self._errors.add(why)
            _say(self._style, "yellow", f"problem: {what}", f"  why: {why}", f"  do:  {remedy}")

    def end(self, total: Batch, state: BacklogState) -> None:
        name = self._backlog.job.name
        if self._quiet and not (total.failed or total.dead or total.held or total.trouble):
            return
        parts = [f"{objects(total.done)} done"]
        parts += [f"{total.copied:,} copied ({shown_bytes(total.bytes)})"] if total.copied else []
        parts += [f"{total.removed:,} removed"] if total.removed else []
        parts += [f"{total.failed:,} failed"] if total.failed else []
        parts += [f"{total.dead:,} given up"] if total.dead else []
        parts += [f"{total.held:,} removals held"] if total.held else []
        print(f"{name}: {', '.join(parts)}; {summary(state)}", file=sys.stderr)


def _say(style: Style, colour: str, *lines: str) -> None:
    for line in lines:
        plain = harmless(redact(line))
        print(style.paint(plain, colour) if colour else plain, file=sys.stderr)
