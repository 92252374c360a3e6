"""`docker run` lines that people have in their crontabs, as written: a container with one environment and no file."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.machine import KEYS, Machine, machine
from tests.servers.command import Result
from tests.servers.slack import FakeSlack

OTHERS = " ".join(
    (
        "-e SERVICE=myservice",
        "-e MINIO_URL=http://minio:9000",
        f"-e MINIO_ACCESS_KEY={KEYS['onprem'].access_key}",
        f"-e MINIO_SECRET_KEY={KEYS['onprem'].secret_key}",
        "-e AWS_URL=https://s3.ap-northeast-2.amazonaws.com",
        f"-e AWS_ACCESS_KEY={KEYS['aws'].access_key}",
        f"-e AWS_SECRET_KEY={KEYS['aws'].secret_key}",
    )
)
"""What each line but the first one leaves out: the variables that are the same in all of them."""
TELLING = "-e SLACK_BOT_TOKEN -e SLACK_CHANNEL_ID -e SLACK_API_URL"
STATE = "-v mirror:/home/mcmirror/.local/state/mcmirror"
FIRST = """
docker run --rm \\
  -e MINIO_URL=http://minio:9000 \\
  -e MINIO_ACCESS_KEY=minioadmin \\
  -e MINIO_SECRET_KEY=minioadmin \\
  -e AWS_URL=https://s3.ap-northeast-2.amazonaws.com \\
  -e AWS_ACCESS_KEY=AKIAXXXXXXXX \\
  -e AWS_SECRET_KEY=XXXXXXXX \\
  -e BUCKET_PAIR="minio/source:aws/destination" \\
  minio-s3-mirror:latest
"""


def day(ago: int) -> str:
    """Today's folder, or that of so many days ago."""
    return f"{datetime.now(UTC) - timedelta(days=ago):%Y/%m/%d}"


def line(options: str) -> str:
    """A line with the variables that all share."""
    return f"docker run --rm {OTHERS} {options} minio-s3-mirror:latest"


@dataclass(frozen=True)
class Sites:
    """The two servers, a shell in front of them, and who is told."""

    machine: Machine
    slack: FakeSlack

    def play(self, script: str) -> Result:
        """Type it into the shell."""
        variables: dict[str, Any] = {**self.slack.environment, "TZ": "UTC"}
        return self.machine.run(script, **variables)

    def fill(self, bucket: str, objects: dict[str, bytes]) -> None:
        """Store objects in a bucket of the source, which is made when it is missing."""
        _put(self.machine.onprem.client(), bucket, objects)

    def arrives_at(self, bucket: str, objects: dict[str, bytes] | None = None) -> None:
        """Make a bucket of the target, with these objects."""
        _put(self.machine.aws.client(), bucket, objects or {})

    def arrived(self, bucket: str) -> dict[str, bytes]:
        """What is in a bucket of the target."""
        return self.machine.contents(self.machine.aws, bucket)


def _put(client: Any, bucket: str, objects: dict[str, bytes]) -> None:
    if bucket not in [found["Name"] for found in client.list_buckets()["Buckets"]]:
        client.create_bucket(Bucket=bucket)
    for key, body in objects.items():
        client.put_object(Bucket=bucket, Key=key, Body=body)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with machine(tmp_path_factory.mktemp("replay")) as made:
        yield made


@pytest.fixture
def sites(servers: Machine) -> Iterator[Sites]:
    """Empty servers."""
    for server in (servers.onprem, servers.aws):
        for bucket in server.client().list_buckets()["Buckets"]:
            server.admin("rb", "--force", f"it/{bucket['Name']}")
    with FakeSlack() as slack:
        yield Sites(servers, slack)


def test_the_first_run_and_the_nights_after_it(sites: Sites) -> None:
    objects = {"a.txt": b"a", "folder/ü 1.txt": b"bb", "same": b"here"}
    sites.fill("source", objects)
    sites.arrives_at("destination", {"extra": b"of theirs"})

    first = sites.play(FIRST)

    assert 0 == first.code, first.stderr
    assert "verified" in first.stderr
    assert objects | {"extra": b"of theirs"} == sites.arrived("destination")
    sites.fill("source", {"a.txt": b"another text", "new": b"new"})
    sites.machine.onprem.client().delete_object(Bucket="source", Key="same")
    nightly = sites.play(line('-e BUCKET_PAIR="minio/source:aws/destination"'))
    # Nothing is overwritten and nothing removed; that an object stayed different is said.
    assert 0 == nightly.code, nightly.stderr
    assert objects | {"extra": b"of theirs", "new": b"new"} == sites.arrived("destination")
    assert re.search(r"a\.txt|1 object .*differ|kept", nightly.stderr), nightly.stderr
    assert [] == sites.slack.requests


@pytest.mark.parametrize(
    ("options", "pair", "wanted"),
    [
        ('-e MIRROR_PREFIX="$(date +%Y/%m/%d)"', "minio/source:aws/destination", 0),
        ("-e MIRROR_PREFIX=\"$(date -d 'yesterday' +%Y/%m/%d)\"", "minio/data:aws/archive", 1),
        ('-e MIRROR_PREFIX="2025/01/22"', "minio/data:aws/data", "2025/01/22"),
        ('-e MIRROR_PREFIX="batch/batch-20250122"', "minio/processing:aws/archive", "batch/batch-20250122"),
    ],
    ids=["today", "yesterday", "a day", "a batch"],
)
def test_only_what_lies_below_the_prefix_is_listed_and_mirrored(
    sites: Sites, options: str, pair: str, wanted: str | int
) -> None:
    wanted = day(wanted) if isinstance(wanted, int) else wanted
    source, target = (side.partition("/")[2] for side in pair.split(":"))
    folders = (day(0), day(1), "2025/01/22", "2025/01/222", "batch/batch-20250122")
    sites.fill(source, {f"{folder}/x": folder.encode() for folder in folders})
    sites.arrives_at(target)

    done = sites.play(line(f'{options} -e BUCKET_PAIR="{pair}"'))

    assert 0 == done.code, done.stderr
    assert {f"{wanted}/x": wanted.encode()} == sites.arrived(target)


