"""Relays of `mcmirror serve` and `mcmirror events relay`, fed by a real MinIO's webhook."""

import json
import os
import signal
import sqlite3
import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.relay_samples import TOKEN, document, keys, record
from tests.servers.command import COMMAND, Cli
from tests.servers.hook import FakeHook
from tests.servers.minio import Minio
from tests.servers.server import free_port
from tests.serving import Serving
from tests.waiting import until

ARN = "arn:minio:sqs::relay:webhook"


@pytest.fixture
def hook() -> Iterator[FakeHook]:
    with FakeHook() as server:
        yield server


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def configured(cli: Cli, hook: FakeHook, port: int) -> Cli:
    """The command with one relay, and no job."""
    cli.write(
        f'[settings]\nlisten = "127.0.0.1:{port}"\nstate = "sqlite:///{cli.folder}/state.db"\n'
        f'[relay.one]\ntoken = "{{env:TOKEN}}"\ndeliver = "{hook.url}"\ntimeout = "2s"\n'
    )
    cli.environment["TOKEN"] = TOKEN
    return cli


@pytest.fixture
def serving(configured: Cli, port: int) -> Callable[..., Serving]:
    """Start it: by default `mcmirror serve`."""

    def start(*arguments: str) -> Serving:
        command: list[str | Path] = [COMMAND, *(arguments or ("serve",))]
        return Serving(command, configured.environment, configured.folder, port)

    return start


def send(port: int, body: bytes, token: str = f"Bearer {TOKEN}", path: str = "/relay/one", method: str = "POST") -> int:
    """The status of the answer."""
    headers = {"Authorization": token} if token else {}
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except OSError:
        return 0


def listening(server: Serving) -> None:
    server.says("relay one takes events at /relay/one")


@pytest.fixture
def minio(new_server: Callable[..., Minio], port: int, tmp_path: Path) -> Minio:
    """A server whose webhook keeps events until the relay takes them."""
    server = new_server(
        environment={
            "MINIO_NOTIFY_WEBHOOK_ENABLE_relay": "on",
            "MINIO_NOTIFY_WEBHOOK_ENDPOINT_relay": f"http://127.0.0.1:{port}/relay/one",
            "MINIO_NOTIFY_WEBHOOK_AUTH_TOKEN_relay": TOKEN,
            "MINIO_NOTIFY_WEBHOOK_QUEUE_DIR_relay": str(tmp_path / "queue"),
        }
    )
    server.client().create_bucket(Bucket="photos")
    return server


@pytest.mark.parametrize("command", [("serve",), ("events", "relay"), ("events", "relay", "one")])
def test_events_of_a_bucket_reach_the_function_once(
    configured: Cli, serving: Callable[..., Serving], minio: Minio, hook: FakeHook, command: tuple[str, ...]
) -> None:
    with serving(*command) as server:
        listening(server)
        added = configured("events", "add", "it/photos", ARN, "--on", "put,delete", MC_HOST_it=minio.mc_host())
        assert 0 == added.code, added.stderr
        client = minio.client()
        client.put_object(Bucket="photos", Key="2026/a b+c.jpg", Body=b"one")
        until(lambda: len(hook.taken) == 1)
        client.delete_object(Bucket="photos", Key="2026/a b+c.jpg")
        until(lambda: len(hook.taken) == 2)
        assert 0 == server.stop() - 143
    assert ["s3:ObjectCreated:Put", "s3:ObjectRemoved:Delete"] == [one.document["EventName"] for one in hook.taken]
    assert {"photos/2026/a b+c.jpg"} == {one.document["Key"] for one in hook.taken}
    told = configured("status")
    assert "relay one: 2 delivered, 0 duplicates dropped\n" in told.stdout


def test_who_may_send_and_what(serving: Callable[..., Serving], port: int, hook: FakeHook) -> None:
    good = document(record("a"))
    with serving() as server:
        listening(server)
        for token, status in (("", 401), ("Bearer other-token", 403), (f"Basic {TOKEN}", 403), (f"{TOKEN}x", 403)):
            assert status == send(port, good, token)
        assert 405 == send(port, good, method="PUT")
        assert 400 == send(port, b"no json")
        assert 413 == send(port, b" " * (64 * 1024 + 1))
        assert 404 == send(port, good, path="/relay/two")
        assert 200 == send(port, b"")
        assert 200 == send(port, b'{"Event": "s3:TestEvent"}')
        assert [] == hook.requests
        assert 200 == send(port, good, TOKEN)
        assert 200 == send(port, good, f"bearer {TOKEN}")
        until(lambda: len(hook.taken) == 1)
        assert TOKEN not in server.log


