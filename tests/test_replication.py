"""``mcmirror replicate`` on two real MinIO servers; what really is there says boto3."""

from collections.abc import Callable

import pytest

from mcmirror.model.lock import Manners
from mcmirror.model.stop import Stop
from mcmirror.service.target_turns import TargetTurns
from mcmirror.store.paths import lock_folders
from tests.faults.stage import processes
from tests.replicated import Link
from tests.servers.command import Cli
from tests.servers.minio import Minio
from tests.servers.versitygw import Versitygw
from tests.waiting import until


@pytest.fixture
def link(cli: Cli, source: Minio, target: Minio) -> Link:
    made = Link(cli, source, target)
    made.write()
    return made


def test_from_nothing_to_objects_that_arrive(link: Link) -> None:
    everything = [
        ("create-bucket", "src"),
        ("enable-versioning", "src"),
        ("create-bucket", "dst"),
        ("enable-versioning", "dst"),
        ("add-rule", "src"),
    ]
    assert everything == link.actions()
    assert 10 == link("plan", "--exit-code").code
    assert [False, False] == [link.exists(server) for server in (link.source, link.target)]

    done = link("apply")
    assert 0 == done.code, done.stderr
    assert f"replicate src/{link.name} to dst/{link.name}, by rule mcmirror-link" in done.stdout
    assert ["Enabled", "Enabled"] == [link.versioning(server) for server in (link.source, link.target)]
    (rule,) = link.rules(link.source)
    assert ("mcmirror-link", "Enabled", 1) == (rule["ID"], rule["Status"], rule["Priority"])
    assert [] == link.rules(link.target)

    again = link("apply")
    assert (0, "link: the servers are as the configuration says; nothing to do.\n") == (again.code, again.stdout)
    assert 0 == link("plan", "--exit-code").code
    assert [rule] == link.rules(link.source)

    link.source.client().put_object(Bucket=link.name, Key="a", Body=b"a")
    until(link.has(link.target, "a"))


def test_both_ways(link: Link) -> None:
    link.write("both_ways = true", 'replicate = ["delete", "delete-marker", "existing-objects", "metadata"]')
    assert 0 == link("apply").code
    assert [] == link.actions()
    assert ["mcmirror-link"] == [rule["ID"] for rule in link.rules(link.target)]
    link.target.client().put_object(Bucket=link.name, Key="b", Body=b"b")
    until(link.has(link.source, "b"))


def test_what_changed_in_the_configuration_or_on_the_server_is_changed_back(link: Link) -> None:
    link.write('replicate = ["delete-marker"]')
    assert 0 == link("apply").code
    (rule,) = link.rules(link.source)
    assert "Disabled" == rule["SourceSelectionCriteria"]["ReplicaModifications"]["Status"]

    link.source.admin("replicate", "update", f"it/{link.name}", "--id", "mcmirror-link", "--state", "disable")
    link.write("priority = 4", 'bandwidth = "200MB"', "synchronous = true", 'health_check = "30s"')
    (step,) = link.document("plan")["steps"]
    assert "update-rule" == step["action"]
    assert {"state", "priority", "replicate", "bandwidth", "synchronous", "health_check"} == {
        change["what"] for change in step["changes"]
    }

    assert 0 == link("apply").code
    assert [] == link.actions()
    (rule,) = link.rules(link.source)
    assert ("Enabled", 4) == (rule["Status"], rule["Priority"])


def test_nothing_but_new_objects(link: Link) -> None:
    link.write("replicate = []")
    assert 0 == link("apply").code
    assert [] == link.actions()
    (rule,) = link.rules(link.source)
    assert "Disabled" == rule["DeleteMarkerReplication"]["Status"]
    assert "Disabled" == rule["SourceSelectionCriteria"]["ReplicaModifications"]["Status"]


@pytest.mark.parametrize("side", ["src", "dst"])
def test_wrong_keys_are_found_at_once_and_nothing_is_changed(link: Link, side: str) -> None:
    server = {"src": link.source, "dst": link.target}[side]
    wrong = {f"MC_HOST_{side}": f"http://{server.root.access_key}:not-the-secret@{server.address}"}
    for _ in range(2):
        for verb in ("plan", "apply"):
            result = link(verb, **wrong)
            assert 1 == result.code
            assert f"{side} rejected the secret key" in result.stderr
            assert "not-the-secret" not in result.stdout + result.stderr
    assert [False, False] == [link.exists(one) for one in (link.source, link.target)]


@pytest.mark.parametrize("side", ["src", "dst"])
def test_a_server_that_is_down(link: Link, side: str, new_server: Callable[..., Minio]) -> None:
    gone = new_server()
    gone.kill()
    for verb in ("plan", "apply", "apply"):
        result = link(verb, **{f"MC_HOST_{side}": gone.mc_host()})
        assert 1 == result.code
        assert "nothing answers at this address and port" in result.stderr
    assert [False, False] == [link.exists(one) for one in (link.source, link.target)]


@pytest.mark.parametrize("side", ["src", "dst"])
@pytest.mark.parametrize("there", [True, False], ids=["bucket", "no bucket"])
def test_a_server_without_replication_is_named_before_anything_is_changed(
    link: Link, gateway: Versitygw, side: str, there: bool
) -> None:
    if there:
        gateway.client().create_bucket(Bucket=link.name)
    for verb in ("plan", "apply", "apply"):
        result = link(verb, **{f"MC_HOST_{side}": gateway.mc_host()})
        assert 1 == result.code
        assert f"the server of {side}/{link.name} cannot replicate buckets" in result.stderr
        assert "Nothing was changed." in result.stderr
    assert [False, False] == [link.exists(one) for one in (link.source, link.target)]
    assert "" == str(gateway.client().get_bucket_versioning(Bucket=link.name).get("Status", "")) if there else True


