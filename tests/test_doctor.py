"""The doctor before real servers, healthy and ill in every way that it is to find."""

import http.server
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from email.utils import formatdate
from pathlib import Path
from time import time
from typing import Any

import pytest

from mcmirror.engine.doctor import Finding, Grade, check_alias, check_job, check_mc
from mcmirror.model.job import Job, MirrorOptions
from mcmirror.model.location import Alias, Location, Secret
from mcmirror.model.problem import Category
from mcmirror.movers.mc.find import examine, find
from mcmirror.movers.mc.probe import McProbe, probing
from mcmirror.movers.mc.session import Session
from tests.conftest import Pair
from tests.servers.command import Cli
from tests.servers.minio import Credentials, Minio, deny
from tests.servers.proxy import Proxy, Reset, silent
from tests.servers.server import free_port

Open = Callable[[Sequence[Alias]], AbstractContextManager[McProbe]]


@pytest.fixture
def open_probe(mc: Path) -> Open:
    return lambda aliases: probing(Session(str(mc), aliases))


def alias_of(server: Minio, name: str, keys: Credentials | None = None, url: str = "", **more: Any) -> Alias:
    keys = keys or server.root
    return Alias(name, url or server.url, Secret(keys.access_key), Secret(keys.secret_key), **more)


def failures(findings: Iterator[Finding]) -> list[tuple[str, Category]]:
    return [(one.check, one.problem.category) for one in findings if one.grade is Grade.FAILED and one.problem]


def job_of(pair: Pair, **options: Any) -> Job:
    return Job(
        "job", Location.parse(pair.source.location), Location.parse(pair.target.location), MirrorOptions(**options)
    )


def aliases_of(pair: Pair, source: Credentials | None = None, target: Credentials | None = None) -> dict[str, Alias]:
    return {
        "src": alias_of(pair.source.server, "src", source),
        "dst": alias_of(pair.target.server, "dst", target),
    }


def test_mc_is_named_or_what_to_do_is_said(mc: Path, tmp_path: Path) -> None:
    found = examine(mc)
    assert f"{mc}, {found.version}" == check_mc(lambda: str(examine(mc))).said
    missing = check_mc(lambda: str(find("", {"HOME": str(tmp_path), "PATH": str(tmp_path)})))
    assert missing.problem
    assert (Grade.FAILED, Category.MC_MISSING) == (missing.grade, missing.problem.category)


def test_a_healthy_alias_passes_every_check(source: Minio, open_probe: Open) -> None:
    findings = list(check_alias(alias_of(source, "src"), open_probe))
    assert ["address", "port", "clock", "keys"] == [one.check for one in findings]
    assert {Grade.OK} == {one.grade for one in findings}


def test_keys_that_may_list_no_buckets_are_good_keys(source: Minio, open_probe: Open) -> None:
    keys = source.user(deny(["ListAllMyBuckets", "ListBucket"]))
    assert [] == failures(check_alias(alias_of(source, "src", keys), open_probe))


@pytest.mark.parametrize(
    "keys", [Credentials("nobody-at-all", "wrong-secret-key"), Credentials("minioroot", "wrong-secret-key")]
)
def test_wrong_keys(source: Minio, open_probe: Open, keys: Credentials) -> None:
    assert [("keys", Category.CREDENTIALS)] == failures(check_alias(alias_of(source, "src", keys), open_probe))


def test_nobody_there(open_probe: Open) -> None:
    refused = Alias("x", f"http://127.0.0.1:{free_port()}", Secret("a"), Secret("b"))
    assert [("port", Category.CONNECTION_REFUSED)] == failures(check_alias(refused, open_probe))
    nowhere = Alias("x", "http://no-such-host.invalid:9000", Secret("a"), Secret("b"))
    assert [("address", Category.ADDRESS_NOT_RESOLVED)] == failures(check_alias(nowhere, open_probe))


