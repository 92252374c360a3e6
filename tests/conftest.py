"""What tests share: two real servers, fresh buckets on them, the command, and ways to break things."""

import secrets
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mcmirror.store.database import Database
from tests.notify_samples import Nights
from tests.servers import binaries
from tests.servers.certificates import self_signed
from tests.servers.command import Cli, clean_environment
from tests.servers.minio import Minio
from tests.servers.postgres import Postgres
from tests.servers.proxy import Proxy
from tests.servers.s3 import Bucket
from tests.servers.slack import FakeSlack
from tests.servers.versitygw import Versitygw


def pytest_configure() -> None:
    """Whoever starts the tests in the background has Ctrl-C ignored by all that they start."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


REAL = frozenset(
    ("redis", "rabbitmq", "cli", "mc", "source", "target", "gateway", "new_server", "postgres", "machine", "terminal")
)
"""Fixtures that start servers or the installed command."""
REAL_PARAMETERS = frozenset(("postgresql", "mc to MinIO", "mc to versitygw"))
"""Parameters of other fixtures that make them do so."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that ``bin/test fast`` leaves out."""
    for item in items:
        callspec = getattr(item, "callspec", None)
        parameters = {value for value in callspec.params.values() if isinstance(value, str)} if callspec else set()
        if REAL.intersection(getattr(item, "fixturenames", ())) or REAL_PARAMETERS & parameters:
            item.add_marker("real")


@dataclass(frozen=True)
class Side(Bucket):
    """A bucket of a MinIO."""

    server: Minio

    def drop(self) -> None:
        """Remove the bucket with all that is in it."""
        self.server.admin("rb", "--force", f"it/{self.bucket}")


@dataclass(frozen=True)
class Pair:
    """A source and a target, empty at first."""

    source: Side
    target: Side

    @property
    def equal(self) -> bool:
        """Whether both hold the same keys with the same bytes."""
        return self.source.contents() == self.target.contents()


@pytest.fixture(scope="session")
def mc() -> Path:
    """The real mc."""
    return binaries.mc()


@pytest.fixture(scope="session")
def source() -> Iterator[Minio]:
    """The server that ``src/...`` means."""
    with Minio.make("source") as server:
        yield server


@pytest.fixture(scope="session")
def target() -> Iterator[Minio]:
    """The server that ``dst/...`` means."""
    with Minio.make("target") as server:
        yield server


@pytest.fixture(scope="session")
def gateway() -> Iterator[Versitygw]:
    """A server of another make; no alias means it until a test says so."""
    with Versitygw.make("gateway") as server:
        yield server


@pytest.fixture(scope="session")
def source_client(source: Minio) -> Any:
    """boto3 for the source."""
    return source.client()


@pytest.fixture(scope="session")
def target_client(target: Minio) -> Any:
    """boto3 for the target."""
    return target.client()


@pytest.fixture
def bucket_pair(source: Minio, target: Minio, source_client: Any, target_client: Any) -> Pair:
    """Fresh buckets with names of their own on both servers."""
    name = f"t{secrets.token_hex(6)}"
    pair = Pair(
        Side(source, source_client, f"{name}-source", "src"),
        Side(target, target_client, f"{name}-target", "dst"),
    )
    for side in (pair.source, pair.target):
        side.client.create_bucket(Bucket=side.bucket)
    return pair


@pytest.fixture
def new_server() -> Iterator[Callable[..., Minio]]:
    """Make further servers, to be killed, filled or misled: ``new_server(tls=False, small="", environment={})``."""
    with ExitStack() as stack:

        def make(*, tls: bool = False, small: str = "", environment: Mapping[str, str] | None = None) -> Minio:
            server = Minio.make("extra", small=small)
            server.environment = environment or {}
            if tls:
                server.certificates = self_signed(server.folder / "certificates")
            return stack.enter_context(server)

        yield make


@pytest.fixture
def new_side(new_server: Callable[..., Minio]) -> Callable[..., Side]:
    """Make a bucket on a server of its own: ``new_side("dst", tls=False, small="")``."""

    def make(alias: str, *, tls: bool = False, small: str = "") -> Side:
        server = new_server(tls=tls, small=small)
        side = Side(server, server.client(), f"t{secrets.token_hex(6)}", alias)
        side.client.create_bucket(Bucket=side.bucket)
        return side

    return make


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server; ``postgres.url(postgres.database())`` is a state on it."""
    with Postgres.make() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A state of either kind."""
    if request.param == "sqlite":
        state = f"sqlite:///{tmp_path / 'state.db'}"
    else:
        server: Postgres = request.getfixturevalue("postgres")
        state = server.url(server.database())
    database = Database(state)
    yield database
    database.close()


@pytest.fixture
def new_proxy() -> Iterator[Callable[[Minio], Proxy]]:
    """Put a proxy before a server: ``new_proxy(server)``."""
    with ExitStack() as stack:
        yield lambda server: stack.enter_context(Proxy(server.port))


@pytest.fixture
def cli(source: Minio, target: Minio, mc: Path, tmp_path: Path) -> Cli:
    """The command, for which ``src`` and ``dst`` are the two servers."""
    folder = tmp_path / "cli"
    folder.mkdir()
    variables = {"MCMIRROR_MC": str(mc), "MC_HOST_src": source.mc_host(), "MC_HOST_dst": target.mc_host()}
    return Cli(folder, clean_environment(folder / "home", variables))


@pytest.fixture
def fake() -> Iterator[FakeSlack]:
    """Slack, and what takes its incoming webhooks and pings."""
    with FakeSlack() as server:
        yield server


@pytest.fixture
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home for what runs in this process: the state of whoever runs the tests is not theirs."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.fixture
def nights(tmp_path: Path, fake: FakeSlack, own_home: None) -> Callable[[str], Nights]:
    """By the notifier's table: jobs that run a night after the other."""
    del own_home
    return lambda notifier: Nights(tmp_path, fake, notifier)
