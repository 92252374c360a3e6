"""Cut keys into batches, each asked for by one process."""

import os
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

FIRST = 10
"""Keys of the first batch: a server in trouble is noticed before thousands were asked for."""
LONGEST = 48 * 1024
"""Bytes of the keys of one batch."""


def batches(items: Iterable[T], key: Callable[[T], str], most: int) -> Iterator[list[T]]:
    """Yield batches of at most ``most`` items; the first is short."""
    batch, size, limit = list[T](), 0, FIRST
    for item in items:
        length = len(os.fsencode(key(item)))
        if batch and (len(batch) >= limit or size + length > LONGEST):
            yield batch
            batch, size, limit = [], 0, most
        batch.append(item)
        size += length
    if batch:
        yield batch
