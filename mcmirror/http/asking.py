"""What a request of `/api/v1` may bring, and how it is refused when it asks for what there is not."""

from collections.abc import Sequence
from typing import Any

from mcmirror.config import nearest
from mcmirror.http.answer import Refused, Request, sent_object
from mcmirror.model.state import JobState, State


def parameters(request: Request, *names: str) -> dict[str, str]:
    """The query, when it asks for nothing but these."""
    for name in request.query:
        if name not in names:
            raise unknown_word(f"there is no parameter {name!r} here", name, names)
    return dict(request.query)


def nothing(request: Request) -> None:
    """A request that brings nothing: what it brings would be ignored."""
    parameters(request)
    for name in sent_object(request):
        raise Refused(400, f"there is no field {name!r} here", "this takes none", "send {} or no body")


def fields(request: Request, *names: str) -> dict[str, Any]:
    """The body's fields, when it has none but these."""
    parameters(request)
    sent = sent_object(request)
    for name in sent:
        if name not in names:
            raise unknown_word(f"there is no field {name!r} here", name, names)
    return sent


def flag(text: str) -> bool:
    """Whether a parameter is on."""
    return text not in {"", "0"}


def job_of(state: State, name: str) -> JobState:
    """The job of that name."""
    for job in state.jobs:
        if job.name == name:
            return job
    raise no_job(state, name)


def no_job(state: State, name: str) -> Refused:
    """There is no such job."""
    return unknown_word(f"there is no job {name!r}", name, tuple(job.name for job in state.jobs), status=404)


def stopping() -> Refused:
    """It is being stopped."""
    return Refused(
        503, "mcmirror takes no more work", "it is being stopped", "try again when it is back", Retry_After="10"
    )


def unknown_word(what: str, word: str, names: Sequence[str], status: int = 400) -> Refused:
    """There is no such word; the nearest right one is named."""
    guess = nearest(word, names)
    there = f"there are: {', '.join(names[:20])}{', ...' if len(names) > 20 else ''}" if names else "there is none"
    return Refused(
        status, what, there, f"did you mean {guess}?" if guess else "use one of these" if names else "leave it out"
    )
