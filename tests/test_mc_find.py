"""Which mc is taken, and what is refused by name."""

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mcmirror.model.problem import Category, McNotFound, McUnusable
from mcmirror.movers.mc import find as finding
from mcmirror.movers.mc.find import Mc, capabilities, examine, find, own_copy, require

MIDNIGHT = """#!/bin/sh
echo "GNU Midnight Commander 4.8.29"
echo "Built with GLib 2.74.2"
"""
LAST = """#!/bin/sh
echo "mcli version RELEASE.2025-08-13T08-35-41Z (commit-id=7394ce0dd2a80935aded936b09fa12cbb3cb8096)"
"""
GONE = "<!DOCTYPE html>\n<html><head><title>410 Gone</title></head><body>Gone</body></html>\n"


@pytest.fixture
def program(tmp_path: Path) -> Callable[..., Path]:
    """Write a program: ``program("folder/name", script)``."""

    def write(name: str, script: str, mode: int = 0o755) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(script)
        path.chmod(mode)
        return path

    return write


def environment(tmp_path: Path, *folders: str, **variables: str) -> dict[str, str]:
    return {"HOME": str(tmp_path), "PATH": os.pathsep.join(str(tmp_path / folder) for folder in folders), **variables}


def test_the_real_mc_is_recognised(mc: Path) -> None:
    found = examine(mc)
    assert str(mc) == found.path
    assert found.version.startswith(("RELEASE.", "DEVELOPMENT."))


def test_asking_leaves_no_configuration_folder(mc: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    capabilities(examine(mc))
    assert [] == list(tmp_path.iterdir())


def test_a_program_is_asked_once_until_another_file_takes_its_place(
    mc: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, asked = tmp_path / "mc", list[str]()
    shutil.copy2(mc, own)
    environ = environment(tmp_path, MCMIRROR_MC=str(own))
    ask = finding._ask
    monkeypatch.setattr(finding, "_ask", lambda path, *words: (asked.append(path), ask(path, *words))[1])  # type: ignore[func-returns-value]

    memory = tmp_path / "mc.json"
    first, second = find(environ=environ, memory=memory), find(environ=environ, memory=memory)
    assert ([str(own)], first) == (asked, second)

    shutil.copy2("/bin/true", tmp_path / "other")
    os.utime(tmp_path / "other", ns=(own.stat().st_mtime_ns, own.stat().st_mtime_ns))
    (tmp_path / "other").replace(own)
    with pytest.raises(McUnusable):
        find(environ=environ, memory=memory)
    assert 2 == len(asked)


def test_a_script_is_asked_each_time(program: Callable[..., Path], tmp_path: Path) -> None:
    script = program("mc", LAST)
    environ = environment(tmp_path, MCMIRROR_MC=str(script))
    find(environ=environ, memory=tmp_path / "mc.json")
    assert not (tmp_path / "mc.json").exists()


def test_a_release_says_its_date(program: Callable[..., Path]) -> None:
    path = program("mcli", LAST)
    assert Mc(str(path), "RELEASE.2025-08-13T08-35-41Z", "2025-08-13") == examine(path)


def test_the_order(program: Callable[..., Path], tmp_path: Path) -> None:
    places = {
        "setting": program("a/x", LAST),
        "variable": program("b/x", LAST),
        "own": program(".local/share/mcmirror/bin/mc", LAST),
        "mcli": program("late/mcli", LAST),
        "minio-client": program("late/minio-client", LAST),
        "mc": program("early/mc", LAST),
    }
    environ = environment(tmp_path, "early", "late", MCMIRROR_MC=str(places["variable"]))
    assert str(places["setting"]) == find(str(places["setting"]), environ).path
    assert str(places["variable"]) == find("", environ).path
    del environ["MCMIRROR_MC"]
    for name in ("own", "mcli", "minio-client", "mc"):
        assert str(places[name]) == find("", environ).path
        places[name].unlink()
    with pytest.raises(McNotFound):
        find("", environ)


def test_a_setting_may_be_a_command_on_path(program: Callable[..., Path], tmp_path: Path) -> None:
    path = program("bin/minio-mc", LAST)
    assert str(path) == find("minio-mc", environment(tmp_path, "bin")).path
    with pytest.raises(McUnusable) as refused:
        find("minio-mc", environment(tmp_path, "elsewhere"))
    assert Category.MC_MISSING == refused.value.problem.category


def test_our_own_copy_follows_xdg(tmp_path: Path) -> None:
    assert tmp_path / "mcmirror/bin/mc" == own_copy({"XDG_DATA_HOME": str(tmp_path), "HOME": "/x"})
    assert Path("/x/.local/share/mcmirror/bin/mc") == own_copy({"HOME": "/x"})


def test_midnight_commander_is_refused_by_name(program: Callable[..., Path], tmp_path: Path) -> None:
    path = program("bin/mc", MIDNIGHT)
    with pytest.raises(McUnusable) as refused:
        find("", environment(tmp_path, MCMIRROR_MC=str(path)))
    assert Category.MC_IMPOSTOR == refused.value.problem.category
    assert (
        f"{path} (MCMIRROR_MC) is Midnight Commander, a file manager, not MinIO's mc" == refused.value.problem.message
    )
    assert "GNU Midnight Commander 4.8.29" == refused.value.problem.cause


def test_on_path_midnight_commander_is_passed_over(program: Callable[..., Path], tmp_path: Path) -> None:
    program("first/mc", MIDNIGHT)
    real = program("second/mc", LAST)
    assert str(real) == find("", environment(tmp_path, "first", "second")).path


def test_nothing_found_names_every_place(program: Callable[..., Path], tmp_path: Path) -> None:
    program("bin/mc", MIDNIGHT)
    environ = environment(tmp_path, "bin")
    with pytest.raises(McNotFound) as missing:
        find("", environ)
    found = missing.value.problem
    for part in ("Midnight Commander", str(own_copy(environ)), "mcli, minio-client, mc on PATH", environ["PATH"]):
        assert part in found.cause
    for part in ("mcmirror mc install", "--from-go", "MCMIRROR_MC", "mcli", "minio-client"):
        assert part in found.remedy


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (GONE, "a saved error page"),
        ("<?xml version='1.0'?><Error><Code>NoSuchKey</Code></Error>", "a saved error page"),
        ("410 Gone\n", "a saved error message"),
        ("", "an empty file"),
        ("PK\x03\x04zip", "some other file"),
    ],
)
def test_a_download_that_failed_is_refused_by_name(program: Callable[..., Path], content: str, said: str) -> None:
    path = program("mc", content)
    with pytest.raises(McUnusable) as refused:
        examine(path)
    assert f"{path} is not a program but {said}" == refused.value.problem.message
    assert Category.MC_IMPOSTOR == refused.value.problem.category


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("#!/bin/sh\necho busybox 1.36\n", "is not MinIO's mc"),
        ("#!/bin/sh\necho 'mc version RELEASE.x'\n", "is not MinIO's mc"),
        ("#!/bin/sh\nexit 3\n", "is not MinIO's mc"),
        ("#!/bin/sh\nkill -9 $$\n", "did not answer --version"),
        ("#!/bin/sh\nyes\n", "is not MinIO's mc"),
        ("#!/no/such/interpreter\n", "cannot be run"),
    ],
)
def test_any_other_program_is_refused(program: Callable[..., Path], script: str, words: str) -> None:
    with pytest.raises(McUnusable) as refused:
        examine(program("mc", script))
    assert words in refused.value.problem.message
    assert Category.MC_IMPOSTOR == refused.value.problem.category


