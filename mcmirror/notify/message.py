"""The message about a run, before the markup of a service. Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from mcmirror.messages.problems import of_run
from mcmirror.messages.verdict import headline
from mcmirror.model.cost import Requests
from mcmirror.model.record import Record
from mcmirror.model.report import RunReport, Status
from mcmirror.model.streak import FAILURES, Streak
from mcmirror.model.wording import cost, harmless, objects, printable, shown_bytes, shown_count, shown_seconds

NAMED = 10
"""Keys named in a message; report files name more."""


class Occasion(StrEnum):
    """What happened, in the words of ``on = [...]``; a cancelled run is no occasion to tell anybody."""

    START = "start"
    SUCCESS = "success"
    CHANGE = "change"
    """A success that copied or removed something."""
    FAILURE = "failure"
    RECOVERY = "recovery"
    """The first success after a failure."""
    DIGEST = "digest"
    """A day in one message."""
    CANCELLED = "cancelled"


class NotTold(Exception):
    """A message did not arrive: what, why, what to do. Holds no secret."""

    def __init__(self, what: str, why: str, remedy: str, *, wait: float = 0.0, final: bool = False) -> None:
        super().__init__(what)
        self.what, self.why, self.remedy = what, why, remedy
        self.wait = wait
        """Seconds that the service asks us to wait."""
        self.final = final
        """Whether this message will never be taken, however often it is sent."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What every message needs."""

    service: str = ""
    redact: Callable[[str], str] = str


@dataclass(frozen=True, slots=True)
class Message:
    """One thing to say about one job: plain text without markup."""

    job: str
    occasion: Occasion
    title: str
    facts: tuple[tuple[str, str], ...] = ()
    """Label and value."""
    problems: tuple[tuple[str, str, str], ...] = ()
    """What, why, what to do."""
    lists: tuple[tuple[str, tuple[str, ...], int], ...] = ()
    """A heading, the keys that are named, and how many more there are."""
    loud: bool = True
    """Whether people shall notice; else it only brings an earlier message up to date."""
    moments: tuple[tuple[str, int], ...] = ()
    """Times as the facts have them, and the same in seconds since the epoch: some services show them their own way."""

    def redacted(self, redact: Callable[[str], str]) -> "Message":
        """The same without secrets."""
        return replace(
            self,
            job=redact(self.job),
            title=redact(self.title),
            facts=tuple((label, redact(value)) for label, value in self.facts),
            problems=tuple((redact(what), redact(why), redact(remedy)) for what, why, remedy in self.problems),
            lists=tuple((head, tuple(map(redact, keys)), more) for head, keys, more in self.lists),
        )


def message_document(message: Message) -> dict[str, Any]:
    """The message as JSON."""
    return asdict(message)


def message_of(document: Mapping[str, Any]) -> Message:
    """The message that a document was made of; KeyError, TypeError or ValueError when it is none."""
    return Message(
        job=document["job"],
        occasion=Occasion(document["occasion"]),
        title=document["title"],
        facts=tuple((label, value) for label, value in document["facts"]),
        problems=tuple((what, why, remedy) for what, why, remedy in document["problems"]),
        lists=tuple((head, tuple(keys), more) for head, keys, more in document["lists"]),
        loud=document["loud"],
        # One of an earlier version has none.
        moments=tuple((text, int(seconds)) for text, seconds in document.get("moments", ())),
    )


def occasion(report: RunReport, before: Streak) -> Occasion:
    """What a finished run is, seen from what was known before."""
    if report.status is Status.CANCELLED:
        return Occasion.CANCELLED
    if report.status in FAILURES:
        return Occasion.FAILURE
    if before.failures:
        return Occasion.RECOVERY
    return Occasion.CHANGE if _changed(report) else Occasion.SUCCESS


def wanted(occasion: Occasion, report: RunReport, on: Iterable[str]) -> bool:
    """Whether somebody who wants to hear of ``on`` wants to hear of this."""
    names = {occasion.value}
    if report.status is Status.SUCCEEDED:
        names |= {"success", "change"} if _changed(report) else {"success"}
    if report.status in (Status.PARTIAL, Status.REFUSED):
        names.add(report.status.value)
    return not names.isdisjoint(on)


def _changed(report: RunReport) -> bool:
    return bool(report.tally.done.objects or report.tally.removed.objects)


def shown_moment(seconds: float, zone: str) -> tuple[str, int]:
    """A time as it is read in that zone, ``2026-11-21 02:00 KST``, and its seconds since the epoch."""
    moment = datetime.fromtimestamp(seconds, ZoneInfo(zone))
    return f"{moment:%Y-%m-%d %H:%M %Z}", int(seconds)


