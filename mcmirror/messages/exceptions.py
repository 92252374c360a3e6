"""Converts an exception to a problem."""

import errno
import os
import tempfile

from mcmirror.messages.error_lookup import problem, words
from mcmirror.model.problem import Category, Problem, Trouble

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FILES = {errno.EMFILE, errno.ENFILE}
_MEMORY = {errno.ENOMEM, errno.EAGAIN}
_CLOSED = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR}

_MORE_FILES = "Raise the limit of open files (ulimit -n, LimitNOFILE= of a unit), or run fewer jobs at once."
_MORE_MEMORY = "Give the process more memory or more processes (limits of the container or the unit), or run fewer jobs at once."  # fmt: skip  # noqa: E501


def problem_of(error: BaseException, what: str = "") -> Problem:
    """The problem that an exception comes to; ``what`` could not be done, where the caller knows."""
    if isinstance(error, Trouble):
        return error.problem
    if isinstance(error, MemoryError):
        return problem(Category.SYSTEM, what or "the memory of this machine did not suffice", "", remedy=_MORE_MEMORY)
    if isinstance(error, RuntimeError) and "start new thread" in str(error):
        return problem(Category.SYSTEM, what or "no thread could be started", str(error), remedy=_MORE_MEMORY)
    if isinstance(error, OSError):
        return _refused(error, what)
    said = words(str(error))
    cause = f"{type(error).__name__}: {said}" if said else type(error).__name__
    return problem(Category.INTERNAL, what or "a mistake of mcmirror ended the run", cause)


def is_of_the_machine(error: OSError) -> bool:
    """Whether disk, memory or limits of this machine are behind it, whatever was being done."""
    return error.errno in _FULL | _FILES | _MEMORY | {errno.EROFS}


def temporary_folder() -> str:
    """Where temporary files go, for people."""
    try:
        return tempfile.gettempdir()
    except OSError:
        return os.environ.get("TMPDIR") or "/tmp"  # noqa: S108  named, not used


def _refused(error: OSError, what: str) -> Problem:
    paths = [os.fsdecode(path) for path in (error.filename, error.filename2) if isinstance(path, str | bytes)]
    where = " and ".join(paths) or temporary_folder()
    reason = error.strerror or str(error)
    cause = ": ".join((" and ".join(paths), reason)) if paths else reason
    what = what or f"this machine refused an operation: {reason.lower()}"
    if error.errno in _FULL:
        remedy = f"Make room on the file system of {where}; TMPDIR=/path names another folder for temporary files. "
        return problem(
            Category.DISK_FULL, what, cause, remedy=f"{remedy}Then run again: only what is missing is copied."
        )
    if error.errno in _FILES:
        return problem(Category.SYSTEM, what, cause, remedy=_MORE_FILES)
    if error.errno in _MEMORY:
        return problem(Category.SYSTEM, what, cause, remedy=_MORE_MEMORY)
    if error.errno in _CLOSED:
        remedy = (
            f"Let this user write to {where}, and make room there; for temporary files, TMPDIR=/path names another."
        )
        return problem(Category.SYSTEM, what, cause, remedy=remedy)
    return problem(Category.SYSTEM, what, cause)
