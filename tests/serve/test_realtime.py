"""Jobs in real time on real servers: what changes at the source is on the target soon, whatever fails meanwhile."""

import random
import signal
import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Pair, Side
from tests.serve.house import TOKEN, House, Serve
from tests.serve.receiver import Receiver
from tests.servers.command import COMMAND
from tests.servers.minio import Minio
from tests.servers.proxy import Proxy
from tests.servers.server import free_port
from tests.servers.versitygw import Versitygw
from tests.waiting import until

PATIENCE = 240.0
"""Seconds."""
ODD = ("a/b c+d%25", "é/ü", "x;y=z&w", "n\tq", "#1?", "日本/語")


def live(house: House, source: str, target: str, **more: object) -> None:
    """One job in real time."""
    house.defaults.pop("every", None)
    house.jobs = {"job": {"source": source, "target": target, "realtime": True, "batch_interval": "200ms", **more}}


def state(serve: Serve) -> dict[str, Any]:
    """How the job follows its source; empty while nobody answers."""
    status, document = serve.ask("GET", "jobs/job")
    return dict(document["realtime"] or {}) if status == 200 else {}


def listens(serve: Serve) -> None:
    """Wait until the channel is open, and the first full run has ended."""
    until(lambda: state(serve).get("channel") == "listening" and not state(serve)["catching_up"], PATIENCE)


def settled(serve: Serve) -> bool:
    found = state(serve)
    return bool(found) and not (found["dirty"] or found["catching_up"] or found["held"])


@pytest.fixture
def pair(house: House, bucket_pair: Pair) -> Pair:
    live(house, bucket_pair.source.location, bucket_pair.target.location)
    return bucket_pair


def test_what_is_written_and_removed_is_mirrored_and_nothing_else(house: House, pair: Pair) -> None:
    pair.source.put({"old": b"1", "gone": b"2"})
    pair.target.put({"extra": b"3"})
    serve = house.start()
    listens(serve)
    assert pair.equal, "the full run came first"

    pair.source.put({"old": b"another", **dict.fromkeys(ODD, b"odd")})
    pair.source.delete("gone")
    pair.target.put({"somebody's own": b"5"})
    until(lambda: state(serve)["events"] >= 2 + len(ODD) and settled(serve), PATIENCE)

    assert pair.source.contents().items() <= pair.target.contents().items()
    assert {"somebody's own"} == pair.target.contents().keys() - pair.source.contents().keys()
    assert 0 == state(serve)["failing"]
    assert state(serve)["longest_lag_seconds"] < 60
    assert ["succeeded"] == house.ended("job"), "batches are no runs"
    assert serve.status("/readyz") == 200


def test_only_what_lies_below_a_prefix_is_followed(house: House, pair: Pair) -> None:
    house.jobs["job"]["prefix"] = "data"
    serve = house.start()
    until(lambda: state(serve).get("channel") == "listening", PATIENCE)
    pair.source.put({"data/a": b"1", "database": b"2", "b": b"3"})
    until(lambda: pair.target.contents().keys() >= {"data/a"} and settled(serve), PATIENCE)

    assert {"data/a"} == pair.target.contents().keys()


def test_the_source_tells_by_a_webhook_and_nobody_lists_anything(
    house: House, new_server: Callable[..., Minio], bucket_pair: Pair, new_proxy: Callable[..., Proxy]
) -> None:
    port = free_port()
    hook = {
        "MINIO_NOTIFY_WEBHOOK_ENABLE_LIVE": "on",
        "MINIO_NOTIFY_WEBHOOK_ENDPOINT_LIVE": f"http://127.0.0.1:{port}/events/job",
        "MINIO_NOTIFY_WEBHOOK_AUTH_TOKEN_LIVE": TOKEN,
    }
    server, target = new_server(environment=hook), bucket_pair.target
    source = Side(server, server.client(), "from", "src")
    source.client.create_bucket(Bucket="from")
    proxies = {"src": new_proxy(server), "dst": new_proxy(target.server)}
    for alias, proxy in proxies.items():
        one = server if alias == "src" else target.server
        house.cli.environment[f"MC_HOST_{alias}"] = one.mc_host(address=proxy.address)
    live(house, "src/from", target.location, events="webhook", canary="off")
    serve = house.start(port=port)
    listens(serve)
    server.admin("event", "add", "it/from", "arn:minio:sqs::LIVE:webhook", "--event", "put,delete")
    before = {alias: proxy.counts for alias, proxy in proxies.items()}

    for number in range(24):
        source.put({f"k{number}": b"x" * number})
        if number % 8 == 7:
            until(lambda: state(serve)["events"] > number and settled(serve), PATIENCE)  # noqa: B023

    assert source.contents() == target.contents()
    counts = {alias: proxy.counts - before[alias] for alias, proxy in proxies.items()}
    assert not any("list" in kind for count in counts.values() for kind in count), counts
    assert 24 == counts["src"]["get"]
    assert 24 == counts["dst"]["put"]
    assert counts["src"]["head"] <= 2 * 24, counts
    assert counts["dst"]["head"] <= 3 * 24, "its bucket once for each copy, and the object twice"
    assert 403 == posted(port, "not-the-token-of-these-tests")


def posted(port: int, token: str) -> int:
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("POST", "/events/job", b'{"Records": []}', {"Authorization": token})
        return connection.getresponse().status
    finally:
        connection.close()


