"""Ask a place for single keys: the proof that an object is absent, which a listing alone never is.

``mc stat`` ends at its first missing key. ``mc ls K1 K2 ...`` sends a HEAD for each of many keys in one process and
goes on, but hides the answers: they are read from its ``--debug`` trace. Only "404, no such key", sent by the server
itself for exactly this key, is absence.
"""

import stat as modes
from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path

from mcmirror.model.location import Location
from mcmirror.model.plan import Entry
from mcmirror.movers.mc import argv, decode
from mcmirror.movers.mc.exchanges import Exchange, RequestTrace
from mcmirror.movers.mc.folder import link_on_the_way, name_passed_over
from mcmirror.movers.mc.process import Exit
from mcmirror.movers.mc.session import Session
from mcmirror.movers.protocol import Answer, Presence

CROWD = 2000
"""Lines of one ``mc ls`` above which its keys are asked for one by one: it lists all that begins with a key."""
_NO_KEY = frozenset({"", "NoSuchKey"})
_CODES = {"403": "AccessDenied", "401": "AccessDenied", "301": "PermanentRedirect", "307": "TemporaryRedirect"}
"""What a HEAD's bare status means, whose answer has no body."""


TOGETHER = 8
"""mc processes at once, where each asks for some of the keys."""
FEWEST = 25
"""Keys that are worth a process of their own."""
ABSENT, THERE, UNKNOWN = Presence
NO_ANSWER = "no answer came"
STALLED = "timed out: no byte was read"


def stat(session: Session, place: Location, keys: Sequence[str], *, stall_timeout: float) -> dict[str, Answer]:
    """Ask for each of these keys; one that is not in the result was not asked for, because a stop was requested."""
    if place.is_local:
        return {key: _look(place, key) for key in keys}
    asked = _Asking(session, place, stall_timeout)
    found = asked.together(keys)
    return found if found is not None else asked.singly(keys)


def look(
    session: Session, place: Location, keys: Sequence[str], gone: Collection[str], *, stall_timeout: float
) -> dict[str, Answer]:
    """Ask for each of these keys by HEAD alone, but for markers of folders, which mc can only list.

    ``mc stat`` ends at a missing key: those that are ``gone`` are asked for one by one, several at once. Of a folder
    nothing is there that mc leaves out of its listing.
    """
    if place.is_local:
        return {key: _look_as_listed(place, key) for key in keys}
    asked = _Asking(session, place, stall_timeout)
    markers = [key for key in keys if key.endswith("/")]
    likely = [key for key in keys if key not in gone and not key.endswith("/")]
    single = [key for key in keys if key in gone and not key.endswith("/")]
    with ThreadPoolExecutor(TOGETHER, thread_name_prefix="look") as pool:
        parts = [pool.submit(asked.heads, part) for part in shared_out(likely)]
        parts += [pool.submit(asked.singly, [key]) for key in single]
        parts += [pool.submit(stat, session, place, markers, stall_timeout=stall_timeout)] if markers else []
        answers = {key: answer for part in parts for key, answer in part.result().items()}
    if asked.bare and (said := asked.bucket()):
        # To a HEAD some servers say the same of a key and of a bucket that is not there.
        answers |= {key: said for key in asked.bare if answers[key].presence is ABSENT}
    return answers


