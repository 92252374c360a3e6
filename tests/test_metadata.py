"""What an object is, besides its bytes: carried over between object stores, compared, and repaired."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mcmirror.engine.sample import FEW
from tests.conftest import Pair
from tests.servers.command import Cli, Result
from tests.servers.minio import Minio, deny
from tests.servers.proxy import Proxy, s3_error
from tests.servers.s3 import Bucket
from tests.servers.versitygw import Versitygw

NewProxy = Callable[[Minio], Proxy]

FULL: dict[str, Any] = {
    "ContentType": "text/x-own; charset=utf-8",
    "ContentEncoding": "gzip",
    "CacheControl": "max-age=60",
    "ContentLanguage": "de, en",
    "ContentDisposition": 'attachment; filename="a;b=c.txt"',
    "Metadata": {"who": "me", "semi": 'a;b=c, "d"'},
}
TEN = {f"key {number}+-=._:/@": f"value {number} +-=._:/@" for number in range(10)}
"""As many tags as an object may have, with all the characters that they may hold."""


def put(side: Bucket, key: str, body: bytes = b"x", tags: dict[str, str] | None = None, **attributes: Any) -> None:
    """Store an object, and tag it."""
    side.client.put_object(Bucket=side.bucket, Key=key, Body=body, **attributes)
    if tags is not None:
        tag(side, key, tags)


def tag(side: Bucket, key: str, tags: dict[str, str]) -> None:
    """Give an object these tags and no others."""
    found = [{"Key": name, "Value": value} for name, value in tags.items()]
    side.client.put_object_tagging(Bucket=side.bucket, Key=key, Tagging={"TagSet": found})


def tags(side: Bucket, key: str) -> dict[str, str]:
    """An object's tags."""
    found = side.client.get_object_tagging(Bucket=side.bucket, Key=key)["TagSet"]
    return {one["Key"]: one["Value"] for one in found}


def attributes(side: Bucket, key: str) -> dict[str, Any]:
    """What an object is, besides its bytes and its tags."""
    head = side.client.head_object(Bucket=side.bucket, Key=key)
    return {name: head.get(name) for name in (*FULL, "Expires")}


def test_it_is_carried_by_default_and_left_behind_by_choice(cli: Cli, bucket_pair: Pair) -> None:
    source, target = bucket_pair.source, bucket_pair.target
    put(source, "k", tags=TEN, **FULL)
    mirror = ("mirror", source.location, target.location)

    first = cli(*mirror)
    assert (0, TEN) == (first.code, tags(target, "k")), first.stderr
    assert attributes(source, "k") == attributes(target, "k")

    for choice in (("--no-preserve",), ("--tags", "off")):
        target.delete("k")
        without = cli(*mirror, *choice)
        assert (0, {}) == (without.code, tags(target, "k")), without.stderr
        assert "tag" not in without.stderr


def notes(done: Result) -> str:
    """What a run said by the way."""
    return "\n".join(done.report["notes"])


def test_expires_is_brought_along_although_mc_drops_it(cli: Cli, bucket_pair: Pair) -> None:
    source, target = bucket_pair.source, bucket_pair.target
    put(source, "a", b"1" * 9, tags=TEN, Expires="Thu, 01 Dec 2033 16:00:00 GMT", **FULL)
    put(source, "b/c", b"2", Expires="Fri, 01 Dec 2034 16:00:00 GMT")
    put(source, "d", b"3")

    done = cli("mirror", source.location, target.location, "--json")

    assert 0 == done.code, done.stderr
    assert [] == [key for key in ("a", "b/c", "d") if attributes(source, key) != attributes(target, key)]
    assert TEN == tags(target, "a")
    assert bucket_pair.equal
    assert "2 objects were repaired" in notes(done)


