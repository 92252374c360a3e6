#!/usr/bin/env python3
"""A gallery moves from one MinIO to another without downtime, and back again, on this machine.

Enable, prepare, process, verify, switch, and back; a visitor uploads and reads all the time, by the page.
"""

import argparse
import http.cookiejar
import importlib.util
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.parse import quote
from urllib.request import HTTPCookieProcessor, Request, build_opener

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[1]
PATIENCE = 120.0
"""Seconds for anything to happen."""
PLAIN = "storages.backends.s3.S3Storage"
MIRRORING = "mcmirror.contrib.django.storage.S3MirroringStorage"
READING = "mcmirror.contrib.django.storage.MirroredReadStorage"


def main() -> int:
    """Play the migration."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=250, help="uploads before there is a mirror (default 250)")
    parser.add_argument("--keep", action="store_true", help="stay afterwards, until Ctrl-C")
    asked = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gallery-")))
        good = Migration(folder, python(), stack).play(asked.objects, keep=asked.keep)
    return 0 if good else 1


class Minio:
    """One server, with one bucket."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.folder, self.bucket = name, folder / name, f"{name}-media"
        self.port = free_port()
        self.user, self.password = f"{name}user", secrets.token_hex(12)
        self.url = f"http://127.0.0.1:{self.port}"

    @contextmanager
    def running(self) -> Iterator[None]:
        """Start it, and end it."""
        # A folder of its data is a bucket.
        (self.folder / "data" / self.bucket).mkdir(parents=True)
        command = [minio(), "server", "--quiet", "--address", f"127.0.0.1:{self.port}", str(self.folder / "data")]
        keys = {"MINIO_ROOT_USER": self.user, "MINIO_ROOT_PASSWORD": self.password, "MINIO_BROWSER": "off"}
        environment = {"HOME": str(self.folder), "PATH": os.defpath, **keys}
        with process(command, environment, self.folder / "log"):
            until(lambda: answers(f"{self.url}/minio/health/ready"), self.name)
            yield

    def variables(self, *, mirror: bool) -> dict[str, str]:
        """The settings that make it the main bucket, or the mirroring one."""
        prefix = "AWS_S3_MIRRORING_" if mirror else "AWS_S3_"
        bucket = "AWS_S3_MIRRORING_STORAGE_BUCKET_NAME" if mirror else "AWS_STORAGE_BUCKET_NAME"
        return {
            f"{prefix}ACCESS_KEY_ID": self.user,
            f"{prefix}SECRET_ACCESS_KEY": self.password,
            f"{prefix}ENDPOINT_URL": self.url,
            f"{prefix}REGION_NAME": "us-east-1",
            bucket: self.bucket,
        }

    def keys(self) -> set[str]:
        """What is in the bucket, as the disk has it."""
        root = self.folder / "data" / self.bucket
        return {file.parent.relative_to(root).as_posix() for file in root.rglob("xl.meta")}


class Visitor(threading.Thread):
    """Uploads a file and reads all of the page and one file, again and again; counts what fails."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.url = ""
        self.uploaded = self.read = 0
        self.failed: list[str] = []
        self._over = threading.Event()
        self._turn = threading.Lock()
        self._opener = build_opener(HTTPCookieProcessor(http.cookiejar.CookieJar()))

    def run(self) -> None:
        """Visit until it is over."""
        while not self._over.is_set():
            with self._turn:
                try:
                    self.upload(f"visitor {self.uploaded}")
                    page = self._get("/")
                    for picture in re.findall(rb'href="(/picture/\d+)"', page)[-1:]:
                        self._get(picture.decode())
                        self.read += 1
                except OSError as error:
                    self.failed.append(f"{error}")
            self._over.wait(0.1)

    def leave(self) -> None:
        """No more visits."""
        self._over.set()
        self.join()

    def go(self, url: str) -> None:
        """From the next visit on, another process of the gallery answers."""
        with self._turn:
            self.url = url

    def upload(self, content: str) -> None:
        """Send a file by the page's form."""
        token = re.search(rb'name="csrfmiddlewaretoken" value="(\w+)"', self._get("/"))
        fields = {"csrfmiddlewaretoken": (token[1].decode() if token else "", ""),
                  "file": (content, f'; filename="{quote(content)}.txt"')}  # fmt: skip
        parts = "".join(
            f'--limit\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n{value}\r\n'
            for name, (value, more) in fields.items()
        )
        request = Request(self.url, f"{parts}--limit--\r\n".encode())  # noqa: S310  ours
        request.add_header("Content-Type", "multipart/form-data; boundary=limit")
        with self._opener.open(request, timeout=30):
            self.uploaded += 1

    def _get(self, path: str) -> bytes:
        with self._opener.open(f"{self.url}{path}", timeout=30) as answer:
            return bytes(answer.read())


