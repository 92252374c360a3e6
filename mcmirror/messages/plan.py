"""The sentences about a plan: its totals, its differences, its cost."""

from mcmirror.messages.verdict import VERIFY
from mcmirror.model.cost import estimate
from mcmirror.model.plan import Changed, Count, Difference, Extraneous, Impossible, Kept, Missing, Plan
from mcmirror.model.report import RunReport
from mcmirror.model.wording import cost, objects, printable, shown_bytes, shown_count


def plan_text(plan: Plan, verb: str = "run") -> str:
    """The plan on one line."""
    what = "missing or different" if verb == VERIFY else "to copy"
    size = f" ({shown_bytes(plan.copies.bytes)})" if plan.copies.objects else ""
    equal = [f"{plan.equal.objects:,} equal"] if plan.equal.objects else []
    parts = [f"{plan.copies.objects:,} {what}{size}", *equal, *_left(plan, removing=None)]
    return f"{objects(plan.source.objects)} at the source: {', '.join(parts)}"


def copies_text(plan: Plan) -> str:
    """What is to be copied, and why."""
    if not plan.changed.objects:
        return shown_count(plan.copies)
    drift = f", {plan.drifted.objects:,} of them unseen by mc" if plan.drifted.objects else ""
    return f"{shown_count(plan.copies)} ({plan.missing.objects:,} missing, {plan.changed.objects:,} different{drift})"


def left_text(plan: Plan, *, removing: bool) -> str:
    """What the plan leaves as it is."""
    return ", ".join([f"{plan.equal.objects:,} equal", *_left(plan, removing=removing)])


def _left(plan: Plan, *, removing: bool | None) -> list[str]:
    """``removing`` is None where options are not known."""
    options = removing is not None
    extraneous = "on the target only" + (" (remove is off)" if options else "")
    named = (
        (plan.kept, "different (overwrite is off)" if options else "different and kept"),
        (Count() if removing else plan.extraneous, extraneous),
        (plan.excluded, "excluded"),
        (plan.impossible, "that mc cannot carry"),
    )
    return [f"{count.objects:,} {word}" for count, word in named if count.objects]


def cost_text(plan: Plan, report: RunReport) -> str:
    """The requests and the price of carrying the plan out; a folder costs nothing."""
    asked = estimate(plan, removals=report.tally.to_remove.objects)
    return cost(asked.asked_of(source=not report.source.startswith("/"), target=not report.target.startswith("/")))


def difference_line(difference: Difference, *, removing: bool) -> str:
    """Mark, bytes, reason and key: ``+`` copied, ``~`` copied over, ``-`` removed, ``=`` left, ``!`` impossible."""
    match difference:
        case Missing(entry):
            mark, reason = "+", "missing"
        case Changed(entry, _, why):
            mark, reason = "~", why.value
        case Extraneous(entry):
            mark, reason = "-" if removing else "=", "extraneous"
        case Kept(entry, _, why):
            mark, reason = "=", why.value
        case Impossible(entry, _):
            mark, reason = "!", "impossible"
    return f"{mark} {entry.size:>13} {reason:<10} {printable(entry.key)}"