def test_what_cannot_be_stored_is_answered_503_and_sent_again(
    configured: Cli, serving: Callable[..., Serving], port: int, hook: FakeHook
) -> None:
    with serving() as server:
        listening(server)
        locked = sqlite3.connect(configured.folder / "state.db", isolation_level=None)
        locked.execute("BEGIN EXCLUSIVE")
        assert 503 == send(port, document(record("a")))
        locked.rollback()
        locked.close()
        until(lambda: send(port, document(record("a"))) == 200)
        until(lambda: len(hook.taken) == 1)


def test_status_metrics_and_health_show_it(
    configured: Cli, serving: Callable[..., Serving], port: int, hook: FakeHook
) -> None:
    configured.environment["MCMIRROR_API_TOKEN"] = "token-of-the-api"
    hook.faults.extend(["422"])
    with serving() as server:
        listening(server)
        send(port, document(record("bad")))
        until(lambda: len(hook.requests) == 1)
        hook.always = "500"
        send(port, document(record("a"), record("a"), record("b")))

        def metrics() -> str:
            return server.answer("/metrics")[1].decode()

        until(lambda: 'mcmirror_relay_dead_events{relay="one"} 1' in metrics())
        until(lambda: 'mcmirror_relay_waiting_events{relay="one"} 2' in metrics())
        assert 'mcmirror_relay_duplicate_events_total{relay="one",reason="repeated"} 1' in metrics()
        until(lambda: any("relay one could not deliver" in text for text in server.document("/readyz")["warnings"]))
        assert any("relay one has given up 1 event" in text for text in server.document("/readyz")["warnings"])
        assert 200 == server.status("/readyz")
        (relay,) = json.loads(configured("status", "--json").stdout)["relays"]
        assert ("one", 2, 1, 1, 0, 0) == tuple(
            relay[key] for key in ("name", "waiting", "dead", "repeated", "delivered", "pending")
        )
        hook.always = ""
        until(lambda: 'mcmirror_relay_delivered_events_total{relay="one"} 2' in metrics())
        until(lambda: 'mcmirror_relay_waiting_events{relay="one"} 0' in metrics())
        server.says("the receiver takes events again")


def test_the_dead_are_listed_and_replayed_while_it_runs(
    configured: Cli, serving: Callable[..., Serving], port: int, hook: FakeHook
) -> None:
    hook.always = "400"
    with serving() as server:
        listening(server)
        send(port, document(record("a"), record("b%0A")))
        server.says("is given up", 2)
        listed = configured("events", "dead", "one")
        assert "ObjectCreated:Put  photos/a" in listed.stdout
        assert "127.0.0.1: it answered HTTP 400" in listed.stdout
        dead = json.loads(configured("events", "dead", "one", "--json").stdout)
        assert {"photos/a", "photos/b\n"} == {one["subject"] for one in dead}
        assert record("a") in [one["document"]["Records"][0] for one in dead]
        hook.always = ""
        wrong = configured("events", "replay", "one", "nobody")
        assert (2, True) == (wrong.code, "there is no such event among the dead" in wrong.stderr)
        chosen = next(one["id"] for one in dead if one["subject"] == "photos/a")
        assert 0 == configured("events", "replay", "one", chosen).code
        until(lambda: keys(hook) == ["a"])
        done = configured("events", "replay", "one", "--json")
        assert {"relay": "one", "replayed": 1} == json.loads(done.stdout)
        until(lambda: keys(hook) == ["a", "b%0A"])
    assert "ID  SINCE (UTC)  EVENT  OBJECT  ATTEMPTS  ERROR\n" == configured("events", "dead", "one").stdout
    assert "0 events are handed on again" in configured("events", "replay", "one").stderr


def test_a_relay_that_is_added_works_without_a_restart(
    configured: Cli, serving: Callable[..., Serving], port: int, hook: FakeHook
) -> None:
    file = configured.folder / "mcmirror.toml"
    text = file.read_text()
    with serving() as server:
        listening(server)
        assert 404 == send(port, document(record("a")), path="/relay/two")
        file.write_text(text + f'[relay.two]\ntoken = "{{env:NOBODY}}"\ndeliver = "{hook.url}"\n')
        server.says("NOBODY is not set")
        assert 404 == send(port, document(record("a")), path="/relay/two")
        assert 200 == send(port, document(record("a")))
        file.write_text(text + f'[relay.two]\ntoken = "{{env:TOKEN}}"\ndeliver = "{hook.url}"\n')
        server.says("relay two takes events at /relay/two")
        assert 200 == send(port, document(record("a")), path="/relay/two")
        until(lambda: len(hook.taken) == 2)
        assert 1 == server.log.count("relay one takes events")


