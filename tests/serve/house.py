"""Where ``mcmirror serve`` lives in these tests: its configuration, its state, its port, and whom it tells."""

import http.client
import json
import signal
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mcmirror.model.record import Record
from mcmirror.store.database import Database
from mcmirror.store.inbox import Inbox
from mcmirror.store.paths import inbox
from mcmirror.store.runs import Runs
from tests.faults.stage import processes
from tests.servers.command import COMMAND, Cli
from tests.servers.server import free_port
from tests.serving import PATIENCE, Serving
from tests.waiting import until

TOKEN = "the-token-of-these-tests"
Words = tuple[str | Path, ...]
Tables = dict[str, dict[str, Any]]
QUICK: dict[str, Any] = {
    "every": "1s",
    "retries": 1,
    "retry_delay": "100ms",
    "stall_timeout": "3s",
    "remove": True,
    "max_delete": "unlimited",
    "overwrite": True,
}
"""What a job is here unless it says otherwise."""


class Serve(Serving):
    """One ``mcmirror serve``."""

    def __init__(self, command: list[str | Path], environment: Mapping[str, str], folder: Path, port: int) -> None:
        super().__init__(command, environment, folder, port)
        self.port = port

    def ask(self, method: str, path: str, token: str = TOKEN, sent: object = None) -> tuple[int, Any]:
        """Status and document of an answer of the API; 0 and None when there is none."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            body = None if sent is None else json.dumps(sent)
            connection.request(method, f"/api/v1/{path}", body, {"Authorization": f"Bearer {token}"})
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        except (OSError, http.client.HTTPException):
            return 0, None
        finally:
            connection.close()

    def post(self, path: str, status: int = 202) -> Any:
        """The document that a request to do something comes to."""
        found, document = self.ask("POST", path)
        assert status == found, document
        return document

    def job(self, name: str) -> Any:
        """How a job is."""
        return self.ask("GET", f"jobs/{name}")[1]

    @property
    def up(self) -> bool:
        """Whether it answers."""
        return self.status("/healthz") == 200

    def kill(self) -> None:
        """As ``kill -9`` does."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    @property
    def lines(self) -> list[dict[str, Any]]:
        """What it has logged."""
        return [json.loads(line) for line in self.log.splitlines() if line.startswith("{")]

    def said(self, event: str) -> list[dict[str, Any]]:
        """Lines of this kind."""
        return [line for line in self.lines if line.get("event") == event]


@dataclass
class House:
    """Everything that outlives one ``serve``; ``start`` begins one, and it is ended with the test."""

    cli: Cli
    stack: ExitStack
    jobs: Tables = field(default_factory=dict)
    aliases: Tables = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    notify: Tables = field(default_factory=dict)
    replications: Tables = field(default_factory=dict)
    defaults: dict[str, Any] = field(default_factory=lambda: dict(QUICK))
    name: str = "mcmirror.toml"

    @property
    def folder(self) -> Path:
        return self.cli.folder

    @property
    def state(self) -> str:
        """The state's address."""
        written = self.settings.get("state")
        return str(written) if written else f"sqlite:///{self.folder / 'home/.local/state/mcmirror/state.db'}"

    def write(self) -> Path:
        """Write the configuration as it is now, in one move."""
        defaults = {**self.defaults, "notify": list(self.notify)}
        tables: Tables = {"settings": {"grace": "60s", **self.settings}, "defaults": defaults}
        tables |= {f"alias.{name}": table for name, table in self.aliases.items()}
        tables |= {f"job.{name}": table for name, table in self.jobs.items()}
        tables |= {f"notify.{name}": table for name, table in self.notify.items()}
        tables |= {f"replication.{name}": table for name, table in self.replications.items()}
        path = self.folder / self.name
        new = path.with_suffix(".new")
        new.write_text(written(tables))
        return new.replace(path)

    def start(
        self,
        *arguments: str,
        up: bool = True,
        before: Words = (),
        command: Words = (COMMAND,),
        port: int = 0,
        **variables: str,
    ) -> Serve:
        """Start one, and return once it answers; ``before`` stands in front of the ``command``."""
        self.write()
        port = port or free_port()
        words = [*before, *command, "serve", "--config", self.folder / self.name]
        environment = {**self.cli.environment, "MCMIRROR_API_TOKEN": TOKEN, **variables}
        serve = Serve([*words, "--listen", f"127.0.0.1:{port}", *arguments], environment, self.folder, port)
        self.stack.enter_context(serve)
        if up:
            serve.until(lambda: serve.up)
        return serve

    def run(self, *arguments: str, **variables: str) -> Any:
        """Another command beside it, with the same configuration."""
        return replace(self.cli, environment={**self.cli.environment, **variables})(
            *arguments, "--config", str(self.folder / self.name)
        )

    def runs(self) -> Runs:
        """What is remembered, as another process sees it."""
        return Runs(Database(self.state), Inbox(inbox(self.state)))

    def records(self, job: str = "", status: str = "") -> tuple[Record, ...]:
        """Runs that have ended or go on, the newest first."""
        return self.runs().runs(job=job, status=status, limit=100_000)

    def ended(self, job: str = "") -> list[str]:
        """The verdicts, the oldest first."""
        return [record.status for record in reversed(self.records(job)) if record.report]

    def comes(self, job: str, *statuses: str, after: int = 0) -> None:
        """Wait for verdicts of a job, in this order, among the runs after the first so many."""

        def there() -> bool:
            rest = iter(self.ended(job)[after:])
            return all(status in rest for status in statuses)

        until(there, PATIENCE)

    def another(self, job: str, status: str = "succeeded") -> None:
        """Wait for a verdict of a run that has not begun yet."""
        known = {record.id for record in self.records(job)}
        until(lambda: any(one.id not in known for one in self.records(job, status)), PATIENCE)


def written(tables: Mapping[str, Mapping[str, Any]]) -> str:
    """As TOML, which takes JSON's texts, numbers, lists and booleans."""
    return "\n".join(
        "\n".join([f"[{heading}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items()), ""])
        for heading, table in tables.items()
    )


def assert_no_mc(*places: str) -> None:
    """No mc works on any of these places; it may take the kernel a moment."""

    def gone() -> bool:
        return not [
            argv
            for _, argv in processes()
            if argv[:1] and Path(argv[0]).name == "mc" and any(place in part for place in places for part in argv)
        ]

    until(gone)


def in_time(condition: Callable[[], object]) -> None:
    """Wait for it."""
    until(condition, PATIENCE)
