"""What to do, in the words of whoever has to: files and command lines, or the variables of two environments."""

import re
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from mcmirror.messages.error_lookup import for_alias, for_job, problem, row, table
from mcmirror.messages.error_row import Row
from mcmirror.messages.remedy import rendered
from mcmirror.model.job import Job, Origin
from mcmirror.model.location import Alias, Location
from mcmirror.model.problem import Category
from tests.conftest import Pair
from tests.servers.command import Cli
from tests.servers.server import free_port
from tests.test_replay_sidecar import variables

VARIABLE = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b(?!_?\*)")
CONFIG = Path(__file__).parents[1] / "mcmirror" / "config"
KNOWN = {
    name
    for file in ("pairs.py", "sidecar.py", "variables.py", "environment.py")
    for name in VARIABLE.findall((CONFIG / file).read_text())
}
OURS = {Origin.PAIRS: ("BUCKET_", "MIRROR_", "MINIO_", "AWS_", "MCMIRROR_MC"),
        Origin.SIDECAR: ("S3_SYNC_", "MINIO_", "MIRROR_DEBUG", "MCMIRROR_MC")}  # fmt: skip
NOT_THERE = re.compile(
    r"alias set|--(?!overwrite|remove|max-delete|help|metadata|from-go|size)|\[settings\]|[a-z_]+ = |`(max_delete|"
    r"create_target|overwrite|exclude|workers|limit_upload|parallel|stall_timeout|ca_file|remove)`|\.toml|alias's"
)
FLAG = re.compile(r"`mcmirror mirror SOURCE TARGET [^`]*`")


@pytest.mark.parametrize("known", table(), ids=lambda known: known.category.value)
def test_each_row_names_what_its_reader_has(known: Row) -> None:
    for origin, side in product((Origin.PAIRS, Origin.SIDECAR), ("", "source", "target")):
        text = rendered(known.remedy, origin, side)
        assert text
        assert not re.search(r"[{}]|  | [,;]", text), text
        assert text[:1] != text[:1].lower() or text.startswith("`"), text
        assert not NOT_THERE.search(FLAG.sub("", text)), text
        assert FLAG.search(text) is None or origin is Origin.PAIRS, text
        named = set(VARIABLE.findall(text))
        assert named <= KNOWN, named - KNOWN
        assert all(name.startswith(OURS[origin]) for name in named), text


@pytest.mark.parametrize("known", table(), ids=lambda known: known.category.value)
def test_each_row_is_whole_in_the_words_of_a_file(known: Row) -> None:
    for side in ("", "source", "target"):
        text = rendered(known.remedy, Origin.FILE, side)
        assert not re.search(r"[{}]|  | [,;]", text), text
        assert not {name for name in VARIABLE.findall(text) if name != "MCMIRROR_MC"}, text


def _job(origin: Origin) -> Job:
    return Job("job", Location("minio", "one/a"), Location("aws", "two"), origin=origin)


MINIO, AWS = Alias("minio", "http://m:9000", origin="MINIO_URL"), Alias("aws", "https://a", origin="AWS_URL")
BOTH = {"minio": MINIO, "aws": AWS}


@pytest.mark.parametrize(
    ("about", "named"),
    [
        ("minio/one/a", {"MINIO_ACCESS_KEY", "MINIO_SECRET_KEY"}),
        ("minio/one", {"MINIO_ACCESS_KEY", "MINIO_SECRET_KEY"}),
        ("https://a", {"AWS_ACCESS_KEY", "AWS_SECRET_KEY"}),
        ("aws/two/three", {"AWS_ACCESS_KEY", "AWS_SECRET_KEY"}),
        ("aws/twofold", {"MINIO_ACCESS_KEY", "MINIO_SECRET_KEY", "AWS_ACCESS_KEY", "AWS_SECRET_KEY"}),
        ("a key", {"MINIO_ACCESS_KEY", "MINIO_SECRET_KEY", "AWS_ACCESS_KEY", "AWS_SECRET_KEY"}),
    ],
)
def test_the_side_that_is_meant_is_the_one_that_is_named(about: str, named: set[str]) -> None:
    found = for_job(problem(Category.CREDENTIALS, object=about), _job(Origin.PAIRS), BOTH)
    assert named == set(VARIABLE.findall(found.remedy))


def test_a_missing_bucket_is_made_on_one_side_only() -> None:
    def told(about: str) -> str:
        return for_job(problem(Category.BUCKET_NOT_FOUND, object=about), _job(Origin.FILE), BOTH).remedy

    assert "create_target" not in told("minio/one")
    assert told("aws/two").endswith("It is made with `create_target = true` (--create-target).")
    assert told("").endswith("A target bucket is made with `create_target = true` (--create-target).")


def test_what_is_no_remedy_of_the_table_stays_and_an_alias_has_its_own_words() -> None:
    own = problem(Category.CREDENTIALS, remedy="Ask Anna.")
    assert own == for_job(own, _job(Origin.SIDECAR), BOTH) == for_alias(own, AWS)
    general = problem(Category.CREDENTIALS)
    file = for_alias(general, Alias("aws", "https://a", origin="/etc/mcmirror.toml"))
    assert "`mcmirror alias set aws https://a`, and try them with `mcmirror alias test aws`" in file.remedy
    host = for_alias(general, Alias("aws", "https://a", origin="MC_HOST_aws"))
    assert host.remedy.startswith("Correct the keys in MC_HOST_aws, and try them with `mcmirror alias test aws`. ")
    assert row(Category.CREDENTIALS).remedy not in {general.remedy, host.remedy}


