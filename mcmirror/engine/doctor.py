"""Try, before a run does, everything that a run needs: mc, each server, its keys, and each right on each bucket."""

import contextlib
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from mcmirror.engine.reach import Finding, Grade, fine, reach, wrong
from mcmirror.messages.troubleshoot import classify, for_alias, for_job, problem
from mcmirror.model.job import Job, MirrorOptions
from mcmirror.model.location import Alias, Location
from mcmirror.model.problem import Category, Problem, Trouble
from mcmirror.movers.mc import argv, decode, listing
from mcmirror.movers.mc.find import Mc
from mcmirror.movers.mc.session import Session

__all__ = ["Finding", "Grade", "check_alias", "check_job", "check_mc", "examine", "fine", "wrong"]

OpenSession = Callable[[Sequence[Alias]], AbstractContextManager[Session]]
PROBE = ".mcmirror-probe-"
PATIENCE = 30.0
"""Seconds without a word from a server after which a question is given up."""


def examine(
    jobs: Iterable[Job],
    aliases: Iterable[tuple[str, Alias | Problem]],
    find: Callable[[], Mc],
    open_session: OpenSession,
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
        for finding in _of_alias(reach(alias), alias) if program.problem else check_alias(alias, open_session):
            yield finding
            if finding.grade is Grade.FAILED:
                working.pop(name)
    for job in () if program.problem else jobs:
        needed = {place.alias for place in (job.source, job.target) if place.alias}
        if needed <= working.keys():
            used = {name: working[name] for name in needed}
            for finding in check_job(job, used, open_session, write=write):
                found = finding.problem and for_job(finding.problem, job, used)
                yield replace(finding, problem=found)
        else:
            unusable = ", ".join(sorted(needed - working.keys()))
            yield Finding(f"job {job.name}", "rights", Grade.WARNING, f"not tried: see alias {unusable}")


def check_mc(find: Callable[[], Mc]) -> Finding:
    """Look for mc and say which it is."""
    try:
        mc = find()
    except Trouble as trouble:
        return wrong("mc", "program", trouble.problem)
    return fine("mc", "program", f"{mc.path}, {mc.version}")


def check_alias(alias: Alias, open_session: OpenSession) -> Iterator[Finding]:
    """Ask a server whether it is there and takes the keys; the first answer that fails is the last."""
    return _of_alias(_check_alias(alias, open_session), alias)


def _of_alias(findings: Iterator[Finding], alias: Alias) -> Iterator[Finding]:
    for finding in findings:
        found = finding.problem and for_alias(finding.problem, alias)
        yield replace(finding, said=found.message, problem=found) if found else finding


def _check_alias(alias: Alias, open_session: OpenSession) -> Iterator[Finding]:
    for finding in reach(alias):
        yield finding
        if finding.grade is Grade.FAILED:
            return
    subject = f"alias {alias.name}"
    if not alias.access_key:
        yield fine(subject, "keys", "no keys: anonymous")
        return
    try:
        with open_session([alias]) as session:
            found = _ask(session, argv.buckets(alias.name), alias.url)
    except Trouble as trouble:
        found = trouble.problem
    if found is None:
        yield fine(subject, "keys", "accepted")
    elif found.category is Category.PERMISSION:
        yield fine(subject, "keys", "accepted (they may not list all buckets, and need not)")
    else:
        yield wrong(subject, "keys", found)


def check_job(
    job: Job, aliases: Mapping[str, Alias], open_session: OpenSession, *, write: bool = True
) -> Iterator[Finding]:
    """Try each right that the job needs; ``write`` puts an object of ours on the target and removes it."""
    subject = f"job {job.name}"
    try:
        yield from _check_rights(job, subject, aliases, open_session, write=write)
    except Trouble as trouble:
        yield wrong(subject, "rights", trouble.problem)


def _check_rights(
    job: Job, subject: str, aliases: Mapping[str, Alias], open_session: OpenSession, *, write: bool
) -> Iterator[Finding]:
    with open_session(list(aliases.values())) as session:
        yield from _check_source(job, subject, session)
        if job.target.is_local:
            yield _check_folder(job, subject)
            return
        listed = _listed(session, job.target)
        missing = isinstance(listed, Problem) and listed.category is Category.BUCKET_NOT_FOUND
        if missing and job.create_target:
            yield fine(subject, "list target", f"{job.target.bucket} does not exist; the run will create it")
        elif isinstance(listed, Problem):
            yield wrong(subject, "list target", listed)
        else:
            yield fine(subject, "list target", f"{job.target} can be listed")
            if write:
                yield from _check_writing(job, subject, session)


def _check_source(job: Job, subject: str, session: Session) -> Iterator[Finding]:
    listed = _listed(session, job.source)
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
        found = _ask(session, argv.stat(job.source.child(listed)), job.source.child(listed))
    yield wrong(subject, "read source", found) if found else fine(subject, "read source", f"{listed} can be read")


def _check_folder(job: Job, subject: str) -> Finding:
    """The folder, or the nearest one above it that exists, must be ours to write to."""
    folder = Path(job.target.path)
    there = next(place for place in (folder, *folder.parents) if place.exists())
    if there.is_dir() and os.access(there, os.W_OK | os.X_OK):
        return fine(subject, "write target", f"{there} can be written to")
    reason = "permission denied" if there.is_dir() else "it is not a folder"
    return wrong(subject, "write target", problem(Category.PERMISSION, f"{there} cannot be written to", reason))


def _check_writing(job: Job, subject: str, session: Session) -> Iterator[Finding]:
    probe = session.scratch(f"{PROBE}{secrets.token_hex(8)}", "Written by `mcmirror doctor`; it may be deleted.\n")
    there = job.target.child(probe.name)
    options = MirrorOptions(storage_class=job.options.storage_class, encrypt=job.options.encrypt)
    found = _ask(session, argv.copy(options, [str(probe)], f"{job.target}/"), there)
    # mc is not believed: what counts is that the object can be seen.
    found = found or _ask(session, argv.stat(there), there)
    if found:
        yield wrong(subject, "write target", found)
        return
    yield fine(subject, "write target", f"an object of ours was written to {job.target}")
    found = _ask(session, argv.remove([there]), there)
    if found is None:
        yield fine(subject, "delete target", "and removed again")
        return
    grade = Grade.FAILED if job.options.remove else Grade.WARNING
    need = "" if job.options.remove else " (the job never deletes; only this object of ours is left behind)"
    yield wrong(subject, "delete target", problem(found.category, f"{found.message}{need}", found.cause, there), grade)


def _listed(session: Session, place: Location) -> str | Problem | None:
    """Return the first key at a place, None when there is none, or why it cannot be listed."""
    entries = listing.entries(session, place, stall_timeout=PATIENCE)
    with contextlib.closing(entries):  # closing it stops mc
        try:
            return next((entry.key for entry in entries if entry is not None and not entry.key.endswith("/")), None)
        except listing.ListingBroken as broken:
            return broken.problem
        except listing.OutOfOrder:
            return None


def _ask(session: Session, command: argv.Argv, place: str) -> Problem | None:
    """Run one command of mc; None when it succeeded, by its code and by its lines."""
    process = session.process(command, stall_timeout=PATIENCE)
    failure = None
    for batch in process.lines():
        for line in map(decode.line, batch):
            if isinstance(line, decode.Failure):
                failure = failure or line
    if process.exit.stalled:
        return problem(Category.STALLED, f"{place} does not answer", f"nothing came for {PATIENCE:g} s", place)
    if failure is not None:
        return classify(failure.message, failure.cause, failure.code, object=place)
    if process.exit.code:
        said = process.exit.stderr.strip() or f"exit code {process.exit.code}"
        return classify("", said, object=place)
    return None
