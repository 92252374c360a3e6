"""After a copy that did not end well: abort the multipart uploads it left open, and no others.

mc ends at once on a signal and leaves its uploads on the target, where they cost storage and no listing shows them.
"""

from collections import deque
from collections.abc import Collection, Iterable

from mcmirror.engine.context import Context
from mcmirror.mc import argv
from mcmirror.mc.listing import incomplete_uploads
from mcmirror.model.plan import Changed, Difference, Missing

PART = 16 * 1024 * 1024
"""From this size on mc uploads in parts (CONTRACT.md section 7)."""
PATIENCE = 10.0
"""Seconds without an answer after which the cleaning is left to the next run: somebody waits for us to end."""


def in_parts(differences: Iterable[Difference]) -> list[str]:
    """The keys of the planned copies that mc uploads in parts."""
    return [
        difference.source.key
        for difference in differences
        if isinstance(difference, Missing | Changed) and difference.source.size >= PART
    ]


def abort_uploads(context: Context, keys: Collection[str]) -> bool:
    """Abort the open uploads of these keys, even when a stop was requested; False when the target did not tell them.

    A key that is the beginning of another open one is left alone unless that one is ours too: mc takes it for a prefix.
    """
    job = context.job
    if job.target.is_local or not keys:
        return True
    found = incomplete_uploads(context.session, job.target, stall_timeout=PATIENCE)
    if found is None:
        return False
    ours, open_keys = set(keys), set(found)
    for key in sorted(open_keys & ours):
        if any(other.startswith(key) and other not in ours for other in open_keys):
            continue
        command = argv.abort_upload(job.target.child(key))
        process = context.session.process(command, stall_timeout=PATIENCE, stoppable=False)
        deque(process.lines(), maxlen=0)
    return True
