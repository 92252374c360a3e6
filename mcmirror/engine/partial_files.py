"""Files that a killed mc left in a target folder: known before the guard counts, removed once proven to be that.

mc writes each object into a file beside it that has a UUID for a name (mc's cmd/client-fs.go). Somebody's own file may
have such a name too, so a name proves nothing: what goes is the beginning of an object that was copied beside it.
"""

import logging
import re
import stat
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from mcmirror.engine.context import Context
from mcmirror.engine.scope import Only
from mcmirror.model.plan import Changed, Copy, Count, Difference, Entry, Extraneous, Missing, Plan

NAME = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
"""How mc names a file that it is still writing."""
MOST = 256
"""More than mc writes at once: so many files are somebody's own."""
CHUNK = 1 << 20


def set_apart(context: Context, plan: Plan) -> Plan:
    """Take what a killed run may have left out of what is extraneous: it counts for no guard."""
    since = context.journal.since
    if not since or not context.job.target.is_local:
        return plan
    found = list[Entry]()
    for item in Only(plan.differences, Extraneous):
        if _suspicious(context, item.target.key, since):
            found.append(item.target)
        if len(found) > MOST:
            return plan
    if not found:
        return plan
    apart = frozenset(entry.key for entry in found)
    return replace(
        plan,
        extraneous=plan.extraneous - _count(found),
        differences=_Without(plan.differences, apart),
        torn=tuple(found),
    )


def remove_proven(context: Context, plan: Plan) -> tuple[Entry, ...]:
    """Remove what is proven to be torn, now that the copies are there, and return the rest."""
    left = list[Entry]()
    proven = _proven(context, plan)
    for entry in plan.torn:
        path = Path(context.job.target.path, entry.key)
        try:
            if entry in proven:
                path.unlink(missing_ok=True)
                logging.getLogger(__name__).warning("%s: removed; an mc that was killed left it, torn", path)
                continue
        except OSError as error:
            logging.getLogger(__name__).warning(
                "%s: an mc that was killed left it, torn; it cannot be removed: %s. Remove it by hand.",
                path, error.strerror or error,
            )  # fmt: skip
        if path.exists():
            left.append(entry)
    return tuple(left)


def name_unproven(context: Context, left: Iterable[Entry]) -> None:
    """Say what nobody will ask about again."""
    after = "the next run removes it" if context.job.options.remove else "remove it by hand if it is nobody's"
    for entry in left:
        logging.getLogger(__name__).warning(
            "%s: perhaps left by an mc that was killed; it is not the beginning of a copy beside it, and stays; %s",
            Path(context.job.target.path, entry.key),
            after,
        )


def _count(entries: Iterable[Entry]) -> Count:
    return sum((Count(1, entry.size) for entry in entries), Count())


@dataclass(frozen=True, slots=True)
class _Without:
    """The differences but those of these keys on the target; can be walked again and again."""

    differences: Iterable[Difference]
    keys: frozenset[str]

    def __iter__(self) -> Iterator[Difference]:
        return (
            item for item in self.differences if not (isinstance(item, Extraneous) and item.target.key in self.keys)
        )


def _suspicious(context: Context, key: str, since: float) -> bool:
    """Whether it has such a name, and was written since the killed run began and before this one."""
    if not NAME.fullmatch(PurePosixPath(key).name):
        return False
    try:
        found = Path(context.job.target.path, key).lstat()
    except (OSError, ValueError):
        return False
    return stat.S_ISREG(found.st_mode) and found.st_nlink == 1 and since <= found.st_mtime < context.started


def _proven(context: Context, plan: Plan) -> set[Entry]:
    """Those that are the beginning of a copy in the same folder."""
    waiting = defaultdict[str, list[Entry]](list)
    for entry in plan.torn:
        waiting[_folder(entry.key)].append(entry)
    proven = set[Entry]()
    copies: Only[Copy] = Only(plan.differences, Missing, Changed)
    for copy in copies:
        near = waiting.get(_folder(copy.source.key))
        if not near:
            continue
        whole = Path(context.job.target.path, copy.source.key)
        found = [entry for entry in near if _begins(whole, Path(context.job.target.path, entry.key), copy.source.size)]
        proven.update(found)
        near[:] = [entry for entry in near if entry not in found]
    return proven


def _folder(key: str) -> str:
    return key.rpartition("/")[0]


def _begins(whole: Path, torn: Path, size: int) -> bool:
    """Whether ``whole``, of ``size`` bytes, begins with all that ``torn`` holds."""
    with suppress(OSError), torn.open("rb") as part, whole.open("rb") as object_:
        if not torn.stat().st_size <= size == whole.stat().st_size:
            return False
        while chunk := part.read(CHUNK):
            if chunk != object_.read(len(chunk)):
                return False
        return True
    return False
