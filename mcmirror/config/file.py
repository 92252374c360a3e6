"""mcmirror.toml to a Configuration, all its mistakes in one go."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from mcmirror.config import agents, check, environment, inherited, plausibility, relays, replications, schema, syntax
from mcmirror.config.aliases import Aliases, AliasText
from mcmirror.config.lines import located
from mcmirror.config.reference import files_of, has_reference, is_reference, resolve
from mcmirror.config.validate import unknown, validate
from mcmirror.config.values import (
    DEFAULT_DIGEST,
    DEFAULT_ON,
    DEFAULT_STATE,
    ConfigError,
    Configuration,
    Mistake,
    Notifier,
    Schedule,
    Settings,
    Wrong,
    no_job,
)
from mcmirror.config.variables import Variables
from mcmirror.model.job import Assurance, Job, MaxDelete, MirrorOptions
from mcmirror.model.location import Location
from mcmirror.model.realtime import Realtime

Table = TypeVar("Table", bound=schema.Table)
_TRIGGERS = ("cron", "every", "realtime")


def read(path: Path, environ: Mapping[str, str], home: Path, *, needs_jobs: bool) -> Configuration:
    """The configuration of one file; ConfigError with every mistake. Whether aliases exist is asked only for jobs."""
    text = text_of(path)
    try:
        return configured(path, parse_text(text, path), environ, home, needs_jobs=needs_jobs)
    except ConfigError as error:
        raise ConfigError(located(error.mistakes, text)) from None


def configured(  # noqa: PLR0915  a line a table
    path: Path, document: dict[str, Any], environ: Mapping[str, str], home: Path, *, needs_jobs: bool
) -> Configuration:
    """The same of what the file holds, or of what it shall hold before it is written."""
    file = str(path)
    headings = list(schema.File.model_fields)
    mistakes = [unknown(file, key, key, headings) for key in document if key not in headings]

    settings = _one(schema.SettingsTable, document, "settings", file, mistakes) or schema.SettingsTable()
    defaults = _one(schema.OptionsTable, document, "defaults", file, mistakes) or schema.OptionsTable()
    alias_tables = _many(schema.AliasTable, document, "alias", file, mistakes)
    job_tables = _many(schema.JobTable, document, "job", file, mistakes)
    notify_tables = _many(schema.NotifyTable, document, "notify", file, mistakes)
    replication_tables = _many(schema.ReplicationTable, document, "replication", file, mistakes)
    relay_tables = _many(schema.RelayTable, document, "relay", file, mistakes)
    agent_tables = _many(schema.AgentTable, document, "agent", file, mistakes)

    named = ("alias", "job", "replication", "relay", "agent")
    mistakes += check.names(file, {heading: _names(document, heading) for heading in named})
    known_wrong = {mistake.key for mistake in mistakes}
    unfit = [*check.notifiers(file, notify_tables), *plausibility.notifiers(file, notify_tables)]
    unfit += relays.mistakes(file, relay_tables)
    unfit += agents.mistakes(file, settings, agent_tables)
    mistakes += [one for one in unfit if one.key not in known_wrong]
    option_tables = {name: job_tables.get(name) or _options(document["job"][name]) for name in _names(document, "job")}
    mistakes += check.notified(file, defaults, option_tables, set(_names(document, "notify")))
    mistakes += check.triggers(file, defaults, option_tables)
    tables = {"defaults": defaults, **{f"job.{name}": table for name, table in option_tables.items()}}
    mistakes += agents.assigned(file, settings, tables, _names(document, "agent"))

    aliases = Aliases({name: _alias_text(name, table) for name, table in alias_tables.items()}, path, environ)
    written = {name: merge(defaults, table) for name, table in job_tables.items()}
    mistakes += check.realtime(file, written)
    chosen, notes, wrong = _settings(settings, file, environ, path.parent)
    slips = environment.slips(environ)
    mistakes += wrong
    for values in written.values():
        values.setdefault("timezone", chosen.timezone)
        if chosen.executor != "local" and len(agent_tables) == 1:
            values.setdefault("agent", *agent_tables)
    sides, wrong = check.locations(file, document.get("job", {}) if _names(document, "job") else {}, path.parent)
    mistakes += wrong
    jobs = {
        name: job_of(name, sides[name, "source"], sides[name, "target"], values)
        for name, values in written.items()
        if (name, "source") in sides and (name, "target") in sides
    }
    mistakes += check.crossed(file, jobs, written)
    of_pair = defaults.model_dump(exclude_none=True)
    of_pair.setdefault("timezone", chosen.timezone)
    schedules = {name: _schedule(values) for name, values in written.items()}
    replicated, wrong = replications.read(file, replication_tables)
    mistakes += wrong
    mistakes += [*check.jobs(file, jobs, aliases, written), *plausibility.jobs(file, written, schedules)]
    if needs_jobs:
        # A broken alias table is still a name that exists.
        known = {*_names(document, "alias"), *inherited.alias_names(environ), *inherited.from_files(environ, home)}
        # An agent has servers of its own.
        here = {key: place for key, place in sides.items() if not written.get(key[0], {}).get("agent")}
        mistakes += check.aliases_exist(file, here, known, path.parent, inherited.unreadable(environ, home))
        if not (_names(document, "job") or _names(document, "relay") or _names(document, "replication")):
            mistakes.append(no_job(file))
    if mistakes:
        raise ConfigError(mistakes)
    return Configuration(
        settings=chosen,
        aliases=aliases,
        jobs=jobs,
        origin=file,
        notes=(*_notes(path, document, settings, written), *plausibility.idle(job_tables, schedules), *notes, *slips),
        unheeded=slips,
        schedules=schedules,
        pair=job_of("", Location("", ""), Location("", ""), of_pair),
        pair_schedule=_schedule(of_pair) if {"lock", "lock_timeout"} & of_pair.keys() else None,
        notifiers={name: _notifier(name, table) for name, table in notify_tables.items()},
        replications=replicated,
        relays={name: relays.relay_of(name, table) for name, table in relay_tables.items()},
        agents={name: agents.agent_of(name, table) for name, table in agent_tables.items()},
        path=path,
        files=(path, *referred([document, chosen.api_token, chosen.pushgateway], environ, path.parent)),
    )


def referred(value: Any, environ: Mapping[str, str], folder: Path) -> tuple[Path, ...]:
    """The files that any text in these tables refers to, each once."""
    found: dict[Path, None] = {}
    texts = [value]
    while texts:
        match texts.pop():
            case str() as text:
                found |= dict.fromkeys(files_of(text, environ, folder))
            case dict() as table:
                texts += table.values()
            case list() as items:
                texts += items
            case _:
                pass
    return tuple(sorted(found))


def parse(path: Path) -> dict[str, Any]:
    """The file as plain tables; ConfigError when it cannot be read or is no TOML."""
    return parse_text(text_of(path), path)


def text_of(path: Path) -> str:
    """What stands in the file, without a byte order mark; ConfigError when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        reason = (error.strerror or "cannot be read").lower()
        mistake = Mistake(
            str(path), "", f"the file cannot be read: {reason}", "Check the path; mcmirror init writes a new one."
        )
    except UnicodeDecodeError:
        mistake = Mistake(str(path), "", "the file is no UTF-8 text", "Save it as UTF-8.")
    raise ConfigError([mistake])


