"""A form: fields that are judged as one types, and written only when nothing is wrong with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, cast

from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static, TextArea

from mcmirror.model.wording import harmless
from mcmirror.tui.formatting import BAD, DIM

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual.app import ComposeResult

    from mcmirror.tui.app import Dashboard

Wrongs = dict[str, str]
"""By the key of a field, or empty for the whole: what is wrong and what to do."""
Values = dict[str, str]
LABEL = 14
"""Columns."""


@dataclass(frozen=True, slots=True)
class Field:
    """One line of a form."""

    key: str
    label: str
    hint: str
    """Shown while the cursor is in it."""
    value: str = ""
    placeholder: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    """Value and word; without any it is a text."""
    lines: bool = False
    """A text of several lines."""
    reference: bool = False
    """For a reference to a secret: anything else is not shown as it is typed."""
    fixed: bool = False


class Choice(Static, can_focus=True):
    """One of few words, all of them in sight."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "step(-1)", show=False),
        Binding("right,space", "step(1)", show=False),
    ]

    class Changed(Message):
        """Another one was chosen."""

    def __init__(self, choices: Sequence[tuple[str, str]], value: str, *, id: str) -> None:  # noqa: A002  Textual's name
        super().__init__(id=id)
        self._choices = tuple(choices)
        self.value = value if value in dict(choices) else choices[0][0]

    def on_mount(self) -> None:
        """Show it."""
        self._show()

    def _show(self) -> None:
        parts = [
            (f"● {word}  ", "bold") if value == self.value else (f"○ {word}  ", DIM) for value, word in self._choices
        ]
        self.update(Content.assemble(*parts))

    def action_step(self, by: int) -> None:
        """The next one."""
        values = [value for value, _ in self._choices]
        self.value = values[(values.index(self.value) + by) % len(values)]
        self._show()
        self.post_message(self.Changed())

    def on_click(self) -> None:
        """The next one."""
        self.action_step(1)


