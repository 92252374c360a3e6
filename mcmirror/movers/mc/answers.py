"""Single commands of mc, answered by lines of JSON or by a problem."""

import time
from collections.abc import Sequence
from contextlib import closing

from mcmirror.messages.error_lookup import classify, problem
from mcmirror.model.problem import Category, Problem, Trouble
from mcmirror.movers.mc import decode
from mcmirror.movers.mc.session import Session

PATIENCE = 30.0
"""Seconds after which a command that has no end is stopped."""


class Refusal(Trouble):
    """mc, or the server behind it, does not do it."""

    def __init__(self, problem: Problem, said: str, code: str = "") -> None:
        super().__init__(problem)
        self.said = said
        """The server's own words, or mc's."""
        self.code = code
        """The S3 error code, where there is one."""


def answers(session: Session, command: Sequence[str], place: str, *, patience: float = PATIENCE) -> list[decode.Fields]:
    """Run it, and return its lines; raises Refusal for an error line, an exit code, or no end within ``patience``."""
    process, deadline = session.process(command), time.monotonic() + patience
    found = list[decode.Fields]()
    with closing(process.lines()) as batches:  # closing it stops mc
        for batch in batches:
            found += [_fields(raw, place) for raw in batch if raw]
            if time.monotonic() > deadline:
                why = f"no answer came for {patience:g} s"
                raise Refusal(problem(Category.STALLED, f"{place} does not answer", why, place), "")
    if process.exit.code:
        said = process.exit.stderr.strip() or f"exit code {process.exit.code}"
        raise Refusal(classify("", said, object=place), said)
    return found


def _fields(raw: bytes, place: str) -> decode.Fields:
    try:
        fields = decode.load(raw)
    except ValueError:
        fields = {"status": "error", "error": raw[:2000].decode(errors="replace")}
    if fields.get("status") == "error":
        failure = decode.failure(fields)
        found = classify(failure.message, failure.cause, failure.code, object=place)
        raise Refusal(found, failure.cause or failure.message, failure.code)
    return fields
