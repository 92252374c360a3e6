"""The options that commands share, each checked where it is read, so that a mistake is a usage error."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from mcmirror.config import Wrong, prefix, syntax
from mcmirror.model.job import Assurance, MaxDelete, Tags
from mcmirror.model.location import Location
from mcmirror.model.lock import Lock

EXIT_CODES = (
    "Exit codes: 0 succeeded, 1 failed, 2 usage or configuration, 3 partial, 4 refused, 75 another run holds the lock,"
    " 130 Ctrl-C, 143 SIGTERM; of several jobs the worst one. 1 also when a report file could not be written."
)

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="The file; else MCMIRROR_CONFIG, else mcmirror.toml upwards."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def _checked(check: Callable[[str], object]) -> Callable[[str | None], str | None]:
    """Return a callback: the text as given when ``check`` takes it, a usage error with the remedy otherwise."""

    def callback(value: str | None) -> str | None:
        return None if value is None else str(_parsed(check)(value))

    return callback


def _parsed(parse: Callable[[str], object]) -> Callable[[str], object]:
    def parser(text: str) -> object:
        try:
            return parse(text)
        except Wrong as wrong:
            raise typer.BadParameter(f"{wrong}. {wrong.remedy}") from None
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None

    return parser


def _patterns(values: list[str] | None) -> list[str]:
    return [str(_parsed(syntax.exclude)(value)) for value in values or []]


NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")
"""What is taken for a number: no other script's digits, no sign, no exponent."""


def _max_delete(text: str) -> MaxDelete:
    try:
        return MaxDelete.parse(text)
    except ValueError:
        raise Wrong(f"{text!r} is no number of objects", "Write 25%, 100 or unlimited.") from None


def _seconds(text: str) -> float:
    return syntax.duration(f"{text}s" if NUMBER.fullmatch(text) else text)


def seconds(text: str) -> float:
    """Return a pause, more than nothing; a plain number is seconds."""
    try:
        return syntax.positive_duration(f"{text}s" if NUMBER.fullmatch(text) else text)
    except Wrong as wrong:
        raise typer.BadParameter(f"{wrong}. {wrong.remedy}") from None


def percent(text: str) -> float:
    """Return a share of the objects, more than nothing and at most all."""
    plain = text.removesuffix("%")
    number = float(plain) if NUMBER.fullmatch(plain) else 0.0
    if not 0 < number <= 100:
        raise typer.BadParameter(f"{text!r} is no percentage. Write 10%, or nothing for all.")
    return number


def looks_like_location(word: str) -> bool:
    """Whether it cannot be the name of a job."""
    return "/" in word or word in {".", "..", "~"}


def looks_like_locations(words: Sequence[str]) -> bool:
    """Whether two words are a source and a target, not the names of two jobs."""
    return len(words) == 2 and all(map(looks_like_location, words))


