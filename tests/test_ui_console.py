"""The console: plain lines on a pipe, a display that moves on a terminal, and one arithmetic of progress for both."""

import io
import os
import pty
import threading
from dataclasses import replace

import pytest

from mcmirror.cli.console import Console, Manner
from mcmirror.cli.live_lines import board_lines
from mcmirror.messages.text_style import Style, cells
from mcmirror.model.event import (
    CopyStarted,
    Listed,
    McSaid,
    Moved,
    Phase,
    PhaseStarted,
    Planned,
    Retrying,
    RunFinished,
    RunStarted,
)
from mcmirror.model.plan import Count, Plan
from mcmirror.model.progress import ProgressTracker
from tests.ui_samples import EVIL, EVIL_SHOWN, PARTIAL, VERIFIED, run_events
from tests.waiting import until

PLANNED = "  1,205 objects at the source: 4 to copy (3.4 KiB), 1,200 equal, 1 different and kept, 2 on the target only"


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def spoken(manner: Manner, *, style: Style | None = None) -> list[str]:
    stream = io.StringIO()
    with Console(stream, style or Style(), manner, clock=Clock()) as console:
        for event in run_events():
            console(event)
    return stream.getvalue().splitlines()


def test_a_pipe_gets_a_line_a_phase_and_the_report() -> None:
    assert [
        "photos: onprem/photos → aws/photos-dr",
        "  checking",
        "  listing",
        PLANNED,
        "  copying",
        "  problem: The target refuses to store objects",
        "  verifying",
        "  removing",
        "✓ photos verified: 1,204 objects, 3.0 GiB copied",
    ] == spoken(Manner())[:9]


def test_quiet_says_nothing_of_a_success_and_all_of_a_failure() -> None:
    assert [] == spoken(Manner(quiet=True))
    stream = io.StringIO()
    with Console(stream, Style(), Manner(quiet=True)) as console:
        console(RunFinished("photos", PARTIAL))
    assert stream.getvalue().startswith("✗ photos partial")


def test_where_nothing_ran_nothing_is_said_of_success() -> None:
    stream = io.StringIO()
    with Console(stream, Style(), Manner(jobs=2)):
        pass
    assert "" == stream.getvalue()


def test_several_jobs_have_their_names_before_each_line() -> None:
    lines = spoken(Manner(jobs=2))
    assert "photos: listing" in lines
    assert "✓ 1 of 1 jobs succeeded" == lines[-1]


def test_progress_is_a_line_every_few_seconds() -> None:
    stream, clock = io.StringIO(), Clock()
    plan = Plan(source=Count(10, 2000), missing=Count(10, 2000))
    console = Console(stream, Style(), Manner(), clock=clock)
    console(Planned("a", plan))
    console(PhaseStarted("a", Phase.MIRROR))
    console(CopyStarted("a", EVIL, 500))
    for second in range(1, 13):
        clock.now = float(second)
        console(Moved("a", second * 20))
    lines = [line for line in stream.getvalue().splitlines() if "of 10" in line]
    assert 2 == len(lines)
    assert lines[0].startswith("  copying: 1 of 10 objects begun, 100 B of 2.0 KiB, 20 B/s")
    assert lines[1].startswith("  copying: 1 of 10 objects begun, 200 B of 2.0 KiB, 20 B/s")


def test_what_mc_says_is_shown_for_debugging_only_and_without_secrets() -> None:
    def said(debug: bool) -> str:
        stream = io.StringIO()
        manner = Manner(debug=debug, redact=lambda text: text.replace("hunter22", "***"))
        Console(stream, Style(), manner)(McSaid("a", '{"x":"hunter22\x1b"}'))
        return stream.getvalue()

    assert "" == said(debug=False)
    assert '  a: mc: {"x":"***\\x1b"}\n' == said(debug=True)


def test_without_colour_no_escape_reaches_the_stream() -> None:
    assert not [line for line in spoken(Manner()) if "\x1b" in line]
    assert [line for line in spoken(Manner(), style=Style(colour=True)) if "\x1b[" in line]


def track_of(*, total: Count = Count(10, 1000)) -> ProgressTracker:
    track = ProgressTracker("photos", "src/a", "dst/b")
    track.see(Planned("photos", Plan(missing=total)), 0)
    track.see(PhaseStarted("photos", Phase.MIRROR), 0)
    return track


