"""What a running `mcmirror serve` says, for the documents: its log, and its stream of events."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.machine import ADDRESSES, Machine, fenced
from tests.serve.house import TOKEN, Serve
from tests.servers import binaries
from tests.servers.command import COMMAND
from tests.servers.server import free_port
from tests.servers.slack import FakeSlack

HERE = "127.0.0.1:8080"
"""Where serve answers, as the documents write it."""


@contextmanager
def serving(
    there: Machine,
    *arguments: str,
    folder: Path | None = None,
    port: int = 0,
    variables: Mapping[str, str] | None = None,
) -> Iterator[Serve]:
    """A serve on a port of its own, with mc at hand."""
    port = port or free_port()
    environment = {
        **there.environment,
        "MCMIRROR_LISTEN": f"127.0.0.1:{port}",
        "MCMIRROR_API_TOKEN": TOKEN,
        "MCMIRROR_MC": str(binaries.mc()),
        **(variables or {}),
    }
    with Serve([COMMAND, "serve", *arguments], environment, folder or there.folder, port) as it:
        it.until(lambda: it.status("/healthz") == 200)
        yield it


def as_written(there: Machine, text: str) -> str:
    """The output of this machine with the documents' addresses."""
    for server, addresses in ((there.onprem, ADDRESSES["onprem"][-1]), (there.aws, ADDRESSES["aws"][-1])):
        text = text.replace(server.url, addresses).replace(
            server.url.partition("://")[2], addresses.partition("://")[2]
        )
    return re.sub(r"127\.0\.0\.1:\d+", HERE, text)


def environment_file(markdown: str) -> dict[str, str]:
    """The variables of the only ``dotenv`` block."""
    (text,) = fenced(markdown, "dotenv")
    return dict(line.split("=", 1) for line in text.splitlines() if line and not line.startswith("#"))


def sidecar_log(there: Machine, markdown: str) -> str:
    """The log of the sidecar from its start to the end of its first run."""
    variables = {name: there.here(value) for name, value in environment_file(markdown).items()}
    folder = there.folder.with_name("beside")
    folder.mkdir()
    with serving(there, folder=folder, variables=variables) as it:
        it.says("Next sync in")
        log = it.log
    return f"```text\n{as_written(there, log).rstrip()}\n```\n"


def nightly_log(there: Machine, configuration: str) -> str:
    """The log of a serve with a terminal's lines, and of a run asked for by its API."""
    there.write("mcmirror.toml", configuration)
    # What it tells Slack is no part of the log, unless Slack is not there.
    with FakeSlack() as slack, serving(there, "--log", "text", variables={"SLACK_API_URL": slack.api_url}) as it:
        it.post("jobs/photos/run")
        it.says("Next run at")
        log = it.log
    return f"```text\n{as_written(there, log).replace(f'{there.folder}/', '').rstrip()}\n```\n"


@contextmanager
def listening(there: Machine, it: Serve, script: str) -> Iterator[Path]:
    """A command that reads a stream, running; the file gets what it prints."""
    output = there.folder.with_name("stream")
    with output.open("wb") as out:
        process = subprocess.Popen(
            ["sh", "-c", script.replace(HERE, f"127.0.0.1:{it.port}")],
            env={**there.environment, "MCMIRROR_API_TOKEN": TOKEN},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        it.until(lambda: b": mcmirror" in output.read_bytes())
        yield output
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def event_stream(there: Machine, configuration: str, script: str) -> str:
    """A few events of a run, as curl shows them."""
    there.write("mcmirror.toml", configuration)
    with serving(there) as it, listening(there, it, script) as output:
        it.post("jobs/photos/run")
        it.until(lambda: b'"run_finished"' in output.read_bytes() and output.read_bytes().endswith(b"\n\n"))
        pieces = output.read_text().split("\n\n")
    wanted = [piece for piece in pieces if re.search(r'"event":"(run_started|verified|run_finished)"', piece)]
    return "```text\n" + "\n\n".join(map(_shorter, wanted)) + "\n```\n"


def _shorter(piece: str) -> str:
    number, _, data = piece.partition("\ndata: ")
    document = json.loads(data)
    report = document.pop("report", None)
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    if report:
        kept = json.dumps({name: report[name] for name in ("job", "status", "exit_code")}, separators=(",", ":"))
        text = f'{text[:-1]},"report":{kept[:-1]},...}}}}'
    return f"{number}\ndata: {text}"
