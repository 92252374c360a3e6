"""Which ETags of a pair are known not to be comparable; the database is opened when the first one turns up."""

from collections.abc import Collection, Iterable

from mcmirror.store.database import Database, Unusable, sql
from mcmirror.store.mismatches import Mismatches, Row
from mcmirror.store.paths import folder
from mcmirror.store.source_counts import SourceCount

BATCH = 1000

_FIND = (
    "SELECT 1 FROM incomparable"
    " WHERE pair = :pair AND key = :key AND source_etag = :source_etag AND target_etag = :target_etag"
)
_KEEP = (
    "INSERT INTO incomparable (pair, key, source_etag, target_etag, assumed)"
    " VALUES (:pair, :key, :source_etag, :target_etag, :assumed)"
    " ON CONFLICT (pair, key) DO UPDATE SET source_etag = excluded.source_etag, target_etag = excluded.target_etag,"
    " assumed = excluded.assumed"
)
_FORGET = "DELETE FROM incomparable WHERE pair = :pair AND assumed = 1"


class PairState:
    """The memory of one pair of places (engine's ``Memory``). A state that fails is a warning and an empty memory."""

    def __init__(self, state: str | Database, pair: str) -> None:
        """``pair`` names source and target by their addresses; a ``Database`` is shared, and not closed here."""
        self._database = state if isinstance(state, Database) else Database(state)
        self._ours = self._database is not state
        self._wrong = Mismatches(folder(self._database.state), pair)
        self._count = SourceCount(folder(self._database.state), pair)
        self._pair = pair

    @property
    def warning(self) -> str:
        """Why nothing can be remembered, once that is known."""
        return self._database.warning or self._wrong.warning

    def incomparable(self, key: str, source_mark: str, target_mark: str) -> bool:
        """Whether a copy with these marks is known to be equal although its ETags or times say otherwise."""
        try:
            with self._database.read() as connection:
                return connection.execute(sql(_FIND), self._row(key, source_mark, target_mark)).first() is not None
        except Unusable:
            return False

    def remember_incomparable(self, rows: Iterable[tuple[str, str, str]], *, assumed: bool = False) -> None:
        """Keep (key, mark at the source, mark at the target); a key's older row is replaced."""
        waiting = [{**self._row(*row), "assumed": int(assumed)} for row in rows]
        try:
            for start in range(0, len(waiting), BATCH):
                with self._database.begin() as connection:
                    connection.execute(sql(_KEEP), waiting[start : start + BATCH])
        except Unusable:
            return

    def forget_assumed(self) -> None:
        """Drop what was not read."""
        try:
            with self._database.begin() as connection:
                connection.execute(sql(_FORGET), {"pair": self._pair})
        except Unusable:
            return

    def source_objects(self) -> int:
        """How many objects the source held at the last success; 0 when that is not known."""
        return self._count.read()

    def remember_source(self, objects: int) -> None:
        """Keep that number."""
        self._count.write(objects)

    def wrong(self) -> frozenset[Row]:
        """The copies that were read and found to differ."""
        return self._wrong.rows()

    def remember_wrong(self, found: Iterable[Row], cleared: Collection[str]) -> None:
        """Add to them; forget the keys that were read and are the same."""
        self._wrong.update(found, cleared)

    def close(self) -> None:
        """Let go of a database of our own."""
        if self._ours:
            self._database.close()

    def _row(self, key: str, source_mark: str, target_mark: str) -> dict[str, str | int]:
        return {"pair": self._pair, "key": key, "source_etag": source_mark, "target_etag": target_mark}
