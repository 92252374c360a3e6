"""Programs are looked for in absolute folders, and addresses are shown without user and password."""

import hashlib
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from mcmirror.cli.demo_servers import VARIABLE, find_kind
from mcmirror.model.problem import McNotFound, Trouble
from mcmirror.model.redact import redactor, without_user
from mcmirror.movers.mc import install as installing
from mcmirror.movers.mc.find import find
from mcmirror.movers.mc.install import Asset, NotInstalled, install, install_from_go
from mcmirror.movers.mc.programs import search_path, which
from tests.servers.stand_in import StandIn


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with programs of a stranger, in which one stands."""
    for name in ("mc", "mcli", "go", "minio"):
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
        program.chmod(0o755)
    monkeypatch.chdir(tmp_path / "bin")
    return tmp_path


@pytest.mark.parametrize("path", [".", "", "bin:.", ":/nowhere", "/nowhere:", "../bin", "/nowhere::/nowhere2"])
def test_what_lies_in_the_current_folder_is_not_run(here: Path, path: str) -> None:
    environ = {"PATH": path, "HOME": str(here)}
    assert which("mc", environ) is None
    with pytest.raises(McNotFound):
        find("", environ)
    for named in ("mc", "mcli"):
        with pytest.raises(Trouble, match="is not on PATH"):
            find(named, environ)
    with pytest.raises(NotInstalled, match="Go was not found"):
        install_from_go(environ=environ)
    with pytest.raises(Trouble):
        find_kind({**environ, VARIABLE: "minio"})
    assert not (here / "ran").exists()
    # In a folder that is named whole it is found.
    assert str(here / "bin" / "mc") == which("mc", {"PATH": f"{path}:{here}/bin"})


def test_the_order_of_the_folders_stays() -> None:
    assert "/b:/a" == search_path({"PATH": "x:/b::/a:."})


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://who:pass@host/x", "https://***@host/x"),
        ("https://token@host/x", "https://***@host/x"),
        ("http://who:p@ss:w@proxy:3128", "http://***@proxy:3128"),
        ("postgresql+psycopg://who:pass@db/name?x=1", "postgresql+psycopg://***@db/name?x=1"),
        ("socks5h://who:pass@proxy", "socks5h://***@proxy"),
        ('proxy "http://a:b@c" and https://d:e@f.', 'proxy "http://***@c" and https://***@f.'),
        ("https://host/a@b", "https://host/a@b"),
        ("https://host?mail=a@b", "https://host?mail=a@b"),
        ("MC_HOST_x=https://ACCESS_KEY:SECRET_KEY@HOST", "MC_HOST_x=https://ACCESS_KEY:SECRET_KEY@HOST"),
        ("postgresql+psycopg://user@host/db", "postgresql+psycopg://user@host/db"),
        ("me@example.com", "me@example.com"),
    ],
)
def test_user_and_password_of_an_address_are_shown_nowhere(text: str, shown: str) -> None:
    for redact in (without_user, redactor([]), redactor(["another secret"])):
        assert shown == redact(text)


class Releases(StandIn):
    """Gives a file to who shows user and password."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.keys: list[str | None] = []

    def handler(self) -> type[BaseHTTPRequestHandler]:
        releases = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                releases.keys.append(self.headers["Authorization"])
                self.send_response(200 if self.headers["Authorization"] else 401)
                self.send_header("Content-Length", str(len(releases.body)))
                self.end_headers()
                self.wfile.write(releases.body)

            def log_message(self, *args: object) -> None:
                pass

        return Handler


def test_a_mirror_behind_a_password(tmp_path: Path) -> None:
    body = b"\x7fELF" + bytes(installing.SMALLEST)
    wanted, said = Asset("mc", hashlib.sha256(b"else").hexdigest()), list[str]()
    with Releases(body) as releases:
        url = releases.root.replace("://", "://who:p%40ss@")
        with pytest.raises(NotInstalled) as caught:
            install(wanted, url=url, environ={"HOME": str(tmp_path)}, say=said.append)
    assert ["Basic d2hvOnBAc3M="] == releases.keys
    problem = caught.value.problem
    assert "is not the file that it should be" in problem.message
    for text in (*said, problem.message, problem.cause, problem.remedy, str(caught.value)):
        assert "p%40ss" not in text
        assert "who" not in text
    assert any("***@127.0.0.1" in text for text in said)


@pytest.mark.parametrize(
    "address", ["http://who:secret-pw@127.0.0.1:1", "ftp://who:secret-pw@host", "http://who:secret-pw@[x"]
)
def test_a_mirror_that_cannot_be_had_shows_no_password(tmp_path: Path, address: str) -> None:
    with pytest.raises(NotInstalled) as caught:
        install(Asset("mc", ""), url=address, environ={"HOME": str(tmp_path)})
    problem = caught.value.problem
    assert "secret-pw" not in f"{problem.message} {problem.cause} {problem.remedy}"
