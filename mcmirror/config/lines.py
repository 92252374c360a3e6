"""Where in a TOML text a key stands: the line numbers of mistakes. Pure."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from mcmirror.config.values import Mistake

_HEADING = re.compile(r"\s*\[\[?(?P<name>[^\[\]]+|(?:[^\[\]\"']|\"[^\"]*\"|'[^']*')+)\]\]?\s*(#.*)?\Z")
_KEY = re.compile(r"\s*(?P<name>(?:[\w-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*(?:[\w-]+|\"[^\"]*\"|'[^']*'))*)\s*=")


def located(mistakes: Iterable[Mistake], text: str) -> tuple[Mistake, ...]:
    """The mistakes with the lines of their keys; a key that is missing has the line of its table."""
    lines = dict[str, int]()
    for key, number in _keys(text):
        lines.setdefault(key, number)
    return tuple(one if one.line else replace(one, line=_line(one.key, lines)) for one in mistakes)


def _line(key: str, lines: dict[str, int]) -> int:
    while key:
        if key in lines:
            return lines[key]
        key = key.rpartition(".")[0]
    return 0


def _keys(text: str) -> Iterator[tuple[str, int]]:
    """Each key of the text, dotted from the root, and its line; a table is also found by the first of its keys."""
    table = list[str]()
    for number, line in enumerate(text.splitlines(), start=1):
        if heading := _HEADING.match(line):
            table = _parts(heading["name"])
            path = table
        elif found := _KEY.match(line):
            path = [*table, *_parts(found["name"])]
        else:
            continue
        for length in range(1, len(path) + 1):
            yield ".".join(path[:length]), number


def _parts(written: str) -> list[str]:
    """The names in a dotted key, without their quotes; what is no key is one name."""
    import tomllib

    try:
        value = tomllib.loads(f"{written} = 0")
    except tomllib.TOMLDecodeError:
        return [written]
    parts = []
    while isinstance(value, dict):
        ((part, value),) = value.items()
        parts.append(part)
    return parts