class Form(ModalScreen[bool]):
    """True when it was written."""

    AUTO_FOCUS = ""
    DEFAULT_CSS = """
    Form { align: center middle; background: $background 60%; }
    Form > Vertical {
        width: 100; max-width: 100%; height: auto; max-height: 100%;
        border: round $primary; background: $surface; padding: 0 1;
    }
    Form VerticalScroll { height: auto; max-height: 75vh; }
    Form.told VerticalScroll { max-height: 60vh; }
    Form .title { text-style: bold; }
    Form .row { height: auto; }
    Form .label { width: 15; color: $text-muted; }
    Form .row Input { width: 1fr; background: $panel; }
    Form .row Input:focus { background: $boost; }
    Form .row TextArea { width: 1fr; height: 3; border: none; padding: 0; background: $panel; }
    Form Choice { width: 1fr; height: 1; }
    Form Choice:focus { background: $boost; }
    Form .wrong { color: $text-error; padding-left: 15; display: none; }
    Form .wrong.there { display: block; }
    Form #all { padding-left: 0; }
    Form #hint { color: $text-muted; height: 2; }
    Form #buttons { height: 1; align-horizontal: right; }
    Form Button { margin-left: 2; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "save", "Save", priority=True),
        Binding("escape", "back", "Cancel", priority=True),
        Binding("down", "app.focus_next", show=False),
        Binding("up", "app.focus_previous", show=False),
    ]

    def __init__(
        self,
        title: str,
        fields: Sequence[Field],
        *,
        check: Callable[[Values], Wrongs],
        save: Callable[[Values], Wrongs],
    ) -> None:
        """``check`` and ``save`` are called by other threads; ``save`` writes when it returns nothing wrong."""
        super().__init__()
        self._title, self._fields = title, tuple(fields)
        self._check, self._save = check, save
        self._touched = {field.key for field in fields if field.value}
        self._asked = self._busy = 0
        self._wrongs: Wrongs = {}

    @property
    def dashboard(self) -> Dashboard:
        """The application."""
        return cast("Dashboard", self.app)

    def compose(self) -> ComposeResult:
        """A line a field, with what is wrong below it."""
        with Vertical():
            yield Static(Content(self._title), classes="title")
            with VerticalScroll(can_focus=False):
                for field in self._fields:
                    with Horizontal(classes="row"):
                        yield Static(Content(field.label), classes="label")
                        if field.choices:
                            yield Choice(field.choices, field.value, id=field.key)
                        elif field.lines:
                            yield TextArea(field.value, id=field.key, compact=True, tab_behavior="focus")
                        else:
                            yield Input(
                                field.value, placeholder=field.placeholder, id=field.key,
                                compact=True, select_on_focus=False, disabled=field.fixed,
                                password=_hidden(field, field.value),
                            )  # fmt: skip
                    yield Static(classes="wrong", id=f"wrong-{field.key}")
            yield Static(classes="wrong", id="all")
            yield Static(id="hint")
            with Horizontal(id="buttons"):
                yield Button("Cancel (Esc)", id="leave", compact=True)
                yield Button("Save (Ctrl+S)", id="save", variant="primary", compact=True)

    def on_mount(self) -> None:
        """Begin in the first field that may be changed."""
        first = next(field for field in self._fields if not field.fixed)
        self.set_focus(self.query_one(f"#{first.key}"))
        self.on_descendant_focus()
        self._judge()

    def on_descendant_focus(self) -> None:
        """Say what the field is for."""
        focused = self.focused.id if self.focused else ""
        hint = next((field.hint for field in self._fields if field.key == focused), "")
        self.query_one("#hint", Static).update(Content(hint))

    def values(self) -> Values:
        """What stands in the fields."""
        return {field.key: self._value(field) for field in self._fields}

    def _value(self, field: Field) -> str:
        if field.choices:
            return self.query_one(f"#{field.key}", Choice).value
        if field.lines:
            return self.query_one(f"#{field.key}", TextArea).text
        return self.query_one(f"#{field.key}", Input).value.strip()

    # As one types.

    def on_input_changed(self, event: Input.Changed) -> None:
        """Judge it anew."""
        self._edited(event.input.id or "")

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """Judge it anew."""
        self._edited(event.text_area.id or "")

    def on_choice_changed(self, _: Choice.Changed) -> None:
        """Judge it anew."""
        self._judge()

    def _edited(self, key: str) -> None:
        field = next((field for field in self._fields if field.key == key), None)
        if field is None:
            return
        value = self._value(field)
        if value != field.value:
            self._touched.add(key)
        if field.reference:
            self.query_one(f"#{key}", Input).password = _hidden(field, value)
        self._judge()

    def _judge(self) -> None:
        self._asked += 1
        number, values = self._asked, self.values()
        self.dashboard.ask(lambda: self._check(values), lambda found: self._found(number, found))

    def _found(self, number: int, found: Wrongs) -> None:
        if number == self._asked and self.is_mounted:
            self._show(found)

    def _show(self, found: Wrongs) -> None:
        self._wrongs = found
        known = {field.key for field in self._fields}
        for field in self._fields:
            self._tell(f"#wrong-{field.key}", found.get(field.key, "") if field.key in self._touched else "")
        rest = [text for key, text in found.items() if key not in known]
        self._tell("#all", "\n".join(rest))
        self.set_class(bool(rest), "told")

    def _tell(self, where: str, text: str) -> None:
        line = self.query_one(where, Static)
        line.set_class(bool(text), "there")
        line.update(Content.styled(harmless(text, keep_newlines=True), BAD) if text else "")

    # The end.

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Write it, or leave."""
        if event.button.id == "save":
            self.action_save()
        else:
            self.action_back()

    def on_input_submitted(self, _: Input.Submitted) -> None:
        """Enter goes on to the next field."""
        self.focus_next()

    def action_save(self) -> None:
        """Write it, when nothing is wrong."""
        if self._busy:
            return
        self._touched = {field.key for field in self._fields}
        self._busy, values = 1, self.values()
        self._asked += 1

        def work() -> Wrongs:
            try:
                return self._check(values) or self._save(values)
            finally:
                self._busy = 0

        def saved(found: Wrongs) -> None:
            if found:
                self._show(found)
            else:
                self.dismiss(result=True)

        self.dashboard.ask(work, saved)

    def action_back(self) -> None:
        """Leave; asks when something was changed."""
        from mcmirror.tui.dialogs import Question

        if all(self._value(field) == self._first(field) for field in self._fields):
            self.dismiss(result=False)
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self.dismiss(result=False)

        text = "What you changed here has not been saved."
        self.dashboard.push_screen(Question("Leave without saving?", text, "Leave", "No, go on"), answered)

    def _first(self, field: Field) -> str:
        return field.value or (field.choices[0][0] if field.choices else "")


def _hidden(field: Field, value: str) -> bool:
    """Whether what is typed might be a secret itself."""
    return field.reference and bool(value) and not value.startswith("{")
