"""The text of the run screen: places, phases, progress and log."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from textual.content import Content

from mcmirror.messages.events import PHASES
from mcmirror.messages.progress import counts, pace
from mcmirror.messages.text_style import cropped
from mcmirror.model.event import Phase
from mcmirror.model.wording import harmless, printable, shown_bytes, shown_seconds
from mcmirror.tui.fold import PLAN, RUN, VERIFY, Line, Seen
from mcmirror.tui.formatting import BAD, BOLD, BUSY, DIM, GOOD, WARN, age, bar, report_look

if TYPE_CHECKING:
    from mcmirror.model.report import RunReport
    from mcmirror.model.state import JobState
    from mcmirror.tui.source import View

STEPS = {
    RUN: (Phase.PREFLIGHT, Phase.PLAN, Phase.GUARD, Phase.MIRROR, Phase.VERIFY, Phase.REMOVE),
    PLAN: (Phase.PREFLIGHT, Phase.PLAN, Phase.GUARD),
    VERIFY: (Phase.PREFLIGHT, Phase.PLAN, Phase.VERIFY),
}
"""What is shown before it has begun; a run that has nothing to remove leaves steps out."""
_STYLES = {"phase": BOLD, "problem": BAD, "bad": BAD, "good": GOOD, "info": ""}
KEYS = 4
"""Keys in work that are shown."""


def what(name: str, job: JobState | None, seen: Seen | None, report: RunReport | None, verb: str) -> Content:
    """The pair and how it stands."""
    source = (seen.track.source if seen else "") or (report.source if report else "") or (job.source if job else "")
    target = (seen.track.target if seen else "") or (report.target if report else "") or (job.target if job else "")
    if report is not None:
        look = report_look(report, verb)
        stands = Content.styled(f"{look.mark} {look.word}", f"{look.style} bold")
    elif seen is not None and seen.cancelling:
        stands = Content.styled("▶ stopping, mc is asked to end", f"{WARN} bold")
    elif seen is not None and seen.waiting:
        stands = Content.styled(f"▶ waiting, another run writes to {harmless(seen.waiting)}", WARN)
    elif seen is not None or (job and job.run):
        elsewhere = "" if seen else ", in another process: its end will be seen here"
        stands = Content.styled(f"▶ under way{elsewhere}", f"{BUSY} bold")
    else:
        stands = Content.styled("○ not under way", DIM)
    pair = f"{harmless(source)} → {harmless(target)}" if source else ""
    return Content.assemble((harmless(name), BOLD), f"  {pair}  ", stands)


def steps(seen: Seen) -> Content:
    """What is behind, what goes on, what is to come."""
    spent = dict(seen.phases)
    if seen.report is not None:
        spent = {phase: seen.report.phases.get(phase.value, 0.0) for phase in spent}
    current = seen.track.phase if not seen.over else None
    parts: list[tuple[str, str]] = []
    for phase in (*STEPS[seen.verb], *(phase for phase in spent if phase not in STEPS[seen.verb])):
        word = PHASES[phase]
        if phase is current:
            parts.append((f"▶ {word} {shown_seconds(spent.get(phase, 0.0))}", f"{BUSY} bold"))
        elif phase in spent:
            time = f" {shown_seconds(spent[phase])}" if spent[phase] >= 0.05 else ""
            parts.append((f"✓ {word}{time}", "" if not seen.over else DIM))
        elif not seen.over:
            parts.append((word, DIM))
    return Content("  ").join(Content.styled(text, style) for text, style in parts)


def progress(seen: Seen, width: int) -> Content:
    """How far it is, against the plan's totals."""
    track = seen.track
    facts = [*counts(track), *pace(track, seen.now)]
    if track.phase is Phase.MIRROR and track.total.objects:
        facts += [f"highest {shown_bytes(max(seen.paces))}/s"] if seen.paces and width >= 100 else []
        share = track.fraction
    elif track.phase is Phase.REMOVE and track.plan is not None:
        whole = track.plan.extraneous.objects
        share = track.removed / whole if whole else 0.0
    elif track.phase is Phase.MIRROR:
        why = "totals are not known: this run had begun before" if seen.joined else "totals are not known"
        return Content.assemble(f"{', '.join(facts)}  ", (why, DIM))
    else:
        return Content(", ".join(facts))
    whole_line = Content.assemble(bar(share, width - 5), f" {share:>4.0%}")
    return Content("\n").join([whole_line, Content("  ·  ".join(facts))])


def keys(seen: Seen, width: int) -> Content:
    """The keys in work, the newest first; of a long one the end, which tells more than its beginning."""
    shown = seen.keys[-KEYS:] if seen.track.phase in {Phase.MIRROR, Phase.REMOVE} else ()
    return Content("\n").join(
        Content.assemble(("> ", BUSY), Content.styled(cropped(printable(key), width), DIM)) for key in reversed(shown)
    )


def ago(finished: str, now: float) -> str:
    """How long it is over."""
    return f"{age(now - datetime.fromisoformat(finished).timestamp())} ago" if finished else ""


def logged(line: Line, time: str) -> Content:
    """A line of what was said, with its time."""
    return Content.assemble((f"{time} ", DIM), (line.text, _STYLES[line.mark]))


def nothing(job: JobState | None, view: View) -> str:
    """Why there is nothing to be told."""
    if view.state is None:
        return "Reading ..."
    if job is None:
        return "There is no job of this name any more."
    if job.run:
        return "This run is under way; what it says is not heard here yet."
    return "It has not run yet: r runs it now, P shows what a run would do."
