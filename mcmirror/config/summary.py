"""What a glance at the jobs needs of a configuration, kept so that a file of thousands need not be read again."""

import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from mcmirror import __version__
from mcmirror.config.load import find_file, home_of, load
from mcmirror.config.values import Configuration, Schedule

_ENVIRONMENT = ("MCMIRROR_STATE", "MCMIRROR_TIMEZONE", "TZ")
"""What a summary takes from there when the file does not say it."""
_REFERENCE = re.compile(rb"\bstate\s*=[^\n]*\{")


@dataclass(frozen=True, slots=True)
class JobSummary:
    """One job."""

    name: str
    source: str
    target: str
    cron: str
    every: float
    gap: bool
    timezone: str
    max_age: float
    dry_run: bool
    realtime: bool = False
    prefix: str = ""


_COLUMNS = [item.name for item in fields(JobSummary)]


@dataclass(frozen=True, slots=True)
class Summary:
    """A configuration, as far as its jobs' schedules and the place of its state go."""

    state: str
    service: str
    timezone: str
    paused: bool
    origin: str
    notifiers: tuple[str, ...]
    relays: tuple[str, ...]
    jobs: tuple[JobSummary, ...]


def summary(config: Path | None, environ: Mapping[str, str], folder: Path) -> Summary:
    """The summary of the configuration that holds in ``folder``; raises ConfigError with every mistake."""
    file = find_file(config, environ, folder)
    found = _read(file, environ) if file else None
    if found is None:
        keep = keeper(config, environ, folder)
        configuration = load(config, environ, folder, needs_jobs=True)
        keep(configuration)
        found = _of(configuration)
    return found


def keeper(config: Path | None, environ: Mapping[str, str], folder: Path) -> Callable[[Configuration], None]:
    """To be called before a configuration is read; keeps its summary afterwards, if the file is still the same."""
    file = find_file(config, environ, folder)
    mark = _mark(file, environ) if file else []

    def keep(configuration: Configuration) -> None:
        if file is not None and mark and mark == _mark(file, environ):
            _keep(file, environ, mark, _of(configuration))

    return keep


def _of(configuration: Configuration) -> Summary:
    settings = configuration.settings
    jobs = []
    for name, job in configuration.jobs.items():
        schedule = configuration.schedules.get(name) or Schedule()
        jobs.append(
            JobSummary(
                name=name,
                source=str(job.source),
                target=str(job.target),
                cron=schedule.cron,
                every=schedule.every,
                gap=schedule.gap,
                timezone=job.timezone,
                max_age=schedule.max_age,
                dry_run=job.options.dry_run,
                realtime=schedule.realtime is not None,
                prefix=job.prefix,
            )
        )
    told = dict.fromkeys(name for schedule in configuration.schedules.values() for name in schedule.notify)
    return Summary(
        state=settings.state,
        service=settings.service,
        timezone=settings.timezone,
        paused=configuration.paused,
        origin=configuration.origin,
        notifiers=tuple(told),
        relays=tuple(configuration.relays),
        jobs=tuple(jobs),
    )


def _mark(file: Path, environ: Mapping[str, str]) -> list[Any]:
    """By which this version of the file, read by this version of mcmirror in such an environment, is known."""
    if any(environ.get(f"{name}_FILE") for name in _ENVIRONMENT):
        return []
    try:
        found = file.stat()
    except OSError:
        return []
    # An address may hold a password.
    said = "\n".join(environ.get(name, "") for name in _ENVIRONMENT)
    environment = hashlib.sha256(os.fsencode(said)).hexdigest()
    return [__version__, str(file.absolute()), found.st_mtime_ns, found.st_size, found.st_ino, environment]


def _kept(file: Path, environ: Mapping[str, str]) -> Path | None:
    name = hashlib.sha256(os.fsencode(file.absolute())).hexdigest()[:24]
    try:
        cache = environ.get("XDG_CACHE_HOME") or home_of(environ) / ".cache"
    except RuntimeError:
        # A user whom the system does not know has no home.
        return None
    return Path(cache) / "mcmirror" / "outlines" / f"{name}.json"


def _read(file: Path, environ: Mapping[str, str]) -> Summary | None:
    kept, mark = _kept(file, environ), _mark(file, environ)
    if kept is None or not mark:
        return None
    try:
        document = json.loads(kept.read_bytes())
        if document.pop("mark") != mark or document.pop("columns") != _COLUMNS:
            return None
        jobs = tuple(JobSummary(*row) for row in document.pop("jobs"))
        document |= {key: tuple(document[key]) for key in ("notifiers", "relays")}
        return Summary(**document, jobs=jobs)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _keep(file: Path, environ: Mapping[str, str], mark: list[Any], found: Summary) -> None:
    """Keep it. A state that is named by a reference may be another one tomorrow: that is read each time."""
    kept = _kept(file, environ)
    document = {item.name: getattr(found, item.name) for item in fields(Summary) if item.name != "jobs"}
    rows = [[getattr(job, column) for column in _COLUMNS] for job in found.jobs]
    with suppress(OSError):
        if kept is None or _REFERENCE.search(file.read_bytes()):
            return
        kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        new = kept.with_suffix(f".{os.getpid()}")
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:  # noqa: PTH123
            json.dump({**document, "mark": mark, "columns": _COLUMNS, "jobs": rows}, out)
        new.replace(kept)