def shared_out(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    """Parts for processes that run side by side: one asks for a key after the other, and a server may be far away."""
    size = min(argv.ARGUMENTS, max(FEWEST, -(-len(keys) // TOGETHER)))
    return (keys[start : start + size] for start in range(0, len(keys), size))


class _Asking:
    """Runs mc for the keys of one place."""

    def __init__(self, session: Session, place: Location, stall_timeout: float) -> None:
        self._session = session
        self._place = place
        self._stall_timeout = stall_timeout
        url = session.aliases[place.alias].url.rstrip("/")
        self._below = f"{url}/{place.path}/"
        self._failure: decode.Failure | None = None
        self.bare = set[str]()
        """Absent keys of which the server did not say that the key is what is missing."""

    def bucket(self) -> Answer | None:
        """Ask for the bucket by a HEAD; None when it is there."""
        command = argv.stat_without_listing(f"{self._place.alias}/{self._place.bucket}")
        process = self._session.process(command, stall_timeout=self._stall_timeout)
        lines = [decode.line(raw) for batch in process.lines() for raw in batch if raw]
        failure = next((one for one in lines if isinstance(one, decode.Failure)), None)
        if failure is None and not process.exit.code:
            return None
        said = failure.cause if failure else process.exit.stderr.strip().rpartition("\n")[2]
        return Answer(UNKNOWN, said=said or NO_ANSWER, code=failure.code if failure else "")

    def together(self, keys: Sequence[str]) -> dict[str, Answer] | None:
        """One ``mc ls`` for all, and one more for those behind a key at which it stalls; None: it printed too much."""
        answers, waiting, in_vain = dict[str, Answer](), list(keys), False
        while waiting:
            found = self._list(waiting)
            if found is None:
                return None
            answers |= found
            silent = [key for key in waiting if key in found and found[key].said.startswith(STALLED)]
            nothing = len(silent) == len(waiting)
            if in_vain and nothing:
                break  # it is not the one key
            in_vain, waiting = nothing, silent[1:]
        return answers

    def _list(self, keys: Sequence[str]) -> dict[str, Answer] | None:
        trace, entries, most = RequestTrace(), dict[str, Entry](), CROWD + 10 * len(keys)
        command = argv.list_objects([self._place.child(key) for key in keys])
        process = self._session.process(command, stall_timeout=self._stall_timeout, trace=trace)
        with closing(process.lines()) as lines:
            for batch in lines:
                most -= len(batch)
                if most < 0:
                    return None
                self._hear(batch)
                for url, entry in decode.listed_objects(batch):
                    key = url.removeprefix(self._below)
                    if entry.key in {key[key.rfind("/", 0, -1) + 1 :], "/" if key.endswith("/") else key}:
                        entries[key] = entry._replace(key=key)
        if process.exit.stopped:
            return {}
        return {key: self._answer(key, trace, entries.get(key), process.exit) for key in keys}

    def heads(self, keys: Sequence[str]) -> dict[str, Answer]:
        """``mc stat`` of all; another one for those behind a key at which it ends."""
        answers, waiting = dict[str, Answer](), list(keys)
        while waiting:
            trace = RequestTrace()
            command = argv.stat_without_listing(*(self._place.child(key) for key in waiting))
            process = self._session.process(command, stall_timeout=self._stall_timeout, trace=trace)
            lines = [raw for batch in process.lines() for raw in batch]
            self._hear(lines)
            if process.exit.stopped:
                break
            if trace.fastest:
                known = self._session.round_trips.get(self._place.alias, trace.fastest)
                self._session.round_trips[self._place.alias] = min(known, trace.fastest)
            begun = [key for key in waiting if trace.asked(self._paths(key))] or waiting[:1]
            for key, raw in zip_longest(begun, lines[: len(begun)], fillvalue=b""):
                assert isinstance(key, str)  # noqa: S101  there are no more lines than keys
                entry = decode.stated_object(raw, key) if isinstance(raw, bytes) and raw else None
                answers[key] = self._answer(key, trace, entry, process.exit)
            waiting = [key for key in waiting if key not in answers]
        return answers

    def singly(self, keys: Sequence[str]) -> dict[str, Answer]:
        """One ``mc stat`` for each."""
        answers = dict[str, Answer]()
        for key in keys:
            trace = RequestTrace()
            command = argv.stat_without_listing(self._place.child(key))
            process = self._session.process(command, stall_timeout=self._stall_timeout, trace=trace)
            lines = [raw for batch in process.lines() for raw in batch]
            self._hear(lines)
            seen = [decode.stated_object(raw, key) for raw in lines]
            if process.exit.stopped:
                break
            answers[key] = self._answer(key, trace, next((entry for entry in seen if entry), None), process.exit)
        return answers

    def _answer(self, key: str, trace: RequestTrace, entry: Entry | None, end: Exit) -> Answer:
        said = trace.listed(self._full(key)) if key.endswith("/") else trace.asked(self._paths(key))
        if not said or not said[-1].status:
            return self._unanswered(end)
        for exchange in said:
            if exchange.foreign and exchange.number in {"200", "404"}:
                return Answer(UNKNOWN, said=f"{exchange.status}, in {exchange.foreign}")
        last = said[-1]
        if key.endswith("/"):  # there is no HEAD for the marker of a folder in mc
            if last.number != "200":
                return _refused(last)
            return Answer(THERE, entry) if entry else Answer(ABSENT)
        if last.number == "200":
            same = entry is not None and (not last.etag or last.etag == entry.etag)
            return Answer(THERE, entry if same else None, etag=last.etag)
        absent = all(each.number == "404" and each.code in _NO_KEY for each in said) and entry is None
        if absent and not any(each.code for each in said):
            self.bare.add(key)
        return Answer(ABSENT) if absent else _refused(last)

    def _unanswered(self, end: Exit) -> Answer:
        if end.stalled:
            return Answer(UNKNOWN, said=f"{STALLED} for {self._stall_timeout:g} s")
        failure = self._failure
        return Answer(UNKNOWN, said=failure.cause, code=failure.code) if failure else Answer(UNKNOWN, said=NO_ANSWER)

    def _hear(self, lines: Iterable[bytes]) -> None:
        """Keep mc's first complaint: the reason where no answer came at all."""
        for raw in lines:
            if self._failure is None and isinstance(said := decode.line(raw), decode.Failure):
                self._failure = said

    def _full(self, key: str) -> str:
        return f"{self._place.prefix}/{key}" if self._place.prefix else key

    def _paths(self, key: str) -> tuple[str, str]:
        """The path of a request for the key, with the bucket in it or before the host."""
        return f"/{self._place.path}/{key}", f"/{self._full(key)}"


def _refused(exchange: Exchange) -> Answer:
    code = exchange.code or _CODES.get(exchange.number, exchange.status)
    return Answer(UNKNOWN, said=exchange.status, code=code)


def _look(place: Location, key: str) -> Answer:
    """Ask the file system: whatever has the name is there, also what mc leaves out of a listing."""
    path = Path(place.path, key)
    if not Path(place.path).is_dir():
        return Answer(UNKNOWN, said=f"{place.path} is not a folder")
    try:
        about = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return Answer(ABSENT)
    except (OSError, ValueError) as error:
        return Answer(UNKNOWN, said=getattr(error, "strerror", None) or str(error))
    if not modes.S_ISREG(about.st_mode):
        return Answer(THERE)
    return Answer(THERE, Entry(key, about.st_size, "", _stamp(about.st_mtime_ns)))


def _look_as_listed(place: Location, key: str) -> Answer:
    """As ``_look``; what mc leaves out of a listing has no entry."""
    passed_over = name_passed_over(key) or link_on_the_way(place.path, key)
    return Answer(THERE) if passed_over else _look(place, key)


def _stamp(nanoseconds: int) -> str:
    """A time as mc lists it: UTC, a fraction without zeros at its end."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    whole = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{whole}.{rest:09}".rstrip("0").rstrip(".")
