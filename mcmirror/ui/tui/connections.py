"""The servers and the keys for them: what there is, whether it works, and how it is changed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import OptionList, Static

from mcmirror.config import ConfigError, KnownAlias, Mistake, home_of, known_aliases
from mcmirror.model.wording import harmless, three_parts
from mcmirror.ui.tui.connections_check import Check
from mcmirror.ui.tui.frame import Room
from mcmirror.ui.tui.looks import BAD, BOLD, BUSY, DIM, GOOD, WARN, fitted
from mcmirror.ui.tui.rows import Row, Rows
from mcmirror.ui.tui.sheet import ALIAS, Sheet, configuration, refusal, why_not
from mcmirror.ui.tui.source import Refusal

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from mcmirror.engine.doctor import Finding
    from mcmirror.ui.tui.source import View

FRESH = 60.0
"""Seconds for which a check counts when somebody only passes by."""
GRADES = {"ok": ("✓", GOOD), "warning": ("!", WARN), "failed": ("✗", BAD)}


class Connections(Room):
    """One line an alias; below it the selected one, tried."""

    NAME = "Connections"
    ABOUT = (
        "The servers, each under the name that locations begin with. The selected one is tried: its address, its port,"
        " TLS, its clock, whether it takes the keys, and whether its jobs may list and read; nothing is written there."
        " Keys are never shown; mcmirror.toml refers to them. What comes from MC_HOST_* or from mc's own configuration"
        " is used, and not changed from here."
    )
    DEFAULT_CSS = """
    Connections #sum { height: auto; padding: 0 1; }
    Connections #heads { height: 1; padding: 0 1; color: $text-muted; text-style: bold; }
    Connections #aliases { height: 1fr; min-height: 4; }
    Connections #below { height: 12; background: $surface; padding: 0 1; }
    Connections #detail { height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "add", "Add", tooltip="a new connection in mcmirror.toml"),
        Binding("e", "edit", "Edit", tooltip="change the selected one"),
        Binding("c", "check", "Check", tooltip="try the selected one now"),
        Binding("i", "import", "Import", tooltip="from a JSON file with source_config, or mc's config.json"),
        Binding("x,delete", "remove", "Remove", key_display="x", tooltip="not while a job uses it; asks"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._known: tuple[KnownAlias, ...] | None = None
        self._notes: tuple[str, ...] = ()
        self._sheet: Sheet | None = None
        self._checks: dict[str, Check] = {}
        self._trying = ""

    def body(self) -> ComposeResult:
        """Sum, heads, list, the selected one."""
        yield Static(id="sum")
        yield Static(id="heads")
        yield Rows(id="aliases", empty="There is none yet: a adds one, i imports a file.")
        with VerticalScroll(id="below", can_focus=False):
            yield Static(id="detail")

    def on_mount(self) -> None:
        """The list has the keys."""
        super().on_mount()
        self.query_one(Rows).focus()

    def on_screen_resume(self) -> None:
        """Look again: the file may have changed."""
        super().on_screen_resume()
        self._look()

    @property
    def _here(self) -> bool:
        """Whether what is looked at is this machine's."""
        return not self.dashboard.source.where.startswith("http")

    def _look(self, select: str = "") -> None:
        path = self.dashboard.source.edits
        if not self._here:
            return

        def look() -> tuple[tuple[KnownAlias, ...], tuple[str, ...], Sheet | None]:
            from mcmirror.config.inherited import unreadable

            known = known_aliases(configuration(path), os.environ, home_of(os.environ))
            sheet = None
            notes = list(unreadable(os.environ, home_of(os.environ)))
            if path is not None:
                try:
                    sheet = Sheet.read(path)
                except ConfigError as error:
                    notes.insert(0, str(error.mistakes[0]))
            return tuple(known), tuple(notes), sheet

        def seen(found: tuple[tuple[KnownAlias, ...], tuple[str, ...], Sheet | None]) -> None:
            self._known, self._notes, self._sheet = found
            if not self.is_mounted:
                return
            self._list()
            if select:
                self.query_one(Rows).choose(select)
            self._pass_by()

        self.dashboard.ask(look, seen)

    # What is shown.

    def show(self, view: View) -> None:  # noqa: ARG002  the file is what counts here
        """Paint the list."""
        self._list()

    def _list(self) -> None:
        rows, width = self.query_one(Rows), self.app.size.width - 3
        if not self._here:
            self.query_one("#sum", Static).update(Content.styled(why_not(self.dashboard.source), WARN))
            rows.put(())
            return
        if self._known is None:
            self.query_one("#sum", Static).update(Content.styled("Reading ...", DIM))
            return
        number = len(self._known)
        first = f"{number} {'connection' if number == 1 else 'connections'}"
        lines = [Content.assemble((first, BOLD), ("   " + _where(self.dashboard.source.edits), DIM))]
        lines += [Content.styled(f"! {harmless(note)}", WARN) for note in self._notes[:3]]
        if reason := why_not(self.dashboard.source):
            lines.append(Content.styled(reason, WARN))
        self.query_one("#sum", Static).update(Content("\n").join(lines))
        name, state, origin = (14, 17, 14) if width < 100 else (24, 24, 36)
        url = max(16, width - name - state - origin - 3)
        self.query_one("#heads", Static).update(
            Content(" ".join((fitted("NAME", name), fitted("ADDRESS", url), fitted("CHECK", state), "FROM")))
        )
        rows.put([self._row(one, (name, url, state, origin)) for one in self._known])
        self._detail()

    def _row(self, one: KnownAlias, widths: tuple[int, int, int, int]) -> Row:
        name, url, state, origin = widths
        text, style = self._state(one.name)
        return (
            one.name,
            Content.assemble(
                (fitted(one.name, name), BOLD),
                " ",
                fitted(one.url, url),
                " ",
                (fitted(text, state), style),
                " ",
                (fitted(_origin(one, self.dashboard.source.edits), origin), DIM),
            ),
        )

    def _state(self, name: str) -> tuple[str, str]:
        check = self._checks.get(name)
        if check is None:
            return "○ not tried", DIM
        if not check.over:
            return "▶ being tried ...", BUSY
        if check.bad is not None:
            return f"✗ {check.bad.check}", f"{BAD} bold"
        warned = any(one.grade == "warning" for one, _ in check.findings)
        pace = f", {_time(check.latency)}" if check.latency else ""
        return (f"! works{pace}", WARN) if warned else (f"✓ works{pace}", GOOD)

    def _current(self) -> KnownAlias | None:
        current = self.query_one(Rows).current
        return next((one for one in self._known or () if one.name == current), None)

    def _detail(self) -> None:
        one = self._current()
        self.query_one("#detail", Static).update(self._described(one) if one else Content(""))

    def _described(self, one: KnownAlias) -> Content:
        ours = self._sheet is not None and one.name in self._sheet.tables(ALIAS)
        origin = one.origin if ours else f"{one.origin} (used, never changed from here)"
        lines = [
            Content.assemble((harmless(one.name), BOLD), f"  {harmless(one.url)}  ", (f"from {harmless(origin)}", DIM))
        ]
        if ours and self._sheet is not None:
            jobs = self._sheet.using(one.name)
            used = ", ".join(map(harmless, jobs[:6])) + (f" and {len(jobs) - 6} more" if len(jobs) > 6 else "")
            keys = _keys(self._sheet.table(ALIAS, one.name))
            lines.append(Content.assemble(("keys ", DIM), keys, ("   jobs ", DIM), used or "none"))
        check = self._checks.get(one.name)
        for finding, spent in check.findings if check else ():
            lines += _finding(finding, spent, one.name)
        if check is None:
            lines.append(Content.styled("not tried yet: c tries it", DIM))
        elif not check.over:
            lines.append(Content.styled("▶ being tried ...", BUSY))
        return Content("\n").join(lines)

    # Trying.

    def on_option_list_option_highlighted(self, _: OptionList.OptionHighlighted) -> None:
        """Another one is selected: try it, unless it was just tried."""
        self._detail()
        self._pass_by()

    def on_option_list_option_selected(self, _: OptionList.OptionSelected) -> None:
        """Enter, or a click."""
        self.action_check()

    def _pass_by(self) -> None:
        one = self._current()
        if one is None or self._trying:
            return
        check = self._checks.get(one.name)
        if check is None or self.dashboard.clock() - check.began > FRESH:
            self._try(one.name)

    def action_check(self) -> None:
        """Try it now."""
        one = self._current()
        if one is not None and not self._trying:
            self._try(one.name)

    def _try(self, name: str) -> None:
        """Ask the server; one at a time."""
        self._trying, path = name, self.dashboard.source.edits
        check = self._checks[name] = Check(self.dashboard.clock())

        def work() -> None:
            from mcmirror.ui.tui.connections_check import timed, tried

            try:
                for found in timed(tried(name, configuration(path))):
                    check.findings.append(found)
            finally:
                check.over = True
                self._trying = ""

        def done(_: None) -> None:
            if self.is_mounted:
                self._list()
                self._pass_by()

        self._list()
        self.dashboard.ask(work, done)

    # Changing.

    def _writable(self) -> bool:
        reason = why_not(self.dashboard.source)
        if reason:
            self.dashboard.refuse(Refusal("nothing can be changed from here", reason))
        return not reason

    def action_add(self) -> None:
        """A new one."""
        self._edit("")

    def action_edit(self) -> None:
        """Change the selected one."""
        one = self._current()
        if one is None:
            return
        if self._sheet is not None and one.name not in self._sheet.tables(ALIAS) and not why_not(self.dashboard.source):
            why = f"it comes from {one.origin}, which mcmirror never writes"
            self.dashboard.refuse(Refusal(f"{one.name} cannot be changed here", why, "Change it there."))
            return
        self._edit(one.name)

    def _edit(self, name: str) -> None:
        path = self.dashboard.source.edits
        if not self._writable() or path is None:
            return
        before = set(self._sheet.tables(ALIAS)) if self._sheet else set()

        def read() -> Sheet:
            try:
                return Sheet.read(path)
            except ConfigError as error:
                raise refusal(error) from None

        def opened(sheet: Sheet) -> None:
            from mcmirror.ui.tui.connections_form import form

            self.dashboard.push_screen(form(sheet, name), written)

        def written(yes: bool | None) -> None:
            if not yes:
                return
            self.dashboard.source.reload()

            def told(sheet: Sheet) -> None:
                new = name or next((one for one in sheet.tables(ALIAS) if one not in before), "")
                self._checks.pop(new, None)
                self.dashboard.tell(f"{new} is written to {_where(path)}")
                self._look(new)

            self.dashboard.ask(read, told)

        self.dashboard.ask(read, opened)

    def action_remove(self) -> None:
        """Remove the selected one; asks."""
        one, path = self._current(), self.dashboard.source.edits
        if one is None or not self._writable() or path is None:
            return
        name = one.name

        def read() -> Sheet:
            try:
                sheet = Sheet.read(path)
                _refuse_removal(sheet, one)
            except ConfigError as error:
                raise refusal(error) from None
            return sheet

        def asked(sheet: Sheet) -> None:
            from mcmirror.ui.tui.dialogs import Question

            text = f"{_where(path)} will not have it any more, and the key files that mcmirror kept for it are deleted."
            self.dashboard.push_screen(
                Question(f"Remove the connection {harmless(name)}?", text, "Remove"),
                lambda yes: self.dashboard.ask(lambda: _remove(sheet, name), gone) if yes else None,
            )

        def gone(_: Any) -> None:
            self._checks.pop(name, None)
            self.dashboard.source.reload()
            self.dashboard.tell(f"{name} is removed from {_where(path)}")
            self._look()

        self.dashboard.ask(read, asked)

    def action_import(self) -> None:
        """Take over what another system wrote."""
        path = self.dashboard.source.edits
        if not self._writable() or path is None:
            return
        from mcmirror.ui.tui.connections_import import importing

        def done(names: tuple[str, ...]) -> None:
            for name in names:
                self._checks.pop(name, None)
            self.dashboard.source.reload()
            self._look(names[0])

        importing(self.dashboard, path, done)


def _refuse_removal(sheet: Sheet, one: KnownAlias) -> None:
    if one.name not in sheet.tables(ALIAS):
        why = f"it comes from {one.origin}, which mcmirror never writes"
        raise ConfigError([Mistake(str(sheet.path), f"alias.{one.name}", why, "Remove it there.")])
    if jobs := sheet.using(one.name):
        word = "job uses" if len(jobs) == 1 else "jobs use"
        message = f"{len(jobs)} {word} {one.name}: {', '.join(jobs[:10])}"
        raise ConfigError([Mistake(str(sheet.path), f"alias.{one.name}", message, "Change the job first.")])


def _remove(sheet: Sheet, name: str) -> None:
    from mcmirror.config import write

    had = write.references(sheet.path, name)
    try:
        sheet.drop(ALIAS, name)
    except ConfigError as error:
        raise refusal(error) from None
    write.forget_secrets(write.secrets_folder(os.environ, home_of(os.environ)), had)


def _keys(table: dict[str, Any]) -> str:
    """How the keys are given; never a key."""
    from mcmirror.config.reference import is_reference

    given = [str(table.get(key, "")) for key in ("access_key", "secret_key") if table.get(key)]
    if not given:
        return "none: anonymous"
    return ", ".join(harmless(text) if is_reference(text) else "in the file itself" for text in given)


def _finding(finding: Finding, spent: float, alias: str) -> list[Content]:
    mark, style = GRADES[finding.grade]
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


def _where(path: Path | None) -> str:
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
