"""A dashboard whose source stands still, whose clock is frozen, and whose screen can be read as text."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC
from pathlib import Path
from typing import Any

from textual.pilot import Pilot, WaitForScreenTimeout
from textual.widgets import Static
from textual.worker import Worker, WorkerCancelled

from mcmirror.model.groups import Groups
from mcmirror.model.plan import Count
from mcmirror.model.record import Cause, Outcome, Record
from mcmirror.model.report import RunReport, Status, Tally
from mcmirror.model.state import JobState, State
from mcmirror.tui.app import Dashboard
from mcmirror.tui.fold import PLAN, RUN, VERIFY, Fold
from mcmirror.tui.source import Past, Refusal, View
from tests.ui_samples import PARTIAL, VERIFIED

NOW = 1_790_000_000.0
"""2026-09-21 14:13:20 UTC."""
PATIENCE = 120.0
ROUNDS = 10
"""Looks at a screen that does not come to rest: something on it moves by itself."""
SIZES = ((80, 24), (120, 40))
FAILED = replace(
    VERIFIED, job="invoices", source="onprem/invoices", target="aws/invoices-dr", status=Status.FAILED, verified=False,
    tally=Tally(), seconds=3.0, problems=(PARTIAL.problems[0],),
)  # fmt: skip


def record(job: str, report: RunReport, ago: float = 600.0) -> Record:
    """A run that ended some seconds ago."""
    ended = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(NOW - ago))
    return Record(
        f"{ended[:4]}-{job}", job, report.source, report.target, Cause.SCHEDULE, ended, "host", 7, ended,
        replace(report, job=job, source=f"onprem/{job}", target=f"aws/{job}-dr"),
    )  # fmt: skip


def job(name: str, report: RunReport | None = VERIFIED, ago: float = 600.0, **more: Any) -> JobState:
    """A job whose last run came to ``report``, that long ago."""
    last = record(name, report, ago) if report else None
    good = last is not None and last.succeeded
    values: dict[str, Any] = {
        "source": f"onprem/{name}",
        "target": f"aws/{name}-dr",
        "trigger": "cron 0 2 * * * (Asia/Seoul)",
        "next_run": NOW + 3 * 3600 + 100,
        "last": last,
        "last_success": NOW - ago if good else 0.0,
        "max_age": 26 * 3600.0,
        "overdue_since": (NOW - ago if good else NOW - 40 * 3600) + 26 * 3600,
    }
    return JobState(name, **{**values, **more})


PAST = tuple(Past("succeeded", float(seconds)) for seconds in (30, 45, 40, 72, 60, 20, 75, 72))
NOTHING = replace(VERIFIED, tally=Tally(equal=Count(300, 10_000)), seconds=1.2)
STATE = State(
    now=NOW,
    started=NOW - 1000,
    heartbeat=NOW - 1,
    service="nightly",
    jobs=(
        job("photos"),
        job("invoices", FAILED, 400),
        job("logs", NOTHING, 100, run="run-logs", phase="mirror", max_age=0.0, trigger="every 30m"),
        job("archive", NOTHING, 30 * 3600, trigger="cron 0 3 * * * (UTC)"),
        job("scratch", None, trigger="by hand", next_run=0.0, max_age=0.0, overdue_since=0.0),
        job("wiki", NOTHING, 5000, paused=True, trigger="every 1h"),
    ),
)
PASTS = {
    "photos": PAST,
    "invoices": (*PAST[:5], Past("failed", 3.0), Past("failed", 3.0)),
    "logs": PAST[3:],
    "archive": (*PAST, Past("cancelled", 1.0)),
    "wiki": PAST[:2],
}


@dataclass
class Still:
    """A source that does what a test says; ``asked`` holds what was asked of it."""

    current: View = field(default_factory=lambda: View(STATE, pasts=PASTS))
    fold: Fold = field(default_factory=lambda: Fold(lambda: 1000.0, lambda: NOW))
    where: str = "this process"
    edits: Path | None = None
    number: int = 0
    asked: list[tuple[Any, ...]] = field(default_factory=list)
    refusal: Refusal | None = None
    mine: tuple[str, ...] = ()
    begun: Callable[[str, str], None] = lambda _key, _job: None
    records: tuple[Record, ...] = ()
    grouped: Groups = field(default_factory=Groups)
    closed: bool = False
    creating: bool = False
    """Whether the last run was to make the target's bucket."""
    agreed: str = ""
    """The plan for which the last run was begun."""

    def start(self) -> None:
        self.asked.append(("start",))

    def close(self, signal: int = 0) -> None:
        self.closed = True
        self.asked.append(("close", signal))

    def view(self) -> View:
        return self.current

    def change(self, **more: Any) -> None:
        """Show another state."""
        assert self.current.state is not None
        self.current = replace(self.current, state=replace(self.current.state, **more))
        self.number += 1

    def ours(self) -> tuple[str, ...]:
        return self.mine

    def live(self, job: str) -> str:
        return self.fold.last(job)

    def _ask(self, *what: Any) -> None:
        self.asked.append(what)
        if self.refusal is not None:
            raise self.refusal

    def reload(self) -> None:
        self.asked.append(("reload",))

    def trigger(self, job: str, max_delete: int | None = None, plan: str = "", *, create_target: bool = False) -> str:
        self.agreed = plan
        self.creating = create_target
        self._ask("trigger", job, *([max_delete] if max_delete is not None else []))
        return self._begin(job, RUN)

    def plan(self, job: str) -> str:
        self._ask("plan", job)
        return self._begin(job, PLAN)

    def groups(self, key: str) -> Groups:
        self._ask("groups", key)
        return self.grouped

    def verify(self, job: str) -> str:
        self._ask("verify", job)
        return self._begin(job, VERIFY)

    def _begin(self, job: str, verb: str) -> str:
        key = f"{verb}-{job}"
        self.fold.begin(key, job, verb)
        self.begun(key, job)
        return key

    def cancel(self, key: str) -> None:
        self._ask("cancel", key)
        self.fold.mark_cancelling(key)

    def pause(self, job: str = "") -> None:
        self._ask("pause", job)

    def resume(self, job: str = "") -> None:
        self._ask("resume", job)

    def runs(self, *, job: str = "", status: str = "", before: str = "", limit: int = 50) -> tuple[Record, ...]:
        self._ask("runs", job, status, before, limit)
        return self.records[:limit]

    def run(self, run: str) -> Record:
        self._ask("run", run)
        return next(record for record in self.records if record.id == run)

    def fates(self, run: str) -> Iterator[tuple[Outcome, str]]:
        self._ask("fates", run)
        yield from ()


