"""One port, many clients, none of whom can hold up another, whatever they send or do not."""

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from mcmirror.cli.errors import explained
from mcmirror.http.clients import Limits
from mcmirror.http.server import CannotListen, Web
from mcmirror.model.event import Phase, PhaseStarted
from mcmirror.model.listen import Address, address, reachable
from mcmirror.model.state import State
from tests.web_control import BEGUN, PATIENCE, STATE, TOKEN, Client, InMemory, eventually, everything, until

EVENT = PhaseStarted("photos", Phase.PLAN)
POST = b"POST /api/v1/pause HTTP/1.1\r\nHost: localhost\r\n"
ASK = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
def control() -> InMemory:
    return InMemory()


@pytest.fixture
def new_web(control: InMemory) -> Iterator[Callable[..., Client]]:
    made = list[Web]()

    def make(**limits: Any) -> Client:
        web = Web(control, "127.0.0.1:0", token=lambda: TOKEN, limits=Limits(**limits))
        made.append(web)
        web.start()
        return Client(web.address.port)

    yield make
    for web in made:
        web.stop()


@pytest.fixture
def client(new_web: Callable[..., Client]) -> Client:
    return new_web()


def status(answer: bytes) -> int:
    assert answer.startswith((b"HTTP/1.1 ", b"HTTP/1.0 ")), answer
    return int(answer.split()[1])


def test_the_front_page_names_every_path(client: Client) -> None:
    paths = client.get("/").json["paths"]
    for path in ("/healthz", "/metrics", "/api/v1/jobs/NAME/run", "/api/v1/events"):
        assert path in paths


def test_an_answer_is_stored_nowhere_and_carries_no_permission_for_other_sites(client: Client) -> None:
    headers = client.get("/healthz", Origin="http://evil.example").headers
    assert ("no-store", "nosniff") == (headers["cache-control"], headers["x-content-type-options"])
    assert not [name for name in headers if name.startswith("access-control")]


def test_head_says_what_get_would_and_sends_no_body(client: Client) -> None:
    got, head = client.get("/healthz"), client("HEAD", "/healthz")
    assert (200, b"", str(len(got.body))) == (head.status, head.body, head.headers["content-length"])
    assert 200 == client("HEAD", "/api/v1/events").status


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("POST", "/healthz", "GET, HEAD"),
        ("DELETE", "/api/v1/jobs/photos", "GET, HEAD"),
        ("GET", "/api/v1/pause", "POST"),
        ("OPTIONS", "/api/v1/jobs", "GET, HEAD"),
        ("TRACE", "/metrics", "GET, HEAD"),
    ],
)
def test_a_wrong_method_is_405_and_the_right_one_is_named(client: Client, method: str, path: str, allow: str) -> None:
    got = client(method, path)
    assert (405, allow) == (got.status, got.headers["allow"])
    assert method in got.error[0]


