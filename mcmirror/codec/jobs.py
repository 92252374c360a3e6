"""Jobs, aliases and plans as JSON documents, whole: what a run elsewhere needs, and what comes back of it."""

from typing import Any

from mcmirror.codec.documents import COUNT, read
from mcmirror.codec.shape import AS_IS, Kind, Pair, Shape, many, plain
from mcmirror.model.job import Job, MaxDelete, MirrorOptions
from mcmirror.model.location import Alias, Location, Secret
from mcmirror.model.plan import Count, Entry, Plan

_TEXTS: dict[Any, Kind] = {tuple[str, ...]: many(AS_IS)}
_JOB = plain(
    Job,
    {
        Location: plain(Location, {}),
        MirrorOptions: plain(MirrorOptions, _TEXTS),
        MaxDelete: plain(MaxDelete, {}),
    },
)
_ALIAS = plain(Alias, {Secret: Pair(lambda secret: secret.value, Secret)})
_ENTRY = Pair(list, Entry._make)
_PLAN: Shape = plain(Plan, {Count: COUNT, tuple[Entry, ...]: many(_ENTRY)})
_LISTS = ("differences", "sample")


def job_document(job: Job) -> dict[str, Any]:
    """A job with all its options."""
    return _JOB.to(job)


def job_of(document: dict[str, Any]) -> Job:
    """The job of such a document. Raises ValueError."""
    return read(_JOB, "job", document)  # type: ignore[no-any-return]


def alias_document(alias: Alias) -> dict[str, Any]:
    """An alias WITH ITS SECRETS: for sealed messages alone."""
    return _ALIAS.to(alias)


def alias_of(document: dict[str, Any]) -> Alias:
    """The alias of such a document. Raises ValueError."""
    return read(_ALIAS, "alias", document)  # type: ignore[no-any-return]


def plan_document(plan: Plan) -> dict[str, Any]:
    """A plan without its lists of differences, and all else that it holds."""
    found = {name: getattr(plan, name) for name in ("at_source", "tag_calls", "asked", "named")}
    counts = {one.name: one.get(plan) for one in _PLAN.fields if one.name not in {*_LISTS, *found, "torn"}}
    return {**counts, **found, "torn": [list(entry) for entry in plan.torn]}


def plan_of(document: dict[str, Any], **lists: Any) -> Plan:
    """The plan of such a document, and its lists. Raises ValueError."""
    return read(_PLAN, "plan", document, **lists)  # type: ignore[no-any-return]