def still(**more: Any) -> Still:
    """A source; keywords are fields of its state."""
    return Still(View(replace(STATE, **more), pasts=PASTS))


class Patient(Dashboard):
    """What it says in passing stays: a machine that is busy takes longer to look than a person to read."""

    def notify(self, message: str, **how: Any) -> None:
        super().notify(message, **{**how, "timeout": 3600.0})


@asynccontextmanager
async def driven(source: Any, size: tuple[int, int] = (80, 24), **how: Any) -> AsyncIterator["Driver"]:
    """Run a dashboard over a source without a terminal."""
    app = Patient(source, **{"clock": lambda: NOW, "zone": UTC, **how})
    async with app.run_test(size=size, notifications=True) as pilot:
        driver = Driver(app, pilot)
        await driver.pause()
        yield driver


@dataclass
class Driver:
    """Presses keys and reads the screen."""

    app: Dashboard
    pilot: Pilot[Any]

    async def press(self, *keys: str) -> None:
        """Press keys, each for what stands on the screen once the one before it has done its work."""
        for key in keys:
            with suppress(WaitForScreenTimeout):  # pressed it is; a busy machine may need longer
                await self.pilot.press(key)
            await self.pause()

    async def type(self, text: str) -> None:
        with suppress(WaitForScreenTimeout):
            await self.pilot.press(*text)
        await self.pause()

    async def pause(self) -> None:
        """Until what was asked is done and painted.

        Not until the process is idle: one that gets no time looks so too. Only a screen that stays as it is, and to
        which nothing more is to be done, is done. One that moves by itself never is, so its moves are counted.
        """
        text, moves = "", 0
        deadline = time.monotonic() + PATIENCE
        while self.app.is_running and moves < ROUNDS and time.monotonic() < deadline:
            await self._look()
            before, text = text, self.text
            if before != text:
                moves += 1
            elif not await self._stays_pending():
                return

    async def _stays_pending(self) -> bool:
        """Whether something is left to be done that is not done within a moment: each look asks for a painting."""
        for _ in range(5):
            if not self._pending:
                return False
            await asyncio.sleep(0.02)
        return True

    async def _look(self) -> None:
        with suppress(WorkerCancelled):  # it is being left
            await self.app.workers.wait_for_complete(self._asking)
        await self._handled()
        self.app.paint()
        await self._handled()

    async def _handled(self) -> None:
        """Until what waits now is handled, or a while has gone by."""
        with suppress(WaitForScreenTimeout):
            await self.pilot.pause(0)

    @property
    def _pending(self) -> bool:
        """Whether something is asked, a message waits to be handled, or something to be laid out or drawn."""
        screen = self.app.screen
        pumps = [self.app, *screen.walk_children(with_self=True)]
        undrawn = screen._layout_required or screen._dirty_widgets or screen._callbacks
        return bool(self._asking or undrawn) or any(not pump._message_queue.empty() for pump in pumps)

    @property
    def _asking(self) -> list[Worker[Any]]:
        """What the source has been asked and has not answered yet."""
        return [one for one in self.app.workers if one.group == "ask" and not one.is_finished]

    @property
    def text(self) -> str:
        """The screen's lines."""
        width = self.app.size.width
        lines = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip)[:width].rstrip() for strip in lines)

    @property
    def words(self) -> str:
        """The screen's words, however its lines were broken, and without frames."""
        return " ".join(self.text.replace("│", " ").split())

    @property
    def asked(self) -> str:
        """What the dialog on top says."""
        return " ".join(str(one.render()) for one in self.app.screen.query(Static))

    @property
    def told(self) -> list[str]:
        """What was said in passing."""
        return [f"{one.title} {one.message}".strip() for one in self.app._notifications]

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for a condition, and then until all of what belongs to it is drawn: a screen is drawn in parts."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, f"it did not come to pass:\n{self.text}"
            await asyncio.sleep(0.02)
            await self._look()
        if self.app.is_running:
            await self.pause()