def test_one_that_never_answers(open_probe: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mcmirror.engine.reachability.PATIENCE", 0.5)
    with silent() as port:
        alias = Alias("x", f"http://127.0.0.1:{port}", Secret("a"), Secret("b"))
        assert [("answer", Category.STALLED)] == failures(check_alias(alias, open_probe))


def test_one_that_breaks_the_connection(source: Minio, new_proxy: Callable[[Minio], Proxy], open_probe: Open) -> None:
    proxy = new_proxy(source)
    proxy.on("", Reset())
    alias = alias_of(source, "src", url=proxy.url)
    assert [("answer", Category.CONNECTION_LOST)] == failures(check_alias(alias, open_probe))


def test_tls(source: Minio, new_server: Callable[..., Minio], open_probe: Open) -> None:
    server = new_server(tls=True)
    assert server.certificates
    authority = str(server.certificates / "public.crt")
    assert [("tls", Category.TLS_NOT_TRUSTED)] == failures(check_alias(alias_of(server, "x"), open_probe))
    assert [] == failures(check_alias(alias_of(server, "x", ca_file=authority), open_probe))
    assert [] == failures(check_alias(alias_of(server, "x", insecure=True), open_probe))
    plain = alias_of(server, "x", url=server.url.replace("https", "http"))
    assert [("tls", Category.TLS_MISMATCH)] == failures(check_alias(plain, open_probe))
    tls = alias_of(source, "x", url=source.url.replace("http", "https"))
    assert [("tls", Category.TLS_MISMATCH)] == failures(check_alias(tls, open_probe))


@pytest.fixture
def answering() -> Iterator[Callable[..., Alias]]:
    """Make a server that answers everything with this date and body."""
    servers: list[http.server.HTTPServer] = []

    def make(date: str, kind: str, body: bytes) -> Alias:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response_only(200)
                self.send_header("Date", date)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}).start()
        servers.append(server)
        return Alias("x", f"http://127.0.0.1:{server.server_address[1]}")

    yield make
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("ahead", "grade"),
    [(0, Grade.OK), (120, Grade.WARNING), (-120, Grade.WARNING), (1000, Grade.FAILED), (-1000, Grade.FAILED)],
)
def test_the_clock(answering: Callable[..., Alias], open_probe: Open, ahead: float, grade: Grade) -> None:
    alias = answering(formatdate(time() + ahead, usegmt=True), "application/xml", b"<Error/>")
    (clock,) = [one for one in check_alias(alias, open_probe) if one.check == "clock"]
    assert grade == clock.grade
    if ahead:
        assert clock.problem
        assert Category.CLOCK_SKEW == clock.problem.category
        assert ("ahead of" if ahead > 0 else "behind") in clock.said


def test_a_web_page_is_no_s3_server(answering: Callable[..., Alias], open_probe: Open) -> None:
    alias = answering(formatdate(usegmt=True), "text/html; charset=utf-8", b"<html><h1>MinIO Console</h1></html>")
    assert [("answer", Category.CONFIGURATION)] == failures(check_alias(alias, open_probe))


def test_a_job_with_every_right(bucket_pair: Pair, open_probe: Open) -> None:
    bucket_pair.source.put({"folder/a": b"1"})
    findings = list(check_job(job_of(bucket_pair), aliases_of(bucket_pair), open_probe))
    assert ["list source", "read source", "list target", "write target", "delete target"] == [
        one.check for one in findings
    ]
    assert {Grade.OK} == {one.grade for one in findings}
    assert {} == bucket_pair.target.contents()


def test_read_only_writes_nothing(bucket_pair: Pair, new_proxy: Callable[[Minio], Proxy], open_probe: Open) -> None:
    proxy = new_proxy(bucket_pair.target.server)
    aliases = {**aliases_of(bucket_pair), "dst": alias_of(bucket_pair.target.server, "dst", url=proxy.url)}
    checks = [one.check for one in check_job(job_of(bucket_pair), aliases, open_probe, write=False)]
    assert ["list source", "read source", "list target"] == checks
    assert 0 == proxy.counts["put"] + proxy.counts["delete"]