class Migration:
    """Everything that runs."""

    def __init__(self, folder: Path, interpreter: str, stack: ExitStack) -> None:
        self.folder, self.python, self.stack = folder, interpreter, stack
        self.old, self.new = Minio("old", folder), Minio("new", folder)
        self.visitor = Visitor()
        self.common = {
            **{name: os.environ[name] for name in ("MCMIRROR_MC", "TMPDIR") if name in os.environ},
            "HOME": os.environ.get("HOME", str(folder)),
            "PATH": os.environ.get("PATH", os.defpath),
            "DJANGO_SETTINGS_MODULE": "gallery.settings",
            "DJANGO_SECRET_KEY": secrets.token_hex(20),
            "DATABASE_URL": f"sqlite://{folder}/gallery.db",
            "MCMIRROR_STATE": f"sqlite:///{folder}/state.db",
        }
        self.environment = dict(self.common)
        self._server: ExitStack | None = None

    def play(self, objects: int, *, keep: bool) -> bool:
        """Go all the way there and back; whether nothing was lost and no visit failed."""
        for server in (self.old, self.new):
            self.stack.enter_context(server.running())
        self.settings(PLAIN, self.old.variables(mirror=False))
        self.manage("migrate", "--verbosity", "0")
        self.visitor.go(self.serve())
        for number in range(objects):
            self.visitor.upload(f"history {number}")
        print(f"{objects} objects are in the old bucket. From now on a visitor uploads and reads all the time.\n")
        self.visitor.start()

        self.step("enable: the new bucket becomes the mirror")
        self.settings(MIRRORING, self.old.variables(mirror=False), self.new.variables(mirror=True))
        self.manage("check")
        self.manage("migrate", "--verbosity", "0")
        self.restart()
        self.step("prepare")
        self.manage("prepare_mirroring_items_history")
        self.step("process, as cron does every five minutes")
        self.manage("process_pending_mirror_tasks")
        self.step("verify; what the visitor uploads meanwhile may not be there yet")
        self.manage("verify_mirroring", "--content", "100", good=(0, 3))
        self.step("switch: the new bucket becomes the main one, the old one the mirror")
        self.switch(self.new, self.old)
        self.step("process goes on, in the other direction")
        self.manage("process_pending_mirror_tasks")
        self.step("back: the old bucket has what was uploaded since")
        self.switch(self.old, self.new)
        self.visitor.leave()
        self.manage("process_pending_mirror_tasks")
        self.manage("verify_mirroring", "--content", "100")
        good = self.judge(objects)
        if keep:
            print(f"{self.visitor.url} is the gallery; Ctrl-C ends it", flush=True)
            with suppress(KeyboardInterrupt):
                signal.pause()
        return good

    def step(self, what: str) -> None:
        """Say what comes."""
        print(f"\n== {what}", flush=True)

    def settings(self, backend: str, *groups: dict[str, str]) -> None:
        """The variables from now on."""
        self.environment = {**self.common, "STORAGES_DEFAULT_BACKEND": backend}
        for group in groups:
            self.environment |= group

    def switch(self, main: Minio, mirror: Minio) -> None:
        """Exchange main bucket and mirror, and bring over what was uploaded last with the settings before."""
        before = self.environment
        # What is not in the new main bucket for these few seconds is read from the mirror.
        self.settings(READING, main.variables(mirror=False), mirror.variables(mirror=True))
        self.manage("check")
        self.restart()
        print("the last uploads, with the settings from before:", flush=True)
        self.manage("process_pending_mirror_tasks", environment=before)
        self.manage("verify_mirroring", environment=before)

    def restart(self) -> None:
        """A process of the gallery with the new settings; the one before ends when nobody is sent there any more."""
        last = self._server
        self.visitor.go(self.serve())
        if last is not None:
            last.close()

    def serve(self) -> str:
        """Start a process of the gallery; return its address."""
        address = f"127.0.0.1:{free_port()}"
        self._server = self.stack.enter_context(ExitStack())
        command = [self.python, "manage.py", "runserver", "--noreload", "--skip-checks", address]
        self._server.enter_context(process(command, self.environment, self.folder / "gallery.log"))
        until(lambda: answers(f"http://{address}/"), "the gallery")
        return f"http://{address}"

    def manage(self, *arguments: str, environment: dict[str, str] | None = None, good: tuple[int, ...] = (0,)) -> None:
        """Show a command of manage.py, and run it."""
        print(f"$ manage.py {' '.join(arguments)}", flush=True)
        command = [self.python, "manage.py", *arguments]
        done = subprocess.run(command, cwd=HERE, env=environment or self.environment, check=False)
        if done.returncode not in good:
            sys.exit(f"manage.py {arguments[0]} ended with {done.returncode}")

    def judge(self, objects: int) -> bool:
        """Count by the disks of both servers."""
        visitor = self.visitor
        old, new = self.old.keys(), self.new.keys()
        print(f"\n{len(old)} objects in old, {len(new)} in new, {len(old ^ new)} not in both", flush=True)
        print(f"the visitor: {visitor.uploaded} uploads, {visitor.read} reads, {len(visitor.failed)} failed")
        for failure in visitor.failed[:3]:
            print(f"  {failure}")
        return old == new and len(old) == visitor.uploaded > objects and not visitor.failed


