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


@dataclass(slots=True)
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


def _walked(differences: Iterable[Difference], prefix: str, *, removing: bool) -> Groups:
    groups: dict[str, Group] = {}
    removals: list[tuple[str, int]] = []
    removed = Count()
    for difference in differences:
        entry = difference.target if isinstance(difference, Extraneous) else difference.source
        if isinstance(difference, Extraneous) and not removing:
            continue
        head, slash, _ = entry.key[len(prefix) :].partition("/")
        name = head + slash if slash else ""
        if name not in groups and len(groups) >= MOST:
            name = REST
        group = groups.setdefault(name, Group(name))
        one = Count(1, entry.size)
        match difference:
            case Missing():
                group.copy += one
            case Changed():
                group.replace += one
            case Kept():
                group.kept += one
            case Impossible():
                group.impossible += one
            case Extraneous():
                group.remove += one
                removed += one
                if len(removals) < NAMED:
                    removals.append((entry.key, entry.size))
    return Groups(prefix, tuple(groups.values()), tuple(removals), removed)
