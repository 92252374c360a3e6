"""What counts as another object besides the bytes, and what servers and mc add that does not."""

import pytest

from mcmirror.model.attributes import Attributes, differing, read_attributes, set_by
from mcmirror.model.cost import Requests, estimate
from mcmirror.model.job import Job, MirrorOptions, Tags
from mcmirror.model.location import Location
from mcmirror.model.plan import Count, Entry, Plan

ENTRY = Entry("k", 1, "e", "2026-01-01T00:00:00")


def read(expires: str = "", **metadata: str) -> Attributes:
    return read_attributes({name.replace("_", "-"): value for name, value in metadata.items()}, expires, ENTRY)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"Content_Type": "binary/octet-stream"}, {}),
        ({"Content_Type": "application/octet-stream"}, {"content_type": "binary/octet-stream"}),
        ({"X_Amz_Meta_Who": "me"}, {"x_amz_meta_who": "me"}),
        ({"X_Amz_Meta_Mc_Attrs": "mtime:1", "X_Amz_Meta_Mm_Source_Mtime": "2"}, {}),
        ({"Content_Encoding": "aws-chunked"}, {}),
        ({"Content_Encoding": "gzip,aws-chunked"}, {"Content_Encoding": "gzip"}),
        ({"X_Amz_Server_Side_Encryption": "AES256", "X_Amz_Storage_Class": "STANDARD", "Etag": "1"}, {}),
        ({"X_Amz_Tagging_Count": "0"}, {}),
    ],
)
def test_the_same(one: dict[str, str], other: dict[str, str]) -> None:
    assert () == differing(read(**one), read(**other))


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ({"Content_Type": "text/plain"}, {"Content_Type": "text/html"}, "Content-Type"),
        ({"Content_Encoding": "gzip"}, {}, "Content-Encoding"),
        ({}, {"Cache_Control": "no-cache"}, "Cache-Control"),
        ({"X_Amz_Meta_Who": "me"}, {"X_Amz_Meta_Who": "you"}, "x-amz-meta-who"),
        ({"X_Amz_Tagging_Count": "2"}, {"X_Amz_Tagging_Count": "1"}, "tags"),
        ({"expires": "2033-12-01T16:00:00Z"}, {}, "Expires"),
    ],
)
def test_another_one(one: dict[str, str], other: dict[str, str], expected: str) -> None:
    assert (expected,) == differing(read(**one), read(**other))
    assert () == differing(read(**one), read(**other), {expected})


def test_what_the_job_gives_to_every_copy_is_no_difference() -> None:
    assert {"Cache-Control", "x-amz-meta-who", "x-amz-meta-x"} == set_by("cache-control=no-cache;Who=me;x-amz-meta-X=1")
    assert not set_by("")


@pytest.mark.parametrize(
    ("target", "options", "flag", "wanted"),
    [
        ("dst/b", MirrorOptions(), True, True),
        ("dst/b", MirrorOptions(preserve=False), False, False),
        ("dst/b", MirrorOptions(tags=Tags.OFF), False, True),
        ("/folder", MirrorOptions(), False, False),
        ("/folder", MirrorOptions(preserve=True, tags=Tags.OFF), True, True),
    ],
)
def test_mc_is_asked_to_carry_it_between_object_stores(
    target: str, options: MirrorOptions, flag: bool, wanted: bool
) -> None:
    job = Job("x", Location.parse("src/a"), Location.parse(target), options)

    assert (flag, wanted) == (job.carried.preserve, job.preserves)


def test_tags_that_are_carried_by_calls_stand_in_the_cost() -> None:
    plan = Plan(missing=Count(3, 3))
    without, with_calls = (estimate(Plan(missing=plan.missing, tag_calls=calls), removals=0) for calls in (False, True))

    assert without + Requests(source_head=3, source_get=3, target_head=3, target_get=3, target_put=3) == with_calls
