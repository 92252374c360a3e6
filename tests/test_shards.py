"""Shards cover every planned copy exactly once."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcmirror.engine.shards import Part, by_folder, by_prefix

Cut = Callable[[list[tuple[str, int]], int], tuple[Part, ...]]

KEYS = st.lists(st.text("ab/c", min_size=1, max_size=7), max_size=60, unique=True).map(
    lambda keys: sorted((key, len(key)) for key in keys)
)


def covered(shard: Part, key: str) -> bool:
    return key.startswith(shard.prefix) and not (shard.flat and "/" in key[len(shard.prefix) :])


@pytest.mark.parametrize("cut", [by_prefix, by_folder])
@given(copies=KEYS, size=st.integers(1, 12))
def test_every_key_is_in_exactly_one_shard_that_counts_it(cut: Cut, copies: list[tuple[str, int]], size: int) -> None:
    shards = cut(copies, size)

    for key, _ in copies:
        assert 1 == sum(covered(shard, key) for shard in shards), (key, shards)
    for shard in shards:
        inside = [length for key, length in copies if covered(shard, key)]
        assert (len(inside), sum(inside)) == (shard.objects, shard.bytes)


@given(copies=KEYS, size=st.integers(1, 12))
def test_folders_end_at_a_slash(copies: list[tuple[str, int]], size: int) -> None:
    assert all(not shard.prefix or shard.prefix.endswith("/") for shard in by_folder(copies, size))


def test_a_flat_bucket_is_cut_by_prefix() -> None:
    copies = [(f"o-{number:05}.bin", 4096) for number in range(1000)]

    assert [f"o-00{digit}" for digit in range(10)] == [shard.prefix for shard in by_prefix(copies, 62)]
    assert (Part("", 1000, 4096000),) == by_folder(copies, 62)


def test_twenty_folders_are_twenty_shards() -> None:
    copies = [(f"folder-{folder:02}/o-{number:03}", 1) for folder in range(20) for number in range(100)]

    assert [f"folder-{folder:02}/" for folder in range(20)] == [shard.prefix for shard in by_folder(copies, 120)]


def test_a_folder_of_very_many_small_folders_stays_whole() -> None:
    copies = [(f"item/{number:05}/name", 1) for number in range(2000)]

    assert (Part("item/", 2000, 2000),) == by_folder(copies, 100)


def test_a_folders_own_keys_are_a_flat_shard() -> None:
    copies = sorted(
        [(f"{name}/{number:02}", 1) for name in "ab" for number in range(50)]
        + [("z", 1)] * 0
        + [(f"own-{number:02}", 1) for number in range(50)]
    )

    assert {("", True, 50), ("a/", False, 50), ("b/", False, 50)} == {
        (shard.prefix, shard.flat, shard.objects) for shard in by_folder(copies, 50)
    }


def test_a_prefix_that_mc_would_resolve_is_not_used() -> None:
    copies = sorted((f"{name}{number}", 1) for name in ("a", ".") for number in range(10))

    assert () == by_prefix(copies, 10)
