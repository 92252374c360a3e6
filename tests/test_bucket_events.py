"""`mcmirror events add|remove|list` against a real MinIO."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from mcmirror.model.bucket_events import EventFilter, EventRule
from tests.servers.command import Cli, Result
from tests.servers.minio import Minio

ONE, OTHER = "arn:minio:sqs::one:webhook", "arn:minio:sqs::other:webhook"
WEBHOOKS = {
    f"MINIO_NOTIFY_WEBHOOK_{setting}_{name}": value
    for name in ("one", "other")
    for setting, value in (("ENABLE", "on"), ("ENDPOINT", "http://127.0.0.1:9/nobody"))
}


@pytest.fixture
def server(new_server: Callable[..., Minio]) -> Minio:
    """A server that knows two destinations, and has a bucket."""
    server = new_server(environment=WEBHOOKS)
    server.client().create_bucket(Bucket="photos")
    return server


@pytest.fixture
def events(cli: Cli, server: Minio) -> Callable[..., Result]:
    """`mcmirror events`."""

    def run(*arguments: str, mc_host: str = "") -> Result:
        return cli("events", *arguments, MC_HOST_it=mc_host or server.mc_host())

    return run


def rules(server: Minio) -> list[tuple[str, list[str], str]]:
    """What the server itself says: destination, events, prefix."""
    found = server.client().get_bucket_notification_configuration(Bucket="photos").get("QueueConfigurations", [])
    return sorted((rule["QueueArn"], sorted(rule["Events"]), prefix(rule)) for rule in found)


def prefix(rule: dict[str, Any]) -> str:
    filters = rule.get("Filter", {}).get("Key", {}).get("FilterRules", [])
    return next((one["Value"] for one in filters if one["Name"].lower() == "prefix"), "")


def test_added_twice_is_added_once(events: Callable[..., Result], server: Minio) -> None:
    done = events("add", "it/photos", ONE, "--on", "put,delete")
    assert (0, f"it/photos: put, delete added ({ONE}).\n", "") == (done.code, done.stdout, done.stderr)
    expected = [(ONE, ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"], "")]
    assert expected == rules(server)
    again = events("add", "it/photos", ONE, "--on", "delete,put")
    assert (0, f"it/photos: delete, put reported already ({ONE}).\n") == (again.code, again.stdout)
    assert expected == rules(server)


def test_what_is_lacking_is_added_beside_what_is_there(events: Callable[..., Result], server: Minio) -> None:
    events("add", "it/photos", ONE, "--on", "put")
    done = events("add", "it/photos", ONE, "--on", "put,replica")
    assert f"it/photos: replica added ({ONE}).\nit/photos: put reported already ({ONE}).\n" == done.stdout
    assert [(ONE, ["s3:ObjectCreated:*"], ""), (ONE, ["s3:Replication:*"], "")] == rules(server)


def test_a_rule_for_all_keys_reports_those_of_a_prefix(events: Callable[..., Result], server: Minio) -> None:
    events("add", "it/photos", ONE, "--on", "put")
    done = events("add", "it/photos", ONE, "--on", "put", "--prefix", "2026/")
    assert f"it/photos: put reported already ({ONE}).\n" == done.stdout
    assert [(ONE, ["s3:ObjectCreated:*"], "")] == rules(server)


def test_a_wider_rule_stands_beside_a_narrower_one(events: Callable[..., Result], server: Minio) -> None:
    events("add", "it/photos", ONE, "--on", "put", "--prefix", "2026/")
    assert 0 == events("add", "it/photos", ONE, "--on", "put").code
    assert [(ONE, ["s3:ObjectCreated:*"], ""), (ONE, ["s3:ObjectCreated:*"], "2026/")] == rules(server)


def test_one_of_two_events_of_a_rule_is_removed(events: Callable[..., Result], server: Minio) -> None:
    """mc can only remove the whole rule."""
    events("add", "it/photos", ONE, "--on", "put,delete", "--prefix", "2026/")
    done = events("remove", "it/photos", ONE, "--on", "put", "--prefix", "2026/")
    assert (0, f"it/photos: put removed ({ONE}).\n") == (done.code, done.stdout)
    assert [(ONE, ["s3:ObjectRemoved:*"], "2026/")] == rules(server)
    again = events("remove", "it/photos", ONE, "--on", "put", "--prefix", "2026/")
    assert (0, f"it/photos: put not there ({ONE}).\n") == (again.code, again.stdout)
    assert [(ONE, ["s3:ObjectRemoved:*"], "2026/")] == rules(server)


def test_rules_for_other_keys_and_destinations_stay(events: Callable[..., Result], server: Minio) -> None:
    events("add", "it/photos", ONE, "--on", "put", "--prefix", "a/")
    events("add", "it/photos", ONE, "--on", "put", "--prefix", "b/")
    events("add", "it/photos", OTHER, "--on", "put", "--prefix", "a/")
    events("remove", "it/photos", ONE, "--on", "put", "--prefix", "a/")
    assert [(ONE, ["s3:ObjectCreated:*"], "b/"), (OTHER, ["s3:ObjectCreated:*"], "a/")] == rules(server)


def test_a_destination_is_removed_with_all_its_rules(events: Callable[..., Result], server: Minio) -> None:
    events("add", "it/photos", ONE, "--on", "put,scanner", "--prefix", "a/")
    events("add", "it/photos", ONE, "--on", "get")
    events("add", "it/photos", OTHER, "--on", "put")
    done = events("remove", "it/photos", ONE)
    assert 0 == done.code, done.stderr
    assert [(OTHER, ["s3:ObjectCreated:*"], "")] == rules(server)
    again = events("remove", "it/photos", ONE)
    assert (0, f"it/photos: no rule there ({ONE}).\n") == (again.code, again.stdout)


def test_a_rule_for_which_mc_has_no_words_is_removed_with_its_destination(
    events: Callable[..., Result], server: Minio
) -> None:
    rule = {"QueueArn": ONE, "Events": ["s3:ObjectCreated:Put"]}
    server.client().put_bucket_notification_configuration(
        Bucket="photos", NotificationConfiguration={"QueueConfigurations": [rule]}
    )
    listed = events("list", "it/photos", "--json")
    assert [["s3:ObjectCreated:Put"]] == [one["on"] for one in json.loads(listed.stdout)]
    assert 0 == events("remove", "it/photos", ONE).code
    assert [] == rules(server)


def test_list(events: Callable[..., Result]) -> None:
    assert "ARN  EVENTS  PREFIX  SUFFIX\n" == events("list", "it/photos").stdout
    events("add", "it/photos", ONE, "--on", "put,ilm", "--prefix", "a/", "--suffix", ".jpg")
    events("add", "it/photos", OTHER, "--on", "replica")
    assert "put, ilm  a/      .jpg" in events("list", "it/photos").stdout
    (rule,) = json.loads(events("list", "it/photos", ONE, "--json").stdout)
    names = ["s3:ObjectCreated:*", "s3:ObjectRestore:*", "s3:ObjectTransition:*"]
    assert {"arn": ONE, "on": ["put", "ilm"], "events": names, "prefix": "a/", "suffix": ".jpg"} == rule


def test_json(events: Callable[..., Result]) -> None:
    rule = {"arn": ONE, "on": ["put"], "events": ["s3:ObjectCreated:*"], "prefix": "", "suffix": ""}
    done = events("add", "it/photos", ONE, "--on", "put", "--json")
    same = {"bucket": "it/photos", "arn": ONE}
    assert {**same, "added": ["put"], "unchanged": [], "rules": [rule]} == json.loads(done.stdout)
    done = events("remove", "it/photos", ONE, "--on", "put", "--json")
    assert {**same, "removed": ["put"], "unchanged": [], "rules": []} == json.loads(done.stdout)


def test_a_destination_that_the_server_does_not_have_is_explained(events: Callable[..., Result]) -> None:
    done = events("add", "it/photos", "arn:minio:sqs::intermediate:webhook", "--on", "put")
    assert 1 == done.code
    assert "it/photos: the server has no destination arn:minio:sqs::intermediate:webhook" in done.stderr
    assert f"The server has: {ONE}, {OTHER}." in done.stderr
    for word in ("MINIO_NOTIFY_WEBHOOK_ENABLE_intermediate=on", "notify_webhook:intermediate", "only after a restart"):
        assert word in done.stderr
    done = events("add", "it/photos", "arn:aws:sqs::other:webhook", "--on", "put")
    assert f"Did you mean {OTHER}?" in done.stderr


def test_wrong_keys_a_missing_bucket_and_a_server_that_is_down(events: Callable[..., Result], server: Minio) -> None:
    for command in (("add", "it/photos", ONE, "--on", "put"), ("remove", "it/photos", ONE), ("list", "it/photos")):
        done = events(*command, mc_host=server.mc_host().replace(server.root.secret_key, "wrong-secret"))
        assert 1 == done.code
        assert "it rejected the secret key" in done.stderr
    for command in (("add", "it/nope", ONE, "--on", "put"), ("remove", "it/nope", ONE), ("list", "it/nope")):
        done = events(*command)
        assert 1 == done.code
        assert "there is no bucket of this name" in done.stderr
    server.kill()
    done = events("add", "it/photos", ONE, "--on", "put")
    assert 1 == done.code
    assert "nothing answers at this address and port" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("add", "it/photos", ONE), "Missing option '--on'"),
        (("add", "it/photos", ONE, "--on", "put,deleted"), "there is no event 'deleted'. There are: put, delete"),
        (("add", "it/photos", ONE, "--on", ""), "there is no event ''"),
        (("add", "it/photos", "one", "--on", "put"), "'one' is no ARN. Write arn:minio:sqs::NAME:webhook."),
        (("add", "it", ONE, "--on", "put"), "'it' is no bucket. Write ALIAS/BUCKET."),
        (("list", "./photos"), "'./photos' is no bucket"),
        (("list", "it/photos/2026"), "Write --prefix 2026/ beside it."),
        (("remove", "it/photos", ONE, "--prefix", "a/"), "--prefix and --suffix need --on"),
    ],
)
def test_mistakes_of_the_command_line(cli: Cli, arguments: tuple[str, ...], words: str) -> None:
    done = cli("events", *arguments)
    assert 2 == done.code
    assert words in " ".join(done.stderr.split())


def test_an_alias_that_is_not_defined(cli: Cli) -> None:
    done = cli("events", "list", "nobody/photos")
    assert 1 == done.code
    assert "there is no alias nobody" in done.stderr


def test_words_of_a_rule() -> None:
    rule = EventRule(ONE, ("s3:ObjectCreated:*", "s3:Scanner:BigPrefix"))
    assert ("put", "s3:Scanner:BigPrefix") == rule.words
    assert not rule.removable


def test_a_wider_rule_covers_prefix_and_suffix() -> None:
    there = EventRule(ONE, ("s3:ObjectCreated:*",), "a/", "jpg")
    assert ("put",) == EventFilter(ONE, ("put",), "a/b", ".jpg").present([there])
    assert () == EventFilter(ONE, ("put",), "", ".jpg").present([there])
    assert () == EventFilter(ONE, ("put",), "a/", "").present([there])
    assert () == EventFilter(OTHER, ("put",), "a/", "jpg").present([there])
