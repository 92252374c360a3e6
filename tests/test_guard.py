"""What is refused before the first write, and what the verdict is afterwards."""

from dataclasses import replace

import pytest

from mcmirror.engine.attempts import pause
from mcmirror.engine.guard import after_planning, after_second_look, before_listing
from mcmirror.engine.judge import judge, judge_copy, judge_unverified
from mcmirror.model.job import Assurance, Job, MaxDelete, MirrorOptions
from mcmirror.model.location import Alias, Location
from mcmirror.model.plan import Count, Plan
from mcmirror.model.problem import Category
from mcmirror.model.report import ExitCode, Status, Tally

ALIASES = {
    "a": Alias("a", "http://one:9000"),
    "b": Alias("b", "http://two:9000"),
    "again": Alias("again", "http://ONE:9000/"),
    "here": Alias("here", "http://127.0.0.1:9000"),
    "same": Alias("same", "http://localhost:9000"),
    "first": Alias("first", "https://first.r2.example.com"),
    "second": Alias("second", "https://second.r2.example.com"),
}


def job(source: str = "a/src", target: str = "b/dst", **options: bool) -> Job:
    return Job("j", Location.parse(source), Location.parse(target), MirrorOptions(**options))  # type: ignore[arg-type]


def refusal(job: Job, plan: Plan | None = None) -> Category | None:
    found = before_listing(job, ALIASES) if plan is None else after_planning(job, plan)
    return found.category if found else None


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ("a/src", "b/dst", None),
        ("a", "b/dst", Category.ALIAS_ROOT),
        ("a/src", "b", Category.ALIAS_ROOT),
        ("a/src", "a/src", Category.OVERLAP),
        ("a/src", "a/src/backup", Category.OVERLAP),
        ("a/src/x", "a/src", Category.OVERLAP),
        ("a/src", "again/src/backup", Category.OVERLAP),
        ("here/src", "same/src/backup", Category.OVERLAP),
        ("first/src", "second/src", None),
        ("a/src", "a/src2", None),
        ("a/src", "b/src", None),
        ("/data", "/data/copy", Category.OVERLAP),
        ("/data", "/data2", None),
        ("/src", "a/src", None),
    ],
)
def test_places_that_cannot_be_meant(source: str, target: str, expected: Category | None) -> None:
    assert refusal(job(source, target)) == expected


SECURE, LOOSE, PLAIN = (
    Alias("secure", "https://one"),
    Alias("loose", "https://two", insecure=True),
    Alias("plain", "http://three"),
)


@pytest.mark.parametrize(("source", "target", "expected"), [
    (SECURE, LOOSE, Category.TLS_NOT_TRUSTED),
    (LOOSE, SECURE, Category.TLS_NOT_TRUSTED),
    (LOOSE, LOOSE, None),
    (LOOSE, PLAIN, None),
    (SECURE, PLAIN, None),
])  # fmt: skip
def test_unchecked_certificates_of_one_side_are_not_those_of_the_other(
    source: Alias, target: Alias, expected: Category | None
) -> None:
    aliases = {source.name: source, target.name: target}
    both = job(f"{source.name}/a", f"{target.name}/b")

    found = before_listing(both, aliases)

    assert expected is (found and found.category)
    assert before_listing(both, aliases, copies=False) is None, "each side has an mc of its own"


def test_assurance_off_with_remove_wants_it_spelled_out() -> None:
    careless = replace(job(remove=True), assurance=Assurance.OFF)
    assert refusal(careless) is Category.TOO_MANY_DELETES
    assert refusal(replace(careless, max_delete=MaxDelete.parse("unlimited"))) is None


@pytest.mark.parametrize(
    ("source", "target", "extraneous", "max_delete", "expected"),
    [
        (0, 8, 8, "25%", Category.SOURCE_EMPTY),
        (0, 8, 8, "100", Category.SOURCE_EMPTY),
        (0, 8, 8, "unlimited", None),
        (0, 0, 0, "25%", None),
        (100, 100, 25, "25%", None),
        (100, 100, 26, "25%", Category.TOO_MANY_DELETES),
        (10, 20, 10, "25%", None),
        (10, 21, 11, "25%", Category.TOO_MANY_DELETES),
        (100, 100, 3, "2", Category.TOO_MANY_DELETES),
        (100, 100, 2, "2", None),
        (100, 100, 1, "0", Category.TOO_MANY_DELETES),
    ],
)
def test_deletes(source: int, target: int, extraneous: int, max_delete: str, expected: Category | None) -> None:
    plan = Plan(source=Count(source), target=Count(target), extraneous=Count(extraneous))
    removing = replace(job(remove=True), max_delete=MaxDelete.parse(max_delete))
    assert refusal(removing, plan) == expected
    assert refusal(replace(removing, options=MirrorOptions()), plan) is None


@pytest.mark.parametrize(
    ("before", "source", "excluded", "max_delete", "expected"),
    [
        (5, 0, 0, "25%", Category.SOURCE_EMPTY),
        (5, 0, 0, "unlimited", None),
        (5, 0, 3, "25%", None),
        (5, 1, 0, "25%", None),
        (0, 0, 0, "25%", None),
    ],
)
def test_a_source_that_is_empty_all_of_a_sudden(
    before: int, source: int, excluded: int, max_delete: str, expected: Category | None
) -> None:
    plan = Plan(source=Count(source), excluded=Count(excluded), target=Count(5), extraneous=Count(5 - source))
    for options in (MirrorOptions(), MirrorOptions(remove=True)):
        found = after_planning(replace(job(), options=options, max_delete=MaxDelete.parse(max_delete)), plan, before)
        assert expected == (found.category if found and not (options.remove and expected is None) else None)


