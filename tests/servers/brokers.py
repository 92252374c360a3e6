"""Real brokers: Redis, and RabbitMQ of Debian's package."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pytest

from tests.servers import binaries
from tests.servers.server import PATIENCE, Server, free_port, new_folder

RABBITMQ = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")


def _missing(what: str) -> str:
    return f"{what} is missing: run bin/tools, or install Debian's packages redis-server and rabbitmq-server"


@dataclass(kw_only=True)
class Redis(Server):
    """One server that keeps each change on its disk; ``with`` starts it and removes all."""

    @classmethod
    def make(cls) -> Self:
        """Not started yet."""
        if shutil.which("redis-server") is None:
            pytest.fail(_missing("Redis"), pytrace=False)
        return cls(folder=new_folder("redis"), port=free_port())

    @property
    def url(self) -> str:
        """What ``broker`` says."""
        return f"redis://127.0.0.1:{self.port}/0"

    def launch(self) -> subprocess.Popen[bytes]:
        options = {"port": self.port, "bind": "127.0.0.1", "dir": self.folder, "appendonly": "yes", "save": ""}
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        return binaries.start(["redis-server", *words], {}, self.folder / "log")

    def stop(self) -> None:
        """As ``kill -9`` does."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def answers(self) -> bool:
        """Whether it is up."""
        try:
            return self.ask("PING") == b"+PONG"
        except OSError:
            return False

    def ask(self, *words: str) -> bytes:
        """Its answer to one command, as it comes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as line:
            parts = [f"*{len(words)}", *(part for word in words for part in (f"${len(word.encode())}", word))]
            line.sendall(("\r\n".join(parts) + "\r\n").encode())
            return line.recv(1 << 20).strip()


@dataclass(kw_only=True)
class RabbitMQ(Server):
    """One node; ``with`` starts it and removes all."""

    name: str

    @classmethod
    def make(cls) -> Self:
        """Not started yet."""
        if not RABBITMQ.exists():
            pytest.fail(_missing("RabbitMQ"), pytrace=False)
        return cls(folder=new_folder("rabbitmq"), port=free_port(), name=f"t{secrets.token_hex(4)}@localhost")

    @property
    def url(self) -> str:
        """What ``broker`` says."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    def launch(self) -> subprocess.Popen[bytes]:
        variables = {
            "HOME": self.folder,
            "PATH": os.defpath,
            "LANG": "C.UTF-8",
            "RABBITMQ_NODENAME": self.name,
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": self.port,
            "RABBITMQ_DIST_PORT": free_port(),
            "RABBITMQ_MNESIA_BASE": self.folder / "mnesia",
            "RABBITMQ_LOG_BASE": self.folder / "logs",
            "RABBITMQ_PID_FILE": self.folder / "pid",
            "RABBITMQ_ENABLED_PLUGINS_FILE": self.folder / "plugins",
            "RABBITMQ_SERVER_START_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": free_port(),
        }
        environment = {name: str(value) for name, value in variables.items()}
        return binaries.start([str(RABBITMQ)], environment, self.folder / "log")

    def stop(self) -> None:
        """As ``kill -9`` does, with the port mapper of its own that it started."""
        import psutil

        if self.process is not None:
            whole = psutil.Process(self.process.pid)
            for one in (*whole.children(recursive=True), whole):
                with suppress(psutil.NoSuchProcess):
                    one.send_signal(signal.SIGKILL)
            self.process.wait(PATIENCE)
            self.process = None
        for one in psutil.process_iter(["name"]):
            with suppress(psutil.Error):
                if one.info["name"] == "epmd" and one.environ().get("HOME") == str(self.folder):
                    one.kill()

    def answers(self) -> bool:
        """Whether it is up."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as line:
                line.sendall(b"AMQP\x00\x00\x09\x01")
                return bool(line.recv(8))
        except OSError:
            return False
