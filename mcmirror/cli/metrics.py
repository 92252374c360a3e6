"""Where the metrics of a run go that nobody can scrape: found out before it, written after it."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

import typer

from mcmirror.model.report import RunReport
from mcmirror.notify import files

if TYPE_CHECKING:
    from mcmirror.notify.message import NotTold
    from mcmirror.notify.metrics_once import Promise
    from mcmirror.service import Service


@dataclass(frozen=True, slots=True)
class Metrics:
    """The places, and whose metrics they get."""

    folder: Path | None
    gateway: str
    service: "Service"

    @classmethod
    def of(cls, service: "Service", folder: Path | None, gateway: str | None) -> "Self | None":
        """What the command line says, else the configuration; None for nowhere. Raises BadParameter, ConfigError."""
        configuration = service.configuration
        if folder is not None:
            _usable(folder)
        elif configuration.settings.textfile_dir:
            folder = Path(configuration.settings.textfile_dir)
        if gateway is not None:
            _address(gateway)
        elif configuration.settings.pushgateway:
            from mcmirror.config import pushgateway

            gateway = pushgateway(configuration, os.environ)
        if folder is None and not gateway:
            return None
        return cls(folder, gateway or "", service)

    def hand_over(self, reports: Sequence[RunReport]) -> "Iterator[NotTold]":
        """Write and push what the runs came to; return what failed, which changes no verdict."""
        from mcmirror.notify.message import NotTold
        from mcmirror.notify.metrics_once import job_states, push, write_textfile

        jobs = job_states(reports, datetime.now(UTC), self._promises(reports))
        if self.folder is not None:
            try:
                write_textfile(self.folder, jobs)
            except OSError as error:
                why = f"{self.folder}: {error.strerror or error}"
                yield NotTold("the metrics were not written", why, "Make the folder, and let this user write in it.")
        if self.gateway:
            try:
                push(self.gateway, jobs)
            except NotTold as failed:
                yield failed

    def _promises(self, reports: Sequence[RunReport]) -> "dict[str, Promise]":
        from mcmirror.notify.metrics_once import Promise
        from mcmirror.service.last_success import proven

        schedules = self.service.configuration.schedules
        ages = {name: schedule.max_age for name, schedule in schedules.items()}
        return {
            name: Promise(ages.get(name, 0.0), one.succeeded, one.since)
            for name, one in proven(self.service, reports).items()
        }


def _usable(folder: Path) -> None:
    from mcmirror.notify.metrics_once import FILE

    why = files.writable(folder / FILE)
    if why:
        raise typer.BadParameter(f"{folder} cannot be written: {why}.", param_hint="'--textfile-dir'")


def _address(url: str) -> None:
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        # The address may hold a password.
        raise typer.BadParameter("this is no address. Write http://HOST:9091.", param_hint="'--pushgateway'")
