"""Single commands of mc, answered by lines of JSON or by a problem."""

from collections.abc import Sequence

from mcmirror.messages.error_lookup import classify, problem
from mcmirror.model.problem import Category, Problem, Trouble
from mcmirror.movers.mc import decode
from mcmirror.movers.mc.session import Session

PATIENCE = 30.0
"""Seconds without a word from a server after which a command is given up."""


class Refusal(Trouble):
    """mc, or the server behind it, does not do it."""

    def __init__(self, problem: Problem, said: str) -> None:
        super().__init__(problem)
        self.said = said
        """The server's own words."""


def answers(session: Session, command: Sequence[str], place: str) -> list[decode.Fields]:
    """Run it, and return its lines; raises Refusal for an error line or an exit code."""
    process = session.process(command, stall_timeout=PATIENCE)
    lines = [raw for batch in process.lines() for raw in batch if raw]
    if process.exit.stalled:
        what, why = f"{place} does not answer", f"nothing came for {PATIENCE:g} s"
        raise Refusal(problem(Category.STALLED, what, why, place), "")
    found = list[decode.Fields]()
    for raw in lines:
        try:
            fields = decode.load(raw)
        except ValueError:
            fields = {"status": "error", "error": raw[:2000].decode(errors="replace")}
        if fields.get("status") == "error":
            failure = decode.failure(fields)
            raise Refusal(classify(failure.message, failure.cause, failure.code, object=place), failure.cause)
        found.append(fields)
    if process.exit.code:
        said = process.exit.stderr.strip() or f"exit code {process.exit.code}"
        raise Refusal(classify("", said, object=place), said)
    return found
