"""What examples of deployment are held against: the variables that mcmirror reads, and the commands it takes."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.machine import KEYS, ROOT, Machine
from tests.servers.command import COMMAND

EXAMPLES = ROOT / "examples"
OURS = {"HOME"}
"""Read by everything."""
GRACE = 25.0
"""Seconds in which ``serve`` lets its runs end, unless told otherwise."""


@cache
def names_read() -> frozenset[str]:
    """Every text of the program that may be the name of a variable."""
    found = set[str]()
    for path in (ROOT / "mcmirror").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isupper():
                found.add(node.value)
    return frozenset(found)


def unread(variables: Iterable[str]) -> list[str]:
    """Those that mcmirror does not look at, itself or as NAME_FILE."""
    return sorted(name for name in variables if name.removesuffix("_FILE") not in names_read() | OURS)


def refusal(arguments: list[str]) -> str:
    """What the real command line has against a command; empty when it takes it."""
    done = subprocess.run([COMMAND, *arguments, "--help"], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 and "Usage" in done.stdout else done.stderr or done.stdout


def documents(name: str) -> list[Any]:
    """The YAML documents of an example."""
    return list(yaml.safe_load_all((EXAMPLES / name).read_text()))


def tool(name: str) -> Path:
    """A checker of the environment that the tests run in."""
    return Path(sys.executable).with_name(name)


def toml_for(there: Machine, text: str = "") -> str:
    """The example file as its reader adapts it: the folder, no certificate authority, a prefix that exists."""
    text = text or (EXAMPLES / "mcmirror.toml").read_text()
    files = there.folder / "files"
    files.mkdir()
    (files / "a.txt").write_text("a")
    there.onprem.client().create_bucket(Bucket="backup")
    text = re.sub(r"^ca_file = .*\n", "", text, flags=re.MULTILINE)
    text = text.replace("/run/secrets/onprem", "/run/secrets/minio")
    return text.replace("/var/lib/app/files", str(files)).replace("{yesterday:%Y/%m/%d}", "2026/11")


def pairs_env() -> str:
    """The example file with real keys."""
    text = (EXAMPLES / "pairs.env").read_text()
    return text.replace("minio-access-key", KEYS["onprem"].access_key).replace("aws-access-key", KEYS["aws"].access_key)
