"""Try, before a run does, everything that a run needs: mc, each server, its keys, and each right on each bucket."""

import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from mcmirror.engine.reachability import Finding, Grade, fine, reach, wrong
from mcmirror.messages.error_lookup import for_alias, for_job, problem
from mcmirror.model.job import Job, MirrorOptions
from mcmirror.model.location import Alias
from mcmirror.model.problem import Category, Problem, Trouble
from mcmirror.movers.protocol import Probe

__all__ = ["Finding", "Grade", "check_alias", "check_job", "check_mc", "examine", "fine", "wrong"]

OpenProbe = Callable[[Sequence[Alias]], AbstractContextManager[Probe]]
"""Makes ready to ask the servers of these aliases."""
PROBE = ".mcmirror-probe-"


def examine(
    jobs: Iterable[Job],
    aliases: Iterable[tuple[str, Alias | Problem]],
    find: Callable[[], str],
    open_probe: OpenProbe,
    *,
    write: bool = True,
) -> Iterator[Finding]:
    """Look at mc, at each alias, and at each right of each job; what cannot be tried is said."""
    program = check_mc(find)
    yield program
    working = dict[str, Alias]()
    for name, alias in aliases:
        if isinstance(alias, Problem):
            yield wrong(f"alias {name}", "definition", alias)
            continue
        working[name] = alias
        for finding in _of_alias(reach(alias), alias) if program.problem else check_alias(alias, open_probe):
            yield finding
            if finding.grade is Grade.FAILED:
                working.pop(name)
    for job in () if program.problem else jobs:
        needed = {place.alias for place in (job.source, job.target) if place.alias}
        if needed <= working.keys():
            used = {name: working[name] for name in needed}
            for finding in check_job(job, used, open_probe, write=write):
                found = finding.problem and for_job(finding.problem, job, used)
                yield replace(finding, problem=found)
        else:
            unusable = ", ".join(sorted(needed - working.keys()))
            yield Finding(f"job {job.name}", "rights", Grade.WARNING, f"not tried: see alias {unusable}")


def check_mc(find: Callable[[], str]) -> Finding:
    """Look for mc, which ``find`` describes."""
    try:
        said = find()
    except Trouble as trouble:
        return wrong("mc", "program", trouble.problem)
    return fine("mc", "program", said)


def check_alias(alias: Alias, open_probe: OpenProbe) -> Iterator[Finding]:
    """Ask a server whether it is there and takes the keys; the first answer that fails is the last."""
    return _of_alias(_check_alias(alias, open_probe), alias)


def _of_alias(findings: Iterator[Finding], alias: Alias) -> Iterator[Finding]:
    for finding in findings:
        found = finding.problem and for_alias(finding.problem, alias)
        yield replace(finding, said=found.message, problem=found) if found else finding


def _check_alias(alias: Alias, open_probe: OpenProbe) -> Iterator[Finding]:
    for finding in reach(alias):
        yield finding
        if finding.grade is Grade.FAILED:
            return
    subject = f"alias {alias.name}"
    if not alias.access_key:
        yield fine(subject, "keys", "no keys: anonymous")
        return
    try:
        with open_probe([alias]) as probe:
            found = probe.buckets(alias.name, alias.url)
    except Trouble as trouble:
        found = trouble.problem
    if found is None:
        yield fine(subject, "keys", "accepted")
    elif found.category is Category.PERMISSION:
        yield fine(subject, "keys", "accepted (they may not list all buckets, and need not)")
    else:
        yield wrong(subject, "keys", found)


def check_job(
    job: Job, aliases: Mapping[str, Alias], open_probe: OpenProbe, *, write: bool = True
) -> Iterator[Finding]:
    """Try each right that the job needs; ``write`` puts an object of ours on the target and removes it."""
    subject = f"job {job.name}"
    try:
        yield from _check_rights(job, subject, aliases, open_probe, write=write)
    except Trouble as trouble:
        yield wrong(subject, "rights", trouble.problem)


def _check_rights(
    job: Job, subject: str, aliases: Mapping[str, Alias], open_probe: OpenProbe, *, write: bool
) -> Iterator[Finding]:
    with open_probe(list(aliases.values())) as probe:
        yield from _check_source(job, subject, probe)
        if job.target.is_local:
            yield _check_folder(job, subject)
            return
        listed = probe.first_key(job.target)
        missing = isinstance(listed, Problem) and listed.category is Category.BUCKET_NOT_FOUND
        if missing and job.create_target:
            yield fine(subject, "list target", f"{job.target.bucket} does not exist; the run will create it")
        elif isinstance(listed, Problem):
            yield wrong(subject, "list target", listed)
        else:
            yield fine(subject, "list target", f"{job.target} can be listed")
            if write:
                yield from _check_writing(job, subject, probe)


def _check_source(job: Job, subject: str, probe: Probe) -> Iterator[Finding]:
    listed = probe.first_key(job.source)
    if isinstance(listed, Problem):
        yield wrong(subject, "list source", listed)
        return
    yield fine(subject, "list source", f"{job.source} can be listed")
    if listed is None:
        yield fine(subject, "read source", "not tried: there is no object")
        return
    if job.source.is_local:
        readable = os.access(job.source.child(listed), os.R_OK)
        unreadable = problem(Category.PERMISSION, f"{listed} cannot be read", "permission denied", listed)
        found = None if readable else unreadable
    else:
        found = probe.read(job.source.child(listed))
    yield wrong(subject, "read source", found) if found else fine(subject, "read source", f"{listed} can be read")


def _check_folder(job: Job, subject: str) -> Finding:
    """The folder, or the nearest one above it that exists, must be ours to write to."""
    folder = Path(job.target.path)
    there = next(place for place in (folder, *folder.parents) if place.exists())
    if there.is_dir() and os.access(there, os.W_OK | os.X_OK):
        return fine(subject, "write target", f"{there} can be written to")
    reason = "permission denied" if there.is_dir() else "it is not a folder"
    return wrong(subject, "write target", problem(Category.PERMISSION, f"{there} cannot be written to", reason))


def _check_writing(job: Job, subject: str, probe: Probe) -> Iterator[Finding]:
    name = f"{PROBE}{secrets.token_hex(8)}"
    there = job.target.child(name)
    options = MirrorOptions(storage_class=job.options.storage_class, encrypt=job.options.encrypt)
    found = probe.write(job.target, name, "Written by `mcmirror doctor`; it may be deleted.\n", options)
    if found:
        yield wrong(subject, "write target", found)
        return
    yield fine(subject, "write target", f"an object of ours was written to {job.target}")
    found = probe.remove(there)
    if found is None:
        yield fine(subject, "delete target", "and removed again")
        return
    grade = Grade.FAILED if job.options.remove else Grade.WARNING
    need = "" if job.options.remove else " (the job never deletes; only this object of ours is left behind)"
    yield wrong(subject, "delete target", problem(found.category, f"{found.message}{need}", found.cause, there), grade)
