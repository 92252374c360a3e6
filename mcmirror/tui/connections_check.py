"""A connection tried: address, port, TLS, clock, keys, and the rights that its jobs need, each with its time."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcmirror.config import Configuration
    from mcmirror.engine.doctor import Finding
    from mcmirror.model.job import Job
    from mcmirror.model.location import Alias
    from mcmirror.service import Service

MOST = 5
"""Jobs whose rights are tried."""
SIDES = {"list source", "read source"}


@dataclass(slots=True)
class Check:
    """What was found so far. One thread appends, the screen reads."""

    began: float
    """Seconds since the epoch."""
    findings: list[tuple[Finding, float]] = field(default_factory=list)
    """Each with the seconds that it took."""
    over: bool = False

    @property
    def bad(self) -> Finding | None:
        """The first that failed."""
        return next((one for one, _ in self.findings if one.grade == "failed"), None)

    @property
    def latency(self) -> float:
        """Seconds until the port was open; 0 when it was not tried or not."""
        return next((spent for one, spent in self.findings if one.check == "port" and one.grade == "ok"), 0.0)


def timed(findings: Iterator[Finding]) -> Iterator[tuple[Finding, float]]:
    """Each with the seconds until it was there."""
    before = time.monotonic()
    for one in findings:
        now = time.monotonic()
        yield one, now - before
        before = time.monotonic()


def tried(name: str, configuration: Configuration) -> Iterator[Finding]:
    """Try the connection, then what its jobs need of it; nothing is written anywhere."""
    from mcmirror.config import ConfigError
    from mcmirror.engine.doctor import check_alias, wrong
    from mcmirror.model.problem import Trouble
    from mcmirror.service import Service
    from mcmirror.service.one_run import misconfigured

    service = Service(configuration)
    try:
        alias = service.aliases([name])[name]
        failed = False
        for one in check_alias(alias, service.probe):
            failed = failed or one.grade == "failed"
            yield _hidden(one, service)
        if not failed:
            for one in _rights(alias, service):
                yield _hidden(one, service)
    except ConfigError as error:
        yield wrong(f"alias {name}", "definition", misconfigured(error, name))
    except Trouble as trouble:
        yield wrong("mc", "program", trouble.problem)


def _hidden(finding: Finding, service: Service) -> Finding:
    """Without any secret that a server may have said back."""
    problem = finding.problem
    if problem is not None:
        texts: dict[str, Any] = {
            part: service.redact(getattr(problem, part)) for part in ("message", "cause", "remedy")
        }
        problem = replace(problem, **texts)
    return replace(finding, said=service.redact(finding.said), problem=problem)


def _rights(alias: Alias, service: Service) -> Iterator[Finding]:
    """What the jobs need of this side; the other side is not spoken of."""
    from mcmirror.engine.doctor import check_job

    for job in _jobs(alias.name, service.configuration)[:MOST]:
        places = dict.fromkeys(place.alias for place in (job.source, job.target) if place.alias)
        for one in check_job(job, service.aliases(places), service.probe, write=False):
            side = job.source if one.check in SIDES else job.target
            if side.alias == alias.name:
                yield one


def _jobs(alias: str, configuration: Configuration) -> list[Job]:
    return [job for job in configuration.jobs.values() if alias in {job.source.alias, job.target.alias}]
