"""What scripts that are run by hand left in the documentation: its form, and that it speaks of what is pinned today."""

import re
from datetime import UTC, datetime

import pytest

from tests import docs, servers_tried
from tests.machine import ROOT
from tests.servers.command import Result
from tests.servers_tried import KEPT, MAKES, TRIALS, VERSIONS, read, table, verdict

COLUMNS = read(docs.block(servers_tried.PAGE.read_text(), "servers"))
PINS = {
    "MinIO": ("tools", "minio v0.0.0-20250907161309-"),
    "versitygw": ("tools", "versitygw v1.8.0"),
    "SeaweedFS": ("servers", "SeaweedFS 4.53"),
    "Garage": ("servers", "garage=2.5.0"),
}


def test_servers_of_several_makes_were_tried() -> None:
    assert {"MinIO", "versitygw"} <= set(COLUMNS) <= set(MAKES)


@pytest.mark.parametrize("name", COLUMNS)
def test_every_server_has_its_column(name: str) -> None:
    column = COLUMNS[name]

    assert ["version", "tried on", *TRIALS] == list(column)
    assert VERSIONS[name] == column["version"]
    assert datetime(2026, 11, 1, tzinfo=UTC) <= datetime.fromisoformat(f"{column['tried on']}T00:00Z")
    assert datetime.fromisoformat(f"{column['tried on']}T00:00Z") <= datetime.now(UTC)
    for trial in ("first copy, and a second run", "removals", "an empty object", "`verify --content`"):
        assert KEPT == column[trial]
    assert [] == [trial for trial, cell in column.items() if "lost in silence" in cell]
    script, words = PINS[name]
    assert words in (ROOT / "bin" / script).read_text()


def test_a_table_is_read_as_it_was_written() -> None:
    rows = dict.fromkeys(("version", "tried on", *TRIALS), KEPT)
    columns = {"A": rows | {"version": "1", "odd keys": "not kept: `a\\\\b`; x"}, "B": rows}
    text = table(columns)

    assert columns == read(text) == read(f"{text}| a trial of before | {KEPT} | {KEPT} |\n")
    assert "not tried" in table({"A": {"version": "1"}})
    assert {} == read("")


@pytest.mark.parametrize(
    ("code", "lost", "said", "words"),
    [
        (0, [], None, "✓"),
        (3, [], None, "exit 3"),
        (3, ["a\nb"], None, "not kept: `a\\nb`"),
        (0, ["a"], None, "**lost in silence**: `a`"),
        (0, ["Expires"], True, "not kept: `Expires`"),
    ],
)
def test_what_is_lost_without_a_word_is_told_from_what_is_said(
    code: int, lost: list[str], said: bool | None, words: str
) -> None:
    assert words == verdict(Result(code, "", ""), lost, said)


def test_the_size_of_the_image_is_said() -> None:
    rows = re.findall(
        r"^\| (.+?) \| (\d+) \|", docs.block((docs.FOLDER / "docker.md").read_text(), "image"), re.MULTILINE
    )

    sizes = {name: int(size) for name, size in rows}
    assert {"the Python base", "mcmirror and its packages", "`mc`", "in all"} == set(sizes)
    # mc alone has tens of megabytes; the parts are in the whole.
    assert 10 < sizes["`mc`"] < sizes["in all"]
    assert sum(sizes.values()) - sizes["in all"] <= sizes["in all"] * 1.1
