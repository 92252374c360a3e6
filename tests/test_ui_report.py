"""The block that ends a run says what happened, no better than it is."""

from dataclasses import replace

import pytest

from mcmirror.messages.next_step import next_step
from mcmirror.messages.report_text import report_lines, summary_lines
from mcmirror.messages.text_style import Style
from mcmirror.messages.verdict import verdict
from mcmirror.model.plan import Count
from mcmirror.model.problem import Category, Problem
from mcmirror.model.report import ABSENT, OTHER_METADATA, STILL_THERE, Remaining, RunReport, Status, Tally
from tests.ui_samples import DENIED, EVIL, EVIL_SHOWN, PARTIAL, PLAN, VERIFIED

PLAIN = Style()


def lines(report: RunReport, verb: str = "run") -> list[str]:
    return report_lines(report, None, verb, "mcmirror run photos", PLAIN)


def test_a_verified_run() -> None:
    assert [
        "✓ photos verified: 1,204 objects, 3.0 GiB copied",
        "  mirror      onprem/photos → aws/photos-dr",
        "  copied      1,204 objects, 3.0 GiB",
        "  equal       98,020 objects, 1.0 TiB, needed nothing",
        "  not proven  4 objects, 64.0 MiB: same size, not newer; their ETags prove nothing about the content",
        "  time        1m 12s: plan 4.1 s, mirror 1m 02s, verify 5.9 s (49.5 MiB/s)",
        "  requests    about 200 LIST + 1,204 GET at the source; 200 LIST + 1,300 PUT at the target",
    ] == lines(VERIFIED)


def test_a_plan_beside_a_folder_costs_only_at_the_server() -> None:
    plan = replace(VERIFIED, source="/srv/photos", dry_run=True)
    (cost,) = [line for line in report_lines(plan, PLAN, "plan", "x", PLAIN) if line.startswith("  cost")]
    assert cost.endswith(" at the target")
    assert "source" not in cost


def test_a_partial_run_names_problems_once_and_the_first_twenty_keys() -> None:
    shown = lines(PARTIAL)
    assert "✗ photos partial: 25 objects not as planned on the target: The target refuses to store objects" == shown[0]
    assert [
        "  problem     The target refuses to store objects [permission]",
        "  why         Access Denied.",
        "  do          Give the key s3:PutObject.",
        "              and 17 more like it",
        "  remaining   25 objects, 250 B",
        f"    - {EVIL_SHOWN}: not on the target",
    ] == shown[5:11]
    assert "    - and 5 more: --report-json FILE names the first 1,000, --json all of them" == shown[30]
    assert (
        "  next        mcmirror run photos, once that is mended: it takes up what is missing and nothing else"
        == shown[31]
    )
    assert 32 == len(shown)


def test_a_refused_run_says_what_is_to_be_done_not_what_was_not() -> None:
    refused = replace(VERIFIED, status=Status.REFUSED, verified=False, tally=Tally(planned=Count(44, 440)))
    assert "  to copy     44 objects, 440 B" in lines(refused)
    assert [] == [line for line in lines(refused) if "copied" in line]


def test_a_job_of_two_locations_is_named_once() -> None:
    pair = replace(VERIFIED, job="onprem/photos → aws/photos-dr")
    assert not [line for line in lines(pair) if line.startswith("  mirror")]


def sentence(report: RunReport, verb: str = "run") -> str:
    end = verdict(report, verb)
    return f"{end.mark} {end.word}: {end.sentence}"


LEFT = "1 object differs and was left, overwrite is off (strict makes this a failure)"
EXCLUDED = "✓ {}: nothing in scope: all 3 objects are excluded"
NOTHING = replace(VERIFIED, tally=Tally(equal=Count(5, 5)))


REPLACES, ALWAYS = "replaces the objects that differ", "overwrite = true in mcmirror.toml"


@pytest.mark.parametrize(
    ("again", "excluded", "expected"),
    [
        ("mcmirror mirror onprem/photos aws/photos-dr", 0, f"--overwrite {REPLACES}"),
        (
            "mcmirror run photos",
            0,
            f"mcmirror mirror onprem/photos aws/photos-dr --overwrite {REPLACES}, {ALWAYS} from now on",
        ),
        ("mcmirror run photos", 2, f"{ALWAYS} {REPLACES}"),
    ],
)
def test_what_was_left_is_replaced_by_what_there_is(again: str, excluded: int, expected: str) -> None:
    kept = replace(VERIFIED, tally=Tally(kept=Count(1, 2), excluded=Count(excluded, excluded)))
    assert expected == next_step(kept, "run", again)


