"""The sidecar's quick start, replayed as environment and command: `mcmirror serve` beside an application's MinIO."""

import contextlib
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.conftest import Pair, Side
from tests.servers.command import COMMAND, Cli
from tests.servers.minio import Minio
from tests.servers.proxy import Call, Proxy
from tests.servers.server import free_port
from tests.servers.slack import FakeSlack
from tests.serving import Serving

STAMP = r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\] "
Start = Callable[..., Serving]


@pytest.fixture
def relics(bucket_pair: Pair) -> dict[str, str]:
    """What .env and the compose file set; the target's bucket is missing, as the text has it."""
    bucket_pair.target.drop()
    return variables(bucket_pair.source, bucket_pair.target)


def variables(source: Side, target: Side, endpoint: str = "") -> dict[str, str]:
    """The environment of the sidecar, with a new run a second after each."""
    return {
        "S3_SYNC_ENABLED": "true",
        "S3_SYNC_ENDPOINT": endpoint or target.server.url,
        "S3_SYNC_ACCESS_KEY": target.server.root.access_key,
        "S3_SYNC_SECRET_KEY": target.server.root.secret_key,
        "S3_SYNC_BUCKET": target.bucket,
        "S3_SYNC_INTERVAL": "1",
        "S3_SYNC_MAX_RETRIES": "3",
        "S3_SYNC_RETRY_DELAY": "1",
        "MINIO_ENDPOINT": source.server.url,
        "MINIO_ACCESS_KEY": source.server.root.access_key,
        "MINIO_SECRET_KEY": source.server.root.secret_key,
        "MINIO_BUCKET": source.bucket,
    }


@pytest.fixture
def start(cli: Cli) -> Iterator[Start]:
    """Start the sidecar with an environment."""
    with ExitStack() as stack:

        def begin(environment: dict[str, str]) -> Serving:
            port = free_port()
            given = {**cli.environment, "MCMIRROR_LISTEN": f"127.0.0.1:{port}", **environment}
            return stack.enter_context(Serving([COMMAND, "serve"], given, cli.folder, port))

        yield begin


def test_the_quick_start(cli: Cli, bucket_pair: Pair, relics: dict[str, str], start: Start) -> None:
    source, target = bucket_pair.source, bucket_pair.target
    source.put({"a.txt": b"a", "folder/ü 1.txt": b"bb", **{f"many/{number}": b"x" for number in range(30)}})

    serving = start(relics)

    # At the start, into a bucket that was missing; the lines are those of the text's example.
    serving.says("Next sync in 1 seconds...")
    assert source.contents() == target.contents()
    expected = [
        f"{STAMP}✓ Source alias configured: {source.server.url}",
        f"{STAMP}✓ Destination alias configured: {target.server.url}",
        f"{STAMP}Checking bucket accessibility\\.\\.\\.",
        f"{STAMP}✓ Destination bucket created: {target.bucket}",
        f"{STAMP}✓ Source bucket accessible: {source.bucket}",
        f"  Source:      {source.server.url}/{source.bucket}",
        f"  Destination: .*{target.bucket}",
        "  Interval:    1 seconds",
        "  Max Retries: 3",
        f"{STAMP}Performing initial sync\\.\\.\\.",
        f"{STAMP}Starting sync \\(attempt 1/",
        f"{STAMP}✓ Sync completed successfully",
        f"{STAMP}Next sync in 1 seconds\\.\\.\\.",
    ]
    lines = serving.log.splitlines()
    assert [] == [line for line in expected if not any(re.match(line, said) for said in lines)], serving.log
    assert not re.search("error", serving.log, re.IGNORECASE), serving.log

    # At the next sync: what is new, what changed, what is gone.
    source.put({"new": b"new", "a.txt": b"another a"})
    source.delete("many/7")
    serving.until(lambda: source.sizes() == target.sizes())
    assert source.contents() == target.contents()
    assert 200 == serving.status("/healthz") == serving.status("/readyz")
    assert 143 == serving.stop()
    assert [] == cli.leftovers
    for secret in (relics["S3_SYNC_SECRET_KEY"], f"{relics['MINIO_ACCESS_KEY']}:"):
        assert secret not in serving.log


