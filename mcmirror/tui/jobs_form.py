"""A job as a form, and what is written of it; what the form does not speak of stays as it stands in the file."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mcmirror.config import ConfigError, Mistake
from mcmirror.tui.config_editor import JOB, ConfigEditor
from mcmirror.tui.connections_form import wrongs
from mcmirror.tui.form import Field, Form, Values, Wrongs

if TYPE_CHECKING:
    from collections.abc import Mapping

FIELDS = (
    Field("name", "name", "As mcmirror run NAME calls it. The job's history goes by it."),
    Field("source", "source", "alias/bucket[/prefix], or a folder: /path, ./path, ~/path.", placeholder="alias/bucket"),
    Field("target", "target", "The same; what is to become equal to the source.", placeholder="alias/bucket"),
    Field("cron", "cron", "When mcmirror serve runs it: five fields as in a crontab, or @daily. Neither cron nor every:"
          " manual.", placeholder="such as 0 2 * * *"),
    Field("every", "or every", "An interval from start to start: 30m, 6h.", placeholder="such as 30m"),
    Field("timezone", "time zone", "Of cron and of the dates in a prefix: Asia/Seoul."),
    Field("overwrite", "overwrite", "Copy over objects that differ, or leave those of the target.",
          choices=(("", ""), ("true", "on"), ("false", "off"))),
    Field("remove", "remove", "Remove from the target what the source lacks; a run that would remove too much is"
          " refused.", choices=(("", ""), ("true", "on"), ("false", "off"))),
    Field("max_delete", "max delete", "How much a run may remove: 25% (ten objects always), a number, or unlimited."),
    Field("exclude", "exclude", "Patterns against the whole key below the source, a line each; * also crosses folders.",
          lines=True),
    Field("prefix", "prefix", "Only what lies below it, on both sides; dates as in {yesterday:%Y/%m/%d}."),
    Field("max_age", "max age", "Health turns red when the last success is older: 26h."),
    Field("notify", "notify", "Who is told: names of [notify.*] in mcmirror.toml, with commas between."),
    Field("at_start", "at start", "Run once when mcmirror serve begins as well.",
          choices=(("", ""), ("true", "on"), ("false", "off"))),
    Field("catch_up", "catch up", "Make up for a run that was missed while mcmirror serve was down, once.",
          choices=(("", ""), ("true", "on"), ("false", "off"))),
    Field("create_target", "create target", "Make the target's bucket when it is missing.",
          choices=(("", ""), ("true", "on"), ("false", "off"))),
    Field("dry_run", "only plan", "Every run only says what it would do.",
          choices=(("", ""), ("true", "on"), ("false", "off"))),
)  # fmt: skip
DEFAULTS = {"max_delete": "25%", "max_age": "not watched"}
"""What holds, or might stand there, when neither the job nor [defaults] says it."""


def form(sheet: ConfigEditor, name: str = "", like: str = "") -> Form:
    """For a new job, one like another, or one that is in the file."""
    written = sheet.table(JOB, name or like)
    defaults = sheet.document.get("defaults")
    given = defaults if isinstance(defaults, dict) else {}
    settings = sheet.document.get("settings")
    zone = settings.get("timezone", "UTC") if isinstance(settings, dict) else "UTC"
    fields = [_filled(field, name, written, {"timezone": zone, **given}) for field in FIELDS]

    def check(values: Values) -> Wrongs:
        return _wrong(sheet, name, table(written, values), values["name"])

    def save(values: Values) -> Wrongs:
        try:
            sheet.put(JOB, values["name"], table(written, values))
        except ConfigError as error:
            return wrongs(error.mistakes, JOB, values["name"])
        return {}

    title = f"Job {name}" if name else f"New job like {like}" if like else "New job"
    return Form(title, fields, check=check, save=save)


def _filled(field: Field, name: str, written: Mapping[str, Any], defaults: Mapping[str, Any]) -> Field:
    if field.key == "name":
        return replace(field, value=name, fixed=bool(name))
    inherited = _text(defaults.get(field.key))
    if field.choices:
        word = "on" if inherited == "true" else "off"
        field = replace(field, choices=(("", f"default ({word})"), *field.choices[1:]))
    elif not field.placeholder or inherited:
        shown = ", ".join(inherited.splitlines()) or DEFAULTS.get(field.key, "")
        field = replace(field, placeholder=f"default: {shown}" if shown else "")
    text = _text(written.get(field.key))
    if field.key == "notify":
        text = ", ".join(text.splitlines())
    return replace(field, value=text)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "\n".join(map(str, value))
    return "" if value is None else str(value)


def table(written: Mapping[str, Any], values: Values) -> dict[str, Any]:
    """What is to stand in the file; an empty field leaves the word to [defaults]."""
    result = dict(written)
    for field in FIELDS[1:]:
        value = _value(field, values[field.key])
        if values[field.key] == _shown(field, written):
            continue  # Also what no field can show, such as a number where a text belongs, stays as it is.
        if value in ("", []):
            result.pop(field.key, None)
        else:
            result[field.key] = value
    return result


def _shown(field: Field, written: Mapping[str, Any]) -> str:
    text = _text(written.get(field.key))
    return ", ".join(text.splitlines()) if field.key == "notify" else text


def _value(field: Field, text: str) -> Any:
    if field.choices:
        return {"": "", "true": True, "false": False}[text]
    if field.lines:
        return [line.strip() for line in text.splitlines() if line.strip()]
    if field.key == "notify":
        return [name.strip() for name in text.split(",") if name.strip()]
    if field.key == "max_delete" and text.isascii() and text.isdigit():
        return int(text)
    return text


def _wrong(sheet: ConfigEditor, name: str, new: Mapping[str, Any], given: str) -> Wrongs:
    if not name and given in sheet.tables(JOB):
        remedy = "Choose another name, or change that one."
        return wrongs([Mistake(str(sheet.path), f"{JOB}.{given}", "is there already", remedy)], JOB, given)
    found = wrongs(sheet.wrong(JOB, given, new), JOB, given)
    # What belongs to a key that has no field is said below.
    known = {field.key for field in FIELDS}
    other = [f"{key}: {text}" for key, text in found.items() if key not in known]
    return {key: text for key, text in found.items() if key in known} | ({"": "\n".join(other)} if other else {})
