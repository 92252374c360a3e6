"""What ``replicate apply`` made is remembered by each database, and a state that cannot be used changes nothing."""

from pathlib import Path

import pytest

from mcmirror.model.problem import Trouble
from mcmirror.model.replication_steps import Action, Made
from mcmirror.store.database import Database
from mcmirror.store.replication_ledger import ReplicationLedger
from tests.replicated import Link
from tests.servers.command import Cli
from tests.servers.minio import Minio

BUCKET = Made(Action.CREATE_BUCKET, "src/b", "http://one")
RULE = Made(Action.ADD_RULE, "src/b", "http://one", "mcmirror-link")
ELSEWHERE = Made(Action.ADD_RULE, "src/b", "http://other", "mcmirror-link")


def test_what_was_made_is_remembered_once_and_in_order(database: Database) -> None:
    ledger = ReplicationLedger(database)
    assert () == ledger.made("link")
    for made in (BUCKET, RULE, BUCKET, ELSEWHERE):
        ledger.add("link", made)
    ledger.add("other", RULE)
    assert (BUCKET, RULE, ELSEWHERE) == ledger.made("link")
    ledger.drop("link", RULE)
    ledger.drop("link", RULE)
    assert (BUCKET, ELSEWHERE) == ReplicationLedger(database).made("link")
    assert (RULE,) == ledger.made("other")


def test_a_state_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "state.db").mkdir()
    database = Database(f"sqlite:///{tmp_path}/state.db")
    for change in (ReplicationLedger(database).add, ReplicationLedger(database).drop):
        with pytest.raises(Trouble) as error:
            change("link", BUCKET)
        assert "what was made on servers" in error.value.problem.message
    database.close()


def test_and_nothing_is_changed_then(cli: Cli, source: Minio, target: Minio) -> None:
    link = Link(cli, source, target)
    link.write('[settings]\nstate = "postgresql+psycopg://nobody@127.0.0.1:1/none"')
    for verb in ("plan", "apply", "remove"):
        done = link(verb)
        assert 1 == done.code
        assert "the state, which remembers what was made on servers, cannot be used" in done.stderr
    looked = link("status")
    assert (3, "") == (looked.code, looked.stderr)
    assert [False, False] == [link.exists(server) for server in (source, target)]
