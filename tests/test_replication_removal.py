"""``mcmirror replicate remove`` and ``import``: what was made or adopted is taken away, and nothing else."""

from collections.abc import Callable

import pytest

from tests.replicated import Link
from tests.servers.command import Cli
from tests.servers.minio import Minio
from tests.waiting import until

ARN = "arn:minio:sqs::one:webhook"
WEBHOOK = {
    "MINIO_NOTIFY_WEBHOOK_ENABLE_one": "on",
    "MINIO_NOTIFY_WEBHOOK_ENDPOINT_one": "http://127.0.0.1:9/nobody",
}


@pytest.fixture
def link(cli: Cli, source: Minio, target: Minio) -> Link:
    made = Link(cli, source, target)
    made.write()
    return made


def add_by_hand(link: Link, rule: str = "theirs", priority: str = "7", bucket: str = "") -> None:
    """As text 001 does it, with the keys in the address."""
    keys = f"{link.target.root.access_key}:{link.target.root.secret_key}"
    remote = f"{link.target.scheme}://{keys}@{link.target.address}/{bucket or link.name}"
    added = ("--remote-bucket", remote, "--priority", priority, "--id", rule)
    link.source.admin("replicate", "add", f"it/{link.name}", *added, "--replicate", "delete-marker,existing-objects")


def test_all_that_was_made_is_taken_away(link: Link) -> None:
    link.write("both_ways = true")
    assert 0 == link("apply").code
    done = link("remove")
    assert 0 == done.code, done.stdout + done.stderr
    assert [False, False] == [link.exists(server) for server in (link.source, link.target)]
    again = link("remove")
    assert (0, "link: nothing is left of what mcmirror made or adopted; nothing to do.\n") == (again.code, again.stdout)


def test_objects_stay_and_so_do_their_buckets(link: Link) -> None:
    link.make(link.target, versioned=True)
    assert 0 == link("apply").code
    link.source.client().put_object(Bucket=link.name, Key="a", Body=b"a")
    until(link.has(link.target, "a"))

    for _ in range(2):
        done = link("remove")
        assert 0 == done.code, done.stdout + done.stderr
        assert f"note: the bucket src/{link.name} stays: there is something in it." in done.stdout
    assert [] == link.rules(link.source)
    assert ("Suspended", "Enabled") == (link.versioning(link.source), link.versioning(link.target))
    assert link.has(link.source, "a")()
    assert link.has(link.target, "a")()
    assert 0 == link("apply").code
    assert [] == link.actions()


def test_what_others_made_stays(link: Link) -> None:
    for server in (link.source, link.target):
        link.make(server, versioned=True)
    assert 0 == link("apply").code
    other = f"{link.name}-other"
    link.source.client().create_bucket(Bucket=other)
    link.source.client().put_bucket_versioning(Bucket=other, VersioningConfiguration={"Status": "Enabled"})
    remote = f"http://{link.source.root.access_key}:{link.source.root.secret_key}@{link.source.address}/{other}"
    link.source.admin("replicate", "add", f"it/{link.name}", "--remote-bucket", remote, "--priority", "9", "--id", "o")

    assert 0 == link("remove").code
    assert ["o"] == [rule["ID"] for rule in link.rules(link.source)]
    assert ("Enabled", "Enabled") == (link.versioning(link.source), link.versioning(link.target))
    assert 0 == link("remove").code
    assert ["o"] == [rule["ID"] for rule in link.rules(link.source)]


def test_one_way_is_left_of_two(link: Link) -> None:
    link.write("both_ways = true")
    assert 0 == link("apply").code
    link.write()
    assert [("remove-rule", "dst")] == link.actions()
    assert 0 == link("apply").code
    assert ([], 1) == (link.rules(link.target), len(link.rules(link.source)))
    assert [] == link.actions()


