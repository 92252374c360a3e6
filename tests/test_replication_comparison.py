"""Two listings of versions, compared: what the merge finds is what sets find."""

from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcmirror.model.problem import ListingBroken
from mcmirror.model.replication import Carried
from mcmirror.model.replication_status import Gap, Version
from mcmirror.replication.comparison import compare, written_since

MD5, OTHER = "0" * 32, "1" * 32
ALL = frozenset(Carried)
VERSIONS = st.lists(
    st.builds(
        Version,
        st.sampled_from(["a", "a/", "a/b", "b", "ü"]),
        st.sampled_from(["1", "2", "3"]),
        st.integers(0, 2),
        st.sampled_from([MD5, OTHER, f"{MD5}-2", ""]),
        st.sampled_from(["2026-01-01T00:00:00", "2026-01-02T00:00:00"]),
        st.booleans(),
    ),
    unique_by=lambda version: (version.key, version.id),
)


def listed(versions: list[Version]) -> list[Version]:
    return sorted(versions, key=lambda version: version.key)


@given(VERSIONS, VERSIONS)
def test_the_merge_finds_what_sets_find(source: list[Version], target: list[Version]) -> None:
    found = compare(iter(listed(source)), iter(listed(target)), ALL)
    ours, theirs = ({(one.key, one.id): one for one in side} for side in (source, target))
    missing = [ours[key] for key in ours.keys() - theirs.keys()]
    assert {(one.key, one.id) for one in missing} == named(found.named, Gap.MISSING)
    assert theirs.keys() - ours.keys() == named(found.named, Gap.EXTRA)
    assert min((one.modified for one in missing), default="") == found.oldest
    assert (len(source), len(target)) == (found.source.number, found.target.number)
    assert sum(one.size for one in missing if not one.marker) == found.missing.bytes
    for key in ours.keys() & theirs.keys():
        one, other = ours[key], theirs[key]
        both = all(etag in {MD5, OTHER} for etag in (one.etag, other.etag))
        same = (one.size, one.marker) == (other.size, other.marker) and not (both and one.etag != other.etag)
        assert same == (key not in named(found.named, Gap.DIFFERENT))


@given(VERSIONS, VERSIONS)
def test_markers_count_only_where_they_are_replicated(source: list[Version], target: list[Version]) -> None:
    found = compare(iter(listed(source)), iter(listed(target)), frozenset())
    assert 0 == found.missing.markers + found.extra.markers
    assert not [one for one in found.named if one.version.marker]


@given(VERSIONS, st.sampled_from(["", "2026-01-01T00:00:00", "2026-01-03T00:00:00"]))
def test_what_was_written_since(source: list[Version], moment: str) -> None:
    found = written_since(iter(listed(source)), moment, ALL)
    late = [one for one in source if one.modified > moment]
    assert len(late) == found.missing.number
    assert not found.whole
    latest = {key: next(iter(group)) for key, group in groupby(listed(source), lambda one: one.key)}
    assert all(one.latest == (latest[one.version.key] is one.version) for one in found.named)


def test_a_listing_out_of_order_is_not_compared() -> None:
    versions = [Version(key, "1", 0, "", "") for key in ("b", "a")]
    with pytest.raises(ListingBroken):
        compare(iter(versions), iter(()), ALL)


def named(found: object, gap: Gap) -> set[tuple[str, str]]:
    assert isinstance(found, tuple)
    return {(one.version.key, one.version.id) for one in found if one.gap is gap}
