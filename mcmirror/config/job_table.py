"""Jobs out of another system's table: name, type, source, target, mode and schedule, with the connections they name.

Text in, values of mcmirror.toml out; nothing is read or written here.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mcmirror.config import check, connections, cron, syntax
from mcmirror.config.connections import Imported
from mcmirror.config.values import ConfigError, Mistake, Wrong, nearest

_REMEDY = (
    'Give jobs as {"name": "...", "source": "CONNECTION", "target": "CONNECTION", "schedule": "*/5 * * * *"}, one or a '
    'list, and their connections beside them or as {"connections": [...], "jobs": [...]}.'
)
_NAMES = {
    "remove": "delete delete_propagation propagate_delete propagate_deletes delete_extraneous remove",
    "limit_upload": "bandwidth bandwidth_limit bandwidth_control limit rate_limit max_bandwidth limit_upload",
    "schedule": "schedule cron trigger interval every",
    "agent": "agent agent_id agent_name execute_on executor",
    "source_bucket": "source_bucket",
    "target_bucket": "target_bucket",
    "mode": "mode direction",
    "type": "type job_type",
    "name": "name job_name",
    "source": "source source_connection source_name from",
    "target": "target target_connection target_name destination to",
    "overwrite": "overwrite differential differential_sync",
    "recursive": "recursive recursive_mirror",
    "exclude": "exclude exclude_patterns",
    "prefix": "prefix",
    "enabled": "enabled active is_active",
}
_KNOWN = {word: name for name, words in _NAMES.items() for word in words.split()}
_NESTED = ("config", "options", "settings", "mirror_config")
_TYPES = {"minio mirror", "minio", "mirror", "minio to minio", "minio to minio mirror", "s3 mirror", "s3"}
_MODES = {"mirror", "one way", "one way sync", "mirror one way", "mirror one way sync", "oneway", "sync"}
_REAL_TIME = {"real time", "realtime", "continuous", "watch"}
_MANUAL = {"", "manual", "none", "by hand", "on demand", "once"}
_UNITS = {"second": "s", "sec": "s", "minute": "m", "min": "m", "hour": "h", "day": "d", "week": "w"}


@dataclass(frozen=True, slots=True)
class JobTable:
    """What was read, ready for mcmirror.toml."""

    connections: tuple[Imported, ...] = ()
    jobs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By name: the keys of ``[job.NAME]``."""
    notes: tuple[str, ...] = ()
    """What was not taken over and does not stand in the way."""


def read(texts: Mapping[str, str], known: Iterable[str] = ()) -> JobTable:
    """Everything in the files, by name; ``known`` are the aliases that exist. ConfigError with every mistake."""
    mistakes = list[Mistake]()
    entries = [(file, *one) for file, text in texts.items() for one in _entries_of(file, text, mistakes)]
    found = list[Imported]()
    for file, place, entry in entries:
        if "source_config" in entry:
            try:
                found += connections.read(json.dumps(entry), file)
            except ConfigError as error:
                mistakes += [Mistake(file, place, one.message, one.remedy) for one in error.mistakes]
    mistakes += _twice([one.alias.name for one in found], next(iter(texts), ""), "connections come to")
    buckets = {one.alias.name: one.bucket for one in found}
    aliases = frozenset({*buckets, *known})
    rows = [
        _Row(file, place, entry, buckets, aliases) for file, place, entry in entries if "source_config" not in entry
    ]
    read = [row.read() for row in rows]
    mistakes += [mistake for row in rows for mistake in row.mistakes]
    mistakes += _twice([name for name, _ in read], next(iter(texts), ""), "jobs have")
    if not rows and not mistakes:
        mistakes.append(Mistake(", ".join(texts), "", "there is no job in it", _REMEDY))
    if mistakes:
        raise ConfigError(mistakes)
    return JobTable(tuple(found), dict(read), tuple(dict.fromkeys(note for row in rows for note in row.notes)))


