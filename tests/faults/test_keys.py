"""Keys that break naive code: each arrives byte for byte or is named, and each is removed exactly."""

import os
import unicodedata
from pathlib import Path

import pytest

from tests.faults.conftest import NewStage
from tests.servers.command import Cli

NFC, NFD = (unicodedata.normalize(form, "Ångström/é") for form in ("NFC", "NFD"))
ODD = {
    "newline": "a\nb",
    "tab": "a\tb",
    "quotes": 'it\'s "quoted" `so`',
    "nfc": NFC,
    "nfd": NFD,
    "percent": "a%2Fb",
    "folder-marker": "marker/",
    "1009 bytes": "/".join(["x" * 200] * 5) + "/yyyy",
    "escape": "red\x1b[31mkey",
    "leading space": " lead",
    "carriage return": "cr\r",
    "backslash": "a\\b",
    "plus and ampersand": "a+b&c?d#e",
    "flag": "--remove",
    "emoji": "🪞/ключ/鏡",
    "control": "bell\x07",
    "empty object": "empty",
}
BODIES = {key: b"" if key.endswith("/") or key == "empty" else key.encode() for key in ODD.values()}


def test_odd_keys_arrive_byte_for_byte(new_stage: NewStage, cli: Cli) -> None:
    stage = new_stage()
    stage.source.put(BODIES)
    assert 1009 == len(ODD["1009 bytes"].encode())

    result = stage.run(cli)

    truth = stage.truth()
    assert (sorted(truth.missing), truth.extra) == (sorted(one["key"] for one in result.report["remaining_keys"]), [])
    assert (0, "succeeded", []) == (result.code, result.report["status"], truth.missing)
    again = stage.run(cli, "--overwrite")
    assert (0, 0) == (again.code, again.report["planned"]["objects"]), "a second run finds something to do"


def test_odd_keys_are_removed_exactly(new_stage: NewStage, cli: Cli) -> None:
    stage = new_stage()
    neighbours = {"a": b"", "b": b"", "cr": b"", "lead": b"", "a/b": b"", "x": b"", "red": b"", "Ångström/e": b""}
    stage.source.put(neighbours)
    stage.target.put(neighbours | BODIES)
    stage.flags += ["--remove", "--max-delete", "unlimited"]

    result = stage.run(cli)

    assert (0, []) == (result.code, stage.truth().due(stage.flags)), result.stdout
    assert sorted(BODIES) == sorted(result.report["removed_keys"])


@pytest.mark.parametrize("name", ["nfc", "nfd"])
def test_one_form_of_a_name_is_not_the_other(name: str, new_stage: NewStage, cli: Cli) -> None:
    stage = new_stage()
    stage.source.put({NFC: b"composed", NFD: b"decomposed"})
    stage.target.put({ODD[name]: BODIES[ODD[name]]})
    stage.source.put({ODD[name]: BODIES[ODD[name]]})
    stage.flags += ["--overwrite", "--remove"]

    result = stage.run(cli)

    truth = stage.truth()
    assert truth.due(stage.flags) == sorted(one["key"] for one in result.report["remaining_keys"])
    assert (result.code == 0) == (not truth.due(stage.flags)), result.stdout


def test_a_folder_as_source(new_stage: NewStage, cli: Cli, tmp_path: Path) -> None:
    stage = new_stage()
    files = tmp_path / "files"
    bodies = {key: body for key, body in BODIES.items() if not key.endswith("/")}
    for key, body in bodies.items():
        path = files / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    stage.source.delete(*stage.source.sizes())
    stage.source.put(bodies)
    stage.source_place = str(files)

    result = stage.run(cli)

    truth = stage.truth()
    assert truth.missing == sorted(one["key"] for one in result.report["remaining_keys"])
    assert (0, "succeeded", []) == (result.code, result.report["status"], truth.missing), result.stdout


def test_a_folder_as_target(new_stage: NewStage, cli: Cli, tmp_path: Path) -> None:
    stage = new_stage()
    stage.source.put({key: body for key, body in BODIES.items() if not key.endswith("/")})
    stage.source.put({"s" * 255: b"1"})
    files = tmp_path / "copies"
    (files / "old").mkdir(parents=True)
    (files / "old" / "extra\n").write_bytes(b"1")
    stage.target_place = str(files)
    stage.flags += ["--remove", "--max-delete", "1"]

    result = stage.run(cli)

    there = {str(path.relative_to(files)): path.stat().st_size for path in files.rglob("*") if path.is_file()}
    assert (0, stage.source.sizes()) == (result.code, there), result.stdout


def test_a_key_that_no_file_name_holds_is_named(new_stage: NewStage, cli: Cli, tmp_path: Path) -> None:
    stage = new_stage()
    proxied = "a" * 200 + "/b"
    stage.source.put({proxied: os.urandom(10)})
    files = tmp_path / "copies"
    files.mkdir()
    (files / ("a" * 200)).write_bytes(b"a file where a folder is wanted")
    stage.target_place = str(files)

    result = stage.run(cli)

    assert (3, "partial") == (result.code, result.report["status"]), result.stdout
    assert [proxied] == [one["key"] for one in result.report["remaining_keys"]]
