"""What GitHub Actions shows of a run: annotations by workflow commands, and Markdown for the job's summary page."""

from collections.abc import Iterable, Iterator

from mcmirror.messages.problems import by_category
from mcmirror.messages.verdict import verdict
from mcmirror.model.report import RunReport, Status
from mcmirror.model.wording import checked, harmless, objects, printable, shown_bytes, shown_seconds, three_parts

NAMED = 20
"""Remaining keys and problems written to the summary page a job."""
ANNOTATIONS = 10
"""GitHub keeps ten annotations of a kind a step."""

_MARKS = {Status.SUCCEEDED: "✅", Status.SKIPPED: "⏭️", Status.CANCELLED: "⏹️"}


def annotations(report: RunReport) -> tuple[str, ...]:
    """``::error`` lines of a run that did not succeed, ``::warning`` lines of one that did with problems."""
    command = "warning" if report.status in (Status.SUCCEEDED, Status.SKIPPED) else "error"
    found = verdict(report)
    title = f"mcmirror {report.job}: {found.word}"
    texts = [f"{told.what}\nWhy: {told.why}\nDo: {told.remedy}" for told in by_category(report.problems)]
    if not texts and command == "error":
        texts = [found.sentence]
    return tuple(f"::{command} title={_property(title)}::{_data(text)}" for text in texts[:ANNOTATIONS])


def _data(text: str) -> str:
    # The message keeps its line feeds as %0A: three parts, three lines.
    return harmless(text, keep_newlines=True).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def summary(reports: Iterable[RunReport]) -> str:
    """Return Markdown: a table with a row a job, then the problems and the remaining keys."""
    jobs = list(reports)
    lines = [
        "### mcmirror",
        "",
        "| | job | verdict | checked | copied | removed | remaining | time |",
        "|---|---|---|---|---:|---:|---:|---:|",
        *(_row(report) for report in jobs),
        "",
        *(line for report in jobs for line in _details(report)),
    ]
    return "\n".join(lines) + "\n"


def _row(report: RunReport) -> str:
    tally = report.tally
    places = f"{report.source} → {report.target}"
    cells = (
        _MARKS.get(report.status, "❌"),
        f"**{_markdown(report.job)}**" + ("" if report.job == places else f"<br>{_markdown(places)}"),
        _markdown(verdict(report).text),
        _markdown(checked(report)) or "nothing",
        f"{tally.done.objects:,} of {tally.planned.objects:,}<br>{shown_bytes(tally.done.bytes)}",
        f"{tally.removed.objects:,}",
        f"{tally.remaining.objects:,}",
        shown_seconds(report.seconds),
    )
    return f"| {' | '.join(cells)} |"


def _details(report: RunReport) -> Iterator[str]:
    if not report.problems and not report.remaining:
        return
    yield f"#### {_markdown(report.job)}: {report.status.value}"
    yield ""
    for problem in report.problems[:NAMED]:
        what, why, remedy = three_parts(problem)
        yield f"- **{_markdown(what)}** ({problem.category.value})<br>Why: {_markdown(why)}<br>Do: {_markdown(remedy)}"
    if len(report.problems) > NAMED:
        yield f"- and {len(report.problems) - NAMED:,} problems more"
    if report.remaining:
        count = report.tally.remaining.objects
        yield ""
        yield f"<details><summary>{objects(count)} remaining</summary>"
        yield ""
        for item in report.remaining[:NAMED]:
            yield f"- {_markdown(printable(item.key))}: {_markdown(item.reason)}"
        if count > NAMED:
            yield f"- and {count - NAMED:,} more"
        yield ""
        yield "</details>"
    yield ""


def _markdown(text: str) -> str:
    """Take the markup out: what people named must not become a link, a tag, a mention or a table cell."""
    text = harmless(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    for character in "\\`*_[]|~@#":
        text = (
            text.replace(character, f"&#{ord(character)};")
            if character == "@"
            else text.replace(character, "\\" + character)
        )
    return text
