"""``[replication.NAME]`` in mcmirror.toml: what it comes to, and each mistake with its line and its key."""

from pathlib import Path

import pytest

from mcmirror.config import ConfigError, load
from mcmirror.model.bucket_events import EventFilter
from mcmirror.model.location import Location
from mcmirror.model.replication import Carried, Replication, WantedEvents
from mcmirror.service import Service
from tests.servers.command import Cli

ARN = "arn:minio:sqs::intermediate:webhook"


def written(tmp_path: Path, *lines: str) -> Path:
    file = tmp_path / "mcmirror.toml"
    file.write_text("\n".join(lines))
    return file


def read(tmp_path: Path, *lines: str) -> Replication:
    text = ("[replication.link]", 'source = "onprem/one"', 'target = "offsite/two"', *lines)
    return load(written(tmp_path, *text), {}, tmp_path).replications["link"]


def test_the_least_and_its_defaults(tmp_path: Path) -> None:
    found = read(tmp_path)
    assert Replication("link", Location("onprem", "one"), Location("offsite", "two")) == found
    assert set(Carried) - {Carried.DELETE} == found.replicate
    assert "mcmirror-link" == found.rule
    assert ["onprem/one → offsite/two"] == list(map(str, found.directions()))


def test_everything(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "both_ways = true",
        'replicate = ["delete", "delete-marker"]',
        "priority = 3",
        'bandwidth = "1GB"',
        "synchronous = true",
        'health_check = "2m"',
        f'events = [{{bucket = "target", arn = "{ARN}", on = ["replica"], prefix = "in/"}}]',
    )
    assert {Carried.DELETE, Carried.DELETE_MARKER} == found.replicate
    assert (3, 10**9, True, 120) == (found.priority, found.bandwidth, found.synchronous, found.health_check)
    assert (WantedEvents("target", EventFilter(ARN, ("replica",), "in/")),) == found.events
    assert ["onprem/one → offsite/two", "offsite/two → onprem/one"] == list(map(str, found.directions()))


@pytest.mark.parametrize(
    ("line", "key", "number", "words"),
    [
        ('source = "./folder"', "source", 2, "is a folder"),
        ('source = "onprem"', "source", 2, "is a whole server"),
        ('source = "onprem/bucket/prefix"', "source", 2, 'whole buckets are replicated. Write "onprem/bucket".'),
        ('source = "onprem/B"', "source", 2, "cannot be a bucket"),
        ('source = "offsite/two"', "target", 3, "is the source itself"),
        ('replicate = ["delete", "metadata-sync"]', "replicate.2", 2, '"metadata"'),
        ('bandwidth = "10MB"', "bandwidth", 2, "is less than MinIO accepts"),
        ("priority = 0", "priority", 2, "out of range"),
        ('health_check = "0s"', "health_check", 2, "no time at all"),
        ("both_ways = 1", "both_ways", 2, "must be true or false"),
        ("bothways = true", "bothways", 2, "Did you mean both_ways?"),
        ('events = [{bucket = "target", arn = "webhook", on = ["put"]}]', "events.1.arn", 2, "is no ARN for events"),
        ('events = [{bucket = "target", arn = "arn:minio:sqs::x:webhook", on = ["move"]}]', "events.1.on.1", 2, "put"),
    ],
)
def test_a_mistake_has_its_line_and_its_key(tmp_path: Path, line: str, key: str, number: int, words: str) -> None:
    lines = ["[replication.link]", line, 'target = "offsite/two"']
    if not line.startswith("source"):
        lines.append('source = "onprem/one"')
    file = written(tmp_path, *lines)
    with pytest.raises(ConfigError) as error:
        load(file, {}, tmp_path)
    (mistake,) = error.value.mistakes
    assert (str(file), f"replication.link.{key}", number) == (mistake.file, mistake.key, mistake.line)
    assert words in str(mistake)


def test_two_tables_for_one_direction(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        '[replication.link]\nsource = "a/one"\ntarget = "b/two"\nboth_ways = true',
        '[replication.back]\nsource = "b/two"\ntarget = "a/one"',
    )
    with pytest.raises(ConfigError, match=r"is what .replication\.link. asks for"):
        load(file, {}, tmp_path)


def test_a_name_that_no_rule_can_have(tmp_path: Path) -> None:
    file = written(tmp_path, '[replication."a b"]\nsource = "a/one"\ntarget = "b/two"')
    with pytest.raises(ConfigError, match="cannot be the name of a replication"):
        load(file, {}, tmp_path)


def test_a_name_that_is_not_there_and_an_alias_that_is_not(tmp_path: Path) -> None:
    file = written(tmp_path, '[replication.link]\nsource = "onprem/one"\ntarget = "offsite/two"')
    service = Service(load(file, {}, tmp_path), {"HOME": str(tmp_path), "MC_HOST_onprem": "http://a:bbbbbbbb@h"})
    with pytest.raises(ConfigError, match="Did you mean link"):
        service.replication("lnk")
    with pytest.raises(ConfigError) as error:
        service.replication("link")
    (mistake,) = error.value.mistakes
    assert ("replication.link.target", 3) == (mistake.key, mistake.line)
    assert "there is no alias 'offsite'" in str(mistake)


def test_on_the_command_line(cli: Cli) -> None:
    for _ in range(2):
        for verb in ("plan", "apply"):
            assert 2 == cli("replicate", verb, "link").code
            assert "[replication.link]" in cli("replicate", verb, "link").stderr