def test_bytes_are_never_more_than_were_announced() -> None:
    track = track_of()
    track.see(CopyStarted("photos", "k", 300), 0)
    track.see(Moved("photos", 5000), 1)
    assert 300 == track.bytes
    assert 0.1 == round(track.fraction, 2)


def test_without_counters_what_was_announced_counts() -> None:
    track = track_of()
    track.see(Moved("photos", -1), 0)
    track.see(CopyStarted("photos", "k", 300), 0)
    assert 300 == track.bytes


def test_rate_and_time_left_come_from_the_last_seconds() -> None:
    track = track_of(total=Count(1, 1_000_000))
    track.see(CopyStarted("photos", "k", 1_000_000), 0)
    for second in range(1, 31):
        track.see(Moved("photos", 100_000 + 20_000 * second), second)
    assert 20_000.0 == track.rate(30)
    left = track.seconds_left(30)
    assert left is not None
    assert 15 == round(left)


def test_nothing_is_guessed_before_there_is_something_to_go_by() -> None:
    track = track_of()
    assert 0.0 == track.rate(5)
    assert track.seconds_left(5) is None
    assert 0.0 == ProgressTracker("x").fraction


def test_a_retry_counts_what_is_left() -> None:
    track = track_of()
    track.see(CopyStarted("photos", "k", 300), 0)
    track.see(Retrying("photos", 2, 5.0, 4), 1)
    track.see(CopyStarted("photos", "k", 300), 2)
    assert (0.25, Count(4, 0)) == (track.fraction, track.total)


def test_the_board_fits_its_width() -> None:
    track = track_of(total=Count(1234, 5 * 2**30))
    track.see(CopyStarted("photos", "京都/" * 60 + EVIL, 2**30), 0)
    for second in range(1, 20):
        track.see(Moved("photos", second * 10**7), second)
    for width in (30, 60, 80, 120):
        for jobs in (1, 3):
            style = Style(width=width)
            lines = board_lines([track], 0, jobs, 20, style)
            assert max(map(cells, lines)) <= max(width, 45)
    line, detail = board_lines([track], 0, 1, 20, Style(width=80))
    assert line.startswith(" copying   ━──")
    assert line.endswith("   3%  8.7 MiB/s  9m 39s left")
    assert detail.startswith(" 1 of 1,234 objects begun · 181 MiB of 5.0 GiB · …")
    assert detail.endswith(EVIL_SHOWN[-30:])


def test_the_board_counts_jobs_when_there_are_several() -> None:
    track = ProgressTracker("photos", "src/a", "dst/b")
    track.see(PhaseStarted("photos", Phase.PLAN), 0)
    track.see(Listed("photos", 2000, 1000), 0)
    assert [
        " photos listing  ",
        "        2,000 objects at the source, 1,000 on the target listed",
        " 3 of 7 jobs done, 1 running",
    ] == board_lines([track], 3, 7, 0, Style(width=80))


def test_a_terminal_gets_a_display_that_leaves_only_the_report(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("NO_COLOR", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)
    leader, follower = pty.openpty()
    shown = bytearray()

    def read() -> None:
        try:
            while piece := os.read(leader, 65536):
                shown.extend(piece)
        except OSError:
            return

    reader = threading.Thread(target=read)
    reader.start()
    with os.fdopen(follower, "w", encoding="utf-8") as stream:
        with Console(stream, Style(colour=True, width=80, moving=True), Manner()) as console:
            console(RunStarted("photos", "src/a", "dst/b", dry_run=False))
            console(Planned("photos", Plan(missing=Count(10, 1000))))
            console(PhaseStarted("photos", Phase.MIRROR))
            console(CopyStarted("photos", EVIL, 500))
            until(lambda: b"1 of 10 objects" in shown)
            console(RunFinished("photos", replace(VERIFIED, problems=())))
        stream.flush()
        until(lambda: b"\x1b[?25h" in shown and b"3.0 GiB copied" in shown)
    reader.join(timeout=60)
    os.close(leader)
    text = shown.decode()
    assert EVIL_SHOWN in text
    assert "\x1b[2J" not in text
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")
    assert text.index("1 of 10 objects") < text.index("3.0 GiB copied")
    assert "1 of 10 objects" not in text[text.index("3.0 GiB copied") :]