@pytest.mark.parametrize("debug", ["", "-e MIRROR_DEBUG=true"])
def test_a_dry_run_shows_what_it_would_do(sites: Sites, debug: str) -> None:
    sites.fill("source", {"a.txt": b"a", "b.txt": b"bb"})
    sites.arrives_at("destination")

    done = sites.play(line(f'-e MIRROR_DRY_RUN=true {debug} {TELLING} -e BUCKET_PAIR="minio/source:aws/destination"'))

    assert 0 == done.code, done.stderr
    assert {} == sites.arrived("destination")
    said = done.stdout + done.stderr
    assert "2 objects" in said
    assert [] == sites.slack.requests


@pytest.mark.parametrize("pair", ["minio/source:aws/destination", "minio/test-bucket:aws/test-bucket"])
def test_debugging_shows_what_mc_was_told_and_no_secret(sites: Sites, pair: str) -> None:
    source, target = (side.partition("/")[2] for side in pair.split(":"))
    sites.fill(source, {"small.txt": b"a"})
    sites.arrives_at(target)

    done = sites.play(line(f'-e BUCKET_PAIR="{pair}" -e MIRROR_DEBUG=true {TELLING}'))

    assert 0 == done.code, done.stderr
    assert {"small.txt": b"a"} == sites.arrived(target)
    # The commands that the text has people try by hand, here as they were run.
    assert re.search(rf"mc .*\bls\b.* minio/{source}", done.stderr), done.stderr
    assert re.search(rf"mc .*\bmirror\b.*--json.* minio/{source}\b.* aws/{target}\b", done.stderr), done.stderr
    for secret in (KEYS["aws"].secret_key, f"{KEYS['onprem'].access_key}:", sites.slack.environment["SLACK_BOT_TOKEN"]):
        assert secret not in done.stdout + done.stderr


def test_each_of_many_pairs_runs_and_one_that_fails_ends_no_other(sites: Sites) -> None:
    numbers = range(1, 6)
    for number in numbers:
        sites.fill(f"src{number}", {"x": str(number).encode()})
        if number != 2:
            sites.arrives_at(f"dst{number}")
    pairs = ";".join(f"minio/src{number}:aws/dst{number}" for number in numbers)

    done = sites.play(line(f'-e BUCKET_PAIRS="{pairs}" {TELLING}'))

    assert 1 == done.code, done.stderr
    for number in {*numbers} - {2}:
        assert {"x": str(number).encode()} == sites.arrived(f"dst{number}")
    assert re.search(r"✗ src2-to-dst2.*\n(.*\n)*?.*aws/dst2.*no bucket of this name.*\n(.*\n)*?\s+do ", done.stderr)
    assert "4 of 5 jobs succeeded" in done.stderr
    assert [f"{'❌' if number == 2 else '✅'} src{number}-to-dst{number}" for number in numbers] == sorted(
        (" ".join(title.split()[:2]) for title in sites.slack.titles), key=lambda title: title[2:]
    )
    assert all("*Service*  myservice" in post.shown for post in sites.slack.posts)


def test_patterns_keep_objects_out(sites: Sites) -> None:
    sites.fill("src1", {"a.txt": b"a", "a.tmp": b"t", "logs/x.log": b"l", "deep/.DS_Store": b"d"})
    sites.arrives_at("dst1")

    options = '-e MIRROR_EXCLUDE="*.tmp,*.log,*.DS_Store" -e MIRROR_MAX_WORKERS=10'
    done = sites.play(line(f"{options} -e BUCKET_PAIRS=minio/src1:aws/dst1"))

    assert 0 == done.code, done.stderr
    assert {"a.txt": b"a"} == sites.arrived("dst1")


def test_an_outage_is_told_and_its_end_once(sites: Sites) -> None:
    sites.fill("source", {"a.txt": b"a"})
    night = line(f'-e BUCKET_PAIR="minio/source:aws/destination" {TELLING} {STATE}')

    codes = [sites.play(night).code for _ in range(3)]
    sites.arrives_at("destination")
    codes += [sites.play(night).code for _ in range(2)]

    # The first failure, the second, the fourth: ever more rarely.
    assert [1, 1, 1, 0, 0] == codes
    said = ["❌ source-to-destination failed"] * 2 + ["✅ source-to-destination works again, verified"]
    assert said == [title.split(":")[0] for title in sites.slack.titles]


def test_one_of_slacks_two_variables_is_not_enough(sites: Sites) -> None:
    sites.fill("source", {"a.txt": b"a"})
    sites.arrives_at("destination")

    done = sites.play(line('-e BUCKET_PAIR="minio/source:aws/destination" -e SLACK_BOT_TOKEN'))

    assert 0 == done.code
    assert "SLACK_BOT_TOKEN is set but SLACK_CHANNEL_ID is not" in done.stderr
    assert [] == sites.slack.requests


@pytest.mark.parametrize("missing", ["MINIO_URL", "AWS_SECRET_KEY", "BUCKET_PAIR"])
def test_a_variable_that_is_missing_is_named(sites: Sites, missing: str) -> None:
    done = sites.play(re.sub(rf"  -e {missing}=.*\n", "", FIRST))

    assert 2 == done.code
    assert missing in done.stderr
    assert "do:" in done.stderr
