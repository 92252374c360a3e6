"""A configuration that was found, and that somebody else could have written, is refused; one that was named is used."""

import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from mcmirror.config import ConfigError, find_file, load, ownership
from tests.servers.command import COMMAND, clean_environment

NOBODY = 65534


@pytest.fixture
def found(tmp_path: Path) -> Path:
    """A file of ours in a folder of ours, below which somebody works."""
    (tmp_path / "shared" / "work").mkdir(parents=True)
    file = tmp_path / "shared" / "mcmirror.toml"
    file.write_text('[settings]\nservice = "night"\n')
    file.chmod(0o644)
    return file


def why(found: Path, environ: Mapping[str, str] | None = None) -> str:
    """The mistake, or nothing."""
    try:
        assert found == find_file(None, environ or {}, found.parent / "work")
    except ConfigError as error:
        (mistake,) = error.mistakes
        assert str(found) == mistake.file
        assert f"--config {found}" in mistake.remedy
        assert f"MCMIRROR_CONFIG={found}" in mistake.remedy
        return f"{mistake.message} {mistake.remedy}"
    return ""


def other_owner(found: Path) -> None:
    os.chown(found, NOBODY, NOBODY)


def other_folder(found: Path) -> None:
    os.chown(found.parent, NOBODY, NOBODY)


def writable(found: Path) -> None:
    found.chmod(0o646)


def writable_folder(found: Path) -> None:
    found.parent.chmod(0o777)


def writable_group(found: Path) -> None:
    os.chown(found, -1, 100)
    found.chmod(0o664)


def writable_folder_group(found: Path) -> None:
    os.chown(found.parent, -1, 100)
    found.parent.chmod(0o775)


def link_of_another(found: Path) -> None:
    found.rename(found.parent.parent / "real.toml")
    found.symlink_to("../real.toml")
    os.chown(found, NOBODY, NOBODY, follow_symlinks=False)


def link_to_another(found: Path) -> None:
    real = found.parent.parent / "real.toml"
    found.rename(real)
    found.symlink_to(real)
    os.chown(real, NOBODY, NOBODY)


def link_into_an_open_folder(found: Path) -> None:
    folder = found.parent.parent / "open"
    folder.mkdir()
    folder.chmod(0o777)
    found.rename(folder / "real.toml")
    found.symlink_to(folder / "real.toml")


def link_over_a_link_of_another(found: Path) -> None:
    real, middle = found.parent.parent / "real.toml", found.parent.parent / "middle.toml"
    found.rename(real)
    middle.symlink_to(real)
    os.chown(middle, NOBODY, NOBODY, follow_symlinks=False)
    found.symlink_to(middle)


def another_in_a_sticky_folder(found: Path) -> None:
    found.parent.chmod(0o1777)
    other_owner(found)


BAD: Mapping[Callable[[Path], None], str] = {
    other_owner: "belongs to another user",
    other_folder: "its folder",
    writable: "can be written by everybody",
    writable_folder: "chmod o-w",
    writable_group: "chmod g-w",
    writable_folder_group: "can be written by the group",
    link_of_another: "belongs to another user",
    link_to_another: "real.toml belongs to another user",
    link_into_an_open_folder: "open can be written by everybody",
    link_over_a_link_of_another: "middle.toml belongs to another user",
    another_in_a_sticky_folder: "belongs to another user",
}


@pytest.mark.parametrize("spoil", BAD, ids=lambda spoil: spoil.__name__)
def test_what_somebody_else_could_have_written(found: Path, spoil: Callable[[Path], None]) -> None:
    assert not why(found)
    spoil(found)
    assert BAD[spoil] in why(found)
    # Whoever names it, trusts it.
    for configuration in (
        load(found, {}, found.parent / "work"),
        load(None, {"MCMIRROR_CONFIG": str(found)}, found.parent / "work"),
    ):
        assert "night" == configuration.settings.service


def own_link(found: Path) -> None:
    found.rename(found.parent / "real.toml")
    found.symlink_to("real.toml")


def sticky(found: Path) -> None:
    found.parent.chmod(0o1777)


def roots_group(found: Path) -> None:
    found.chmod(0o664)
    found.parent.chmod(0o775)


@pytest.mark.parametrize("change", [own_link, sticky, roots_group], ids=lambda change: change.__name__)
def test_what_nobody_else_could_have_written(found: Path, change: Callable[[Path], None]) -> None:
    change(found)
    assert not why(found)


def test_root_may_own_it_and_who_called_sudo(found: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in (found, found.parent):
        os.chown(path, 1234, 1234)
    assert not why(found, {"SUDO_UID": "1234"})
    assert why(found, {"SUDO_UID": "1235"})
    assert why(found, {"SUDO_UID": "١٢٣٤"})
    # Only behind sudo: for others the variable means nothing.
    monkeypatch.setattr(ownership.os, "geteuid", lambda: 4321)  # type: ignore[attr-defined]
    assert why(found, {"SUDO_UID": "1234"})
    for path in (found, found.parent):
        os.chown(path, 0, 0)
    assert not why(found)


def test_a_read_only_file_system_lets_nobody_write(found: Path) -> None:
    """As Kubernetes mounts a ConfigMap: mode 0777, and nobody can write there."""
    found.parent.chmod(0o777)
    script = 'mount --bind shared shared && mount -o remount,bind,ro shared && cd shared && exec "$@"'
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script, "sh", str(COMMAND), "alias", "list"],
        cwd=found.parent.parent,
        env=clean_environment(found.parent.parent / "home", {}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "not used" not in done.stderr
    assert 0 == done.returncode


@pytest.mark.parametrize(
    "command",
    [
        ("run",),
        ("plan", "a/b", "c/d"),
        ("doctor",),
        ("job", "list"),
        ("alias", "list"),
        ("alias", "set", "x", "http://127.0.0.1:1", "--no-check"),
        ("status",),
        ("history",),
        ("health",),
        ("serve",),
        ("mc", "path"),
    ],
    ids=" ".join,
)
def test_no_command_uses_it(found: Path, command: tuple[str, ...]) -> None:
    """A program that it names is not run, and nothing is written to it."""
    program, ran = found.parent / "mc", found.parent.parent / "ran"
    program.write_text(f"#!/bin/sh\ntouch {ran}\n")
    program.chmod(0o755)
    found.write_text(f'[settings]\nmc = "{program}"\n[job.one]\nsource = "/etc"\ntarget = "./copy"\n')
    os.chown(found, NOBODY, NOBODY)
    before = found.read_bytes()
    done = subprocess.run(
        [str(COMMAND), *command],
        cwd=found.parent / "work",
        env=clean_environment(found.parent.parent / "home", {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert not ran.exists()
    assert before == found.read_bytes()
    if command != ("mc", "path"):
        assert "belongs to another user (nobody)" in done.stdout + done.stderr
        assert done.returncode in {1, 2}
