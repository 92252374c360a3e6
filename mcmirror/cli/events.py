"""``mcmirror events``: what a bucket's server reports to whom, and the relay of these reports."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mcmirror.cli import relay
from mcmirror.cli.commands import Group
from mcmirror.cli.options import ConfigOption, JsonOption
from mcmirror.cli.table import columns
from mcmirror.model.bucket_events import NAMES, EventFilter, EventRule, shown
from mcmirror.model.location import Location
from mcmirror.model.redact import redactors

if TYPE_CHECKING:
    from mcmirror.service import Service
    from mcmirror.service.bucket_events import EventsChange

app = typer.Typer(
    help="The events that servers report of a bucket: rules, relay, dead letters.",
    no_args_is_help=True,
    cls=Group,
    add_completion=False,
    rich_markup_mode=None,
)
_ARN = re.compile(r"arn:[^:\s]+:[^:\s]+:[^:\s]*:[^:\s]+:[^:\s]+")
_CODES = "Exit codes: 0 succeeded, also when nothing had to change, 1 failed, 2 usage or configuration."


def _bucket(text: str) -> Location:
    try:
        place = Location.parse(text)
    except ValueError as error:
        raise typer.BadParameter(f"{error}. Write ALIAS/BUCKET.") from None
    if place.is_local or not place.bucket:
        raise typer.BadParameter(f"{text!r} is no bucket. Write ALIAS/BUCKET.")
    if place.prefix:
        raise typer.BadParameter(f"{text!r} is more than a bucket. Write --prefix {place.prefix}/ beside it.")
    return place


def _arn(text: str | None) -> str:
    if text and not _ARN.fullmatch(text):
        raise typer.BadParameter(f"{text!r} is no ARN. Write arn:minio:sqs::NAME:webhook.")
    return text or ""


def _words(text: str | None) -> str:
    for word in (text or "").split(",") if text is not None else ():
        if word.strip() not in NAMES:
            raise typer.BadParameter(f"there is no event {word.strip()!r}. There are: {', '.join(NAMES)}.")
    return text or ""


Bucket = Annotated[Location, typer.Argument(metavar="ALIAS/BUCKET", parser=_bucket, help="The bucket.")]
Arn = Annotated[str, typer.Argument(metavar="ARN", callback=_arn, help="Where to: arn:minio:sqs::NAME:webhook.")]
Prefix = Annotated[str, typer.Option("--prefix", metavar="TEXT", help="Only keys that begin so.")]
Suffix = Annotated[str, typer.Option("--suffix", metavar="TEXT", help="Only keys that end so.")]


@app.command(epilog=_CODES)
def add(  # noqa: PLR0913  (one parameter an option)
    bucket: Bucket,
    arn: Arn,
    *,
    on: Annotated[
        str, typer.Option("--on", metavar="WORDS", callback=_words, help=f"Some of {','.join(NAMES)}; with commas.")
    ],
    prefix: Prefix = "",
    suffix: Suffix = "",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Have the server report events of a bucket to a destination.

    The rule is read back. What is reported already stays as it is.
    """
    from mcmirror.service.bucket_events import add_events, bucket_events

    wanted = EventFilter(arn, _list(on), prefix, suffix)
    with bucket_events(_service(config), bucket) as events:
        change = add_events(events, str(bucket), wanted)
    _print(bucket, arn, change, "added", "reported already", as_json=as_json)


@app.command(epilog=_CODES)
def remove(  # noqa: PLR0913
    bucket: Bucket,
    arn: Arn,
    *,
    on: Annotated[
        str | None, typer.Option("--on", metavar="WORDS", callback=_words, help="These alone; else all rules of ARN.")
    ] = None,
    prefix: Prefix = "",
    suffix: Suffix = "",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Have the server report events of a bucket no more.

    mc removes whole rules: what a rule has besides --on is added again at once.
    """
    from mcmirror.service.bucket_events import bucket_events, remove_destination, remove_events

    if not on and (prefix or suffix):
        raise typer.BadParameter("--prefix and --suffix need --on. Without --on all rules of the ARN are removed.")
    with bucket_events(_service(config), bucket) as events:
        if on:
            change = remove_events(events, str(bucket), EventFilter(arn, _list(on), prefix, suffix))
        else:
            change = remove_destination(events, str(bucket), arn)
    _print(bucket, arn, change, "removed", "not there", as_json=as_json)


@app.command("list")
def list_(
    bucket: Bucket,
    arn: Annotated[str | None, typer.Argument(metavar="[ARN]", callback=_arn, help="Only rules of this one.")] = None,
    *,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the rules by which the server reports events of a bucket."""
    from mcmirror.service.bucket_events import bucket_events

    with bucket_events(_service(config), bucket) as events:
        rules = [rule for rule in events.rules() if not arn or rule.arn == arn]
    if as_json:
        print(json.dumps([_document(rule) for rule in rules], indent=2))
    else:
        rows = [[rule.arn, shown(rule.words), rule.prefix, rule.suffix] for rule in rules]
        columns(("ARN", "EVENTS", "PREFIX", "SUFFIX"), rows)


app.command(epilog="Exit codes: 1 failed, 2 usage or configuration, 130 Ctrl-C, 143 SIGTERM.")(relay.relay)
app.command(epilog="Exit codes: 0 succeeded, 1 failed, 2 usage or configuration.")(relay.dead)
app.command(epilog="Exit codes: 0 succeeded, 1 failed, 2 usage or configuration.")(relay.replay)


def _service(config: Path | None) -> "Service":
    from mcmirror.service import Service

    service = Service.load(config)
    redactors.append(service.redact)
    return service


def _list(words: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word.strip() for word in words.split(",")))


def _print(  # noqa: PLR0913
    bucket: Location, arn: str, change: "EventsChange", done: str, nothing: str, *, as_json: bool
) -> None:
    if as_json:
        document: dict[str, Any] = {
            "bucket": str(bucket), "arn": arn, done: list(change.changed), "unchanged": list(change.unchanged),
            "rules": [_document(rule) for rule in change.rules],
        }  # fmt: skip
        print(json.dumps(document, indent=2))
        return
    if change.changed:
        print(f"{bucket}: {shown(change.changed)} {done} ({arn}).")
    if change.unchanged:
        print(f"{bucket}: {shown(change.unchanged)} {nothing} ({arn}).")
    if not (change.changed or change.unchanged):
        print(f"{bucket}: no rule {nothing.removeprefix('not ')} ({arn}).")


def _document(rule: EventRule) -> dict[str, Any]:
    return {
        "arn": rule.arn, "on": list(rule.words), "events": list(rule.names), "prefix": rule.prefix,
        "suffix": rule.suffix,
    }  # fmt: skip