def parse_text(text: str, path: Path) -> dict[str, Any]:
    """The text as plain tables; ConfigError when it is no TOML."""
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        # The message ends in "(at line 3, column 14)".
        what, _, where = str(error).rpartition(" (at ")
        place = re.fullmatch(r"line (\d+), (column \d+)\)", where)
        mistake = Mistake(
            str(path),
            place[2] if place else "",
            f"this is no TOML: {what or error}",
            'Values are written key = "text", numbers and true/false without quotes.',
            int(place[1]) if place else len(text.splitlines()),
        )
    raise ConfigError([mistake])


def _names(document: dict[str, Any], heading: str) -> list[str]:
    tables = document.get(heading)
    return list(tables) if isinstance(tables, dict) else []


def _one(
    model: type[Table], document: dict[str, Any], heading: str, file: str, mistakes: list[Mistake]
) -> Table | None:
    found, wrong = validate(model, document.get(heading, {}), file, heading)
    mistakes += wrong
    return found


def _many(
    model: type[Table], document: dict[str, Any], heading: str, file: str, mistakes: list[Mistake]
) -> dict[str, Table]:
    tables = document.get(heading, {})
    if not isinstance(tables, dict):
        mistakes.append(Mistake(file, heading, "must be a table of tables", f"Write [{heading}.NAME]."))
        return {}
    found: dict[str, Table] = {}
    for name, table in tables.items():
        if not isinstance(table, dict):
            remedy = f"Write it below a heading with a name: [{heading}.NAME]."
            mistakes.append(Mistake(file, f"{heading}.{name}", f"stands in [{heading}] itself", remedy))
            continue
        valid, wrong = validate(model, table, file, f"{heading}.{name}")
        mistakes += wrong
        if valid:
            found[name] = valid
    return found


