"""The connections' words: their columns, and the selected one in full; never a key."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from textual.content import Content

from mcmirror.messages.text_style import cells
from mcmirror.model.wording import harmless, three_parts
from mcmirror.tui.config_editor import ALIAS, ConfigEditor
from mcmirror.tui.formatting import BAD, BOLD, BUSY, DIM, GOOD, WARN, Look, column, fitted, shares, widest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mcmirror.config import KnownAlias
    from mcmirror.engine.doctor import Finding
    from mcmirror.tui.connections_check import Check

_LOOKS = {"failed": ("✗", BAD), "warning": ("!", WARN), "ok": ("✓", GOOD)}
_GRADES = list(_LOOKS)
"""The worst first."""


CHECK = 11
"""Columns, at least."""


class Columns(NamedTuple):
    """Widths."""

    name: int
    url: int
    check: int
    origin: int

    @classmethod
    def of(
        cls, width: int, known: Sequence[KnownAlias], file: Path | None, checks: Iterable[Check | None] = ()
    ) -> Columns:
        """What fits so many columns: none is short of what another has too much of."""
        texts = (("NAME", *(one.name for one in known)), ("ADDRESS", *(one.url for one in known)),
                 ("FROM", *(_origin(one, file) for one in known)))  # fmt: skip
        wanted = [max(cells(harmless(text)) for text in column) for column in texts]
        check = widest((_stands(one).content for one in checks), CHECK)
        name, url, origin = shares(wanted, width - check - 3)
        return cls(name, url, check, origin)


def heads(columns: Columns) -> Content:
    """The names of the columns."""
    names = ("NAME", "ADDRESS", "CHECK", "FROM")
    return Content(" ".join(fitted(name, width) for name, width in zip(names, columns, strict=True)))


def line(one: KnownAlias, check: Check | None, columns: Columns, file: Path | None) -> Content:
    """One connection."""
    return Content(" ").join(
        [
            Content.styled(fitted(one.name, columns.name), BOLD),
            Content(fitted(one.url, columns.url)),
            column(_stands(check).content, columns.check),
            Content.styled(fitted(_origin(one, file), columns.origin), DIM),
        ]
    )


def _stands(check: Check | None) -> Look:
    if check is None:
        return Look("○", "not tried", DIM)
    if not check.over:
        return Look("▶", "being tried ...", BUSY)
    if check.bad is not None:
        return Look("✗", check.bad.check, f"{BAD} bold")
    works = f"works, {_time(check.latency)}" if check.latency else "works"
    warned = any(one.grade == "warning" for one, _ in check.findings)
    return Look("!", works, WARN) if warned else Look("✓", works, GOOD)


def described(one: KnownAlias, check: Check | None, sheet: ConfigEditor | None) -> Content:
    """One in full: where it comes from, how its keys are given, who uses it, and what trying it has shown."""
    ours = sheet is not None and one.name in sheet.tables(ALIAS)
    origin = one.origin if ours else f"{one.origin} (used, never changed from here)"
    lines = [
        Content.assemble((harmless(one.name), BOLD), f"  {harmless(one.url)}  ", (f"from {harmless(origin)}", DIM))
    ]
    if ours and sheet is not None:
        jobs = sheet.using(one.name)
        used = ", ".join(map(harmless, jobs[:6])) + (f" and {len(jobs) - 6} more" if len(jobs) > 6 else "")
        keys = _keys(sheet.table(ALIAS, one.name))
        lines.append(Content.assemble(("keys ", DIM), keys, ("   jobs ", DIM), used or "none"))
    found = list(check.findings) if check else []
    if check and check.over:
        # What is wrong first: it is to be seen without a key on a small screen too.
        found.sort(key=lambda item: _GRADES.index(item[0].grade))
    for finding, spent in found:
        lines += _finding(finding, spent, one.name)
    if check is None:
        lines.append(Content.styled("not tried yet: t tests it", DIM))
    elif not check.over:
        lines.append(Content.styled("▶ being tried ...", BUSY))
    return Content("\n").join(lines)


def _keys(table: dict[str, Any]) -> str:
    """How the keys are given; never a key."""
    from mcmirror.config.reference import is_reference

    given = [str(table.get(key, "")) for key in ("access_key", "secret_key") if table.get(key)]
    if not given:
        return "none: anonymous"
    return ", ".join(harmless(text) if is_reference(text) else "in the file itself" for text in given)


def _finding(finding: Finding, spent: float, alias: str) -> list[Content]:
    mark, style = _LOOKS[finding.grade]
    what = (
        finding.check
        if finding.subject == f"alias {alias}"
        else f"{finding.subject.removeprefix('job ')}: {finding.check}"
    )
    said = harmless(finding.said)
    lines = [Content.assemble((f"{mark} ", style), f"{harmless(what)}  ", said, (f"  {_time(spent)}", DIM))]
    if finding.problem is not None:
        _, why, remedy = three_parts(finding.problem)
        lines += [Content.assemble(("    why: ", DIM), harmless(why))] if why else []
        lines += [Content.assemble(("    do:  ", DIM), harmless(remedy))] if remedy else []
    return lines


def _time(seconds: float) -> str:
    return f"{seconds * 1000:.{0 if seconds >= 0.01 else 1}f} ms"


def shown_path(path: Path | None) -> str:
    """The file's path, as short as it can be read."""
    if path is None:
        return ""
    try:
        return f"./{path.absolute().relative_to(Path.cwd())}"
    except ValueError:
        return str(path)


def _origin(one: KnownAlias, path: Path | None) -> str:
    if path is not None and one.origin == str(path):
        return path.name
    return (
        f"{one.origin} (read only)" if one.origin.startswith("MC_HOST_") else one.origin.replace(str(Path.home()), "~")
    )
