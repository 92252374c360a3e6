"""Copies of which a listing cannot tell whether they are right: other ETags, or a clock that is behind."""

import re
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from tests.conftest import Pair, Side
from tests.servers.command import Cli
from tests.servers.minio import KMS_KEY, Minio, deny
from tests.servers.proxy import Alter, CallAfter, Proxy

KEYS = [f"k{number}" for number in range(10)]
NewProxy = Callable[[Minio], Proxy]


def places(pair: Pair) -> tuple[str, str]:
    return pair.source.location, pair.target.location


def through(cli: Cli, side: Side, proxy: Proxy) -> Cli:
    """Let the side's alias lead to the proxy."""
    return replace(
        cli, environment={**cli.environment, f"MC_HOST_{side.alias}": side.server.mc_host(address=proxy.address)}
    )


def spoil(proxy: Proxy, side: Side, *keys: str) -> None:
    """Somebody writes other bytes over each copy as soon as it is there."""
    for key in keys:
        proxy.on("put", CallAfter(lambda key=key: side.put({key: b"wrong"})), path=f"/{key}$")  # type: ignore[misc]


def encrypt(side: Side) -> None:
    """ETags of this bucket are no MD5s from now on."""
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KMS_KEY}}
    side.client.put_bucket_encryption(Bucket=side.bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})


def remembered(cli: Cli) -> set[str]:
    """The keys that are known to be equal in spite of their ETags."""
    state = cli.folder / "home/.local/state/mcmirror/state.db"
    if not state.exists():
        return set()
    database = sqlite3.connect(state)
    try:
        return {key for (key,) in database.execute("select key from incomparable")}
    finally:
        database.close()


def test_wrong_copies_are_all_found_and_none_is_remembered(cli: Cli, bucket_pair: Pair, new_proxy: NewProxy) -> None:
    bucket_pair.source.put(dict.fromkeys(KEYS, b"right"))
    proxy = new_proxy(bucket_pair.target.server)
    spoil(proxy, bucket_pair.target, *KEYS)

    result = through(cli, bucket_pair.target, proxy)("mirror", *places(bucket_pair), "--overwrite", "--json")

    assert KEYS == [one["key"] for one in result.report["remaining_keys"]], result.stdout
    assert (1, 0) == (result.code, result.report["done"]["objects"])
    assert {"content-differs"} == {found["category"] for found in result.report["problems"]}
    assert set() == remembered(cli)
    mended = cli("mirror", *places(bucket_pair), "--overwrite", "--json")
    assert (0, True) == (mended.code, bucket_pair.equal)


def test_one_wrong_sample_has_all_of_them_read(cli: Cli, bucket_pair: Pair, new_proxy: NewProxy) -> None:
    encrypt(bucket_pair.target)
    bucket_pair.source.put(dict.fromkeys(KEYS, b"right"))
    proxy = new_proxy(bucket_pair.target.server)
    wrong, right = KEYS[2:], KEYS[:2]  # of any three, one is wrong
    spoil(proxy, bucket_pair.target, *wrong)

    result = through(cli, bucket_pair.target, proxy)("mirror", *places(bucket_pair), "--overwrite", "--json")

    assert wrong == [one["key"] for one in result.report["remaining_keys"]], result.stdout
    assert (3, 2) == (result.code, result.report["done"]["objects"])
    assert 10 == result.report["requests"]["target_get"]
    assert set(right) == remembered(cli)


def test_a_wrong_sample_withdraws_what_was_assumed_before(cli: Cli, bucket_pair: Pair, new_proxy: NewProxy) -> None:
    encrypt(bucket_pair.target)
    bucket_pair.source.put(dict.fromkeys(KEYS, b"right"))
    proxy = new_proxy(bucket_pair.target.server)
    cli = through(cli, bucket_pair.target, proxy)
    assert 0 == cli("mirror", *places(bucket_pair), "--overwrite").code
    assert set(KEYS) == remembered(cli)
    bucket_pair.source.put({"later": b"right"})
    spoil(proxy, bucket_pair.target, "later")

    assert 3 == cli("mirror", *places(bucket_pair), "--overwrite").code

    proxy.clear()
    assert 3 == len(remembered(cli)), "those that were read"
    mended = cli("mirror", *places(bucket_pair), "--overwrite", "--json")
    assert (0, 8) == (mended.code, mended.report["done"]["objects"])
    assert bucket_pair.equal