@pytest.mark.parametrize(
    ("path", "do"),
    [
        ("/helthz", "did you mean /healthz?"),
        ("/jobs", "did you mean /api/v1/jobs?"),
        ("/api/v1/job", "did you mean /api/v1/jobs?"),
        ("/nowhere", "GET / lists what there is"),
        ("/api/v1/nowhere", "GET / lists what there is"),
        ("/api/v1/runs/x/cancle", "did you mean /api/v1/runs/ID/cancel?"),
        ("/wp-login.php", "GET / lists what there is"),
        ("/api/v1/jobs//run", "did you mean /api/v1/jobs/NAME/run?"),
    ],
)
def test_an_unknown_path_is_404_with_the_nearest_right_one(client: Client, path: str, do: str) -> None:
    got = client.get(path)
    assert (404, do) == (got.status, got.error[2])


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 40 + b"\n", 400),
        (b"GET\r\n\r\n", 400),
        (b"GET /healthz HTTP/9.9\r\n\r\n", 400),
        (b"BREW /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"GET /healthz HTTQ/1.1\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET /%ff%fe HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 400),
        (b"GET http://[ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 400),
        (b"GET healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 400),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nA: " + b"a" * 70_000 + b"\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"A: b\r\n" * 200 + b"\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n" + (b"A: " + b"a" * 9000 + b"\r\n") * 9 + b"\r\n", 400),
        (POST + b"Content-Length: 70000\r\n\r\n" + b"a" * 70_000, 413),
        (POST + b"Content-Length: " + b"9" * 50 + b"\r\n\r\n", 400),
        (POST + b"Content-Length: -5\r\n\r\n", 400),
        (POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411),
        (
            POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
        ),
        (
            POST + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n",
            400,
        ),
        (POST + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", 400),
        (POST + b"Content-Length: 2, 2\r\n\r\n{}", 400),
        (POST + b"Content-Length: +2\r\n\r\n{}", 400),
        (POST + b"Content-Length: 0x2\r\n\r\n{}", 400),
        (POST + b"Content-Length: 2 2\r\n\r\n{}", 400),
        (POST + b"Content-Length:\r\n\r\n{}", 400),
        (POST + b"Content-Length : 2\r\n\r\n{}", 400),
        (
            POST + b"Transfer-Encoding: identity\r\nContent-Length: 2\r\n\r\n{}",
            400,
        ),
        (POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
        (POST + b" Content-Length: 2\r\n\r\n{}", 400),
    ],
)
def test_what_is_no_request_gets_a_clear_answer_and_the_connection_ends(
    client: Client, sent: bytes, expected: int
) -> None:
    answer = client.rude(sent)
    assert expected == status(answer), answer
    assert b'{"error":{"what":"' in answer
    assert b"Traceback" not in answer
    assert b"Connection: close" in answer
    assert 200 == client.get("/healthz").status


def test_a_proxy_may_send_the_whole_address(client: Client) -> None:
    for path in (b"/healthz", b""):
        assert 200 == status(client.rude(b"GET http://localhost" + path + b" HTTP/1.0\r\n\r\n"))


def test_a_body_that_breaks_off_is_no_request(client: Client) -> None:
    with client.raw(POST + b"Content-Length: 10\r\n\r\n{}") as half:
        half.shutdown(socket.SHUT_WR)
        assert 400 == status(everything(half))


def test_a_connection_is_used_again_and_requests_may_come_together(client: Client) -> None:
    last = ASK.replace(b"Host", b"Connection: close\r\nHost")
    with client.raw(ASK + ASK.replace(b"GET", b"HEAD") + ASK.replace(b"healthz", b"nowhere")) as connection_:
        received = until(connection_, b"there is no /nowhere")
        connection_.sendall(last)
        received += everything(connection_)
    assert [b"200", b"200", b"404", b"200"] == [part.split()[0] for part in received.split(b"HTTP/1.1 ")[1:]]


def test_http_1_0_is_answered_and_closed(client: Client) -> None:
    answer = client.rude(b"GET /healthz HTTP/1.0\r\n\r\n")
    assert 200 == status(answer)
    assert b'"alive":true' in answer


@pytest.mark.parametrize("host", ["localhost", "localhost:8080", "127.0.0.1:9", "[::1]:8080", "LOCALHOST"])
def test_this_machine_is_asked_by_its_own_names(client: Client, host: str) -> None:
    assert 200 == client.get("/healthz", Host=host).status


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8080", "localhost.evil.example", "10.0.0.1", "[::2]"])
def test_a_name_that_only_points_here_is_refused(client: Client, host: str) -> None:
    """A page in a browser could make its own name lead to this machine."""
    got = client.get("/api/v1/status", Host=host)
    assert 421 == got.status
    assert "127.0.0.1" in got.error[1]


def test_whoever_listens_to_the_world_is_asked_by_any_name(control: InMemory) -> None:
    web = Web(control, "0.0.0.0:0")
    web.start()
    try:
        assert 200 == Client(web.address.port).get("/healthz", Host="mirror.example").status
    finally:
        web.stop()


def test_a_control_that_raises_is_500_and_shows_nothing_of_our_inside(
    client: Client, control: InMemory, caplog: pytest.LogCaptureFixture
) -> None:
    control.broken = RuntimeError("hunter22 of the inside")
    with caplog.at_level(logging.ERROR, "mcmirror"):
        got = client.get("/readyz")
    assert 500 == got.status
    assert b"hunter22" not in got.body
    assert b"RuntimeError" not in got.body
    assert "hunter22 of the inside" in caplog.text
    control.broken = None
    assert 200 == client.get("/readyz").status


def test_secrets_are_taken_out_of_what_is_answered(control: InMemory) -> None:
    control.current = replace(STATE, warnings=("the key is hunter22",))
    web = Web(control, "127.0.0.1:0", redact=lambda text: text.replace("hunter22", "***"))
    web.start()
    try:
        assert ["the key is ***"] == Client(web.address.port).get("/readyz").json["warnings"]
    finally:
        web.stop()


def test_requests_are_logged_for_debugging_only_and_without_tokens(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "mcmirror"):
        client.get("/api/v1/jobs?token=hunter22")
    assert [logging.DEBUG] == [record.levelno for record in caplog.records]
    assert "GET /api/v1/jobs 400" in caplog.text
    assert "hunter22" not in caplog.text
    assert TOKEN not in caplog.text


def test_a_client_that_sends_a_byte_now_and_then_is_cut_and_delays_nobody(new_web: Callable[..., Client]) -> None:
    client = new_web(reading=1.0)
    with client.raw(b"GET /he") as slow:
        began, cut = time.monotonic(), False
        slow.settimeout(0.1)
        while not cut:
            assert time.monotonic() - began < PATIENCE
            try:
                slow.sendall(b"a")
                cut = slow.recv(65536) == b""
            except TimeoutError:
                pass
            except OSError:
                cut = True
            assert 200 == client.get("/healthz").status


@pytest.mark.parametrize("sent", [b"", b"GET /healthz HTTP/1.1\r\nHo", ASK])
def test_a_client_that_says_no_more_is_cut_without_a_word(new_web: Callable[..., Client], sent: bytes) -> None:
    assert (b"200" if sent == ASK else b"") in new_web(reading=0.3).rude(sent)


def test_a_body_that_comes_slowly_is_cut(new_web: Callable[..., Client]) -> None:
    client = new_web(reading=0.5)
    head = POST + b"Content-Length: 50\r\n\r\n{"
    assert 408 == status(client.rude(head))


def test_a_client_that_goes_in_the_middle_leaves_no_trace(
    client: Client, caplog: pytest.LogCaptureFixture, control: InMemory
) -> None:
    before = threading.active_count()
    with caplog.at_level(logging.INFO, "mcmirror"):
        for data in (b"", b"GET", ASK, ASK * 50, b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n"):
            connection_ = client.raw(data)
            connection_.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            connection_.close()
        eventually(lambda: threading.active_count() <= before)
    assert [] == caplog.records


def test_two_hundred_clients_at_once_are_all_answered_or_told_that_there_is_no_room(client: Client) -> None:
    def ask(_: int) -> int:
        with client.raw() as one:
            together.wait(PATIENCE)
            try:
                one.sendall(ASK.replace(b"Host", b"Connection: close\r\nHost"))
            except OSError:
                return 0
            answer = everything(one)
            return status(answer) if answer else 0

    together = threading.Barrier(200)
    with ThreadPoolExecutor(200) as pool:
        found = list(pool.map(ask, range(200)))
    assert set(found) <= {200, 503, 0}
    assert found.count(200) >= Limits().connections // 2
    eventually(lambda: client.get("/healthz").status == 200)


def test_when_there_is_no_room_the_client_is_told(
    new_web: Callable[..., Client], control: InMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, go_on, waiting = new_web(connections=2), threading.Event(), threading.Semaphore(0)
    state = control.state

    def slow() -> State:
        waiting.release()
        go_on.wait(PATIENCE)
        return state()

    monkeypatch.setattr(control, "state", slow)
    busy = [client.raw(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n") for _ in range(2)]
    for _ in busy:
        assert waiting.acquire(timeout=PATIENCE)
    got = client.get("/")
    assert (503, "1") == (got.status, got.headers["retry-after"])
    assert "2 connections" in got.error[1]
    go_on.set()
    assert [200, 200] == [status(everything(one)) for one in busy]
    eventually(lambda: client.get("/").status == 200)
    for one in busy:
        one.close()


def test_streams_have_a_limit_of_their_own_so_that_probes_are_always_answered(
    new_web: Callable[..., Client], control: InMemory
) -> None:
    client = new_web(connections=16)
    streams = [client.stream("/api/v1/events") for _ in range(4)]
    for stream in streams:
        until(stream, BEGUN)
    for _ in range(30):
        got = client.get("/api/v1/events")
        assert (503, "3") == (got.status, got.headers["retry-after"])
        assert 200 == client.get("/healthz").status
    assert "4 of this kind" in got.error[1]
    # One that goes leaves its place at once, though nothing happens that could be written to it.
    streams[0].close()
    eventually(lambda: 200 == status(_beginning(client)))
    for stream in streams:
        stream.close()
    eventually(lambda: not control.hub._subscriptions)


def _beginning(client: Client) -> bytes:
    with client.stream("/api/v1/events") as stream:
        return stream.recv(4096)


def test_probes_are_answered_while_the_api_is_busy_and_the_api_says_when_too_many_wait(
    new_web: Callable[..., Client], control: InMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, go_on, waiting = new_web(connections=8, calls=2), threading.Event(), threading.Semaphore(0)
    runs = control.runs

    def slow(**how: Any) -> Any:
        waiting.release()
        go_on.wait(PATIENCE)
        return runs(**how)

    monkeypatch.setattr(control, "runs", slow)
    busy = [client.stream("/api/v1/runs", Connection="close") for _ in range(4)]
    for _ in range(2):
        assert waiting.acquire(timeout=PATIENCE)
    eventually(lambda: client.get("/api/v1/runs").status == 503)
    got = client.get("/api/v1/runs")
    assert ("1", True) == (got.headers["retry-after"], "4 requests" in got.error[1])
    assert [200, 200, 200] == [client.get(path).status for path in ("/healthz", "/readyz", "/metrics")]
    go_on.set()
    assert [200] * 4 == [status(everything(one)) for one in busy]
    for one in busy:
        one.close()


def test_a_client_that_sends_no_more_still_reads_its_answer(client: Client) -> None:
    with client.raw(ASK) as half:
        half.shutdown(socket.SHUT_WR)
        assert b'"alive":true' in everything(half)


def test_clients_that_only_hold_connections_make_room_for_those_that_ask(
    new_web: Callable[..., Client],
) -> None:
    client = new_web(connections=4, rests=0.2)
    idle = [client.raw(b"GET /") for _ in range(4)]
    eventually(lambda: client.get("/healthz").status == 200)
    assert b"" == everything(idle[0])
    for connection_ in idle:
        connection_.close()


def test_stop_gives_the_port_back_at_once_and_ends_streams(control: InMemory) -> None:
    web = Web(control, "127.0.0.1:0", token=lambda: TOKEN)
    web.start()
    client = Client(web.address.port)
    before = threading.active_count()
    idle, stream = client.raw(b"GET /"), client.stream("/api/v1/events")
    until(stream, BEGUN)
    began = time.monotonic()
    web.stop()
    web.stop()
    assert time.monotonic() - began < 30
    everything(stream)
    assert b"" == everything(idle)
    with pytest.raises(OSError, match="refused"):
        client.raw()
    again = Web(control, f"127.0.0.1:{web.address.port}")
    again.start()
    assert 200 == client.get("/healthz").status
    again.stop()
    eventually(lambda: threading.active_count() < before)
    idle.close()
    stream.close()


def test_one_that_never_started_is_stopped_as_well(control: InMemory) -> None:
    web = Web(control, "127.0.0.1:0")
    web.stop()
    with pytest.raises(OSError, match="refused"):
        Client(web.address.port).raw()


def test_a_port_that_is_taken_is_said_before_anything_starts(
    control: InMemory, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(CannotListen) as caught:
            Web(control, listen)
    assert 1 == explained(caught.value)
    assert [
        f"Error: {listen} cannot be listened on",
        "  why: Address already in use",
        "  do:  stop what listens there, or choose another port: [settings] listen, or --listen HOST:PORT; off: none",
    ] == capsys.readouterr().err.splitlines()


@pytest.mark.parametrize("listen", ["192.0.2.1:8080", "no-such-host.invalid:8080"])
def test_an_address_of_another_machine_cannot_be_listened_on(control: InMemory, listen: str) -> None:
    with pytest.raises(CannotListen) as caught:
        Web(control, listen)
    assert listen in caught.value.problem.message
    assert caught.value.problem.cause


def test_addresses_are_read_and_shown() -> None:
    assert Address("::1", 80) == address("[::1]:80")
    assert "[::1]:80" == str(address("[::1]:80"))
    assert [Address("127.0.0.1", 1), Address("::1", 1), Address("host", 1)] == [
        reachable(address(text)) for text in ("0.0.0.0:1", "[::]:1", "host:1")
    ]
    assert [True, True, True, False] == [
        address(text).loopback for text in ("127.1.2.3:1", "localhost:1", "[::1]:1", "0.0.0.0:1")
    ]
    for wrong in ("8080", ":8080", "host", "host:99999", "host:-1"):
        with pytest.raises(ValueError, match="no host:port"):
            address(wrong)


def test_it_listens_on_v6(control: InMemory) -> None:
    web = Web(control, "[::1]:0")
    web.start()
    try:
        with socket.create_connection(("::1", web.address.port), PATIENCE) as connection_:
            connection_.sendall(b"GET /healthz HTTP/1.0\r\nHost: [::1]:1\r\n\r\n")
            assert 200 == status(everything(connection_))
    finally:
        web.stop()
