"""Find MinIO's mc, and make sure that it is MinIO's: most systems know another program by that name."""

import functools
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mcmirror.messages.error_lookup import problem, words
from mcmirror.messages.exceptions import is_of_the_machine, problem_of, temporary_folder
from mcmirror.model.problem import Category, McNotFound, McUnusable, Trouble
from mcmirror.movers.mc.identity import identity, recall, remember
from mcmirror.movers.mc.process import capture
from mcmirror.movers.mc.programs import search_path, which

NAMES = ("mcli", "minio-client", "mc")
"""The names that distributions give it, the unmistakable ones first."""
VARIABLE = "MCMIRROR_MC"
PATIENCE = 10.0
"""Seconds until a program must have answered ``--version``."""

_VERSION = re.compile(r"^\S+ version ((?:RELEASE|DEVELOPMENT)\.\S+) \(commit-id=")
_RELEASE = re.compile(r"RELEASE\.(\d{4}-\d\d-\d\d)T")
_PROGRAMS = (b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"MZ", b"#!")
"""How a file that can be run begins: ELF, Mach-O, PE, a script."""


@dataclass(frozen=True, slots=True)
class Mc:
    """A MinIO client that was seen to answer."""

    path: str
    version: str
    """``RELEASE.2025-08-13T08-35-41Z``, or ``DEVELOPMENT.GOGET`` when built by ``go install``."""
    released: str = ""
    """``2025-08-13``; empty for a version that does not say."""

    def __str__(self) -> str:
        return f"{self.path}, {self.version}"


def find(setting: str = "", environ: Mapping[str, str] | None = None, memory: Path | None = None) -> Mc:
    """Return the first mc among the setting, ``MCMIRROR_MC``, our own copy, and PATH.

    ``memory`` is a file that keeps what it answered; without it the program is always asked.

    Raises McUnusable when the setting or the variable names something else, McNotFound when there is none.
    """
    environ = os.environ if environ is None else environ
    for origin, named in (("the setting mc", setting), (VARIABLE, environ.get(VARIABLE, ""))):
        if named:
            return examine(_named(named, origin, environ), origin, memory)
    passed_over: list[str] = []
    tried: list[str] = []
    for path in _candidates(environ):
        tried.append(str(path))
        try:
            return examine(path, memory=memory)
        except McUnusable as unusable:
            passed_over.append(unusable.problem.message)
    looked = f"looked for {own_copy(environ)} and for {', '.join(NAMES)} on PATH ({environ.get('PATH') or 'empty'})"
    raise McNotFound(
        problem(
            Category.MC_MISSING,
            "MinIO's client mc was not found",
            "; ".join([*passed_over, looked] if tried else [looked]),
        )
    )


def own_copy(environ: Mapping[str, str] | None = None) -> Path:
    """Where ``mcmirror mc install`` puts mc."""
    environ = os.environ if environ is None else environ
    data = environ.get("XDG_DATA_HOME") or Path(environ.get("HOME") or Path.home()) / ".local" / "share"
    return Path(data) / "mcmirror" / "bin" / "mc"


def examine(path: Path, origin: str = "", memory: Path | None = None) -> Mc:
    """Return the mc at ``path``; McUnusable, by name, when it is anything else. ``origin``: what named it."""
    named = f"{path} ({origin})" if origin else str(path)
    is_script = _refuse_what_is_no_program(path, named)
    file = identity(path)
    if memory and (known := _VERSION.match(recall(file, memory))):
        return _mc(path, known[1])
    try:
        code, output, errors = _ask(str(path), ["--version"], 64 * 1024)
    except OSError as failure:
        raise _not_run(named, failure) from None
    first = output.lstrip().partition("\n")[0]
    if found := _VERSION.match(first):
        if memory and not is_script:  # a script may start another program tomorrow
            remember(file, memory, first)
        return _mc(path, found[1])
    if "Midnight Commander" in output + errors:
        raise _impostor(f"{named} is Midnight Commander, a file manager, not MinIO's mc", first)
    if code < 0 and not output:
        raise _impostor(f"{named} did not answer --version in {PATIENCE:g} s", f"ended by signal {-code}")
    said = words(first or errors) or "nothing"
    raise _impostor(f"{named} is not MinIO's mc", f"asked for its --version it said: {said}")


def _mc(path: Path, version: str) -> Mc:
    release = _RELEASE.match(version)
    return Mc(str(path), version, release[1] if release else "")


