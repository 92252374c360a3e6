"""What no single value shows: whether the parts of a configuration fit together."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcmirror.config import syntax
from mcmirror.config.values import Mistake, Wrong, nearest
from mcmirror.model.address import same_server
from mcmirror.model.job import Assurance, Job
from mcmirror.model.location import ALIAS_NAME, Location

if TYPE_CHECKING:
    from mcmirror.config.aliases import Aliases
    from mcmirror.config.schema import NotifyTable, OptionsTable

_JOB_NAME = re.compile(r"[^\W_](?:[\w. -]*[\w.-])?\Z")
JOB_NAME_REMEDY = "Use letters, digits, spaces, '.', '-' and '_', a letter or digit first."
Sides = dict[tuple[str, str], Location]
"""By job and ``source`` or ``target``."""
_TRIGGERS = ("cron", "every", "realtime")
_JSON_ONLY = ("template", "secret", "digest", "timezone")
"""What a notifier that only pings cannot use."""


def names(file: str, headings: Mapping[str, Iterable[str]]) -> list[Mistake]:
    """Names of tables that could not be used in a location or on the command line."""
    return [
        Mistake(file, f"{heading}.{name}", f"this cannot be the name of a {word}", remedy)
        for heading, word, allowed, remedy in (
            ("alias", "server", ALIAS_NAME, "Use a letter, then letters, digits, '-' or '_'."),
            ("job", "job", _JOB_NAME, JOB_NAME_REMEDY),
            ("replication", "replication", ALIAS_NAME, "Use a letter, then letters, digits, '-' or '_'."),
            ("relay", "relay", ALIAS_NAME, "Use a letter, then letters, digits, '-' or '_'."),
            ("agent", "agent", ALIAS_NAME, "Use a letter, then letters, digits, '-' or '_'."),
        )
        for name in headings.get(heading, ())
        if not allowed.match(name)
    ]


def is_job_name(name: str) -> bool:
    """Whether a job may be called so."""
    return _JOB_NAME.match(name) is not None


def location(text: str, folder: Path) -> Location:
    """What a person wrote, a relative folder meant from where the file stands. Raises Wrong."""
    if text in {".", ".."} or text.startswith(("./", "../")):
        text = str(folder.absolute() / text)
    try:
        place = Location.parse(text)
    except ValueError as error:
        raise Wrong(str(error), f'Write "alias/bucket/prefix", or "./{text}" for a folder.') from None
    if place.bucket:
        try:
            syntax.bucket(place.bucket)
        except Wrong as wrong:
            raise Wrong(str(wrong), f'{wrong.remedy} For a folder write "./{text}".') from None
    return place


def locations(file: str, tables: Mapping[str, Any], folder: Path) -> tuple[Sides, list[Mistake]]:
    """The source and the target of each job as far as they can be read, also of jobs that are wrong otherwise."""
    found: Sides = {}
    mistakes: list[Mistake] = []
    for name, table in tables.items():
        for side in ("source", "target"):
            text = table.get(side) if isinstance(table, Mapping) else None
            if not isinstance(text, str) or not text:
                continue
            try:
                found[name, side] = location(text, folder)
            except Wrong as wrong:
                mistakes.append(Mistake(file, f"job.{name}.{side}", str(wrong), wrong.remedy))
    return found, mistakes


def jobs(
    file: str, found: Mapping[str, Job], aliases: "Aliases", written: Mapping[str, Mapping[str, Any]]
) -> list[Mistake]:
    """Jobs that contradict themselves."""
    mistakes: list[Mistake] = []
    urls = {alias: aliases.url(alias) for alias in aliases}
    for name, job in found.items():
        if overlap(job, urls):
            mistakes.append(
                Mistake(
                    file,
                    f"job.{name}.target",
                    f"{job.target} and {job.source} are the same place, or one lies in the other",
                    "Choose a target outside the source.",
                )
            )
        if job.options.encrypt and job.target.is_local:
            mistakes.append(
                Mistake(
                    file,
                    f"job.{name}.encrypt",
                    f"{job.target} is a folder, and only a server encrypts what it stores",
                    "Take encrypt out, or choose a target at an alias.",
                )
            )
        limit = written[name].get("max_delete")
        if job.assurance is Assurance.OFF and job.options.remove and str(limit).lower() != "unlimited":
            mistakes.append(
                Mistake(
                    file,
                    f"job.{name}.assurance",
                    "with assurance off nothing limits what remove deletes",
                    'Write max_delete = "unlimited" if that is meant, or assurance = "full".',
                )
            )
    return mistakes + _nested(file, found, urls)


def _nested(file: str, found: Mapping[str, Job], urls: Mapping[str, str]) -> list[Mistake]:
    """Jobs whose removal would take away what another one copied into their target."""
    places = {name: tuple(_place(side.below(job.prefix), urls) for side in (job.source, job.target))
              for name, job in found.items()}  # fmt: skip
    mistakes: list[Mistake] = []
    for outer, inner in _inside({name: target for name, (_, target) in places.items()}):
        job, (source, target), (inner_source, inner_target) = found[outer], places[outer], places[inner]
        if not job.options.remove or target == inner_target:
            continue
        rest = inner_target.path[len(target.path.rstrip("/")) :].strip("/")
        # From the same place, both say the same of what is there.
        if source.below(rest) == inner_source or any(_covers(pattern, rest) for pattern in job.options.exclude):
            continue
        mistakes.append(
            Mistake(
                file,
                f"job.{outer}.remove",
                f"it would remove what job {inner} copies to {found[inner].target}, for that lies in {job.target}",
                f'Write exclude = ["{rest}/*"] in job {outer}, or choose targets that do not lie in each other.',
            )
        )
    return mistakes


def _inside(targets: Mapping[str, Location]) -> Iterator[tuple[str, str]]:
    """Pairs of names of which the second's place lies in the first's: of thousands, not each is held against each."""
    order = {name: number for number, name in enumerate(targets)}
    at: dict[tuple[str, str], list[str]] = {}
    for name, place in targets.items():
        at.setdefault((place.alias, place.path.rstrip("/")), []).append(name)
    pairs = list[tuple[str, str]]()
    for inner, place in targets.items():
        path = place.path.rstrip("/")
        while True:
            pairs += [(outer, inner) for outer in at.get((place.alias, path), ()) if outer != inner]
            if not path:
                break
            path = path.rpartition("/")[0]
    yield from sorted(pairs, key=lambda pair: (order[pair[0]], order[pair[1]]))


def _place(place: Location, urls: Mapping[str, str]) -> Location:
    """The place under a name that is the same for every alias of a server."""
    return place if place.is_local else replace(place, alias=urls.get(place.alias, place.alias))


def _covers(pattern: str, folder: str) -> bool:
    """Whether an exclude pattern leaves out everything in a folder."""
    expression = "".join({"*": ".*", "?": "."}.get(sign, re.escape(sign)) for sign in pattern)
    return pattern.endswith("*") and re.fullmatch(expression, f"{folder}/", re.DOTALL) is not None


def overlap(job: Job, urls: Mapping[str, str]) -> bool:
    """Whether source and target are one place or lie in each other, two names for one server counted as one."""
    source, target = job.source.below(job.prefix), job.target.below(job.prefix)
    one, other = (urls.get(place.alias, "") for place in (source, target))
    if not source.is_local and one and other and same_server(one, other):
        target = replace(target, alias=source.alias)
    return source.contains(target) or target.contains(source)


def aliases_exist(
    file: str, sides: Sides, known: set[str], folder: Path, unreadable: Iterable[str] = ()
) -> list[Mistake]:
    """Jobs whose alias nobody defined: for mc that would be a folder, silently written to.

    ``unreadable`` says which files might have defined it.
    """
    return [
        Mistake(
            file,
            f"job.{name}.{side}",
            "; ".join((f"there is no alias {place.alias!r}", *unreadable)),
            unknown_alias_remedy(place, known, folder),
        )
        for (name, side), place in sides.items()
        if not place.is_local and place.alias not in known
    ]


def unknown_alias_remedy(place: Location, known: set[str], folder: Path) -> str:
    """What to do about an alias that nobody defined."""
    if (folder / place.alias).is_dir():
        return f'Write "./{place}" if the folder {place.alias} is meant.'
    if guess := nearest(place.alias, known):
        return f"Did you mean {guess}? Or write ./{place} for a folder."
    return f"Define it: mcmirror alias set {place.alias} URL. Or write ./{place} for a folder."


def triggers(file: str, defaults: "OptionsTable", tables: Mapping[str, "OptionsTable"]) -> list[Mistake]:
    """Tables with more than one of cron, every and realtime."""
    places: list[tuple[str, OptionsTable]] = [("defaults", defaults)]
    places += [(f"job.{name}", table) for name, table in tables.items()]
    mistakes = []
    for key, table in places:
        written = [trigger for trigger in _TRIGGERS if getattr(table, trigger)]
        if len(written) > 1:
            mistakes.append(
                Mistake(file, f"{key}.{written[1]}", f"{' and '.join(written)} exclude each other", "Keep one of them.")
            )
    return mistakes


def is_folder(text: str) -> bool:
    """Whether a location is meant as a folder."""
    return text[:1] in {"/", "~", "."}


_REALTIME = ("events", "batch_interval", "catch_up_every", "max_lag", "canary")


def realtime(file: str, written: Mapping[str, Mapping[str, Any]]) -> Iterator[Mistake]:
    """What cannot go with real time, and keys of real time in a job that has none."""
    for name, values in written.items():
        key = f"job.{name}"
        if not values.get("realtime"):
            for one in _REALTIME:
                if one in values:
                    remedy = "Write realtime = true beside it, or take it out."
                    yield Mistake(file, f"{key}.{one}", "this belongs to real time, and the job has none", remedy)
            continue
        if values.get("assurance") == "off":
            remedy = 'Take assurance = "off" out, or realtime.'
            yield Mistake(file, f"{key}.assurance", "real time verifies each change", remedy)
        if "{" in values.get("prefix", ""):
            remedy = "Take the dates out of prefix, or write every or cron in place of realtime."
            yield Mistake(file, f"{key}.prefix", "real time follows one place, and this one changes by the day", remedy)
        if values.get("agent") and is_folder(values["source"]) and not values.get("events", "").startswith("poll"):
            remedy = 'Write events = "poll:60s", or every in place of realtime.'
            what = f"the folder is agent {values['agent']}'s, and its changes are not heard from there"
            yield Mistake(file, f"{key}.realtime", what, remedy)
        if values.get("dry_run"):
            yield Mistake(file, f"{key}.dry_run", "real time copies what changes", "Take dry_run out, or realtime.")


def crossed(file: str, jobs: Mapping[str, Job], written: Mapping[str, Mapping[str, Any]]) -> Iterator[Mistake]:
    """Jobs in real time that would answer each other for ever, or take each other's events."""
    live = [
        (name, job, str(written[name].get("events", ""))) for name, job in jobs.items() if written[name].get("realtime")
    ]
    for number, (name, job, events) in enumerate(live):
        for other, against, also in live[:number]:
            source, target = job.source.below(job.prefix), job.target.below(job.prefix)
            back, there = against.source.below(against.prefix), against.target.below(against.prefix)
            if (source.contains(there) or there.contains(source)) and (target.contains(back) or back.contains(target)):
                remedy = (
                    "Keep one of them; for both ways let the servers replicate: [replication.NAME], both_ways = true."
                )
                what = f"it copies what job.{other} writes, and that copies it back"
                yield Mistake(file, f"job.{name}.realtime", what, remedy)
            if events == also and events.startswith("sqs:"):
                what = f"job.{other} takes the messages of this queue away"
                yield Mistake(file, f"job.{name}.events", what, "Give each job a queue of its own.")