def test_a_server_without_events_is_polled_and_that_is_said(
    house: House, gateway: Versitygw, bucket_pair: Pair
) -> None:
    client = gateway.client()
    source = Side(gateway, client, f"{bucket_pair.source.bucket}-gw", "gw")  # type: ignore[arg-type]
    client.create_bucket(Bucket=source.bucket)
    house.cli.environment["MC_HOST_gw"] = gateway.mc_host()
    live(house, source.location, bucket_pair.target.location, canary="off")
    source.put({"a": b"1"})
    serve = house.start()
    until(lambda: state(serve).get("channel") == "polling", PATIENCE)
    until(lambda: source.contents() == bucket_pair.target.contents(), PATIENCE)

    assert 60 == state(serve)["polls_every_seconds"]
    assert "gw" in state(serve)["why"]
    assert serve.status("/readyz") == 200


def test_a_local_folder_is_followed(house: House, bucket_pair: Pair, tmp_path: Path) -> None:
    folder, target = tmp_path / "folder", bucket_pair.target
    folder.mkdir()
    (folder / "a").write_text("1")
    live(house, str(folder), target.location)
    serve = house.start()
    listens(serve)

    (folder / "b c").write_text("22")
    (folder / "new").mkdir()
    (folder / "new" / "d").write_text("333")
    (folder / "a").unlink()
    until(lambda: {"b c": 2, "new/d": 3} == target.sizes() and settled(serve), PATIENCE)

    assert state(serve)["proven"]
    assert not list((folder / ".mcmirror").glob("*"))


def test_a_wave_of_removals_is_held_and_asks(house: House, pair: Pair, receiver: Receiver) -> None:
    house.jobs["job"]["max_delete"] = 3
    pair.source.put({f"k{number}": b"x" for number in range(10)})
    serve = house.start()
    listens(serve)

    pair.source.delete(*(f"k{number}" for number in range(8)))
    until(lambda: state(serve)["held"] == 8 or state(serve)["removed"] == 3, PATIENCE)
    until(lambda: state(serve)["held"] >= 5, PATIENCE)

    assert len(pair.target.contents()) >= 10 - 3
    assert serve.status("/readyz") == 503
    assert any("wait to be removed" in text for text in serve.ask("GET", "status")[1]["ailments"])
    assert house.run("run", "job", "--max-delete", "8", "--lock", "wait").code == 0
    until(lambda: settled(serve), PATIENCE)
    assert pair.equal
    del receiver


def test_an_object_that_cannot_be_read_holds_up_nobody(house: House, pair: Pair) -> None:
    user = pair.source.server.user(
        {"Effect": "Deny", "Action": ["s3:GetObject"], "Resource": [f"arn:aws:s3:::{pair.source.bucket}/secret"]}
    )
    house.cli.environment["MC_HOST_src"] = pair.source.server.mc_host(user)
    serve = house.start()
    listens(serve)

    pair.source.put({"secret": b"1", "a": b"2", "b": b"3"})
    until(lambda: pair.target.contents().keys() == {"a", "b"} and state(serve)["failing"] == 1, PATIENCE)

    assert "403" in state(serve)["error"] or "denied" in state(serve)["error"].lower()


@pytest.mark.timeout(1200)
def test_writers_go_on_while_everything_is_killed(house: House, pair: Pair, new_side: Callable[..., Side]) -> None:
    source, target = new_side("src"), new_side("dst")
    house.cli.environment |= {f"MC_HOST_{side.alias}": side.server.mc_host() for side in (source, target)}
    live(house, source.location, target.location, max_delete="unlimited", catch_up_every="1h")
    over = threading.Event()
    writers = [threading.Thread(target=_write, args=(source, over, number), daemon=True) for number in range(6)]
    serve = house.start()
    listens(serve)
    for writer in writers:
        writer.start()
    for turn in range(6):
        before = state(serve).get("batches", 0)
        with suppress(AssertionError):
            until(lambda: state(serve).get("batches", 0) > before + 2, 20)  # noqa: B023
        if turn % 3 == 0:
            source.server.kill()
            source.server.start()
        elif turn % 3 == 1:
            target.server.kill()
            target.server.start()
        else:
            serve.kill()
            serve = house.start()
    over.set()
    for writer in writers:
        writer.join(60)
    until(lambda: settled(serve) and source.contents() == target.contents(), PATIENCE)

    assert 0 == state(serve)["failing"]
    assert 143 == serve.stop()
    assert [] == house.cli.leftovers
    del pair


def _write(side: Side, over: threading.Event, number: int) -> None:
    """Put, overwrite and delete a few keys until it is over; what a dead server refuses is another time's."""
    dice = random.Random(number)
    while not over.wait(dice.uniform(0.05, 0.3)):
        key = f"w{number}/{dice.randrange(12)}"
        with suppress(Exception):
            if dice.random() < 0.2:
                side.delete(key)
            else:
                side.put({key: dice.randbytes(dice.randrange(2000))})


def test_in_the_foreground_each_change_is_a_line_and_ctrl_c_ends_it(house: House, pair: Pair) -> None:
    house.jobs["job"].pop("realtime")
    house.jobs["job"].pop("batch_interval")
    house.defaults["every"] = "1h"
    pair.source.put({"old": b"1"})
    house.write()
    output = house.folder / "watched"
    with output.open("wb") as out:
        process = subprocess.Popen(
            [COMMAND, "watch", "job", "--config", house.folder / house.name],
            cwd=house.folder, env=house.cli.environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
        )  # fmt: skip
    try:
        until(lambda: "Run completed successfully" in output.read_text(), PATIENCE)
        pair.source.put({"new é": b"22"})
        pair.source.delete("old")
        until(lambda: "old is removed" in output.read_text() and pair.equal, PATIENCE)
    finally:
        process.send_signal(signal.SIGINT)
    assert 130 == process.wait(60)

    text = output.read_text()
    assert "job: new é changed at the source" in text
    assert "job: new é is copied (2 B)" in text
    assert "job: old was removed at the source" in text
    assert "Stopped." in text
    assert {"new é"} == pair.target.contents().keys()
    assert [] == house.cli.leftovers
