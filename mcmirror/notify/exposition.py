"""Metrics as text, in the two formats that Prometheus reads.

prometheus_client writes the same, and takes seconds for what thousands of jobs have to say.
"""

from collections.abc import Iterable, Iterator
from itertools import chain

PLAIN = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def format_for(accept: str) -> str:
    """The content type that whoever sends this ``Accept`` is to get: OpenMetrics for those who take it."""
    kinds = (part.partition(";")[0].strip().lower() for part in accept.split(","))
    return OPENMETRICS if "application/openmetrics-text" in kinds else PLAIN


def labels(**values: str) -> str:
    """Names and values of labels, as they stand in a sample."""
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in values.items())


class Family:
    """One metric with its samples."""

    def __init__(self, name: str, text: str, *, kind: str = "gauge", names: tuple[str, ...] = ()) -> None:
        """``kind`` is gauge, counter or info; ``names`` are those of the labels that its samples have."""
        self.name, self.text, self.kind, self.names = name, text, kind, names
        self.sample = f"{name}{_SUFFIXES.get(kind, '')}"
        """What its samples are called."""
        self._lines = list[str]()

    def add(self, given: str, value: float) -> None:
        """One sample, with what ``labels`` made."""
        self._lines.append(f"{self._series(given)} {float(value)!r}\n")

    def add_missing(self, samples: Iterable[tuple[str, float]]) -> None:
        """Samples, each unless there is one with the same labels."""
        there = {line.rpartition(" ")[0] for line in self._lines}
        for given, value in samples:
            if self._series(given) not in there:
                self.add(given, value)

    def lines(self, form: str) -> str:
        """The whole of it in this format (PLAIN or OPENMETRICS)."""
        name, kind = (self.name, self.kind) if form == OPENMETRICS else (self.sample, _PLAIN_KINDS.get(self.kind))
        return f"# HELP {name} {self.text}\n# TYPE {name} {kind or self.kind}\n{''.join(self._lines)}"

    def _series(self, given: str) -> str:
        return f"{self.sample}{{{given}}}" if given else self.sample


_SUFFIXES = {"counter": "_total", "info": "_info"}
_PLAIN_KINDS = {"info": "gauge"}


def written(families: Iterable[Family], form: str) -> Iterator[bytes]:
    """Metrics in this format, a piece each, so that no more than one of them is held."""
    end = ("# EOF\n",) if form == OPENMETRICS else ()
    for text in chain((family.lines(form) for family in families), end):
        # A folder's name may be bytes that are no text.
        yield text.encode(errors="replace")


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
