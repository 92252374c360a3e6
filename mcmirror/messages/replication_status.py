"""How a replication stands, and how two buckets compare, as lines of text. Pure."""

from mcmirror.messages.replication import problem_lines
from mcmirror.messages.text_style import Style
from mcmirror.model.replication import Direction, Resync
from mcmirror.model.replication_status import (
    Comparison,
    DirectionStatus,
    Found,
    Gap,
    ReplicationMark,
    ResyncOutcome,
    Tally,
)
from mcmirror.model.wording import harmless, printable, shown_bytes, shown_seconds

NAMED = 20
"""Versions of each kind that are named to people."""
_MARKS = {
    ReplicationMark.PENDING: "pending",
    ReplicationMark.FAILED: "failed",
    ReplicationMark.COMPLETED: "reported as replicated, and not there",
    ReplicationMark.REPLICA: "replicas themselves, which are not sent on",
    ReplicationMark.NONE: "from before the rule, or not covered by it",
    ReplicationMark.UNKNOWN: "in a state that is not known",
}
_GAPS = {Gap.MISSING: "missing on the target", Gap.DIFFERENT: "different", Gap.EXTRA: "only on the target"}


def status_lines(status: DirectionStatus, style: Style) -> list[str]:
    """One direction."""
    colour, mark = ("green", "✓") if status.well else ("red", "✗")
    state = style.paint(state_text(status), colour)
    lines = [
        f"{style.paint(style.mark(mark), colour)} {_pair(status.direction, style)}: {state}",
        *style.row("rule", _rule(status)),
        *style.row("target", online_text(status)),
    ]
    if status.comparison is not None:
        lines += style.row("behind", behind_text(status))
        lines += style.row("versions", _versions(status.comparison))
    lag = shown_seconds(status.lag) if status.lag else "none" if status.lag == 0 else "unknown"
    lines += style.row("lag", lag)
    return [*lines, *(problem_lines(status.problem, style) if status.problem else ())]


def state_text(status: DirectionStatus) -> str:
    """How it stands, in a word or two."""
    if not status.rule:
        return "cannot be asked" if status.problem and status.comparison is None else "no rule"
    if not status.enabled:
        return "switched off"
    if status.online is False or status.problem:
        return "offline"
    if status.comparison is None:
        return "online"
    if status.behind:
        return "behind"
    return "in sync" if status.well else "different"


def online_text(status: DirectionStatus) -> str:
    """Whether the server of the source reaches the target, and since when."""
    seen = f"{status.last_online[:19].replace('T', ' ')} UTC" if status.last_online else ""
    if status.online is None:
        return "the server of the source has not looked yet"
    if status.online:
        return f"online, seen {seen}" if seen else "online"
    return f"offline since {seen}" if seen else "offline"


def behind_text(status: DirectionStatus) -> str:
    """What is still to come, by what its server has noted."""
    found = status.comparison
    if found is None or not found.missing.number:
        return "nothing"
    marks = ", ".join(f"{number:,} {_MARKS[mark]}" for mark, number in status.marks.items())
    at_least = "" if found.whole else "at least "
    return f"{at_least}{_counted(found.missing)}" + (f": {marks}" if marks else "")


def verify_lines(direction: Direction, found: Comparison, style: Style, *, kept: bool) -> list[str]:
    """Two buckets compared; ``kept`` says that what is only on the target is meant to stay there."""
    lines = list[str]()
    for gap in Gap:
        named = [one for one in found.named if one.gap is gap]
        lines += [_found(one) for one in named[:NAMED]]
        number = _tally(found, gap).number
        if number > NAMED:
            lines.append(f"  ... and {number - NAMED:,} more {_GAPS[gap]}")
    wrong = found.missing.number + found.different.number + (0 if kept else found.extra.number)
    colour, mark = ("red", "✗") if wrong else ("green", "✓")
    lines.append(f"{style.paint(style.mark(mark), colour)} {_pair(direction, style)}: {_verdict(found, wrong)}")
    return [*lines, *style.row("versions", _versions(found))]


def _verdict(found: Comparison, wrong: int) -> str:
    parts = [f"{_counted(_tally(found, gap))} {_GAPS[gap]}" for gap in Gap if _tally(found, gap).number]
    if not parts:
        return "both buckets have the same versions and delete markers"
    return "; ".join(parts) + ("" if wrong else ", where removals are not replicated")


def progress_text(direction: Direction, resync: Resync, style: Style) -> str:
    """How far a resync is, as its server says."""
    return f"  {_pair(direction, style)}: {resync.status.lower() or 'begins'}, {resync.replicated:,} replicated"


def resync_lines(outcome: ResyncOutcome, style: Style) -> list[str]:
    """What a resync came to."""
    ended = f"the resync is {outcome.resync.status.lower()}; what counts is what is there now:"
    return [f"{_pair(outcome.direction, style)}: {ended}", *status_lines(outcome.status, style)]


def _tally(found: Comparison, gap: Gap) -> Tally:
    return {Gap.MISSING: found.missing, Gap.DIFFERENT: found.different, Gap.EXTRA: found.extra}[gap]


def _found(found: Found) -> str:
    kind = "delete marker" if found.version.marker else shown_bytes(found.version.size)
    return f"  {_GAPS[found.gap]}: {printable(found.version.key)} ({kind}, version {harmless(found.version.id)})"


def _versions(found: Comparison) -> str:
    target = f"{_counted(found.target)} on the target" if found.whole else "the target could not be listed"
    return f"{_counted(found.source)} at the source, {target}"


def _counted(tally: Tally) -> str:
    versions = f"{tally.versions:,} {'version' if tally.versions == 1 else 'versions'} ({shown_bytes(tally.bytes)})"
    markers = f"{tally.markers:,} {'delete marker' if tally.markers == 1 else 'delete markers'}"
    if not tally.markers:
        return versions
    return f"{versions} and {markers}" if tally.versions else markers


def _pair(direction: Direction, style: Style) -> str:
    return style.plain(harmless(str(direction)))


def _rule(status: DirectionStatus) -> str:
    if not status.rule:
        return "none"
    return status.rule if status.enabled else f"{status.rule}, switched off"
