"""The test bench itself: what the other tests believe of it."""

import hashlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, HTTPClientError

from tests.conftest import Pair, Side
from tests.servers.command import Cli, children
from tests.servers.minio import Credentials, Minio, deny
from tests.servers.proxy import (
    BROKEN,
    DENIED,
    EMPTY,
    HTML,
    SLOW_DOWN,
    Call,
    CallAfter,
    Cut,
    CutUpload,
    Delay,
    Proxy,
    Reset,
    silent,
    unaccepting,
)
from tests.waiting import until

NewProxy = Callable[[Minio], Proxy]


def run_mc(mc: Path, home: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"HOME": str(home), "PATH": os.defpath, **variables}
    command = [str(mc), "--config-dir", str(home), "--json", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def through(proxy: Proxy, server: Minio, credentials: Credentials | None = None) -> Any:
    """A boto3 client that signs for the proxy's address."""
    import boto3
    from botocore.config import Config

    keys = credentials or server.root
    return boto3.client(
        "s3",
        endpoint_url=proxy.url,
        aws_access_key_id=keys.access_key,
        aws_secret_access_key=keys.secret_key,
        region_name="us-east-1",
        config=Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"}),
    )


def test_contents_are_read_from_the_server(bucket_pair: Pair) -> None:
    bucket_pair.source.put({"a b/ü": b"1", "empty": b""})

    expected = {key: hashlib.md5(body).hexdigest() for key, body in {"a b/ü": b"1", "empty": b""}.items()}
    assert expected == bucket_pair.source.contents()
    assert not bucket_pair.equal


def test_a_killed_server_comes_back_with_its_port_and_data(new_side: Callable[..., Side]) -> None:
    side = new_side("dst")
    side.put({"key": b"kept"})
    port = side.server.port

    side.server.kill()
    assert not side.server.answers()
    side.server.start()

    assert (port, {"key": 4}) == (side.server.port, side.sizes())


def test_servers_die_with_the_tests(tmp_path: Path) -> None:
    script = (
        "import os, time; from tests.servers.minio import Minio\n"
        "server = Minio.make('orphan').start()\n"
        "print(server.process.pid, server.folder, flush=True)\n"
        "time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    pid, folder = parent.stdout.readline().split()
    parent.kill()
    parent.wait()
    parent.stdout.close()

    try:
        until(lambda: _gone(pid))
    finally:
        subprocess.run(["rm", "-rf", folder], check=True)


def _gone(pid: str) -> bool:
    """Whether it has ended; a zombie has."""
    try:
        return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return True


def test_policies_deny(bucket_pair: Pair) -> None:
    bucket = bucket_pair.target.bucket
    user = bucket_pair.target.server.user(deny(["PutObject"], [f"{bucket}/secret/*"]), deny(["ListBucket"]))
    client = bucket_pair.target.server.client(user)

    client.put_object(Bucket=bucket, Key="open/a", Body=b"1")
    with pytest.raises(ClientError, match="AccessDenied"):
        client.put_object(Bucket=bucket, Key="secret/a", Body=b"1")
    with pytest.raises(ClientError, match="AccessDenied"):
        client.list_objects_v2(Bucket=bucket)
    assert {"open/a": 1} == bucket_pair.target.sizes()


def test_a_quota_is_enforced(new_side: Callable[..., Side]) -> None:
    side = new_side("dst")
    side.server.quota(side.bucket, "1MiB")

    with pytest.raises(ClientError, match="XMinioAdminBucketQuotaExceeded"):
        side.put({"more than the quota": bytes(2 << 20)})


def test_a_small_disk_fills_up(new_side: Callable[..., Side]) -> None:
    side = new_side("dst", small="64m")
    side.put({"fits": bytes(1 << 20)})

    with pytest.raises(ClientError, match="XMinioStorageFull"):
        side.put({"does not": bytes(64 << 20)})


def test_tls_is_not_trusted_until_told(new_side: Callable[..., Side], mc: Path, tmp_path: Path) -> None:
    side = new_side("dst", tls=True)
    host = side.server.mc_host()
    certificates = side.server.certificates
    assert certificates

    refused = run_mc(mc, tmp_path, "ls", side.location, MC_HOST_dst=host)
    trusted = run_mc(
        mc, tmp_path, "ls", side.location, MC_HOST_dst=host, SSL_CERT_FILE=str(certificates / "public.crt")
    )

    assert (1, True, 0) == (refused.returncode, "certificate" in refused.stdout, trusted.returncode), trusted.stdout


def test_the_proxy_passes_signed_requests_on(bucket_pair: Pair, new_proxy: NewProxy, mc: Path, tmp_path: Path) -> None:
    side = bucket_pair.source
    proxy = new_proxy(side.server)
    client = through(proxy, side.server)
    body = os.urandom(3 << 20)

    client.put_object(Bucket=side.bucket, Key="a/big", Body=body)
    read = client.get_object(Bucket=side.bucket, Key="a/big")["Body"].read()
    listed = run_mc(mc, tmp_path, "ls", "-r", side.location, MC_HOST_src=side.server.mc_host(address=proxy.address))

    assert body == read
    assert (0, True) == (listed.returncode, '"key":"a/big"' in listed.stdout)
    assert (1, 1) == (proxy.counts["put"], proxy.counts["list"])


def test_mc_mirrors_through_two_proxies(bucket_pair: Pair, new_proxy: NewProxy, mc: Path, tmp_path: Path) -> None:
    bucket_pair.source.put({f"{number:03}": b"x" * number for number in range(30)} | {"big": os.urandom(20 << 20)})
    above, below = new_proxy(bucket_pair.source.server), new_proxy(bucket_pair.target.server)

    done = run_mc(
        mc,
        tmp_path,
        "mirror",
        bucket_pair.source.location,
        bucket_pair.target.location,
        MC_HOST_src=bucket_pair.source.server.mc_host(address=above.address),
        MC_HOST_dst=bucket_pair.target.server.mc_host(address=below.address),
    )

    assert 0 == done.returncode
    assert bucket_pair.equal
    assert (31, 30, 2, 1) == (above.counts["get"], *(below.counts[kind] for kind in ("put", "part", "complete")))
    assert 0 == bucket_pair.target.server.open_uploads()


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (DENIED, "AccessDenied"),
        (BROKEN, "InternalError"),
        (SLOW_DOWN, "SlowDown"),
        (EMPTY, "a page without keys"),
        (HTML, "a page without keys"),
        (Reset(), "ConnectionClosedError"),
        (Cut(200), "ConnectionClosedError"),
    ],
    ids=["403", "500", "503", "empty", "html", "reset", "truncated"],
)
def test_page_two_of_a_listing_breaks(fault: Any, words: str, bucket_pair: Pair, new_proxy: NewProxy) -> None:
    bucket_pair.source.put({"a": b"", "b": b"", "c": b""})
    proxy = new_proxy(bucket_pair.source.server)
    proxy.on("list-next", fault)
    client = through(proxy, bucket_pair.source.server)
    first = client.list_objects_v2(Bucket=bucket_pair.source.bucket, MaxKeys=2)

    try:
        page = client.list_objects_v2(
            Bucket=bucket_pair.source.bucket, MaxKeys=2, ContinuationToken=first["NextContinuationToken"]
        )
        seen = "a page with keys" if "Contents" in page else "a page without keys"
    except (ClientError, HTTPClientError) as error:
        seen = f"{type(error).__name__}: {error}"

    assert ["a", "b"] == [item["Key"] for item in first["Contents"]]
    assert words in seen


