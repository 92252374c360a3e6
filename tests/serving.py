"""A command that stays, such as ``mcmirror serve``: asked over HTTP, read while it logs, ended in the end."""

import http.client
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

PATIENCE = 300.0
"""Seconds for anything to happen, on a machine that is busy with other tests: what failed is tried again ever later."""
SHOWN = 5000
"""Characters of a log when something failed."""


class Serving:
    """Use as a context manager; ``port`` is where its health is."""

    def __init__(self, command: Sequence[str | Path], environment: Mapping[str, str], folder: Path, port: int) -> None:
        self._command = [str(word) for word in command]
        self._environment = dict(environment)
        self._folder = folder
        self._port = port
        self._file = folder / f"serving-{port}.log"

    def __enter__(self) -> Self:
        with self._file.open("ab") as output:
            self.process = subprocess.Popen(
                self._command,
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    @property
    def log(self) -> str:
        """What it has said so far."""
        return self._file.read_text(errors="replace")

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait; a command that ends meanwhile has failed."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert self.process.poll() is None, f"it ended with {self.process.returncode}:\n{self.log[-SHOWN:]}"
            assert time.monotonic() < deadline, f"nothing came of it:\n{self.log[-SHOWN:]}"
            time.sleep(0.05)

    def says(self, text: str, times: int = 1) -> None:
        """Wait for a text in the log."""
        self.until(lambda: self.log.count(text) >= times)

    def status(self, path: str) -> int:
        """The status of an answer; 0 when there is none."""
        return self.answer(path)[0]

    def document(self, path: str) -> Any:
        """The JSON of an answer."""
        return json.loads(self.answer(path)[1])

    def answer(self, path: str) -> tuple[int, bytes]:
        """Status and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException):
            return 0, b""
        finally:
            connection.close()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end; its exit code."""
        self.process.send_signal(number)
        try:
            return self.process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it does not end:\n{self.log[-SHOWN:]}") from None