def _moment(text: str, zone: str) -> tuple[tuple[str, int], ...]:
    """The moment of RFC 3339, if there is one."""
    return (shown_moment(datetime.fromisoformat(text).timestamp(), zone),) if text else ()


def started(record: Record, service: str, zone: str = "UTC") -> Message:
    """Say that a run begins; times are those of ``zone``."""
    begun = _moment(record.started, zone)
    facts = (
        ("Service", service),
        ("Source", record.source),
        ("Target", record.target),
        *(("Began", text) for text, _ in begun),
        ("Run", record.id),
    )
    job = harmless(record.job)
    return Message(job, Occasion.START, f"{job} started", _facts(facts), moments=begun)


def finished(  # noqa: PLR0913  each from another hand
    report: RunReport,
    what: Occasion,
    streak: Streak,
    *,
    service: str = "",
    source: str = "",
    run: str = "",
    loud: bool = True,
    zone: str = "UTC",
) -> Message:
    """Say how a run ended. ``source`` is the job's without its prefix; ``streak`` as it was before a recovery.

    Times are those of ``zone``.
    """
    begun, since = _moment(report.started, zone), _moment(streak.since, zone)
    tally = report.tally
    job = harmless(report.job)
    prefix = report.source.removeprefix(f"{source}/") if source and report.source.startswith(f"{source}/") else ""
    copied = shown_count(tally.done)
    if tally.done != tally.planned:
        copied = f"{tally.done.objects:,} of {objects(tally.planned.objects)}, {shown_bytes(tally.done.bytes)}"
        copied += f" of {shown_bytes(tally.planned.bytes)}"
    removed = shown_count(tally.removed)
    if tally.removed != tally.to_remove and tally.to_remove.objects:
        removed = f"{tally.removed.objects:,} of {objects(tally.to_remove.objects)}"
    facts = (
        ("Service", service),
        ("Source", report.source.removesuffix(f"/{prefix}") if prefix else report.source),
        ("Target", report.target.removesuffix(f"/{prefix}") if prefix else report.target),
        ("Prefix", prefix),
        ("Made", f"the bucket {report.created}" if report.created else ""),
        ("Copied", copied if tally.planned.objects or tally.done.objects else ""),
        ("Removed", removed if tally.removed.objects or tally.to_remove.objects else ""),
        ("Kept", f"{shown_count(tally.kept)}, different, overwrite is off" if tally.kept.objects else ""),
        ("Remaining", shown_count(tally.remaining) if tally.remaining.objects else ""),
        *(("Began", text) for text, _ in begun),
        ("Duration", shown_seconds(report.lasted) + _attempts(report.attempts)),
        ("Requests", cost(report.requests) if report.requests != Requests() else ""),
        *(("History", _history(what, streak, text)) for text, _ in since),
        ("Run", run),
    )
    return Message(
        job,
        what,
        headline(replace(report, failures=streak.failures), recovered=what is Occasion.RECOVERY),
        _facts(facts),
        tuple((told.counted, told.why, told.remedy) for told in of_run(report)),
        _lists(report),
        loud,
        (*begun, *since),
    )


def _attempts(attempts: int) -> str:
    return f", {attempts} attempts" if attempts > 1 else ""


def _history(what: Occasion, streak: Streak, since: str) -> str:
    number = "the first failure" if streak.failures == 1 else f"{streak.failures:,} failures in a row"
    if what is Occasion.RECOVERY:
        return f"after {number.replace('the first', 'one')}, since {since}"
    return f"{number}, since {since}" if what is Occasion.FAILURE and streak.failures > 1 else ""


def _facts(facts: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple((label, harmless(value)) for label, value in facts if value)


def _lists(report: RunReport) -> tuple[tuple[str, tuple[str, ...], int], ...]:
    removed = tuple(printable(key) for key in report.removed[:NAMED])
    remaining = tuple(f"{printable(one.key)}: {harmless(one.reason)}" for one in report.remaining[:NAMED])
    found = (
        ("Objects removed", removed, report.tally.removed.objects - len(removed)),
        ("Objects remaining", remaining, report.tally.remaining.objects - len(remaining)),
    )
    return tuple((head, keys, max(0, more)) for head, keys, more in found if keys)


def plain(message: Message, limit: int) -> str:
    """The whole message as text of at most ``limit`` characters."""
    lines = [message.title, *(f"{label}: {value}" for label, value in message.facts)]
    for what, why, remedy in message.problems:
        lines += [f"Problem: {what}", *([f"Why: {why}"] if why else []), *([f"Do: {remedy}"] if remedy else [])]
    for head, keys, more in message.lists:
        lines += [f"{head}:", *(f"- {key}" for key in keys), *([f"- and {more:,} more"] if more else [])]
    return shortened("\n".join(lines), limit)


def shortened(text: str, limit: int) -> str:
    """``text``, its end replaced by an ellipsis when it is too long."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
