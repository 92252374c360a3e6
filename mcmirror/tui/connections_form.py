"""A connection as a form, and what is written of it: of keys only references, as `mcmirror alias set` does."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from mcmirror.config import ConfigError, Mistake, home_of
from mcmirror.tui.config_editor import ALIAS, ConfigEditor
from mcmirror.tui.form import Field, Form, Values, Wrongs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

REFERENCE = " key: it is kept in a file that only you can read. Or {env:NAME}, {file:PATH}. Both empty: anonymous."
PLACEHOLDER = "typed, or {env:NAME}, or {file:PATH}"
FIELDS = (
    Field("name", "name", "What locations begin with: NAME/bucket."),
    Field("url", "address", "https://host[:port], the server's S3 address.", placeholder="https://host:9000"),
    Field("access_key", "access key", "Type the access" + REFERENCE, placeholder=PLACEHOLDER, reference=True),
    Field("secret_key", "secret key", "Type the secret" + REFERENCE, placeholder=PLACEHOLDER, reference=True),
    Field("region", "region", "Such as eu-central-1; empty: the server's own.", placeholder="none"),
    Field("ca_file", "CA file", "A PEM file with the certificate authority to trust besides the system's."),
    Field("insecure", "certificate", "Accepting any certificate is for tests only.",
          choices=(("", "must be trusted"), ("true", "any is accepted"))),
    Field("path", "bucket stands", "In the path (on) or in the host name (off); auto finds out.",
          choices=(("", "auto"), ("on", "in the path"), ("off", "in the host name"))),
    Field("api", "signature", "How requests are signed.", choices=(("", "S3v4"), ("S3v2", "S3v2"))),
)  # fmt: skip
KEYS = ("access_key", "secret_key")
KEPT = "a key stands in the file itself; empty keeps it"


def form(sheet: ConfigEditor, name: str = "") -> Form:
    """For a new connection, or for one that is in the file."""
    written = sheet.table(ALIAS, name) if name else {}
    fields = [_filled(field, name, written) for field in FIELDS]

    def check(values: Values) -> Wrongs:
        return wrongs(_wrong(sheet, name, values), ALIAS, values["name"])

    def save(values: Values) -> Wrongs:
        from mcmirror.config import write

        folder, given = write.secrets_folder(os.environ, home_of(os.environ)), values["name"]
        had = {key: str(written[key]) for key in KEYS if key in written}
        try:
            with write.keeping(folder, given, {key: values[key] for key in KEYS}, had) as keys:
                sheet.put(ALIAS, given, table(written, {**values, **keys}))
        except ConfigError as error:
            return wrongs(error.mistakes, ALIAS, values["name"])
        return {}

    return Form(f"Connection {name}" if name else "New connection", fields, check=check, save=save)


def _filled(field: Field, name: str, written: Mapping[str, Any]) -> Field:
    from dataclasses import replace

    from mcmirror.config.reference import is_reference

    if field.key == "name":
        return replace(field, value=name, fixed=bool(name))
    value = written.get(field.key, "")
    text = ("true" if value else "") if isinstance(value, bool) else str(value)
    if field.reference and text and not is_reference(text):
        return replace(field, placeholder=KEPT)
    return replace(field, value=text if text not in {"auto", "S3v4"} else "")


def table(written: Mapping[str, Any], values: Values) -> dict[str, Any]:
    """What is to stand in the file: what the form says, and what it does not speak of as it was."""
    from mcmirror.config.reference import is_reference

    result = dict(written)
    for field in FIELDS[1:]:
        value: str | bool = values[field.key]
        if field.key == "insecure":
            value = value == "true"
        before = written.get(field.key, "")
        if value:
            result[field.key] = value
        elif not (field.reference and isinstance(before, str) and before and not is_reference(before)):
            result.pop(field.key, None)
    return result


def _wrong(sheet: ConfigEditor, name: str, values: Values) -> list[Mistake]:
    from mcmirror.config.aliases import AliasText, resolve_alias
    from mcmirror.config.reference import is_reference
    from mcmirror.config.schema import AliasTable
    from mcmirror.config.validate import validate

    given, file = values["name"], str(sheet.path)
    if not name and given in sheet.tables(ALIAS):
        return [Mistake(file, f"{ALIAS}.{given}", "is there already", "Choose another name, or change that one.")]
    halves = [
        Mistake(file, f"{ALIAS}.{given}.{key}", "this is no whole reference", "Write {env:NAME} or {file:PATH}.")
        for key in KEYS
        if values[key].startswith("{") and not is_reference(values[key])
    ]
    new = table(sheet.table(ALIAS, name) if name else {}, values)
    found = [*halves, *sheet.wrong(ALIAS, given, new)]
    if found:
        return found
    valid, _ = validate(AliasTable, new, file, "")
    try:
        resolve_alias(AliasText(given, **valid.model_dump() if valid else {}), sheet.path, os.environ)
    except ConfigError as error:
        return list(error.mistakes)
    return []


def wrongs(mistakes: Iterable[Mistake], heading: str, name: str) -> Wrongs:
    """Mistakes by the field that they belong to."""
    found: Wrongs = {}
    for one in mistakes:
        key, text = f"{heading}.{name}", f"{one.message}. {one.remedy}"
        if one.key == key:
            found.setdefault("name", text)
        elif one.key.startswith(f"{key}."):
            found.setdefault(one.key.removeprefix(f"{key}.").partition(".")[0], text)
        else:
            found[""] = "\n".join(filter(None, (found.get("", ""), str(one))))
    return found