def test_a_run_is_not_said_to_replace_what_it_may_not() -> None:
    missing = replace(VERIFIED, status=Status.PARTIAL, remaining=(Remaining("a", ABSENT),))
    differing = replace(missing, remaining=(Remaining("a", ABSENT), Remaining("b", "the source is newer")))
    assert "mcmirror run photos brings the target up to date" == next_step(missing, "verify", "mcmirror run photos")
    assert "mcmirror run photos brings the target up to date, what differs only with overwrite" == next_step(
        differing, "verify", "mcmirror run photos"
    )


ODD = Problem(Category.KEY_NOT_STORABLE, "a//b cannot be copied", "mc folds it", "Rename it.", object="a//b")


@pytest.mark.parametrize("verb", ["run", "verify"])
@pytest.mark.parametrize("status", [Status.PARTIAL, Status.FAILED])
def test_no_run_is_said_to_bring_what_cannot_be_stored(verb: str, status: Status) -> None:
    odd = Remaining("a//b", "mc folds it")
    report = replace(VERIFIED, status=status, problems=(ODD,), remaining=(odd,))
    alone = "rename it at the source, or exclude it: no run can bring such a key to the target"
    assert alone == next_step(report, verb, "mcmirror run photos")


def test_a_removal_that_remains_beside_what_cannot_be_stored_is_taken_up_by_a_run() -> None:
    remaining = (Remaining("a//b", "mc folds it"), Remaining("old", f"{STILL_THERE}: 403"))
    report = replace(VERIFIED, status=Status.PARTIAL, problems=(ODD,), remaining=remaining)
    assert next_step(report, "run", "mcmirror run photos").startswith("mcmirror run photos, once that is mended")


def test_other_metadata_is_repaired_by_the_option_that_does() -> None:
    report = replace(VERIFIED, status=Status.PARTIAL, remaining=(Remaining("a", OTHER_METADATA),))
    assert "mcmirror run photos --metadata brings the target up to date" == next_step(
        report, "verify", "mcmirror run photos"
    )


def test_a_trouble_that_may_pass_needs_nobody() -> None:
    passing = replace(PARTIAL, problems=(replace(ODD, retryable=True), *PARTIAL.problems))
    assert next_step(passing, "run", "x").startswith("x, once more")
    assert next_step(replace(PARTIAL, problems=()), "run", "x").startswith("x, once more")


def test_what_cannot_be_stored_is_named_beside_what_a_run_takes_up() -> None:
    remaining = (Remaining("a//b", "mc folds it"), Remaining("c", ABSENT))
    report = replace(VERIFIED, status=Status.PARTIAL, problems=(ODD,), remaining=remaining)
    behind = "; 1 object with a key that cannot be stored stays behind"
    assert [
        f"x, once that is mended: it takes up what is missing and nothing else{behind}",
        f"x brings the target up to date{behind}",
    ] == [next_step(report, verb, "x") for verb in ("run", "verify")]