def test_a_doubtful_copy_that_may_not_be_read_remains(cli: Cli, bucket_pair: Pair) -> None:
    encrypt(bucket_pair.target)
    bucket_pair.source.put({"a": b"1"})
    user = bucket_pair.target.server.user(deny(["GetObject"], [f"{bucket_pair.target.bucket}/*"]))
    blind = replace(cli, environment={**cli.environment, "MC_HOST_dst": bucket_pair.target.server.mc_host(user)})

    result = blind("mirror", *places(bucket_pair), "--json")

    assert ["a"] == [one["key"] for one in result.report["remaining_keys"]], result.stdout
    assert {"permission"} == {found["category"] for found in result.report["problems"]}, result.report["problems"]
    assert set() == remembered(cli)


def _an_hour_ago(body: bytes) -> bytes:
    def earlier(found: re.Match[bytes]) -> bytes:
        then = datetime.fromisoformat(found[1].decode()) - timedelta(hours=1)
        return f"<LastModified>{then:%Y-%m-%dT%H:%M:%S}.000Z</LastModified>".encode()

    return re.sub(rb"<LastModified>([^<]+)</LastModified>", earlier, body)


def _in_parts(side: Side, key: str, body: bytes) -> None:
    """Put an object whose ETag is no MD5."""
    about = {"Bucket": side.bucket, "Key": key}
    upload = side.client.create_multipart_upload(**about)["UploadId"]
    part = side.client.upload_part(**about, UploadId=upload, PartNumber=1, Body=body)["ETag"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": part}]}
    side.client.complete_multipart_upload(**about, UploadId=upload, MultipartUpload=parts)


def test_a_target_whose_clock_is_behind_is_copied_to_once(cli: Cli, bucket_pair: Pair, new_proxy: NewProxy) -> None:
    bucket_pair.source.put({"a": b"1", "b/c": b"2"})
    _in_parts(bucket_pair.source, "film", b"film")
    proxy = new_proxy(bucket_pair.target.server)
    for kind in ("list", "list-next"):
        proxy.on(kind, Alter(_an_hour_ago))
    late = through(cli, bucket_pair.target, proxy)

    first, again = (late("mirror", *places(bucket_pair), "--overwrite", "--json") for _ in range(2))

    assert (0, 3) == (first.code, first.report["done"]["objects"])
    assert (0, 0, 3) == (again.code, again.report["planned"]["objects"], again.report["equal"]["objects"])
    bucket_pair.source.put({"new": b"3"})
    proxy.requests.clear()
    more = late("mirror", *places(bucket_pair), "--overwrite", "--json")
    assert (0, 1) == (more.code, more.report["done"]["objects"])
    assert 1 == proxy.counts["put"], "mc by itself would copy all of them again"


def test_reading_decides_where_only_the_clocks_differ(cli: Cli, bucket_pair: Pair, new_proxy: NewProxy) -> None:
    for side, odd in ((bucket_pair.source, b"odd"), (bucket_pair.target, b"ODD")):
        for key, body in (("film", b"film"), ("odd", odd)):
            _in_parts(side, key, body)
    proxy = new_proxy(bucket_pair.target.server)
    proxy.on("list", Alter(_an_hour_ago))
    late = through(cli, bucket_pair.target, proxy)

    listed = late("verify", *places(bucket_pair), "--json")
    read = late("verify", *places(bucket_pair), "--content", "--json")

    assert (3, 2) == (listed.code, listed.report["remaining"]["objects"])
    assert (3, ["odd"]) == (read.code, [one["key"] for one in read.report["remaining_keys"]]), read.stdout
    assert (1, 1) == (read.report["equal"]["objects"], read.report["read"]["objects"])
    assert {"content-differs"} == {found["category"] for found in read.report["problems"]}
    known = late("verify", *places(bucket_pair), "--json")
    assert ["odd"] == [one["key"] for one in known.report["remaining_keys"]]