def _options(table: Any) -> schema.OptionsTable:
    """What is right in the table of a job that is no job: its other mistakes are to be found as well."""
    return validate(schema.OptionsTable, table, "", "")[0] or schema.OptionsTable()


def merge(defaults: schema.OptionsTable, job: schema.JobTable) -> dict[str, Any]:
    """What holds for the job: its own values over the defaults'; its own trigger ends any of theirs."""
    base, own = defaults.model_dump(exclude_none=True), job.model_dump(exclude_none=True)
    if any(own.get(trigger) is not None for trigger in _TRIGGERS):
        base = {key: value for key, value in base.items() if key not in _TRIGGERS}
    return base | own


def job_of(name: str, source: Location, target: Location, values: Mapping[str, Any]) -> Job:
    """The job of validated values; what is not written keeps the model's default."""
    options: dict[str, Any] = {
        key: values[key]
        for key in (
            "overwrite",
            "remove",
            "dry_run",
            "preserve",
            "skip_errors",
            "newer_than",
            "older_than",
            "storage_class",
            "attr",
            "region",
        )
        if key in values
    }
    options["exclude"] = tuple(values.get("exclude", ()))
    if values.get("realtime") and (canary := _realtime(values).canary):
        options["exclude"] += (f"{canary}*",)
    parsed: dict[str, Callable[[Any], Any]] = {
        "checksum": syntax.checksum,
        "tags": syntax.tags,
        "encrypt": syntax.encryption,
        "limit_upload": syntax.size,
        "limit_download": syntax.size,
    }
    options |= {key: parse_value(values[key]) for key, parse_value in parsed.items() if key in values}
    if values.get("workers", "auto") != "auto":
        options["workers"] = int(values["workers"])
    rest: dict[str, Any] = {
        key: values[key]
        for key in ("create_target", "strict", "retries", "prefix", "timezone", "agent", "split")
        if key in values
    }
    read: dict[str, Callable[[Any], Any]] = {
        "retry_delay": syntax.duration,
        "stall_timeout": syntax.duration,
        "max_memory": syntax.memory,
        "assurance": Assurance,
        "max_delete": MaxDelete.parse,
    }
    rest |= {key: reader(values[key]) for key, reader in read.items() if key in values}
    return Job(name, source, target, MirrorOptions(**options), **rest)


def _alias_text(name: str, table: schema.AliasTable) -> AliasText:
    return AliasText(name, **table.model_dump())


def _schedule(values: Mapping[str, Any]) -> Schedule:
    plain = ("cron", "at_start", "catch_up", "lock")
    given: dict[str, Any] = {key: values[key] for key in plain if key in values}
    given |= {
        key: syntax.duration(values[key]) for key in ("every", "jitter", "max_age", "lock_timeout") if key in values
    }
    if values.get("realtime"):
        given["realtime"] = _realtime(values)
        given["every"] = given["realtime"].catch_up_every
    return Schedule(**given, notify=tuple(values.get("notify", ())))


def _realtime(values: Mapping[str, Any]) -> Realtime:
    """How the job follows its source."""
    spans = ("batch_interval", "catch_up_every", "max_lag")
    given: dict[str, Any] = {key: syntax.duration(values[key]) for key in spans if key in values}
    if "events" in values:
        given["events"], given["poll_every"] = syntax.events(values["events"])
    if "canary" in values:
        given["canary"] = syntax.canary(values["canary"])
    return Realtime(**given)


