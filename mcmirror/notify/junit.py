"""Reports as JUnit XML, which every CI system shows: one suite, one case a job."""

import re
from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape, quoteattr

from mcmirror.model.report import RunReport, Status
from mcmirror.model.wording import checked, harmless, objects, printable, three_parts

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_FAILURES = (Status.PARTIAL, Status.REFUSED)
"""The mirror said no: a failure. All else that is not a success went wrong before it could say: an error."""
NAMED = 100
"""Remaining keys named in a failure."""


def junit(reports: Iterable[RunReport]) -> str:
    """Return the XML document."""
    cases = list(reports)
    failures = sum(report.status in _FAILURES for report in cases)
    skipped = sum(report.status is Status.SKIPPED for report in cases)
    good = sum(report.status is Status.SUCCEEDED for report in cases)
    errors = len(cases) - good - skipped - failures
    numbers = f'tests="{len(cases)}" failures="{failures}" errors="{errors}" skipped="{skipped}"'
    seconds = sum(report.seconds for report in cases)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuites name="mcmirror" {numbers} time="{seconds:.3f}">',
        f'  <testsuite name="mcmirror" {numbers} time="{seconds:.3f}">',
        *(line for report in cases for line in _case(report)),
        "  </testsuite>",
        "</testsuites>",
    ]
    return "\n".join(lines) + "\n"


def _case(report: RunReport) -> Sequence[str]:
    name = _attribute(f"{report.job}: {report.source} -> {report.target}")
    opening = f'    <testcase classname="mcmirror" name={name} time="{report.seconds:.3f}"'
    if report.status is Status.SUCCEEDED:
        found = checked(report)
        if not found:
            return (f"{opening}/>",)
        said = f"      <system-out>{_text(found)}</system-out>"
        return (f"{opening}>", said, "    </testcase>")
    what = three_parts(report.problems[0])[0] if report.problems else report.status.value
    if report.status is Status.SKIPPED:
        return (f"{opening}>", f"      <skipped message={_attribute(what)}/>", "    </testcase>")
    element = "failure" if report.status in _FAILURES else "error"
    attributes = f"type={_attribute(report.status.value)} message={_attribute(what)}"
    detail = f"      <{element} {attributes}>{_text(_detail(report))}</{element}>"
    return (f"{opening}>", detail, "    </testcase>")


def _detail(report: RunReport) -> str:
    lines = [f"status: {report.status.value}, {'verified' if report.verified else 'not verified'}"]
    for problem in report.problems:
        what, why, remedy = three_parts(problem)
        lines += [f"[{problem.category.value}] {what}", f"  why: {why}", f"  do:  {remedy}"]
    if report.remaining:
        lines.append(f"remaining: {objects(report.tally.remaining.objects)}")
        lines += [f"- {printable(item.key)}: {harmless(item.reason)}" for item in report.remaining[:NAMED]]
    return "\n".join(lines)


def _text(text: str) -> str:
    return escape(_NOT_XML.sub("�", text))


def _attribute(text: str) -> str:
    return quoteattr(_NOT_XML.sub("�", text))
