"""Follows the source of one job: dirty keys in batches, and full runs wherever events may have been lost."""

import logging
import random
import shlex
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from mcmirror.engine.attempts import pause
from mcmirror.engine.key_batch import Outcome
from mcmirror.model.change import Change
from mcmirror.model.dirty import Dirty, DirtyState
from mcmirror.model.job import Job, MaxDelete
from mcmirror.model.problem import Category, Problem
from mcmirror.model.realtime import POLL, Channel, Realtime, RealtimeState, ailment
from mcmirror.model.record import Record
from mcmirror.model.report import Status
from mcmirror.realtime.canary import Canary, Verdict
from mcmirror.realtime.listener import Listener
from mcmirror.realtime.removals import Removals
from mcmirror.store.database import Unusable
from mcmirror.store.dirty_keys import DirtyKeys

TELLS_NOTHING = frozenset((Category.PERMISSION, Category.EVENTS_UNSUPPORTED))
"""How a source refuses that has no events, or none for these keys."""
LARGEST = 400
"""Keys of one batch."""
ENOUGH = 100
"""Dirty keys at which a batch begins before its interval is over."""
UNREACHED = 15.0
"""Seconds after which a channel that has not opened counts as lost, and full runs take its place."""
UNPROVEN = 60.0
"""Seconds after which a channel without a canary's word is taken for open."""
FIRST_RETRY = 5.0
"""Seconds before a key that failed is looked at again, or a full run that failed is made again; doubling."""
FIRST_REST, LONGEST_REST = 2.0, 60.0
"""Seconds without batches after one that could decide nothing, doubling."""
LOOK = 5.0
"""Seconds between two looks at the clock while nothing happens."""
JUMP = 5.0
"""Seconds by which the clock must have gone back before it counts as having been set."""
MANY = 10_000
"""Dirty keys from which they are not counted after each batch."""
COUNTED, QUIET = 2.0, 60.0
"""Seconds for which a count of the dirty keys is good enough to be shown, and while there seem to be none."""


class Hands(Protocol):
    """What a follower does to the world; each method may take long, and raises nothing."""

    @property
    def paused(self) -> bool:
        """Whether nothing is to begin."""

    def catch_up(self) -> bool:
        """Begin a full run; False when one is under way, or none may begin now."""

    def sync(self, keys: Sequence[Dirty], limit: MaxDelete) -> Outcome:
        """Make these keys equal."""

    def heard(self, changes: Sequence[Change]) -> None:
        """Keys may have changed."""

    def say(self, level: str, event: str, text: str, /, **fields: object) -> None:
        """A line of the log."""

    def notice(self, what: str, why: str, remedy: str, *, good: bool) -> None:
        """An outage of real time, or its end: told once each."""


@dataclass(slots=True)
class _Runs:
    """The full runs."""

    wanted: float = 0.0
    """Events before this moment may have been lost; 0: none."""
    running: bool = False
    began: float = 0.0
    not_before: float = 0.0
    failures: int = 0