@contextmanager
def process(command: list[str], environment: dict[str, str], log: Path) -> Iterator[None]:
    """Run a program beside, and end it."""
    with log.open("ab") as output:
        running = subprocess.Popen(
            command, cwd=HERE, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    try:
        yield
    finally:
        running.terminate()
        running.wait()


def python() -> str:
    """A Python that has Django and mcmirror: this one, or that of the checkout, which is made first."""
    if all(importlib.util.find_spec(name) for name in ("django", "storages", "mcmirror")):
        return sys.executable
    if not (CHECKOUT / "bin" / "environment").exists():
        sys.exit("Django or mcmirror is not installed: pip install 'mcmirror[django]'")
    code = 'here=$1; features="base django"; . "$here/bin/environment"'
    if subprocess.run(["sh", "-c", code, "sh", str(CHECKOUT)], check=False).returncode:  # noqa: S607
        sys.exit(1)
    return str(CHECKOUT / ".venv" / "bin" / "python")


def minio() -> str:
    """MinIO's program: MCMIRROR_MINIO, or minio on PATH."""
    found = os.environ.get("MCMIRROR_MINIO") or shutil.which("minio")
    if not found:
        sys.exit("There is no minio: install MinIO's server, or name it by MCMIRROR_MINIO=/path/to/minio.")
    return found


def free_port() -> int:
    """A port that nobody has."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def answers(url: str) -> bool:
    """Whether it answers well."""
    try:
        with build_opener().open(url, timeout=5) as answer:
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
