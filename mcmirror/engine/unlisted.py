"""What a source folder holds beside what mc lists of it: never extraneous, named where it has content, and counted."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from mcmirror.engine.compare import Pairs
from mcmirror.model.location import Location
from mcmirror.model.plan import Entry
from mcmirror.model.wording import printable
from mcmirror.movers.protocol import Mover

SHOWN = 3
"""Names that a note holds."""


@dataclass(frozen=True, slots=True)
class Unlisted:
    """Empty for a bucket. Frozen once it is looked up."""

    files: dict[str, tuple[Entry, str]] = field(default_factory=dict)
    """Those with content, and folders that may not be read, by key: why mc does not list them."""
    others: dict[str, str] = field(default_factory=dict)
    """Links, sockets and the like, which no object stands for."""
    empty: int = 0
    """Folders without anything in them."""
    first_empty: tuple[str, ...] = ()

    def why(self, entry: Entry) -> str:
        """Why mc cannot carry this; empty when it is none of these."""
        return self.files[entry.key][1] if entry.key in self.files else ""

    def covers(self, key: str) -> bool:
        """Whether it is a link or the like, or lies below one, or below a folder that may not be read."""
        if key in self.others:
            return True
        if not self.others and not self.files:
            return False
        above = key.rpartition("/")[0]
        while above:
            if above in self.others or above in self.files:
                return True
            above = above.rpartition("/")[0]
        return False

    def joined(self, pairs: Pairs) -> Pairs:
        """The pairs with these files among them, as entries of the source."""
        waiting = iter(sorted(entry for entry, _ in self.files.values()))
        following = next(waiting, None)
        for source, target in pairs:
            entry = source or target
            while entry is not None and following is not None and following.key < entry.key:
                yield following, None
                following = next(waiting, None)
            if entry is not None and following is not None and following.key == entry.key:
                yield source or following, target
                following = next(waiting, None)
            else:
                yield source, target
        while following is not None:
            yield following, None
            following = next(waiting, None)

    def notes(self, place: Location) -> Iterator[str]:
        """What is good to know of it."""
        if self.others:
            named = [f"{printable(key)} ({why})" for key, why in list(self.others.items())[:SHOWN]]
            yield f"{len(self.others):,} in {place} are no files and stay behind: {_listed(named, len(self.others))}"
        if self.empty:
            named = [printable(key.rstrip("/")) for key in self.first_empty]
            yield f"{self.empty:,} empty folders in {place} have no object that stands for them: " + _listed(
                named, self.empty
            )


def find_unlisted(place: Location, mover: Mover) -> Unlisted:
    """Walk a source folder for what mc leaves out; what the job excludes counts for nothing."""
    if not place.is_local:
        return Unlisted()
    folder = mover.folder(mover.excluded())
    files, others = dict[str, tuple[Entry, str]](), dict[str, str]()
    for entry, why, content in folder.left_out():
        if content:
            files[entry.key] = (entry, why)
        else:
            others[entry.key] = why
    return Unlisted(files, dict(sorted(others.items())), folder.empty, tuple(folder.first_empty))


def _listed(named: list[str], number: int) -> str:
    return ", ".join(named) + (", ..." if number > len(named) else "")
