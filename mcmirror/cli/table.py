"""Rows below their heads, aligned by what they take on a terminal."""

from collections.abc import Sequence

from mcmirror.messages.text_style import Style, cells


def table_lines(
    heads: Sequence[str], rows: Sequence[Sequence[str]], style: Style, colours: Sequence[Sequence[str]] = ()
) -> list[str]:
    """The lines. ``colours`` has a name, or nothing, for each cell of each row."""
    widths = [max(map(cells, column)) for column in zip(heads, *rows, strict=True)]
    found = [_line(heads, widths, ["dim"] * len(heads), style)]
    plain = [""] * len(heads)
    for number, row in enumerate(rows):
        found.append(_line(row, widths, colours[number] if colours else plain, style))
    return found


def _line(row: Sequence[str], widths: Sequence[int], colours: Sequence[str], style: Style) -> str:
    last = max((place for place, cell in enumerate(row) if cell), default=0)
    parts = []
    for place, (cell, width, colour) in enumerate(zip(row, widths, colours, strict=True)):
        if place > last:
            break
        room = " " * (width - cells(cell)) if place < last else ""
        parts.append((style.paint(cell, colour) if colour else cell) + room)
    return "  ".join(parts)


def columns(heads: tuple[str, ...], rows: list[list[str]]) -> None:
    """Print rows below their heads, aligned."""
    widths = [max(len(row[index]) for row in [list(heads), *rows]) for index in range(len(heads))]
    for row in [list(heads), *rows]:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
