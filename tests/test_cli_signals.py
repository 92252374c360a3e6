"""Ctrl-C once is a wish, twice an order: what was started is killed, and the process ends."""

import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest

from mcmirror.cli.console import Console, Manner
from mcmirror.cli.log import noted
from mcmirror.messages.text_style import Style
from tests.conftest import Pair
from tests.servers.command import Cli
from tests.servers.minio import Minio
from tests.servers.proxy import BROKEN, Proxy

DEAF = """
import subprocess, sys
from mcmirror.model.stop import Stop
from mcmirror.cli.signals import stopping
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


STUBBORN = """#!/bin/sh
case " $* " in *" mirror "*) ;; *) exec '{mc}' "$@" ;; esac
said='{{"status":"error","error":{{"message":"Failed","cause":{{"message":"Put k: context canceled"}}}}}}'
blame='{{"status":"error","error":{{"message":"Unable to list","cause":{{"message":"unexpected EOF"}}}}}}'
{trap}
printf '%s\\n' '{{"status":"success","source":"a/k","target":"b/k","size":1,"totalCount":1,"totalSize":1}}'
while :; do sleep 0.1; done
"""
"""An mc that copies nothing and never ends by itself."""


@pytest.mark.parametrize(
    ("trap", "signals"),
    [
        ("trap \"echo '$said'; exit 1\" TERM", [signal.SIGTERM]),
        ("trap \"echo '$blame'; exit 1\" TERM", [signal.SIGTERM]),
        ("trap '' TERM", [signal.SIGINT, signal.SIGTERM]),
    ],
    ids=["it says that it was stopped", "it blames the way to the server", "it is killed"],
)
def test_what_comes_of_being_asked_to_stop_is_no_problem(
    cli: Cli, bucket_pair: Pair, mc: Path, trap: str, signals: list[signal.Signals]
) -> None:
    bucket_pair.source.put({"k": b"x"})
    stub = cli.write(STUBBORN.format(mc=mc, trap=trap), "mc")
    stub.chmod(0o700)
    places = (bucket_pair.source.location, bucket_pair.target.location)
    process = cli.start("mirror", *places, "--json", MCMIRROR_MC=str(stub))
    assert process.stdout is not None
    assert any(b"copy_started" in line for line in process.stdout)
    for number in signals:
        process.send_signal(number)
    stdout, _ = process.communicate(timeout=120)
    report = json.loads(stdout.splitlines()[-1])["report"]
    assert (128 + signals[0], "cancelled", []) == (process.returncode, report["status"], report["problems"])
    # What had begun was asked of the servers: listings by us and by mc, and the one copy.
    asked = {"source_list": 2, "source_get": 1, "target_list": 2, "target_put": 1}
    assert asked == {kind: number for kind, number in report["requests"].items() if number}


def test_a_run_that_is_cancelled_while_it_waits_to_try_again_has_no_problem_section(
    cli: Cli, bucket_pair: Pair, new_proxy: Callable[[Minio], Proxy]
) -> None:
    bucket_pair.source.put({"k": b"x"})
    proxy = new_proxy(bucket_pair.source.server)
    proxy.on("get", BROKEN)
    places = (bucket_pair.source.location, bucket_pair.target.location)
    host = bucket_pair.source.server.mc_host(address=proxy.address)
    process = cli.start("mirror", *places, "--json", "--retry-delay", "600", MC_HOST_src=host)
    assert process.stdout is not None
    assert any(b'"retrying"' in line for line in process.stdout)
    process.send_signal(signal.SIGINT)
    stdout, _ = process.communicate(timeout=120)
    report = json.loads(stdout.splitlines()[-1])["report"]
    assert (130, "cancelled", []) == (process.returncode, report["status"], report["problems"])


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
