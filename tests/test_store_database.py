"""The door to the state's database: what it looks like, how it grows up, what goes wrong and how it comes back."""

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mcmirror.store import database as door
from mcmirror.store import paths
from mcmirror.store.database import Database, Unusable, sql
from mcmirror.store.migrations import STEPS, TYPES, migrate
from mcmirror.store.pair_state import PairState
from mcmirror.store.runs import Runs
from tests.servers.postgres import Postgres
from tests.store_samples import machine, ran

TABLES = {"incomparable", "verdict", "run", "run_fates", "latest", "pause", "mcmirror_schema", "replication_made"}


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is unusable is tried again at once, and what is busy is waited for shortly."""
    monkeypatch.setattr(door, "PAUSES", (0.0,))
    monkeypatch.setattr(door, "PATIENCE", 1)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "state.db"


@pytest.fixture
def database(file: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{file}")
    yield database
    database.close()


def _unusable(database: Database) -> str:
    with pytest.raises(Unusable) as raised, database.begin():
        pass
    assert database.warning == str(raised.value)
    return database.warning


def _usable(database: Database) -> bool:
    with database.begin() as connection:
        connection.execute(sql("INSERT INTO pause (job, since) VALUES ('x', 1) ON CONFLICT (job) DO NOTHING"))
    return not database.warning and database.look("SELECT job FROM pause") == [("x",)]


def _modes(folder: Path) -> dict[str, str]:
    return {path.name: oct(stat.S_IMODE(path.stat().st_mode)) for path in [folder, *folder.iterdir()]}


# How it is made.


def test_nobody_else_can_read_it(database: Database, file: Path) -> None:
    before = os.umask(0)
    try:
        with database.begin() as connection:
            assert [("wal",)] == [tuple(row) for row in connection.execute(sql("PRAGMA journal_mode"))]
    finally:
        os.umask(before)

    assert {"state": "0o700", "state.db": "0o600", "state.db-wal": "0o600", "state.db-shm": "0o600"} == _modes(
        file.parent
    )


def test_a_file_that_others_could_read_is_closed_to_them(database: Database, file: Path) -> None:
    file.parent.mkdir()
    file.touch(mode=0o644)

    assert _usable(database)

    assert 0o600 == stat.S_IMODE(file.stat().st_mode)


def test_nothing_is_loaded_and_nothing_made_before_it_is_used(tmp_path: Path) -> None:
    program = (
        "import sys; from mcmirror.store.runs import Runs; from tests.store_samples import machine\n"
        f"from pathlib import Path; runs, inbox, database = machine(Path({str(tmp_path)!r}) / 'inbox', "
        f"'sqlite:///{tmp_path}/state.db')\n"
        "runs.standings(), runs.going_on(), inbox.live(), list(inbox.pending())\n"
        "print('sqlalchemy' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert "False\n" == said.stdout
    assert [] == list(tmp_path.iterdir())


def test_a_glance_sees_what_was_written(database: Database, file: Path, tmp_path: Path) -> None:
    runs, inbox, first = machine(tmp_path / "inbox", f"sqlite:///{file}")
    done = ran(inbox)
    runs.absorb()
    first.close()
    other = Database(f"sqlite:///{file}")

    assert [(done.id,)] == other.look("SELECT run FROM latest")
    assert [] == other.look("SELECT run FROM latest WHERE job = :job", job="none")
    assert [(done.id,)] == database.look("SELECT run FROM latest")


# How it grows up.


def test_the_state_of_part_one_becomes_that_of_today(database: Database, file: Path) -> None:
    file.parent.mkdir()
    old = sqlite3.connect(file)
    old.execute(
        "CREATE TABLE incomparable (pair TEXT NOT NULL, key TEXT NOT NULL, source_etag TEXT NOT NULL,"
        " target_etag TEXT NOT NULL, PRIMARY KEY (pair, key))"
    )
    old.execute("INSERT INTO incomparable VALUES ('a b', 'key', '1', '2')")
    old.commit()
    old.close()

    memory = PairState(database, "a b")

    assert memory.incomparable("key", "1", "2")
    assert not memory.incomparable("key", "1", "3")
    assert set(TABLES) <= {name for (name,) in database.look("SELECT name FROM sqlite_master")}
    assert [(len(STEPS),)] == database.look("SELECT version FROM mcmirror_schema")


@pytest.mark.parametrize("version", range(len(STEPS) + 1))
def test_every_version_becomes_that_of_today(database: Database, file: Path, version: int) -> None:
    file.parent.mkdir()
    young = sqlite3.connect(file)
    young.execute("CREATE TABLE mcmirror_schema (version INTEGER NOT NULL)")
    young.execute(f"INSERT INTO mcmirror_schema VALUES ({version})")
    for step in STEPS[:version]:
        for statement in step:
            young.execute(statement.format(**TYPES["sqlite"]))
    young.commit()
    young.close()

    assert [] == database.look("SELECT run FROM latest")
    assert _usable(database)
    assert [(len(STEPS),)] == database.look("SELECT version FROM mcmirror_schema")


def test_a_newer_state_is_left_alone(database: Database, file: Path) -> None:
    assert _usable(database)
    with database.begin() as connection:
        connection.execute(sql("UPDATE mcmirror_schema SET version = 99"))
    other = Database(f"sqlite:///{file}")

    assert (
        f"{file}: the state cannot be used: a newer mcmirror has written it (schema 99, this one knows {len(STEPS)})."
        " Update mcmirror here, or name another state: state = ... under [settings]." == _unusable(other)
    )
    assert [(99,)] == database.look("SELECT version FROM mcmirror_schema")


def test_a_step_that_fails_leaves_nothing_behind(database: Database) -> None:
    assert _usable(database)
    broken = [*STEPS, ("CREATE TABLE half (x INTEGER)", "CREATE TABLE half (x INTEGER)")]
    begin: Callable[..., object] = lambda *, write: database.begin() if write else database.read()  # noqa: E731

    with pytest.raises(Unusable):
        migrate(begin, broken)  # type: ignore[arg-type]

    database.close()
    other = Database(database.state)
    assert [(len(STEPS),)] == other.look("SELECT version FROM mcmirror_schema")
    assert [] == other.look("SELECT name FROM sqlite_master WHERE name = 'half'")


@pytest.mark.parametrize("server", ["sqlite", "postgresql"])
def test_many_who_open_a_new_one_at_once(server: str, file: Path, request: pytest.FixtureRequest) -> None:
    state = f"sqlite:///{file}"
    if server == "postgresql":
        postgres = request.getfixturevalue("postgres")
        state = postgres.url(postgres.database())
    databases = [Database(state) for _ in range(8)]

    with ThreadPoolExecutor(8) as pool:
        assert [True] * 8 == list(pool.map(_usable, databases))
    for database in databases:
        database.close()


def test_a_new_one_that_somebody_else_is_making_is_waited_for(database: Database, file: Path) -> None:
    file.parent.mkdir()
    other = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.5, other.execute, ["ROLLBACK"])
    release.start()

    assert _usable(database)

    release.join()
    other.close()


# What goes wrong with a file.


@pytest.mark.usefixtures("soon")
def test_a_corrupt_file_is_said_and_a_new_one_taken(database: Database, file: Path) -> None:
    file.parent.mkdir()
    file.write_bytes(b"no database at all " * 100)

    warning = _unusable(database)

    assert f"{file}: the state cannot be used: file is not a database. Move {file} away" in warning
    assert b"no database" in file.read_bytes()
    file.unlink()
    assert _usable(database)


@pytest.mark.usefixtures("soon")
def test_a_file_that_is_taken_away_is_not_written_to_any_more(database: Database, file: Path) -> None:
    assert _usable(database)
    file.rename(file.with_name("away.db"))

    assert _usable(database)

    assert file.exists()


@pytest.mark.usefixtures("soon")
def test_a_file_that_breaks_while_it_is_open(database: Database, file: Path, tmp_path: Path) -> None:
    runs, inbox, first = machine(tmp_path / "inbox", database.state)
    for number in range(30):
        ran(inbox, ago=100 + number)
    runs.absorb()
    first.close()
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    whole = file.read_bytes()
    file.write_bytes(whole[:100] + b"\xff" * (len(whole) - 100))
    fresh, inbox, broken = machine(tmp_path / "inbox", database.state)
    done = ran(inbox)

    assert (done,) == fresh.runs()  # what is not in the database yet is known all the same
    assert "the state cannot be used" in fresh.warning
    assert () == fresh.take_in()
    broken.close()
    for name in ("state.db", "state.db-wal", "state.db-shm"):
        file.with_name(name).unlink(missing_ok=True)
    assert (done,) == fresh.take_in()
    assert "" == fresh.warning
    broken.close()


@pytest.mark.usefixtures("soon")
def test_whoever_holds_the_file_locked_is_waited_for_and_then_said(database: Database, file: Path) -> None:
    assert _usable(database)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    assert f"{file}: the state cannot be used: database is locked. See which program holds it" in _unusable(database)
    assert [("x",)] == database.look("SELECT job FROM pause")  # who reads is not held up
    with pytest.raises(Unusable), database.begin():
        pass

    other.execute("ROLLBACK")
    other.close()
    assert _usable(database)


@pytest.mark.usefixtures("soon")
def test_a_file_in_place_of_the_folder(database: Database, file: Path) -> None:
    file.parent.write_text("in the way")

    assert "move it away" in _unusable(database)
    file.parent.unlink()
    assert _usable(database)


@pytest.mark.usefixtures("soon")
def test_a_folder_in_place_of_the_file(database: Database, file: Path) -> None:
    file.mkdir(parents=True, mode=0o755)
    before = _modes(file.parent)

    assert f"Is a directory. Name a file, such as sqlite:///{file}/state.db" in _unusable(database)
    assert before == _modes(file.parent), "it may be everybody's: /tmp"
    file.rmdir()
    assert _usable(database)


def test_what_is_unusable_is_not_asked_again_and_again(file: Path) -> None:
    moment = 0.0
    database = Database(f"sqlite:///{file}", clock=lambda: moment)
    file.parent.write_text("in the way")
    warning = _unusable(database)
    file.parent.unlink()

    assert warning == _unusable(database)
    moment += door.PAUSES[0] - 0.1
    assert warning == _unusable(database)
    moment += 0.2
    assert _usable(database)
    database.close()


# What goes wrong with a server.


@pytest.mark.usefixtures("soon")
def test_a_server_that_ends_and_comes_back(tmp_path: Path) -> None:
    with Postgres.make() as server:
        runs, inbox, database = machine(tmp_path / "inbox", server.url(server.database()))
        first = ran(inbox, ago=100)
        assert (first,) == runs.take_in()

        server.stop()
        second = ran(inbox, ago=50)
        assert () == runs.take_in()
        assert "Connection refused" in runs.warning
        assert "Look whether the server at postgresql://127.0.0.1" in runs.warning
        assert (second,) == runs.runs()

        server.start()
        assert (second,) == runs.take_in()
        assert (second, first) == runs.runs()
        assert "" == runs.warning
        # Connections that lie in the pool died with the server; nobody notices.
        server.stop()
        server.start()
        third = ran(inbox, ago=20)
        assert (third,) == runs.take_in()
        database.close()


@pytest.mark.usefixtures("soon")
def test_a_server_that_hangs_holds_nobody_for_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "LIMIT", 1.0)
    with Postgres.make() as server:
        runs, inbox, database = machine(tmp_path / "inbox", server.url(server.database()))
        first = ran(inbox, ago=100)
        assert (first,) == runs.take_in()

        with server.frozen():
            second = ran(inbox, ago=50)
            assert (second,) == runs.runs()
            assert "the state cannot be used" in runs.warning

        # What was under way when it froze may still be there for a moment.
        database.close()
        assert (second,) == runs.take_in()
        database.close()


def test_a_password_is_never_said(tmp_path: Path) -> None:
    for state in (
        "postgresql://me:tops%2Fecret@127.0.0.1:1/db",
        "postgresql+psycopg://127.0.0.1:1/db?user=me&password=tops%2Fecret",
        "postgresql://me:tops%2Fecret@127.0.0.1:port/db",
        "postgresql://me:tops/ecret@127.0.0.1:1/db?connect_timeout=x",
    ):
        warning = _unusable(Database(state))
        assert "cannot be used" in warning
        assert "ops/ecret" not in warning
        assert "ops%2Fecret" not in warning


def test_without_psycopg_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)

    warning = _unusable(Database("postgresql://me@127.0.0.1:1/db"))

    assert (
        "postgresql://127.0.0.1:1/db: the state cannot be used: PostgreSQL needs psycopg, which is not installed."
        f" Run {sys.executable} -m pip install 'psycopg[binary]', or name another state: state = ... under [settings]."
        == warning
    )


def test_a_database_that_is_not_there(postgres: Postgres) -> None:
    warning = _unusable(Database(postgres.url("nosuch")))

    assert 'database "nosuch" does not exist. Create the database, or check the name' in warning


def test_a_user_who_may_not_make_tables(postgres: Postgres) -> None:
    name = postgres.database()
    postgres.execute(f"CREATE ROLE r{name} LOGIN")
    postgres.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC", name)
    state = postgres.url(name).replace("tester@", f"r{name}@")

    assert "permission denied for schema public. Grant the user CREATE and USAGE" in _unusable(Database(state))


# Where it lies.


def test_each_state_has_an_inbox_of_its_own() -> None:
    states = [
        "sqlite:////a/state.db",
        "sqlite:////a/other.db",
        "postgresql://me:one@host/db",
        "postgresql://me@host/other",
    ]

    assert 4 == len({paths.inbox(state) for state in states})
    assert paths.inbox(states[2]) == paths.inbox("postgresql+psycopg://me:another@host/db")
    assert Path("/a/state.db.inbox") == paths.inbox(states[0])


def test_one_memory_serves_many_threads(database: Database) -> None:
    def learn(number: int) -> bool:
        memory = PairState(database, f"pair {number}")
        rows = [(f"key {one}", "a", "b") for one in range(50)]
        memory.remember_incomparable(rows)
        memory.remember_incomparable([("key 7", "a", "c")])
        return memory.incomparable("key 7", "a", "c") and not memory.incomparable("key 7", "a", "b")

    with ThreadPoolExecutor(8) as pool:
        assert [True] * 40 == list(pool.map(learn, range(40)))
    assert [(2000,)] == database.look("SELECT count(*) FROM incomparable")


def test_what_was_handed_out_survives_whoever_closes(database: Database, tmp_path: Path) -> None:
    runs, inbox, mine = machine(tmp_path / "inbox", database.state)
    done = ran(inbox)
    assert (done,) == runs.take_in()
    mine.close()

    assert done == runs.get(done.id) == Runs(database, inbox).get(done.id)
    mine.close()
