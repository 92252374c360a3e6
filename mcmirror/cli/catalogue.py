"""The commands of `mcmirror` by name, with a line of help and examples: known before anything is installed.

Standard library alone: the launcher of a fresh checkout runs this file to answer ``--help``.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ABOUT = "Mirror buckets with mc, and know that the copy is there: plan, guard, copy, verify."
CODES = (
    "Exit codes: 0 succeeded, 1 failed, 2 usage or configuration, 3 partial, 4 refused, 10 plan --exit-code found"
    " something to do, 75 locked, 130 Ctrl-C, 143 SIGTERM."
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One command."""

    place: str
    """``module:attribute`` in mcmirror.cli: a function or a Typer application."""
    line: str
    """What it does, in one line."""


COMMANDS = {
    "demo": Entry("demo:demo", "Two throw-away S3 servers, sample data, a verified mirror: the first minute."),
    "mirror": Entry("mirror:app", "Mirror one SOURCE to one TARGET and verify it."),
    "run": Entry("run:app", "Run the jobs of mcmirror.toml or of the environment."),
    "serve": Entry("serve:app", "Run the jobs on their schedules: sidecar, nightly, for months."),
    "agent": Entry("agent:app", "Jobs at other sites: run NAME, list, key."),
    "watch": Entry("watch:app", "Follow one job in real time, in the foreground, change by change."),
    "plan": Entry("plan:app", "Show what a run would do, object by object, and what it costs."),
    "verify": Entry("verify:app", "Say whether the copy is true."),
    "tui": Entry("dashboard:app", "The dashboard: see and steer every mirror from a terminal."),
    "alias": Entry("alias:app", "Servers and their credentials: set, list, test, import, remove."),
    "job": Entry("job:app", "Jobs as configured: list, show, import, pause, resume."),
    "events": Entry(
        "events:app", "Events that servers report, and their relay: add, remove, list, relay, dead, replay."
    ),
    "backlog": Entry(
        "backlog:app", "Keys worked off in batches: prepare, process, status, list, add, retry, purge, pause, resume."
    ),
    "replicate": Entry(
        "replicate:app", "MinIO's bucket replication: plan, apply, status, verify, resync, import, remove."
    ),
    "status": Entry("status:app", "How each job stands: last verdict, age of its last success, next run."),
    "history": Entry("history:app", "What was run, and what became of each object."),
    "health": Entry("health:app", "Ask the running serve whether all is well: the health check of a container."),
    "doctor": Entry("doctor:doctor", "Check mc, servers, credentials and rights; say what to do."),
    "explain": Entry("explain:explain", "What an error means and what to do about it."),
    "mc": Entry("mc:app", "mc itself: install, path, version."),
    "init": Entry("init:init", "Write a commented mcmirror.toml."),
    "schema": Entry("schema:schema", "Print the JSON Schema of mcmirror.toml."),
}
"""In the order a newcomer needs them."""

