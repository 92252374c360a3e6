"""The tables ``[replication.NAME]``: their values, and the mistakes that no single key shows."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from mcmirror.config import syntax
from mcmirror.config.lines import located
from mcmirror.config.values import ConfigError, Configuration, Mistake, Wrong, nearest
from mcmirror.model.bucket_events import EventFilter
from mcmirror.model.location import Location
from mcmirror.model.replication import Carried, Replication, WantedEvents

if TYPE_CHECKING:
    from mcmirror.config.schema import ReplicationTable

BUCKET = 'Write "alias/bucket".'


def read(file: str, tables: Mapping[str, "ReplicationTable"]) -> tuple[dict[str, Replication], list[Mistake]]:
    """The replications of a file as far as they are right, and what is wrong with the others."""
    found, mistakes = dict[str, Replication](), list[Mistake]()
    for name, table in tables.items():
        places = list[Location]()
        for side in ("source", "target"):
            try:
                places.append(_bucket(getattr(table, side)))
            except Wrong as wrong:
                mistakes.append(Mistake(file, f"replication.{name}.{side}", str(wrong), wrong.remedy))
        if len(places) < 2:
            continue
        source, target = places
        if source == target:
            mistakes.append(
                Mistake(file, f"replication.{name}.target", "is the source itself", "Write another bucket.")
            )
        found[name] = _replication(name, source, target, table)
    return found, mistakes + _doubled(file, found)


def select(configuration: Configuration, name: str, known: Collection[str]) -> Replication:
    """The replication of this name, whose aliases exist; ConfigError otherwise."""
    origin, mistakes = configuration.origin, list[Mistake]()
    found = configuration.replications.get(name)
    if found is None:
        guess = nearest(name, configuration.replications)
        there = ", ".join(configuration.replications)
        remedy = f"Did you mean {guess}?" if guess else f"There are: {there}." if there else ""
        remedy = remedy or f'Write [replication.{name}] with source = "alias/bucket" and target = "alias/bucket".'
        raise ConfigError([Mistake(origin, f"replication.{name}", "there is no such replication", remedy)])
    for side, place in (("source", found.source), ("target", found.target)):
        if place.alias not in known:
            guess = nearest(place.alias, known)
            remedy = f"Did you mean {guess}?" if guess else f"Define it: mcmirror alias set {place.alias} URL."
            what = f"there is no alias {place.alias!r}"
            mistakes.append(Mistake(origin, f"replication.{name}.{side}", what, remedy))
    if mistakes:
        text = configuration.path.read_text(encoding="utf-8-sig") if configuration.path else ""
        raise ConfigError(located(mistakes, text))
    return found


def _bucket(text: str) -> Location:
    try:
        place = Location.parse(text)
    except ValueError as error:
        raise Wrong(str(error), BUCKET) from None
    if place.is_local:
        raise Wrong("is a folder, and only buckets of a server are replicated", BUCKET)
    if not place.bucket:
        raise Wrong("is a whole server", BUCKET)
    if place.prefix:
        raise Wrong("names a prefix, and whole buckets are replicated", f'Write "{place.alias}/{place.bucket}".')
    syntax.bucket(place.bucket)
    return place


def _replication(name: str, source: Location, target: Location, table: "ReplicationTable") -> Replication:
    plain = Replication(
        name,
        source,
        target,
        both_ways=table.both_ways,
        priority=table.priority,
        bandwidth=syntax.replication_bandwidth(table.bandwidth),
        synchronous=table.synchronous,
        health_check=int(syntax.interval(table.health_check)),
        check_every=syntax.check_every(table.check_every),
        max_lag=syntax.duration(table.max_lag) if table.max_lag else 0.0,
        events=tuple(
            WantedEvents(event.bucket, EventFilter(event.arn, tuple(event.on), event.prefix, event.suffix))
            for event in table.events
        ),
    )
    return plain if table.replicate is None else replace(plain, replicate=frozenset(map(Carried, table.replicate)))


def _doubled(file: str, found: Mapping[str, Replication]) -> list[Mistake]:
    """Two tables that ask for a rule from the same bucket to the same bucket."""
    by_pair, mistakes = dict[tuple[Location, Location], str](), list[Mistake]()
    for name, replication in found.items():
        for direction in replication.directions():
            other = by_pair.setdefault((direction.source, direction.target), name)
            if other != name:
                what = f"{direction} is what [replication.{other}] asks for"
                mistakes.append(Mistake(file, f"replication.{name}.target", what, "Keep one of them."))
    return mistakes
