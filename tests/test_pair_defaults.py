"""A pair on the command line obeys [defaults] of the file that was found; what is given replaces them."""

from pathlib import Path
from typing import Any

import pytest

from mcmirror.config import load
from mcmirror.model.job import Assurance, MaxDelete
from mcmirror.model.lock import Lock
from mcmirror.service import Service
from tests.conftest import Pair
from tests.servers.command import Cli

DEFAULTS = """
[defaults]
overwrite = true
remove = true
max_delete = "0%"
exclude = ["*.tmp"]
newer_than = "7d"
retries = 7
retry_delay = "3s"
stall_timeout = "9m"
workers = 5
limit_upload = "10MiB"
strict = true
create_target = true
skip_errors = false
prefix = "today"
timezone = "Europe/Berlin"
lock = "wait"
lock_timeout = "2m"
"""


@pytest.fixture
def service(tmp_path: Path) -> Service:
    (tmp_path / "mcmirror.toml").write_text(DEFAULTS)
    environ = {"HOME": str(tmp_path)}
    return Service(load(None, environ, tmp_path), environ)


def test_every_default_holds_for_a_pair(service: Service) -> None:
    job = service.pair("a/src", "b/dst")
    assert ("a/src → b/dst", "a/src", "b/dst") == (job.name, str(job.source), str(job.target))
    options = job.options
    assert (True, True, False, ("*.tmp",), "7d", 5) == (
        options.overwrite,
        options.remove,
        options.skip_errors,
        options.exclude,
        options.newer_than,
        options.workers,
    )
    assert (MaxDelete(0.0), 7, 3.0, 540.0) == (job.max_delete, job.retries, job.retry_delay, job.stall_timeout)
    assert (True, True, "today", "Europe/Berlin") == (job.strict, job.create_target, job.prefix, job.timezone)
    assert (Lock.WAIT, 120.0) == (service.manners(job).lock, service.manners(job).patience)


def test_what_is_given_replaces_a_default_also_by_nothing(service: Service) -> None:
    given: dict[str, Any] = {"remove": False, "retries": 0, "exclude": ("x",), "max_delete": MaxDelete.parse("5")}
    job = service.pair("a/src", "b/dst", **given, assurance=Assurance.FULL, newer_than=None)
    assert (False, 0, ("x",), MaxDelete(None, 5)) == (
        job.options.remove,
        job.retries,
        job.options.exclude,
        job.max_delete,
    )
    assert (True, "7d") == (job.options.overwrite, job.options.newer_than)
    assert Lock.FAIL is service.manners(job, Lock.FAIL).lock


def test_without_a_file_a_pair_has_the_models_defaults(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path)}
    job = Service(load(None, environ, tmp_path), environ).pair("a/src", "b/dst")
    assert (False, MaxDelete()) == (job.options.remove, job.max_delete)


def test_the_guard_of_the_file_stops_a_pair(cli: Cli, bucket_pair: Pair) -> None:
    bucket_pair.source.put({"k": b"x"})
    bucket_pair.target.put({"k": b"x", "z": b"z"})
    config = cli.write("[defaults]\nmax_delete = 0\nremove = true\n")
    places = (bucket_pair.source.location, bucket_pair.target.location)

    refused = cli("mirror", *places, "--config", str(config), "--json")
    planned = cli("plan", *places, "--config", str(config), "--json")
    kept = cli("mirror", *places, "--config", str(config), "--no-remove", "--json")
    done = cli("mirror", *places, "--config", str(config), "--max-delete", "1", "--json")

    assert (4, "too-many-deletes") == (refused.code, refused.report["problems"][0]["category"])
    assert 4 == planned.code
    assert (0, 1) == (kept.code, kept.report["extraneous"]["objects"])
    assert (0, ["z"]) == (done.code, done.report["removed_keys"])
    assert {"k"} == bucket_pair.target.sizes().keys()
