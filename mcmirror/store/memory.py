"""Which ETags of a pair are known not to be comparable; SQLAlchemy is loaded when the first one turns up."""

from collections.abc import Collection, Iterable
from typing import Any

from mcmirror.store.place import folder, private, private_file, url
from mcmirror.store.wrong import Row, WrongCopies

BATCH = 1000


class PairMemory:
    """The memory of one pair of places (engine's ``Memory``). A state that fails is a warning and an empty memory."""

    def __init__(self, state: str, pair: str) -> None:
        """``pair`` names source and target by their addresses."""
        self._wrong = WrongCopies(folder(state), pair)
        self._state = state
        self._pair = pair
        self._engine: Any = None
        self._table: Any = None
        self.warning = ""
        """Why nothing can be remembered, once that is known."""

    def incomparable(self, key: str, source_etag: str, target_etag: str) -> bool:
        """Whether these two ETags were seen to stand for the same content."""
        if not self._open():
            return False
        from sqlalchemy import select
        from sqlalchemy.exc import SQLAlchemyError

        table = self._table
        query = select(table.c.key).where(
            table.c.pair == self._pair,
            table.c.key == key,
            table.c.source_etag == source_etag,
            table.c.target_etag == target_etag,
        )
        try:
            with self._engine.connect() as connection:
                return connection.execute(query).first() is not None
        except SQLAlchemyError as error:
            self._give_up(error)
            return False

    def remember_incomparable(self, rows: Iterable[tuple[str, str, str]]) -> None:
        """Keep (key, source ETag, target ETag); a key's older row is replaced."""
        if not self._open():
            return
        from sqlalchemy import delete, insert
        from sqlalchemy.exc import SQLAlchemyError

        table, waiting = self._table, list(rows)
        try:
            for start in range(0, len(waiting), BATCH):
                batch = waiting[start : start + BATCH]
                with self._engine.begin() as connection:
                    keys = [key for key, _, _ in batch]
                    connection.execute(delete(table).where(table.c.pair == self._pair, table.c.key.in_(keys)))
                    connection.execute(
                        insert(table),
                        [
                            {"pair": self._pair, "key": key, "source_etag": source, "target_etag": target}
                            for key, source, target in batch
                        ],
                    )
        except SQLAlchemyError as error:
            self._give_up(error)

    def wrong(self) -> frozenset[Row]:
        """The copies that were read and found to differ."""
        return self._wrong.rows()

    def remember_wrong(self, found: Iterable[Row], cleared: Collection[str]) -> None:
        """Add to them; forget the keys that were read and are the same."""
        self._wrong.update(found, cleared)
        self.warning = self.warning or self._wrong.warning

    def close(self) -> None:
        """Let go of the database."""
        if self._engine is not None:
            self._engine.dispose()

    def _open(self) -> bool:
        if self._engine is not None:
            return True
        if self.warning:
            return False
        from sqlalchemy import Column, MetaData, Table, Text, create_engine
        from sqlalchemy.exc import SQLAlchemyError

        tables = MetaData()
        self._table = Table(
            "incomparable",
            tables,
            Column("pair", Text, primary_key=True),
            Column("key", Text, primary_key=True),
            Column("source_etag", Text, nullable=False),
            Column("target_etag", Text, nullable=False),
        )
        try:
            private(folder(self._state))
            private_file(self._state)
            engine = create_engine(url(self._state))
            tables.create_all(engine)
        except (OSError, SQLAlchemyError, ImportError) as error:
            self._give_up(error)
            return False
        self._engine = engine
        return True

    def _give_up(self, error: Exception) -> None:
        self._engine = None
        self.warning = f"the state cannot be used: {error}"
