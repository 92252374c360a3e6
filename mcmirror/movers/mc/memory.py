"""How much memory an mc may have: what is configured, and never more than most of what the container or machine has."""

import os
from contextlib import suppress
from pathlib import Path, PurePosixPath

DEFAULT = 4 << 30
"""Bytes for an mc that copies: 128 transfers at once with parts of 16 MiB take more than two."""
ONE = 160 << 20
"""Bytes that one of several takes which copy small objects: 32 MiB idle, 100 with an upload in parts."""
ASKING = 1 << 30
"""Bytes for one that lists, reads or removes: it needs a tenth of that."""
SHARE = 0.75
"""Of the container's or the machine's memory."""
SOFT = 0.8
"""Of the limit: there Go's garbage collector begins to save memory."""
_CGROUPS = Path("/sys/fs/cgroup")
_MEMBERSHIP = Path("/proc/self/cgroup")
_LIMITS = ("memory.max", "memory.limit_in_bytes")


def allowed(wanted: int = 0) -> int:
    """Bytes for an mc that copies; ``wanted`` is what is configured, 0 for nothing."""
    limit = wanted or DEFAULT
    there = available()
    return min(limit, int(there * SHARE)) if there else limit


def available(cgroups: Path = _CGROUPS, membership: Path = _MEMBERSHIP) -> int:
    """The smallest limit of our control groups, or else the machine's memory; 0 when nobody tells."""
    found = [limit for folder in _groups(cgroups, membership) for name in _LIMITS if (limit := _limit(folder / name))]
    with suppress(ValueError, OSError):
        found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return min(found, default=0)


def _groups(cgroups: Path, membership: Path) -> set[Path]:
    """The folders of our control groups and of those above them, of both versions."""
    folders = {cgroups, cgroups / "memory"}
    with suppress(OSError):
        for line in membership.read_text().splitlines():
            _, kind, path = line.split(":", 2)
            root = cgroups / "memory" if "memory" in kind.split(",") else cgroups
            if not kind or root != cgroups:
                group = PurePosixPath(path.lstrip("/"))
                folders.update(root / above for above in (group, *group.parents))
    return folders


def _limit(file: Path) -> int:
    try:
        return int(file.read_text())
    except (OSError, ValueError):  # "max" is none
        return 0