def test_what_mc_drops_of_more_objects_than_are_looked_at_is_said_and_set_on_request(
    cli: Cli, bucket_pair: Pair
) -> None:
    source, target = bucket_pair.source, bucket_pair.target
    for number in range(15):
        put(source, f"k{number:02}", b"x", Expires="Thu, 01 Dec 2033 16:00:00 GMT")
    mirror = ("mirror", source.location, target.location, "--json")

    first = cli(*mirror)
    assert "--metadata compares and repairs all" in notes(first)
    by_all = cli("verify", source.location, target.location, "--json", "--metadata")
    assert (3, 15 - FEW) == (by_all.code, by_all.report["remaining"]["objects"]), by_all.stderr
    second = cli(*mirror, "--metadata")
    then = cli("verify", source.location, target.location, "--json", "--metadata=100%")

    assert (0, 0) == (second.code, then.code), second.stderr + then.stderr
    assert {"Thu, 01 Dec 2033"} == {
        attributes(target, key)["Expires"].strftime("%a, %d %b %Y") for key in source.sizes()
    }


def test_drift_of_metadata_is_left_without_overwrite_and_repaired_with_it(cli: Cli, bucket_pair: Pair) -> None:
    source, target = bucket_pair.source, bucket_pair.target
    put(source, "type", b"1", ContentType="text/plain", tags={"a": "1"})
    put(source, "tags", b"2", tags={"a": "1"}, **FULL)
    put(source, "untagged", b"3", tags={"a": "1"})
    mirror = ("mirror", source.location, target.location, "--json")
    cli(*mirror)
    put(target, "type", b"1", ContentType="text/other", tags={"a": "1"}, Metadata={"own": "1"})
    tag(source, "tags", TEN)
    tag(source, "untagged", {})
    before = {key: tags(target, key) for key in source.sizes()}

    left = cli(*mirror)
    assert (0, before) == (left.code, {key: tags(target, key) for key in source.sizes()}), left.stderr
    assert "Content-Type (1), tags (2), x-amz-meta-own (1)" in notes(left)
    told = cli("verify", source.location, target.location, "--json")
    assert (3, {"tags", "type", "untagged"}) == (told.code, {one["key"] for one in told.report["remaining_keys"]})
    repaired = cli(*mirror, "--overwrite")
    verified = cli("verify", source.location, target.location, "--content", "--metadata", "--json")

    assert (0, 0) == (repaired.code, verified.code), repaired.stderr + verified.stderr
    assert {"type": {"a": "1"}, "tags": TEN, "untagged": {}} == {key: tags(target, key) for key in source.sizes()}
    assert [] == [key for key in source.sizes() if attributes(source, key) != attributes(target, key)]
    assert bucket_pair.equal


def test_verify_names_other_metadata_of_equal_bytes(cli: Cli, bucket_pair: Pair) -> None:
    put(bucket_pair.source, "k", ContentType="text/plain", tags={"a": "1"})
    put(bucket_pair.target, "k", ContentType="text/html", tags={"a": "2"})
    verify = ("verify", bucket_pair.source.location, bucket_pair.target.location, "--json")

    told = cli(*verify)

    assert 3 == told.code, told.stderr
    (found,) = told.report["problems"]
    assert ("metadata-differs", True) == (found["category"], "k" in found["message"])
    assert "Content-Type (1), tags (1)" in found["cause"]
    assert [{"key": "k", "reason": "other metadata of the same content"}] == told.report["remaining_keys"]


def test_what_servers_and_mc_add_is_no_difference(cli: Cli, bucket_pair: Pair, tmp_path: Path) -> None:
    source, target = bucket_pair.source, bucket_pair.target
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "k").write_bytes(b"x")
    assert 0 == cli("mirror", str(folder), source.location, "-a").code
    put(target, "k", ContentType=attributes(source, "k")["ContentType"])
    put(source, "plain", ContentType="application/octet-stream")
    put(target, "plain", ContentType="binary/octet-stream", StorageClass="REDUCED_REDUNDANCY")

    told = cli("verify", source.location, target.location, "--json", "--metadata")

    assert "mc-attrs" in source.client.head_object(Bucket=source.bucket, Key="k")["Metadata"]
    assert (0, []) == (told.code, told.report["problems"]), told.stderr


