"""The metrics of runs that end with their process: a textfile, and a push to a Pushgateway."""

import base64
import json
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

import pytest
from prometheus_client.parser import text_string_to_metric_families

from mcmirror.model.report import RunReport, Status
from mcmirror.notify import http_request as opener_module
from mcmirror.notify import metrics_once
from mcmirror.notify.message import NotTold
from mcmirror.notify.metrics_once import FILE, Promise, job_states, push, write_textfile
from tests.servers.command import Cli
from tests.servers.hook import FakeHook
from tests.servers.server import free_port
from tests.ui_samples import PARTIAL, VERIFIED

ENDED = datetime(2026, 1, 1, 6, tzinfo=UTC)
SUCCEEDED_AT = datetime(2026, 1, 1, 0, 1, 12, 300000, tzinfo=UTC).timestamp()
FAILED = RunReport("photos", "onprem/photos", "aws/photos-dr", Status.FAILED, verified=False,
                   started="2026-01-01T05:00:00+00:00")  # fmt: skip
DOCS = replace(PARTIAL, job="docs/2026 → x")
Samples = dict[tuple[str, str, str], float]


def read(text: str) -> Samples:
    """Value by name, job and what else is told; each only once."""
    found: Samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = dict(sample.labels)
            job = labels.pop("job_name")
            key = sample.name.removeprefix("mcmirror_job_"), job, " ".join(labels.values())
            assert key not in found, key
            found[key] = sample.value
    return found


def written(folder: Path, *reports: RunReport, **ages: float) -> Samples:
    write_textfile(folder, job_states(reports, ENDED, {job: Promise(age) for job, age in ages.items()}))
    return read((folder / FILE).read_text(encoding="utf-8"))


def test_a_run_is_told_whole(tmp_path: Path) -> None:
    told = written(tmp_path, VERIFIED, DOCS, photos=3600.0)
    assert SUCCEEDED_AT == told["last_success_timestamp_seconds", "photos", ""]
    assert SUCCEEDED_AT + 3600 == told["overdue_timestamp_seconds", "photos", ""]
    assert 1204 == told["last_run_objects", "photos", "copied"]
    assert 25 == told["last_run_objects", "docs/2026 → x", "remaining"]
    assert ("last_success_timestamp_seconds", "docs/2026 → x", "") not in told


def test_sums_and_what_only_a_server_knows_are_left_out(tmp_path: Path) -> None:
    """A sum that begins anew with each process would be none."""
    names = {name for name, _, _ in written(tmp_path, VERIFIED)}
    assert not [name for name in names if name.endswith("_total")]
    assert not {"running", "paused", "stale", "next_run_timestamp_seconds"} & names


def test_a_failure_leaves_the_last_success_as_it_was(tmp_path: Path) -> None:
    written(tmp_path, VERIFIED, photos=3600.0)
    told = written(tmp_path, FAILED, photos=3600.0)
    assert SUCCEEDED_AT == told["last_success_timestamp_seconds", "photos", ""]
    assert SUCCEEDED_AT + 3600 == told["overdue_timestamp_seconds", "photos", ""]
    assert (0.0, 1.0) == (
        told["last_run_status", "photos", "succeeded"],
        told["last_run_status", "photos", "failed"],
    )
    assert 0 == told["last_run_objects", "photos", "copied"]


def test_what_is_over_is_forgotten(tmp_path: Path) -> None:
    assert 18 == written(tmp_path, DOCS)["last_run_problems", DOCS.job, "permission"]
    assert ("last_run_problems", DOCS.job, "permission") not in written(tmp_path, replace(VERIFIED, job=DOCS.job))


def test_a_run_of_one_job_leaves_what_is_told_of_others(tmp_path: Path) -> None:
    before = written(tmp_path, DOCS)
    after = written(tmp_path, VERIFIED)
    assert before.items() <= after.items()
    assert {"photos", DOCS.job} == {job for _, job, _ in after}


def test_a_dry_run_tells_nothing(tmp_path: Path) -> None:
    write_textfile(tmp_path, job_states([replace(VERIFIED, dry_run=True)], ENDED))
    assert [] == list(tmp_path.iterdir())


def test_jobs_that_end_together_lose_nothing_of_each_other(tmp_path: Path) -> None:
    def one(number: int) -> None:
        write_textfile(tmp_path, job_states([replace(VERIFIED, job=f"job-{number}")], ENDED))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(24)))
    told = read((tmp_path / FILE).read_text(encoding="utf-8"))
    assert {f"job-{number}" for number in range(24)} == {job for _, job, _ in told}


@pytest.mark.parametrize(
    "broken", [b"\xff\xfe", b"mcmirror_job_info{", b"what is this\n", b"\0" * 100, b'a{b="c"} x\n']
)
def test_a_file_that_is_broken_is_written_anew(tmp_path: Path, broken: bytes) -> None:
    (tmp_path / FILE).write_bytes(broken)
    assert 1204 == written(tmp_path, VERIFIED)["last_run_objects", "photos", "copied"]


