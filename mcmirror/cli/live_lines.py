"""The lines of the live display: two for each job."""

from collections.abc import Iterable

from mcmirror.messages.events import PHASES
from mcmirror.messages.progress import counts, pace
from mcmirror.messages.text_style import Style, cells, cropped
from mcmirror.model.event import Phase
from mcmirror.model.progress import ProgressTracker
from mcmirror.model.wording import harmless, printable

NAME = 16
"""Columns for a job's name, at most."""
BAR = (8, 40)
"""Columns of a bar, at least and at most."""
SHORTEST_KEY = 12
"""Columns below which a key is left out."""
SHOWN = 8
"""Jobs drawn at once; the pool is rarely larger, and a screen has few lines."""


def board_lines(tracks: Iterable[ProgressTracker], done: int, total: int, now: float, style: Style) -> list[str]:
    """Return the lines of all running jobs; with several jobs, one more that counts them."""
    running = list(tracks)
    # A single job needs no name; the line is worth more.
    name = min(NAME, max((cells(harmless(track.job)) for track in running), default=0)) if total > 1 else 0
    lines = [line for track in running[:SHOWN] for line in _job(track, name, now, style)]
    if total > 1:
        counts = f"{done} of {total} jobs done, {len(running)} running"
        lines.append(style.paint(cropped(f" {counts}", style.width), "dim"))
    return lines


def _job(track: ProgressTracker, name: int, now: float, style: Style) -> list[str]:
    label = cropped(style.plain(harmless(track.job)), name) if name else ""
    label += " " * (name - cells(label))
    verb = PHASES[track.phase] if track.phase else "starting"
    facts = _facts(track, now)
    parts = [*([style.paint(label, "bold")] if name else []), f"{verb:<9}"]
    room = style.width - (name + 1 if name else 0) - 11
    if track.phase is Phase.MIRROR and track.total.objects:
        # The bar takes what the facts leave, and they what the shortest bar leaves.
        width = max(BAR[0], min(BAR[1], room - 6 - sum(len(fact) + 2 for fact in facts)))
        parts += [_bar(track.fraction, width, style), f"{track.fraction:>4.0%}"]
        room -= width + 6
    rest = _as_fits(facts, room - 1)
    if rest:
        parts.append(f" {rest}")
    front, key = _detail(track, style)
    second = f" {' ' * (name + 1) if name else ''}{front}"
    room = style.width - cells(second) - 3
    if key and room >= SHORTEST_KEY:
        second += f" {style.mark('·')} {cropped(key, room)}"
    return [" " + " ".join(parts), style.paint(cropped(second, style.width), "dim")]


def _facts(track: ProgressTracker, now: float) -> list[str]:
    facts = []
    if track.found:
        facts.append("1 problem" if track.found == 1 else f"{track.found:,} problems")
    return [*facts, *pace(track, now)]


def _as_fits(facts: list[str], room: int) -> str:
    while facts and len("  ".join(facts)) > room:
        facts = facts[:-1]
    return "  ".join(facts)


def _bar(fraction: float, width: int, style: Style) -> str:
    full = int(fraction * width)
    return style.paint(style.mark("━") * full, "green") + style.paint(style.mark("─") * (width - full), "dim")


def _detail(track: ProgressTracker, style: Style) -> tuple[str, str]:
    """Return counts and the key in work."""
    text = f" {style.mark('·')} ".join(counts(track))
    if not text:
        return f"{harmless(track.source)} {style.mark('→')} {harmless(track.target)}", ""
    return text, printable(track.key)
