"""A table of mcmirror.toml added, changed or removed: the file is read, a person asked, and what came of it told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcmirror.config import ConfigError
from mcmirror.model.wording import harmless
from mcmirror.tui.config_editor import ConfigEditor, refusal, why_not
from mcmirror.tui.source import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcmirror.tui.app import Dashboard
    from mcmirror.tui.form import Form


WRITES = frozenset({"add", "edit", "copy", "import", "remove"})
"""Actions that change the file: they are not offered where it cannot be changed."""


def read(dashboard: Dashboard) -> ConfigEditor:
    """The file as it is now; Refusal when it cannot be had, or cannot be changed from here."""
    path = dashboard.source.edits
    if path is None:
        raise Refusal("nothing can be changed from here", why_not(dashboard.source))
    try:
        return ConfigEditor.read(path)
    except ConfigError as error:
        raise refusal(error) from None


def edit(
    dashboard: Dashboard,
    heading: str,
    name: str,
    form: Callable[[ConfigEditor], Form],
    done: Callable[[str, ConfigEditor], object],
) -> None:
    """Open the form, for a new table when there is no name; ``done`` gets the name and the file as it is then."""

    def opened(before: ConfigEditor) -> None:
        def written(yes: bool | None) -> None:
            if yes:
                dashboard.source.reload()
                dashboard.ask(lambda: read(dashboard), lambda after: told(before, after))

        dashboard.push_screen(form(before), written)

    def told(before: ConfigEditor, after: ConfigEditor) -> None:
        there = before.tables(heading)
        new = name or next((one for one in after.tables(heading) if one not in there), "")
        dashboard.tell(f"{new} is written to {after.path.name}")
        done(new, after)

    dashboard.ask(lambda: read(dashboard), opened)


def remove(  # noqa: PLR0913  what is asked, and what follows
    dashboard: Dashboard,
    kind: str,
    name: str,
    consequence: str,
    *,
    refuse: Callable[[ConfigEditor], object],
    drop: Callable[[ConfigEditor], object],
    done: Callable[[], object],
) -> None:
    """Ask, then take it out. ``refuse`` may raise ConfigError or Refusal before the question, ``drop`` ConfigError."""

    def allowed() -> ConfigEditor:
        sheet = read(dashboard)
        _judged(refuse, sheet)
        return sheet

    def asked(sheet: ConfigEditor) -> None:
        from mcmirror.tui.dialogs import Question

        file = sheet.path.name

        def gone(_: None) -> None:
            dashboard.source.reload()
            dashboard.tell(f"{name} is removed from {file}")
            done()

        title, text = f"Remove the {kind} {harmless(name)}?", f"{file} will not have it any more. {consequence}"
        dashboard.push_screen(
            Question(title, text, "Remove"),
            lambda yes: dashboard.ask(lambda: _judged(drop, sheet), gone) if yes else None,
        )

    dashboard.ask(allowed, asked)


def _judged(work: Callable[[ConfigEditor], object], sheet: ConfigEditor) -> None:
    try:
        work(sheet)
    except ConfigError as error:
        raise refusal(error) from None