@pytest.mark.parametrize("explicit", [False, True])
def test_a_target_that_refuses_tags_gets_the_objects_all_the_same(
    cli: Cli, bucket_pair: Pair, new_proxy: NewProxy, *, explicit: bool
) -> None:
    source, target = bucket_pair.source, bucket_pair.target
    put(source, "k/1", b"1", tags={"a": "1"}, **FULL)
    put(source, "k/2", b"2", tags={"a": "2"})
    put(source, "plain", b"3")
    proxy = new_proxy(target.server)
    for kind in ("put-tagged", "tagging-put"):  # as AWS does without s3:PutObjectTagging; MinIO looks at no such header
        proxy.on(kind, s3_error(403, "AccessDenied", "Access Denied."))
    cli.environment["MC_HOST_dst"] = target.server.mc_host(address=proxy.address)

    done = cli("mirror", source.location, target.location, "--json", *(["--metadata"] if explicit else []))

    assert bucket_pair.equal
    assert attributes(source, "k/1") == attributes(target, "k/1")
    if explicit:
        assert (3, {"k/1", "k/2"}) == (done.code, {one["key"] for one in done.report["remaining_keys"]}), done.stderr
    else:
        assert (0, []) == (done.code, done.report["problems"]), done.stderr
        assert (
            "tags stay behind (2 of 3 objects looked at): the target refused them: Insufficient permissions"
            in notes(done)
        )


def test_a_target_that_knows_no_tags_is_told_once(cli: Cli, bucket_pair: Pair, new_proxy: NewProxy) -> None:
    source, target = bucket_pair.source, bucket_pair.target
    put(source, "a", b"1", tags={"a": "1"})
    put(source, "b", b"2", tags={"a": "1"})
    put(target, "a", b"1")
    put(target, "b", b"2")
    proxy = new_proxy(target.server)
    proxy.on("tagging", s3_error(501, "NotImplemented", "tagging is not implemented"))
    cli.environment["MC_HOST_dst"] = target.server.mc_host(address=proxy.address)

    done = cli("mirror", source.location, target.location, "--json", "--overwrite")
    verified = cli("verify", source.location, target.location, "--json", "--metadata")

    assert (0, 0) == (done.code, verified.code), done.stderr + verified.stderr
    for told in (done, verified):
        assert 1 == len(told.report["notes"])
        assert "the target keeps none: tagging is not implemented" in notes(told)


def test_a_key_that_may_not_look_at_the_target_is_no_failure(cli: Cli, bucket_pair: Pair) -> None:
    source, target = bucket_pair.source, bucket_pair.target
    source.put({f"k{number}": b"x" for number in range(5)})
    cli.environment["MC_HOST_dst"] = target.server.mc_host(target.server.user(deny(["GetObject", "GetObjectTagging"])))

    done = cli("mirror", source.location, target.location, "--json")

    assert (0, []) == (done.code, done.report["problems"]), done.stderr
    assert "could not be compared: Insufficient permissions" in notes(done)


def test_a_versioned_source_is_told_that_its_newest_versions_are_mirrored(cli: Cli, bucket_pair: Pair) -> None:
    source, target = bucket_pair.source, bucket_pair.target
    source.client.put_bucket_versioning(Bucket=source.bucket, VersioningConfiguration={"Status": "Enabled"})
    put(source, "k", b"old")
    put(source, "k", b"new")
    put(source, "gone", b"x")
    source.delete("gone")

    done = cli("mirror", source.location, target.location, "--json")

    assert 0 == done.code, done.stderr
    assert bucket_pair.equal
    assert 1 == notes(done).count("no older version and no delete marker")


