"""Formats states, ages and sizes for few columns: a mark and a word, so that colour is not needed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from textual.content import Content

from mcmirror.messages.job_state import BY_HAND, NEEDS_YOU, last_verdict, status_verdict
from mcmirror.messages.text_style import cells, cropped
from mcmirror.messages.verdict import Tone, Verdict, verdict
from mcmirror.model.record import Record
from mcmirror.model.report import RunReport, Status
from mcmirror.model.state import JobState
from mcmirror.model.wording import harmless
from mcmirror.tui.source import Past

GOOD, BAD, WARN, BUSY, DIM, BOLD = "$text-success", "$text-error", "$text-warning", "$text-primary", "dim", "bold"
"""Styles; they follow the theme."""
_STYLES = {Tone.GOOD: GOOD, Tone.BAD: BAD, Tone.WARNING: WARN, Tone.PENDING: BUSY, Tone.NONE: DIM}
_BARS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True, slots=True)
class Look:
    """A mark, a word, and a style."""

    mark: str
    word: str
    style: str

    @property
    def content(self) -> Content:
        """Mark and word in the style."""
        return Content.styled(f"{self.mark} {self.word}", self.style)


def report_look(report: RunReport, verb: str = "run") -> Look:
    """How a run ended."""
    return _look(verdict(report, verb))


def status_look(status: str) -> Look:
    """How a run ended of which only the status is known."""
    return _look(status_verdict(status))


def job_look(job: JobState) -> Look:
    """How the last run of a job ended."""
    return _look(last_verdict(job))


def _look(found: Verdict) -> Look:
    return Look(found.mark, found.word, _STYLES[found.tone])


def age(seconds: float) -> str:
    """A time span in at most three figures and one letter: ``45s``, ``12m``, ``26h``, ``3d``."""
    seconds = max(0.0, seconds)
    for limit, unit, letter in ((120, 1, "s"), (7200, 60, "m"), (48 * 3600, 3600, "h")):
        if seconds < limit:
            return f"{int(seconds // unit)}{letter}"
    return f"{int(seconds // 86400)}d"


def clock(seconds: float, zone: tzinfo | None = None) -> str:
    """A time of the day, ``14:02:31``; local time without a zone."""
    return datetime.fromtimestamp(seconds, zone).strftime("%H:%M:%S")


def moment(seconds: float, now: float, zone: tzinfo | None = None) -> str:
    """A time: ``14:02`` today, ``21 Nov 14:02`` on any other day."""
    there, here = datetime.fromtimestamp(seconds, zone), datetime.fromtimestamp(now, zone)
    return there.strftime("%H:%M" if there.date() == here.date() else "%d %b %H:%M")


def success_age(job: JobState, now: float) -> Content:
    """The age of the last success against what is allowed."""
    text = age(now - job.last_success) if job.last_success else "never"
    if not job.max_age:
        return Content.styled(text, "" if job.last_success else DIM)
    if job.stale(now):
        return Content.styled(f"! {text}/{age(job.max_age)}" if job.last_success else "! never", f"{BAD} bold")
    return Content(f"{text}/{age(job.max_age)}")


def sparkline(pasts: Iterable[Past], width: int) -> Content:
    """The last runs, the newest on the right: as high as they were long, ``x`` where one failed."""
    shown = list(pasts)[-width:]
    most = max((past.seconds for past in shown), default=0.0)
    parts: list[tuple[str, str]] = []
    for past in shown:
        if past.status in NEEDS_YOU:
            parts.append(("x", f"{BAD} bold"))
        elif past.status != Status.SUCCEEDED:
            parts.append(("·", WARN))
        else:
            step = int(past.seconds / most * (len(_BARS) - 1)) if most else 0
            parts.append((_BARS[step], GOOD))
    return Content.assemble(" " * (width - len(shown)), *parts)


def fitted(text: str, width: int, *, right: bool = False) -> str:
    """Harmless text in exactly so many columns; what is too long loses its middle: both ends tell it apart."""
    text = harmless(text)
    if cells(text) > width:
        text = _ends(text, width)
    blank = " " * (width - cells(text))
    return blank + text if right else text + blank


def _ends(text: str, width: int) -> str:
    """Beginning and end of it with an ellipsis between, in at most so many columns."""
    if width < 2:
        return "…"[:width]
    end = cropped(text, (width - 1) * 2 // 5, "")
    beginning = ""
    for character in text:
        if cells(beginning + character) > width - 1 - cells(end):
            break
        beginning += character
    return f"{beginning}…{end}"


def pair(source: str, target: str, width: int) -> str:
    """Both places in exactly so many columns; what is cut is cut from the middle of the longer one, or of both."""
    source, target = harmless(source), harmless(target)
    left, right = shares((cells(source), cells(target)), max(0, width - 3))
    return fitted(f"{fitted(source, left)} → {fitted(target, right)}", width)


def shares(wanted: Sequence[int], room: int) -> tuple[int, ...]:
    """So many columns shared out: nobody gets more than is wanted, and nobody less than others while he wants more."""
    given = [0] * len(wanted)
    order = sorted(range(len(wanted)), key=lambda at: wanted[at])
    for number, at in enumerate(order):
        given[at] = min(wanted[at], room // (len(order) - number))
        room -= given[at]
    return tuple(given)


def trigger(job: JobState) -> str:
    """What begins it, in a word of the dashboard."""
    return "manual" if job.trigger == BY_HAND else job.trigger


def column(content: Content, width: int) -> Content:
    """Content in exactly so many columns."""
    return content.truncate(width, ellipsis=True, pad=True)


def widest(contents: Iterable[Content], least: int) -> int:
    """Columns that the longest of them takes, and no fewer than ``least``."""
    return max(least, *(content.cell_length for content in contents), 0)


def bar(fraction: float, width: int) -> Content:
    """How much is done."""
    full = round(max(0.0, min(1.0, fraction)) * width)
    return Content.assemble(("━" * full, GOOD), ("─" * (width - full), DIM))


def lines(*parts: Content | str) -> Content:
    """One below the other."""
    return Content("\n").join(parts)


def begun(record: Record, zone: tzinfo | None) -> str:
    """When it began: ``2026-11-21 14:02``."""
    return f"{datetime.fromisoformat(record.started).astimezone(zone):%Y-%m-%d %H:%M}"
