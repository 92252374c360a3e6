"""The shape of mcmirror.toml; the one place that knows pydantic."""

import json
import re
from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from mcmirror.config import cron as crontab
from mcmirror.config import prefix as dates
from mcmirror.config import syntax
from mcmirror.config.reference import has_reference
from mcmirror.config.values import Wrong, nearest
from mcmirror.model import template
from mcmirror.model.job import MaxDelete


def _checked(parse: Callable[[Any], object]) -> AfterValidator:
    """Validate with ``parse`` and keep what was written."""

    def check(value: Any) -> Any:
        parse(value)
        return value

    return AfterValidator(check)


def _max_delete(value: str | int) -> None:
    try:
        MaxDelete.parse(value)
    except ValueError:
        raise Wrong(f"{value!r} is no limit", 'Write "25%", a number of objects, or "unlimited".') from None


def _workers(value: str | int) -> None:
    if value != "auto":
        syntax.number(str(value), least=1)


def _url(value: str) -> None:
    if not has_reference(value):
        syntax.url(value)


def _web_address(value: str) -> None:
    if not has_reference(value) and not value.startswith(("http://", "https://")):
        raise Wrong("the address does not begin with http:// or https://", "Write the whole address.")


def _slack_api(value: str) -> None:
    _web_address(value)
    if not value.endswith("/api/"):
        raise Wrong("the address does not end with /api/", 'Write "https://slack.com/api/".')


def _template(value: str) -> None:
    for name in template.placeholders(value):
        if name not in template.FIELDS:
            guess = nearest(name, template.FIELDS)
            hint = f"Did you mean {{{guess}}}?" if guess else f"There are: {', '.join(template.FIELDS)}."
            raise Wrong(f"there is no placeholder {{{name}}}", hint)
    if not template.is_json(value):
        return
    try:
        json.loads(template.rendered(value, template.EXAMPLE))
    except ValueError as error:
        what = f"with its placeholders filled in this is no JSON ({error})"
        raise Wrong(what, 'Put texts in quotes, as in {"text": "{title}"}, and numbers without.') from None


def _moment(value: str) -> None:
    if not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", value):
        raise Wrong(f"{value!r} is no time of day", 'Write it with two digits each, from "00:00" to "23:59".')


def _filled(value: str) -> None:
    if not value.strip():
        raise Wrong("is empty", "Write a value, or take it out.")


def _signing(value: str) -> None:
    if not value.strip():
        raise Wrong("an empty key signs nothing", 'Write secret = "{env:NAME}", or take it out.')


def _broker(value: str) -> None:
    if not has_reference(value):
        syntax.broker(value)


def _state(value: str) -> None:
    if not has_reference(value):
        syntax.state(value)


Occasion = Literal["start", "success", "change", "failure", "partial", "refused", "recovery", "digest"]
Duration = Annotated[str, _checked(syntax.duration)]
Period = Annotated[str, _checked(syntax.positive_duration)]
Keeping = Annotated[str, _checked(syntax.keeping)]
Age = Annotated[str, _checked(syntax.age)]
Rate = Annotated[int | str, _checked(syntax.size)]
Key = Annotated[str, Field(min_length=1)]
Filled = Annotated[str, _checked(_filled)]


class Table(BaseModel):
    """No unknown keys, no silent conversions; built only when used."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)


class SettingsTable(Table):
    """What holds for every job."""

    state: Annotated[str, _checked(_state)] | None = None
    """Where runs are remembered: sqlite:///PATH or postgresql+psycopg://user@host/db."""
    parallel: Annotated[int, Field(ge=1, le=256)] | None = None
    """Jobs at once; 3 unless written."""
    executor: Literal["local", "store", "celery"] | None = None
    """Where runs happen: local, the default, or on agents that take them from the state (store) or a broker."""
    broker: Annotated[Key, _checked(_broker)] | None = None
    """Of executor = "celery": "redis://host:6379/0" or "amqp://host"; may hold references; rediss and amqps are TLS."""
    mc: Filled | None = None
    """Path of MinIO's mc; else it is searched."""
    listen: Annotated[str, _checked(syntax.listen)] | None = None
    """Where `mcmirror serve` answers: "127.0.0.1:8080" unless written, "[::1]:8080", or "off"."""
    api_token: Key | None = None
    """The bearer token of the API, a reference; else MCMIRROR_API_TOKEN; without either the API is off."""
    grace: Duration | None = None
    """How long a stop waits for runs to end before mc is killed; "25s" unless written."""
    keep_for: Keeping | None = None
    """How long runs are remembered; "90d" unless written."""
    keep_runs: Annotated[int, Field(ge=1)] | None = None
    """How many runs of a job are remembered; 1000 unless written."""
    textfile_dir: Key | None = None
    """Where metrics are written as a file, for node_exporter's textfile collector."""
    pushgateway: Annotated[Key, _checked(_web_address)] | None = None
    """The address of a Pushgateway; may hold references: "https://user:{file:PATH}@host:9091"."""
    log: Literal["auto", "text", "json"] | None = None
    """The lines of `mcmirror serve`; auto, unless written: text on a terminal, JSON elsewhere."""
    timezone: Annotated[str, _checked(syntax.zone)] | None = None
    """Of log lines, and of every job that names none: Asia/Seoul; UTC unless written."""
    proxy: Annotated[str, _checked(_web_address)] | None = None
    """The proxy that mc shall use."""
    service: str | None = None
    """A name for what is mirrored here, in messages."""