def test_deletion_can_be_turned_off(bucket_pair: Pair, relics: dict[str, str], start: Start) -> None:
    source, target = bucket_pair.source, bucket_pair.target
    source.put({"a": b"a", "b": b"b"})
    serving = start({**relics, "S3_SYNC_REMOVE": "false"})
    serving.says("✓ Sync completed successfully")
    source.delete("a")
    source.put({"c": b"c"})
    serving.until(lambda: "c" in target.sizes())
    serving.says("Next sync", times=serving.log.count("Next sync") + 1)
    assert {"a", "b", "c"} == set(target.sizes())


def test_an_emptied_source_empties_no_target(bucket_pair: Pair, relics: dict[str, str], start: Start) -> None:
    source, target = bucket_pair.source, bucket_pair.target
    source.put({str(number): b"x" for number in range(40)})
    serving = start(relics)
    serving.says("✓ Sync completed successfully")
    source.delete(*map(str, range(40)))
    serving.says("ERROR")
    serving.says("Next sync", times=serving.log.count("Next sync") + 1)
    assert 40 == len(target.sizes())


@pytest.mark.parametrize("given", ["everything", "nothing"])
def test_switched_off_it_stays_and_answers_and_does_nothing(
    bucket_pair: Pair, relics: dict[str, str], start: Start, given: str
) -> None:
    bucket_pair.source.put({"a": b"a"})
    off = {"S3_SYNC_ENABLED": "false"}

    serving = start({**relics, **off} if given == "everything" else {**off, "S3_SYNC_BUCKET": "relics-backup"})

    serving.until(lambda: serving.status("/healthz") == 200)
    serving.until(lambda: serving.status("/readyz") == 200)
    # It would have begun at once, and again each second.
    threading.Event().wait(3)
    buckets = [bucket["Name"] for bucket in bucket_pair.target.client.list_buckets()["Buckets"]]
    assert bucket_pair.target.bucket not in buckets
    assert re.search("S3_SYNC_ENABLED|paused|switched off", serving.log), serving.log
    assert 143 == serving.stop()


def test_what_is_missing_is_named_at_once(cli: Cli) -> None:
    done = cli("serve", S3_SYNC_ENABLED="true")

    assert 2 == done.code
    assert "Missing required environment variables" in done.stderr
    for name in ("S3_SYNC_ACCESS_KEY", "S3_SYNC_SECRET_KEY", "S3_SYNC_BUCKET"):
        assert name in done.stderr


def test_a_source_bucket_that_appears_later(bucket_pair: Pair, relics: dict[str, str], start: Start) -> None:
    source, target = bucket_pair.source, bucket_pair.target
    source.drop()
    with FakeSlack() as slack:
        serving = start({**relics, **slack.environment})
        serving.says("ERROR: Sync failed", times=5)

        source.client.create_bucket(Bucket=source.bucket)
        source.put({"a": b"a"})

        serving.says("✓ Sync completed successfully")
        assert {"a": 1} == target.sizes()
        # Of the failures the first, the second, the fourth, the eighth: ever more rarely. Of their end one message.
        failures = serving.log.count("ERROR: Sync failed")
        expected = ["❌ s3-sync failed"] * failures.bit_length() + ["✅ s3-sync works again, verified"]
        serving.until(lambda: len(slack.titles) == len(expected))
        serving.says("✓ Sync completed successfully", times=3)
        assert expected == [title.split(":")[0] for title in slack.titles]


@pytest.mark.parametrize("side", ["source", "target"])
def test_a_server_that_is_down_at_the_start_is_waited_for(
    cli: Cli, new_side: Callable[..., Side], bucket_pair: Pair, start: Start, side: str
) -> None:
    late = new_side(side)
    source = late if side == "source" else bucket_pair.source
    target = late if side == "target" else bucket_pair.target
    source.put({"a": b"a"})
    late.server.kill()

    serving = start(variables(source, target))

    serving.says("ERROR", times=2)
    assert 200 == serving.status("/healthz")
    late.server.start()
    serving.says("✓ Sync completed successfully")
    assert {"a": 1} == target.sizes()
    assert 143 == serving.stop()


def test_a_server_that_goes_and_comes_back(new_side: Callable[..., Side], bucket_pair: Pair, start: Start) -> None:
    source, target = bucket_pair.source, new_side("target")
    source.put({"a": b"a"})
    serving = start(variables(source, target))
    serving.says("✓ Sync completed successfully")
    target.server.kill()
    source.put({"b": b"b"})
    serving.says("ERROR")
    target.server.start()
    serving.until(lambda: target.server.answers() and {"a": 1, "b": 1} == target.sizes())


