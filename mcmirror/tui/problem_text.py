"""The text of a problem with the row of its category."""

from textual.content import Content

from mcmirror.messages.error_lookup import row
from mcmirror.model.problem import Problem
from mcmirror.model.wording import harmless, three_parts
from mcmirror.tui.formatting import BAD, BOLD, DIM


def explained(problem: Problem) -> Content:
    """Its three parts, and its row of the table that `mcmirror explain` prints."""
    what, why, remedy = three_parts(problem)
    known = row(problem.category)
    again = "yes, with growing pauses" if problem.retryable else "no"
    parts = [("what happened", what, BAD), ("why", why, ""), ("what to do", remedy, BOLD)]
    if problem.object:
        parts.append(("where", harmless(problem.object), ""))
    parts.append(("tried again", again, ""))
    if known.cause.casefold() not in what.casefold():
        parts.append(("in general", known.cause, ""))
    if known.headings:
        parts.append(("known as", "; ".join(known.headings), DIM))
    lines = list[Content]()
    for label, text, style in parts:
        lines.append(Content.assemble((f"{label}\n" if label else "", DIM), ("  " + text, style)))
    return Content("\n").join(lines)
