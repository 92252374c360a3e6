"""Keys that the target stores under another name: known once a copy is not there, and its twin is.

SeaweedFS takes a backslash for a slash. Such a copy is impossible, whatever is tried again, and keeps no removal back;
its twin is no extraneous object.
"""

from collections.abc import Iterable

from mcmirror.engine.context import Context
from mcmirror.engine.scope import Only
from mcmirror.mc import keys
from mcmirror.mc.stat import Answer, batches, stat
from mcmirror.model.plan import Difference, Entry, Extraneous, Missing, Plan
from mcmirror.model.wording import printable


def folded(context: Context, plan: Plan, remaining: Iterable[Difference]) -> dict[str, str]:
    """Return the key of each remaining copy that the target stored as its twin, with the twin's key."""
    missing = [item.source for item in Only(remaining, Missing) if keys.twin(item.source.key)]
    if not missing:
        return {}
    twins = {keys.twin(entry.key) for entry in missing}
    before = {item.target.key: item.target for item in Only(plan.differences, Extraneous) if item.target.key in twins}
    answers = dict[str, Answer]()
    for batch in batches(sorted(twins), str):
        answers |= stat(context.session, context.job.target, batch, stall_timeout=context.job.stall_timeout)
    found = dict[str, str]()
    for entry in missing:
        twin = keys.twin(entry.key)
        there = answers[twin].entry if twin in answers else None
        if there is not None and there != before.get(twin) and _is_copy(entry, there):
            found[entry.key] = twin
    return found


def why(twin: str) -> str:
    """What is said of such a key."""
    return f"this target stores it as {printable(twin)}"


def _is_copy(source: Entry, twin: Entry) -> bool:
    comparable = source.plain_md5 and twin.plain_md5
    return source.size == twin.size and (source.etag == twin.etag or not comparable)