def test_a_server_that_is_away_is_tried_again_within_the_run(
    new_side: Callable[..., Side], bucket_pair: Pair, start: Start
) -> None:
    source, target = bucket_pair.source, new_side("target")
    source.put({"a": b"a"})
    target.server.kill()
    serving = start(variables(source, target) | {"S3_SYNC_INTERVAL": "1000"})
    serving.says("attempt 2/4")
    target.server.start()
    serving.says("✓ Sync completed successfully")
    assert {"a": 1} == target.sizes()


def test_the_rights_that_the_text_advises_are_enough(
    new_side: Callable[..., Side], bucket_pair: Pair, start: Start
) -> None:
    source, target = bucket_pair.source, new_side("target")
    advised = [f"s3:{name}" for name in ("ListBucket", "GetObject", "PutObject", "DeleteObject")]
    keys = target.server.user({"Effect": "Deny", "NotAction": advised, "Resource": ["arn:aws:s3:::*"]})
    source.put(dict.fromkeys("abcd", b"1"))
    own = {"S3_SYNC_ACCESS_KEY": keys.access_key, "S3_SYNC_SECRET_KEY": keys.secret_key}

    serving = start(variables(source, target) | own)

    serving.says("✓ Sync completed successfully")
    source.delete("a")
    serving.until(lambda: {"b": 1, "c": 1, "d": 1} == target.sizes())


class Gate:
    """Holds the copy of one object back, so that a run is under way for as long as a test needs it."""

    def __init__(self, proxy: Proxy) -> None:
        self.reached, self.open = threading.Event(), threading.Event()
        proxy.on("put", Call(self._wait), path="slow")

    def _wait(self) -> None:
        self.reached.set()
        self.open.wait(120)


@pytest.fixture
def gate(bucket_pair: Pair, new_proxy: Callable[[Minio], Proxy]) -> Iterator[tuple[Gate, str]]:
    """A gate before the target, and the address to go through it."""
    proxy = new_proxy(bucket_pair.target.server)
    made = Gate(proxy)
    try:
        yield made, proxy.url
    finally:
        made.open.set()


def test_a_manual_sync_beside_it_is_safe(
    cli: Cli, bucket_pair: Pair, relics: dict[str, str], start: Start, gate: tuple[Gate, str]
) -> None:
    source, target = bucket_pair.source, bucket_pair.target
    opened, address = gate
    source.put({"slow": b"slow", "a": b"a", "b": b"b", "c": b"c"})
    environment = {**relics, "S3_SYNC_ENDPOINT": address}
    serving = start(environment)
    serving.until(opened.reached.is_set)
    command = ["mirror", "--overwrite", "--remove", f"source/{source.bucket}", f"dest/{target.bucket}"]

    beside = cli(*command, **environment)  # type: ignore[arg-type]

    assert 75 == beside.code, beside.stderr
    opened.open.set()
    serving.says("✓ Sync completed successfully")
    source.delete("a")
    left = {"slow": 4, "b": 1, "c": 1}
    serving.until(lambda: left == target.sizes())
    # Between two runs it does its work; during one, it waits its turn when it is told to.
    waited = cli(*command, "--lock", "wait", **environment)  # type: ignore[arg-type]
    assert 0 == waited.code, waited.stderr
    assert left == target.sizes()
    again = serving.log.count("✓ Sync completed successfully") + 1
    serving.says("✓ Sync completed successfully", times=again)


def test_it_stops_within_its_grace_in_the_midst_of_a_run(
    cli: Cli, bucket_pair: Pair, relics: dict[str, str], start: Start, gate: tuple[Gate, str]
) -> None:
    opened, address = gate
    bucket_pair.source.put({"slow": b"slow", "a": b"a"})
    serving = start({**relics, "S3_SYNC_ENDPOINT": address})
    serving.until(opened.reached.is_set)

    assert 143 == serving.stop()

    assert [] == at_work(bucket_pair.target.bucket)
    assert [] == cli.leftovers
    opened.open.set()
    again = start({**relics, "S3_SYNC_ENDPOINT": address})
    again.says("✓ Sync completed successfully")
    assert bucket_pair.equal


def at_work(bucket: str) -> list[str]:
    """Processes whose command line names the bucket."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found += [line] if bucket in (line := entry.read_bytes().decode(errors="replace")) else []
    return found