def test_a_target_that_is_gone_keeps_nobody_from_removing_the_rule(
    link: Link, new_server: Callable[..., Minio]
) -> None:
    gone = new_server()
    link.write(target="gone")
    assert 0 == link("apply", MC_HOST_gone=gone.mc_host()).code
    gone.kill()
    for _ in range(2):
        done = link("remove", MC_HOST_gone=gone.mc_host())
        assert 3 == done.code
        assert "nothing answers at this address and port" in done.stdout
        assert "link: what was made there stands; remove again when it can be asked." in done.stdout
        assert [] == link.rules(link.source)
    gone.start()
    assert 0 == link("remove", MC_HOST_gone=gone.mc_host()).code
    assert link.name not in [one["Name"] for one in gone.client().list_buckets()["Buckets"]]


def test_a_rule_made_by_hand_is_adopted_changed_and_removed(link: Link) -> None:
    for server in (link.source, link.target):
        link.make(server, versioned=True)
    assert 1 == link("import").code
    add_by_hand(link)
    assert 4 == link("plan").code

    adopted = link("import")
    assert 0 == adopted.code, adopted.stdout + adopted.stderr
    assert f"rule theirs of src/{link.name} is managed by mcmirror now" in adopted.stdout
    assert "priority: 7 → 1" in adopted.stdout
    again = link("import")
    assert "link: nothing to adopt" in again.stdout
    assert ["theirs"] == [rule["ID"] for rule in link.rules(link.source)]

    assert 0 == link("apply").code
    assert [] == link.actions()
    (rule,) = link.rules(link.source)
    assert ("theirs", 1) == (rule["ID"], rule["Priority"])

    assert 0 == link("remove").code
    assert [] == link.rules(link.source)
    assert ("Enabled", "Enabled") == (link.versioning(link.source), link.versioning(link.target))


def test_a_rule_made_by_hand_is_written_into_the_configuration(link: Link) -> None:
    file = link.cli.write("# mine\n")
    for server in (link.source, link.target):
        link.make(server, versioned=True)
    assert 1 == link("import", f"src/{link.name}").code
    add_by_hand(link)
    done = link("import", f"src/{link.name}")
    assert 0 == done.code, done.stdout + done.stderr
    assert "# mine" in file.read_text()
    assert "link: the servers are as the configuration says; nothing to do." in done.stdout
    assert link.target.root.secret_key not in file.read_text() + done.stdout + done.stderr
    again = link("import", f"src/{link.name}")
    assert 2 == again.code
    assert "is there already" in again.stderr
    assert 0 == link("import").code


@pytest.mark.parametrize("verb", ["remove", "import"])
def test_wrong_keys(link: Link, verb: str) -> None:
    assert 0 == link("apply").code
    wrong = f"http://{link.source.root.access_key}:not-the-secret@{link.source.address}"
    for _ in range(2):
        done = link(verb, MC_HOST_src=wrong)
        assert (3 if verb == "remove" else 1) == done.code
        assert "src rejected the secret key" in done.stdout + done.stderr
    assert 1 == len(link.rules(link.source))


def test_events_are_made_and_taken_away(link: Link, new_server: Callable[..., Minio]) -> None:
    heard = new_server(environment=WEBHOOK)
    host = {"MC_HOST_heard": heard.mc_host()}
    events = f'events = [{{bucket = "target", arn = "{ARN}", on = ["replica"], prefix = "in/"}}]'
    link.write(events, target="heard")
    assert 0 == link("apply", **host).code

    def rules() -> list[str]:
        found = heard.client().get_bucket_notification_configuration(Bucket=link.name)
        return [rule["QueueArn"] for rule in found.get("QueueConfigurations", [])]

    assert [ARN] == rules()
    assert "nothing to do" in link("apply", **host).stdout
    heard.client().put_object(Bucket=link.name, Key="stays", Body=b"")
    assert 0 == link("remove", **host).code
    assert [] == rules()

    link.write(events.replace("one", "none"), target="heard")
    for _ in range(2):
        done = link("apply", **host)
        assert done.code in {1, 3}
        assert f"the server has no destination {ARN.replace('one', 'none')}" in done.stdout
