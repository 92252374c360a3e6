"""The plan: which differences two listings have, whatever the listings."""

from collections.abc import Iterable, Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcmirror.engine.compare import Rules, difference, merge, plan, proven
from mcmirror.model.plan import (
    Changed,
    Count,
    Difference,
    Entry,
    Extraneous,
    Impossible,
    Kept,
    Missing,
    Plan,
    Reason,
)

MD5_A, MD5_B = "a" * 32, "b" * 32
PARTS = "c" * 32 + "-2"
EARLY, LATE = "2026-01-01T00:00:00", "2026-01-01T00:00:00.5"


def entry(key: str = "k", size: int = 1, etag: str = MD5_A, modified: str = EARLY) -> Entry:
    return Entry(key, size, etag, modified)


def planned(source: Iterable[Entry], target: Iterable[Entry], rules: Rules | None = None) -> Plan:
    steps = plan(merge(iter(source), iter(target)), rules or Rules(overwrite=True))
    while True:
        try:
            next(steps)
        except StopIteration as end:
            made: Plan = end.value
            return made


def differences(made: Plan) -> list[Difference]:
    return list(made.differences)


def test_equal_is_same_size_source_not_newer_and_same_md5() -> None:
    assert difference(entry(), entry(modified=LATE)) is None
    assert difference(entry(size=2), entry()) is Reason.SIZE
    assert difference(entry(etag=PARTS, modified=LATE), entry(etag=PARTS)) is Reason.NEWER
    assert difference(entry(etag=MD5_B, modified=LATE), entry()) is Reason.NEWER
    assert difference(entry(), entry(etag=MD5_B)) is Reason.CONTENT


def test_multipart_etags_prove_nothing() -> None:
    assert difference(entry(etag=PARTS), entry(etag=MD5_A)) is None
    assert not proven(entry(etag=PARTS), entry(etag=PARTS))
    assert not proven(entry(etag=""), entry(etag=""))
    assert proven(entry(), entry())
    made = planned([entry(etag=PARTS)], [entry(etag=PARTS)])
    assert (made.equal, made.unproven) == (Count(1, 1), Count(1, 1))


def test_every_kind_of_difference_is_counted_and_named() -> None:
    source = [entry("a"), entry("b", size=5), entry("c"), entry("e")]
    target = [entry("b", size=3), entry("c", etag=MD5_B), entry("d"), entry("e", modified=LATE)]
    made = planned(source, target)
    assert differences(made) == [
        Missing(source[0]),
        Changed(source[1], target[0], Reason.SIZE),
        Changed(source[2], target[1], Reason.CONTENT),
        Extraneous(target[2]),
    ]
    assert made.copies == Count(3, 7)
    assert (made.missing, made.changed, made.drifted) == (Count(1, 1), Count(2, 6), Count(1, 1))
    assert (made.extraneous, made.equal) == (Count(1, 1), Count(1, 1))
    assert (made.source.objects, made.target.objects) == (4, 4)


def test_without_overwrite_what_differs_is_kept() -> None:
    made = planned([entry(size=2)], [entry()], Rules())
    assert differences(made) == [Kept(entry(size=2), entry(), Reason.SIZE)]
    assert (made.kept, made.copies) == (Count(1, 2), Count())


@pytest.mark.parametrize("overwrite", [False, True])
def test_the_same_content_is_equal_whatever_the_clocks_say(overwrite: bool) -> None:
    made = planned([entry(modified=LATE)], [entry()], Rules(overwrite=overwrite))

    assert (Count(1, 1), Count(1, 1), Count()) == (made.equal, made.outdated, made.unproven)
    assert [] == differences(made)


def test_known_incomparable_etags_are_no_drift() -> None:
    marks = (entry().mark, entry(etag=MD5_B).mark)
    rules = Rules(overwrite=True, incomparable=lambda *row: row == ("k", *marks))
    made = planned([entry()], [entry(etag=MD5_B)], rules)
    assert (made.equal, made.unproven, made.changed) == (Count(1, 1), Count(1, 1), Count())


def test_excluded_keys_count_on_neither_side() -> None:
    rules = Rules(overwrite=True, excluded=lambda entry: entry.key == "x")
    made = planned([entry("x")], [entry("x", size=9), entry("y")], rules)
    assert (made.excluded, made.source, made.target) == (Count(1, 1), Count(), Count(1, 1))
    assert differences(made) == [Extraneous(entry("y"))]


def test_ages_leave_source_objects_out_and_never_make_them_extraneous() -> None:
    rules = Rules(overwrite=True, written_after="2026-01-01T00:00:00.1")
    made = planned([entry("old"), entry("young", modified=LATE)], [entry("old", size=4)], rules)
    assert (made.excluded, differences(made)) == (Count(1, 1), [Missing(entry("young", modified=LATE))])


def test_impossible_keys_are_named_with_the_reason() -> None:
    rules = Rules(impossible=lambda entry: "folded" if "//" in entry.key else "")
    made = planned([entry("a//b"), entry("c")], [], rules)
    assert differences(made) == [Impossible(entry("a//b"), "folded"), Missing(entry("c"))]
    assert (made.impossible, made.copies) == (Count(1, 1), Count(1, 1))


keys = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=3)
sides = st.dictionaries(keys, st.integers(0, 3), max_size=30)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(sides, sides, st.booleans())
def test_a_plan_is_the_difference_of_two_dictionaries(
    source: dict[str, int], target: dict[str, int], ticking: bool
) -> None:
    def stream(side: dict[str, int]) -> Iterator[Entry | None]:
        for key in sorted(side):
            if ticking:
                yield None
            yield entry(key, side[key])

    steps = plan(merge(stream(source), stream(target)), Rules(overwrite=True))
    while True:
        try:
            next(steps)
        except StopIteration as end:
            made: Plan = end.value
            break
    found = {type(item).__name__: set[str]() for item in made.differences}
    for item in made.differences:
        key = item.target.key if isinstance(item, Extraneous) else item.source.key
        found[type(item).__name__].add(key)
    assert found.get("Missing", set()) == source.keys() - target.keys()
    assert found.get("Extraneous", set()) == target.keys() - source.keys()
    assert found.get("Changed", set()) == {key for key in source.keys() & target.keys() if source[key] != target[key]}
    assert made.equal.objects == len({key for key in source.keys() & target.keys() if source[key] == target[key]})
