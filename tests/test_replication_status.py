"""``mcmirror replicate status|verify|resync`` on real servers: what they say is what boto3 finds."""

import json
import signal
from collections.abc import Callable
from typing import Any

import pytest

from tests.replicated import Link
from tests.servers.command import Cli
from tests.servers.minio import Minio
from tests.waiting import until

PART = 5 << 20


@pytest.fixture
def link(cli: Cli, source: Minio, target: Minio) -> Link:
    made = Link(cli, source, target)
    made.write()
    return made


@pytest.fixture
def cut(link: Link, new_server: Callable[..., Minio]) -> tuple[Link, Minio]:
    """A replication to a server that can be ended."""
    server = new_server()
    link.cli.environment["MC_HOST_cut"] = server.mc_host()
    link.write(target="cut")
    assert 0 == link("apply").code
    return link, server


def in_sync(link: Link) -> Callable[[], bool]:
    def look() -> bool:
        done = link("status")
        assert done.code in {0, 3}, done.stderr
        return 0 == done.code

    return look


def versions(server: Minio, bucket: str) -> set[tuple[str, str]]:
    page = server.client().list_object_versions(Bucket=bucket)
    return {(one["Key"], one["VersionId"]) for kind in ("Versions", "DeleteMarkers") for one in page.get(kind, [])}


def multipart(server: Minio, bucket: str, key: str) -> None:
    client = server.client()
    upload = client.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    part: dict[str, Any] = {"Bucket": bucket, "Key": key, "UploadId": upload}
    parts = [
        {"PartNumber": number, "ETag": client.upload_part(**part, PartNumber=number, Body=bytes(PART))["ETag"]}
        for number in (1, 2, 3)
    ]
    client.complete_multipart_upload(**part, MultipartUpload={"Parts": parts})


def test_versions_markers_and_a_multipart_object_arrive_and_are_compared(link: Link) -> None:
    assert 0 == link("apply").code
    client = link.source.client()
    for body in (b"one", b"two"):
        client.put_object(Bucket=link.name, Key="a", Body=body)
    client.put_object(Bucket=link.name, Key="folder/", Body=b"")
    client.put_object(Bucket=link.name, Key='odd \u00fc "q" +%2F', Body=b"odd")
    client.delete_object(Bucket=link.name, Key="a")
    multipart(link.source, link.name, "large")
    until(in_sync(link))

    assert versions(link.source, link.name) == versions(link.target, link.name)
    (direction,) = link.document("status")["directions"]
    assert (True, True, 0, 0) == tuple(direction[key] for key in ("well", "online", "behind", "lag_seconds"))
    assert {"versions": 5, "delete_markers": 1, "bytes": 3 * PART + 9} == direction["versions"]["target"]
    for _ in range(2):
        done = link("verify")
        assert 0 == done.code, done.stdout + done.stderr
        assert "both buckets have the same versions and delete markers" in done.stdout
        assert "5 versions (15.0 MiB) and 1 delete marker at the source" in done.stdout


def test_a_version_that_is_gone_from_the_target_is_found_although_it_counts_as_replicated(link: Link) -> None:
    assert 0 == link("apply").code
    client = link.source.client()
    for key in ("a", "b"):
        client.put_object(Bucket=link.name, Key=key, Body=key.encode())
    until(in_sync(link))
    ((_, version),) = [one for one in versions(link.target, link.name) if one[0] == "b"]
    link.target.client().delete_object(Bucket=link.name, Key="b", VersionId=version)
    link.target.client().put_object(Bucket=link.name, Key="foreign", Body=b"f")

    done = link("verify")
    assert 3 == done.code
    assert f"missing on the target: b (1 B, version {version})" in done.stdout
    assert "only on the target: foreign" in done.stdout
    status = link("status")
    assert 3 == status.code
    assert "1 version (1 B): 1 reported as replicated, and not there" in status.stdout

    for _ in range(2):
        resynced = link("resync")
        assert 0 == resynced.code, resynced.stdout + resynced.stderr
        assert "the resync is completed" in resynced.stdout
    assert ("b", version) in versions(link.target, link.name)


def test_objects_from_before_the_rule_come_with_a_resync(link: Link) -> None:
    link.make(link.source, versioned=True)
    client = link.source.client()
    for number in range(30):
        client.put_object(Bucket=link.name, Key=f"{number:02}", Body=b"x")
    link.write('replicate = ["delete-marker"]')
    assert 1 == link("resync").code
    assert 0 == link("apply").code
    refused = link("resync")
    assert 1 == refused.code
    assert 'Add "existing-objects" to `replicate`' in refused.stderr
    assert "30 from before the rule" in link("status").stdout

    link.write()
    assert 0 == link("apply").code
    (outcome,) = json.loads(link("resync", "--json").stdout)["resyncs"]
    assert ("Completed", True) == (outcome["resync"]["status"], outcome["status"]["well"])
    assert versions(link.source, link.name) == versions(link.target, link.name)


def test_a_target_that_is_away(cut: tuple[Link, Minio]) -> None:
    link, server = cut
    link.source.client().put_object(Bucket=link.name, Key="before", Body=b"b")
    until(in_sync(link))
    until(lambda: link.document("status", "--quick")["directions"][0]["last_online"])
    server.kill()
    client = link.source.client()
    until(lambda: link.document("status", "--quick")["directions"][0]["online"] is False)
    for key in ("one", "two"):
        client.put_object(Bucket=link.name, Key=key, Body=b"late")

    done = link("status")
    assert 3 == done.code
    assert "offline since 20" in done.stdout
    assert "at least 2 versions (8 B)" in done.stdout
    assert "the target could not be listed" in done.stdout
    assert "nothing answers at this address and port" in done.stdout
    (direction,) = link.document("status")["directions"]
    assert (2, False) == (direction["behind"], direction["versions"]["whole"])
    assert direction["lag_seconds"] > 0
    for verb in ("verify", "resync"):
        assert 1 == link(verb).code

    server.start()
    until(in_sync(link))
    assert versions(link.source, link.name) == versions(server, link.name)


def test_watching_ends_with_ctrl_c(link: Link) -> None:
    assert 0 == link("apply").code
    process = link.cli.start("replicate", "status", "link", "--watch", "--json", "--every", "0.1s")
    assert process.stdout
    looks = [json.loads(process.stdout.readline()) for _ in range(2)]
    assert [True, True] == [look["well"] for look in looks]
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert 130 == process.returncode
    assert [] == link.cli.leftovers


@pytest.mark.parametrize("verb", ["status", "verify", "resync"])
def test_wrong_keys_missing_buckets_and_no_rule(link: Link, verb: str) -> None:
    assert {"status": 3, "verify": 1, "resync": 1}[verb] == link(verb).code
    for server in (link.source, link.target):
        link.make(server, versioned=True)
    assert {"status": 3, "verify": 0, "resync": 1}[verb] == link(verb).code
    wrong = f"http://{link.source.root.access_key}:not-the-secret@{link.source.address}"
    for _ in range(2):
        done = link(verb, MC_HOST_src=wrong)
        assert (3 if verb == "status" else 1) == done.code
        assert "src rejected the secret key" in done.stdout + done.stderr


def test_a_rule_that_is_switched_off(link: Link) -> None:
    assert 0 == link("apply").code
    link.source.admin("replicate", "update", f"it/{link.name}", "--id", "mcmirror-link", "--state", "disable")
    done = link("status")
    assert 3 == done.code
    assert "switched off" in done.stdout
