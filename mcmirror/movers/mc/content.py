"""What objects hold, read by ``mc cat``: one stream for many objects, cut at the sizes that were listed."""

import hashlib
from collections.abc import Iterable, Sequence

from mcmirror.messages.error_lookup import outgrown
from mcmirror.model.location import Location
from mcmirror.model.plan import Entry
from mcmirror.movers.mc import argv
from mcmirror.movers.mc.session import Session


def digests(
    session: Session, place: Location, entries: Sequence[Entry], *, stall_timeout: float
) -> tuple[str, ...] | str:
    """SHA-256 of each object; mc's words when they could not all be read with the sizes that were listed."""
    command = argv.cat([place.child(entry.key) for entry in entries])
    process = session.process(command, stall_timeout=stall_timeout)
    found = _digest_each(process.chunks(), [entry.size for entry in entries])
    if process.exit.code == 0 and found is not None:
        return tuple(found)
    if process.exit.stalled:
        return f"timed out: no byte was read for {stall_timeout:g} s"
    if process.exit.outgrown:
        return outgrown("", process.exit.outgrown).cause
    said = process.exit.stderr.strip() or "it has another size than was listed"
    # The table of problems blanks all from the first quote to the last.
    return said.replace(f"`{place.child(entries[0].key)}`", "it") if len(entries) == 1 else said


def _digest_each(chunks: Iterable[bytes], sizes: Sequence[int]) -> list[str] | None:
    """Cut the one stream that ``mc cat`` prints at the listed sizes; None when it is longer or shorter."""
    digests, waiting = list[str](), list(reversed(sizes))
    sums, left = hashlib.sha256(), waiting.pop()
    for chunk in chunks:
        rest = memoryview(chunk)
        while rest:
            while not left:
                digests.append(sums.hexdigest())
                if not waiting:
                    return None
                sums, left = hashlib.sha256(), waiting.pop()
            sums.update(rest[:left])
            left, rest = max(0, left - len(rest)), rest[left:]
    if left or any(waiting):
        return None
    return [*digests, sums.hexdigest(), *(hashlib.sha256().hexdigest() for _ in waiting)]