EXAMPLES: dict[str, tuple[str, ...]] = {
    "": ("mcmirror demo", "mcmirror mirror onprem/photos aws/photos-copy --dry-run", "mcmirror help mirror"),
    "demo": ("mcmirror demo", "mcmirror demo --agents"),
    "mirror": (
        "mcmirror mirror onprem/photos aws/photos-copy --create-target --dry-run",
        "mcmirror mirror onprem/photos aws/photos-copy --overwrite --remove",
        "mcmirror mirror ./photos aws/photos-copy --exclude '*.tmp'",
    ),
    "run": ("mcmirror run", "mcmirror run photos --dry-run", "mcmirror run --quiet --lock wait"),
    "serve": ("mcmirror serve", "mcmirror serve --listen 0.0.0.0:8080 --log json"),
    "agent": ("mcmirror agent seoul", "mcmirror agent list", "mcmirror agent key"),
    "agent run": ("mcmirror agent seoul", "mcmirror agent run seoul --parallel 8"),
    "agent list": ("mcmirror agent list", "mcmirror agent list --json"),
    "agent key": ("mcmirror agent key > seoul.key",),
    "watch": ("mcmirror watch uploads",),
    "plan": ("mcmirror plan photos", "mcmirror plan onprem/photos aws/photos-copy --overwrite --remove"),
    "verify": ("mcmirror verify photos", "mcmirror verify --content=10% onprem/photos aws/photos-copy"),
    "tui": ("mcmirror tui", "mcmirror tui --attach http://127.0.0.1:8080", "mcmirror tui --web"),
    "alias": ("mcmirror alias set onprem https://minio.example.com:9000", "mcmirror alias list"),
    "alias set": (
        "mcmirror alias set onprem https://minio.example.com:9000",
        "mcmirror alias set aws https://s3.amazonaws.com --access-key '{env:AWS_ID}' --secret-key '{env:AWS_SECRET}'",
    ),
    "alias list": ("mcmirror alias list", "mcmirror alias list --json"),
    "alias test": ("mcmirror alias test onprem",),
    "alias import": ("mcmirror alias import ~/.mc/config.json", "mcmirror alias import connections.json --force"),
    "alias remove": ("mcmirror alias remove onprem",),
    "job": ("mcmirror job list", "mcmirror job show photos"),
    "job list": ("mcmirror job list", "mcmirror job list --json"),
    "job show": ("mcmirror job show photos",),
    "job import": ("mcmirror job import connections.json jobs.json", "mcmirror job import - --force"),
    "job pause": ("mcmirror job pause photos", "mcmirror job pause"),
    "job resume": ("mcmirror job resume photos", "mcmirror job resume"),
    "events": (
        "mcmirror events add onprem/photos arn:minio:sqs::intermediate:webhook --on put,delete",
        "mcmirror events list onprem/photos",
    ),
    "events add": ("mcmirror events add onprem/photos arn:minio:sqs::intermediate:webhook --on replica --suffix .jpg",),
    "events remove": ("mcmirror events remove onprem/photos arn:minio:sqs::intermediate:webhook --on put",),
    "events list": ("mcmirror events list onprem/photos", "mcmirror events list onprem/photos --json"),
    "events relay": ("mcmirror events relay", "mcmirror events relay intermediate --listen 0.0.0.0:8090"),
    "events dead": ("mcmirror events dead intermediate", "mcmirror events dead intermediate --json"),
    "events replay": ("mcmirror events replay intermediate",),
    "backlog": ("mcmirror backlog prepare photos", "mcmirror backlog process photos"),
    "backlog prepare": ("mcmirror backlog prepare photos",),
    "backlog process": (
        "mcmirror backlog process photos",
        "mcmirror backlog process photos --batch-size 500 --parallel 4 --follow",
    ),
    "backlog status": ("mcmirror backlog status", "mcmirror backlog status photos --json"),
    "backlog list": ("mcmirror backlog list photos --state failed --state dead",),
    "backlog add": ("mcmirror backlog add photos 2026/11/cat.jpg", "mcmirror backlog add photos - < keys.txt"),
    "backlog retry": ("mcmirror backlog retry photos", "mcmirror backlog retry photos 2026/11/cat.jpg"),
    "backlog purge": ("mcmirror backlog purge photos", "mcmirror backlog purge photos --state dead"),
    "backlog pause": ("mcmirror backlog pause photos",),
    "backlog resume": ("mcmirror backlog resume photos",),
    "replicate": ("mcmirror replicate plan link", "mcmirror replicate apply link"),
    "replicate plan": ("mcmirror replicate plan link", "mcmirror replicate plan link --exit-code"),
    "replicate apply": ("mcmirror replicate apply link",),
    "replicate status": ("mcmirror replicate status link", "mcmirror replicate status link --watch --every 10s"),
    "replicate verify": ("mcmirror replicate verify link", "mcmirror replicate verify link --json"),
    "replicate resync": ("mcmirror replicate resync link",),
    "replicate remove": ("mcmirror replicate remove link",),
    "replicate import": ("mcmirror replicate import link", "mcmirror replicate import link onprem/intermediate"),
    "status": ("mcmirror status", "mcmirror status --json"),
    "history": ("mcmirror history photos --status failed", "mcmirror history show last --all"),
    "health": ("mcmirror health", "mcmirror health --alive --url http://127.0.0.1:8080"),
    "doctor": ("mcmirror doctor", "mcmirror doctor photos"),
    "explain": ("mcmirror explain 'Access Denied'", "mcmirror explain too-many-deletes", "mcmirror explain agent"),
    "mc": ("mcmirror mc install", "mcmirror mc path"),
    "mc install": ("mcmirror mc install", "mcmirror mc install --from-go"),
    "mc path": ("mcmirror mc path",),
    "mc version": ("mcmirror mc version",),
    "init": ("mcmirror init", "mcmirror init --path backup.toml"),
    "schema": ("mcmirror schema > mcmirror.schema.json",),
}
"""By command, subcommands included; the root's are those of no name."""


def examples(name: str) -> str:
    """The examples of a command as a block of lines; empty when there are none."""
    lines = EXAMPLES.get(name, ())
    return "\n".join(("Examples:" if len(lines) > 1 else "Example:", *(f"  {line}" for line in lines))) if lines else ""


def overview() -> str:
    """What ``mcmirror --help`` says, as far as it is known before anything is installed."""
    width = max(map(len, COMMANDS)) + 2
    lines = [f"  {name:<{width}}{entry.line}" for name, entry in COMMANDS.items()]
    return "\n".join(("Usage: mcmirror [OPTIONS] COMMAND [ARGS]...", "", f"  {ABOUT}", "", "Commands:", *lines, "",
                      examples("")))  # fmt: skip


def _told(word: str) -> Iterator[str]:
    if word == "--version":
        text = (Path(__file__).parents[1] / "__init__.py").read_text(encoding="utf-8")
        found = re.search(r'__version__ = "(.+?)"', text)
        yield f"mcmirror {found[1] if found else 'of an unknown version'}"
        return
    if word in COMMANDS:
        yield from (f"mcmirror {word}: {COMMANDS[word].line}", "", examples(word))
    else:
        yield overview()
    yield ""
    yield "Nothing is installed yet. The first command that does something installs mcmirror into this checkout,"
    yield "which takes about a minute. From then on --help shows every option."


if __name__ == "__main__":
    print(*_told(sys.argv[1]), sep="\n")
