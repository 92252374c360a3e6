"""A finished run as a block of lines for people: verdict, numbers, problems, what remains, what to do."""

from collections.abc import Iterable, Sequence

from mcmirror.messages.next_step import next_step
from mcmirror.messages.plan import copies_text, cost_text
from mcmirror.messages.problems import Told, by_category
from mcmirror.messages.text_style import Style
from mcmirror.messages.verdict import PLAN, VERIFY, Tone, verdict
from mcmirror.model.cost import Requests
from mcmirror.model.plan import Count, Plan
from mcmirror.model.problem import Problem
from mcmirror.model.report import RunReport, Status
from mcmirror.model.wording import harmless, objects, printable, requests_text, shown_bytes, shown_count, shown_seconds

NAMED = 20
"""Remaining keys named on a screen; the report file names more."""
COLOURS = {Tone.GOOD: "green", Tone.PENDING: "cyan", Tone.WARNING: "yellow", Tone.BAD: "red"}
MORE = "--report-json FILE names the first 1,000, --json all of them"


def report_lines(  # noqa: PLR0913
    report: RunReport,
    plan: Plan | None,
    verb: str,
    again: str,
    style: Style,
    *,
    more: str = MORE,
) -> list[str]:
    """Return the whole block.

    ``again`` is the command that repeats the job, ``more`` says where the rest of the names is.
    """
    end = verdict(report, verb)
    colour = COLOURS[end.tone]
    job = style.paint(style.plain(harmless(report.job)), "bold")
    mark, word = style.paint(style.mark(end.mark), colour), style.paint(end.word, colour, "bold")
    places = pair(report.source, report.target)
    lines = [
        f"{mark} {job} {word}: {end.sentence}",
        *([] if report.job == places else style.row("mirror", style.plain(harmless(places)))),
        *_numbers(report, plan, verb, style),
        *(_overcome if report.status is Status.SUCCEEDED else problem_lines)(report.problems, style),
        *_remaining(report, style, more),
        *(line for note in report.notes for line in style.row("note", harmless(note), "dim")),
    ]
    step = next_step(report, verb, again)
    if step:
        lines += style.row("next", step, "cyan")
    return lines


def pair(source: str, target: str) -> str:
    """Return the two places as one name, which is also that of a job made of them alone."""
    return f"{source} → {target}"


def _numbers(report: RunReport, plan: Plan | None, verb: str, style: Style) -> list[str]:
    tally = report.tally
    changing = verb not in (PLAN, VERIFY) and not report.dry_run
    refused = report.status is Status.REFUSED
    lines: list[str] = []

    def row(label: str, count: Count, text: str, *names: str) -> None:
        if count.objects:
            lines.extend(style.row(label, text, *names))

    if report.created:
        lines += style.row("made", f"the bucket {harmless(report.created)}")
    if changing and not refused:
        known = report.verified or report.status is Status.SUCCEEDED
        row("copied", tally.planned, _of(tally.done, tally.planned) + ("" if known else " for certain"))
        if tally.to_remove.objects or tally.removed.objects:
            lines += style.row("removed", _of(tally.removed, tally.to_remove))
    elif verb == PLAN or report.dry_run or refused:
        row("to copy", tally.planned, copies_text(plan) if plan else shown_count(tally.planned))
        row("to remove", tally.to_remove, shown_count(tally.to_remove))
    row("vanished", tally.vanished, f"{shown_count(tally.vanished)}, gone from the source before they could be copied")
    row("kept", tally.kept, f"{shown_count(tally.kept)}, different, overwrite is off", "yellow")
    row("extra", tally.extraneous, f"{shown_count(tally.extraneous)}, on the target only, remove is off")
    row("equal", tally.equal, f"{shown_count(tally.equal)}, needed nothing")
    row("read", tally.read, f"{shown_count(tally.read)}, the same bytes on both sides")
    row("excluded", tally.excluded, shown_count(tally.excluded))
    if plan is not None:
        row("impossible", plan.impossible, f"{shown_count(plan.impossible)}, keys that mc cannot carry", "red")
    if tally.unproven.objects:
        text = f"{shown_count(tally.unproven)}: same size, not newer; their ETags prove nothing about the content"
        lines += style.row("not proven", text, "yellow" if verb == VERIFY else "dim")
    if plan is not None and (verb == PLAN or report.dry_run) and report.status is Status.SUCCEEDED:
        lines += style.row("cost", cost_text(plan, report))
    return lines + _effort(report, style, requests=changing or verb == VERIFY)


def _of(done: Count, whole: Count) -> str:
    if done == whole:
        return shown_count(whole)
    return f"{done.objects:,} of {objects(whole.objects)}, {shown_bytes(done.bytes)} of {shown_bytes(whole.bytes)}"


def _effort(report: RunReport, style: Style, *, requests: bool) -> list[str]:
    phases = ", ".join(f"{phase} {shown_seconds(spent)}" for phase, spent in report.phases.items() if spent >= 0.05)
    time = shown_seconds(report.lasted) + (f": {phases}" if phases else "")
    mirror = report.phases.get("mirror", 0.0)
    if report.tally.done.bytes and mirror >= 0.05:
        time += f" ({shown_bytes(report.tally.done.bytes / mirror)}/s)"
    if report.attempts > 1:
        time += f"; {report.attempts} attempts"
    lines = style.row("time", time)
    if requests and report.requests != Requests():
        lines += style.row("requests", f"about {requests_text(report.requests)}")
    return lines


def problem_lines(problems: Iterable[Problem], style: Style) -> list[str]:
    """The first problem of each category, and the number of further ones."""
    lines: list[str] = []
    for told in by_category(problems):
        lines += one_problem(told, style)
        lines += style.row("", f"and {told.more:,} more like it", "dim") if told.more else []
    return lines


def _overcome(problems: Iterable[Problem], style: Style) -> list[str]:
    """What went wrong on the way to a success: nothing is to be done about it."""
    lines: list[str] = []
    for told in by_category(problems):
        more = f", and {told.more:,} more like it" if told.more else ""
        why = f": {told.why}" if told.why else ""
        lines += style.row("overcome", f"{told.what}{why}{more} [{told.category.value}]", "dim")
    return lines


def one_problem(told: Told, style: Style) -> list[str]:
    """What, why, what to do."""
    return [
        *style.row("problem", f"{told.what} [{told.category.value}]", "red"),
        *(style.row("why", told.why) if told.why else ()),
        *(style.row("do", told.remedy, "cyan") if told.remedy else ()),
    ]


def _remaining(report: RunReport, style: Style, more: str) -> list[str]:
    count = report.tally.remaining.objects
    if not report.remaining and not count:
        return []
    lines = style.row("remaining", shown_count(report.tally.remaining), "red")
    lines += [f"    - {printable(item.key)}: {harmless(item.reason)}" for item in report.remaining[:NAMED]]
    if count > NAMED:
        lines.append(f"    - and {count - NAMED:,} more: {more}")
    return lines


def summary_lines(reports: Sequence[RunReport], style: Style) -> list[str]:
    """Several jobs in one line, and the names of those that did not succeed."""
    good = sum(report.status is Status.SUCCEEDED for report in reports)
    colour = "green" if good == len(reports) else "red"
    mark = style.mark("✓" if good == len(reports) else "✗")
    lines = [style.paint(f"{mark} {good} of {len(reports)} jobs succeeded", colour, "bold")]
    lines += [
        f"  {report.status.value}: {harmless(report.job)} (exit code {int(report.exit_code)})"
        for report in reports
        if report.status is not Status.SUCCEEDED
    ]
    return lines