def test_a_large_object_is_compared_and_its_tags_repaired_without_its_bytes(
    cli: Cli, bucket_pair: Pair, new_proxy: NewProxy
) -> None:
    source, target = bucket_pair.source, bucket_pair.target
    body = bytes(70 << 20)
    put(source, "large", body, tags={"a": "1"}, Expires="Thu, 01 Dec 2033 16:00:00 GMT", **FULL)
    mirror = ("mirror", source.location, target.location, "--json", "--overwrite")
    first = cli(*mirror)
    assert "Expires stays behind (1 of 1 object looked at)" in notes(first)
    tag(source, "large", {"a": "2"})
    proxy = new_proxy(source.server)
    cli.environment["MC_HOST_src"] = source.server.mc_host(address=proxy.address)

    by_tags = cli(*mirror)
    assert (0, {"a": "2"}) == (by_tags.code, tags(target, "large")), by_tags.stderr
    assert [] == [one for one in proxy.requests if one.kind == "get" and one.path.endswith("/large")]
    asked = cli(*mirror, "--metadata")

    assert 0 == asked.code, asked.stderr
    assert attributes(source, "large") == attributes(target, "large")
    assert ({"a": "2"}, True) == (tags(target, "large"), bucket_pair.equal)


@pytest.fixture
def from_gateway(cli: Cli, gateway: Versitygw, target: Minio) -> tuple[Bucket, Bucket]:
    """From a server whose listings show no tags to one that keeps all."""
    cli.environment["MC_HOST_gw"] = gateway.mc_host()
    return Bucket.make(gateway, "gw"), Bucket.make(target, "dst")


def test_from_a_server_that_lists_no_tags_some_stay_behind_and_that_is_said(
    cli: Cli, from_gateway: tuple[Bucket, Bucket]
) -> None:
    source, target = from_gateway
    put(source, "a", b"1", tags=TEN, **FULL)
    put(source, "b", b"2")
    mirror = ("mirror", source.location, target.location, "--json")

    for choice, said in (((), True), (("--tags", "off"), False), (("--no-preserve",), False)):
        target.delete("a", "b")
        done = cli(*mirror, *choice)
        assert (0, {}) == (done.code, tags(target, "a")), done.stderr
        assert attributes(source, "a") == attributes(target, "a")
        assert said == ("tags stay behind (1 of 2 objects looked at): mc carries none" in notes(done))

    assert 0 == cli("verify", source.location, target.location).code
    assert 3 == cli("verify", source.location, target.location, "--metadata").code


def test_tags_that_came_with_a_repair_did_not_stay_behind(cli: Cli, from_gateway: tuple[Bucket, Bucket]) -> None:
    source, target = from_gateway
    put(source, "a", b"1", tags=TEN, Expires="Thu, 01 Dec 2033 16:00:00 GMT")
    mirror = ("mirror", source.location, target.location, "--json")

    alone = cli(*mirror)
    assert (0, TEN) == (alone.code, tags(target, "a")), alone.stderr
    assert "1 object were repaired" in notes(alone)
    assert "stay behind" not in notes(alone)

    target.delete("a")
    put(source, "b", b"2", tags=TEN)
    beside = cli(*mirror)
    assert (0, TEN, {}) == (beside.code, tags(target, "a"), tags(target, "b")), beside.stderr
    assert "tags stay behind (1 of 2 objects looked at): mc carries none" in notes(beside)

    for number in range(20):
        put(source, f"c/{number:02}", b"1", tags=TEN, Expires="Thu, 01 Dec 2033 16:00:00 GMT")
    source.delete("b")
    many = cli(*mirror)
    assert 0 == many.code, many.stderr
    assert {} in [tags(target, key) for key in source.sizes()]
    assert "tags stay behind (of objects that were not looked at): mc carries none" in notes(many)


