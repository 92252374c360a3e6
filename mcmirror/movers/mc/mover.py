"""The mover whose program is MinIO's mc."""

from collections import deque
from collections.abc import Callable, Collection, Generator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from mcmirror.messages.error_lookup import classify
from mcmirror.model.change import Heard
from mcmirror.model.event import Event, ProblemFound
from mcmirror.model.job import Job, MirrorOptions
from mcmirror.model.location import Location
from mcmirror.model.plan import Entry
from mcmirror.model.problem import Category, Problem
from mcmirror.model.stop import Stop
from mcmirror.movers.mc import argv, content, decode, filters, keys, listing, stat, watching
from mcmirror.movers.mc.attributes import AttributeReader
from mcmirror.movers.mc.copying import LINGER, Interpreter
from mcmirror.movers.mc.folder import Folder
from mcmirror.movers.mc.process import Process, processor_share
from mcmirror.movers.mc.session import Session
from mcmirror.movers.protocol import Answer, Entries, Folders, KeyPrefix, Keys, Shard, Subtree

FAR = 0.005
"""Seconds of a round trip to both sides from which waiting costs more than processor time."""
MANY_WORKERS = 32
"""Transfers that mc adds every four seconds to a far server; on a near one more than its default is slower."""
PATIENCE = 10.0
"""Seconds without an answer after which the cleaning is left to the next run: somebody waits for us to end."""