@pytest.mark.parametrize(
    ("action", "side", "check", "category"),
    [
        ("ListBucket", "source", "list source", Category.PERMISSION),
        ("GetObject", "source", "read source", Category.PERMISSION),
        ("ListBucket", "target", "list target", Category.PERMISSION),
        ("PutObject", "target", "write target", Category.PERMISSION),
        ("DeleteObject", "target", "delete target", Category.PERMISSION),
    ],
)
def test_a_right_that_is_missing(  # noqa: PLR0917
    bucket_pair: Pair, open_probe: Open, action: str, side: str, check: str, category: Category
) -> None:
    bucket_pair.source.put({"a": b"1"})
    keys = getattr(bucket_pair, side).server.user(deny([action]))
    findings = check_job(job_of(bucket_pair, remove=True), aliases_of(bucket_pair, **{side: keys}), open_probe)
    assert [(check, category)] == failures(findings)


def test_who_never_deletes_need_not_be_allowed_to(bucket_pair: Pair, open_probe: Open) -> None:
    keys = bucket_pair.target.server.user(deny(["DeleteObject"]))
    findings = list(check_job(job_of(bucket_pair), aliases_of(bucket_pair, target=keys), open_probe))
    assert ("delete target", Grade.WARNING) == (findings[-1].check, findings[-1].grade)
    assert "left behind" in findings[-1].said


def test_buckets_that_are_missing(bucket_pair: Pair, open_probe: Open) -> None:
    job = Job("job", Location("src", "no-such-bucket"), Location("dst", "no-such-bucket"))
    assert [("list source", Category.BUCKET_NOT_FOUND), ("list target", Category.BUCKET_NOT_FOUND)] == failures(
        check_job(job, aliases_of(bucket_pair), open_probe)
    )
    created = Job(
        "job", Location("src", bucket_pair.source.bucket), Location("dst", "no-such-bucket"), create_target=True
    )
    assert [] == failures(check_job(created, aliases_of(bucket_pair), open_probe))


def test_folders(tmp_path: Path, open_probe: Open) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "file").write_text("1")
    job = Job("job", Location("", str(tmp_path / "source")), Location("", str(tmp_path / "new" / "target")))
    findings = list(check_job(job, {}, open_probe))
    assert ["list source", "read source", "write target"] == [one.check for one in findings]
    assert {Grade.OK} == {one.grade for one in findings}
    wrong = Job("job", Location("", str(tmp_path / "none")), Location("", str(tmp_path / "source" / "file")))
    assert [("list source", Category.SOURCE_NOT_FOUND), ("write target", Category.PERMISSION)] == failures(
        check_job(wrong, {}, open_probe)
    )


def test_the_command_says_that_all_is_well(cli: Cli, bucket_pair: Pair) -> None:
    bucket_pair.source.put({"a": b"1"})
    cli.write(f'[job.photos]\nsource = "{bucket_pair.source.location}"\ntarget = "{bucket_pair.target.location}"\n')
    done = cli("doctor")
    assert 0 == done.code
    heads = [line for line in done.stdout.splitlines() if not line.startswith(" ")]
    assert ["configuration", "mc", "alias src", "alias dst", "job photos"] == heads[:-1]
    assert heads[-1].startswith("✓ all is well: ")
    for part in ("✓ program", "✓ keys: accepted", "✓ write target"):
        assert f"  {part}" in done.stdout
    assert "why:" not in done.stdout


def test_the_command_says_what_to_do(cli: Cli, bucket_pair: Pair, target: Minio) -> None:
    cli.write(
        f'[alias.lost]\nurl = "http://127.0.0.1:{free_port()}"\naccess_key = "{{env:NO_SUCH_VARIABLE}}"\n'
        f'[job.photos]\nsource = "{bucket_pair.source.location}"\ntarget = "{bucket_pair.target.location}"\n'
        f'[job.lost]\nsource = "{bucket_pair.source.location}"\ntarget = "lost/bucket"\n'
    )
    wrong = f"http://minioroot:not-the-secret@{target.address}"
    done = cli("doctor", MC_HOST_dst=wrong)
    assert 1 == done.code
    assert "not-the-secret" not in done.stdout + done.stderr
    for part in (
        "alias dst\n",
        "  ✗ keys: dst rejected the secret key\n",
        "      why: ",
        "      do:  ",
        "NO_SUCH_VARIABLE",
        "job photos\n  ! rights: not tried: see alias dst",
        "\n✗ 2 failed, 2 warnings, ",
    ):
        assert part in done.stdout
    told = json.loads(cli("doctor", "photos", "--json", MC_HOST_dst=wrong).stdout)
    assert False is told["healthy"]
    failed = [one for one in told["findings"] if one["grade"] == "failed"]
    assert ["credentials"] == [one["problem"]["category"] for one in failed]