@pytest.mark.parametrize(
    ("report", "verb", "expected"),
    [
        (NOTHING, "run", "✓ verified: nothing to do, the target was up to date"),
        (
            replace(VERIFIED, tally=Tally(kept=Count(2, 2))),
            "run",
            "✓ done: nothing to copy; 2 objects differ and were left, overwrite is off (strict makes this a failure)",
        ),
        (
            replace(VERIFIED, tally=Tally(planned=Count(3, 3), done=Count(3, 3), kept=Count(1, 2))),
            "run",
            f"✓ done: 3 objects, 3 B copied; {LEFT}",
        ),
        (
            replace(NOTHING, status=Status.PARTIAL, tally=Tally(equal=Count(5, 5), kept=Count(1, 2))),
            "run",
            "✗ partial: 1 object differs and was left, overwrite is off, and strict makes this a failure",
        ),
        (
            replace(NOTHING, dry_run=True, tally=Tally(kept=Count(1, 2))),
            "run",
            "✓ dry run: nothing to copy; 1 object differs and was left, overwrite is off",
        ),
        (replace(VERIFIED, tally=Tally()), "run", "✓ verified: the source is empty, nothing to do"),
        (replace(VERIFIED, tally=Tally(excluded=Count(3, 3))), "run", EXCLUDED.format("done")),
        (replace(VERIFIED, tally=Tally(excluded=Count(3, 3))), "verify", EXCLUDED.format("done")),
        (replace(VERIFIED, tally=Tally(excluded=Count(3, 3))), "plan", EXCLUDED.format("plan")),
        (
            replace(VERIFIED, tally=Tally(to_remove=Count(3, 3), removed=Count(3, 3), equal=Count(5, 5))),
            "run",
            "✓ verified: 3 objects removed",
        ),
        (NOTHING, "verify", "✓ verified: the target holds every object of the source"),
        (
            VERIFIED,
            "verify",
            "✓ verified: the target holds every object of the source; the content of 4 objects is not proven",
        ),
        (PARTIAL, "verify", "✗ not a true copy: 25 objects of the source missing on the target or different"),
        (replace(NOTHING, verified=False, dry_run=True), "plan", "✓ plan: nothing to do"),
        (
            replace(NOTHING, dry_run=True, tally=Tally(planned=Count(4, 3500), to_remove=Count(1, 1))),
            "run",
            "• dry run: 4 objects, 3.4 KiB to copy and 1 object to remove; nothing was changed",
        ),
        (
            replace(VERIFIED, verified=False),
            "run",
            "• not verified: 1,204 objects, 3.0 GiB copied; nothing was compared (assurance is off)",
        ),
        (replace(NOTHING, status=Status.REFUSED), "run", "✗ refused: nothing was written and nothing was removed"),
        (
            replace(PARTIAL, status=Status.FAILED),
            "verify",
            "✗ not a true copy: 25 objects of the source missing on the target or different",
        ),
        (
            replace(PARTIAL, status=Status.FAILED, tally=Tally(planned=Count(3, 3), remaining=Count(3, 3))),
            "run",
            "✗ failed: nothing of what was planned was done: The target refuses to store objects",
        ),
        (replace(NOTHING, status=Status.FAILED, verified=False), "run", "✗ failed: no verdict was reached"),
        (
            replace(PARTIAL, status=Status.CANCELLED, verified=False, signal=15),
            "run",
            "✗ cancelled: stopped by SIGTERM; of 30 objects 5 had arrived for certain",
        ),
        (
            replace(NOTHING, status=Status.CANCELLED, signal=2),
            "run",
            "✗ cancelled: stopped by Ctrl-C",
        ),
        (
            replace(NOTHING, status=Status.SKIPPED),
            "run",
            "• skipped: another run is at work on this target",
        ),
    ],
)
def test_verdicts(report: RunReport, verb: str, expected: str) -> None:
    assert expected == sentence(report, verb)


def test_an_unassured_dry_run_does_not_say_that_nothing_is_to_do() -> None:
    report = replace(VERIFIED, verified=False, dry_run=True, tally=Tally(), phases={"preflight": 0.1})
    assert "• dry run: mc was asked; it names no objects in a dry run" == sentence(report)


def test_a_failure_that_repeats_is_counted() -> None:
    failed = replace(NOTHING, status=Status.FAILED, verified=False, problems=(DENIED,))
    assert [
        "✗ failed: The target refuses to store objects",
        "✗ failed: The target refuses to store objects (2nd time)",
        "✗ failed: The target refuses to store objects (13th time)",
    ] == [sentence(replace(failed, failures=number)) for number in (1, 2, 13)]
    assert "time)" not in sentence(replace(failed, status=Status.CANCELLED, failures=2))
    assert lines(failed)[0].endswith("objects")
    assert lines(replace(failed, failures=2))[0].endswith("objects (2nd time)")


def test_what_is_not_certain_is_not_called_copied() -> None:
    report = replace(PARTIAL, status=Status.CANCELLED, verified=False, signal=2)
    assert "  copied      5 of 30 objects, 50 B of 300 B for certain" in lines(report)


def test_nothing_that_comes_from_outside_reaches_a_terminal_raw() -> None:
    problem = Problem(Category.UNKNOWN, EVIL, EVIL, EVIL, object=EVIL)
    report = replace(
        PARTIAL, job=EVIL, source=EVIL, target=EVIL, problems=(problem, DENIED), remaining=(Remaining(EVIL, EVIL),)
    )
    for line in lines(report):
        assert not set(line) & set("\n\r\t\x1b\u202e")


def test_colours_add_nothing_but_colours() -> None:
    from rich.text import Text

    colourful = report_lines(PARTIAL, PLAN, "run", "x", Style(colour=True))
    assert any("\x1b[" in line for line in colourful)
    assert report_lines(PARTIAL, PLAN, "run", "x", PLAIN) == [Text.from_ansi(line).plain for line in colourful]


def test_several_jobs_in_one_line_and_those_that_did_not_succeed_by_name() -> None:
    assert ["✗ 1 of 2 jobs succeeded", "  partial: photos (exit code 3)"] == summary_lines([VERIFIED, PARTIAL], PLAIN)
    assert ["✓ 1 of 1 jobs succeeded"] == summary_lines([VERIFIED], PLAIN)
