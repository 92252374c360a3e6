"""A list whose lines change in place, without losing the cursor or the place it was scrolled to."""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

Row = tuple[str, Content]
"""What it is known by, and what is shown."""


class Rows(OptionList):
    """A list of ``Row``."""

    DEFAULT_CSS = """
    Rows, Rows:focus { border: none; padding: 0; background: transparent; scrollbar-size-vertical: 1; }
    Rows { text-wrap: nowrap; text-overflow: ellipsis; }
    Rows > .option-list--option { padding: 0 1; }
    Rows > .option-list--option-highlighted { background: $panel; color: $foreground; text-style: none; }
    Rows:focus > .option-list--option-highlighted { background: $primary 35%; color: $foreground; text-style: none; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "select", "Open", tooltip="what the cursor is on")]

    def __init__(self, *, id: str | None = None, empty: str = "") -> None:  # noqa: A002  Textual's name
        """``empty`` is shown while there are none."""
        super().__init__(id=id, markup=False)
        self._empty = empty
        self._shown: dict[str, Content] = {}
        self._blank: str | None = None
        """What is shown while there are none; None when there are some."""

    def put(self, rows: Sequence[Row], empty: str = "") -> None:
        """Show these; without any, ``empty`` in place of what it was made with."""
        wanted = dict(rows)
        if not wanted:
            self._nothing(empty or self._empty)
        elif list(wanted) == list(self._shown):
            for key, content in wanted.items():
                if content != self._shown[key]:
                    self.replace_option_prompt(key, content)
        else:
            self._anew(wanted)
        self._shown = wanted

    def _nothing(self, text: str) -> None:
        if self._shown or self._blank != text:
            self.clear_options()
            self._blank = text
            if text:
                self.add_option(Option(Content.styled(text, "dim"), disabled=True))

    def _anew(self, wanted: dict[str, Content]) -> None:
        current, offset = self.current, self.scroll_offset
        at = self.highlighted or 0
        self._blank = None
        self.clear_options()
        self.add_options(Option(content, id=key) for key, content in wanted.items())
        keys = list(wanted)
        self.highlighted = keys.index(current) if current in wanted else min(at, len(keys) - 1)
        self.scroll_to(y=offset.y, animate=False)
        # In another order it may be far from there.
        self.call_after_refresh(self.scroll_to_highlight)

    @property
    def current(self) -> str:
        """What the cursor is on; empty for nothing."""
        at = self.highlighted
        if at is None or at >= self.option_count:
            return ""
        return self.get_option_at_index(at).id or ""

    def choose(self, key: str) -> None:
        """Put the cursor there, if it is shown."""
        if key in self._shown:
            self.highlighted = list(self._shown).index(key)
