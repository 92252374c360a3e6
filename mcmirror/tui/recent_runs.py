"""The last runs of each job, for the sparklines of the overview."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcmirror.tui.source import Past

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mcmirror.model.record import Record

KEPT = 24
"""Runs a job."""


class RecentRuns:
    """For one thread that writes; ``known`` may be read by any."""

    def __init__(self) -> None:
        self.known: Mapping[str, tuple[Past, ...]] = {}
        """By job, the newest last; a new mapping after each change."""
        self._newest: dict[str, str] = {}

    def learn(self, records: Iterable[Record]) -> None:
        """Take in what was, the newest first."""
        found: dict[str, list[Past]] = {}
        for record in records:
            if record.report is not None and len(found.setdefault(record.job, [])) < KEPT:
                found[record.job].append(Past(record.status, record.report.seconds))
                self._newest[record.job] = max(self._newest.get(record.job, ""), record.id)
        self.known = {job: tuple(reversed(pasts)) for job, pasts in found.items()}

    def enter(self, record: Record) -> None:
        """Take in a run, each once."""
        if record.report is None or self._newest.get(record.job, "") >= record.id:
            return
        self._newest[record.job] = record.id
        past = Past(record.status, record.report.seconds)
        self.known = {**self.known, record.job: (*self.known.get(record.job, ()), past)[-KEPT:]}
