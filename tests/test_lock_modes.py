"""A run that comes while another one writes to its target: it skips, waits or fails as told."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.conftest import Pair
from tests.servers.command import Cli
from tests.servers.minio import Minio
from tests.servers.proxy import Hang, Proxy
from tests.waiting import LONG, until


@contextmanager
def _held(cli: Cli, pair: Pair, proxy: Proxy, **variables: str) -> Iterator[Callable[[], Any]]:
    """Another process writes to the target and hangs, until what is yielded is called, and is then asked to stop."""
    proxy.on("get", Hang(), path="/a$", times=1)
    host = pair.source.server.mc_host(address=proxy.address)
    other = cli.start("mirror", pair.source.location, pair.target.location, "--json", MC_HOST_src=host, **variables)
    until(lambda: any(request.kind == "get" and request.path.endswith("/a") for request in proxy.requests))

    def release() -> int:
        other.terminate()
        other.communicate(timeout=LONG)
        return other.returncode

    try:
        yield release
    finally:
        other.kill()
        other.communicate()


@pytest.mark.parametrize(
    ("mode", "code", "status"),
    [((), 75, "skipped"), (("--lock", "skip"), 75, "skipped"), (("--lock", "fail"), 1, "failed")],
)
def test_a_held_target(  # noqa: PLR0917  fixtures
    mode: tuple[str, ...], code: int, status: str, cli: Cli, bucket_pair: Pair, source: Minio,
    new_proxy: Callable[[Minio], Proxy],
) -> None:  # fmt: skip
    bucket_pair.source.put({"a": b"1"})
    with _held(cli, bucket_pair, new_proxy(source)):
        second = cli("mirror", bucket_pair.source.location, bucket_pair.target.location, "--json", *mode)
    assert (code, status) == (second.code, second.report["status"])
    assert ["locked"] == [problem["category"] for problem in second.report["problems"]]
    assert {} == bucket_pair.target.contents()


def test_waiting_begins_when_the_other_has_ended(
    cli: Cli, bucket_pair: Pair, source: Minio, new_proxy: Callable[[Minio], Proxy]
) -> None:
    bucket_pair.source.put({"a": b"1"})
    with _held(cli, bucket_pair, new_proxy(source)) as release:
        waiting = cli.start("mirror", bucket_pair.source.location, bucket_pair.target.location, "--json", "--lock=wait")
        assert waiting.stdout is not None
        first = json.loads(waiting.stdout.readline())
        assert ("waiting", bucket_pair.target.location) == (first["event"], first["target"])
        assert {} == bucket_pair.target.contents()
        assert 143 == release()
        waiting.communicate(timeout=LONG)
    assert 0 == waiting.returncode
    assert bucket_pair.equal


def test_waiting_ends_when_asked(
    cli: Cli, bucket_pair: Pair, source: Minio, new_proxy: Callable[[Minio], Proxy]
) -> None:
    bucket_pair.source.put({"a": b"1"})
    with _held(cli, bucket_pair, new_proxy(source)):
        waiting = cli.start("mirror", bucket_pair.source.location, bucket_pair.target.location, "--json", "--lock=wait")
        assert waiting.stdout is not None
        waiting.stdout.readline()
        waiting.terminate()
        rest = waiting.communicate(timeout=LONG)[0]
    assert (143, "cancelled") == (waiting.returncode, json.loads(rest.splitlines()[-1])["report"]["status"])


def test_a_lock_dies_with_its_holder(
    cli: Cli, bucket_pair: Pair, source: Minio, new_proxy: Callable[[Minio], Proxy]
) -> None:
    bucket_pair.source.put({"a": b"1"})
    with _held(cli, bucket_pair, new_proxy(source)):
        pass  # killed with -9 at the end of the block
    again = cli("mirror", bucket_pair.source.location, bucket_pair.target.location, "--json")
    assert (0, True) == (again.code, bucket_pair.equal)


def test_two_states_of_one_user_share_the_lock(
    cli: Cli, bucket_pair: Pair, source: Minio, new_proxy: Callable[[Minio], Proxy]
) -> None:
    bucket_pair.source.put({"a": b"1"})
    places = bucket_pair.source.location, bucket_pair.target.location
    with _held(cli, bucket_pair, new_proxy(source), MCMIRROR_STATE=f"sqlite:///{cli.folder}/elsewhere/state.db"):
        second = cli("mirror", *places, "--json")
        third = cli("mirror", *places, "--json", MCMIRROR_STATE=f"sqlite:///{cli.folder}/third/state.db")
    assert [(75, ["locked"])] * 2 == [
        (one.code, [problem["category"] for problem in one.report["problems"]]) for one in (second, third)
    ]
    again = cli("mirror", *places, "--quiet", MCMIRROR_STATE=f"sqlite:///{cli.folder}/third/state.db")
    assert (0, "", True) == (again.code, again.stderr, bucket_pair.equal)


def test_two_homes_with_one_state_share_the_lock(
    cli: Cli, bucket_pair: Pair, source: Minio, new_proxy: Callable[[Minio], Proxy]
) -> None:
    """As two containers that share a volume."""
    bucket_pair.source.put({"a": b"1"})
    places, state = (bucket_pair.source.location, bucket_pair.target.location), f"sqlite:///{cli.folder}/one/state.db"
    other = cli.folder / "other"
    other.mkdir()
    with _held(cli, bucket_pair, new_proxy(source), MCMIRROR_STATE=state):
        second = cli("mirror", *places, "--json", MCMIRROR_STATE=state, HOME=str(other))
    assert (75, "skipped") == (second.code, second.report["status"])


def test_one_folder_under_two_names_is_one_lock(cli: Cli, bucket_pair: Pair) -> None:
    bucket_pair.source.put({"a": b"1"})
    own = cli.folder / "home/.local/state/mcmirror"
    own.mkdir(parents=True)
    (cli.folder / "volume").symlink_to(own)
    done = cli(
        "mirror", bucket_pair.source.location, bucket_pair.target.location,
        MCMIRROR_STATE=f"sqlite:///{cli.folder}/volume/state.db",
    )  # fmt: skip
    assert (0, True) == (done.code, bucket_pair.equal)


def test_a_home_that_cannot_keep_a_lock_is_a_warning(
    cli: Cli, bucket_pair: Pair, source: Minio, new_proxy: Callable[[Minio], Proxy]
) -> None:
    bucket_pair.source.put({"a": b"1"})
    places, state = (bucket_pair.source.location, bucket_pair.target.location), f"sqlite:///{cli.folder}/one/state.db"
    own = cli.folder / "home/.local/state/mcmirror"
    own.mkdir(parents=True)
    (own / "locks").write_text("a file")
    with _held(cli, bucket_pair, new_proxy(source), MCMIRROR_STATE=state):
        second = cli("mirror", *places, "--json", MCMIRROR_STATE=state)
    alone = cli("mirror", *places, "--quiet", MCMIRROR_STATE=state)
    assert (75, 0, True) == (second.code, alone.code, bucket_pair.equal)
    assert alone.stderr.count("no lock can be kept there: File exists") == 1