class AliasTable(Table):
    """A server and the credentials for it."""

    url: Annotated[str, _checked(_url)]
    """https://host[:port]"""
    access_key: str = ""
    """A reference, {env:NAME} or {file:PATH}; empty: anonymous."""
    secret_key: str = ""
    """A reference, {env:NAME} or {file:PATH}."""
    session_token: str = ""
    """A reference, for temporary credentials."""
    region: str = ""
    """Such as eu-central-1."""
    ca_file: str = ""
    """A PEM file with the certificate authority to trust besides the system's."""
    insecure: bool = False
    """Accept any certificate: for tests only."""
    api: Literal["S3v4", "S3v2"] = "S3v4"
    """How requests are signed."""
    path: Literal["auto", "on", "off"] = "auto"
    """Bucket in the path (on) or in the host name (off)."""


class OptionsTable(Table):
    """What a job can be told; in [defaults] for every job."""

    overwrite: bool | None = None
    """Copy over objects that differ; off unless written."""
    remove: bool | None = None
    """Remove from the target what the source lacks; off unless written."""
    max_delete: Annotated[int | str, _checked(_max_delete)] | None = None
    """How much a run may remove: "25%" (the default; ten objects always), a number, or "unlimited"."""
    exclude: list[Annotated[str, _checked(syntax.exclude)]] | None = None
    """Patterns against the whole key below the source; * also crosses folders."""
    newer_than: Age | None = None
    """Only objects younger than this: "7d10h"."""
    older_than: Age | None = None
    """Only objects older than this."""
    limit_upload: Rate | None = None
    """Bytes a second: "10MiB"."""
    limit_download: Rate | None = None
    """Bytes a second."""
    workers: Annotated[int | str, _checked(_workers)] | None = None
    """Transfers at once, or "auto"."""
    max_memory: Annotated[int | str, _checked(syntax.memory)] | None = None
    """Of each mc: one that takes more is stopped; "4GiB" unless written, at most 3/4 of what is there."""
    storage_class: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")] | None = None
    """Of the objects on the target."""
    preserve: bool | None = None
    """Carry metadata and tags over; on between object stores unless written. For folders: file attributes."""
    tags: Literal["auto", "copy", "off"] | None = None
    """auto: as mc carries them, and what stays behind is said; copy: by tagging calls where mc cannot; off."""
    encrypt: Annotated[str, _checked(syntax.encryption)] | None = None
    """What the target bucket demands: "sse-s3" or "sse-kms:KEY"."""
    attr: Annotated[str, _checked(syntax.attributes)] | None = None
    """Metadata for every object: "key=value;key2=value2"."""
    checksum: Annotated[str, _checked(syntax.checksum)] | None = None
    """Added to uploads: CRC32, CRC32C, CRC64NVME, SHA1 or SHA256."""
    skip_errors: bool | None = None
    """Go on after an object that failed: the default; false stops at the first one."""
    dry_run: bool | None = None
    """Plan only."""
    prefix: Annotated[str, _checked(dates.check)] | None = None
    """Only what lies below it, on both sides; dates as in {yesterday:%Y/%m/%d}."""
    region: str | None = None
    """Of a bucket that the run creates."""
    create_target: bool | None = None
    """Create the target bucket when it is missing."""
    assurance: Literal["full", "off"] | None = None
    """full: plan, guard, mirror, verify. off: exactly one `mc mirror`, nothing verified."""
    retries: Annotated[int, Field(ge=0, le=syntax.MOST_RETRIES)] | None = None
    """How often what is still missing is tried again."""
    retry_delay: Duration | None = None
    """Before the first retry; doubles, with jitter."""
    stall_timeout: Period | None = None
    """Without a byte moved for so long, mc is stopped."""
    strict: bool | None = None
    """Objects kept because overwrite is off count as not done."""
    timezone: Annotated[str, _checked(syntax.zone)] | None = None
    """Of the prefix's dates and of cron; unless written that of [settings], else UTC."""
    cron: Annotated[str, _checked(crontab.check)] | None = None
    """When `mcmirror serve` runs it: five fields as in a crontab, or @daily and the like."""
    every: Annotated[str, _checked(syntax.interval)] | None = None
    """When `mcmirror serve` runs it: an interval from start to start, "30m"; a run that lasts longer skips a time."""
    realtime: bool | None = None
    """Follow what changes at the source while `mcmirror serve` or `mcmirror watch` runs."""
    events: Annotated[str, _checked(syntax.events)] | None = None
    """How real time hears of changes: "watch" (mc listens, the default), "webhook", "sqs://...", or "poll:60s"."""
    batch_interval: Annotated[str, _checked(syntax.positive_duration)] | None = None
    """Real time: how long a change waits for others; "2s" unless written."""
    catch_up_every: Annotated[str, _checked(syntax.interval)] | None = None
    """Real time: from full run to full run, which heal what events lost; "1h" unless written."""
    max_lag: Period | None = None
    """Real time: health turns red when the oldest change is older; "5m" unless written."""
    canary: Annotated[str, _checked(syntax.canary)] | None = None
    """Real time: below this prefix of the source a key is written to hear that events arrive; ".mcmirror/" or "off"."""
    at_start: bool | None = None
    """Run once when `mcmirror serve` begins as well."""
    jitter: Duration | None = None
    """Start up to so much later than the schedule says, so that not all jobs begin at once."""
    catch_up: bool | None = None
    """Make up for a run that was missed while `mcmirror serve` was down: once, when it begins."""
    max_age: Period | None = None
    """Health turns red when the last success is older."""
    lock: Literal["wait", "skip", "fail"] | None = None
    """While another process writes to the target; unless written `mcmirror run` skips and `mcmirror serve` waits."""
    lock_timeout: Period | None = None
    """How long lock = "wait" waits before the run is skipped; "1h" unless written."""
    agent: str | None = None
    """The site that runs it, the NAME of an [agent.NAME]; needs an executor in [settings]."""
    split: Annotated[int, Field(ge=1, le=64)] | None = None
    """Copy in so many parts at once, each by a worker of its own, and judge them as one run; 1 unless written."""
    notify: list[str] | None = None
    """Names of [notify.*]."""


