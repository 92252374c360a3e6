"""Who is told when `mcmirror run` has ended: real servers, the real command, and a Slack that may be broken."""

import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from mcmirror.notify.message import shortened
from mcmirror.notify.slack_blocks import HEADER
from tests.conftest import Pair
from tests.servers.command import Cli, Result, children
from tests.servers.slack import CHANNEL, PING, TOKEN, FakeSlack
from tests.waiting import LONG, until

LOADED = """
import sys
from mcmirror.cli.main import main
try:
    main()
finally:
    print(sorted({"slack_sdk", "sqlalchemy", "urllib.request"} & set(sys.modules)))
"""


@pytest.fixture
def container(cli: Cli, bucket_pair: Pair, fake: FakeSlack) -> dict[str, Any]:
    """The variables of a container that mirrors one pair and knows Slack."""
    source, target = bucket_pair.source, bucket_pair.target
    return {
        "SERVICE": "myservice",
        "MINIO_URL": source.server.url,
        "MINIO_ACCESS_KEY": source.server.root.access_key,
        "MINIO_SECRET_KEY": source.server.root.secret_key,
        "AWS_URL": target.server.url,
        "AWS_ACCESS_KEY": target.server.root.access_key,
        "AWS_SECRET_KEY": target.server.root.secret_key,
        "BUCKET_PAIR": f"minio/{source.bucket}:aws/{target.bucket}",
        **fake.environment,
    }


def test_changes_an_outage_and_its_end(cli: Cli, bucket_pair: Pair, container: dict[str, Any], fake: FakeSlack) -> None:
    job = f"{bucket_pair.source.bucket}-to-{bucket_pair.target.bucket}"
    bucket_pair.source.put({"2026/a": b"a", "2026/b": b"bb", "2025/c": b"c"})
    first = cli("run", **container, MIRROR_PREFIX="2026")
    assert (0, "") == (first.code, first.stdout), first.stderr
    assert [f"✅ {job} verified: 2 objects, 3 B copied"] == fake.titles
    shown = fake.posts[0].shown.splitlines()
    assert [
        "*Service*  myservice",
        f"*Source*  minio/{bucket_pair.source.bucket}",
        f"*Target*  aws/{bucket_pair.target.bucket}",
        "*Prefix*  2026",
        "*Copied*  2 objects, 3 B",
    ] == shown[1:6]
    assert "*Requests*  " in fake.posts[0].shown

    assert 0 == cli("run", **container, MIRROR_PREFIX="2026").code
    bucket_pair.target.drop()
    failed = [cli("run", **container) for _ in range(3)]
    assert [False, True, False] == [" (2nd time)\n" in result.stderr for result in failed]
    codes = [result.code for result in failed]
    bucket_pair.target.client.create_bucket(Bucket=bucket_pair.target.bucket)
    codes += [cli("run", **container).code for _ in range(2)]

    assert [1, 1, 1, 0, 0] == codes
    missing = f"aws/{bucket_pair.target.bucket} could not be listed: there is no bucket of this name on the server"
    assert [
        f"❌ {job} failed: {missing}",
        shortened(f"❌ {job} failed: {missing} (2nd time)", HEADER),
        f"✅ {job} works again, verified: 3 objects, 4 B copied",
    ] == fake.titles[1:]
    remedy = "*Do*  Check its spelling in BUCKET_PAIR or BUCKET_PAIRS and that AWS_URL is that of the right server"
    assert remedy in fake.posts[1].shown


def test_a_run_that_cannot_start_is_told(
    cli: Cli, bucket_pair: Pair, container: dict[str, Any], fake: FakeSlack, tmp_path: Path
) -> None:
    done = cli("run", **container | {"MCMIRROR_MC": str(tmp_path / "nowhere")})
    assert 1 == done.code
    (post,) = fake.posts
    assert "*Do*" in post.shown
    assert "mcmirror mc install" in post.shown


def test_a_run_that_finds_the_lock_is_told(
    cli: Cli, bucket_pair: Pair, container: dict[str, Any], fake: FakeSlack
) -> None:
    bucket_pair.source.put({"big": b"x" * 20_000_000})
    cli.write(toml(bucket_pair, 'type = "slack"\ntoken = "{env:SLACK_BOT_TOKEN}"\nchannel = "' + CHANNEL + '"'))
    slow = cli.start("run", **container | {"MCMIRROR_CONFIG": "mcmirror.toml"})
    try:
        until(lambda: children(slow))  # mc is asked for the first time when the lock is held
        done = cli("run", **container)
        assert 75 == done.code, done.stderr
        assert ["❌ photos skipped: another run is at work on this target"] == fake.titles
    finally:
        slow.terminate()
        slow.communicate(timeout=LONG)


def test_a_run_that_is_stopped_brings_its_message_up_to_date_and_ends(
    cli: Cli, bucket_pair: Pair, container: dict[str, Any], fake: FakeSlack
) -> None:
    bucket_pair.source.put({"big": b"x" * 20_000_000})
    slack = f'type = "slack"\ntoken = "{{env:SLACK_BOT_TOKEN}}"\nchannel = "{CHANNEL}"\non = ["start", "failure"]'
    cli.write(toml(bucket_pair, slack))
    running = cli.start("run", **container)
    until(lambda: fake.titles == ["▶ photos started"])
    running.terminate()
    running.communicate(timeout=LONG)
    assert 143 == running.returncode
    assert ["⏹ photos cancelled: stopped by SIGTERM; of 1 object none is known to have arrived"] == fake.titles