def test_a_reader_of_another_user_may_read_it_and_sees_it_whole(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        written(tmp_path, VERIFIED)
    finally:
        os.umask(before)
    assert 0o644 == (tmp_path / FILE).stat().st_mode & 0o777
    assert [FILE] == [path.name for path in tmp_path.iterdir() if path.suffix == ".prom"]


@dataclass
class FakeGateway:
    """A Pushgateway; answers with ``status`` after ``hang``."""

    status: int = 200
    location: str = ""
    hang: threading.Event | None = None
    pushes: list[tuple[str, str, str, str]] = field(default_factory=list)
    """Method, path, Authorization, body."""

    def __enter__(self) -> Self:
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                gateway.pushes.append((self.command, self.path, self.headers.get("Authorization", ""), body))
                if gateway.hang:
                    gateway.hang.wait(60)
                self.send_response(gateway.status)
                if gateway.location:
                    self.send_header("Location", gateway.location)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.hang:
            self.hang.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}"


@pytest.fixture
def gateway() -> Iterator[FakeGateway]:
    with FakeGateway() as fake:
        yield fake


def group(job: str) -> str:
    return f"/metrics/job/mcmirror/job_name@base64/{base64.urlsafe_b64encode(job.encode()).decode()}"


def test_each_job_is_pushed_into_a_group_of_its_own(gateway: FakeGateway) -> None:
    push(gateway.url, job_states([VERIFIED, DOCS], ENDED))
    # POST: a PUT would make the gateway forget the last success of a run that fails.
    assert [("POST", group("photos"), ""), ("POST", group(DOCS.job), "")] == [one[:3] for one in gateway.pushes]
    for (_, _, _, body), job in zip(gateway.pushes, ("photos", DOCS.job), strict=True):
        assert {job} == {name for _, name, _ in read(body)}


def test_a_failure_pushes_no_last_success_so_that_the_gateway_keeps_it(gateway: FakeGateway) -> None:
    push(gateway.url, job_states([FAILED], ENDED))
    assert "mcmirror_job_last_success_timestamp_seconds{" not in gateway.pushes[0][3]


def test_credentials_are_sent_as_such_and_the_path_is_kept(gateway: FakeGateway) -> None:
    push(f"http://user:p%40ss%3A@{gateway.host}/prefix/", job_states([VERIFIED], ENDED))
    _, path, authorization, _ = gateway.pushes[0]
    assert f"/prefix{group('photos')}" == path
    assert b"user:p@ss:" == base64.b64decode(authorization.removeprefix("Basic "))


def refusal(url: str) -> str:
    with pytest.raises(NotTold) as caught:
        push(url, job_states([VERIFIED, DOCS], ENDED))
    text = f"{caught.value.what} {caught.value.why} {caught.value.remedy} {caught.value!r}"
    assert "hunter22" not in text
    assert caught.value.__cause__ is None
    return caught.value.why


def test_a_gateway_that_is_down_or_wrong_is_named_without_its_password(
    gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opener_module, "STEP", 0.5)
    url = f"http://user:hunter22@{gateway.host}"
    gateway.status = 400
    assert "127.0.0.1: it answered HTTP 400" == refusal(url)
    assert 1 == len(gateway.pushes), "where one push fails the next would too"
    gateway.status = 500
    assert "127.0.0.1: it answered HTTP 500" == refusal(url)
    gateway.hang = threading.Event()
    assert "no answer within" in refusal(url)
    gateway.hang.set()
    with FakeHook() as dripping:
        monkeypatch.setattr(metrics_once, "PATIENCE", 1.0)
        dripping.always = "drip"
        assert "127.0.0.1: no whole answer within 1 s" == refusal(dripping.root)
        dripping.always = "drip:400"
        assert refusal(dripping.root).startswith("127.0.0.1: it answered HTTP 400")
    assert "127.0.0.1: Connection refused" == refusal(f"http://user:hunter22@127.0.0.1:{free_port()}")
    assert "this is no http or https address" in refusal("ftp://user:hunter22@host")
    for wrong in ("http://user:hunter22@[", "http://user:hunter22@host:port", "http://user:hunter22@ho st"):
        assert refusal(wrong)


def test_what_is_pushed_does_not_follow_a_gateway_elsewhere(gateway: FakeGateway) -> None:
    with FakeGateway() as other:
        gateway.status, gateway.location = 302, f"{other.url}/elsewhere"
        assert "it answered HTTP 302" in refusal(f"http://user:hunter22@{gateway.host}")
        assert [] == other.pushes


@pytest.fixture
def pair(cli: Cli) -> Cli:
    (cli.folder / "a").mkdir()
    (cli.folder / "a" / "x").write_text("x")
    (cli.folder / "metrics").mkdir()
    return cli