class JobTable(OptionsTable):
    """One pair to mirror."""

    source: Key
    """alias/bucket[/prefix], or a folder: /path, ./path, ~/path."""
    target: Key
    """The same."""


def job_lines() -> dict[str, str]:
    """For each key of a job the line by which it is written; dots stand for its value."""
    return {
        key: f"{key} = true" if field.annotation == bool | None else f"{key} = ..."
        for key, field in OptionsTable.model_fields.items()
    }


class NotifyTable(Table):
    """Somebody to tell how a job of `notify = [...]` ended."""

    type: Literal["slack", "webhook"]
    """slack: messages; webhook: pings to url/start, url and url/fail as healthchecks.io takes them, or JSON."""
    token: Filled = ""
    """Slack's bot token, a reference."""
    channel: Filled = ""
    """Slack's channel ID."""
    webhook: Annotated[str, _checked(_web_address)] = ""
    """Slack's incoming webhook, a reference, in place of token and channel."""
    api_url: Annotated[str, _checked(_slack_api)] | None = None
    """Slack's API where it is not slack.com: ends with /api/; else SLACK_API_URL."""
    url: Annotated[str, _checked(_web_address)] = ""
    """The webhook's address, a reference."""
    format: Literal["ping", "json"] | None = None
    """Of a webhook: ping (the default), or json: a document, or what template makes of it, to one address."""
    template: Annotated[Filled, _checked(_template)] = ""
    """The body of format = "json" with placeholders such as {title}: JSON when it begins with { or [, else text."""
    secret: Annotated[str, _checked(_signing)] = ""
    """A reference: format = "json" is signed with it, X-Mcmirror-Signature: sha256=HMAC of timestamp.body."""
    on: list[Occasion] | None = None
    """What is told; failure, change and recovery by default, and by pings start, success and failure."""
    digest: Annotated[str, _checked(_moment)] | None = None
    """When a day is told in one message by serve: "08:00"."""
    timezone: Annotated[str, _checked(syntax.zone)] | None = None
    """Of the digest, and of times in messages; else that of [settings]."""