def location(text: str) -> str:
    """``text``, when it can name a place."""
    try:
        Location.parse(text)
    except ValueError as error:
        raise typer.BadParameter(f"{error}. Write ALIAS/BUCKET[/PREFIX], or a folder as ./NAME or /NAME.") from None
    return text


Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Configuration; else MCMIRROR_CONFIG, else mcmirror.toml upwards."),
]
Parallel = Annotated[int | None, typer.Option("--parallel", min=1, metavar="N", help="Jobs at once.")]
Json = Annotated[bool, typer.Option("--json", help="Events on stdout, one JSON value a line.")]
ReportJson = Annotated[
    Path | None, typer.Option("--report-json", metavar="FILE", help="Write all reports as one JSON document.")
]
Junit = Annotated[Path | None, typer.Option("--junit", metavar="FILE", help="Write the reports as JUnit XML.")]
TextfileDir = Annotated[
    Path | None,
    typer.Option("--textfile-dir", metavar="DIR", help="Write metrics there, for node_exporter: mcmirror.prom."),
]
Pushgateway = Annotated[
    str | None,
    typer.Option("--pushgateway", metavar="URL", help="Push metrics there; with a password by MCMIRROR_PUSHGATEWAY."),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing of what succeeds.")]
Tui = Annotated[bool, typer.Option("--tui", help="Show the run on the dashboard; q leaves, with its exit code.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show how mc is called and every line it says.")]

LockMode = Annotated[
    Lock | None,
    typer.Option(
        "--lock",
        metavar="wait|skip|fail",
        help="While another run writes to the target: wait for it, skip this one (exit code 75, default), or fail.",
    ),
]

Listen = Annotated[
    str | None,
    typer.Option(
        "--listen",
        metavar="HOST:PORT",
        callback=_checked(syntax.listen),
        help="Health, metrics and API there; off: nowhere. Default 127.0.0.1:8080.",
    ),
]
LogStyle = Annotated[
    str | None,
    typer.Option(
        "--log", metavar="text|json", callback=_checked(syntax.log), help="Default: text on a terminal, else JSON."
    ),
]

Overwrite = Annotated[bool | None, typer.Option("--overwrite/--no-overwrite", help="Replace objects that differ.")]
Remove = Annotated[bool | None, typer.Option("--remove/--no-remove", help="Remove what is on the target only.")]
Exclude = Annotated[
    list[str] | None,
    typer.Option("--exclude", metavar="PATTERN", callback=_patterns, help="Leave keys out; repeatable. * crosses /."),
]
NewerThan = Annotated[
    str | None,
    typer.Option("--newer-than", metavar="AGE", callback=_checked(syntax.age), help="Only newer ones: 7d10h."),
]
OlderThan = Annotated[
    str | None,
    typer.Option("--older-than", metavar="AGE", callback=_checked(syntax.age), help="Only older ones: 12h."),
]
Prefix = Annotated[
    str | None,
    typer.Option(
        "--prefix",
        metavar="PREFIX",
        callback=_checked(prefix.check),
        help="Only what is below it, on both sides; {yesterday:%Y/%m/%d} works.",
    ),
]
MaxDeletes = Annotated[
    MaxDelete | None,
    typer.Option(
        "--max-delete",
        metavar="LIMIT",
        parser=_parsed(_max_delete),
        help="Refuse to remove more for this once: 25% of the target (default), a number, or unlimited.",
    ),
]
RATE = "Bytes a second: 10MiB; 0: no limit."
LimitUpload = Annotated[
    str | None,
    typer.Option("--limit-upload", metavar="RATE", callback=_checked(syntax.size), help=RATE),
]
LimitDownload = Annotated[
    str | None,
    typer.Option("--limit-download", metavar="RATE", callback=_checked(syntax.size), help=RATE),
]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers",
        min=1,
        metavar="N",
        help="Copies at once that mc begins with, else its own choice; a limit only with an mc that has --max-workers.",
    ),
]
StorageClass = Annotated[str | None, typer.Option("--storage-class", metavar="NAME", help="Of the target's objects.")]
Preserve = Annotated[
    bool | None,
    typer.Option(
        "--preserve/--no-preserve",
        "-a",
        help="Carry metadata and tags over (default between object stores), file attributes too.",
    ),
]
TagsOption = Annotated[
    Tags | None,
    typer.Option(
        "--tags",
        metavar="auto|copy|off",
        parser=_parsed(syntax.tags),
        help="auto (default): as mc carries them; copy: by tagging calls where mc cannot; off.",
    ),
]
Encrypt = Annotated[
    str | None,
    typer.Option(
        "--encrypt",
        metavar="sse-s3|sse-kms:KEY",
        callback=_checked(syntax.encryption),
        help="Ask the target to encrypt the copies.",
    ),
]
Metadata = Annotated[
    bool, typer.Option("--metadata", help="Compare metadata and tags of all objects, and repair them on the target.")
]
Attr = Annotated[
    str | None,
    typer.Option("--attr", metavar="K=V;...", callback=_checked(syntax.attributes), help="Metadata for all copies."),
]
Checksum = Annotated[
    str | None,
    typer.Option("--checksum", metavar="NAME", callback=_checked(syntax.checksum), help="Sent along: CRC32C, SHA256."),
]
SkipErrors = Annotated[
    bool | None,
    typer.Option(
        "--skip-errors/--fail-fast",
        help="Go on after an object that fails (the default), or stop at the first one.",
        show_default=False,
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="List, plan and guard; change nothing.")]
Region = Annotated[str | None, typer.Option("--region", metavar="NAME", help="Of a bucket that is created.")]
CreateTarget = Annotated[bool, typer.Option("--create-target", help="Make the target bucket when it is missing.")]
Assured = Annotated[
    Assurance | None,
    typer.Option("--assurance", metavar="full|off", help="off: one mc mirror and nothing else, not verified."),
]
Retries = Annotated[
    int | None,
    typer.Option(
        "--retries", min=0, max=syntax.MOST_RETRIES, metavar="N", help="After trouble in transport. Default 3."
    ),
]
RetryDelay = Annotated[
    float | None,
    typer.Option(
        "--retry-delay",
        metavar="TIME",
        parser=_parsed(_seconds),
        help="Before the first retry; doubles. Default 5s; 0: none.",
    ),
]
StallTimeout = Annotated[
    float | None,
    typer.Option(
        "--stall-timeout",
        metavar="TIME",
        parser=_parsed(_seconds),
        help="Stop an mc that moves nothing for so long. Default 120s; 0: never.",
    ),
]
Strict = Annotated[bool, typer.Option("--strict", help="Objects kept because overwrite is off count as not done.")]