def capabilities(mc: Mc) -> frozenset[str]:
    """Return the flags that this mc's ``mirror --help`` lists, ``--max-workers`` among them or not."""
    about = Path(mc.path).stat()
    return _flags(mc.path, about.st_size, about.st_mtime_ns)


def require(mc: Mc, flags: Iterable[str]) -> None:
    """Raise McUnusable when this mc lacks one of the flags of ``mc mirror``."""
    lacking = sorted(set(flags) - capabilities(mc))
    if lacking:
        raise McUnusable(
            problem(
                Category.MC_TOO_OLD,
                f"This mc has no {', '.join(lacking)}",
                f"`{mc.path} mirror --help` ({mc.version}) does not list it",
            )
        )


@functools.cache
def _flags(path: str, _size: int, _modified: int) -> frozenset[str]:
    try:
        _, output, errors = _ask(path, ["mirror", "--help"], 1024 * 1024)
    except OSError as failure:
        raise _not_run(path, failure) from None
    columns = (line.strip().partition("  ")[0] for line in f"{output}\n{errors}".splitlines())
    return frozenset(
        flag for column in columns if column.startswith("--") for flag in re.findall(r"--[a-z0-9-]+", column)
    )


def _named(named: str, origin: str, environ: Mapping[str, str]) -> Path:
    """Return the path of what a person named: a path, or a command on PATH."""
    if os.sep in named:
        return Path(named).expanduser()
    found = which(named, environ)
    if not found:
        raise McUnusable(
            problem(
                Category.MC_MISSING, f"{named} ({origin}) is not on PATH", f"PATH is {environ.get('PATH') or 'empty'}"
            )
        )
    return Path(found)


def _candidates(environ: Mapping[str, str]) -> Iterator[Path]:
    if (own := own_copy(environ)).exists():
        yield own
    folders = [Path(folder) for folder in search_path(environ).split(os.pathsep) if folder]
    for name in NAMES:
        for folder in dict.fromkeys(folders):
            path = folder / name
            if path.is_file() and os.access(path, os.X_OK):
                yield path


def _refuse_what_is_no_program(path: Path, named: str) -> bool:
    """Look at the first bytes: a download that failed often leaves an error page under the program's name.

    Returns whether it is a script.
    """
    try:
        with path.open("rb") as file:
            start = file.read(1024)
    except FileNotFoundError:
        raise McUnusable(problem(Category.MC_MISSING, f"{named} does not exist", "no such file")) from None
    except OSError as failure:
        raise _impostor(f"{named} cannot be read", failure.strerror or str(failure)) from None
    if not start.startswith(_PROGRAMS):
        said = words(start.decode(errors="replace")) or "the file is empty"
        raise _impostor(f"{named} is not a program but {_kind(start)}", said)
    if not os.access(path, os.X_OK):
        remedy = f"Make it executable: chmod +x {path}"
        raise McUnusable(
            problem(Category.MC_IMPOSTOR, f"{named} may not be run", "it is not executable", remedy=remedy)
        )
    return start.startswith(b"#!")


def _kind(start: bytes) -> str:
    text = start.lower()
    if not text.strip():
        return "an empty file"
    if b"<html" in text or b"<!doctype" in text or b"<?xml" in text or b"<error" in text:
        return "a saved error page"
    if re.search(rb"\b(410|404|403)\b|gone|not found|forbidden", text):
        return "a saved error message"
    return "some other file"


def _impostor(message: str, cause: str) -> McUnusable:
    return McUnusable(problem(Category.MC_IMPOSTOR, message, cause))


def _not_run(named: str, failure: OSError) -> Trouble:
    """The program is not what it should be, or this machine runs nothing just now."""
    what = f"{named} cannot be run"
    return Trouble(problem_of(failure, what)) if is_of_the_machine(failure) else _impostor(what, str(failure))


def _ask(path: str, question: list[str], most: int) -> tuple[int, str, str]:
    """Run it with nothing of ours, in a home of its own: mc leaves a configuration folder wherever it is asked."""
    try:
        folder = tempfile.TemporaryDirectory(prefix="mcmirror-mc-ask-", ignore_cleanup_errors=True)
    except OSError as error:
        raise Trouble(problem_of(error, f"no folder could be made in {temporary_folder()} to ask mc in")) from error
    with folder as home:
        return capture(
            path, question, env={"PATH": os.defpath, "HOME": home, "LC_ALL": "C"}, timeout=PATIENCE, most=most
        )
