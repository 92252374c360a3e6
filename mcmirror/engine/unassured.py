"""Assurance off: exactly one ``mc mirror`` with the flags handed through, for whoever pays for each LIST."""

from collections.abc import Generator

from mcmirror.engine.context import Context
from mcmirror.engine.judge import judge_unverified
from mcmirror.model.event import CopyStarted, Event, Phase, PhaseStarted, ProblemFound, Removed
from mcmirror.model.plan import Count
from mcmirror.model.report import NAMED, Status, Tally


def mirror_unassured(context: Context) -> Generator[Event, None, tuple[Status, Tally, list[str]]]:
    """Run it; return the verdict that mc's word allows, the announced numbers and the removed keys."""
    job = context.job
    yield PhaseStarted(job.name, Phase.MIRROR)
    announced, removed, errors, named = Count(), Count(), 0, list[str]()
    steps = context.mover.mirror_unverified()
    while True:
        try:
            event = next(steps)
        except StopIteration as end:
            exit_code = end.value
            break
        match event:
            case CopyStarted(_, _, size):
                announced += Count(1, size)
            case Removed(_, key):
                removed += Count(1, 0)
                if len(named) < NAMED:
                    named.append(key)
            case ProblemFound():
                errors += 1
            case _:
                pass
        yield event
    status = judge_unverified(
        exit_code=exit_code,
        errors=errors,
        announced=announced.objects,
        stopped=context.stop.requested,
    )
    return status, Tally(planned=announced, done=announced, to_remove=removed, removed=removed), named
