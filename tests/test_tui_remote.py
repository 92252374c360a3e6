"""Attached to a server over a line that breaks: it comes back by itself, says it is stale, and goes on where it was."""

import asyncio
import threading
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from mcmirror.http.client import Client
from mcmirror.http.remote import RemoteControl
from mcmirror.http.server import Web
from mcmirror.model.control import Unanswered
from mcmirror.model.event import CopyStarted, Event, Moved, Phase, PhaseStarted, Planned, RunFinished, RunStarted
from mcmirror.model.record import Outcome
from mcmirror.tui.remote import RemoteSource
from mcmirror.tui.source import Refusal
from mcmirror.tui.watched import LOOK
from tests.tui_relay import Relay
from tests.tui_samples import driven
from tests.ui_samples import PLAN, VERIFIED
from tests.waiting import until
from tests.web_control import FAILURE, STATE, SUCCESS, TOKEN, InMemory

PATIENCE = 120.0
RUN = "20260921T140000-0000000c"
"""Of the job that goes on in ``STATE``."""
JOB = "docs/2026 → x"


def attached_to(url: str, token: str, look: float = LOOK) -> RemoteSource:
    """A source over HTTP."""
    client = Client(url, token)
    return RemoteSource(RemoteControl(client), client.address, look=look)


@contextmanager
def attached(token: str = TOKEN) -> Iterator[tuple[RemoteSource, InMemory, Relay, Web]]:
    """A source over HTTP, over a line, over a server in memory."""
    control = InMemory()
    web = Web(control, "127.0.0.1:0", token=lambda: TOKEN)
    web.start()
    with Relay(web.address.port) as relay:
        source = attached_to(f"http://127.0.0.1:{relay.port}", token, look=0.05)
        try:
            yield source, control, relay, web
        finally:
            source.close()
            web.stop()


def test_what_the_server_says_is_what_is_shown() -> None:
    with attached() as (source, control, _, _):
        source.start()
        until(lambda: source.view().state is not None)
        state = source.view().state
        assert state is not None
        assert [job.name for job in STATE.jobs] == [job.name for job in state.jobs]
        assert STATE.jobs[0].last_success == state.jobs[0].last_success
        assert 0 == source.view().stale_since
        assert ["succeeded"] == [past.status for past in source.view().pasts["photos"]]
        assert () == source.ours()
        assert [] == control.asked


def test_events_arrive_as_they_are_said() -> None:
    with attached() as (source, control, _, _):
        source.start()
        until(lambda: source.view().state is not None and control.hub._subscriptions)
        for event in (
            RunStarted(JOB, "onprem/docs", "aws/docs", dry_run=False),
            Planned(JOB, PLAN),
            PhaseStarted(JOB, Phase.MIRROR),
        ):
            control.hub.send(RUN, event)
        for number in range(1000):
            control.hub.send(RUN, CopyStarted(JOB, f"key-{number}", 1))
        control.hub.send(RUN, Moved(JOB, 2000))
        until(lambda: (seen := source.fold.look(RUN)) is not None and seen.track.moved == 2000)
        seen = source.fold.look(RUN)
        assert seen is not None
        assert RUN == source.live(JOB)
        assert PLAN.copies == seen.track.total
        assert 2000 == seen.track.bytes
        assert not seen.joined


def test_stale_while_it_is_away_and_back_by_itself() -> None:
    async def test() -> None:
        with attached() as (source, control, relay, _):
            async with driven(source, (120, 40), clock=time.time) as driver:
                await driver.until(lambda: "photos" in driver.text)
                assert "STALE" not in driver.text
                relay.closed = True
                relay.cut()
                await driver.until(lambda: "! STALE since " in driver.text)
                await driver.until(lambda: "trying again by itself" in driver.text)
                await driver.until(lambda: "photos" in driver.text)
                control.pause()
                relay.closed = False
                await driver.until(lambda: "STALE" not in driver.text)
                await driver.until(lambda: "‖ all paused" in driver.text)

    asyncio.run(test())


