#!/usr/bin/env python3
"""Two OSCAR clusters on this machine, without Kubernetes: two MinIO servers, two stand-in services, and mcmirror.

Objects are written to originminio/input. service-x makes an object of originminio/intermediate of each; the servers
replicate that; service-y makes an object of remoteminio/output of each replica. In the middle the link between the two
clusters is cut, and mcmirror is killed.
"""

import argparse
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.request import Request, urlopen

HERE = Path(__file__).resolve().parent
PATIENCE = 600.0
"""Seconds for anything to happen; MinIO tries failed replications again after minutes."""
SERVICE_TOKEN, RELAY_TOKEN = secrets.token_hex(16), secrets.token_hex(16)


def main() -> int:
    """Run the whole scenario."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=20, help="objects to write (default 20)")
    parser.add_argument("--cut", type=float, default=5.0, help="seconds without a link (default 5)")
    parser.add_argument("--kill", type=int, default=1, help="how often mcmirror is killed meanwhile (default 1)")
    parser.add_argument("--keep", action="store_true", help="stay afterwards, until Ctrl-C")
    asked = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="oscar-")))
        scene = Scene(folder, stack)
        scene.set_up()
        good = scene.play(asked.objects, asked.cut, asked.kill)
        if asked.keep:
            print(f"originminio {scene.origin.url}, remoteminio {scene.remote.url}; Ctrl-C ends it", flush=True)
            with suppress(KeyboardInterrupt):
                signal.pause()
    return 0 if good else 1


class Minio:
    """One server; its webhooks lead to mcmirror."""

    def __init__(self, name: str, folder: Path, relay: str) -> None:
        self.name = name
        self.folder = folder / name
        self.port = free_port()
        self.user, self.password = f"{name}user", secrets.token_hex(12)
        self.environment = {"MINIO_ROOT_USER": self.user, "MINIO_ROOT_PASSWORD": self.password, "MINIO_BROWSER": "off"}
        for webhook in ("input", "intermediate"):
            self.environment |= {
                f"MINIO_NOTIFY_WEBHOOK_ENABLE_{webhook}": "on",
                f"MINIO_NOTIFY_WEBHOOK_ENDPOINT_{webhook}": f"{relay}/relay/{webhook}",
                f"MINIO_NOTIFY_WEBHOOK_AUTH_TOKEN_{webhook}": RELAY_TOKEN,
                f"MINIO_NOTIFY_WEBHOOK_QUEUE_DIR_{webhook}": str(self.folder / "queue"),
            }

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def host(self, url: str = "") -> str:
        """The value of MC_HOST_..., by which mc knows the server."""
        return (url or self.url).replace("://", f"://{self.user}:{self.password}@")

    @contextmanager
    def running(self) -> Iterator[None]:
        """Start it, and end it."""
        data = self.folder / "data"
        data.mkdir(parents=True)
        command = [minio(), "server", "--quiet", "--address", f"127.0.0.1:{self.port}", str(data)]
        environment = {"HOME": str(self.folder), "PATH": os.defpath, **self.environment}
        with (self.folder / "log").open("wb") as log, process(command, environment, log):
            until(lambda: answers(f"{self.url}/minio/health/ready"), self.name)
            yield


class Link:
    """The connection between the clusters: a port that leads to the remote server, until it is cut."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._cut = threading.Event()
        self._open = set[socket.socket]()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Close what is open; nothing gets through any more."""
        self._cut.set()
        for one in list(self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        """Let everything through again."""
        self._cut.clear()

    def _accept(self) -> None:
        while True:
            near, _ = self._listener.accept()
            if self._cut.is_set():
                near.close()
                continue
            far = socket.create_connection(("127.0.0.1", self._to))
            for one, other in ((near, far), (far, near)):
                self._open.add(one)
                threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    def _carry(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
        self._open.discard(one)
        for end in (one, other):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


class Oscar:
    """A stand-in for the services of both clusters: POST /job/NAME with the document of an event, as OSCAR takes it."""

    def __init__(self, scene: "Scene") -> None:
        self.calls = {name: Counter[str]() for name in ("service-x", "service-y")}
        """By service: calls by key."""
        self._scene = scene
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def job(self, service: str, key: str) -> None:
        """What the service does with one object: read, turn, write."""
        self.calls[service][key] += 1
        mc = self._scene.mc
        if service == "service-x":
            mc("pipe", f"originminio/intermediate/{key}", stdin=mc("cat", f"originminio/input/{key}").upper())
        else:
            mc("pipe", f"remoteminio/output/{key}", stdin=mc("cat", f"remoteminio/intermediate/{key}")[::-1])


def _handler(oscar: Oscar) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            service = self.path.removeprefix("/job/")
            if self.headers.get("Authorization") != f"Bearer {SERVICE_TOKEN}" or service not in oscar.calls:
                self.send_error(401)
                return
            document = json.loads(body)
            try:
                oscar.job(service, document["Key"].partition("/")[2])
            except subprocess.CalledProcessError as error:
                print(f"{service}: {error.stderr.decode(errors='replace').strip()}", file=sys.stderr)
                self.send_error(500)
                return
            self.send_response(201)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


class Scene:
    """Everything that runs."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self._stack = stack
        self._listen = f"127.0.0.1:{free_port()}"
        self.origin = Minio("origin", folder, f"http://{self._listen}")
        self.remote = Minio("remote", folder, f"http://{self._listen}")
        self.link = Link(self.remote.port)
        self.oscar = Oscar(self)
        self.environment = {
            **os.environ,
            "ORIGIN_URL": self.origin.url,
            "ORIGIN_USER": self.origin.user,
            "ORIGIN_PASSWORD": self.origin.password,
            "REMOTE_URL": self.link.url,
            "REMOTE_USER": self.remote.user,
            "REMOTE_PASSWORD": self.remote.password,
            "RELAY_TOKEN": RELAY_TOKEN,
            "SERVICE_TOKEN": SERVICE_TOKEN,
            "OSCAR_URL": self.oscar.url,
            "MCMIRROR_STATE": f"sqlite:///{folder}/state.db",
            "MCMIRROR_CONFIG": str(HERE / "mcmirror.toml"),
        }

    def mc(self, *arguments: str, stdin: bytes = b"") -> bytes:
        """What mc prints. The services are beside their own servers: the link is not between them."""
        environment = {
            "MC_HOST_originminio": self.origin.host(),
            "MC_HOST_remoteminio": self.remote.host(),
            "HOME": str(self.folder),
            "MC_CONFIG_DIR": str(self.folder / "mc"),
            "PATH": os.defpath,
        }
        command = [self._mc, "--quiet", *arguments]
        return subprocess.run(command, input=stdin, env=environment, capture_output=True, check=True).stdout

    def mcmirror(self, *arguments: str) -> str:
        """Show a command of mcmirror, run it, and show what it prints."""
        print(f"$ mcmirror {' '.join(arguments)}", flush=True)
        said = subprocess.run(
            [mcmirror(), *arguments], env=self.environment, stdout=subprocess.PIPE, text=True, check=True
        ).stdout
        print(said, end="", flush=True)
        return said

    def set_up(self) -> None:
        """Start the servers, make buckets, replication and events."""
        found = subprocess.run(
            [mcmirror(), "mc", "path"], env=self.environment, stdout=subprocess.PIPE, text=True, check=True
        )
        self._mc = found.stdout.strip()
        for server in (self.origin, self.remote):
            self._stack.enter_context(server.running())
        for bucket in ("originminio/input", "originminio/intermediate", "remoteminio/output"):
            self.mc("mb", "--ignore-existing", bucket)
        # What OSCAR does when a service is made for a bucket.
        for bucket, name in (("input", "input"), ("intermediate", "intermediate")):
            self.mc("event", "add", f"originminio/{bucket}", f"arn:minio:sqs::{name}:webhook", "--event", "put")
        there = ("originminio/intermediate", "arn:minio:sqs::intermediate:webhook")
        self.mcmirror("events", "remove", *there, "--on", "put")
        self.mcmirror("replicate", "apply", "intermediate")
        self.mcmirror("events", "list", "originminio/intermediate")

    def play(self, objects: int, cut: float, kills: int) -> bool:
        """Write, cut the link, kill mcmirror, and wait until all has arrived; whether it came to what it should."""
        keys = [f"2026/{number:04}.txt" for number in range(objects)]
        size = -(-objects // (kills + 1))
        for turn in range(kills + 1):
            part = keys[turn * size : (turn + 1) * size]
            with self._serving() as server:
                if turn == 0:
                    self._write_without_link(part, cut)
                else:
                    self._write(part)
                if turn < kills:
                    print("mcmirror is killed", flush=True)
                    server.kill()
                    server.wait()
                    continue
                until(lambda: len(self.oscar.calls["service-y"]) == objects, "every replica at service-y")
                until(lambda: self._waiting() == 0, "the relays")
                self.mcmirror("status")
        return self._judge(keys)

    def _write_without_link(self, keys: list[str], cut: float) -> None:
        """Cut the link after half of the objects, for so long."""
        half = len(keys) // 2
        self._write(keys[:half])
        print(f"the link is cut for {cut:g} s", flush=True)
        self.link.cut()
        self._write(keys[half:])
        time.sleep(cut)
        self.link.mend()
        print("the link is back", flush=True)

    @contextmanager
    def _serving(self) -> Iterator["subprocess.Popen[bytes]"]:
        command = [mcmirror(), "serve", "--listen", self._listen]
        with (self.folder / "serve.log").open("ab") as log, process(command, self.environment, log) as running:
            until(lambda: answers(f"http://{self._listen}/healthz"), "mcmirror serve")
            yield running

    def _waiting(self) -> int:
        said = subprocess.run(
            [mcmirror(), "status", "--json"], env=self.environment, stdout=subprocess.PIPE, text=True, check=True
        ).stdout
        return sum(relay["waiting"] for relay in json.loads(said)["relays"])

    def _write(self, keys: list[str]) -> None:
        for key in keys:
            self.mc("pipe", f"originminio/input/{key}", stdin=f"object {key}".encode())

    def _judge(self, keys: list[str]) -> bool:
        lost = [
            key for key in keys if self.mc("cat", f"remoteminio/output/{key}").decode() != f"OBJECT {key.upper()}"[::-1]
        ]
        print(f"{len(keys) - len(lost)} of {len(keys)} objects are in remoteminio/output, as they should be")
        good = not lost
        for service, calls in self.oscar.calls.items():
            twice = [key for key, number in calls.items() if number > 1]
            print(f"{service}: called for {len(calls)} objects, more than once for {len(twice)}", flush=True)
            good &= set(calls) == set(keys)
        return good


@contextmanager
def process(command: list[str], environment: dict[str, str], log: object) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a program beside, and end it."""
    running = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)  # type: ignore[call-overload]
    try:
        yield running
    finally:
        running.terminate()
        running.wait()


def minio() -> str:
    """MinIO's program: MCMIRROR_MINIO, or minio on PATH."""
    found = os.environ.get("MCMIRROR_MINIO") or shutil.which("minio")
    if not found:
        sys.exit("There is no minio: install MinIO's server, or name it by MCMIRROR_MINIO=/path/to/minio.")
    return found


def mcmirror() -> str:
    """The mcmirror on PATH, or that of this checkout."""
    return shutil.which("mcmirror") or str(HERE.parents[1] / "bin" / "mcmirror")


def free_port() -> int:
    """A port that nobody has."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def answers(url: str) -> bool:
    """Whether it answers well."""
    try:
        with urlopen(Request(url), timeout=5) as answer:  # noqa: S310  ours
            return bool(answer.status == 200)
    except OSError:
        return False


def until(true: Callable[[], bool], what: str) -> None:
    """Wait; what never comes ends it."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        if time.monotonic() > deadline:
            sys.exit(f"{what}: not within {PATIENCE:g} s")
        time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main())
