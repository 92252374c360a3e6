"""The first step: list both sides at once and keep what differs."""

from collections.abc import Callable, Generator
from dataclasses import replace
from datetime import UTC, datetime

from mcmirror.engine.compare import Pairs, Rules, plan
from mcmirror.engine.context import Context
from mcmirror.engine.folded_keys import set_folded_apart
from mcmirror.engine.listing import with_pairs
from mcmirror.engine.named import ask_to_plan
from mcmirror.engine.sample import Sample
from mcmirror.engine.scope import Only, key_of
from mcmirror.engine.unlisted import Unlisted, find_unlisted
from mcmirror.messages.error_lookup import problem
from mcmirror.model.age import age_limits
from mcmirror.model.event import Event, Listed, Noted, ProblemFound
from mcmirror.model.job import Tags, Verb
from mcmirror.model.plan import Count, Entry, Impossible, Plan
from mcmirror.model.problem import Category, Trouble
from mcmirror.model.wording import printable


def make_plan(context: Context) -> Generator[Event, None, Plan]:
    """List both sides and compare. Raises Trouble when either cannot be listed whole, or the source is not there."""
    job = context.job
    if context.named is not None:
        return (yield from _plan_named(context))
    beside = find_unlisted(job.source, context.mover)
    rules = _rules(context, beside)
    made = yield from with_pairs(context, "", lambda pairs: _planned(context, beside.joined(pairs), rules))
    made = set_folded_apart(context, replace(made, at_source=made.at_source - len(beside.files)))
    for note in beside.notes(job.source):
        yield Noted(job.name, note)
    if made.impossible.objects:
        for item in Only(made.differences, Impossible):
            what = f"{printable(item.source.key)} cannot be copied"
            yield ProblemFound(job.name, problem(Category.KEY_NOT_STORABLE, what, item.why, item.source.key))
    if not made.source.objects and not made.excluded.objects and job.source.prefix:
        # mc mirror says so too ("Unable to stat source"); a listing of nothing just has no lines.
        cause = "no object has this prefix"
        what = f"there is nothing below {job.source}"
        raise Trouble(problem(Category.SOURCE_NOT_FOUND, what, cause, str(job.source)))
    return made


def _plan_named(context: Context) -> Generator[Event, None, Plan]:
    """Ask both sides for the keys and compare; what a side does not answer for is named, and impossible for now."""
    job, answers = context.job, ask_to_plan(context)
    made = yield from _planned(context, iter(answers.pairs), replace(_rules(context, Unlisted()), sceptical=True))
    made = set_folded_apart(context, made)
    for key, found in answers.unanswered.items():
        yield ProblemFound(job.name, found)
        answers.impossible.append(Impossible(Entry(key, 0, "", ""), found.cause or found.message))
    for item in answers.impossible:
        if item.source.key not in answers.unanswered:
            what = f"{printable(item.source.key)} cannot be copied"
            yield ProblemFound(job.name, problem(Category.KEY_NOT_STORABLE, what, item.why, item.source.key))
    differences = sorted((*made.differences, *answers.impossible), key=key_of)
    impossible = made.impossible + Count(len(answers.impossible))
    return replace(made, differences=differences, impossible=impossible, named=True)


def metadata_wanted(context: Context) -> bool:
    """Whether what objects are besides their bytes is compared at all; of single keys only where tags need calls."""
    if context.named is not None and context.job.options.tags is not Tags.COPY:
        return False
    return context.job.between_stores and (context.job.preserves or context.metadata is not None)


def create_target(context: Context) -> str:
    """Make the target's bucket and return it, ``alias/bucket``; raises Trouble when that fails."""
    job = context.job
    bucket = f"{job.target.alias}/{job.target.bucket}"
    refused = context.mover.create_bucket(bucket)
    if refused:
        raise Trouble(refused)
    return bucket


def exclusion(context: Context) -> Callable[[Entry], object] | None:
    """Return the test for objects that take no part in the job; None when all do.

    Beside a local folder, empty markers of folders (``key/``) do not: a file system cannot list them.
    """
    job, named = context.job, context.mover.excluded()
    if job.source.is_local or job.target.is_local:
        return lambda entry: (entry.key.endswith("/") and not entry.size) or (named and named(entry.key))
    return (lambda entry: named(entry.key)) if named else None


def _not_taking_part(context: Context, beside: Unlisted) -> Callable[[Entry], object] | None:
    """What is excluded, and what stands in a source folder as a link or the like, or below one."""
    excluded = exclusion(context)
    if not beside.others and not beside.files:
        return excluded
    return lambda entry: (excluded and excluded(entry)) or beside.covers(entry.key)


def _planned(context: Context, pairs: Pairs, rules: Rules) -> Generator[Event, None, Plan]:
    options = context.job.options
    rules = replace(rules, sample=Sample(context.metadata) if metadata_wanted(context) else None)
    steps = plan(pairs, rules)
    while True:
        try:
            source_objects, target_objects = next(steps)
        except StopIteration as end:
            made: Plan = end.value
            calls = options.tags is Tags.COPY and context.job.between_stores and context.job.preserves
            return replace(made, sample=rules.sample or (), tag_calls=calls)
        yield Listed(context.job.name, source_objects, target_objects)


def _rules(context: Context, beside: Unlisted) -> Rules:
    options = context.job.options
    after, before = age_limits(options.older_than, options.newer_than, datetime.now(UTC))
    return Rules(
        overwrite=options.overwrite or context.verb is Verb.VERIFY,
        excluded=_not_taking_part(context, beside),
        written_after=after,
        written_before=before,
        impossible=lambda entry: beside.why(entry) or context.mover.impossible(entry),
        wrong=context.memory.wrong(),
        incomparable=context.memory.incomparable,
    )
