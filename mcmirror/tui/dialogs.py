"""What stands before a screen until it is answered."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

_CSS = """
{name} {{ align: center middle; background: $background 60%; }}
{name} > Vertical {{
    width: 76; max-width: 96%; height: auto; max-height: 96%;
    border: round $primary; background: $surface; padding: 0 1;
}}
{name} VerticalScroll {{ height: auto; max-height: 60vh; scrollbar-size-vertical: 1; }}
{name} .title {{ text-style: bold; margin-bottom: 1; }}
{name} Horizontal {{ height: auto; margin-top: 1; align-horizontal: right; }}
{name} Button {{ margin-left: 2; }}
{name} .wrong {{ color: $text-error; }}
"""


class Question(ModalScreen[bool]):
    """Asks once; escape is no."""

    DEFAULT_CSS = _CSS.format(name="Question")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,n", "answer(False)", "no"),
        Binding("y", "answer(True)", "yes"),
        Binding("left,right", "app.focus_next", show=False),
    ]

    def __init__(self, title: str, text: str, yes: str, no: str = "No, go back") -> None:
        super().__init__()
        self._title, self._text, self._yes, self._no = title, text, yes, no

    def compose(self) -> ComposeResult:
        """Title, text, two buttons; the cursor is on the one that changes nothing."""
        with Vertical():
            yield Static(Content(self._title), classes="title")
            yield Static(Content(self._text))
            with Horizontal():
                yield Button(Content(f"{self._no} (n)"), id="no", compact=True)
                yield Button(Content(f"{self._yes} (y)"), id="yes", variant="error", compact=True)

    def on_mount(self) -> None:
        """The safe answer is the near one."""
        self.query_one("#no").focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Answer."""
        self.dismiss(event.button.id == "yes")

    def action_answer(self, value: bool) -> None:
        """Answer by key."""
        self.dismiss(value)


class NumberTyped(ModalScreen[bool]):
    """Asks for a number to be typed, so that it has been read."""

    DEFAULT_CSS = _CSS.format(name="NumberTyped")
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "back", "Back")]

    def __init__(self, title: str, text: str, number: int) -> None:
        super().__init__()
        self._title, self._text, self._number = title, text, number

    def compose(self) -> ComposeResult:
        """Title, text, and where the number goes."""
        with Vertical():
            yield Static(Content(self._title), classes="title")
            yield Static(Content(self._text))
            yield Input(placeholder="the number, then Enter; Esc leaves", compact=True, restrict=r"[0-9.,']*")
            yield Static(classes="wrong")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """The right number is a yes."""
        given = "".join(filter(str.isdigit, event.value))
        if given == str(self._number):
            self.dismiss(result=True)
        else:
            self.query_one(".wrong", Static).update(Content(f"That is not {self._number}. Nothing was started."))

    def action_back(self) -> None:
        """Leave it."""
        self.dismiss(result=False)


class Text(ModalScreen[None]):
    """Something to be read."""

    DEFAULT_CSS = _CSS.format(name="Text")
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,enter,question_mark", "back", "Close")]

    def __init__(self, title: str, text: Content) -> None:
        super().__init__()
        self._title, self._text = title, text

    def compose(self) -> ComposeResult:
        """Title and text."""
        with Vertical():
            yield Static(Content(self._title), classes="title")
            with VerticalScroll():
                yield Static(self._text, id="text")
            with Horizontal():
                yield Button("Close (Esc)", compact=True)

    def on_button_pressed(self) -> None:
        """Close."""
        self.dismiss(None)

    def action_back(self) -> None:
        """Close."""
        self.dismiss(None)