def notified(
    file: str, defaults: "OptionsTable", tables: Mapping[str, "OptionsTable"], names: set[str]
) -> list[Mistake]:
    """Names in notify that nobody defined."""
    places: list[tuple[str, OptionsTable]] = [("defaults", defaults)]
    places += [(f"job.{name}", table) for name, table in tables.items()]
    mistakes = []
    for key, table in places:
        for name in table.notify or ():
            if name not in names:
                guess = nearest(name, names)
                remedy = f"Did you mean {guess}?" if guess else f"Define it as [notify.{name}]."
                mistakes.append(Mistake(file, f"{key}.notify", f"there is no [notify.{name}]", remedy))
    return mistakes


def notifiers(file: str, tables: Mapping[str, "NotifyTable"]) -> list[Mistake]:
    """Notifiers that lack what their type needs, or have what it cannot use."""
    examples = {"token": '"{env:SLACK_BOT_TOKEN}"', "channel": '"C0123456789"', "url": '"https://..."'}
    mistakes: list[Mistake] = []
    needed: tuple[str, ...]
    useless: tuple[str, ...]
    for name, table in tables.items():
        if table.type == "webhook":
            needed, useless = ("url",), ("token", "channel", "webhook", "api_url")
            useless += () if table.format == "json" else _JSON_ONLY
        elif table.webhook:
            needed, useless = (), ("token", "channel", "api_url", "url", "format", "template", "secret")
        else:
            needed, useless = ("token", "channel"), ("url", "format", "template", "secret")
        mistakes += [
            Mistake(file, f"notify.{name}.{key}", f"a {table.type} needs its {key}", f"Write {key} = {examples[key]}.")
            for key in needed
            if not getattr(table, key)
        ]
        mistakes += [
            Mistake(file, f"notify.{name}.{key}", f"this has no use here: {_kind(table)}", _instead(table, key))
            for key in useless
            if getattr(table, key)
        ]
        if table.type == "webhook" and table.format != "json" and "digest" in (table.on or ()):
            mistakes.append(
                Mistake(file, f"notify.{name}.on", "a ping cannot tell a digest", _instead(table, "digest"))
            )
    return mistakes


def _kind(table: "NotifyTable") -> str:
    if table.type == "webhook":
        return "a webhook has a url"
    return "a Slack webhook needs nothing else" if table.webhook else "Slack has a token and a channel, or a webhook"


def _instead(table: "NotifyTable", key: str) -> str:
    if table.type == "webhook" and key in _JSON_ONLY:
        return 'Write format = "json" beside it, or take it out.'
    if table.type == "slack" and key in {"format", "template", "secret"}:
        return 'Take it out; messages of one\'s own are sent by type = "webhook", format = "json".'
    if table.type == "slack" and key == "url":
        return 'Slack\'s incoming webhook is written webhook = "https://...".'
    return 'For Slack write type = "slack".' if table.type == "webhook" else "Take it out, or take webhook out."
