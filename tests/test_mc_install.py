"""Fetching mc, from a server of our own that gives what the real ones were seen to give."""

import hashlib
import http.server
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mcmirror.model.problem import Category
from mcmirror.movers.mc import install as installing
from mcmirror.movers.mc.find import find, own_copy
from mcmirror.movers.mc.install import RELEASE, SHA256, Asset, NotInstalled, asset, install, install_from_go
from tests.servers.server import free_port

PAGE = b"<html><head><title>Gone</title></head><body>This download is gone.</body></html>"


class Server(http.server.ThreadingHTTPServer):
    """Gives one answer to everything and keeps the paths."""

    status = 200
    body = b""
    length: int | None = None
    paths: list[str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.paths.append(self.path)
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(self.server.length or len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as running:
        running.paths = []
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def real(mc: Path) -> Asset:
    """The real mc as an asset of a release."""
    return Asset(f"mc.linux-amd64.{RELEASE}", hashlib.sha256(mc.read_bytes()).hexdigest())


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"XDG_DATA_HOME": str(tmp_path), "HOME": str(tmp_path), "PATH": os.defpath}


def left(tmp_path: Path) -> list[str]:
    return sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())


def test_the_asset_is_put_where_it_is_found(
    server: Server, real: Asset, mc: Path, environ: dict[str, str], tmp_path: Path
) -> None:
    server.body = mc.read_bytes()
    said: list[str] = []
    installed = install(real, url=server.url, environ=environ, say=said.append)
    assert installed == find("", environ)
    assert str(own_copy(environ)) == installed.path
    assert ["mcmirror/bin/mc"] == left(tmp_path)
    assert mc.read_bytes() == Path(installed.path).read_bytes()
    assert 0o755 == Path(installed.path).stat().st_mode & 0o777
    assert [f"/{RELEASE}/{real.name}"] == server.paths
    assert [f"fetching {server.url}/{RELEASE}/{real.name}"] == said
    assert [] == list(Path(installed.path).parent.glob(".fetch-*"))


def test_a_url_may_be_the_file_itself_and_come_from_the_environment(
    server: Server, real: Asset, mc: Path, environ: dict[str, str]
) -> None:
    server.body = mc.read_bytes()
    install(real, environ={**environ, "MCMIRROR_MC_URL": f"{server.url}/files/{real.name}"})
    assert [f"/files/{real.name}"] == server.paths


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((410, PAGE), "is not there any more"),
        ((404, PAGE), "cannot be had"),
        ((503, b""), "cannot be had"),
        ((200, PAGE), "gave something that is not a program"),
        ((200, b""), "is far too small for mc"),
        ((200, b"\x7fELF short"), "is far too small for mc"),
        ((200, b"\x7fELF" + b"x" * installing.SMALLEST), "is not the file that it should be"),
    ],
)
def test_a_bad_answer_leaves_nothing_behind(
    server: Server, environ: dict[str, str], tmp_path: Path, answer: tuple[int, bytes], message: str
) -> None:
    server.status, server.body = answer
    with pytest.raises(NotInstalled) as failed:
        install(asset("linux", "x86_64"), url=server.url, environ=environ)
    found = failed.value.problem
    assert message in found.message
    assert Category.MC_MISSING == found.category
    assert "--from-go" in found.remedy
    assert "MCMIRROR_MC=" in found.remedy
    assert [] == left(tmp_path)


def test_what_the_server_said_is_passed_on(server: Server, environ: dict[str, str]) -> None:
    server.status, server.body = 410, PAGE
    with pytest.raises(NotInstalled) as failed:
        install(asset("linux", "x86_64"), url=server.url, environ=environ)
    assert "the server answered 410 Gone: Gone This download is gone." == failed.value.problem.cause


def test_a_download_that_breaks_off_leaves_the_old_one(
    server: Server, real: Asset, mc: Path, environ: dict[str, str], tmp_path: Path
) -> None:
    own_copy(environ).parent.mkdir(parents=True)
    own_copy(environ).write_text("the old one")
    server.body, server.length = mc.read_bytes()[:20_000_000], mc.stat().st_size
    with pytest.raises(NotInstalled, match="broke off"):
        install(real, url=server.url, environ=environ)
    assert "the old one" == own_copy(environ).read_text()
    assert ["mcmirror/bin/mc"] == left(tmp_path)


