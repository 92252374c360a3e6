"""`mcmirror tui --web`: the real server, spoken to as a browser speaks, and by a real browser."""

import asyncio
import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from typer.testing import CliRunner

from mcmirror.cli.dashboard import app, with_place
from mcmirror.model.listen import Address
from mcmirror.model.problem import Trouble
from mcmirror.tui.web import POLICY, allowed, place, serve
from tests.servers.server import free_port
from tests.waiting import until

PATIENCE = 120.0
LOCAL = Address("127.0.0.1", 8000)
TEXT = '[job.photos-of-the-web]\nsource = "./from"\ntarget = "./to"\n'


@pytest.mark.parametrize(
    ("host", "origin", "where", "expected"),
    [
        ("127.0.0.1:8000", "http://127.0.0.1:8000", LOCAL, True),
        ("localhost:8000", "http://localhost:8000", LOCAL, True),
        ("[::1]:8000", "http://[::1]:8000", Address("::1", 8000), True),
        ("127.0.0.1:8000", "", LOCAL, True),
        ("127.0.0.1:8000", "https://evil.example", LOCAL, False),
        ("127.0.0.1:8000", "http://127.0.0.1:9", LOCAL, False),
        ("127.0.0.1:8000", "null", LOCAL, False),
        ("evil.example:8000", "http://evil.example:8000", LOCAL, False),
        ("mirror.lan:8000", "http://mirror.lan:8000", Address("mirror.lan", 8000), True),
        ("mirror.lan:8000", "http://evil.example", Address("mirror.lan", 8000), False),
        ("192.0.2.7:8000", "http://192.0.2.7:8000", Address("0.0.0.0", 8000), True),
        ("[2001:db8::1]:8000", "", Address("::", 8000), True),
        (f"{socket.gethostname()}:8000", "", Address("0.0.0.0", 8000), True),
        # A name of somebody else's may lead here, too.
        ("evil.example:8000", "http://evil.example:8000", Address("0.0.0.0", 8000), False),
        ("evil.example:8000", "", Address("192.0.2.7", 8000), False),
    ],
)
def test_only_pages_of_its_own_address_are_answered(host: str, origin: str, where: Address, expected: bool) -> None:
    assert expected == allowed(host, origin, where)


def test_it_stays_on_this_machine_unless_told_otherwise() -> None:
    assert Address("127.0.0.1", 8001) == place("8001")
    assert place("8001").loopback
    assert Address("0.0.0.0", 80) == place("0.0.0.0:80")
    assert ["tui", "--web=127.0.0.1:8000", "--light"] == with_place(["tui", "--web", "--light"])
    assert ["--web", "8001"] == with_place(["--web", "8001"])


def test_what_is_no_place_is_a_mistake_of_usage() -> None:
    result = CliRunner().invoke(app, ["--web", "here"])
    assert 2 == result.exit_code
    assert "no host:port" in result.output


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "textual_serve.server", None)
    with pytest.raises(Trouble) as caught:
        serve(LOCAL, ["true"], print)
    assert "-m pip install textual-serve" in caught.value.problem.remedy


def test_a_port_that_is_taken_is_said() -> None:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as taken:
        where = Address(*taken.getsockname())
        with pytest.raises(Trouble, match=f"Nobody can listen on {where}"):
            serve(where, ["true"], print)


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), PATIENCE).close()
    except ConnectionRefusedError:
        return False
    return True


@dataclass(frozen=True)
class Served:
    """A dashboard that is served."""

    root: str
    token: str

    @property
    def address(self) -> str:
        """What was printed."""
        return f"{self.root}/?token={self.token}"


@pytest.fixture
def served(tmp_path: Path, mc: Path) -> Iterator[Served]:
    """The address of a dashboard that is served."""
    (tmp_path / "mcmirror.toml").write_text(TEXT)
    (tmp_path / "from").mkdir()
    (tmp_path / "from" / "one").write_text("x")
    port = free_port()
    environment = {**os.environ, "HOME": str(tmp_path), "MCMIRROR_MC": str(mc)}
    command = [sys.executable, "-m", "mcmirror.cli.main", "tui", "--web", str(port)]
    with (tmp_path / "said").open("w") as said:
        process = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=said, stdout=said)
    try:
        deadline = time.monotonic() + PATIENCE
        while "http://" not in (tmp_path / "said").read_text():
            assert process.poll() is None, (tmp_path / "said").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        # It is said just before somebody listens.
        until(lambda: answers(port))
        yield Served(f"http://127.0.0.1:{port}", re.search(r"token=(\S+)", (tmp_path / "said").read_text())[1])  # type: ignore[index]
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) in {0, 143, -15}
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


async def heard(socket: Any, wanted: bytes, seen: bytes = b"") -> bytes:
    """Everything until this was seen."""
    async with asyncio.timeout(PATIENCE):
        while wanted not in seen:
            message = await socket.receive()
            assert message.type in {aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT}, message
            seen += message.data if isinstance(message.data, bytes) else message.data.encode()
    return seen


