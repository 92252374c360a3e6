"""A state of either kind."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mcmirror.store.database import Database
from tests.servers.postgres import Postgres  # noqa: TC001  # a fixture


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "sqlite":
        state = f"sqlite:///{tmp_path / 'state.db'}"
    else:
        server: Postgres = request.getfixturevalue("postgres")
        state = server.url(server.database())
    database = Database(state)
    yield database
    database.close()