def test_a_configuration_that_cannot_be_read_is_a_finding(cli: Cli) -> None:
    cli.write('[job.photos]\nsource = "src/a"\ntargt = "dst/b"\n')
    done = cli("doctor")
    assert 1 == done.code
    assert "targt" in done.stdout
    assert "✗ mistake: job.photos.target is missing\n" in done.stdout
    assert "mc\n  ✓ program" in done.stdout


def test_without_mc_the_servers_are_still_looked_at(cli: Cli, tmp_path: Path) -> None:
    done = cli("doctor", MCMIRROR_MC=str(tmp_path / "none"))
    assert 1 == done.code
    assert "does not exist" in done.stdout
    assert "alias src\n  ✓ address" in done.stdout


def test_alias_test_asks_the_same_questions(cli: Cli, target: Minio) -> None:
    assert 0 == cli("alias", "test", "dst").code
    wrong = cli("alias", "test", "dst", MC_HOST_dst=f"http://minioroot:not-the-secret@{target.address}")
    assert 1 == wrong.code
    assert "secret key" in wrong.stderr
    assert "not-the-secret" not in wrong.stderr


def test_explain_and_mc_on_the_command_line(cli: Cli, mc: Path) -> None:
    assert f"{mc}\n" == cli("mc", "path").stdout
    assert f"{examine(mc).version}\n" == cli("mc", "version").stdout
    assert cli("explain", "Unable", "to", "stat", "source").stdout.startswith("source-not-found\n")
    assert "quota" == json.loads(cli("explain", "quota", "--json").stdout)["category"]
    assert len(Category) == len(json.loads(cli("explain", "--json").stdout))
    assert cli("explain", "--markdown").stdout.startswith("| what you see |")
    unknown = cli("explain", "xyzzy")
    assert (1, "") == (unknown.code, unknown.stdout)
    failed = cli("mc", "install", "--url", f"http://127.0.0.1:{free_port()}")
    assert 1 == failed.code
    assert "--from-go" in failed.stderr


def test_what_is_wrong_with_an_alias_is_said_in_sentences(cli: Cli) -> None:
    cli.write(
        '[alias.lost]\nurl = "http://127.0.0.1:1"\naccess_key = "{env:NO_A}"\nsecret_key = "{env:NO_B}"\n'
        '[job.one]\nsource = "./a"\ntarget = "./b"\nexclude = ["a,b"]\n'
    )
    done = cli("doctor")
    assert "NO_A is not set (alias.lost.access_key); NO_B is not set (alias.lost.secret_key)\n" in done.stdout
    assert "1 job, 1 alias\n" in done.stdout
    assert "  ! note: job.one.exclude: 'a,b' is one pattern" in done.stdout


def test_mc_is_asked_again_whatever_it_answered_before(cli: Cli, bucket_pair: Pair) -> None:
    source, target = bucket_pair.source.location, bucket_pair.target.location
    cli.write(f'[job.j]\nsource = "{source}"\ntarget = "{target}"\n')
    cli("run")
    memory = Path(cli.environment["HOME"], ".local/state/mcmirror/mc.json")
    kept = json.loads(memory.read_text())
    memory.write_text(json.dumps({**kept, "answer": "mc version RELEASE.1999-01-01T00-00-00Z (commit-id=0)"}))

    assert "1999" not in cli("doctor").stdout
