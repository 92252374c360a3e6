"""Metadata and tags through mc: ``stat`` of many keys a process, ``tag list`` and ``tag set`` of one."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from urllib.parse import quote

from mcmirror.messages.error_lookup import classify
from mcmirror.model.attributes import Attributes, read_attributes
from mcmirror.model.location import Location
from mcmirror.model.plan import Entry
from mcmirror.model.problem import Problem
from mcmirror.movers.mc import argv, decode
from mcmirror.movers.mc.session import Session

NO_SUCH_FLAG = "not defined"


class AttributeReader:
    """Asks one place for the metadata and tags of its objects. Thread-safe."""

    def __init__(self, session: Session, place: Location, stall_timeout: float) -> None:
        self._session = session
        self._place = place
        self._stall_timeout = stall_timeout

    def heads(self, keys: Sequence[str]) -> Iterator[tuple[str, Attributes | Problem]]:
        """One HEAD for each key, in their order. mc ends at the first that it cannot have: another one takes the rest.

        Stops short when a stop is requested.
        """
        waiting, exact = list(keys), True
        while waiting:
            places = [self._place.child(key) for key in waiting[: argv.ARGUMENTS]]
            process = self._session.process(argv.stat(*places, exact=exact), stall_timeout=self._stall_timeout)
            answered = 0
            with closing(process.lines()) as lines:
                for raw in (raw for batch in lines for raw in batch if raw):
                    yield waiting[answered], self._head(waiting[answered], raw)
                    answered += 1
            if process.exit.stopped:
                return
            if not answered and exact and NO_SUCH_FLAG in process.exit.stderr:
                exact = False  # an older mc: a LIST goes before each HEAD
                continue
            if not answered:
                yield waiting[0], self._problem(waiting[0], "", process.exit.stderr.strip() or "mc said nothing")
            waiting = waiting[max(1, answered) :]

    def tags(self, key: str) -> dict[str, str] | Problem:
        """The tags of one object."""
        fields = self._one(argv.list_tags(self._place.child(key)), key)
        if isinstance(fields, Problem):
            return fields
        return {str(name): str(value) for name, value in (fields.get("tagset") or {}).items()}

    def set_tags(self, key: str, tags: Mapping[str, str]) -> Problem | None:
        """Give one object these tags and no others."""
        place = self._place.child(key)
        text = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in tags.items())
        fields = self._one(argv.set_tags(place, text) if tags else argv.remove_tags(place), key)
        return fields if isinstance(fields, Problem) else None

    def lists_metadata(self, key: str) -> bool:
        """Whether listings of this server show metadata and tags, as mc needs it to carry tags; ``key`` is there."""
        process = self._session.process(
            argv.find_with_metadata(self._place.child(key)), stall_timeout=self._stall_timeout
        )
        with closing(process.lines()) as lines:
            for raw in (raw for batch in lines for raw in batch if raw):
                return _load(raw).get("status") == "success"
        return False

    def keeps_versions(self) -> bool:
        """Whether the bucket has, or had, versioning; False too when it does not say."""
        bucket = f"{self._place.alias}/{self._place.bucket}"
        fields = self._one(argv.version_info(bucket), "")
        return not isinstance(fields, Problem) and bool((fields.get("versioning") or {}).get("status"))

    def _one(self, command: argv.Argv, key: str) -> decode.Fields | Problem:
        """The only line of a command."""
        process = self._session.process(command, stall_timeout=self._stall_timeout)
        lines = [raw for batch in process.lines() for raw in batch if raw]
        fields = _load(lines[0]) if lines else {}
        if fields.get("status") == "success" and not process.exit.code:
            return fields
        failure = (
            decode.failure(fields) if fields else decode.Failure("", process.exit.stderr.strip() or "mc said nothing")
        )
        return self._problem(key, failure.message, failure.cause, failure.code)

    def _head(self, key: str, raw: bytes) -> Attributes | Problem:
        fields = _load(raw)
        if fields.get("status") != "success":
            failure = decode.failure(fields)
            return self._problem(key, failure.message, failure.cause, failure.code)
        entry = Entry(key, int(fields["size"]), str(fields.get("etag", "")), str(fields["lastModified"]).rstrip("Z"))
        return read_attributes(fields.get("metadata") or {}, str(fields.get("expires") or ""), entry)

    def _problem(self, key: str, message: str, cause: str, code: str = "") -> Problem:
        return classify(message, cause, code, object=key, side=self._place.alias)


def _load(raw: bytes) -> decode.Fields:
    try:
        return decode.load(raw)
    except ValueError:
        return {"status": "error", "error": {"message": "", "cause": {"message": raw[:2000].decode(errors="replace")}}}