def test_a_polite_stop_waits_for_the_call_that_is_under_way(
    configured: Cli, serving: Callable[..., Serving], port: int, hook: FakeHook
) -> None:
    hook.faults.append("slow")
    file = configured.folder / "mcmirror.toml"
    file.write_text(file.read_text().replace('timeout = "2s"', 'timeout = "60s"'))
    with serving("events", "relay") as server:
        listening(server)
        send(port, document(record("a"), record("b")))
        until(lambda: len(hook.requests) == 2)
        server.process.send_signal(signal.SIGTERM)
        until(lambda: send(port, document(record("a"))) == 0)
        assert server.process.poll() is None
        hook.released.set()
        assert 143 == server.process.wait(timeout=60)
    assert {"a", "b"} == set(keys(hook))
    (relay,) = json.loads(configured("status", "--json").stdout)["relays"]
    assert (2, 0) == (relay["delivered"], relay["waiting"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("events", "relay", "ome"), "there is no such relay. Did you mean one?"),
        (("events", "dead", "two"), "there is no such relay"),
        (("events", "replay", "two"), "there is no such relay"),
        (("events", "relay", "--listen", "off"), "is off, and relays take events there"),
    ],
)
def test_mistakes_of_the_command_line(configured: Cli, arguments: tuple[str, ...], words: str) -> None:
    done = configured(*arguments)
    assert 2 == done.code
    assert all(word in done.stderr for word in words.split(". "))


def test_a_file_without_relays(cli: Cli) -> None:
    cli.write('[job.a]\nsource = "./a"\ntarget = "./b"\n')
    done = cli("events", "relay")
    assert (2, True) == (done.code, "there is no relay in it" in done.stderr)


def test_a_token_that_is_not_set_ends_it_at_once(configured: Cli) -> None:
    del configured.environment["TOKEN"]
    done = configured("serve")
    assert (2, True) == (done.code, "relay.one.token: TOKEN is not set" in done.stderr)


KEYS, VERSIONS, KILLS = 250, 4, 5
OBJECTS = KEYS * VERSIONS


def versions(hook: FakeHook) -> list[tuple[str, int]]:
    """Key and sequencer of each call of the function, in order."""
    objects = [one.document["Records"][0]["s3"]["object"] for one in list(hook.taken)]
    return [(one["key"], int(one["sequencer"], 16)) for one in objects]


def test_a_thousand_objects_while_it_is_killed_five_times(
    configured: Cli, serving: Callable[..., Serving], minio: Minio, hook: FakeHook, port: int
) -> None:
    """Duplicates of both kinds beside them. Nothing is lost, and a call comes twice only when a kill cut it."""
    configured("events", "add", "it/photos", ARN, "--on", "put", MC_HOST_it=minio.mc_host())
    client, sent = minio.client(), threading.Event()

    def write(writer: int) -> None:
        for version in range(VERSIONS):
            for number in range(writer, KEYS, 4):
                client.put_object(Bucket="photos", Key=f"k{number:03}", Body=f"{version}".encode())

    def duplicates() -> None:
        """What arrived is sent once more, and what waits for its replication besides."""
        while not sent.wait(0.05):
            for one in hook.taken[-3:]:
                again = one.document["Records"][0]
                waiting = json.loads(json.dumps(again))
                waiting["s3"]["object"] |= {"userMetadata": {"X-Amz-Replication-Status": "PENDING"}, "sequencer": "0"}
                send(port, document(again, waiting))

    injecting = threading.Thread(target=duplicates)
    injecting.start()
    with ThreadPoolExecutor(4) as pool:
        writing = [pool.submit(write, writer) for writer in range(4)]
        for turn in range(1, KILLS + 1):
            with serving("events", "relay") as server:
                enough = OBJECTS * turn // (KILLS + 2)
                server.until(lambda enough=enough: len(set(versions(hook))) >= enough)  # type: ignore[misc]
                os.killpg(server.process.pid, signal.SIGKILL)
                server.process.wait()
    assert [None] * 4 == [one.result() for one in writing]
    with serving("events", "relay") as server:
        server.until(lambda: len(set(versions(hook))) == OBJECTS)
        server.until(lambda: '"waiting": 0' in configured("status", "--json").stdout)
        sent.set()
        injecting.join()
        (relay,) = json.loads(configured("status", "--json").stdout)["relays"]
        assert 143 == server.stop()
    calls = Counter(versions(hook))
    assert {f"k{number:03}": VERSIONS for number in range(KEYS)} == Counter(key for key, _ in calls)
    for key in {key for key, _ in calls}:
        arrived = [sequencer for one, sequencer in versions(hook) if one == key]
        assert sorted(arrived) == arrived
    twice = [call for call, number in calls.items() if number > 1]
    print(f"{len(twice)} of {OBJECTS} came twice; {relay}")
    # Each kill cuts at most as many deliveries as there are at once.
    assert len(twice) <= KILLS * 8
    assert max(calls.values()) <= 1 + KILLS
    assert relay["dead"] == 0
    assert relay["repeated"] > 0
    assert relay["pending"] > 0