def test_nobody_there(environ: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(NotInstalled, match="is no address"):
        install(asset("linux", "x86_64"), url="ftp://example.com", environ=environ)
    with pytest.raises(NotInstalled, match="cannot be reached") as failed:
        install(asset("linux", "x86_64"), url=f"http://127.0.0.1:{free_port()}", environ=environ)
    assert "refused" in failed.value.problem.cause
    assert [] == left(tmp_path)


def test_a_folder_that_cannot_be_written(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "mcmirror").write_text("a file where a folder should be")
    with pytest.raises(NotInstalled, match="cannot be written to"):
        install(asset("linux", "x86_64"), url="http://127.0.0.1:9", environ=environ)


@pytest.mark.parametrize(
    ("system", "machine", "key", "name"),
    [
        ("linux", "x86_64", "linux-amd64", f"mc.linux-amd64.{RELEASE}"),
        ("linux", "aarch64", "linux-arm64", f"mc.linux-arm64.{RELEASE}"),
        ("darwin", "arm64", "darwin-arm64", f"mc.darwin-arm64.{RELEASE}"),
        ("darwin", "x86_64", "darwin-amd64", f"mc.darwin-amd64.{RELEASE}"),
        ("win32", "AMD64", "windows-amd64", f"mc.windows-amd64.{RELEASE}.exe"),
    ],
)
def test_each_platform_has_its_asset(system: str, machine: str, key: str, name: str) -> None:
    assert Asset(name, SHA256[key]) == asset(system, machine)


def test_a_platform_without_an_asset(tmp_path: Path) -> None:
    with pytest.raises(NotInstalled, match="has no mc for linux-riscv64") as failed:
        asset("linux", "riscv64")
    assert failed.value.problem.remedy.startswith("--from-go builds it")


@pytest.fixture
def go(tmp_path: Path, environ: dict[str, str]) -> Callable[[str], None]:
    """Put a go on PATH that does what the script says."""

    def write(script: str) -> None:
        path = tmp_path / "go" / "go"
        path.parent.mkdir()
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        environ["PATH"] = f"{path.parent}:{os.defpath}"

    return write


def test_go_builds_it(go: Callable[[str], None], environ: dict[str, str], mc: Path, tmp_path: Path) -> None:
    go(f'echo "$@" > {tmp_path}/asked; test "$CGO_ENABLED" = 0 && cp {mc} "$GOBIN/mc"')
    installed = install_from_go(environ=environ)
    assert installed == find("", environ)
    assert f"install {installing.GO_PACKAGE}\n" == (tmp_path / "asked").read_text()
    assert ["asked", "go/go", "mcmirror/bin/mc"] == left(tmp_path)


def test_go_fails_or_is_missing(go: Callable[[str], None], environ: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(NotInstalled, match="Go was not found") as failed:
        install_from_go(environ={**environ, "PATH": str(tmp_path)})
    # The way that has just failed is not the one to try.
    assert "`mcmirror mc install` downloads it" in failed.value.problem.remedy
    assert "--from-go" not in failed.value.problem.remedy
    go("echo 'go: module lookup disabled' >&2; exit 1")
    with pytest.raises(NotInstalled, match="did not build mc") as failed:
        install_from_go(environ=environ)
    assert "go: module lookup disabled" == failed.value.problem.cause
    assert ["go/go"] == left(tmp_path)


def test_nothing_points_to_the_dead_download_host() -> None:
    root = Path(__file__).parent.parent
    dead = "dl." + "min.io"
    files = [
        path for folder in ("mcmirror", "bin", "examples") for path in (root / folder).rglob("*") if path.is_file()
    ]
    files += [path for name in ("README.md", "Dockerfile") if (path := root / name).exists()]
    assert len(files) > 20
    assert [] == [str(path) for path in files if dead.encode() in path.read_bytes()]