Advice = Callable[..., str]


@pytest.fixture
def pairs(bucket_pair: Pair) -> dict[str, Any]:
    """The variables for one pair of real buckets."""
    found = dict[str, Any]()
    for name, side in (("MINIO", bucket_pair.source), ("AWS", bucket_pair.target)):
        root = side.server.root
        keys = {"URL": side.server.url, "ACCESS_KEY": root.access_key, "SECRET_KEY": root.secret_key}
        found |= {f"{name}_{key}": value for key, value in keys.items()}
    return {**found, "BUCKET_PAIR": f"minio/{bucket_pair.source.bucket}:aws/{bucket_pair.target.bucket}"}


@pytest.fixture
def advice(cli: Cli) -> Advice:
    """The remedy of the one problem that a run of an environment meets; the same in the report for people."""

    def run(category: Category, *words: str, **environment: Any) -> str:
        done = cli(*(words or ("run",)), "--json", **{"S3_SYNC_MAX_RETRIES": "0", **environment})
        (found,) = [one for one in done.report["problems"] if one["category"] == category]
        assert found["remedy"].split()[:3] == done.stderr.partition("  do          ")[2].split()[:3]
        return str(found["remedy"])

    return run


def test_real_pairs_are_told_which_variable_is_wrong(advice: Advice, bucket_pair: Pair, pairs: dict[str, Any]) -> None:
    bucket_pair.source.put({"a": b"1"})
    source, target = bucket_pair.source.bucket, bucket_pair.target.bucket

    key = advice(Category.CREDENTIALS, **{**pairs, "AWS_SECRET_KEY": "wrong-secret"})
    assert {"AWS_ACCESS_KEY", "AWS_SECRET_KEY"} == set(VARIABLE.findall(key))
    assert "`mcmirror alias test aws`" in key
    gone = advice(Category.BUCKET_NOT_FOUND, **{**pairs, "BUCKET_PAIR": f"minio/{source}-x:aws/{target}"})
    assert "Check its spelling in BUCKET_PAIR or BUCKET_PAIRS and that MINIO_URL is that of the right server." == gone
    gone = advice(Category.BUCKET_NOT_FOUND, **{**pairs, "BUCKET_PAIR": f"minio/{source}:aws/{target}-x"})
    assert "Check its spelling in BUCKET_PAIR or BUCKET_PAIRS and that AWS_URL is that of the right server." == gone
    nothing = advice(Category.SOURCE_NOT_FOUND, **{**pairs, "MIRROR_PREFIX": "2025/01/22"})
    assert {"BUCKET_PAIR", "BUCKET_PAIRS", "MIRROR_PREFIX"} == set(VARIABLE.findall(nothing))


def test_a_real_sidecar_is_told_which_variable_is_wrong(advice: Advice, cli: Cli, bucket_pair: Pair) -> None:
    source, target = bucket_pair.source, bucket_pair.target
    given: dict[str, Any] = {**variables(source, target)}
    source.put({str(number): b"x" for number in range(20)})

    key = advice(Category.CREDENTIALS, **{**given, "S3_SYNC_SECRET_KEY": "wrong-secret"})
    assert {"S3_SYNC_ACCESS_KEY", "S3_SYNC_SECRET_KEY"} == set(VARIABLE.findall(key))
    down = f"http://127.0.0.1:{free_port()}"
    refused = advice(Category.CONNECTION_REFUSED, **{**given, "S3_SYNC_ENDPOINT": down})
    assert refused.startswith("Check S3_SYNC_ENDPOINT (http:// or https://")
    assert refused.endswith(": `mcmirror alias test dest`.")
    gone = advice(Category.BUCKET_NOT_FOUND, **{**given, "MINIO_BUCKET": f"{source.bucket}-x"})
    assert "Check its spelling in MINIO_BUCKET and that MINIO_ENDPOINT is that of the right server." == gone

    target.put({f"old {number}": b"x" for number in range(20)})
    many = advice(Category.TOO_MANY_DELETES, **given)
    assert "If that is right: S3_SYNC_MAX_DELETE=20 until it has run once." in many
    assert 0 == cli("run", **given, S3_SYNC_MAX_DELETE="20").code
    assert source.sizes() == target.sizes()


def test_doctor_and_alias_test_speak_so_too(cli: Cli, bucket_pair: Pair) -> None:
    given: dict[str, Any] = {**variables(bucket_pair.source, bucket_pair.target), "S3_SYNC_SECRET_KEY": "wrong-secret"}
    for words in (("doctor",), ("alias", "test", "dest")):
        said = cli(*words, **given)
        assert 1 == said.code
        assert (
            "do:  Correct the keys in S3_SYNC_ACCESS_KEY and S3_SYNC_SECRET_KEY, and try" in said.stdout + said.stderr
        )
    explained = cli("explain", "too-many-deletes", **given).stdout
    assert "set S3_SYNC_MAX_DELETE (50%" in explained
    assert "--max-delete" not in explained


def test_an_alias_of_a_variable_is_mended_there(cli: Cli, bucket_pair: Pair) -> None:
    server = bucket_pair.target.server
    host = server.url.replace("://", f"://{server.root.access_key}:wrong-secret@")
    bucket_pair.source.put({"a": b"1"})

    done = cli("mirror", bucket_pair.source.location, f"away/{bucket_pair.target.bucket}", "--json", MC_HOST_away=host)

    (found,) = done.report["problems"]
    assert found["remedy"].startswith("Correct the keys in MC_HOST_away, and try them with `mcmirror alias test away`.")
