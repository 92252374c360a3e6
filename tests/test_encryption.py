"""What a target demands of encryption is asked for; what nobody here can decrypt is named with the server's reason."""

import json
from collections.abc import Callable

import pytest

from tests.conftest import Pair, Side
from tests.servers.command import Cli
from tests.servers.minio import KMS_KEY, Minio
from tests.servers.proxy import Proxy, s3_error

CUSTOMERS_KEY = bytes(32)


def encryption(side: Side, key: str) -> tuple[str, str]:
    """The algorithm of an object, and the name of its key."""
    head = side.client.head_object(Bucket=side.bucket, Key=key)
    return head.get("ServerSideEncryption", ""), head.get("SSEKMSKeyId", "").rpartition(":")[2]


@pytest.mark.parametrize(
    ("asked", "expected"), [("sse-s3", ("AES256", "")), (f"sse-kms:{KMS_KEY}", ("aws:kms", KMS_KEY))]
)
def test_every_way_to_copy_asks_for_it(cli: Cli, bucket_pair: Pair, asked: str, expected: tuple[str, str]) -> None:
    source, target = bucket_pair.source, bucket_pair.target
    target.put({"a=b/drifted": b"1", "a=b/c/other": b"22"})
    source.put({"a=b/new": b"333", "a=b/c/other": b"4444"})
    target.put({"a=b/drifted": b"5"})
    source.put({"a=b/drifted": b"1"})
    target.put({"a=b/drifted": b"6"})  # later, of the same size: mc's mirror does not see it
    cli.write(
        f'[job.x]\nsource = "{source.location}/a=b"\ntarget = "{target.location}/a=b"\noverwrite = true\n'
        f'encrypt = "{asked}"\n'
    )

    done = cli("run", "x", "--json")
    again = cli("run", "x", "--json")

    assert (0, 3) == (done.code, done.report["done"]["objects"]), done.stderr
    assert bucket_pair.equal
    assert {expected} == {encryption(target, key) for key in source.sizes()}
    assert (0, 0) == (again.code, again.report["done"]["objects"]), again.stderr


def test_a_bucket_that_demands_it_is_served(cli: Cli, bucket_pair: Pair) -> None:
    source, target = bucket_pair.source, bucket_pair.target
    source.put({"k": b"1"})
    statement = {
        "Effect": "Deny",
        "Action": ["s3:PutObject"],
        "Resource": [f"arn:aws:s3:::{target.bucket}/*"],
        "Condition": {"StringNotEquals": {"s3:x-amz-server-side-encryption": "AES256"}},
    }
    cli.environment["MC_HOST_dst"] = target.server.mc_host(target.server.user(statement))
    mirror = ("mirror", source.location, target.location, "--json")

    refused = cli(*mirror)
    served = cli(*mirror, "--encrypt", "sse-s3")

    assert ["permission"] == [one["category"] for one in refused.report["problems"]], refused.stderr
    assert "encrypt" in refused.report["problems"][0]["remedy"]
    assert (0, ("AES256", "")) == (served.code, encryption(target, "k")), served.stderr


def test_a_key_that_the_kms_does_not_know_is_said_as_that(cli: Cli, bucket_pair: Pair) -> None:
    bucket_pair.source.put({"k": b"1"})

    done = cli(
        "mirror", bucket_pair.source.location, bucket_pair.target.location, "--encrypt", "sse-kms:nokey", "--json"
    )

    assert 1 == done.code
    assert {"encryption"} == {one["category"] for one in done.report["problems"]}
    assert "key with given key ID does not exist" in done.report["problems"][0]["cause"]


@pytest.mark.parametrize("wrong", ["sse", "sse-kms", "sse-kms:arn:aws:kms:eu:1:key/2", "sse-c:x", ""])
def test_what_mc_cannot_ask_for_is_a_mistake(cli: Cli, wrong: str) -> None:
    done = cli("mirror", "src/a", "dst/b", f"--encrypt={wrong}")

    assert 2 == done.code
    assert "--encrypt" in done.stderr


def test_a_folder_encrypts_nothing(cli: Cli) -> None:
    cli.write('[job.x]\nsource = "src/aaa"\ntarget = "/tmp/x"\nencrypt = "sse-s3"\n')

    by_file, by_option = cli("run", "x"), cli("mirror", "src/aaa", "./x", "--encrypt", "sse-s3")

    assert (2, 2) == (by_file.code, by_option.code)
    assert "job.x.encrypt" in by_file.stderr


def test_an_object_with_a_customers_key_is_named_and_keeps_no_other_back(
    cli: Cli, new_side: Callable[..., Side], bucket_pair: Pair
) -> None:
    source = new_side("src", tls=True)
    source.put({"a": b"1", "z": b"2"})
    source.client.put_object(
        Bucket=source.bucket, Key="k", Body=b"0", SSECustomerAlgorithm="AES256", SSECustomerKey=CUSTOMERS_KEY
    )
    assert source.server.certificates
    keys = source.server.root
    cli.write(
        f'[alias.tls]\nurl = "{source.server.url}"\naccess_key = "{keys.access_key}"\n'
        f'secret_key = "{keys.secret_key}"\nca_file = "{source.server.certificates / "public.crt"}"\n'
        f'[job.x]\nsource = "tls/{source.bucket}"\ntarget = "{bucket_pair.target.location}"\n'
    )

    done = cli("run", "x", "--json")

    assert (3, {"a", "z"}) == (done.code, set(bucket_pair.target.sizes())), done.stderr
    (found,) = done.report["problems"]
    assert ("customer-key", "k") == (found["category"], found["object"])
    assert found["cause"].startswith("The object was stored using a form of Server Side Encryption")


def test_an_archived_object_is_named_with_the_servers_reason(
    cli: Cli, bucket_pair: Pair, new_proxy: Callable[[Minio], Proxy]
) -> None:
    source = bucket_pair.source
    source.put({"a": b"1", "cold": b"2", "z": b"3"})
    proxy = new_proxy(source.server)
    reason = "The operation is not valid for the object's storage class"
    proxy.on("get", s3_error(403, "InvalidObjectState", reason), path="/cold$")
    cli.environment["MC_HOST_src"] = source.server.mc_host(address=proxy.address)

    done = cli("mirror", source.location, bucket_pair.target.location, "--json")

    assert (3, {"a", "z"}) == (done.code, set(bucket_pair.target.sizes())), done.stderr
    (found,) = done.report["problems"]
    assert ("archived", "cold", reason) == (found["category"], found["object"], found["cause"])
    assert "cold" in json.dumps(done.report["remaining_keys"])