def test_a_line_that_breaks_every_moment_loses_no_end() -> None:
    with attached() as (source, control, relay, _):
        source.start()
        until(lambda: source.view().state is not None and control.hub._subscriptions)
        enough = threading.Event()

        def breaking() -> None:
            while not enough.wait(0.3):
                relay.cut()

        thread = threading.Thread(target=breaking)
        thread.start()
        try:
            for number in range(20):
                run = f"20260921T15{number:02}00-0000000d"
                control.current = replace(
                    control.current, jobs=(replace(control.current.jobs[0], run=run, phase="mirror"),)
                )
                control.hub.send(run, RunStarted("photos", "a", "b", dry_run=False))
                time.sleep(0.1)
                record = replace(SUCCESS, id=run)
                control.records[run] = record
                control.hub.send(run, RunFinished("photos", VERIFIED))
                control.current = replace(
                    control.current, jobs=(replace(control.current.jobs[0], run="", last=record),)
                )
        finally:
            enough.set()
            thread.join()
        until(lambda: not source.fold.unfinished())
        last = "20260921T151900-0000000d"
        until(lambda: (state := source.view().state) and state.jobs[0].last and state.jobs[0].last.id == last)
        until(lambda: not source.view().stale_since)
        assert relay.accepted > 10


def test_an_end_that_was_not_heard_is_looked_up() -> None:
    with attached() as (source, control, relay, _):
        source.start()
        until(lambda: source.view().state is not None and control.hub._subscriptions)
        control.hub.send(RUN, RunStarted(JOB, "onprem/docs", "aws/docs", dry_run=False))
        until(lambda: source.fold.look(RUN))
        relay.closed = True
        relay.cut()
        until(lambda: source.view().stale_since)
        control.records[RUN] = replace(FAILURE, id=RUN)
        control.current = replace(control.current, jobs=tuple(replace(job, run="") for job in control.current.jobs))
        relay.closed = False
        until(lambda: (seen := source.fold.look(RUN)) is not None and seen.over)
        seen = source.fold.look(RUN)
        assert seen is not None
        assert seen.report is not None
        assert "partial" == seen.report.status.value


def test_the_server_is_asked_for_each_thing() -> None:
    with attached() as (source, control, _, _):
        source.start()
        assert "20260921T150000-0000000d" == source.trigger("photos")
        source.cancel(RUN)
        assert [("trigger", "photos"), ("cancel", RUN)] == control.asked
        source.pause(JOB)
        assert control.current.jobs[1].paused
        source.resume(JOB)
        assert not control.current.jobs[1].paused
        source.pause()
        assert control.current.paused
        source.resume()
        assert not control.current.paused
        assert (FAILURE.id, SUCCESS.id) == tuple(record.id for record in source.runs())
        assert (SUCCESS.id,) == tuple(record.id for record in source.runs(job="photos"))
        assert SUCCESS == source.run(SUCCESS.id)
        control.ended_fates[SUCCESS.id] = [(Outcome.COPIED, "a"), (Outcome.REMOVED, "b\n")]
        assert [(Outcome.COPIED, "a"), (Outcome.REMOVED, "b\n")] == list(source.fates(SUCCESS.id))


def test_what_the_server_refuses_comes_in_its_three_parts() -> None:
    with attached() as (source, _, _, _):
        with pytest.raises(Refusal) as busy:
            source.trigger(JOB)
        assert f"the job {JOB} is at it" == busy.value.what
        assert f"run {RUN} is under way or waits for its turn" == busy.value.why
        with pytest.raises(Refusal) as unknown:
            source.trigger("fotos")
        assert "did you mean photos?" == unknown.value.remedy
        for ask in (source.plan, source.verify):
            with pytest.raises(Refusal) as refused:
                ask("fotos")
            assert "did you mean photos?" == refused.value.remedy
        with pytest.raises(Refusal) as negative:
            source.trigger("photos", -1)
        assert "max_delete -1 is no number of objects" == negative.value.what
        with pytest.raises(Refusal) as gone:
            source.groups("plan-nowhere")
        assert "there is no plan or verification 'plan-nowhere'" == gone.value.what


