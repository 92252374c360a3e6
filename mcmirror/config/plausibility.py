"""What is readable and cannot be meant: times of a job that contradict each other."""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from mcmirror.config import cron, syntax
from mcmirror.config.values import Mistake, Schedule

if TYPE_CHECKING:
    from mcmirror.config.schema import NotifyTable, OptionsTable

MINUTE = 60


def schedule(found: Schedule) -> Iterator[tuple[str, str, str]]:
    """What contradicts itself in it: ``max_age`` or ``jitter``, what is wrong, and the remedy."""
    shortest, longest = _distances(found)
    if not shortest:
        return
    if 0 < found.max_age < shortest:
        message = (
            f"{span(found.max_age)} is less than from run to run, {span(shortest)}: health would be red in between"
        )
        yield "max_age", message, f'Write more, for example "{_roomy(longest)}".'
    if found.jitter > shortest:
        more = f"{span(found.jitter)} is more than from run to run, {span(shortest)}"
        yield "jitter", f"{more}: a start would come after the next one", f'Write less than "{span(shortest)}".'


def rests(found: Schedule) -> str:
    """What to say of a schedule whose pauses are not all alike, and some longer than ``max_age``; else empty."""
    shortest, longest = _distances(found)
    if not shortest <= found.max_age < longest:
        return ""
    return (
        f"{span(found.max_age)} is less than the longest pause of its schedule, {span(longest)}: "
        f'health is red at its end although nothing is wrong; "{_roomy(longest)}" is more.'
    )


def jobs(file: str, written: Mapping[str, Mapping[str, Any]], schedules: Mapping[str, Schedule]) -> Iterator[Mistake]:
    """Jobs of a file whose times contradict each other."""
    for name, values in written.items():
        for key, message, remedy in schedule(schedules[name]):
            yield Mistake(file, f"job.{name}.{key}", message, remedy)
        newer, older = (_age(values.get(key)) for key in ("newer_than", "older_than"))
        if newer is not None and newer <= (older or 0.0):
            what = f"no object is younger than {values['newer_than']}"
            what += f" and older than {values['older_than']}" if older else ""
            remedy = "Exchange the two, or take one out." if older else 'Write more than zero, for example "7d".'
            yield Mistake(file, f"job.{name}.newer_than", what, remedy)


def notifiers(file: str, tables: "Mapping[str, NotifyTable]") -> Iterator[Mistake]:
    """Notifiers that hear nothing."""
    for name, table in tables.items():
        if table.on is not None and not table.on and not table.digest:
            remedy = 'Write on = ["failure"] or more, or take its name out of notify = [...].'
            yield Mistake(file, f"notify.{name}.on", "nothing would be told", remedy)


def idle(tables: "Mapping[str, OptionsTable]", schedules: Mapping[str, Schedule]) -> Iterator[str]:
    """What to say of keys that a job writes and that have no use there, and of what is never copied."""
    for name, table in tables.items():
        found = schedules[name]
        if not found.cron and not found.every:
            for key in ("catch_up", "jitter"):
                if getattr(table, key):
                    yield f"job.{name}.{key} has no use: the job has no schedule; write every or cron."
        if table.lock_timeout and found.lock in {"skip", "fail"}:
            yield f'job.{name}.lock_timeout has no use beside lock = "{found.lock}".'
        if rest := rests(found):
            yield f"job.{name}.max_age: {rest}"


def excludes_all(key: str, patterns: Iterable[str]) -> tuple[str, ...]:
    """What to say of a pattern that leaves nothing over."""
    return tuple(
        f"{key}: {pattern!r} leaves out every object: nothing is mirrored."
        for pattern in patterns
        if not pattern.strip("*")
    )


def span(seconds: float) -> str:
    """A duration as it is written: ``1d12h``, ``30m``, ``5s``."""
    left, parts = seconds, list[str]()
    for unit, size in (("d", 86400), ("h", 3600), ("m", MINUTE)):
        if left >= size:
            parts.append(f"{int(left // size)}{unit}")
            left %= size
    return "".join(parts) + (f"{left:g}s" if left or not parts else "")


def _distances(found: Schedule) -> tuple[float, float]:
    """Seconds of its shortest and its longest pause; 0 when it has no schedule."""
    if found.every:
        return found.every, found.every
    return cron.distances(found.cron) if found.cron else (0.0, 0.0)


def _roomy(pause: float) -> str:
    """A pause and some time for a run, in whole minutes."""
    return span(math.ceil((pause + max(pause / 12, MINUTE)) / MINUTE) * MINUTE)


def _age(text: str | None) -> float | None:
    return None if text is None else syntax.duration(text, most=syntax.OLDEST * 86400.0)