def test_a_fault_has_a_beginning_and_an_end(bucket_pair: Pair, new_proxy: NewProxy) -> None:
    side = bucket_pair.source
    side.put({"key": b"value"})
    proxy = new_proxy(side.server)
    proxy.on("get", DENIED, path="/key$", first=2, times=1)
    client = through(proxy, side.server)

    seen = []
    for _ in range(3):
        try:
            seen.append(client.get_object(Bucket=side.bucket, Key="key")["Body"].read())
        except ClientError as error:
            seen.append(error.response["Error"]["Code"])

    assert [b"value", "AccessDenied", b"value"] == seen


def test_a_hook_acts_between_request_and_answer(bucket_pair: Pair, new_proxy: NewProxy) -> None:
    side = bucket_pair.source
    side.put({"key": b"old", "other": b"old"})
    proxy = new_proxy(side.server)
    proxy.on("get", Call(lambda: side.put({"key": b"new"})), path="/key$")
    proxy.on("get", CallAfter(lambda: side.delete("other")), path="/other$")
    client = through(proxy, side.server)

    read = [client.get_object(Bucket=side.bucket, Key=key)["Body"].read() for key in ("key", "other")]

    assert ([b"new", b"old"], {"key": 3}) == (read, side.sizes())


def test_transfers_are_cut(bucket_pair: Pair, new_proxy: NewProxy) -> None:
    side = bucket_pair.source
    side.put({"key": bytes(1 << 20)})
    proxy = new_proxy(side.server)
    proxy.on("get", Cut(1000), path="/key$")
    proxy.on("put", CutUpload(1000))
    client = through(proxy, side.server)

    with pytest.raises((HTTPClientError, OSError)):
        client.get_object(Bucket=side.bucket, Key="key")["Body"].read()
    with pytest.raises((HTTPClientError, OSError)):
        client.put_object(Bucket=side.bucket, Key="new", Body=bytes(1 << 20))
    assert {"key": 1 << 20} == side.sizes()