def adding(link: Link) -> list[list[str]]:
    """The arguments of an mc that adds a rule."""
    return [argv for _, argv in processes() if {"replicate", "add", f"src/{link.name}"} <= set(argv)]


def test_what_the_source_server_cannot_reach_is_said_with_what_stands(
    link: Link, new_server: Callable[..., Minio]
) -> None:
    """It does not trust the certificate of the target; this machine was told to."""
    shut = new_server(tls=True)
    assert shut.certificates
    link.cli.write(
        f'[alias.shut]\nurl = "{shut.url}"\naccess_key = "{{env:KEY}}"\nsecret_key = "{{env:SECRET}}"\n'
        f'ca_file = "{shut.certificates / "public.crt"}"\n'
        f'[replication.link]\nsource = "src/{link.name}"\ntarget = "shut/{link.name}"\n'
    )
    keys = {"KEY": shut.root.access_key, "SECRET": shut.root.secret_key}
    for already in (4, 0):
        process = link.cli.start("replicate", "apply", "link", **keys)
        until(lambda: adding(link))
        (argv,) = adding(link)
        output = process.communicate()[0].decode()
        assert (3 if already else 1) == process.returncode
        assert f"the server of src/{link.name} cannot reach shut/{link.name} at {shut.url}" in output
        assert ("what was done before it stands (4)" if already else "nothing was changed before it") in output
        assert not [word for word in argv for secret in keys.values() if secret in word]
    assert [] == link.rules(link.source)


def test_a_rule_of_somebody_else_is_a_conflict_and_stays(link: Link) -> None:
    for server in (link.source, link.target):
        link.make(server, versioned=True)
    remote = f"{link.target.scheme}://{link.target.root.access_key}:{link.target.root.secret_key}@{link.target.address}"
    added = ("--remote-bucket", f"{remote}/{link.name}", "--priority", "1", "--id", "theirs")
    link.source.admin("replicate", "add", f"it/{link.name}", *added)
    before = link.rules(link.source)

    for verb in ("plan", "apply", "apply"):
        result = link(verb)
        assert 4 == result.code
        assert (
            f"src/{link.name} already replicates to dst/{link.name}, by a rule that mcmirror did not make"
            in result.stdout
        )
        assert "another rule of src/" in result.stdout
        assert "Write priority = 2, which is free." in result.stdout
    assert before == link.rules(link.source)


def test_object_lock_on_one_side_only(link: Link) -> None:
    link.source.client().create_bucket(Bucket=link.name, ObjectLockEnabledForBucket=True)
    assert "with object lock" in link("plan").stdout
    link.make(link.target)
    assert 4 == link("apply").code
    assert "has object lock and dst/" in link("plan").stdout
    assert "" == link.versioning(link.target)

    link.target.client().delete_bucket(Bucket=link.name)
    assert 0 == link("apply").code
    assert [] == link.actions()


def test_a_quota_is_noted(link: Link) -> None:
    link.make(link.target)
    link.target.quota(link.name, "1MiB")
    assert f"dst/{link.name} has a quota of 1.0 MiB" in link("plan").stdout


def test_keys_that_end_and_no_keys(link: Link) -> None:
    result = link("plan", MC_HOST_dst=f"http://{link.target.address}")
    assert 1 == result.code
    assert "alias dst has no keys" in result.stderr


@pytest.mark.parametrize("steps", [1, 2, 4])
def test_killed_in_the_middle_it_goes_on_and_can_be_taken_away(link: Link, steps: int) -> None:
    process = link.cli.start("replicate", "apply", "link")
    assert process.stdout
    for _ in range(steps):
        assert process.stdout.readline()
    process.kill()
    process.communicate()

    assert 0 == link("apply").code
    assert [] == link.actions()
    assert 0 == link("remove").code
    assert [False, False] == [link.exists(server) for server in (link.source, link.target)]


def test_keys_without_the_rights_are_told_which_ones(link: Link) -> None:
    low = link.source.mc_host(link.source.user())
    for stands in ("what was done before it stands (4)", "nothing was changed before it"):
        done = link("apply", MC_HOST_src=low)
        assert done.code in {1, 3}
        assert "admin:SetBucketTarget" in done.stdout
        assert stands in done.stdout
    assert [] == link.rules(link.source)
    assert 0 == link("apply").code


@pytest.mark.parametrize("verb", ["apply", "remove", "import"])
def test_two_at_once_do_not_change_the_same_bucket(link: Link, verb: str) -> None:
    environ = link.cli.environment
    folders = lock_folders(f"sqlite:///{environ['HOME']}/.local/state/mcmirror/state.db", environ)
    with TargetTurns(folders).mine(f"replication {link.target.url}/{link.name}", Manners(), Stop(), lambda: None):
        for _ in range(2):
            done = link(verb)
            assert 75 == done.code
            assert "another `mcmirror replicate` is at work on one of its buckets" in done.stderr
    assert [False, False] == [link.exists(server) for server in (link.source, link.target)]
    assert 10 == link("plan", "--exit-code").code
