"""The configuration is broken, mended and changed while runs go on."""

import signal
import threading
from collections.abc import Callable

import pytest

from mcmirror.config import Configuration, Schedule
from tests.conftest import Pair, Side
from tests.serve.house import House, Serve, in_time
from tests.serve.receiver import Receiver
from tests.servers.minio import Credentials, Minio
from tests.servers.proxy import Call, Delay, Proxy
from tests.serving import PATIENCE
from tests.simulation import World, configuration


def _warnings(serve: Serve) -> list[str]:
    found: list[str] = serve.ask("GET", "status")[1]["warnings"]
    return found


def _noticed(receiver: Receiver) -> list[str]:
    """Occasions of what was told that is no run."""
    return [one.what[1] for one in receiver.once().values() if one.what[0] == "configuration"]


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ("[job.job]\nsource = ", "no TOML"),
        ('[job.job]\nsource = "src/a"\ntarget = "dst/b"\nevry = "1s"\n', "every"),
        ("\xff", "UTF-8"),
        ("", "no job"),
        (None, "cannot be read"),
    ],
    ids=["half", "misspelt", "binary", "empty", "gone"],
)
def test_a_configuration_that_is_broken_and_mended(
    broken: str | None, says: str, house: House, receiver: Receiver, bucket_pair: Pair
) -> None:
    bucket_pair.source.put({"a": b"1"})
    serve = house.start()
    house.another("job")
    path = house.folder / house.name
    if broken is None:
        path.unlink()
    else:
        new = path.with_suffix(".new")
        new.write_bytes(broken.encode("latin-1"))
        new.replace(path)
    serve.until(lambda: bool(_warnings(serve)))
    assert says in _warnings(serve)[0]
    bucket_pair.source.put({"b": b"2"})
    house.another("job")
    house.another("job")
    assert bucket_pair.equal, "the old one stays in use"
    in_time(lambda: _noticed(receiver) == ["failure"])

    house.jobs["more"] = {"source": bucket_pair.source.location, "target": "./more"}
    house.write()
    house.another("more")

    assert [] == _warnings(serve)
    in_time(lambda: _noticed(receiver) == ["failure", "recovery"])
    assert (200, 143) == (serve.status("/readyz"), serve.stop())


def test_a_job_is_removed_while_it_runs(house: House, bucket_pair: Pair, new_proxy: Callable[[Minio], Proxy]) -> None:
    bucket_pair.source.put({"a": b"1"})
    proxy = new_proxy(bucket_pair.target.server)
    house.cli.environment["MC_HOST_dst"] = bucket_pair.target.server.mc_host(address=proxy.address)
    house.jobs["stays"] = {"source": bucket_pair.source.location, "target": "./local"}
    removed = threading.Event()
    proxy.on("put", Call(lambda: removed.wait(PATIENCE)), times=1)
    house.jobs["job"]["stall_timeout"] = "10m"
    serve = house.start()
    serve.until(lambda: proxy.counts["put"] >= 1)
    house.another("stays")

    del house.jobs["job"]
    house.write()
    serve.process.send_signal(signal.SIGHUP)

    serve.until(lambda: serve.ask("GET", "jobs/job")[0] == 404)
    removed.set()
    in_time(lambda: house.ended("job") == ["succeeded"])
    assert bucket_pair.equal, "what was under way is finished"
    house.another("stays")
    house.another("stays")
    assert ["succeeded"] == house.ended("job")
    assert 143 == serve.stop()


def test_sighup_reads_at_once_and_what_runs_keeps_what_it_began_with(
    house: House, bucket_pair: Pair, new_proxy: Callable[[Minio], Proxy]
) -> None:
    bucket_pair.source.put({"a": b"1"})
    proxy = new_proxy(bucket_pair.target.server)
    house.cli.environment["MC_HOST_dst"] = bucket_pair.target.server.mc_host(address=proxy.address)
    house.jobs["job"]["cron"] = "0 0 1 1 *"
    house.settings["parallel"] = 1
    serve = house.start()
    proxy.on("put", Delay(5), times=1)
    run = serve.post("jobs/job/run")["run"]
    serve.until(lambda: proxy.counts["put"] >= 1)
    house.jobs["job"] |= {"source": "src/nothing-is-there"}
    house.jobs["new"] = {"source": bucket_pair.source.location, "target": "./new", "cron": "0 0 1 1 *"}
    house.settings["parallel"] = 2
    house.write()
    serve.process.send_signal(signal.SIGHUP)
    serve.until(lambda: serve.ask("GET", "jobs/new")[0] == 200)
    beside = serve.post("jobs/new/run")["run"]
    serve.until(lambda: serve.ask("GET", f"runs/{beside}")[1]["status"] == "succeeded")
    serve.until(lambda: serve.ask("GET", f"runs/{run}")[1]["status"] == "succeeded")
    assert bucket_pair.equal
    assert 143 == serve.stop()


