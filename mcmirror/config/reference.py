"""References to secrets: ``{env:NAME}``, ``{file:PATH}``, and ``NAME_FILE`` beside ``NAME``."""

import re
from collections.abc import Mapping
from pathlib import Path

from mcmirror.config.values import Wrong, nearest

_REFERENCE = re.compile(r"\{(env|file):([^{}]*)\}")
_COMMENT = re.compile(r"\s#(\s|$)")
_LOOKS_LIKE_ONE = re.compile(r"\{(\w+):[^{}]*\}\Z")


def is_reference(text: str) -> bool:
    """Whether the whole text is one reference, so that it holds no secret itself."""
    return _REFERENCE.fullmatch(text) is not None


def has_reference(text: str) -> bool:
    """Whether any part of the text is a reference."""
    return _REFERENCE.search(text) is not None


def resolve(text: str, environ: Mapping[str, str], folder: Path) -> str:
    """The text with its references replaced; paths are relative to ``folder``. Raises Wrong."""
    odd = _LOOKS_LIKE_ONE.match(text)
    if odd and odd[1] not in {"env", "file"} and (guess := nearest(odd[1], ("env", "file"))):
        raise Wrong(f"'{{{odd[1]}:...}}' is no reference", f"Write '{{{guess}:...}}'.")

    def value(found: re.Match[str]) -> str:
        kind, name = found[1], found[2].strip()
        if kind == "file":
            return read_secret(name, environ, folder)
        try:
            given = variable(name, environ, folder)
        except Wrong as wrong:
            raise Wrong(f"the variable {name}: {wrong}", wrong.remedy) from None
        if not given:
            raise Wrong(f"{name} is not set", f"Set {name}, or {name}_FILE to the path of a file that holds it.")
        return given

    return _REFERENCE.sub(value, text)


def files_of(text: str, environ: Mapping[str, str], folder: Path) -> list[Path]:
    """The files behind the references of a text, whether they exist or not."""
    named = [name.strip() if kind == "file" else environ.get(f"{name.strip()}_FILE", "")
             for kind, name in _REFERENCE.findall(text)]  # fmt: skip
    return [place_of(name, environ, folder) for name in named if name]


def place_of(path: str, environ: Mapping[str, str], folder: Path) -> Path:
    """The file that a person named, relative to ``folder``."""
    if path.startswith("~/") and (home := environ.get("HOME")):
        return Path(home) / path[2:]
    return folder / Path(path).expanduser()


def variable(name: str, environ: Mapping[str, str], folder: Path) -> str:
    """The value of ``NAME``, or the content of the file that ``NAME_FILE`` names; empty when unset. Raises Wrong."""
    direct, file = environ.get(name, ""), environ.get(f"{name}_FILE", "")
    if direct and file:
        raise Wrong(f"{name} and {name}_FILE are both set", "Unset one of them.")
    _check_written(name, direct)
    return direct or (read_secret(file, environ, folder) if file else "")


def _check_written(name: str, value: str) -> None:
    """Refuse what a program that reads an env file word for word leaves in a value, as `docker --env-file` does."""
    literal = f"A value that has to be so is given by a file: {name}_FILE=PATH."
    if not value.strip():
        return  # a blank value is a mistake of its own where one is needed
    if value.endswith("\r"):
        remedy = "Save the file that sets it with Unix line ends, or take the sign out."
        raise Wrong("the value ends with a carriage return, as files of Windows have it", remedy)
    if any(ord(sign) < 32 and sign != "\t" for sign in value):
        raise Wrong("the value holds a line break or another control character", "Let it be one line.")
    word = value.strip()
    if len(word) > 1 and word[0] == word[-1] and word[0] in "\"'":
        remedy = f"Take them out: docker --env-file passes them on. {literal}"
        raise Wrong("the value stands in quotes, and they count as part of it", remedy)
    if _COMMENT.search(value):
        remedy = f"Put the comment on a line of its own: docker --env-file passes it on. {literal}"
        raise Wrong("a comment stands behind the value, and counts as part of it", remedy)


def read_secret(path: str, environ: Mapping[str, str], folder: Path) -> str:
    """The content of a file without the newline at its end. Raises Wrong."""
    place = place_of(path, environ, folder)
    try:
        content = place.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise Wrong(f"the file {path} is no text", "Write the value into it as UTF-8.") from None
    except OSError as error:
        reason = (error.strerror or "cannot be read").lower()
        raise Wrong(
            f"the file {path}: {reason}", "Create it with the value as its only line, readable by this user."
        ) from None
    value = content.rstrip("\r\n")
    if not value:
        raise Wrong(f"the file {path} is empty", "Write the value into it.")
    return value
