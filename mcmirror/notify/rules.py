"""Decides which messages a listener gets about a run, and what is remembered of it. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from mcmirror.model.delivery import Decision, Delivery, Known, delivery_id
from mcmirror.model.problem import Category, Problem
from mcmirror.model.record import Record
from mcmirror.model.report import RunReport, Status
from mcmirror.model.streak import FAILURES, Streak
from mcmirror.model.wording import harmless
from mcmirror.notify.listener import Listener
from mcmirror.notify.message import Desk, Message, Occasion, finished, occasion, plain, started, wanted
from mcmirror.notify.webhook import BODY, Hook, Pings

CHECK = "check"
"""All pings of one listener are one queue: the last of them is what the check shows."""
_START = frozenset({Occasion.START.value})
_ANY = frozenset({"start", "success", "failure"})
"""The kinds of pings."""
Judge = Callable[[Known], Decision]


@dataclass(frozen=True, slots=True)
class _Seen:
    """A run that ended, as one listener sees it."""

    record: Record
    report: RunReport
    job: str
    before: Streak
    what: Occasion


def begun(listener: Listener, record: Record, desk: Desk, together: Sequence[str] = ()) -> Decision:
    """What is told when a run begins; to a check perhaps of several jobs ``together``, the record being the first's."""
    if "start" not in listener.on:
        return Decision()
    if isinstance(listener.channel, Pings):
        jobs = "\n".join(map(harmless, together or (record.job,)))
        ping = _ping(listener, record.id, "start", Occasion.START.value, desk.redact(f"mcmirror: started\n{jobs}"))
        return Decision(deliveries=(ping,), replaces=_START)
    message = started(record, desk.service, listener.timezone)
    delivery = telling(listener, message, desk, listener.key(record), record=record)
    return Decision(deliveries=(delivery,), replaces=_START)


def ended(listener: Listener, records: Sequence[Record], desk: Desk, now: datetime, rid: str = "") -> Judge:
    """Return what decides what is told when these runs have ended: several of them only to a check."""

    def judge(known: Known) -> Decision:
        seen = []
        for record in records:
            if record.id in known.runs and record.report is not None:
                before = known.streaks[listener.key(record)]
                what = occasion(record.report, before)
                seen.append(_Seen(record, record.report, listener.key(record), before, what))
        if isinstance(listener.channel, Pings):
            return _pinged(listener, seen, known, desk, now, rid)
        decisions = [_told(listener, one, desk, now) for one in seen]
        return decisions[0] if decisions else Decision()

    return judge


def _told(listener: Listener, seen: _Seen, desk: Desk, now: datetime) -> Decision:
    what, report = seen.what, seen.report
    if what is Occasion.CANCELLED:
        after, loud = seen.before, False
    else:
        after, loud = seen.before.after(report, now), wanted(what, report, listener.on)
    replaces = _START
    if what is Occasion.FAILURE:
        loud = loud and after.due(report, now)
        after = after.heard(report, now) if loud else after
        # A failure that could not be delivered gives way to the next, which counts it.
        if "start" not in listener.on and not isinstance(listener.channel, Hook):
            replaces |= {Occasion.FAILURE.value}
    streaks = {} if what is Occasion.CANCELLED else {seen.job: after}
    if not loud and "start" not in listener.on:
        return Decision(streaks)
    message = finished(
        report,
        what,
        seen.before if what is Occasion.RECOVERY else after,
        service=desk.service,
        source=seen.record.source,
        run=seen.record.id,
        # Where nothing can be changed, whoever heard of a start hears of its end.
        loud=loud or not listener.channel.edits,
        zone=listener.timezone,
    )
    return Decision(streaks, (telling(listener, message, desk, seen.job, record=seen.record),), replaces)


