"""A run as it travels to an agent: job, order, and the servers that the agent does not know itself."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from mcmirror.codec.jobs import alias_document, alias_of, job_document, job_of
from mcmirror.config import ConfigError
from mcmirror.config.aliases import Aliases, AliasText
from mcmirror.engine.context import Named
from mcmirror.engine.order import Order
from mcmirror.model.job import Job, Verb
from mcmirror.model.location import Alias
from mcmirror.model.lock import Lock, Manners


class Knows(Protocol):
    """Finds aliases."""

    def alias(self, name: str) -> Alias | None:
        """The alias of this name; raises ConfigError when it is there and cannot be used."""


@dataclass(frozen=True, slots=True)
class SentAlias:
    """An alias that came from the master."""

    alias: Alias | None = None
    """Resolved there."""
    text: AliasText | None = None
    """Its references lead nowhere at the master: they are the agent's."""
    authority: str = ""
    """The content of its ca_file."""


@dataclass(frozen=True, slots=True)
class RunTask:
    """One run."""

    job: Job
    order: Order
    aliases: Mapping[str, SentAlias]


def task_document(job: Job, order: Order, master: Knows, written: Mapping[str, Alias]) -> dict[str, Any]:
    """The run as a document WITH SECRETS: for sealed messages alone. ``written`` are the master's own aliases."""
    named = order.named
    names = dict.fromkeys(place.alias for place in (job.source, job.target) if not place.is_local)
    return {
        "job": job_document(replace(job, agent="")),
        "order": {
            "verb": order.verb.value,
            "content": order.content,
            "metadata": order.metadata,
            "debug": order.debug,
            "lock": order.manners.lock.value,
            "patience": order.manners.patience,
            "shared": order.shared,
            "named": None
            if named is None
            else {
                "keys": list(named.keys),
                "gone": sorted(named.gone),
                "removed": sorted(named.removed),
                "careful": sorted(named.careful),
            },
        },
        "aliases": {name: found for name in names if (found := _sent(name, master, written)) is not None},
    }


def _sent(name: str, master: Knows, written: Mapping[str, Alias]) -> dict[str, Any] | None:
    try:
        alias = master.alias(name)
    except ConfigError:
        text = written.text(name) if isinstance(written, Aliases) and name in written else None
        return None if text is None else {"text": {key: getattr(text, key) for key in AliasText.__dataclass_fields__}}
    if alias is None:
        return None
    authority = ""
    if alias.ca_file:
        try:
            authority = Path(alias.ca_file).read_text(encoding="utf-8")
        except (OSError, UnicodeError):
            authority = ""
    return {"alias": alias_document(alias), "authority": authority}


def task_of(document: Mapping[str, Any]) -> RunTask:
    """The run of such a document. Raises ValueError."""
    try:
        told, named = document["order"], document["order"]["named"]
        order = Order(
            verb=Verb(told["verb"]),
            content=told["content"],
            metadata=told["metadata"],
            debug=told["debug"],
            shared=told["shared"],
            manners=Manners(Lock(told["lock"]), told["patience"]),
            named=None
            if named is None
            else Named(
                tuple(named["keys"]),
                gone=frozenset(named["gone"]),
                removed=frozenset(named["removed"]),
                careful=frozenset(named["careful"]),
            ),
        )
        aliases = {
            name: SentAlias(
                alias_of(one["alias"]) if "alias" in one else None,
                AliasText(**one["text"]) if "text" in one else None,
                one.get("authority", ""),
            )
            for name, one in document["aliases"].items()
        }
        return RunTask(job_of(document["job"]), order, aliases)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"this is no run: {error}") from None
