"""Choose from a stream of pairs whose length nobody knows beforehand."""

import random
from collections.abc import Iterator

from mcmirror.engine.spool import Spool
from mcmirror.model.plan import Changed, Difference, Entry, Reason

FEW = 5
"""Objects that are looked at where no share was asked for."""


class Sample:
    """Equal pairs: each with the chance of so many percent, or a few of all with the same chance."""

    def __init__(self, percent: float | None = None) -> None:
        self._percent = percent
        self._share = Spool()
        self._few: list[Changed] = []
        self.few = percent is None
        self.offered = 0
        """How many there were to choose from."""

    def offer(self, source: Entry, target: Entry) -> None:
        """One more pair to choose from."""
        self.offered += 1
        if self._percent is not None:
            if random.random() * 100 < self._percent or (self.offered == 1 and self._percent):  # noqa: S311  # a sample
                self._share.append(Changed(source, target, Reason.METADATA))
            return
        place = len(self._few) if len(self._few) < FEW else random.randrange(self.offered)  # noqa: S311
        if place < FEW:
            self._few[place : place + 1] = [Changed(source, target, Reason.METADATA)]

    def __iter__(self) -> Iterator[Difference]:
        """In no order where a few were chosen."""
        return iter(self._few[:] if self.few else self._share)

    def __len__(self) -> int:
        return len(self._few if self.few else self._share)
