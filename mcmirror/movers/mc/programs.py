"""Look for programs on PATH: only in folders that are the same wherever one stands."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path


def search_path(environ: Mapping[str, str]) -> str:
    """PATH without its relative parts: what lies in the current folder may be anybody's."""
    return os.pathsep.join(part for part in environ.get("PATH", "").split(os.pathsep) if Path(part).is_absolute())


def which(name: str, environ: Mapping[str, str]) -> str | None:
    """The program of that name or path, if it can be run."""
    return shutil.which(name, path=search_path(environ))
