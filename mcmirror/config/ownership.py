"""Who else could have written a configuration that was found: it could run programs, and send keys elsewhere."""

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from mcmirror.config.values import Mistake

_LINKS = 40
"""Links in a row that are followed, as the kernel does."""


def distrusted(file: Path, environ: Mapping[str, str]) -> Mistake | None:
    """Why a configuration that was found, and not named, is not used; None when nobody else could have written it.

    As with git, root may own it, and behind sudo the user who called it.
    """
    owners = _owners(environ)
    for path in _way_to(file):
        try:
            about = path.lstat()
        except OSError:
            continue  # reading it says what is wrong
        found = _of_another(path, about, owners) or _open_to_others(path, about)
        if found:
            why, remedy = found
            return Mistake(str(file), "", f"it was found, not named, and {why}: it is not used", remedy + _named(file))
    return None


def _way_to(file: Path) -> Iterator[Path]:
    """The file and its folder, and the same of each file that links lead to."""
    for _ in range(_LINKS):
        yield file
        yield Path(os.path.realpath(file.parent))
        if not file.is_symlink():
            return
        file = file.parent / file.readlink()


def _owners(environ: Mapping[str, str]) -> set[int]:
    us = os.geteuid()
    caller = environ.get("SUDO_UID", "")
    return {us, 0} | ({int(caller)} if us == 0 and caller.isascii() and caller.isdigit() else set())


def _of_another(path: Path, about: os.stat_result, owners: set[int]) -> tuple[str, str] | None:
    if about.st_uid in owners:
        return None
    remedy = f"If it should be yours: chown {_user(os.geteuid())} {path}. "
    return f"{_it(path, about)} belongs to another user ({_user(about.st_uid)})", remedy


def _open_to_others(path: Path, about: os.stat_result) -> tuple[str, str] | None:
    """Whether its mode lets somebody else write; in a folder with the sticky bit nobody replaces another's file."""
    if (
        stat.S_ISLNK(about.st_mode)
        or _read_only(path)
        or (stat.S_ISDIR(about.st_mode) and about.st_mode & stat.S_ISVTX)
    ):
        return None
    if about.st_mode & stat.S_IWOTH:
        return f"{_it(path, about)} can be written by everybody", f"Close it: chmod o-w {path}. "
    if about.st_mode & stat.S_IWGRP and not _own_group(about.st_gid):
        return f"{_it(path, about)} can be written by the group {_group(about.st_gid)}", f"Close it: chmod g-w {path}. "
    return None


def _own_group(gid: int) -> bool:
    """Whether nobody else is in the group: root's, or the one that has the user's own name."""
    if gid == 0:
        return True
    if gid != os.getegid():
        return False
    import grp
    import pwd

    try:
        group, user = grp.getgrgid(gid), pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return True  # a user without a name, as in containers
    return group.gr_name == user and not set(group.gr_mem) - {user}


def _read_only(path: Path) -> bool:
    """Whether it lies on a file system that nobody can write to, as a ConfigMap does."""
    with suppress(OSError):
        return bool(os.statvfs(path).f_flag & os.ST_RDONLY)
    return False


def _it(path: Path, about: os.stat_result) -> str:
    return f"its folder {path}" if stat.S_ISDIR(about.st_mode) else f"the file {path}"


def _named(file: Path) -> str:
    return f"If you trust it, name it: --config {file}, or MCMIRROR_CONFIG={file}"


def _user(uid: int) -> str:
    import pwd

    with suppress(KeyError):
        return pwd.getpwuid(uid).pw_name
    return str(uid)


def _group(gid: int) -> str:
    import grp

    with suppress(KeyError):
        return grp.getgrgid(gid).gr_name
    return str(gid)
