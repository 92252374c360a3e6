"""``mcmirror serve`` looks at replications: an outage and its end are told once, and metrics show both."""

import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from tests.serve.house import House, Serve, in_time
from tests.serve.receiver import Channel
from tests.servers.minio import Minio


def direction(serve: Serve) -> Any:
    replications = (serve.ask("GET", "status")[1] or {}).get("replications", [])
    return next((one for found in replications for one in found["directions"]), {})


def metrics(serve: Serve) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{serve.port}/metrics") as answer:
        return str(answer.read().decode())


@pytest.fixture
def cut(house: House, new_server: Callable[..., Minio]) -> Minio:
    """A target that can be ended, with a replication to it and no job."""
    server = new_server()
    house.cli.environment["MC_HOST_cut"] = server.mc_host()
    house.jobs.clear()
    name = server.name + "-bucket"
    house.replications["link"] = {"source": f"src/{name}-{server.port}", "target": f"cut/{name}", "check_every": "1s"}
    house.write()
    return server


def test_an_outage_and_its_end_are_told_once(house: House, slack: Channel, cut: Minio) -> None:
    house.write()
    assert 0 == house.run("replicate", "apply", "link").code
    serve = house.start()
    serve.until(lambda: direction(serve).get("state") == "in sync")
    assert 'mcmirror_replication_up{replication="link",from="src/' in metrics(serve)
    assert [] == slack.titles

    cut.kill()
    in_time(lambda: slack.titles)
    assert "the replication link does not work" in slack.titles[0]
    serve.until(lambda: direction(serve)["state"] == "offline")
    line = next(one for one in metrics(serve).splitlines() if one.startswith("mcmirror_replication_up{"))
    assert line.endswith(" 0.0")
    assert any("replication link" in text for text in serve.ask("GET", "status")[1]["warnings"])
    assert 200 == serve.status("/healthz")

    cut.start()
    in_time(lambda: len(slack.titles) > 1)
    assert "the replication link works again" in slack.titles[1]
    serve.until(lambda: direction(serve)["state"] == "in sync")
    assert 2 == len(slack.titles)
    assert ["replication_outage"] == [one["event"] for one in serve.said("replication_outage")]
    assert 1 == len(serve.said("replication_recovered"))
    assert 143 == serve.stop()
    assert [] == house.cli.leftovers


def test_one_that_is_not_applied_is_an_outage_and_off_is_not_watched(house: House, cut: Minio) -> None:
    serve = house.start()
    serve.until(lambda: bool(serve.said("replication_outage")))
    house.replications["link"]["check_every"] = "off"
    house.write()
    serve.until(lambda: serve.ask("GET", "status")[1]["replications"] == [])
    assert 143 == serve.stop()


def test_a_lag_beyond_the_limit_turns_health_red(house: House, source: Minio, cut: Minio) -> None:
    house.replications["link"]["max_lag"] = "1s"
    house.write()
    assert 0 == house.run("replicate", "apply", "link").code
    bucket = house.replications["link"]["source"].partition("/")[2]
    # MinIO looks at a target only after the first object.
    source.client().put_object(Bucket=bucket, Key="first", Body=b"f")
    serve = house.start()
    serve.until(lambda: bool(direction(serve).get("last_online")))
    cut.kill()
    serve.until(lambda: direction(serve)["state"] == "offline")
    source.client().put_object(Bucket=bucket, Key="late", Body=b"late")
    serve.until(lambda: any("max_lag" in text for text in serve.ask("GET", "status")[1]["ailments"]))
    assert 143 == serve.stop()