def test_a_wrong_token_says_so_and_not_what_it_was() -> None:
    with attached("a-wrong-token") as (source, _, _, _):
        source.start()
        until(lambda: source.view().trouble)
        assert "the API wants its token" in source.view().trouble
        assert "a-wrong-token" not in repr(source.view())
        assert source.view().state is None


def test_nobody_there_and_what_is_no_server() -> None:
    import http.server

    class Other(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>")

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Other)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    source = attached_to(f"127.0.0.1:{server.server_port}", "x")
    source.start()
    until(lambda: "no mcmirror serve" in source.view().trouble)
    source.close()
    server.shutdown()
    server.server_close()
    with pytest.raises(Unanswered):
        Client(f"127.0.0.1:{server.server_port}", "x").ask("GET", "/status")


@pytest.mark.parametrize(
    "url", ["", "ftp://x", "http://", "http://user:secret@host", "http://x:99999/", "http://x/?a=b"]
)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(ValueError) as wrong:  # noqa: PT011  the text is the person's own
        Client(url, "")
    assert "secret" not in str(wrong.value)


def test_many_may_be_attached_and_one_that_disappears_is_not_noticed() -> None:
    with attached() as (one, control, relay, _):
        other = attached_to(f"http://127.0.0.1:{relay.port}", TOKEN, look=0.05)
        for source in (one, other):
            source.start()
        until(lambda: len(control.hub._subscriptions) == 2)
        until(lambda: one.view().state and other.view().state)
        other.close()
        control.hub.send(RUN, RunStarted(JOB, "a", "b", dry_run=False))
        until(lambda: one.fold.look(RUN))
        until(lambda: len(control.hub._subscriptions) == 1)


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(test)


def test_whoever_comes_in_the_middle_of_a_run_sees_its_totals() -> None:
    async def test() -> None:
        with attached() as (source, control, _, _):
            before: tuple[Event, ...] = (
                RunStarted(JOB, "onprem/docs", "aws/docs", dry_run=False),
                Planned(JOB, PLAN),
                PhaseStarted(JOB, Phase.MIRROR),
                *(CopyStarted(JOB, f"key-{number}", 500) for number in range(2)),
                Moved(JOB, 800),
            )
            for event in before:
                control.hub.send(RUN, event)
            async with driven(source, (120, 40), clock=time.time) as driver:
                driver.app.open_run(JOB)
                await driver.until(lambda: "2 of 4 objects begun  ·  800 B of 3.4 KiB" in driver.text)
                assert "this run had begun before" not in driver.text
                assert "4 to copy (3.4 KiB), 1,200 equal" in driver.text
                # From here on it has a rate, and so an end.
                moved = 800

                def more() -> bool:
                    nonlocal moved
                    moved += 1
                    control.hub.send(RUN, Moved(JOB, moved))
                    return " left" in driver.text

                await driver.until(more)
                assert "B/s" in driver.text

    run(test())


def test_what_was_missed_while_the_line_was_cut_is_made_up_for() -> None:
    with attached() as (source, control, relay, _):
        source.start()
        until(lambda: source.view().state is not None and control.hub._subscriptions)
        control.hub.send(RUN, RunStarted(JOB, "onprem/docs", "aws/docs", dry_run=False))
        until(lambda: source.fold.look(RUN))
        relay.closed = True
        relay.cut()
        until(lambda: not control.hub._subscriptions)
        for event in (Planned(JOB, PLAN), PhaseStarted(JOB, Phase.MIRROR), CopyStarted(JOB, "a", 500), Moved(JOB, 5)):
            control.hub.send(RUN, event)
        relay.closed = False
        until(lambda: (seen := source.fold.look(RUN)) and seen.track.moved == 5)
        seen = source.fold.look(RUN)
        assert seen is not None
        assert (PLAN.copies, 1) == (seen.track.total, seen.track.announced.objects)