def test_a_secret_is_rotated(house: House, bucket_pair: Pair, new_server: Callable[..., Minio]) -> None:
    server = new_server()
    server.client().create_bucket(Bucket="rotated")
    keys = server.user()
    secret, table = house.folder / "secret", house.folder / "access"
    _give(house, keys)
    house.jobs["job"]["target"] = "kept/rotated"
    house.jobs = {"job": house.jobs["job"]}
    house.aliases["kept"] = {
        "url": server.url,
        "access_key": f"{{file:{table}}}",
        "secret_key": f"{{file:{secret}}}",
    }
    bucket_pair.source.put({"a": b"1"})
    serve = house.start()
    house.another("job")

    new = server.user()
    server.admin("admin", "user", "disable", "it", keys.access_key)
    house.another("job", "failed")
    _give(house, new)
    house.another("job")

    bucket_pair.source.put({"b": b"2"})
    house.another("job")
    house.another("job")
    listed = server.client().list_objects_v2(Bucket="rotated")["Contents"]
    assert ["a", "b"] == sorted(item["Key"] for item in listed)
    assert not [text for text in (keys.secret_key, new.secret_key) if text in serve.log]
    assert 143 == serve.stop()


def _give(house: House, keys: Credentials) -> None:
    for name, text in (("access", keys.access_key), ("secret", keys.secret_key)):
        new = house.folder / f"{name}.new"
        new.write_text(text)
        new.replace(house.folder / name)


def test_whatever_goes_wrong_with_a_reload_the_old_one_stays() -> None:
    world = World()
    made = configuration({"a": Schedule(cron="* * * * *")})

    def load() -> Configuration:
        raise OSError(116, "Stale file handle")

    world.load = load
    server = world.server(made)
    world.changed = True
    world.live(server, 130)
    assert 2 == len(world.starts["a"])
    assert ["an unexpected OSError"] == list(server.state().warnings)
    assert [("configuration", False)] == world.notices


def test_a_state_that_cannot_be_read_while_a_configuration_is_makes_no_success_forgotten() -> None:
    world = World()
    made = configuration({"a": Schedule(cron="* * * * *", max_age=3600)})
    world.load = lambda: made
    server = world.server(made)
    world.live(server, 90)
    before = server.state().jobs[0]
    assert before.last_success

    world.records.clear()
    server.reload()
    world.live(server, 10)

    after = server.state().jobs[0]
    assert (before.last_success, before.last) == (after.last_success, after.last)


def test_what_is_asked_for_is_done_by_the_file_as_it_is_then(
    house: House, bucket_pair: Pair, new_side: Callable[..., Side]
) -> None:
    del house.defaults["every"]
    bucket_pair.source.put({"a": b"1"})
    other = new_side("dst2")
    house.cli.environment["MC_HOST_dst2"] = other.server.mc_host()
    serve = house.start()
    plan = serve.post("jobs/job/plan")["inspection"]
    serve.until(lambda: serve.ask("GET", f"inspections/{plan}")[1]["report"] is not None)
    house.jobs["job"] |= {"target": other.location}
    house.write()
    status, answer = serve.ask("POST", "jobs/job/run", sent={"plan": plan})
    assert (409, "job is not any more what was planned") == (status, answer["error"]["what"])
    run = serve.post("jobs/job/run")["run"]
    serve.until(lambda: serve.ask("GET", f"runs/{run}")[1]["status"] == "succeeded")
    assert ({}, {"a": 1}) == (bucket_pair.target.sizes(), other.sizes())
    assert 143 == serve.stop()
