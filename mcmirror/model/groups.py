"""A plan by prefix, with the first removals by name: a million differences become a few lines."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from mcmirror.model.plan import Changed, Count, Difference, Extraneous, Impossible, Kept, Missing

MOST = 300
"""Prefixes that are kept apart; what comes after them is one group."""
NAMED = 1000
"""Removals that are named."""
DEEPEST = 8
"""Folders that are gone down while all lies in one."""
REST = "…"
"""The name of the group of all other prefixes; no key can look like it, for a folder ends in a slash."""


@dataclass(frozen=True, slots=True)
class Group:
    """What would happen below one prefix."""

    name: str
    """Ends in ``/`` for a folder; empty for keys without one."""
    copy: Count = Count()
    replace: Count = Count()
    remove: Count = Count()
    kept: Count = Count()
    impossible: Count = Count()


@dataclass(frozen=True, slots=True)
class Groups:
    """The whole plan."""

    prefix: str = ""
    """What all of it has in common."""
    groups: tuple[Group, ...] = ()
    """In key order."""
    removals: tuple[tuple[str, int], ...] = ()
    """Key and bytes of the first NAMED."""
    removed: Count = field(default_factory=Count)


def grouped(differences: Iterable[Difference], *, removing: bool) -> Groups:
    """Walk the differences, again while all of them lie in one folder; takes a second for a million."""
    prefix = ""
    for _ in range(DEEPEST):
        found = _walked(differences, prefix, removing=removing)
        only = found.groups[0].name if len(found.groups) == 1 else ""
        if not only.endswith("/"):
            break
        prefix += only
    return found


_COLUMNS = {Missing: 0, Changed: 2, Extraneous: 4, Kept: 6, Impossible: 8}
"""Where the objects of a kind are counted, and after them their bytes: in the order of the fields of ``Group``."""


def _walked(differences: Iterable[Difference], prefix: str, *, removing: bool) -> Groups:
    sums: dict[str, list[int]] = {}
    removals: list[tuple[str, int]] = []
    for difference in differences:
        entry = difference.target if isinstance(difference, Extraneous) else difference.source
        if isinstance(difference, Extraneous):
            if not removing:
                continue
            if len(removals) < NAMED:
                removals.append((entry.key, entry.size))
        head, slash, _ = entry.key[len(prefix) :].partition("/")
        name = head + slash if slash else ""
        if name not in sums and len(sums) >= MOST:
            name = REST
        found = sums.setdefault(name, [0] * 10)
        column = _COLUMNS[type(difference)]
        found[column] += 1
        found[column + 1] += entry.size
    groups = tuple(Group(name, *map(Count, one[::2], one[1::2])) for name, one in sums.items())
    return Groups(prefix, groups, tuple(removals), sum((group.remove for group in groups), Count()))