def toml(pair: Pair, notifier: str) -> str:
    return (
        f'[job.photos]\nsource = "{pair.source.location}"\ntarget = "{pair.target.location}"\n'
        f'limit_upload = "100KiB"\nnotify = ["ops"]\n[notify.ops]\n{notifier}\n'
    )


@pytest.mark.parametrize(
    "case",
    [
        ("not_in_channel", "Slack answered not_in_channel", "/invite @YourBotName"),
        ("invalid_auth", "Slack answered invalid_auth", "xoxb-"),
        ("500", "HTTP 500", "status.slack.com"),
        ("hang", "no answer within 5 s", "HTTPS_PROXY"),
        ("gone", "Connection refused", "HTTPS_PROXY"),
    ],
)
def test_a_slack_that_is_broken_changes_no_verdict_and_is_one_note(
    cli: Cli, bucket_pair: Pair, container: dict[str, Any], fake: FakeSlack, case: tuple[str, str, str]
) -> None:
    fault, why, remedy = case
    bucket_pair.source.put({"a": b"a"})
    fake.always = fault
    if fault == "gone":
        container["SLACK_API_URL"] = "http://127.0.0.1:1/api/"
    done = cli("run", "--quiet", "--debug", "--report-json", "report.json", **container)
    assert 0 == done.code
    assert bucket_pair.equal
    notes = [line for line in done.stderr.splitlines() if line.startswith("note: slack")]
    assert ["note: slack: Slack was not told"] == notes, done.stderr
    assert why in done.stderr
    assert remedy in done.stderr
    nothing_shows(done, cli, TOKEN)


def nothing_shows(done: Result, cli: Cli, *secrets: str) -> None:
    """No secret in any output or file."""
    texts = [done.stdout, done.stderr]
    texts += [path.read_bytes().decode(errors="replace") for path in cli.folder.rglob("*") if path.is_file()]
    for secret in secrets:
        assert [] == [text for text in texts if secret in text]


def test_pings_and_an_incoming_webhook_are_secrets_too(cli: Cli, bucket_pair: Pair, fake: FakeSlack) -> None:
    bucket_pair.source.put({"a": b"a"})
    cli.write(
        toml(bucket_pair, 'type = "slack"\nwebhook = "{env:HOOK}"\non = ["start", "success"]').replace(
            '["ops"]', '["ops", "check"]'
        )
        + '[notify.check]\ntype = "webhook"\nurl = "{env:PING}"\n'
    )
    done = cli("run", "--debug", HOOK=fake.hook, PING=fake.ping)
    assert 0 == done.code, done.stderr
    assert ["▶ photos started", "✅ photos verified: 1 object, 1 B copied"] == fake.titles
    paths = [urlsplit(path) for path, _ in fake.pings]
    assert ["/start", ""] == [path.path for path in paths]
    assert 1 == len({path.query for path in paths})
    assert paths[0].query.startswith("rid=")
    assert fake.pings[1][1].startswith("photos verified: 1 object, 1 B copied\n")
    fake.always = "404"
    done = cli("run", "--debug", HOOK=fake.hook, PING=fake.ping)
    assert 0 == done.code
    assert "note: check: the webhook was not pinged" in done.stderr
    nothing_shows(done, cli, fake.hook, fake.ping, PING.rpartition("/")[2])


def test_a_token_that_is_missing_is_a_note(cli: Cli, bucket_pair: Pair) -> None:
    cli.write(toml(bucket_pair, 'type = "slack"\ntoken = "{env:NO_SUCH}"\nchannel = "C1"'))
    done = cli("run")
    assert 0 == done.code
    assert "note: ops: nothing was told\n  why: notify.ops.token: NO_SUCH is not set\n" in done.stderr


@pytest.mark.parametrize("arguments", [("plan",), ("verify",), ("run", "--dry-run")])
def test_who_only_looks_tells_nobody(
    cli: Cli, bucket_pair: Pair, container: dict[str, Any], fake: FakeSlack, arguments: tuple[str, ...]
) -> None:
    bucket_pair.source.put({"a": b"a"})
    cli(*arguments, **container)
    assert [] == fake.requests


def test_a_run_without_notifiers_loads_none(cli: Cli, bucket_pair: Pair, container: dict[str, Any]) -> None:
    def loaded(**variables: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", LOADED, "run", "--quiet"],
            cwd=cli.folder,
            env={**cli.environment, **container, **variables},
            capture_output=True,
            text=True,
            check=False,
        )
        assert 0 == done.returncode, done.stderr
        return done.stdout.strip()

    bucket_pair.source.put({"a": b"a"})
    assert "[]" == loaded(SLACK_BOT_TOKEN="")
    bucket_pair.source.put({"b": b"b"})
    assert "['slack_sdk', 'sqlalchemy', 'urllib.request']" == loaded()


def test_status_says_who_could_not_be_told_and_why(
    cli: Cli, bucket_pair: Pair, container: dict[str, Any], fake: FakeSlack
) -> None:
    bucket_pair.source.put({"a": b"a"})
    fake.always = "not_in_channel"
    assert 0 == cli("run", **container).code
    shown = cli("status", **container)
    assert 0 == shown.code, shown.stderr
    failing = "notifier slack: 1 waiting, 1 attempt failed: Slack was not told: Slack answered not_in_channel"
    assert failing in shown.stdout.splitlines()
    fake.always = ""
    bucket_pair.source.put({"b": b"b"})
    assert 0 == cli("run", **container).code
    assert "notifier" not in cli("status", **container).stdout
    nothing_shows(shown, cli, TOKEN)
