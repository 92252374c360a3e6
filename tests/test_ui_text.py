"""Words and lines: keys that cannot break a line, numbers as people read them, what a stream may carry."""

import io

import pytest

from mcmirror.cli.style import style_of
from mcmirror.messages.plan import difference_line
from mcmirror.messages.text_style import Style, cells, cropped
from mcmirror.model.cost import Requests
from mcmirror.model.plan import Count
from mcmirror.model.problem import Category, Problem
from mcmirror.model.wording import (
    cost,
    harmless,
    objects,
    printable,
    requests_text,
    shown_bytes,
    shown_count,
    shown_seconds,
    three_parts,
)
from tests.ui_samples import EVIL, EVIL_SHOWN, PLAN


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("plain/key.txt", "plain/key.txt"),
        ("京都/金閣寺 🌅.jpg", "京都/金閣寺 🌅.jpg"),
        (EVIL, EVIL_SHOWN),
        ("\x9b31m\x7f\x85", "\\x9b31m\\x7f\\x85"),
        ("a\u2028b\u2066c\u200fd\ufeff", "a\\u2028b\\u2066c\\u200fd\\ufeff"),
        ("literal \\n", "literal \\\\n"),
        ("not utf-8 \udcff", "not utf-8 \\udcff"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_a_key_stays_on_its_line_and_can_be_read_back(key: str, shown: str) -> None:
    assert shown == printable(key)


def test_two_keys_never_look_the_same() -> None:
    assert printable("a\nb") != printable("a\\nb")


def test_harmless_keeps_line_feeds_only_when_asked() -> None:
    assert "a\\nb" == harmless("a\nb")
    assert "a\nb\\r" == harmless("a\nb\r", keep_newlines=True)


@pytest.mark.parametrize(
    ("number", "shown"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 KiB"), (1536, "1.5 KiB"), (327155712, "312 MiB"), (5 * 2**50, "5120 TiB")],
)
def test_bytes(number: int, shown: str) -> None:
    assert shown == shown_bytes(number)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (59.4, "59 s"), (59.6, "1m 00s"), (3725, "1h 02m"), (90000, "1d 01h")],
)
def test_seconds(seconds: float, shown: str) -> None:
    assert shown == shown_seconds(seconds)


def test_counts() -> None:
    assert "1 object" == objects(1)
    assert "1,204 objects, 3.0 KiB" == shown_count(Count(1204, 3072))


def test_requests_are_told_by_side_and_a_folder_is_asked_nothing() -> None:
    both = Requests(source_list=1, source_get=51, target_list=1, target_get=51)
    assert "1 LIST + 51 GET at the source; 1 LIST + 51 GET at the target" == requests_text(both)
    assert requests_text(both) == cost(both)
    assert "1 LIST + 51 GET at the target" == cost(both.asked_of(source=False, target=True))
    dear = Requests(source_list=1, target_put=10_000)
    assert cost(dear).endswith("; at AWS S3 Standard list prices $0.05 for the target, traffic not counted")
    assert "none" == cost(Requests())


def test_a_problem_has_three_parts_of_one_line_each() -> None:
    problem = Problem(Category.PERMISSION, "no\nway", "Access\x1b[2J\nDenied.", "Ask\r\n")
    assert ("no\\nway", "Access\\x1b[2J Denied.", "Ask") == three_parts(problem)


def test_differences_have_mark_bytes_reason_and_the_key_to_the_end_of_the_line() -> None:
    assert [
        "+          1000 missing    a/new.txt",
        "~           500 size       b",
        "-            20 extraneous gone",
        "=             5 content    kept",
        f"+             7 missing    {EVIL_SHOWN}",
    ] == [difference_line(one, removing=True) for one in PLAN.differences]
    left = [difference_line(one, removing=False) for one in PLAN.differences]
    assert "=            20 extraneous gone" in left


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environ", "colour", "moving"),
    [
        ({"TERM": "xterm"}, True, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False, True),
        ({"TERM": "xterm", "NO_COLOR": ""}, True, True),
        ({"TERM": "dumb"}, False, False),
        ({}, False, False),
    ],
)
def test_a_terminal_gets_what_it_can_show(environ: dict[str, str], colour: bool, moving: bool) -> None:
    style = style_of(Terminal(), environ)
    assert (colour, moving) == (style.colour, style.moving)


def test_a_pipe_gets_plain_lines_of_any_length() -> None:
    assert Style(symbols=False) == style_of(io.StringIO(), {"TERM": "xterm"})


def test_a_stream_without_unicode_gets_ascii() -> None:
    style = Style(symbols=False)
    assert "OK" == style.mark("✓")
    assert "a -> b" == style.plain("a → b")


def test_cells_count_columns() -> None:
    assert 6 == cells("京都ab")
    assert 1 == cells("e\u0301")
    assert "…都/x.jpg" == cropped("2026/京都/x.jpg", 9)
    assert "short" == cropped("short", 9)


def test_a_row_wraps_below_its_value() -> None:
    assert [
        "  why         one two three four five six",
        "              seven",
    ] == Style(width=44).row("why", "one two three four five six seven")