def _notifier(name: str, table: schema.NotifyTable) -> Notifier:
    values = table.model_dump(exclude_none=True)
    on = tuple(values.get("on", DEFAULT_ON["json" if table.format == "json" else table.type]))
    if "digest" in on:
        values.setdefault("digest", DEFAULT_DIGEST)
    return Notifier(name, **{**values, "on": on})


def _settings(
    table: schema.SettingsTable, file: str, environ: Mapping[str, str], folder: Path
) -> tuple[Settings, tuple[str, ...], list[Mistake]]:
    """What holds, the environment's word where the file is silent; what is to be known of it; what is wrong with it."""
    values = table.model_dump(exclude_none=True)
    mistakes: list[Mistake] = []
    for key in ("state", "mc", "proxy"):
        try:
            values[key] = resolve(values[key], environ, folder) if key in values else ""
        except Wrong as wrong:
            mistakes.append(Mistake(file, f"settings.{key}", str(wrong), wrong.remedy))
    values["state"] = values.get("state") or DEFAULT_STATE
    for key, parse_value in (("grace", syntax.duration), ("keep_for", syntax.keeping), ("listen", syntax.listen)):
        if key in values:
            values[key] = parse_value(values[key])
    if "textfile_dir" in values:
        values["textfile_dir"] = str(folder.absolute() / Path(values["textfile_dir"]).expanduser())
    given = Variables(environ, folder)
    chosen, notes = environment.settings(given, Settings(**values), table.model_dump(exclude_none=True))
    return chosen, notes, [*mistakes, *given.mistakes]


def _notes(
    path: Path, document: dict[str, Any], settings: schema.SettingsTable, written: Mapping[str, Mapping[str, Any]]
) -> tuple[str, ...]:
    """What a person should know although nothing is wrong."""
    notes: list[str] = []
    heard = {name for values in written.values() for name in values.get("notify", ())}
    notes += [
        f'notify.{name}: no job tells it anything; write notify = ["{name}"] in [defaults] or a job.'
        for name in _names(document, "notify")
        if name not in heard and not _names(document, "replication")
    ]
    for name, values in written.items():
        notes += plausibility.excludes_all(f"job.{name}.exclude", values.get("exclude", ()))
        notes += [
            f"job.{name}.exclude: {pattern!r} is one pattern; mc knows no comma lists."
            for pattern in values.get("exclude", ())
            if "," in pattern
        ]
        notes += [
            f"job.{name}.exclude: {pattern!r} matches no object below that folder; {pattern + '*'!r} does."
            for pattern in values.get("exclude", ())
            if pattern.endswith("/")
        ]
    secrets = [
        f"{heading}.{name}.{key}"
        for heading, keys in (
            ("alias", ("access_key", "secret_key", "session_token")),
            ("notify", ("token", "webhook", "url", "secret")),
            ("relay", ("token", "deliver_token")),
        )
        for name in _names(document, heading)
        for key in keys
        if (text := document[heading][name].get(key)) and not is_reference(text) and not _open_to_all(key, text)
    ]
    secrets += [
        f"settings.{key}"
        for key, open_to_all in (
            ("api_token", not is_reference(settings.api_token or "{env:NAME}")),
            ("pushgateway", "@" in (settings.pushgateway or "") and not has_reference(settings.pushgateway or "")),
        )
        if open_to_all
    ]
    if secrets and path.exists() and path.stat().st_mode & 0o077:
        notes.append(
            f"{path} holds {', '.join(secrets)} and other users may read it: "
            f"run chmod 600 {path}, or write {{env:NAME}} or {{file:PATH}} there."
        )
    return tuple(notes)


def _open_to_all(key: str, text: str) -> bool:
    """Whether it is the address of a whole server: who reads that learns no secret, as from a ping's or a hook's."""
    address = urlsplit(text)
    return key == "url" and not (address.path.strip("/") or address.query or "@" in address.netloc)