def test_requests_are_delayed(bucket_pair: Pair, new_proxy: NewProxy) -> None:
    proxy = new_proxy(bucket_pair.source.server)
    proxy.on("head", Delay(0.3))
    client = through(proxy, bucket_pair.source.server)

    begun = time.monotonic()
    client.head_bucket(Bucket=bucket_pair.source.bucket)

    assert time.monotonic() - begun >= 0.3


def test_ports_that_hang() -> None:
    with unaccepting() as full, silent() as mute:
        with pytest.raises(TimeoutError):
            socket.create_connection(("127.0.0.1", full), timeout=0.5)
        with socket.create_connection(("127.0.0.1", mute), timeout=0.5) as connection:
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            with pytest.raises(TimeoutError):
                connection.recv(1)


def test_a_bucket_is_dropped_with_more_than_a_page_in_it(bucket_pair: Pair) -> None:
    side = bucket_pair.target
    side.put({f"{number:04}": b"x" for number in range(1001)})
    assert 1001 == len(side.sizes())

    side.drop()

    assert side.bucket not in [bucket["Name"] for bucket in side.client.list_buckets()["Buckets"]]


def test_a_server_restarts_in_the_middle_of_a_mirror(
    new_side: Callable[..., Side], bucket_pair: Pair, new_proxy: NewProxy, mc: Path, tmp_path: Path
) -> None:
    source, target = bucket_pair.source, new_side("dst")
    source.put({f"{number:02}": b"x" for number in range(30)})
    proxy = new_proxy(target.server)
    proxy.on("put", Call(target.server.restart), first=10, times=1)
    hosts = {"MC_HOST_src": source.server.mc_host(), "MC_HOST_dst": target.server.mc_host(address=proxy.address)}

    # What was on its way at that moment is lost behind a proxy: mc cannot read a body twice.
    first, second = (run_mc(mc, tmp_path, "mirror", source.location, target.location, **hosts) for _ in range(2))

    assert (0, source.contents()) == (second.returncode, target.contents()), first.stdout
    assert proxy.counts["put"] >= 30


def test_a_command_is_run_with_nothing_of_ours(cli: Cli, bucket_pair: Pair) -> None:
    bucket_pair.source.put({"a": b"1", "b/c": b""})

    done = cli("mirror", bucket_pair.source.location, bucket_pair.target.location, "--json")

    assert (0, "succeeded", True) == (done.code, done.report["status"], done.report["verified"]), done.stderr
    assert (True, []) == (bucket_pair.equal, cli.leftovers)


def test_the_children_of_a_command_are_found(cli: Cli, bucket_pair: Pair, new_proxy: NewProxy) -> None:
    bucket_pair.source.put({"a": b"1"})
    proxy = new_proxy(bucket_pair.target.server)
    proxy.on("put", Delay(600))
    host = bucket_pair.target.server.mc_host(address=proxy.address)

    process = cli.start("mirror", bucket_pair.source.location, bucket_pair.target.location, MC_HOST_dst=host)
    until(lambda: proxy.counts["put"])
    found = children(process)
    process.kill()
    process.communicate()

    assert 1 == len(found)
