"""Long answers: a document of JSON on each line, and a last one that says that all are there."""

from collections.abc import Iterable, Iterator

from mcmirror.codec.events import as_json
from mcmirror.http.answer import Answer

TYPE = "application/x-ndjson; charset=utf-8"
PIECE = 32 * 1024
"""Bytes that are written together."""


def streamed(documents: Iterable[object]) -> Answer:
    """One document a line."""
    return Answer(200, type=TYPE, stream=lambda: _pieces(documents))


def _pieces(documents: Iterable[object]) -> Iterator[bytes]:
    """Lines, many at once; a listing that breaks off lacks its last line."""
    lines, size, number = list[bytes](), 0, 0
    for document in documents:
        line = as_json(document) + b"\n"
        lines.append(line)
        number, size = number + 1, size + len(line)
        if size >= PIECE:
            yield b"".join(lines)
            lines, size = [], 0
    yield b"".join((*lines, as_json({"end": True, "objects": number}) + b"\n"))
