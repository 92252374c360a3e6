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
def _held(cli: Cli, pair: Pair, proxy: Proxy) -> Iterator[Callable[[], Any]]:
    """Another process writes to the target and hangs, until what is yielded is called, and is then asked to stop."""
    proxy.on("get", Hang(), times=1)
    host = pair.source.server.mc_host(address=proxy.address)
    other = cli.start("mirror", pair.source.location, pair.target.location, "--json", MC_HOST_src=host)
    until(lambda: proxy.counts["get"] >= 1)

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
