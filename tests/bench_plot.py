"""A bar chart as SVG: for each row one bar a tool, as long as its seconds beside the slowest of the row."""

from collections.abc import Mapping
from html import escape

COLOURS = ("#8a94a6", "#c9a227", "#2f6fdb")
LABEL, BAR, ROOM, WIDTH = 300, 13, 14, 760
"""Pixels: for a row's name, the height of a bar, between rows, of the whole picture."""


def plot(rows: Mapping[str, Mapping[str, float]]) -> str:
    """Draw seconds by row and tool; every row has the same tools."""
    parts, top = list[str](), 30
    tools = list(next(iter(rows.values())))
    for number, tool in enumerate(tools):
        left = LABEL + number * 110
        parts.append(f'<rect x="{left}" y="8" width="12" height="12" fill="{COLOURS[number]}"/>')
        parts.append(f'<text x="{left + 18}" y="18">{escape(tool)}</text>')
    for title, seconds in rows.items():
        slowest = max(seconds.values())
        middle = top + BAR * len(tools) / 2 + 4
        parts.append(f'<text x="{LABEL - 12}" y="{middle:g}" text-anchor="end">{escape(title)}</text>')
        for number, tool in enumerate(tools):
            length = round(seconds[tool] / slowest * (WIDTH - LABEL - 60), 1)
            y = top + number * BAR
            parts.append(f'<rect x="{LABEL}" y="{y}" width="{length}" height="{BAR - 2}" fill="{COLOURS[number]}"/>')
            parts.append(f'<text x="{LABEL + length + 5}" y="{y + BAR - 3}">{seconds[tool]:.1f} s</text>')
        top += BAR * len(tools) + ROOM
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" width="{WIDTH}" height="{top}"'
        ' font-family="sans-serif" font-size="12">\n'
        f'<rect width="{WIDTH}" height="{top}" fill="#ffffff"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )
