"""Ctrl-C once is a wish, twice an order: what was started is killed, and the process ends."""

import logging
import os
import signal
import subprocess
import sys
from io import StringIO

from mcmirror.ui.console import Console, Manner
from mcmirror.ui.log import noted
from mcmirror.ui.style import Style

DEAF = """
import subprocess, sys
from mcmirror.model.stop import Stop
from mcmirror.ui.signals import stopping
stop = Stop()
with stopping(stop):
    child = subprocess.Popen(["sh", "-c", "trap '' INT TERM; echo $$; exec sleep 600"], start_new_session=True)
    child.wait()
print(stop.signal, child.returncode, flush=True)
"""


def test_the_second_signal_kills_what_was_started() -> None:
    process = subprocess.Popen([sys.executable, "-c", DEAF], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    child = int(process.stdout.readline())
    process.send_signal(signal.SIGINT)
    process.stderr.readline()
    assert b"once more to kill it" in process.stderr.readline()
    os.kill(child, 0)
    process.send_signal(signal.SIGTERM)
    stdout, _ = process.communicate(timeout=120)
    assert b"2 -9\n" == stdout


def test_what_is_logged_is_a_note_without_secrets() -> None:
    def shown(*, debug: bool) -> str:
        stream = StringIO()
        console = Console(stream, Style(), Manner(redact=lambda text: text.replace("hunter22", "***")))
        with noted(console, debug=debug):
            try:
                raise_it()
            except ValueError:
                logging.getLogger("mcmirror.engine").exception("an observer\x1b failed")
        return stream.getvalue()

    assert "note: an observer\\x1b failed: ValueError: ***\n" == shown(debug=False)
    assert "Traceback" in shown(debug=True)


def raise_it() -> None:
    raise ValueError("hunter" + "22")