def test_one_run_writes_and_pushes(pair: Cli, gateway: FakeGateway) -> None:
    url = f"http://user:hunter22@{gateway.host}"
    done = pair("mirror", "./a", "./b", "--textfile-dir", "metrics", MCMIRROR_PUSHGATEWAY=url)
    assert 0 == done.code, done.stderr
    told = read((pair.folder / "metrics" / FILE).read_text(encoding="utf-8"))
    ((name, objects),) = (
        (key[1], number) for key, number in told.items() if key[0::2] == ("last_run_objects", "copied")
    )
    assert (f"{pair.folder / 'a'} → {pair.folder / 'b'}", 1) == (name, objects)
    assert group(name) == gateway.pushes[0][1]


def test_the_configuration_says_where_metrics_go(pair: Cli, gateway: FakeGateway) -> None:
    pair.write(f"""
[settings]
textfile_dir = "metrics"
pushgateway = "{gateway.url}"
[job.one]
source = "./a"
target = "./b"
max_age = "1h"
""")
    done = pair("run")
    assert 0 == done.code, done.stderr
    told = read((pair.folder / "metrics" / FILE).read_text(encoding="utf-8"))
    assert 3600 == told["max_age_seconds", "one", ""]
    assert [group("one")] == [path for _, path, _, _ in gateway.pushes]
    assert 0 == pair("run", "--dry-run").code
    assert 1 == len(gateway.pushes)
    for command in ("plan", "verify"):
        pair(command)
    assert 1 == len(gateway.pushes)


def test_a_job_that_never_succeeded_becomes_overdue_once_and_stays_so(pair: Cli, gateway: FakeGateway) -> None:
    """Its age counts from its first run, wherever the metrics go: no failure moves that, and a success does."""
    pair.write(f"""
[settings]
textfile_dir = "metrics"
pushgateway = "{gateway.url}"
[job.one]
source = "./gone"
target = "./b"
max_age = "1h"
""")
    assert [1, 1] == [pair("run").code, pair("run").code]

    path = pair.folder / "metrics" / FILE
    told = read(path.read_text(encoding="utf-8"))
    pushed = [read(body)["overdue_timestamp_seconds", "one", ""] for _, _, _, body in gateway.pushes]
    assert ("last_success_timestamp_seconds", "one", "") not in told
    first = datetime.fromisoformat(json.loads(pair("history", "--json").stdout)[-1]["started"]).timestamp()
    assert [first + 3600] * 2 == pushed
    assert first + 3600 == told["overdue_timestamp_seconds", "one", ""]


def test_the_last_success_is_known_where_nothing_was_written_before(pair: Cli) -> None:
    """A gateway that was restarted, or a file that was deleted, does not make an old copy a new one."""
    pair.write('[settings]\ntextfile_dir = "metrics"\n[job.one]\nsource = "./a"\ntarget = "./b"\nmax_age = "1h"\n')
    assert 0 == pair("run").code
    path = pair.folder / "metrics" / FILE
    before = read(path.read_text(encoding="utf-8"))
    path.unlink()
    (pair.folder / "a").rename(pair.folder / "gone")
    assert 1 == pair("run").code

    after = read(path.read_text(encoding="utf-8"))

    assert 1 == after["last_run_status", "one", "failed"]
    for name in ("last_success_timestamp_seconds", "overdue_timestamp_seconds"):
        assert before[name, "one", ""] == pytest.approx(after[name, "one", ""], abs=1)


def test_metrics_that_cannot_be_handed_over_are_a_note_and_change_no_verdict(pair: Cli) -> None:
    pair.write('[settings]\ntextfile_dir = "gone"\n[job.one]\nsource = "./a"\ntarget = "./b"\n')
    done = pair("run", "--pushgateway", f"http://user:hunter22@127.0.0.1:{free_port()}")
    assert 0 == done.code
    assert "note: the metrics were not pushed\n  why: 127.0.0.1: Connection refused\n" in done.stderr
    assert "note: the metrics were not written\n" in done.stderr
    assert "gone" in done.stderr
    assert "hunter22" not in done.stderr + done.stdout


@pytest.mark.parametrize(
    ("option", "given", "words"),
    [
        ("--textfile-dir", "nowhere", "the folder nowhere does not exist"),
        ("--pushgateway", "user:hunter22@host:9091", "Write http://HOST:9091."),
        ("--pushgateway", "http://user:hunter22@[", "Write http://HOST:9091."),
    ],
)
def test_a_place_that_cannot_be_meant_is_a_usage_error_before_anything_runs(
    pair: Cli, option: str, given: str, words: str
) -> None:
    done = pair("mirror", "./a", "./b", option, given)
    assert 2 == done.code
    assert words in done.stderr
    assert "hunter22" not in done.stderr
    assert not (pair.folder / "b").exists()
