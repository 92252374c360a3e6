"""A folder as source or target: what mc leaves out of it is named and never extraneous, and no link is gone through."""

import os
import socket
from pathlib import Path

import pytest

from mcmirror.movers.mc.folder import Folder, link_on_the_way
from tests.conftest import Pair
from tests.servers.command import COMMAND, Cli, Result

NAMES = ("ok", "a/lost+found", "lost+found/saved", "v.part.minio", "a/.hidden")
UNLISTED = ("a/lost+found", "v.part.minio")


def _fill(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return folder


def _reduced(cli: Cli, *arguments: str) -> Result:
    """Run it without the right to read what its owner closed, which root has."""
    import subprocess

    lesser = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    done = subprocess.run(
        [*lesser, str(COMMAND), *arguments],
        cwd=cli.folder,
        env=cli.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=120,
        check=False,
    )
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


def _remaining(result: Result) -> list[str]:
    return sorted(one["key"] for one in result.report["remaining_keys"])


def test_names_that_mc_passes_over_are_named_and_never_extraneous(cli: Cli, bucket_pair: Pair, tmp_path: Path) -> None:
    files, target = _fill(tmp_path / "files", *NAMES), bucket_pair.target
    target.put({name: name.encode() for name in NAMES} | {"gone": b"1"})

    done = cli("mirror", str(files), target.location, "--remove", "--json")
    verified = cli("verify", str(files), target.location, "--json")
    excluding = cli("mirror", str(files), target.location, "--remove", "--exclude", "*lost+found*",
                    "--exclude", "*.part.minio", "--json")  # fmt: skip

    assert (3, sorted(UNLISTED), ["gone"]) == (done.code, _remaining(done), done.report["removed_keys"])
    assert (3, sorted(UNLISTED)) == (verified.code, _remaining(verified))
    assert (0, sorted(NAMES)) == (excluding.code, sorted(target.sizes()))


def test_links_and_sockets_and_what_is_behind_them_are_noted(
    cli: Cli, bucket_pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, elsewhere = _fill(tmp_path / "files", "ok", "d/ok"), _fill(tmp_path / "elsewhere", "x")
    (files / "folder").symlink_to(elsewhere)
    (files / "nowhere").symlink_to("not-there")
    monkeypatch.chdir(files)  # the path of a socket is short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        behind = {"folder/x": b"1", "nowhere": b"1", "socket": b"1"}
        bucket_pair.target.put(behind | {"gone": b"1", "ok": b"ok", "d/ok": b"d/ok"})

        done = cli("mirror", str(files), bucket_pair.target.location, "--remove", "--json")
        verified = cli("verify", str(files), bucket_pair.target.location)

    assert (0, ["gone"]) == (done.code, done.report["removed_keys"]), done.stdout
    assert behind.keys() <= bucket_pair.target.sizes().keys()
    (note,) = done.report["notes"]
    assert note.startswith("3 in ")
    assert all(name in note for name in ("folder", "nowhere", "socket"))
    assert 0 == verified.code
    assert "nowhere" in verified.stdout + verified.stderr


def test_empty_folders_are_counted_in_one_line(cli: Cli, bucket_pair: Pair, tmp_path: Path) -> None:
    files = _fill(tmp_path / "files", "ok")
    for number in range(7):
        (files / f"empty{number}" / "deep").mkdir(parents=True)

    done = cli("mirror", str(files), bucket_pair.target.location, "--json")
    excluding = cli("mirror", str(files), bucket_pair.target.location, "--exclude", "empty*", "--json")

    (note,) = done.report["notes"]
    assert (0, True) == (done.code, note.startswith("7 empty folders in "))
    assert [] == excluding.report["notes"]


def test_a_folder_that_may_not_be_read_is_named_and_keeps_nothing_else_back(
    cli: Cli, bucket_pair: Pair, tmp_path: Path
) -> None:
    files, target = _fill(tmp_path / "files", "ok", "closed/x", "closed/deep/y"), bucket_pair.target
    target.put({"closed/x": b"1", "closed/deep/y": b"1", "gone": b"1", "k1": b"", "k2": b""})
    (files / "closed").chmod(0)
    try:
        done = _reduced(cli, "mirror", str(files), target.location, "--remove", "--max-delete", "3", "--json")
        excluding = _reduced(cli, "mirror", str(files), target.location, "--remove", "--exclude", "closed/*", "--json")
    finally:
        (files / "closed").chmod(0o755)

    assert (3, ["closed"]) == (done.code, _remaining(done)), done.stdout
    assert ["closed/deep/y", "closed/x", "ok"] == sorted(target.sizes())
    assert ["gone", "k1", "k2"] == done.report["removed_keys"]
    assert (0, []) == (excluding.code, excluding.report["problems"]), excluding.stdout


@pytest.mark.parametrize("flags", [(), ("--overwrite",), ("--overwrite", "--remove", "--max-delete", "unlimited")])
def test_nothing_is_written_or_removed_through_a_link_in_the_target(
    flags: tuple[str, ...], cli: Cli, bucket_pair: Pair, tmp_path: Path
) -> None:
    bucket_pair.source.put({"d/x": b"new", "d/deep/z": b"new", "top": b"new", "fine": b"new"})
    files, outside = tmp_path / "files", _fill(tmp_path / "outside", "x", "y", "victim")
    files.mkdir()
    (files / "d").symlink_to(outside)
    (files / "top").symlink_to(outside / "victim")
    (files / "more").symlink_to(outside / "y")
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in outside.iterdir()}

    result = cli("mirror", bucket_pair.source.location, str(files), *flags, "--json")

    assert before == {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in outside.iterdir()}
    assert all((files / name).is_symlink() for name in ("d", "top", "more"))
    assert b"new" == (files / "fine").read_bytes()
    assert 3 == result.code
    assert {"d/x", "d/deep/z", "top"} <= set(_remaining(result))


def test_many_keys_behind_one_link_are_one_pattern_and_many_links_are_passed_by_too(
    cli: Cli, bucket_pair: Pair, tmp_path: Path
) -> None:
    bucket_pair.source.put({f"{number:03}/x": b"" for number in range(210)} | {"d/x": b"", "fine": b"1"})
    files, outside = tmp_path / "files", tmp_path / "outside"
    files.mkdir()
    outside.mkdir()
    for name in [*(f"{number:03}" for number in range(210)), "d"]:
        (files / name).symlink_to(outside)

    result = cli("mirror", bucket_pair.source.location, str(files), "--json")

    assert [] == list(outside.iterdir())
    assert (3, 211, b"1") == (result.code, result.report["remaining"]["objects"], (files / "fine").read_bytes())


def test_the_target_folder_itself_may_be_a_link(cli: Cli, bucket_pair: Pair, tmp_path: Path) -> None:
    bucket_pair.source.put({"a/b": b"1"})
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")

    assert 0 == cli("mirror", bucket_pair.source.location, str(tmp_path / "link")).code
    assert b"1" == (tmp_path / "real" / "a" / "b").read_bytes()


def test_the_first_link_on_the_way_is_found(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "link").symlink_to("b")
    _fill(tmp_path, "a/file")
    root = str(tmp_path)
    ways = {key: link_on_the_way(root, key) for key in ("a/b/c", "a/link", "a/link/x/y", "a/file/x", "new", "a")}
    assert {"a/b/c": "", "a/link": "a/link", "a/link/x/y": "a/link", "a/file/x": "", "new": "", "a": ""} == ways


def test_a_folder_that_goes_while_it_is_walked_is_no_trouble(tmp_path: Path) -> None:
    assert [] == list(Folder(str(tmp_path / "never-there")).left_out())