def test_tags_are_carried_by_calls_where_mc_cannot(
    cli: Cli, from_gateway: tuple[Bucket, Bucket], new_proxy: NewProxy, gateway: Versitygw
) -> None:
    source, target = from_gateway
    for number in range(25):
        put(source, f"k/{number}", b"x", tags={"n": str(number)} if number % 2 else None)
    put(source, "ten", b"10", tags=TEN, **FULL)
    cli.write(f'[job.x]\nsource = "{source.location}"\ntarget = "{target.location}"\ntags = "copy"\noverwrite = true\n')

    planned = cli("plan", "x")
    done = cli("run", "x", "--json")
    again = cli("run", "x", "--json")
    verified = cli("verify", "x", "--metadata", "--json")

    assert "PUT at the target" in planned.stderr
    assert (0, 0, 0) == (done.code, again.code, verified.code), done.stderr + verified.stderr
    assert [] == [key for key in source.sizes() if tags(source, key) != tags(target, key)]
    assert done.report["requests"]["target_put"] == 26 + 13
    assert 0 == again.report["requests"]["target_put"]


def test_an_object_that_is_copied_once_more_for_its_metadata_keeps_its_tags(
    cli: Cli, from_gateway: tuple[Bucket, Bucket]
) -> None:
    source, target = from_gateway
    put(source, "k", b"1", tags=TEN, ContentType="text/plain")
    put(target, "k", b"1", tags=TEN, ContentType="text/html")

    done = cli("mirror", source.location, target.location, "--overwrite", "--json")

    assert (0, TEN) == (done.code, tags(target, "k")), done.stderr
    assert attributes(source, "k") == attributes(target, "k")


def test_to_a_server_of_another_make_all_of_it_arrives(cli: Cli, gateway: Versitygw, source: Minio) -> None:
    cli.environment["MC_HOST_gw"] = gateway.mc_host()
    here, there = Bucket.make(source, "src"), Bucket.make(gateway, "gw")
    put(here, "a b/ü", b"1", tags=TEN, Expires="Thu, 01 Dec 2033 16:00:00 GMT", **FULL)

    done = cli("mirror", here.location, there.location, "--json")
    verified = cli("verify", here.location, there.location, "--metadata", "--json")

    assert (0, 0) == (done.code, verified.code), done.stderr + verified.stderr
    assert (TEN, attributes(here, "a b/ü")) == (tags(there, "a b/ü"), attributes(there, "a b/ü"))


def test_tags_that_were_asked_for_and_are_refused_remain(
    cli: Cli, from_gateway: tuple[Bucket, Bucket], new_proxy: NewProxy, target: Minio
) -> None:
    source, bucket = from_gateway
    put(source, "a", b"1", tags={"a": "1"})
    put(source, "b", b"2")
    proxy = new_proxy(target)
    proxy.on("tagging-put", s3_error(403, "AccessDenied", "Access Denied."))
    cli.environment["MC_HOST_dst"] = target.mc_host(address=proxy.address)

    done = cli("mirror", source.location, bucket.location, "--tags", "copy", "--json")

    assert (3, ["a"]) == (done.code, [one["key"] for one in done.report["remaining_keys"]]), done.stderr
    assert source.contents() == bucket.contents()
    assert ["metadata-differs"] == [one["category"] for one in done.report["problems"]]


def test_attributes_that_the_job_sets_are_no_drift(cli: Cli, bucket_pair: Pair) -> None:
    source, target = bucket_pair.source, bucket_pair.target
    put(source, "k", CacheControl="max-age=1", Metadata={"who": "me"})
    mirror = ("mirror", source.location, target.location, "--attr", "Cache-Control=no-cache;by=mirror", "--overwrite")

    first, again = cli(*mirror, "--json"), cli(*mirror, "--json")

    assert (0, 0, 0) == (first.code, again.code, again.report["requests"]["target_put"]), first.stderr + again.stderr
    assert ("no-cache", {"who": "me", "by": "mirror"}) == (
        attributes(target, "k")["CacheControl"],
        attributes(target, "k")["Metadata"],
    )
