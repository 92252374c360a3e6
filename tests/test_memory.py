"""How much memory an mc may have."""

from pathlib import Path

import pytest

from mcmirror.movers.mc import memory


def group(folder: Path, name: str, limit: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(f"{limit}\n")


def test_the_smallest_limit_of_the_groups_above_counts(tmp_path: Path) -> None:
    member = tmp_path / "member"
    member.write_text("0::/pods/one\n")
    group(tmp_path / "pods", "memory.max", str(300 << 20))
    group(tmp_path / "pods" / "one", "memory.max", "max")

    assert 300 << 20 == memory.available(tmp_path, member)


def test_the_first_version_of_groups_counts_too(tmp_path: Path) -> None:
    member = tmp_path / "member"
    member.write_text("5:cpu,cpuacct:/other\n4:memory:/docker/abc\n0::/\n")
    group(tmp_path / "memory" / "docker" / "abc", "memory.limit_in_bytes", str(200 << 20))

    assert 200 << 20 == memory.available(tmp_path, member)


def test_within_a_container_its_own_root_counts(tmp_path: Path) -> None:
    group(tmp_path, "memory.max", str(100 << 20))

    assert 100 << 20 == memory.available(tmp_path, tmp_path / "none")


def test_without_groups_it_is_the_machines(tmp_path: Path) -> None:
    assert memory.available(tmp_path, tmp_path / "none") > 256 << 20


@pytest.mark.parametrize(("wanted", "there", "expected"), [
    (0, 64 << 30, memory.DEFAULT),
    (0, 1 << 30, 3 << 28),
    (1 << 30, 64 << 30, 1 << 30),
    (8 << 30, 1 << 30, 3 << 28),
    (0, 0, memory.DEFAULT),
])  # fmt: skip
def test_what_is_configured_has_a_ceiling(
    wanted: int, there: int, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "available", lambda: there)

    assert expected == memory.allowed(wanted)