def telling(  # noqa: PLR0913
    listener: Listener, message: Message, desk: Desk, job: str, *, record: Record | None = None, name: str = ""
) -> Delivery:
    """A message on its way; ``name`` makes it unique where there is no run."""
    if isinstance(listener.channel, Pings):
        raise TypeError("a check takes pings only")
    run, kind = record.id if record else "", message.occasion.value
    number = delivery_id(listener.name, run, kind, name)
    payload = listener.channel.payload(number, message.redacted(desk.redact), desk, record)
    return Delivery(number, listener.name, job, run, kind, payload)


def _pinged(  # noqa: PLR0913, PLR0917
    listener: Listener, seen: Sequence[_Seen], known: Known, desk: Desk, now: datetime, rid: str
) -> Decision:
    """A check is told that all is well only when that holds for every job it hears of."""
    counted = [one for one in seen if one.what is not Occasion.CANCELLED]
    streaks = {one.job: one.before.after(one.report, now) for one in counted}
    bad = [one for one in counted if one.what is Occasion.FAILURE]
    still_bad = (known.failing & listener.keys) - streaks.keys()
    if not bad and (still_bad or len(counted) < len(seen)):
        return Decision(streaks)
    if not any(wanted(one.what, one.report, listener.on) for one in bad or counted):
        return Decision(streaks)
    # Failures first: services keep the beginning of a body.
    ordered = (*bad, *(one for one in counted if one not in bad))
    body = "\n\n".join(_body(one, desk, listener.timezone) for one in ordered)
    ending, kind = ("fail", Occasion.FAILURE) if bad else ("", Occasion.SUCCESS)
    ping = _ping(listener, rid or seen[0].record.id, ending, kind.value, body[:BODY])
    return Decision(streaks, (ping,), _ANY)


def _body(seen: _Seen, desk: Desk, zone: str) -> str:
    record = seen.record
    message = finished(
        seen.report, seen.what, seen.before, service=desk.service, source=record.source, run=record.id, zone=zone
    )
    return plain(message.redacted(desk.redact), BODY if seen.report.status in FAILURES else 500)


def _ping(listener: Listener, run: str, ending: str, kind: str, body: str) -> Delivery:
    payload = {"ending": ending, "body": body, "rid": delivery_id("rid", run)}
    return Delivery(delivery_id(listener.name, run, kind), listener.name, CHECK, run, kind, payload)


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that is no run: a configuration that was refused, or is ``good`` again."""

    kind: str
    """One word a thing that can be bad or good, such as ``configuration``."""
    what: str
    why: str
    remedy: str
    good: bool = False

    def remembered_as(self, desk: Desk) -> str:
        """The name under which its streak is kept."""
        return f"{desk.service} notice {self.kind}".strip()


def noticed(listener: Listener, notice: Notice, desk: Desk, now: datetime) -> Judge:
    """Return what decides what is told of it: as of a run, the first time and then at growing distances."""
    problem = Problem(Category.CONFIGURATION, notice.what, notice.why, notice.remedy)
    status, problems = (Status.SUCCEEDED, ()) if notice.good else (Status.FAILED, (problem,))
    report = RunReport(notice.kind, "", "", status, verified=False, problems=problems)
    job = notice.remembered_as(desk)

    def judge(known: Known) -> Decision:
        before = known.streaks[job]
        if isinstance(listener.channel, Pings) or (notice.good and not before.failures):
            return Decision()
        after = before.after(report, now)
        what = Occasion.RECOVERY if notice.good else Occasion.FAILURE
        loud = what.value in listener.on and (notice.good or after.due(report, now))
        if loud and not notice.good:
            after = after.heard(report, now)
        if not loud:
            return Decision({job: after})
        parts = (harmless(notice.what), harmless(notice.why), harmless(notice.remedy))
        facts = (("Service", harmless(desk.service)),) if desk.service else ()
        title = f"{harmless(desk.service) or 'mcmirror'}: {parts[0]}"
        message = Message(notice.kind, what, title, facts, () if notice.good else (parts,))
        number = f"{notice.kind} {now.isoformat()}"
        return Decision({job: after}, (telling(listener, message, desk, job, name=number),))

    return judge
