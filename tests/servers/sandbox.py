"""Become a command under what a systemd unit forbids: system calls, address families, memory written and executed.

Run as a program, ``sandbox.py UNIT COMMAND...``. The kernel keeps to it by seccomp, as it does for systemd; names of
system calls come from ``systemd-analyze``, the filters from libseccomp, which every systemd brings along.
"""

import ctypes
import errno
import os
import socket
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ALLOW = 0x7FFF0000
REFUSE = 0x00050000
"""The error's number goes into its lower half."""
EQUAL, MASKED_EQUAL = 4, 7
LAST_FAMILY = 45


class _Condition(ctypes.Structure):
    _fields_ = (
        ("argument", ctypes.c_uint),
        ("operator", ctypes.c_int),
        ("mask_or_value", ctypes.c_uint64),
        ("value", ctypes.c_uint64),
    )


class _Filter:
    """One filter; all that are loaded hold together."""

    def __init__(self, library: ctypes.CDLL, otherwise: int) -> None:
        self._library = library
        self._context = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(otherwise)))

    def rule(self, action: int, call: str, *condition: int) -> None:
        """Say what happens at a call, if (argument, operator, value[, value]) holds; unknown names are passed over."""
        number = self._library.seccomp_syscall_resolve_name(call.encode())
        if number < 0:
            return
        conditions = [_Condition(*condition)] if condition else []
        code = self._library.seccomp_rule_add_array(
            self._context, ctypes.c_uint32(action), number, len(conditions), (_Condition * len(conditions))(*conditions)
        )
        if code:
            sys.exit(f"sandbox: {call}: {os.strerror(-code)}")

    def load(self) -> None:
        """Make it hold, for us and all our children."""
        if code := self._library.seccomp_load(self._context):
            sys.exit(f"sandbox: {os.strerror(-code)}")


def settings(unit: Path) -> dict[str, list[str]]:
    """Each setting of a unit with its values, in order."""
    found: dict[str, list[str]] = {}
    for line in unit.read_text().splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith(("#", "[")):
            found.setdefault(name, []).append(value)
    return found


def calls(groups: Iterable[str]) -> set[str]:
    """The system calls behind names and @groups."""
    found, wanted = set[str](), list(groups)
    while wanted:
        name = wanted.pop()
        if not name.startswith("@"):
            found.add(name)
            continue
        listed = subprocess.run(
            ["systemd-analyze", "syscall-filter", "--no-pager", name], check=True, capture_output=True, text=True
        )
        words = (line.strip() for line in listed.stdout.splitlines()[1:])
        wanted += [word for word in words if word and not word.startswith("#")]
    return found


def main(unit: Path, command: list[str]) -> None:
    """Forbid, then become the command."""
    wanted = settings(unit)
    allowed = set[str]()
    for value in wanted["SystemCallFilter"]:
        if value.startswith("~"):
            allowed -= calls(value[1:].split())
        else:
            allowed |= calls(value.split())
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    families = _Filter(library, ALLOW)
    known = {getattr(socket, name) for name in wanted["RestrictAddressFamilies"][0].split()}
    for family in set(range(LAST_FAMILY + 1)) - known:
        families.rule(REFUSE | errno.EAFNOSUPPORT, "socket", 0, EQUAL, family)
    families.load()
    if wanted.get("MemoryDenyWriteExecute") == ["yes"]:
        memory = _Filter(library, ALLOW)
        memory.rule(REFUSE | errno.EPERM, "mmap", 2, MASKED_EQUAL, 6, 6)  # written and executed
        memory.rule(REFUSE | errno.EPERM, "mprotect", 2, MASKED_EQUAL, 4, 4)
        memory.rule(REFUSE | errno.EPERM, "pkey_mprotect", 2, MASKED_EQUAL, 4, 4)
        memory.load()
    # The last one: it need not allow to forbid more. systemd has forked by then; we still have to become the command.
    filtered = _Filter(library, REFUSE | errno.EPERM)
    for call in allowed | calls(["@default"]):
        filtered.rule(ALLOW, call)
    filtered.load()
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
