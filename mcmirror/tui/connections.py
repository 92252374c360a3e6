"""The servers and the keys for them: what there is, whether it works, and how it is changed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content

from mcmirror.config import ConfigError, KnownAlias, home_of, known_aliases
from mcmirror.model.wording import harmless
from mcmirror.tui.config_editor import ALIAS, ConfigEditor, configuration, why_not
from mcmirror.tui.connections_check import Check
from mcmirror.tui.connections_text import Columns, described, heads, line, shown_path
from mcmirror.tui.editing import WRITES, edit, remove
from mcmirror.tui.formatting import BOLD, DIM, WARN
from mcmirror.tui.list_room import ListRoom
from mcmirror.tui.source import Refusal

if TYPE_CHECKING:
    from textual.widgets import OptionList

    from mcmirror.tui.form import Form
    from mcmirror.tui.source import View

FRESH = 60.0
"""Seconds for which a check counts when somebody only passes by."""


class Connections(ListRoom):
    """One line an alias; below it the selected one, tried."""

    NAME = "Connections"
    EMPTY = "There is none yet: a adds one, i imports a file."
    DETAIL = "50%"
    MOST = 18
    ABOUT = (
        "The servers, each under the name that locations begin with. The selected one is tried: its address, its port,"
        " TLS, its clock, whether it takes the keys, and whether its jobs may list and read; nothing is written there."
        " Keys are never shown; mcmirror.toml refers to them. What comes from MC_HOST_* or from mc's own configuration"
        " is used, and not changed from here."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "add", "Add", tooltip="a new connection in mcmirror.toml"),
        Binding("e", "edit", "Edit", tooltip="change the selected one"),
        Binding("t", "check", "Test", tooltip="try the selected one now"),
        Binding("i", "import", "Import", tooltip="from a JSON file with source_config, or mc's config.json"),
        Binding("x,delete", "remove", "Remove", key_display="x", tooltip="not while a job uses it; asks"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._known: tuple[KnownAlias, ...] | None = None
        self._notes: tuple[str, ...] = ()
        self._sheet: ConfigEditor | None = None
        self._checks: dict[str, Check] = {}
        self._trying = ""

    def on_screen_resume(self) -> None:
        """Look again: the file may have changed."""
        super().on_screen_resume()
        self._look()

    @property
    def _here(self) -> bool:
        """Whether what is looked at is this machine's."""
        return not self.dashboard.source.where.startswith("http")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what can be done here."""
        if action == "check":
            return self._here
        refused = action in WRITES and why_not(self.dashboard.source)
        return not refused and super().check_action(action, parameters)

    def _look(self, select: str = "") -> None:
        path = self.dashboard.source.edits
        if not self._here:
            return

        def look() -> tuple[tuple[KnownAlias, ...], tuple[str, ...], ConfigEditor | None]:
            from mcmirror.config.inherited import unreadable

            known = known_aliases(configuration(path), os.environ, home_of(os.environ))
            sheet = None
            notes = list(unreadable(os.environ, home_of(os.environ)))
            if path is not None:
                try:
                    sheet = ConfigEditor.read(path)
                except ConfigError as error:
                    notes.insert(0, str(error.mistakes[0]))
            return tuple(known), tuple(notes), sheet

        def seen(found: tuple[tuple[KnownAlias, ...], tuple[str, ...], ConfigEditor | None]) -> None:
            self._known, self._notes, self._sheet = found
            if not self.is_mounted:
                return
            self._list()
            if select:
                self.rows.choose(select)
            self._pass_by()

        self.dashboard.ask(look, seen)

    # What is shown.

    def show(self, view: View) -> None:  # noqa: ARG002  the file is what counts here
        """Paint the list."""
        self._list()

    def _list(self) -> None:
        file = self.dashboard.source.edits
        if not self._here:
            self.fill("sum", Content.styled(why_not(self.dashboard.source), WARN))
            self.rows.put((), "They are the server's, and not to be seen from here.")
            return
        if self._known is None:
            self.fill("sum", Content.styled("Reading ...", DIM))
            return
        number = len(self._known)
        first = f"{number} {'connection' if number == 1 else 'connections'}"
        lines = [Content.assemble((first, BOLD), ("   " + shown_path(file), DIM))]
        lines += [Content.styled(f"! {harmless(note)}", WARN) for note in self._notes[:3]]
        if reason := why_not(self.dashboard.source):
            lines.append(Content.styled(reason, WARN))
        self.fill("sum", Content("\n").join(lines))
        columns = Columns.of(self.room - 1, self._known, file, map(self._checks.get, (one.name for one in self._known)))
        self.fill("heads", heads(columns) if self._known else Content(""))
        self.rows.put([(one.name, line(one, self._checks.get(one.name), columns, file)) for one in self._known])
        self._detail()

    def _current(self) -> KnownAlias | None:
        current = self.rows.current
        return next((one for one in self._known or () if one.name == current), None)

    def _detail(self) -> None:
        one = self._current()
        self.entitle("below", one.name if one else "")
        self.fill("detail", described(one, self._checks.get(one.name), self._sheet) if one else Content(""))

    # Trying.

    def on_option_list_option_highlighted(self, _: OptionList.OptionHighlighted) -> None:
        """Another one is selected: try it, unless it was just tried."""
        self._detail()
        self._pass_by()

    def on_option_list_option_selected(self, _: OptionList.OptionSelected) -> None:
        """Enter, or a click."""
        self.action_edit()

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
            from mcmirror.tui.connections_check import timed, tried

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

    def action_add(self) -> None:
        """A new one."""
        self._edit("")

    def action_edit(self) -> None:
        """Change the selected one."""
        one = self._current()
        if one is None:
            return
        if self._sheet is not None and one.name not in self._sheet.tables(ALIAS):
            why = f"it comes from {one.origin}, which mcmirror never writes"
            self.dashboard.refuse(Refusal(f"{one.name} cannot be changed here", why, "Change it there."))
            return
        self._edit(one.name)

    def _edit(self, name: str) -> None:
        def opened(sheet: ConfigEditor) -> Form:
            from mcmirror.tui.connections_form import form

            return form(sheet, name)

        edit(self.dashboard, ALIAS, name, opened, lambda new, _: self._changed(new))

    def _changed(self, *names: str) -> None:
        """Look at the file again; what was found about these holds no more, and the cursor goes to the first."""
        for name in names:
            self._checks.pop(name, None)
        self._look(names[0])

    def action_remove(self) -> None:
        """Remove the selected one; asks."""
        one = self._current()
        if one is None:
            return
        remove(
            self.dashboard,
            "connection",
            one.name,
            "The key files that mcmirror kept for it are deleted.",
            refuse=lambda sheet: _refuse_removal(sheet, one),
            drop=lambda sheet: _drop(sheet, one.name),
            done=lambda: self._changed(one.name),
        )

    def action_import(self) -> None:
        """Take over what another system wrote."""
        from mcmirror.tui.connections_import import importing

        importing(self.dashboard, lambda names: self._changed(*names))


def _refuse_removal(sheet: ConfigEditor, one: KnownAlias) -> None:
    if one.name not in sheet.tables(ALIAS):
        why = f"it comes from {one.origin}, which mcmirror never writes"
        raise Refusal(f"{one.name} cannot be removed here", why, "Remove it there.")
    if jobs := sheet.using(one.name):
        number, names = len(jobs), ", ".join(jobs[:10])
        word, remedy = ("job uses", "Change the job first.") if number == 1 else ("jobs use", "Change them first.")
        raise Refusal(f"{number} {word} {one.name}: {names}", "", remedy)


def _drop(sheet: ConfigEditor, name: str) -> None:
    from mcmirror.config import write

    had = write.references(sheet.path, name)
    sheet.drop(ALIAS, name)
    write.forget_secrets(write.secrets_folder(os.environ, home_of(os.environ)), had)
