"""Text for a terminal: colours, marks and the columns that it takes. Pure."""

import textwrap
import unicodedata
from dataclasses import dataclass

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
_ASCII = {"✓": "OK", "✗": "X", "•": "*", "→": "->", "·": "-", "…": "...", "━": "#", "─": "-"}
LABEL = 11
"""Columns of a label in a report."""


@dataclass(frozen=True, slots=True)
class Style:
    """What a stream can show."""

    colour: bool = False
    symbols: bool = True
    """Whether marks outside ASCII can be written."""
    width: int = 0
    """Columns; 0 where lines may be of any length."""
    moving: bool = False
    """Whether lines can be redrawn."""

    def paint(self, text: str, *names: str) -> str:
        """``text`` in colours, when there are any; the words must say all without them."""
        if not self.colour or not names or not text:
            return text
        return f"\x1b[{';'.join(_CODES[name] for name in names)}m{text}\x1b[0m"

    def mark(self, symbol: str) -> str:
        """Return a mark that the stream can carry."""
        return symbol if self.symbols else _ASCII.get(symbol, "?")

    def plain(self, text: str) -> str:
        """``text`` with the arrow of a pair's name, where that cannot be written, in ASCII."""
        return text if self.symbols else text.replace("→", self.mark("→"))

    def row(self, label: str, value: str, *names: str) -> list[str]:
        """Return a labelled line of a block, wrapped with its continuation lines below the value."""
        indent = " " * (LABEL + 3)
        room = self.width - len(indent)
        pieces = textwrap.wrap(value, room, break_long_words=False, break_on_hyphens=False) if room >= 30 else [value]
        first, *rest = pieces or [""]
        head = f"  {self.paint(f'{label:<{LABEL}}', 'dim')} {self.paint(first, *names)}".rstrip()
        return [head, *(f"{indent}{self.paint(piece, *names)}" for piece in rest)]


def cells(text: str) -> int:
    """Return the columns that ``text`` takes on a terminal; it holds neither paint nor control characters."""
    return len(text) if text.isascii() else sum(map(_cell, text))


def _cell(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def cropped(text: str, room: int, ellipsis: str = "…") -> str:
    """``text`` in at most ``room`` columns; what is cut goes from the front, for the end of a key tells more."""
    if cells(text) <= room:
        return text
    room -= len(ellipsis)
    kept: list[str] = []
    for character in reversed(text):
        room -= _cell(character)
        if room < 0:
            break
        kept.append(character)
    return ellipsis + "".join(reversed(kept))