@pytest.mark.parametrize(
    ("before", "now", "max_delete", "believed"),
    [
        (100, 100, "25%", True),
        (100, 120, "25%", True),
        (100, 75, "25%", True),
        (100, 74, "25%", False),
        (100, 74, "30%", True),
        (100, 75, "0", True),
        (100, 74, "0", False),
        (100, 75, "0%", True),
        (100, 1, "unlimited", True),
        (100, 0, "unlimited", False),
        (20, 10, "25%", True),
        (20, 9, "25%", False),
        (1, 0, "25%", False),
        (2, 0, "100%", False),
        (0, 0, "25%", True),
    ],
)
def test_a_source_that_shrinks_at_the_second_look(before: int, now: int, max_delete: str, *, believed: bool) -> None:
    found = after_second_look(replace(job(), max_delete=MaxDelete.parse(max_delete)), before, now)
    assert (None if believed else Category.SOURCE_SHRANK) == (found.category if found else None)


@pytest.mark.parametrize(
    ("limit", "deletes", "of", "few", "allowed"),
    [
        ("25%", 10, 20, True, True),
        ("25%", 10, 19, True, False),
        ("25%", 1, 1, True, True),
        ("25%", 2, 3, True, False),
        ("25%", 1, 2, True, True),
        ("25%", 10, 20, False, False),
        ("25%", 5, 20, False, True),
        ("0%", 1, 1000, True, False),
        ("0%", 0, 1000, True, True),
        ("0.5%", 10, 1000, True, True),
        ("100%", 7, 7, False, True),
    ],
)
def test_a_few_removals_are_allowed_up_to_half_of_the_target(
    limit: str, deletes: int, of: int, *, few: bool, allowed: bool
) -> None:
    assert allowed == MaxDelete.parse(limit).allows(deletes, of, few=few)


@pytest.mark.parametrize(("before", "expected"), [(0, None), (20, None), (26, None), (27, Category.TOO_MANY_DELETES)])
def test_a_few_removals_are_no_matter_of_course_when_the_source_shrank(before: int, expected: Category | None) -> None:
    plan = Plan(source=Count(20), target=Count(30), extraneous=Count(10))
    found = after_planning(job(remove=True), plan, before)
    assert expected == (found.category if found else None)


def test_a_refusal_says_what_the_source_held_before() -> None:
    plan = Plan(source=Count(10), target=Count(1000), extraneous=Count(990))
    found = after_planning(job(remove=True), plan, 1000)
    assert found is not None
    assert "the source held 1,000 objects at the last success and holds 10 now" in found.cause


def test_one_object_is_one_object() -> None:
    found = after_planning(job(), Plan(), 1)
    assert found is not None
    assert "is empty, and it held 1 object at the last success" in found.message


ONE = Count(1, 1)


@pytest.mark.parametrize(
    ("tally", "decided", "strict", "stopped", "expected"),
    [
        (Tally(), True, False, False, Status.SUCCEEDED),
        (Tally(planned=ONE, done=ONE), True, False, False, Status.SUCCEEDED),
        (Tally(planned=ONE, remaining=ONE), True, False, False, Status.FAILED),
        (Tally(planned=ONE, remaining=ONE, equal=ONE), True, False, False, Status.PARTIAL),
        (Tally(planned=ONE + ONE, done=ONE, remaining=ONE), True, False, False, Status.PARTIAL),
        (Tally(planned=ONE, done=ONE), False, False, False, Status.FAILED),
        (Tally(planned=ONE, done=ONE), True, False, True, Status.CANCELLED),
        (Tally(kept=ONE, equal=ONE), True, False, False, Status.SUCCEEDED),
        (Tally(kept=ONE, equal=ONE), True, True, False, Status.PARTIAL),
    ],
)
def test_verdict(tally: Tally, decided: bool, strict: bool, stopped: bool, expected: Status) -> None:
    assert judge(tally, decided=decided, strict=strict, stopped=stopped) == expected


def test_a_copy_that_could_be_looked_at_is_at_worst_partial() -> None:
    assert judge_copy(Tally(remaining=ONE), decided=True, strict=False, stopped=False) is Status.PARTIAL
    assert judge_copy(Tally(remaining=ONE), decided=False, strict=False, stopped=False) is Status.FAILED


@pytest.mark.parametrize(
    ("exit_code", "errors", "announced", "expected"),
    [(0, 0, 5, Status.SUCCEEDED), (0, 1, 5, Status.PARTIAL), (1, 0, 0, Status.FAILED), (0, 1, 0, Status.FAILED)],
)
def test_without_assurance_any_error_line_counts(exit_code: int, errors: int, announced: int, expected: Status) -> None:
    assert judge_unverified(exit_code=exit_code, errors=errors, announced=announced, stopped=False) == expected


def test_the_worst_exit_code_wins() -> None:
    assert ExitCode.worst([]) is ExitCode.SUCCEEDED
    assert ExitCode.worst([ExitCode.PARTIAL, ExitCode.SUCCEEDED, ExitCode.LOCKED]) is ExitCode.PARTIAL
    assert ExitCode.worst([ExitCode.REFUSED, ExitCode.FAILED]) is ExitCode.FAILED
    assert ExitCode.worst([ExitCode.FAILED, ExitCode.SIGINT]) is ExitCode.SIGINT


def test_pauses_double_with_jitter_and_an_end() -> None:
    assert [pause(5, attempt, 0.5) for attempt in (1, 2, 3)] == [5, 10, 20]
    assert (pause(8, 1, 0), pause(8, 1, 1)) == (6, 10)
    assert pause(60, 30, 0.5) == 900