class EventTable(Table):
    """Events of a bucket that its server sends to an ARN."""

    bucket: Literal["source", "target"]
    """Which of the two buckets."""
    arn: Annotated[str, _checked(syntax.event_arn)]
    """Where the events go, as the server is configured: arn:minio:sqs::NAME:webhook."""
    on: list[Literal["put", "delete", "get", "replica", "ilm", "scanner"]]
    """Which events; replica: those of objects that were replicated."""
    prefix: str = ""
    """Only of keys that begin so."""
    suffix: str = ""
    """Only of keys that end so."""


class ReplicationTable(Table):
    """Two buckets that their servers keep alike by MinIO's bucket replication."""

    source: Key
    """alias/bucket."""
    target: Key
    """alias/bucket; the server of the source must reach the address of this alias."""
    both_ways: bool = False
    """Replicate from the target to the source as well."""
    replicate: list[Literal["delete", "delete-marker", "existing-objects", "metadata"]] | None = None
    """Besides new objects; all but delete unless written. delete: removals of single versions, for good."""
    priority: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    """Each rule of a bucket has one of its own; the highest wins."""
    bandwidth: Annotated[int | str, _checked(syntax.replication_bandwidth)] = "0"
    """Bytes a second, "100MB" or more; "0": no limit."""
    synchronous: bool = False
    """A write is answered only when the target has it."""
    health_check: Annotated[str, _checked(syntax.interval)] = "60s"
    """How often the server of the source looks whether the target is there."""
    check_every: Annotated[str, _checked(syntax.check_every)] = "5m"
    """How often serve lists both buckets and compares them; or "off"."""
    max_lag: Period | None = None
    """Health turns red, and an outage is told, when the oldest version to come is older."""
    events: list[EventTable] = Field(default_factory=list)
    """Events that the buckets send, [{bucket = "target", arn = "arn:...", on = ["replica"]}]."""


class RelayTable(Table):
    """A relay of events: `mcmirror serve` and `mcmirror events relay` take them and hand each on once."""

    listen: Annotated[str, _checked(syntax.relay_path)] | None = None
    """The path to which the server's webhook sends: "/relay/NAME" unless written."""
    token: Filled = ""
    """What the webhook has to bring in its header Authorization (its auth_token), a reference."""
    deliver: Annotated[str, _checked(_web_address)] = ""
    """Where each event is sent by POST, a function for one: "https://host/path"."""
    deliver_token: Filled = ""
    """A reference: sent along as Authorization: Bearer."""
    attempts: Annotated[int, Field(ge=1)] | None = None
    """After so many that failed an event is given up, until it is replayed; 100 unless written, half a day."""
    timeout: Period | None = None
    """How long the receiver may take for its answer; "30s" unless written."""
    parallel: Annotated[int, Field(ge=1, le=64)] | None = None
    """Events of different keys that are sent at once; 8 unless written."""
    keep_pending: bool | None = None
    """Hand on also events of objects that wait for their replication; off unless written."""


class AgentTable(Table):
    """A site that runs jobs: `mcmirror agent NAME` there takes them."""

    key: Filled = ""
    """Seals each message between master and agent; a reference. Of several, by spaces, the first seals and all open."""
    max_age: Period | None = None
    """Since its last sign that it takes work; older is gone, and its jobs turn red. "2m" unless written."""


class File(Table):
    """The whole of mcmirror.toml."""

    settings: SettingsTable = Field(default_factory=SettingsTable)
    alias: dict[str, AliasTable] = Field(default_factory=dict)
    defaults: OptionsTable = Field(default_factory=OptionsTable)
    job: dict[str, JobTable] = Field(default_factory=dict)
    notify: dict[str, NotifyTable] = Field(default_factory=dict)
    replication: dict[str, ReplicationTable] = Field(default_factory=dict)
    relay: dict[str, RelayTable] = Field(default_factory=dict)
    agent: dict[str, AgentTable] = Field(default_factory=dict)
