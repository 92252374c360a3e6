"""A run of the past as lines of text: what began it, where, and its report. Pure."""

import shlex
from collections.abc import Iterable
from datetime import datetime, tzinfo

from mcmirror.messages.report_text import report_lines
from mcmirror.messages.text_style import Style
from mcmirror.messages.verdict import RUN
from mcmirror.model.record import Cause, Outcome, Record
from mcmirror.model.wording import harmless, objects, printable

CAUSES = {
    Cause.HAND: "manual",
    Cause.SCHEDULE: "schedule",
    Cause.START: "start of serve",
    Cause.CATCH_UP: "catch-up",
    Cause.API: "API",
}
"""Who or what began a run."""
NAMED = 20
"""Objects of each outcome that are named unless all are asked for."""


def show_lines(record: Record, zone: tzinfo | None, style: Style) -> list[str]:
    """The run and its report."""
    begun = datetime.fromisoformat(record.started).astimezone(zone)
    head = [
        *style.row("run", record.id),
        *style.row("begun", f"{begun:%Y-%m-%d %H:%M:%S %Z}, {CAUSES[record.cause]}"),
        *style.row("process", f"{record.pid} on {harmless(record.host)}"),
        *(style.row("released", _released(record.max_delete)) if record.max_delete is not None else ()),
    ]
    if record.report is None:
        job = style.paint(style.plain(harmless(record.job)), "bold")
        return [f"{style.mark('•')} {job} {style.paint('running', 'cyan', 'bold')}", *head]
    more = f"mcmirror history show {record.id} --all"
    first, *rest = report_lines(record.report, None, RUN, again(record), style, more=more)
    return [first, *head, *rest]


def _released(number: int) -> str:
    return f"for this run alone: it was allowed to remove up to {objects(number)}"


def again(record: Record) -> str:
    """The command by which a person repeats the run."""
    if record.job == f"{record.source} → {record.target}":
        return f"mcmirror mirror {shlex.join([record.source, record.target])}"
    return f"mcmirror run {shlex.quote(record.job)}"


def fate_lines(fates: Iterable[tuple[Outcome, str]], record: Record, style: Style) -> list[str]:
    """The first objects of each fate, and how many there are; what remains stands in the report already."""
    first: dict[Outcome, list[str]] = {}
    number = dict.fromkeys(Outcome, 0)
    for fate, key in fates:
        number[fate] += 1
        if number[fate] <= NAMED:
            first.setdefault(fate, []).append(key)
    if record.report is not None:
        first.pop(Outcome.REMAINING, None)
    lines = []
    for fate in (fate for fate in Outcome if fate in first):
        lines.append(style.paint(f"  {fate.value}:", "bold"))
        lines += [f"    {printable(key)}" for key in first[fate]]
        if number[fate] > NAMED:
            lines.append(f"    and {number[fate] - NAMED:,} more: mcmirror history show {record.id} --all")
    return [*lines, ""] if lines else []