def _entries_of(file: str, text: str, mistakes: list[Mistake]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each job and connection of a file, and where it stands."""
    try:
        entries = _entries(json.loads(text))
    except ValueError as error:
        mistakes.append(Mistake(file, "", f"this is no JSON: {error}", _REMEDY))
        return
    for number, entry in enumerate(entries, start=1):
        place = f"entry {number}" if len(entries) > 1 else ""
        if isinstance(entry, dict):
            yield place, entry
        else:
            mistakes.append(Mistake(file, place, "this is neither a job nor a connection", _REMEDY))


def _entries(document: Any) -> list[Any]:
    """The jobs and connections of a document, in one list."""
    if isinstance(document, list):
        return document
    if not isinstance(document, dict):
        return [document]
    below = [
        value
        for key, value in document.items()
        if key.lower() in {"jobs", "job", "connections", "connection", "network", "networks", "data", "items"}
        and isinstance(value, list | dict)
    ]
    if not below:
        return [document]
    return [entry for value in below for entry in (value if isinstance(value, list) else [value])]


def _twice(names: list[str], file: str, what: str) -> list[Mistake]:
    return [
        Mistake(file, name, f"two {what} this name", "Rename one of them in the file.")
        for name in sorted({name for name in names if name and names.count(name) > 1})
    ]


def _plain(text: str) -> str:
    """Lower case, words apart by one space, without what stands in parentheses."""
    return " ".join(re.sub(r"[^a-z0-9]+", " ", re.sub(r"\(.*?\)", " ", text.lower())).split())


class _Row:
    """One row of the table; what is wrong in it collects in ``mistakes``."""

    def __init__(self, file: str, place: str, entry: Mapping[str, Any], buckets: Mapping[str, str],
                 aliases: frozenset[str]) -> None:  # fmt: skip
        self._file, self._place = file, place
        self._buckets, self._aliases = buckets, aliases
        self.mistakes = list[Mistake]()
        self.notes = list[str]()
        self._given = dict[str, Any]()
        self._name = ""
        self._take(entry)

    def read(self) -> tuple[str, dict[str, Any]]:
        """The job's name and its keys."""
        self._name = self._text("name")
        if not check.is_job_name(self._name):
            why = f"{self._name!r} cannot be the name of a job" if self._name else "there is no name"
            self._wrong("name", why, check.JOB_NAME_REMEDY)
        self._kind(
            "type", _TYPES, "only mirrors can be taken over", 'Write "type": "MinIO Mirror", or take the job out.'
        )
        self._kind("mode", _MODES, "every job mirrors in one direction", 'Write "mode": "Mirror".')
        if self._given.get("agent") not in {None, "", "master", "local", "Master"}:
            name = str(self._given["agent"])
            what = "an agent is defined in mcmirror.toml, with its key, before jobs are given to it"
            self._wrong("agent", what, f'Take it out, and write [agent.{name}] and agent = "{name}" by hand.')
        if self._given.get("recursive", True) is False:
            self._wrong("recursive", "every mirror is recursive", "Take it out, or name the folder as prefix.")
        job: dict[str, Any] = {"source": self._side("source"), "target": self._side("target"), "overwrite": True}
        for key in ("overwrite", "remove"):
            if key in self._given and self._given[key] is not None:
                job[key] = self._parsed(key, _boolean)
        for key, parse in (("limit_upload", _rate), ("exclude", _patterns), ("prefix", str)):
            if self._given.get(key):
                job[key] = self._parsed(key, parse)
        if self._given.get("enabled") is False:
            self.notes.append(f"{self._name} was switched off there: mcmirror job pause '{self._name}'")
        return self._name, {key: value for key, value in {**job, **self._schedule()}.items() if value is not None}

    def _take(self, entry: Mapping[str, Any]) -> None:
        for written, value in entry.items():
            word = re.sub(r"[^a-z0-9]+", "_", written.lower()).strip("_")
            if word in _NESTED and isinstance(value, Mapping):
                self._take(value)
            elif word in _KNOWN:
                self._given[_KNOWN[word]] = value
            elif guess := nearest(word, _KNOWN, 0.8):
                self._wrong(written, "there is no such field", f'Did you mean "{guess}"?')
            else:
                self.notes.append(f"{written} is not taken over")

    def _text(self, key: str) -> str:
        value = self._given.get(key)
        return value.strip() if isinstance(value, str) else ""

    def _wrong(self, key: str, message: str, remedy: str) -> None:
        where = " ".join(part for part in (self._place, self._name or self._text("name")) if part)
        self.mistakes.append(Mistake(self._file, f"{where}: {key}" if where else key, message, remedy))

    def _parsed(self, key: str, parse: Callable[[Any], Any]) -> Any:
        try:
            return parse(self._given[key])
        except Wrong as wrong:
            self._wrong(key, str(wrong), wrong.remedy)
            return None

    def _kind(self, key: str, allowed: set[str], message: str, remedy: str) -> None:
        written = self._given.get(key)
        if written is not None and _plain(str(written)) not in allowed:
            self._wrong(key, f"{written!r}: {message}", remedy)

    def _side(self, side: str) -> str | None:
        """``alias/bucket`` of a connection's name, of a place, or of a connection written out in the job."""
        written = self._text(side)
        if not written:
            self._wrong(side, "is missing", f'Write "{side}": "CONNECTION", the name of a connection.')
            return None
        if written.startswith((".", "/", "~")):
            return written
        head, _, rest = written.partition("/")
        try:
            alias = head if head in self._aliases else connections.alias_name(head)
        except Wrong as wrong:
            self._wrong(side, str(wrong), wrong.remedy)
            return None
        if alias not in self._aliases:
            guess = nearest(alias, self._aliases)
            remedy = "Give the file with its connection too: mcmirror job import connections.json jobs.json"
            self._wrong(side, f"there is no connection {head!r}", f"Did you mean {guess}?" if guess else remedy)
            return None
        bucket = rest or self._text(f"{side}_bucket") or self._buckets.get(alias, "")
        if not bucket:
            self._wrong(side, f"no bucket of {head!r} is known", f'Write "{side}": "{alias}/BUCKET".')
            return None
        return f"{alias}/{bucket}"

    def _schedule(self) -> dict[str, str | bool]:
        """``cron``, ``every`` or ``realtime``."""
        written = self._given.get("schedule")
        if isinstance(written, int | float) and not isinstance(written, bool):
            return {"every": f"{written:g}s"}
        text = re.sub(r"\(.*?\)", " ", str(written or "")).strip()
        plain = _plain(text)
        if plain in _MANUAL:
            return {}
        if plain in _REAL_TIME:
            return {"realtime": True}
        if span := re.fullmatch(r"(?:every )?(\d+) ?([a-z]+?)s?", plain):
            unit = _UNITS.get(span[2], span[2])
            text = f"{span[1]}{unit}"
        try:
            if " " in text or text.startswith("@"):
                cron.check(text)
                return {"cron": text}
            syntax.interval(text)
        except Wrong as wrong:
            self._wrong("schedule", str(wrong), wrong.remedy)
            return {}
        return {"every": text}


def _boolean(value: Any) -> bool:
    return value if isinstance(value, bool) else syntax.boolean(str(value))


def _rate(value: Any) -> str | None:
    """Bytes a second; ``10 MB/s`` and 0 for no limit too."""
    text = re.sub(r"(?<=[A-Za-z])/s(ec)?\Z", "", str(value).strip())
    return None if text in {"0", "unlimited"} else syntax.size(str(value) if "bit" in text.lower() else text)


def _patterns(value: Any) -> list[str]:
    given = value if isinstance(value, list) else str(value).split(",")
    return [syntax.exclude(str(pattern).strip()) for pattern in given]
