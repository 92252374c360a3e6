"""What the commands of the documents must have come to, beside their exit code."""

import json
import re
from collections.abc import Callable

from tests.machine import SAMPLES, Machine

Check = Callable[[Machine, str], bool]


def _holds(bucket: str, contents: dict[str, bytes]) -> Check:
    return lambda there, _: contents == there.contents(there.aws, bucket)


def _prints(pattern: str) -> Check:
    return lambda _, printed: bool(re.search(pattern, printed, flags=re.MULTILINE))


def _plans_all(_: Machine, printed: str) -> bool:
    return len(SAMPLES) == len(re.findall(r"^\+ .* missing ", printed, flags=re.MULTILINE))


def _has_runs(_: Machine, printed: str) -> bool:
    return {"photos"} == {run["job"] for run in json.loads(printed)["runs"]}


def _mirrored_today(there: Machine, _: str) -> bool:
    return [b"new"] == list(there.contents(there.aws, "target-one").values())


def _knows_the_connections(there: Machine, _: str) -> bool:
    return "source-minio" in there.run("mcmirror alias list").stdout


OUTCOMES: tuple[tuple[str, Check], ...] = (
    (r"mcmirror run", _holds("photos-copy", SAMPLES)),
    (r"mcmirror plan", _plans_all),
    (r"mcmirror mirror .*--dry-run", _holds("photos-copy", {})),
    (r"mcmirror history", _prints(r"^(20\d{6}T\d{6}-|✓ photos verified)")),
    (r"mcmirror status", _prints("^photos +succeeded")),
    (r"mcmirror alias import", _knows_the_connections),
    (r"docker run .*--restart", _holds("relics-backup", SAMPLES)),
    (r"docker run .*BUCKET_PAIR=", _holds("destination", SAMPLES)),
    (r"docker run .*MIRROR_DRY_RUN", _holds("target-one", {})),
    (r"docker run .*MIRROR_PREFIX=", _mirrored_today),
    (r"curl .*/photos/run$", _prints(r'"run":"20\d{6}T')),
    (r"curl .*/api/v1/runs", _has_runs),
)
"""The beginning of a command, and what holds afterwards."""


def outcome(command: str) -> Check:
    """The check of a command; one that always passes where the exit code says all."""
    for pattern, check in OUTCOMES:
        if re.match(rf"(bin/)?{pattern}", command):
            return check
    return lambda _, __: True
