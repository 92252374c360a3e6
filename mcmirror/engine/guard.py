"""Refuse what would destroy: asked before the first write."""

from collections.abc import Mapping

from mcmirror.messages.error_lookup import problem
from mcmirror.messages.remedy import rendered
from mcmirror.model.address import same_server
from mcmirror.model.job import Assurance, Job, MaxDelete
from mcmirror.model.location import Alias, Location
from mcmirror.model.plan import Plan
from mcmirror.model.problem import Category, Problem
from mcmirror.model.wording import objects

SUDDEN = MaxDelete(percent=25.0)
"""The share of a source that may vanish during one run, whatever ``max_delete`` says."""
_ALLOW = "See what would go with `mcmirror plan`. If that is right: {allow}."


def before_listing(job: Job, aliases: Mapping[str, Alias], *, copies: bool = True) -> Problem | None:
    """What can be refused without asking a server; ``copies``: whether one mc has to speak to both sides."""
    for place in (job.source, job.target):
        if place.is_alias_root:
            return problem(
                Category.ALIAS_ROOT,
                f"{place} is a whole server, not a bucket",
                "with --remove mc deletes whole buckets of such a target, and names none of them",
                str(place),
            )
    if _overlap(job, aliases):
        return problem(
            Category.OVERLAP,
            f"{job.source} and {job.target} lie in each other",
            "each run would copy what the last one wrote",
            str(job.target),
        )
    if copies and (unchecked := _unchecked(job, aliases)):
        return unchecked
    if job.assurance is Assurance.OFF and job.options.remove and not job.max_delete.unlimited:
        return problem(
            Category.TOO_MANY_DELETES,
            "with assurance off nothing counts what --remove would delete",
            f'max_delete is {job.max_delete}, and only "unlimited" says that no count is wanted',
            str(job.target),
            remedy='Write `max_delete = "unlimited"` (--max-delete unlimited) if that is meant, or leave assurance on.',
        )
    return None


def after_planning(job: Job, plan: Plan, before: int = 0) -> Problem | None:
    """What the plan itself forbids: an emptied source, or too many deletes.

    ``before`` is how many objects the source held at the last success; 0 when that is not known.
    """
    deletes = plan.extraneous.objects if job.options.remove else 0
    if job.max_delete.unlimited:
        return None
    if before and not plan.source.objects and not plan.excluded.objects:
        return problem(
            Category.SOURCE_EMPTY,
            f"the source {job.source} is empty, and it held {objects(before)} at the last success",
            "an empty source is more often a wrong or an unmounted one than a wish to delete everything",
            str(job.source),
        )
    if not deletes:
        return None
    if not plan.source.objects and not plan.named:
        return problem(
            Category.SOURCE_EMPTY,
            f"the source {job.source} is empty, and {objects(deletes)} would be removed from {job.target}",
            "an empty source is more often a wrong or an unmounted one than a wish to delete everything",
            str(job.source),
        )
    if not job.max_delete.allows(deletes, plan.target.objects, few=not _shrank(job, plan, before)):
        return problem(
            Category.TOO_MANY_DELETES,
            f"{deletes:,} of {objects(plan.target.objects)} would be removed from {job.target}",
            f"{rendered('{limit}', job.origin)} is {job.max_delete}" + _shrunken(plan, before),
            str(job.target),
            remedy=rendered(_ALLOW, job.origin, number=deletes),
        )
    return None


def _unchecked(job: Job, aliases: Mapping[str, Alias]) -> Problem | None:
    """One mc checks every certificate or none: ``insecure`` of one side would hold for the other, unsaid."""
    sides = [aliases[place.alias] for place in (job.source, job.target) if place.alias in aliases]
    loose = [alias for alias in sides if alias.insecure]
    strict = [alias for alias in sides if not alias.insecure and alias.url.lower().startswith("https://")]
    if not loose or not strict:
        return None
    return problem(
        Category.TLS_NOT_TRUSTED,
        f"`insecure` of {loose[0].name} would switch off the certificate checks for {strict[0].name} too",
        "one mc copies from one to the other, and mc has one switch for all servers",
        loose[0].url,
        remedy=f'Trust the certificate of {loose[0].name} in place of `insecure`: `ca_file = "/path/ca.pem"` in the '
        f"alias. Or, if {strict[0].name} needs no check either, write `insecure = true` there as well.",
    )


def after_second_look(job: Job, before: int, now: int) -> Problem | None:
    """What a second listing of the source forbids: to believe that ``before`` objects became ``now`` in one run.

    Single objects vanish; of a whole bucket it is more likely that it cannot be read.
    """
    lost = before - now
    if lost <= 0 or (now and (job.max_delete.allows(lost, before) or SUDDEN.allows(lost, before))):
        return None
    left = f"{now:,}" if now else "none"
    return problem(
        Category.SOURCE_SHRANK,
        f"the source {job.source} held {objects(before)} when the plan was made, and lists {left} now",
        "single objects vanish during a run; so many at once are more often a source that cannot be read",
        str(job.source),
    )


def _shrank(job: Job, plan: Plan, before: int) -> bool:
    """Whether the source lost more than ``max_delete`` allows since its last success."""
    lost = before - plan.source.objects - plan.excluded.objects
    return lost > 0 and not job.max_delete.allows(lost, before, few=False)


def _shrunken(plan: Plan, before: int) -> str:
    now = plan.source.objects + plan.excluded.objects
    return f"; the source held {objects(before)} at the last success and holds {now:,} now" if now < before else ""


def _overlap(job: Job, aliases: Mapping[str, Alias]) -> bool:
    """Whether one place holds the other, under whatever alias."""
    if job.source.is_local != job.target.is_local:
        return False
    one, other = Location("x", job.source.path), Location("x", job.target.path)
    if not (one.contains(other) or other.contains(one)):
        return False
    return job.source.is_local or same_server(aliases[job.source.alias].url, aliases[job.target.alias].url)
