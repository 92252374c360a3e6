"""Remembers which program answered as MinIO's mc, so that it is not asked again in each run.

The answer belongs to one file: device, inode, size and both times have to be the same.
"""

import json
import os
from contextlib import suppress
from pathlib import Path

Identity = list[str | int]


def identity(program: Path) -> Identity:
    """What tells this file from one that takes its place. Raises OSError."""
    about = program.stat()
    return [str(program), about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns]


def recall(program: Identity, memory: Path) -> str:
    """Return what the program answered to ``--version``; empty when that is not known of this very file."""
    with suppress(OSError, ValueError, TypeError, KeyError):
        kept = json.loads(memory.read_text())
        if kept["file"] == program:
            return str(kept["answer"])
    return ""


def remember(program: Identity, memory: Path, answer: str) -> None:
    """Keep the answer in a file that only this user can write, if its folder is there."""
    new = memory.with_name(f"{memory.name}.{os.getpid()}")
    try:
        new.touch(mode=0o600)
        new.write_text(json.dumps({"file": program, "answer": answer}))
        new.replace(memory)
    except OSError:
        with suppress(OSError):
            new.unlink(missing_ok=True)
