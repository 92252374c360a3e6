"""After a copy that did not end well: take away what mc left half done, and nothing else.

mc ends at once on a signal. On a server it leaves multipart uploads open, which cost storage and show in no listing; in
a folder it leaves files with a UUID for a name, which do.
"""

import os
from collections.abc import Collection, Iterable
from pathlib import Path

from mcmirror.engine.context import Context
from mcmirror.engine.partial_files import NAME
from mcmirror.engine.scope import Only, key_of
from mcmirror.model.plan import Changed, Copy, Difference, Missing, Plan

PART = 16 * 1024 * 1024
"""From this size on mc uploads in parts (CONTRACT.md section 7)."""


def clean(context: Context, plan: Plan, keys: Collection[str]) -> bool:
    """Take away what this run's copies, and earlier uploads of ``keys``, left behind; False when that is not known."""
    if context.job.target.is_local:
        _remove_partial_files(context, plan)
        return True
    return _abort_uploads(context, keys)


def in_parts(differences: Iterable[Difference]) -> list[str]:
    """The keys of the planned copies that mc uploads in parts."""
    copies: Only[Copy] = Only(differences, Missing, Changed)
    return [copy.source.key for copy in copies if copy.source.size >= PART]


def _abort_uploads(context: Context, keys: Collection[str]) -> bool:
    """Abort the open uploads of these keys, even when a stop was requested.

    A key that is the beginning of another open one is left alone unless that one is ours too: mc takes it for a prefix.
    """
    if not keys:
        return True
    found = context.mover.uploads()
    if found is None:
        return False
    ours, open_keys = set(keys), set(found)
    context.mover.abort_uploads(
        [
            key
            for key in sorted(open_keys & ours)
            if not any(other.startswith(key) and other not in ours for other in open_keys)
        ]
    )
    return True


def _remove_partial_files(context: Context, plan: Plan) -> None:
    """Remove files written since the run began that have a partial file's name and that the plan does not know."""
    target = context.job.target
    found = set[str]()
    for folder, _, names in os.walk(target.path):
        for name in names:
            path = Path(folder, name)
            if NAME.fullmatch(name) and path.lstat().st_mtime >= context.started:
                found.add(path.relative_to(target.path).as_posix())
    found -= {key_of(item) for item in plan.differences} | {entry.key for entry in plan.torn}
    context.mover.remove_partial(sorted(found))