class Follower:
    """One job in real time: ``start``, ``stop``; its worker's thread does everything but listening."""

    def __init__(  # noqa: PLR0913  each from another hand
        self,
        job: Job,
        realtime: Realtime,
        dirty: DirtyKeys,
        hands: Hands,
        *,
        listener: Callable[["Follower"], Listener] | None = None,
        canary: Canary | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Without a ``listener`` the changes come by ``hear`` alone, or not at all."""
        self.job, self.realtime = job, realtime
        self._dirty, self._hands, self._canary, self._now = dirty, hands, canary, now
        self._listener = listener(self) if listener is not None else None
        self._removals = Removals(job.max_delete)
        self._wake = threading.Condition()
        self._woken = self._stopping = False
        self._thread = threading.Thread(target=self._work, name=f"realtime-{job.name}", daemon=True)
        start = now()
        quiet = Channel.POLLING if realtime.events == POLL else Channel.CONNECTING
        polls = realtime.poll_every if quiet is Channel.POLLING else 0.0
        self._state = RealtimeState(quiet, start, polls_every=polls, max_lag=realtime.max_lag)
        self._runs = _Runs(wanted=start)
        self._counted, self._count = 0.0, DirtyState()
        self._missed = self._ran = self._trusted = False
        self._last = start
        self._rest, self._not_before = FIRST_REST, 0.0
        self._target_objects = 0
        self._marked = start
        self._told = False

    # From any thread.

    def start(self) -> None:
        """Begin to listen and to work."""
        if self._listener is not None:
            self._listener.start()
        self._thread.start()

    def stop(self) -> None:
        """Begin nothing more."""
        with self._wake:
            self._stopping = True
            self._woke()
        if self._listener is not None:
            self._listener.stop()

    def join(self, seconds: float) -> bool:
        """Wait for the end of what is under way; whether it has ended."""
        if self._listener is not None:
            self._listener.join(min(seconds, 5.0))
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def hear(self, changes: Sequence[Change]) -> None:
        """Mark keys as dirty; where they cannot be stored, a full run takes their place."""
        with suppress(Unusable):
            self.store(changes)

    def store(self, changes: Sequence[Change]) -> None:
        """As ``hear``; raises Unusable when they are not stored, so that their sender sends them again."""
        keys = self._sorted_out(changes)
        if not keys:
            return
        self._hands.heard(keys)
        try:
            self._dirty.mark(keys, self._now())
        except Unusable as error:
            self._want(f"changes could not be stored: {error}")
            raise
        with self._wake:
            self._state = replace(self._state, events=self._state.events + len(keys))
            self._marked = self._marked or self._now()
            self._woke()

    def _sorted_out(self, changes: Sequence[Change]) -> list[Change]:
        """The changes by key, the last one of each; the canary is heard and no change."""
        canary = self.realtime.canary
        if canary and any(one.key.startswith(canary) for one in changes):
            if self._canary is not None:
                self._canary.heard()
            with self._wake:
                self._woke()
        return list({one.key: one for one in changes if not (canary and one.key.startswith(canary))}.values())

    def connected(self) -> None:
        """The channel is open: what happened before was not heard."""
        again = self._listener is not None and self._listener.connections > 1
        if again:
            self._want("the channel of events was closed and is open again")
        with self._wake:
            self._runs.wanted = self._now()  # one that began before has not seen what came until now
            if again:
                self._state = replace(self._state, reconnects=self._state.reconnects + 1)
            if self._canary is not None:
                self._canary.connected()
            self._woke()

    def began(self, record: Record) -> None:
        """A full run of the job begins, by whomever."""
        del record
        with self._wake:
            self._runs.running, self._runs.began = True, self._now()

    def ended(self, record: Record) -> None:
        """It has ended."""
        with self._wake:
            runs, report = self._runs, record.report
            began, runs.running, self._ran = datetime.fromisoformat(record.started).timestamp(), False, True
            good = report is not None and report.status is Status.SUCCEEDED
            if report is not None and report.status in {Status.SUCCEEDED, Status.PARTIAL}:
                runs.failures, runs.not_before = 0, 0.0
                tally = report.tally
                self._target_objects = tally.equal.objects + tally.done.objects + tally.kept.objects
                self._trusted = True
                if began >= runs.wanted:
                    runs.wanted = 0.0
            elif report is None or report.status not in {Status.REFUSED, Status.CANCELLED}:
                runs.failures += 1
                runs.not_before = self._now() + pause(FIRST_RETRY, runs.failures + 1, random.random())  # noqa: S311
                runs.wanted = runs.wanted or self._now()
            else:
                runs.wanted = 0.0  # somebody has to decide: the timetable's next run asks again
            self._woke()
        if good:
            self._release()

    def state(self) -> RealtimeState:
        """How it is."""
        now, count = self._now(), self._count
        lag = max(0.0, now - count.oldest) if count.count else 0.0
        with self._wake:
            state = self._state
            wanted = self._runs.running or bool(self._runs.wanted)
        return replace(
            state,
            dirty=count.count - count.held,
            lag=lag if count.count > count.held else 0.0,
            failing=count.failing,
            held=count.held,
            error=state.error or count.error,
            catching_up=wanted,
            heard=self._canary.last if self._canary else 0.0,
            proven=self._canary is not None and self._canary.verdict is Verdict.HEARS,
        )

    # The worker.

    def _work(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._woken or self._stopping, self._patience())
                self._woken = False
                if self._stopping:
                    return
            try:
                self.step()
            except Exception as error:
                # Whatever it is, the job is followed on, and its lag turns it red.
                logging.getLogger(__name__).exception("a mistake of ours ended a step of the job %s", self.job.name)
                self._rests(f"an unexpected {type(error).__name__}")

    def step(self) -> None:
        """Do what is due: listen to the canary, begin a full run, make a batch."""
        now = self._now()
        if now < self._last - JUMP:
            self._put_right(now)
        self._last = now
        self._judge_channel(now)
        if not self._hands.paused:
            self._catch_up(now)
            if not self._runs.running:
                self._batch(now)
        self._count_again(force=False)
        self._tell()

    def _put_right(self, now: float) -> None:
        """The clock was set back: nothing waits for a moment that it would not have been given now."""
        with self._wake:
            runs = self._runs
            runs.wanted, runs.began, runs.not_before = min(runs.wanted, now), min(runs.began, now), 0.0
            self._marked, self._not_before, self._counted = min(self._marked, now), 0.0, 0.0
        if self._canary is not None:
            self._canary.put_right()
        with suppress(Unusable):
            self._dirty.put_right(now)

    def _patience(self) -> float:
        """Seconds until something is due."""
        now = self._now()
        moments = [now + LOOK]
        if not (self._runs.running or self._hands.paused):
            if self._marked:
                moments.append(max(self._marked + self.realtime.batch_interval, self._not_before))
            if self._count.due > now:
                moments.append(self._count.due)
        if self._canary is not None and (self._listener is None or self._listener.problem is None):
            moments.append(self._canary.next)
        return max(0.05, min(moments) - now)

    def _judge_channel(self, now: float) -> None:
        """See whether events arrive."""
        if self.realtime.events == POLL:
            self._become(Channel.POLLING, "", now)
        elif self._listener is not None and not self._listener.open:
            self._judge_closed(self._listener.problem, now)
            if self._canary is not None and self._listener.problem is None:
                self._canary.knock(now)
        elif self._canary is not None:
            self._judge_by(self._canary, now)
        else:
            self._become(Channel.LISTENING, "", now)

    def _judge_closed(self, problem: Problem | None, now: float) -> None:
        state = self._state
        if problem is not None and problem.category in TELLS_NOTHING:
            self._become(Channel.POLLING, _said(problem), now)
        elif state.channel is Channel.LISTENING:
            self._become(Channel.CONNECTING, _said(problem), now)
        elif state.channel is Channel.CONNECTING and now - state.since > UNREACHED:
            self._become(Channel.LOST, _said(problem), now)

    def _judge_by(self, canary: Canary, now: float) -> None:
        verdict, unsure = canary.look(now), self._state.channel in {Channel.CONNECTING, Channel.LOST, Channel.POLLING}
        if canary.refused is not None:
            if unsure:
                what = "The canary cannot be written, so nobody knows whether events arrive."
                self._hands.say("warning", "canary_refused", what, job=self.job.name, why=_said(canary.refused))
                self._become(Channel.LISTENING, "", now)
        elif verdict is Verdict.HEARS:
            if self._missed:
                self._want("the channel of events was deaf")
            self._missed = False
            self._become(Channel.LISTENING, "", now)
        elif verdict is Verdict.MISSED:
            self._missed = True
            self._want("the canary was not heard")
            self._reconnect()
        elif verdict is Verdict.DEAF:
            why = f"{self.realtime.canary} was written at {self.job.source} and no event of it came"
            self._missed = True
            self._become(Channel.DEAF, why, now)
            self._reconnect()

    def _reconnect(self) -> None:
        if self._listener is not None:
            self._listener.reconnect()

    def _become(self, channel: Channel, why: str, now: float) -> None:
        with self._wake:
            before = self._state
            if before.channel is channel and before.why == why:
                return
            polls = self.realtime.poll_every if channel not in {Channel.LISTENING, Channel.CONNECTING} else 0.0
            self._state = replace(before, channel=channel, why=why, since=now, polls_every=polls)
        level = "info" if channel in {Channel.LISTENING, Channel.CONNECTING, Channel.POLLING} else "error"
        text = f"Real time: the channel of events is {channel}."
        self._hands.say(level, "realtime_channel", text, job=self.job.name, channel=channel.value, why=why)

    def _catch_up(self, now: float) -> None:
        runs, state = self._runs, self._state
        waiting = state.channel is Channel.CONNECTING and now - state.since < UNPROVEN
        due = bool(runs.wanted) and not waiting
        due |= bool(state.polls_every) and now - runs.began >= state.polls_every
        if due and not runs.running and now >= runs.not_before:
            with self._wake:
                runs.not_before = now + FIRST_RETRY
            self._hands.catch_up()

    def _want(self, why: str) -> None:
        """A full run is needed."""
        with self._wake:
            self._runs.wanted = self._now()
            self._state = replace(self._state, gaps=self._state.gaps + 1)
            self._woke()
        text = "Events may have been lost; a full run follows."
        self._hands.say("warning", "realtime_gap", text, job=self.job.name, why=why)

    def _batch(self, now: float) -> None:
        if not self._ran or now < self._not_before or not self._is_due(now):
            return
        with self._wake:
            self._marked = 0.0  # what is marked from here on waits for the next one
        try:
            now = self._now()
            keys = self._dirty.take(now, LARGEST)
            if not keys:
                return
            # Nothing is removed before a full run has seen a whole source.
            left = self._removals.left(now, self._target_objects) if self._trusted else MaxDelete(None, 0)
            outcome = self._hands.sync(keys, left)
            self._settle(outcome)
        except Unusable as error:
            self._rests(str(error))
            return
        if outcome.trouble is not None:
            self._rests(_said(outcome.trouble))
        else:
            self._rest, self._not_before = FIRST_REST, 0.0
            with self._wake:
                self._state = replace(self._state, error="")
                self._marked = now if len(keys) == LARGEST else self._marked

    def _is_due(self, now: float) -> bool:
        """Whether the first dirty key has waited long enough, or many wait, or one is to be tried again."""
        waited = 0.0 if self._count.failing else self.realtime.batch_interval + COUNTED
        if self._count.due and self._count.due + waited <= now:
            return True
        if not self._marked:
            return False
        if now - self._marked >= self.realtime.batch_interval:
            return True
        self._count_again(force=True)
        return self._count.count - self._count.held - self._count.failing >= ENOUGH

    def _settle(self, outcome: Outcome) -> None:
        now = self._now()
        due = {one: now + pause(FIRST_RETRY, one.attempts + 1, random.random()) for one in outcome.failed}  # noqa: S311
        self._dirty.settle([*outcome.settled, *outcome.impossible])
        self._dirty.fail(outcome.failed, due)
        again = dict.fromkeys(outcome.changed, "it changed while it was looked at")
        self._dirty.fail(again, dict.fromkeys(again, now))
        self._dirty.hold(outcome.held)
        self._removals.add(now, outcome.removed)
        longest = max((now - one.since for one in outcome.settled), default=0.0)
        with self._wake:
            self._state = replace(
                self._state,
                batches=self._state.batches + 1,
                copied=self._state.copied + outcome.copied.objects,
                removed=self._state.removed + outcome.removed,
                longest_lag=max(self._state.longest_lag, longest),
            )
        done = {"copied": outcome.copied.objects, "removed": outcome.removed, "failed": len(outcome.failed)}
        if any(done.values()):
            text = f"A batch: {', '.join(f'{number:,} {what}' for what, number in done.items() if number)}."
            self._hands.say("info", "batch", text, job=self.job.name, **done, seconds=round(longest, 3))
        if outcome.held:
            text = "Removals are held: more than max_delete allows within an hour."
            remedy = f"{self._run} removes them within max_delete; --max-delete NUMBER allows that run more."
            fields = {"job": self.job.name, "objects": len(outcome.held), "remedy": remedy}
            self._hands.say("error", "removals_held", text, **fields)
        self._count_again(force=True)

    def _rests(self, why: str) -> None:
        """A batch could decide nothing: the next one waits."""
        with self._wake:
            self._marked = self._marked or self._now()
        self._not_before = self._now() + self._rest
        self._rest = min(self._rest * 2, LONGEST_REST)
        if why != self._state.error:
            self._hands.say("warning", "batch_failed", "A batch could decide nothing; it is made again.",
                            job=self.job.name, why=why)  # fmt: skip
        self._state = replace(self._state, error=why)

    def _release(self) -> None:
        """A full run that succeeded has removed what was held, or was told not to: it is looked at again."""
        if self._count.held:
            try:
                self._dirty.release(self._now())
            except Unusable:
                return
            self._marked = self._marked or self._now()

    def _count_again(self, *, force: bool) -> None:
        now = self._now()
        fresh = COUNTED if self._count.count or self._marked else QUIET
        force = force and self._count.count < MANY
        if not force and now - self._counted < fresh:
            return
        try:
            self._count, self._counted = self._dirty.state(), now
        except Unusable:
            return

    def _tell(self) -> None:
        """Tell an outage once, and its end once."""
        state = self.state()
        wrong = ailment(self.job.name, state)
        if wrong and not self._told:
            self._told = True
            remedy = f"mcmirror status shows more; {self._run} copies what is missing."
            self._hands.notice(wrong, state.why or state.error, remedy, good=False)
        elif not wrong and self._told and state.channel in {Channel.LISTENING, Channel.POLLING}:
            self._told = False
            self._hands.notice(f"{self.job.name}: real time is well again", "", "", good=True)

    @property
    def _run(self) -> str:
        """The command for a full run."""
        return f"mcmirror run {shlex.quote(self.job.name)}"

    def _woke(self) -> None:
        self._woken = True
        self._wake.notify_all()


def _said(problem: Problem | None) -> str:
    if problem is None:
        return "no answer"
    return f"{problem.message}: {problem.cause}" if problem.cause else problem.message
