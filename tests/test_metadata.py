"""What an object is, besides its bytes: carried over between object stores, compared, and repaired."""

from typing import Any

from tests.conftest import Pair
from tests.servers.command import Cli
from tests.servers.s3 import Bucket

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