def test_one_that_hangs_is_given_up(program: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "PATIENCE", 0.4)
    began = time.monotonic()
    with pytest.raises(McUnusable, match="did not answer"):
        examine(program("mc", "#!/bin/sh\nexec sleep 60\n"))
    assert time.monotonic() - began < 20


def test_a_path_that_is_not_there_or_not_executable(program: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(McUnusable) as missing:
        find(str(tmp_path / "mc"), {})
    assert f"{tmp_path}/mc (the setting mc) does not exist" == missing.value.problem.message
    with pytest.raises(McUnusable) as folder:
        find(str(tmp_path), {})
    assert Category.MC_IMPOSTOR == folder.value.problem.category
    with pytest.raises(McUnusable) as refused:
        examine(program("mc", LAST, mode=0o644))
    assert "chmod +x" in refused.value.problem.remedy


def test_what_mc_can_do_is_read_from_its_help(mc: Path, program: Callable[..., Path]) -> None:
    real = capabilities(examine(mc))
    assert {"--overwrite", "--remove", "--exclude", "--skip-errors", "--storage-class", "--json"} <= real
    assert "--no-such-flag" not in real
    new = Mc(str(program("mc", "#!/bin/sh\necho '  --max-workers value, -w   most (see --retry)'\n")), "RELEASE.x")
    assert {"--max-workers"} == capabilities(new)
    require(new, ["--max-workers"])
    with pytest.raises(McUnusable) as old:
        require(new, ["--max-workers", "--checksum"])
    assert Category.MC_TOO_OLD == old.value.problem.category
    assert "This mc has no --checksum" == old.value.problem.message