async def page(session: aiohttp.ClientSession, served: Served, token: str = "") -> str:
    """The path of the socket of a page that was let in."""
    async with session.get(f"{served.root}/?token={token or served.token}") as answer:
        assert 200 == answer.status
        assert POLICY == answer.headers["Content-Security-Policy"]
        text = await answer.text()
    assert "fonts.googleapis" not in text
    found = re.search(rf'"{served.root.replace("http", "ws")}(/ws/[^"]+)"', text)
    assert found
    assert served.token not in text
    return found[1]


def test_it_is_the_same_dashboard_and_its_keys_work(served: Served, tmp_path: Path) -> None:
    async def test() -> None:
        async with aiohttp.ClientSession() as session:
            path = await page(session, served)
            async with session.ws_connect(f"{served.root}{path}?width=100&height=30", origin=served.root) as tab:
                await heard(tab, b"photos-of-the-web")
                await tab.send_json(["stdin", "r"])
                await heard(tab, b"verified")
                await tab.send_json(["stdin", "3"])
                await heard(tab, b"mcmirror.toml")

    asyncio.run(test())
    assert "x" == (tmp_path / "to" / "one").read_text()


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Host": "evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
    ],
    ids=str,
)
def test_a_page_of_somebody_else_gets_nothing(served: Served, headers: dict[str, str]) -> None:
    async def test() -> None:
        async with aiohttp.ClientSession() as session:
            path = await page(session, served)
            for place in (f"{path}?width=9", "/?token=x", "/ws", "/static/js/textual.js", "/favicon.ico"):
                async with session.get(f"{served.root}{place}", headers=headers) as answer:
                    assert 403 == answer.status
            with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
                await session.ws_connect(f"{served.root}{path}", headers=headers)
            assert 403 == caught.value.status

    asyncio.run(test())


def test_without_the_token_nobody_gets_a_page_or_a_socket(served: Served) -> None:
    async def test() -> None:
        async with aiohttp.ClientSession() as session:
            for given in (
                "",
                "?token=",
                "?token=x",
                f"?token={served.token[:-1]}",
                f"?token={served.token}x",
                "?token=%C3%A4",
            ):
                async with session.get(f"{served.root}/{given}") as answer:
                    assert 403 == answer.status
                    assert "mcmirror tui --web" in await answer.text()
                    assert served.token not in await answer.text()
                for path in ("/ws", "/ws/x"):
                    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
                        await session.ws_connect(f"{served.root}{path}{given}", origin=served.root)
                    assert 403 == caught.value.status
            async with session.get(f"{served.root}/download/x") as answer:
                assert 404 == answer.status

    asyncio.run(test())


def test_the_printed_address_opens_once_and_a_page_can_be_loaded_again(served: Served) -> None:
    async def test() -> None:
        async with aiohttp.ClientSession() as session:
            path = await page(session, served)
            async with session.get(served.address) as answer:
                assert 403 == answer.status
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await session.ws_connect(f"{served.root}/ws?token={served.token}", origin=served.root)
            assert path == await page(session, served, path.removeprefix("/ws/"))

    asyncio.run(test())


@contextlib.contextmanager
def chromium(folder: Path, address: str) -> Iterator[str]:
    """A headless browser on that page; the address of its DevTools."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert program, "Chromium is needed for this test: bin/tools installs it"
    command = [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
               "--remote-debugging-port=0", f"--user-data-dir={folder}", "--window-size=1200,800", address]  # fmt: skip
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        port, deadline = folder / "DevToolsActivePort", time.monotonic() + PATIENCE
        while not (port.exists() and port.read_text().strip()):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port.read_text().split()[0]}"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_a_real_browser_shows_it_and_a_key_pressed_there_runs_the_job(served: Served, tmp_path: Path) -> None:
    async def test(tools: str) -> None:
        async with aiohttp.ClientSession() as session, asyncio.timeout(PATIENCE):
            pages: list[Any] = []
            while not pages:
                async with session.get(f"{tools}/json/list") as answer:
                    pages = [one for one in await answer.json() if one["type"] == "page" and served.root in one["url"]]
                await asyncio.sleep(0.1)
            async with session.ws_connect(pages[0]["webSocketDebuggerUrl"], max_msg_size=0) as page:
                number = 0

                async def ask(method: str, **parameters: Any) -> Any:
                    nonlocal number
                    number += 1
                    await page.send_json({"id": number, "method": method, "params": parameters})
                    while True:
                        message = await page.receive_json()
                        if message.get("id") == number:
                            return message["result"]

                async def value(expression: str) -> Any:
                    return (await ask("Runtime.evaluate", expression=expression))["result"].get("value")

                while not await value("document.body.classList.contains('-first-byte')"):  # noqa: ASYNC110  a page, not an event
                    await asyncio.sleep(0.2)
                # The keyboard is the terminal's from the beginning: nobody has clicked anywhere.
                assert await value("document.activeElement.classList.contains('xterm-helper-textarea')")
                assert served.token not in await value("location.href")
                while not (tmp_path / "to" / "one").exists():
                    await ask("Input.dispatchKeyEvent", type="keyDown", key="r", text="r", unmodifiedText="r")
                    await ask("Input.dispatchKeyEvent", type="keyUp", key="r")
                    await asyncio.sleep(1)
                assert not await value("document.body.classList.contains('-closed')")

    with chromium(tmp_path / "browser", served.address) as tools:
        asyncio.run(test(tools))
    assert "x" == (tmp_path / "to" / "one").read_text()
