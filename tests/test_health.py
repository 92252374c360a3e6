"""`mcmirror health`: the health check of a container, which can be red."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from mcmirror.http import probe
from mcmirror.http.probe import Asked, NoAddress, ask
from mcmirror.http.server import Web
from tests.servers.command import COMMAND, Cli, Result
from tests.servers.server import free_port
from tests.web_control import DOCS, NOW, PHOTOS, STATE, InMemory

Rude = Callable[[socket.socket], None]
HEAVY = {"pydantic", "http", "ssl", "email", "rich", "sqlalchemy", "sh", "psutil", "asyncio", "prometheus_client"}
LATE = replace(PHOTOS, overdue_since=NOW - 1)


@pytest.fixture
def control() -> InMemory:
    return InMemory(replace(STATE, warnings=()))


@pytest.fixture
def port(control: InMemory) -> Iterator[int]:
    web = Web(control, "127.0.0.1:0")
    web.start()
    yield web.address.port
    web.stop()


@pytest.fixture
def health(cli: Cli, port: int) -> Callable[..., Result]:
    def asked(*arguments: str) -> Result:
        return cli("health", "--url", f"http://127.0.0.1:{port}", "--timeout", "30", *arguments)

    return asked


@pytest.fixture
def rude() -> Iterator[Callable[[Rude], str]]:
    """Listen, and do this with whoever comes; the address."""
    made = list[socket.socket]()

    def make(answer: Rude) -> str:
        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    try:
                        answer(connection)
                    except OSError:
                        continue

        listener = socket.create_server(("127.0.0.1", 0))
        made.append(listener)
        threading.Thread(target=accept, daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield make
    for listener in made:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def test_all_is_well(health: Callable[..., Result]) -> None:
    assert Result(0, "ready\n", "") == health()
    assert Result(0, "alive\n", "") == health("--alive")
    assert Result(0, "", "") == health("--quiet")


def test_a_job_that_is_stale_is_red_and_says_why(health: Callable[..., Result], control: InMemory) -> None:
    control.current = replace(control.current, jobs=(LATE, DOCS))
    line = "not ready: photos: the last success is 10m 00s old, max_age is 1h 00m\n"
    assert Result(1, "", line) == health()
    assert Result(1, "", line) == health("--quiet")
    assert Result(0, "alive\n", "") == health("--alive")


def test_a_scheduler_that_has_stopped_is_red_and_dead(health: Callable[..., Result], control: InMemory) -> None:
    control.current = replace(control.current, heartbeat=NOW - 100)
    why = "the scheduler has not looked at the clock for 100 s\n"
    assert Result(1, "", f"not ready: {why}") == health()
    assert Result(1, "", f"not alive: {why}") == health("--alive")


def test_what_stops_nothing_is_a_warning(health: Callable[..., Result], control: InMemory) -> None:
    control.current = replace(control.current, warnings=("the state cannot be written\x1b[2J",))
    assert Result(0, "ready\nwarning: the state cannot be written\\x1b[2J\n", "") == health()


def test_of_many_reasons_the_first_are_named(health: Callable[..., Result], control: InMemory) -> None:
    control.current = replace(STATE, jobs=tuple(replace(LATE, name=f"job-{number}") for number in range(2000)))
    lines = health().stderr.splitlines()
    assert (21, "and 1980 more") == (len(lines), lines[-1])


def test_a_server_that_raises_is_red(health: Callable[..., Result], control: InMemory) -> None:
    control.broken = RuntimeError("hunter22")
    result = health()
    assert (1, True, False) == (result.code, "could not answer" in result.stderr, "hunter22" in result.stderr)


def test_nobody_there_is_red_and_says_what_to_do(cli: Cli) -> None:
    port = free_port()
    assert Result(
        1,
        "",
        f"not ready: http://127.0.0.1:{port}/readyz cannot be reached: Connection refused\n"
        "  do:  start mcmirror serve, or name its address with --url\n",
    ) == cli("health", "--url", f"127.0.0.1:{port}")


def hang(connection: socket.socket) -> None:
    connection.recv(1000)
    time.sleep(300)


def drip(connection: socket.socket) -> None:
    for sign in b"HTTP/1.0 200 OK\r\n" * 100:
        connection.sendall(bytes([sign]))
        time.sleep(0.05)


def say(text: bytes) -> Rude:
    def answer(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(text)

    return answer


@pytest.mark.parametrize("answer", [hang, drip])
def test_a_server_that_hangs_or_drips_is_red_in_time(rude: Callable[[Rude], str], answer: Rude) -> None:
    began = time.monotonic()
    asked = ask(rude(answer), "/readyz", 0.5)
    assert time.monotonic() - began < 100
    assert (False, True) == (asked.well, "did not answer within 0.5 s" in asked.reasons[0])


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"", "answers, but not as HTTP"),
        (b"220 smtp\r\n\r\n", "answers, but not as HTTP"),
        (b"HTTP/1.0\r\n\r\n", "answers, but not as HTTP"),
        (b"HTTP/1.0 200 OK\r\n", "answers, but not as HTTP"),
        (b"HTTP/1.0 200 OK\r\n\r\n<html>", "is not mcmirror serve: it answers HTTP 200"),
        (b"HTTP/1.0 200 OK\r\n\r\n[]", "is not mcmirror serve: it answers HTTP 200"),
        (b'HTTP/1.0 200 OK\r\n\r\n{"status": "ok"}', "is not mcmirror serve: it answers HTTP 200"),
        (b"HTTP/1.0 200 OK\r\n\r\n" + b"[" * 100_000, "is not mcmirror serve: it answers HTTP 200"),
        (b'HTTP/1.0 503 No\r\n\r\n{"ready": false}', "it answers HTTP 503"),
        (b'HTTP/1.0 302 No\r\n\r\n{"ready": true}', "it answers HTTP 302"),
        (b'HTTP/1.0 421 No\r\n\r\n{"error": {"what": "a", "why": "b", "do": "c"}}', "says: a: b"),
    ],
)
def test_what_is_no_good_answer_is_red(rude: Callable[[Rude], str], answer: bytes, why: str) -> None:
    asked = ask(rude(say(answer)), "/readyz", 30)
    assert not asked.well
    assert why in asked.reasons[0]


def test_an_endless_answer_is_cut(rude: Callable[[Rude], str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "ANSWER", 100_000)
    assert not ask(rude(say(b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * 5_000_000)), "/readyz", 30).well


@pytest.mark.parametrize(
    "url", ["ftp://user:hunter22@host", "http://user:hunter22@", "http://user:hunter22@h:x", "[", "http://ü"]
)
def test_what_is_no_address_is_a_usage_error_without_its_password(cli: Cli, url: str) -> None:
    with pytest.raises(NoAddress):
        ask(url, "/readyz", 1)
    result = cli("health", "--url", url)
    assert (2, "") == (result.code, result.stdout)
    assert "hunter22" not in result.stderr
    assert "Write http://127.0.0.1:8080." in result.stderr


@pytest.mark.parametrize(
    ("listen", "environment"),
    [
        ('[settings]\nlisten = "127.0.0.1:PORT"\n', {}),
        ('[settings]\nlisten = "0.0.0.0:PORT"\n', {"MCMIRROR_LISTEN": "127.0.0.1:1"}),
        ("", {"MCMIRROR_LISTEN": "127.0.0.1:PORT"}),
        (None, {"MCMIRROR_LISTEN": "0.0.0.0:PORT"}),
        ("this is no TOML", {"MCMIRROR_LISTEN": "127.0.0.1:PORT"}),
    ],
)
def test_it_asks_where_serve_listens(cli: Cli, port: int, listen: str | None, environment: dict[str, Any]) -> None:
    """A file that is broken is no reason to be red: serve runs on with the one that it has read."""
    if listen is not None:
        cli.write(listen.replace("PORT", str(port)))
    given: dict[str, Any] = {name: text.replace("PORT", str(port)) for name, text in environment.items()}
    assert Result(0, "ready\n", "") == cli("health", "--timeout", "30", **given)


def test_it_asks_over_v6(cli: Cli, control: InMemory) -> None:
    web = Web(control, "[::1]:0")
    web.start()
    try:
        for listen in (f"[::1]:{web.address.port}", f"[::]:{web.address.port}"):
            cli.write(f'[settings]\nlisten = "{listen}"\n')
            assert Result(0, "ready\n", "") == cli("health", "--timeout", "30")
    finally:
        web.stop()


def test_where_serve_answers_nowhere_health_cannot_ask(cli: Cli) -> None:
    cli.write('[settings]\nlisten = "off"\n')
    result = cli("health")
    assert (2, True) == (result.code, 'listen is "off"' in result.stderr)


def test_a_server_that_is_stopped_in_its_tracks_is_red(cli: Cli) -> None:
    """As a machine that hangs: the port takes connections, and nobody answers."""
    port = free_port()
    cli.write(f'[settings]\nlisten = "127.0.0.1:{port}"\n[job.one]\nsource = "./a"\ntarget = "./b"\n')
    (cli.folder / "a").mkdir()
    serve = cli.start("serve")
    try:
        deadline = time.monotonic() + 60
        while cli("health", "--timeout", "30").code:
            assert serve.poll() is None
            assert time.monotonic() < deadline
        os.kill(serve.pid, signal.SIGSTOP)
        result = cli("health", "--timeout", "3")
        assert (1, True) == (result.code, "did not answer within 3 s" in result.stderr)
        os.kill(serve.pid, signal.SIGCONT)
        assert 0 == cli("health", "--timeout", "30").code
    finally:
        serve.kill()
        serve.communicate()
    assert 1 == cli("health").code


def test_it_loads_little(cli: Cli, port: int) -> None:
    """It is run every few seconds."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "mcmirror.cli.main", "health", "--url", f"127.0.0.1:{port}"],
        env=cli.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines() if "|" in line}
    assert "typer" in loaded
    assert set() == loaded & HEAVY
    assert COMMAND.exists()


def test_a_good_answer_is_well() -> None:
    assert Asked(well=True, reasons=("a",)) == probe._read(
        probe._place("http://h:1", "/readyz"), 200, b'{"ready": true, "warnings": ["a"], "reasons": []}'
    )