class McMover:
    """Moves the objects of one job by processes of mc. Thread-safe, but each generator is one thread's."""

    most_named = argv.ARGUMENTS

    def __init__(
        self,
        session: Session,
        job: Job,
        *,
        flags: Collection[str] = (),
        stop: Stop | None = None,
        show_lines: bool = False,
    ) -> None:
        """``flags``: those that not every mc has and this one has; ``show_lines``: mc's raw lines become events."""
        self._session = session
        self._job = job
        self._flags = flags
        self._busy = processor_share()
        self._interpreter = Interpreter(job, session.aliases, stop or Stop(), session.redact if show_lines else None)

    @property
    def most_at_once(self) -> int:
        """How many processes that copy small objects may run at once within the memory that is allowed."""
        return self._session.most_at_once

    def busy(self) -> float:
        """Ask the system."""
        return self._busy()

    def list(self, place: Location, *, closed_folders: bool = False) -> Entries:
        """List a place by ``mc ls``."""
        return listing.entries(
            self._session, place, stall_timeout=self._job.stall_timeout, closed_folders=closed_folders
        )

    def stat(self, place: Location, keys: Sequence[str]) -> dict[str, Answer]:
        """Ask for keys by ``mc ls`` and ``mc stat``."""
        return stat.stat(self._session, place, keys, stall_timeout=self._job.stall_timeout)

    def look(self, place: Location, keys: Sequence[str], gone: Collection[str] = ()) -> dict[str, Answer]:
        """Ask for keys by ``mc stat``, an HEAD each."""
        return stat.look(self._session, place, keys, gone, stall_timeout=self._job.stall_timeout)

    def contents(self, place: Location, folders: Sequence[str], most: int) -> dict[str, set[str]] | None:
        """List folders by ``mc ls -r F1 F2 ...``."""
        return listing.contents(self._session, place, folders, most, stall_timeout=self._job.stall_timeout)

    def watch(self, place: Location) -> Generator[Sequence[Heard], None, None]:
        """Listen by ``mc watch``."""
        return watching.watch(self._session, place)

    def accepts(self, shard: Shard) -> bool:
        """``mc cp -r`` replaces, asks no filter, and takes the last segment for a path; a pattern is for one folder."""
        options = self._job.options
        match shard:
            case Keys():
                return True
            case KeyPrefix(prefix):
                return self._may_copy_unasked and prefix.rpartition("/")[2] not in {".", ".."}
            case Folders(_, folders):
                # mc takes the path of a folder for the beginning of others; of identifiers none is that.
                return self._may_copy_unasked and all(map(keys.ends_with_identifier, folders))
            case Subtree(folder, flat, avoid):
                if folder or flat:
                    return not avoid and all(map(filters.is_suffix, options.exclude))
                return len(self._avoided(shard)) <= argv.ARGUMENTS

    def copy(self, shard: Shard) -> Generator[Event, None, None]:
        """Copy by ``mc mirror``, ``mc cp`` or ``mc cp -r``."""
        job = self._job
        match shard:
            case Keys(folder, names, expires, bare):
                options = replace(self._options, preserve=False) if bare else self._options
                sources = [job.source.child(name) for name in names]
                command, place = argv.copy(options, sources, job.target.child(folder), expires=expires), folder
            case Folders(place, folders):
                sources = [job.source.child(folder) for folder in folders]
                command = argv.copy_folders(self._options, sources, job.target.child(place))
            case KeyPrefix(place):
                folder = place[: place.rfind("/") + 1]
                command = argv.copy_prefix(self._options, job.source.child(place), job.target.child(folder))
            case Subtree(place):
                command = self._mirror(shard)
        only = shard.keys[0] if isinstance(shard, Keys) and len(shard.keys) == 1 else ""
        yield from self._interpreter.events(self._copying(command), place, only)

    def _mirror(self, subtree: Subtree) -> argv.Argv:
        job = self._job
        # The patterns for folded keys go along always: one may turn up after the plan, and would overwrite another key.
        folded = keys.FOLDED if job.target.is_local else (*keys.FOLDED, *keys.FOLDED_BY_SERVERS)
        below = (keys.IN_SUBFOLDER,) if subtree.flat else ()
        options = replace(self._options, exclude=(*job.options.exclude, *folded, *self._avoided(subtree), *below))
        source, target = job.source.below(subtree.folder), job.target.below(subtree.folder)
        return argv.mirror(options, source, target, self._flags)

    def _avoided(self, subtree: Subtree) -> Sequence[str]:
        """The patterns of its keys; those behind one link share some."""
        found = (pattern for key in subtree.avoid for pattern in keys.patterns(key, self._job.target))
        return tuple(dict.fromkeys(found))

    def mirror_unverified(self) -> Generator[Event, None, int]:
        """Run one ``mc mirror`` with every flag handed through."""
        command = argv.unassured(self._options, self._job.source, self._job.target, self._flags)
        process = self._copying(command)
        yield from self._interpreter.events(process, "")
        return process.exit.code

    def remove(self, keys: Sequence[str]) -> Generator[Event, None, None]:
        """Name the objects on mc's stdin, and those that a line cannot hold in its arguments."""
        target = self._job.target
        plain = [target.child(key) for key in keys if _fits_a_line(key)]
        odd = [target.child(key) for key in keys if not _fits_a_line(key)]
        if plain:
            names = self._session.scratch("remove", "".join(f"{name}\n" for name in plain))
            yield from self._removing(argv.remove_listed(), names)
        if odd:
            yield from self._removing(argv.remove(odd), None)

    def read(self, place: Location, entries: Sequence[Entry]) -> tuple[str, ...] | str:
        """Read objects by ``mc cat``."""
        return content.digests(self._session, place, entries, stall_timeout=self._job.stall_timeout)

    def attributes(self, place: Location) -> AttributeReader:
        """Ask by ``mc stat`` and ``mc tag``."""
        return AttributeReader(self._session, place, self._job.stall_timeout)

    def uploads(self) -> Sequence[str] | None:
        """List open uploads by ``mc ls --incomplete``."""
        return listing.incomplete_uploads(self._session, self._job.target, stall_timeout=PATIENCE)

    def abort_uploads(self, keys: Sequence[str]) -> None:
        """End them by ``mc rm --incomplete``, key by key."""
        for key in keys:
            self._run(argv.abort_upload(self._job.target.child(key)))

    def remove_partial(self, keys: Sequence[str]) -> None:
        """Remove them by ``mc rm``."""
        left = [self._job.target.child(key) for key in keys]
        for start in range(0, len(left), argv.ARGUMENTS):
            self._run(argv.remove(left[start : start + argv.ARGUMENTS]))

    def create_bucket(self, bucket: str) -> Problem | None:
        """Make it by ``mc mb``."""
        region = ("--region", self._job.options.region) if self._job.options.region else ()
        process = self._session.process(argv.make_bucket(bucket, *region), stall_timeout=self._job.stall_timeout)
        for line in [decode.line(raw) for batch in process.lines() for raw in batch]:
            if isinstance(line, decode.Failure):
                return classify(line.message, line.cause, line.code, object=bucket)
        return None

    def excluded(self) -> Callable[[str], object] | None:
        """Read mc's patterns as mc does."""
        return filters.excluded(self._job.options.exclude)

    def impossible(self, entry: Entry) -> str:
        """Say which keys mc would write under another name, and which no file can have."""
        return keys.impossible(entry, self._job.source, self._job.target)

    def not_removable(self, key: str) -> str:
        """Say which keys mc would take for others."""
        return keys.not_removable(key, self._job.target)

    def folder(self, excluded: Callable[[str], object] | None) -> Folder:
        """Walk the source as mc does."""
        return Folder(self._job.source.path, excluded)

    @property
    def _may_copy_unasked(self) -> bool:
        """Whether an object may be copied whatever its name and age, and whatever the target has."""
        job, options = self._job, self._job.options
        filtered = options.exclude or options.older_than or options.newer_than or not options.overwrite
        return not filtered and not job.source.is_local and not job.target.is_local

    @property
    def _options(self) -> MirrorOptions:
        return self._job.carried

    def _copying(self, command: argv.Argv) -> Process:
        far = sum(self._session.round_trips.values()) > FAR
        workers = MANY_WORKERS if far else 0
        return self._session.process(command, stall_timeout=self._job.stall_timeout, linger=LINGER, workers=workers)

    def _removing(self, command: argv.Argv, names: Path | None) -> Generator[Event, None, None]:
        process = self._session.process(command, stdin=names, stall_timeout=self._job.stall_timeout)
        with closing(process.lines()) as lines:
            for raw in (raw for batch in lines for raw in batch):
                line = decode.line(raw)
                if isinstance(line, decode.Failure):
                    found = classify(line.message, line.cause, line.code, object=line.key)
                    if found.category is not Category.OBJECT_VANISHED:
                        yield ProblemFound(self._job.name, found)

    def _run(self, command: argv.Argv) -> None:
        """Run it even when a stop was requested."""
        process = self._session.process(command, stall_timeout=PATIENCE, stoppable=False)
        deque(process.lines(), maxlen=0)


def _fits_a_line(key: str) -> bool:
    """Whether mc, which drops a carriage return at a line's end, reads the key as it is from its stdin."""
    return "\n" not in key and not key.endswith("\r")
