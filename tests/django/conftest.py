"""A site on either kind of database."""

from pathlib import Path

import pytest

from tests.conftest import Pair
from tests.django.site import Site
from tests.servers.postgres import Postgres  # noqa: TC001  # a fixture


def _made(site: Site) -> Site:
    done = site.manage("migrate", "--verbosity", "0")
    assert 0 == done.code, done.stderr
    return site


@pytest.fixture
def site(tmp_path: Path, bucket_pair: Pair, mc: Path) -> Site:
    """On SQLite, with the state in another file."""
    return _made(
        Site.make(tmp_path, bucket_pair, f"sqlite://{tmp_path}/app.db", f"sqlite:///{tmp_path}/mirror/state.db", mc)
    )


@pytest.fixture(params=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest, tmp_path: Path, bucket_pair: Pair, mc: Path) -> Site:
    """On SQLite, or on PostgreSQL with the state in the same database."""
    if request.param == "sqlite":
        return request.getfixturevalue("site")  # type: ignore[no-any-return]
    server: Postgres = request.getfixturevalue("postgres")
    url = server.url(server.database())
    return _made(Site.make(tmp_path, bucket_pair, url, url, mc))
