"""A screen with a list: what it comes to on top, the list, which has the keys, and what is selected below it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.containers import Vertical, VerticalScroll
from textual.widgets import Input, Static

from mcmirror.tui.frame import Room
from mcmirror.tui.rows import Rows

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.content import Content
    from textual.widgets import OptionList


TINY = 14
"""Lines of a screen below which the selected one is not shown in full."""


class ListRoom(Room):
    """``#sum``, ``#heads``, the rows, and what of filter and detail the screen wants."""

    EMPTY: ClassVar[str] = ""
    """Shown while there is nothing to list."""
    FILTER: ClassVar[str] = ""
    """What is typed to see only some; empty: nothing is. A screen with it binds ``filter`` and ``back``."""
    DETAIL: ClassVar[str] = ""
    """How much of the screen the selected one gets, ``25%``; empty: it is not shown."""
    MOST: ClassVar[int] = 10
    """Lines of it: on a tall screen the list has the rest."""
    DEFAULT_CSS = """
    ListRoom #sum { height: auto; max-height: 30%; padding: 0 1; }
    ListRoom #heads { height: 1; padding: 0 1; color: $text-muted; text-style: bold; }
    ListRoom #list { height: 1fr; min-height: 5; }
    ListRoom Rows { height: 1fr; }
    ListRoom #filter { display: none; height: 1; border: none; padding: 0 1; background: $panel; }
    ListRoom #filter.open { display: block; }
    ListRoom #below { padding: 0 0 0 1; scrollbar-size-vertical: 1; scrollbar-gutter: stable; }
    ListRoom #below:focus { background: $boost; }
    ListRoom.tiny #below { display: none; }
    ListRoom #detail { height: auto; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.wanted = ""
        """What was typed into the filter."""

    def body(self) -> ComposeResult:
        """Sum, heads, rows, filter, detail."""
        yield Static(id="sum")
        with Vertical(id="list", classes="panel"):
            yield Static(id="heads")
            yield Rows(id="rows", empty=self.EMPTY)
        if self.FILTER:
            yield Input(id="filter", placeholder=self.FILTER, compact=True)
        if self.DETAIL:
            # Tab goes there, and the arrows then scroll it.
            below = VerticalScroll(Static(id="detail"), id="below", classes="panel")
            below.styles.height = self.DETAIL
            below.styles.max_height = self.MOST
            yield below

    def on_mount(self) -> None:
        """The list has the keys."""
        super().on_mount()
        self.entitle("list", self.NAME)
        self.rows.focus()

    def on_resize(self) -> None:
        """Where there are few lines, the list has them."""
        self.set_class(self.app.size.height < TINY, "tiny")
        super().on_resize()

    @property
    def rows(self) -> Rows:
        """The list."""
        return self.query_one("#rows", Rows)

    def fill(self, part: str, content: Content) -> None:
        """Show it in ``sum``, ``heads`` or ``detail``."""
        self.query_one(f"#{part}", Static).update(content)

    def on_option_list_option_highlighted(self, _: OptionList.OptionHighlighted) -> None:
        """Another one is selected: it is read from its beginning."""
        for below in self.query("#below"):
            below.scroll_home(animate=False)

    # The filter.

    def filtered(self) -> None:
        """Show what fits ``wanted``."""
        self.dashboard.paint()

    def action_filter(self) -> None:
        """Ask for a text."""
        box = self.query_one("#filter", Input)
        box.add_class("open")
        box.focus()

    def action_back(self) -> None:
        """Show all again."""
        box = self.query_one("#filter", Input)
        box.value = ""
        box.remove_class("open")
        self.rows.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """As one types."""
        self.wanted = event.value.strip()
        self.filtered()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep it, and go back to the list."""
        if not event.value.strip():
            self.action_back()
        self.rows.focus()
