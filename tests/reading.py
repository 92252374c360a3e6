"""A reader who types what a document says, from top to bottom, on a machine where `mcmirror serve` may run beside."""

import os
import pty
import re
import select
import subprocess
import termios
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests import docs_serve
from tests.machine import KEYS, ROOT, Machine
from tests.serve.house import TOKEN, Serve
from tests.servers.command import Result
from tests.servers.server import free_port
from tests.servers.slack import FakeSlack
from tests.serving import PATIENCE
from tests.waiting import until

IN_THE_CHECKOUT = ("docker build", "mkdir -p ~/.local/bin")
EVERYWHERE = "0.0.0.0:8080"
"""Where a container listens."""


@dataclass
class Reader:
    """Runs commands as written; only addresses and ports are this machine's."""

    there: Machine
    stack: ExitStack
    slack: FakeSlack
    port: int = field(default_factory=free_port)
    serve: Serve | None = None

    @property
    def machine(self) -> Machine:
        """The machine with what the reader has in the environment."""
        variables = {
            **self.slack.environment,
            "TZ": "UTC",
            "MCMIRROR_LISTEN": f"127.0.0.1:{self.port}",
            "MCMIRROR_API_TOKEN": TOKEN,
        }
        return replace(self.there, environment={**self.there.environment, **variables})

    def types(self, command: str) -> Result:
        """Run one command to its end; one that stays goes on beside, and nothing is printed."""
        if command == "mcmirror serve":
            self.serve = self.stack.enter_context(docs_serve.serving(self.machine, port=self.port))
            return Result(0, "", "")
        if command.startswith("docker run -d"):
            return self._container(command)
        if "/api/v1/events" in command:
            return self._stream(command)
        if command == "mcmirror tui":
            return self._screen(command)
        if command.startswith("bin/mcmirror alias set"):
            return self._keys(command)
        folder = ROOT if command.startswith(IN_THE_CHECKOUT) else None
        command = re.sub(r"^bin/", f"'{ROOT}'/bin/", command)
        return self.machine.run(command.replace(docs_serve.HERE, f"127.0.0.1:{self.port}"), folder=folder)

    def _container(self, command: str) -> Result:
        """A container that stays: until it has synced once, and is stopped."""
        port = free_port()
        script = command.replace(EVERYWHERE, f"127.0.0.1:{port}").replace(docs_serve.HERE, f"127.0.0.1:{port}")
        words: list[str | Path] = ["sh", "-euc", f"exec {self.there.here(script)}"]
        with Serve(words, self.machine.environment, self.there.folder, port) as it:
            it.says("✓ Sync completed successfully")
            it.until(lambda: it.status("/readyz") == 200)
            it.stop()
            return Result(0, it.log, "")

    def _screen(self, command: str) -> Result:
        """What needs a terminal: until its first screen is there, and is left."""
        above, below = pty.openpty()
        environment = {**self.machine.environment, "TERM": "xterm-256color"}
        with subprocess.Popen(
            ["sh", "-c", f"exec {command}"],
            cwd=self.there.folder,
            env=environment,
            stdin=below,
            stdout=below,
            stderr=below,
        ) as process:
            os.close(below)
            seen = b""
            try:
                while b"Overview" not in seen or b"photos" not in seen:
                    assert select.select([above], [], [], PATIENCE)[0], seen
                    seen += os.read(above, 65536)
                os.write(above, b"q")
                while select.select([above], [], [], PATIENCE)[0] and (piece := _piece(above)):
                    seen += piece
                return Result(process.wait(PATIENCE), seen.decode(errors="replace"), "")
            finally:
                process.kill()
                os.close(above)

    def _keys(self, command: str) -> Result:
        """What asks for two keys: they are typed, and not shown."""
        keys = KEYS[command.split()[3]]
        above, below = pty.openpty()
        with subprocess.Popen(
            ["sh", "-c", f"exec '{ROOT}'/{self.there.here(command)}"],
            cwd=self.there.folder,
            env=self.machine.environment,
            stdin=below,
            stdout=below,
            stderr=below,
            start_new_session=True,
        ) as process:
            os.close(below)
            seen = b""
            try:
                for question, key in ((b"Access key", keys.access_key), (b"Secret key", keys.secret_key)):
                    while question not in seen:
                        assert select.select([above], [], [], PATIENCE)[0], seen
                        seen += os.read(above, 65536)
                    # The echo is switched off after the question, and what was typed before is thrown away.
                    until(lambda: not termios.tcgetattr(above)[3] & termios.ECHO)
                    os.write(above, f"{key}\n".encode())
                while piece := _piece(above):
                    seen += piece
                assert keys.secret_key.encode() not in seen
                return Result(process.wait(PATIENCE), seen.decode(errors="replace"), "")
            finally:
                process.kill()
                os.close(above)

    def _stream(self, command: str) -> Result:
        serve = self.serve
        assert serve is not None
        with docs_serve.listening(self.there, serve, command) as output:
            # 409 as long as a run that an earlier command asked for is under way.
            serve.until(lambda: serve.ask("POST", "jobs/photos/run")[0] == 202)
            serve.until(lambda: b'"run_finished"' in output.read_bytes())
            return Result(0, output.read_text(), "")

    def write(self, name: str, text: str) -> Path:
        """A file of the document."""
        return self.there.write(name, text)


def _piece(terminal: int) -> bytes:
    """What it shows next; nothing when its other end was closed."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""
