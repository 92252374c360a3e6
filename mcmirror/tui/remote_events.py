"""Events as `/api/v1/events` sends them, read back."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from mcmirror.http.progress_documents import plan_of
from mcmirror.model import event as events
from mcmirror.model.document import problem_of, report_of
from mcmirror.model.event import Event, Phase
from mcmirror.model.plan import Count

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_SIMPLE: dict[str, type[Any]] = {
    "waiting": events.Waiting,
    "run_started": events.RunStarted,
    "listed": events.Listed,
    "target_created": events.TargetCreated,
    "copy_started": events.CopyStarted,
    "moved": events.Moved,
    "removed": events.Removed,
    "noted": events.Noted,
    "retrying": events.Retrying,
    "still_missing": events.StillMissing,
    "vanished": events.Vanished,
    "mc_said": events.McSaid,
}


def event_of(document: Mapping[str, Any]) -> Event | None:  # noqa: PLR0911  a case an event
    """The event that a document was made of; None for one that is not known here, ValueError when it is broken."""
    try:
        kind, job = document["event"], document.get("job", "")
        if kind in _SIMPLE:
            made = _SIMPLE[kind]
            found: Event = made(**{field.name: document[field.name] for field in fields(made)})
            return found
        match kind:
            case "phase_started":
                return events.PhaseStarted(job, Phase(document["phase"]))
            case "planned":
                return events.Planned(job, plan_of(document["plan"]))
            case "problem_found":
                return events.ProblemFound(job, problem_of(document["problem"]))
            case "verified":
                return events.Verified(job, Count(**document["done"]), Count(**document["remaining"]))
            case "run_finished":
                return events.RunFinished(job, report_of(document["report"]))
            case _:
                return None
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"this is no event: {error}") from None


def messages(lines: Iterable[bytes]) -> Iterator[tuple[str, str]]:
    """Server-Sent Events, from their lines: id (the last one seen) and data; comments come as empty data."""
    last, data = "", list[str]()
    for raw in lines:
        line = raw.decode("utf-8", "replace").rstrip("\r\n")
        if not line:
            yield last, "\n".join(data)
            data = []
        elif line.startswith("id:"):
            last = line[3:].strip()
        elif line.startswith("data:"):
            data.append(line[5:].removeprefix(" "))
