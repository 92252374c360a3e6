"""The generated parts of documents, each between ``<!-- name -->`` and ``<!-- /name -->``; ``bin/docs`` writes them.

What the program prints is captured from the program; what it decides (exit codes, troubles) is rendered from values.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from mcmirror.messages import error_lookup
from mcmirror.model.report import ExitCode
from tests import docs_samples, docs_serve, docs_tables
from tests.faults import table as faults
from tests.machine import ROOT, Machine, fenced, machine

T = TypeVar("T")
README = ROOT / "README.md"
FOLDER = ROOT / "docs"

MEANING = {
    ExitCode.SUCCEEDED: (
        "every object in scope is on the target, equal; having nothing to do is a success. Objects that differ and "
        "were left because overwrite is off do not change it, unless `--strict` makes them a failure (3)"
    ),
    ExitCode.FAILED: "nothing could be decided or done, or a report file could not be written",
    ExitCode.USAGE: "the command line or the configuration is wrong; nothing was started",
    ExitCode.PARTIAL: "some planned objects did not arrive; each is named",
    ExitCode.REFUSED: "the guard stopped the run before any write",
    ExitCode.DIFFERENCES: "`plan --exit-code` found something to do",
    ExitCode.LOCKED: "another run is at work on the same target",
    ExitCode.SIGINT: "Ctrl-C",
    ExitCode.SIGTERM: "SIGTERM",
}
SHOWN = ("job", "status", "exit_code", "verified", "planned", "done", "removed", "kept", "remaining", "problems")
"""What the documents show of a report."""
STEADY_CHECKS = (
    r"All checks passed!",
    r"\d+ files already formatted",
    r"Success: no issues found in \d+ source files",
    r"Contracts: \d+ kept, 0 broken\.",
    r"=+ \d+ passed in [^=]+ =+",
)
"""The lines of ``bin/test`` that say that a tool is content."""
STREAM = 'curl -fsSN -H "Authorization: Bearer $MCMIRROR_API_TOKEN" http://127.0.0.1:8080/api/v1/events'


def documents() -> dict[Path, str]:
    """Every document that is tested, with its text."""
    return {path: path.read_text() for path in (README, *sorted(FOLDER.glob("*.md")))}


def exit_codes() -> str:
    """Return the table of exit codes."""
    rows = [f"| {int(code)} | {MEANING[code]} |" for code in ExitCode]
    return "\n".join(["| code | meaning |", "| ---: | --- |", *rows]) + "\n"


def overview(help_text: str) -> str:
    """Return the list of commands, from ``mcmirror --help``."""
    listed = help_text.partition("Commands:\n")[2].partition("\n\n")[0]
    return f"```text\n{listed}\n```\n"


def demo(output: str) -> dict[str, str]:
    """Return the first scene of the demonstration, and the rest of it."""
    lines = output.replace(str(Path.home()), "~").splitlines()
    output = "\n".join(line for line in lines if not line.startswith("mcmirror: "))  # of the launcher's first use
    first, mark, rest = output.partition("\n2. ")
    return {
        "demo": f"```console\n$ bin/mcmirror demo\n{first.rstrip()}\n```\n",
        "demo-repair": f"```text\n{(mark + rest).strip()}\n```\n",
    }


def checks(output: str) -> str:
    """Return what ``bin/test`` says at its end: one line a tool. ValueError when one of them is missing."""
    lines = []
    for pattern in STEADY_CHECKS:
        found = [line for line in output.splitlines() if re.fullmatch(pattern, line.strip())]
        if not found:
            raise ValueError(f"bin/test did not print {pattern}:\n{output[-3000:]}")
        lines.append(re.sub(r" \([\d:]+\)$", "", found[-1].strip("= ")))
    return "```console\n$ bin/test\n" + "\n".join(lines) + "\n```\n"


def events(lines: Iterable[Mapping[str, Any]]) -> str:
    """Return two of the events of a run: ``verified`` whole, and what matters of ``run_finished``."""
    by_name = {line["event"]: line for line in lines}
    report = by_name["run_finished"]["report"]
    shown = compact({name: report[name] for name in SHOWN}).removesuffix("}")
    shown = re.sub(r'("planned|"removed|"problems)', r"\n  \1", shown)
    start = compact({name: value for name, value in by_name["run_finished"].items() if name != "report"})
    return f'```text\n{compact(by_name["verified"])}\n{start.removesuffix("}")},"report":{shown},...}}}}\n```\n'


def compact(document: object) -> str:
    """Return JSON as ``--json`` writes it."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def configuration() -> str:
    """The README's file, and what docs/serve.md adds to it for every night."""
    return "".join(fenced(path.read_text(), "toml")[0] for path in (README, FOLDER / "serve.md"))


def run_events(there: Machine) -> str:
    """Run the README's configuration once, and show its events."""
    there.write("mcmirror.toml", fenced(README.read_text(), "toml")[0])
    there.run(f'ln -sf "{ROOT}/bin/mcmirror" ../bin/ && mcmirror mc install')
    done = there.run("mcmirror run --json")
    if done.code:
        raise ValueError(done.stderr)
    return events(done.events)


def served(there: Machine) -> dict[str, str]:
    """What ``mcmirror serve`` says while it runs."""
    log = docs_serve.nightly_log(there, configuration())
    there.empty(there.aws, "photos-copy")
    return {
        "serve-log": log,
        "event-stream": docs_serve.event_stream(there, configuration(), STREAM),
        "sidecar-log": docs_serve.sidecar_log(there, (FOLDER / "sidecar.md").read_text()),
    }


def settled(help_text: str) -> dict[str, str]:
    """Return the parts that are the same at each run."""
    return {
        "commands": overview(help_text),
        "exit-codes": exit_codes(),
        "faults": faults.markdown(),
        "faults-counted": faults.counted(),
        "troubleshooting": error_lookup.markdown(),
        "status": docs_samples.status(),
        "history": docs_samples.history(),
        "history-show": docs_samples.history_show(),
        "ready": docs_samples.ready(),
        "replication-status": docs_samples.replication_status(),
        "slack": docs_samples.slack_messages(),
        "digest": docs_samples.slack_digest(),
        "post": docs_samples.post(),
        "placeholders": docs_tables.placeholders(),
        "metrics": docs_tables.metrics(),
        "sidecar": docs_tables.sidecar_variables(),
    }


def block(markdown: str, name: str) -> str:
    """Return what stands between the markers of a name."""
    found = re.search(rf"<!-- {name} -->\n(.*?)<!-- /{name} -->", markdown, flags=re.DOTALL)
    if not found:
        raise ValueError(f"there is no <!-- {name} --> ... <!-- /{name} -->")
    return found[1]


def replaced(markdown: str, blocks: Mapping[str, str]) -> str:
    """Return the text with these blocks between their markers, as far as it has them."""
    for name, text in blocks.items():
        if f"<!-- {name} -->" in markdown:
            old = block(markdown, name)
            markdown = markdown.replace(
                f"<!-- {name} -->\n{old}<!-- /{name} -->", f"<!-- {name} -->\n{text}<!-- /{name} -->"
            )
    return markdown


def generated(markdown: str) -> tuple[str, ...]:
    """The names of the generated parts of a document."""
    return tuple(re.findall(r"^<!-- ([a-z-]+) -->$", markdown, flags=re.MULTILINE))


def links(markdown: str) -> list[tuple[str, str]]:
    """The file and the heading of each link that is no address; no file for a heading of the same document."""
    plain = re.sub(r"^```.*?^```$", "", markdown, flags=re.DOTALL | re.MULTILINE)
    found = [link.partition("#") for link in re.findall(r"\]\(([^):\s]+)\)", plain)]
    return [(name, heading) for name, _, heading in found]


def everything() -> str:
    """All documents as one text."""
    return "".join(documents().values())


def homeless(blocks: Iterable[str]) -> list[str]:
    """The blocks that no document has."""
    text = everything()
    return [name for name in blocks if f"<!-- {name} -->" not in text]


def printed(*command: str) -> str:
    """Run a command of this checkout; both its streams. Its failure is ours."""
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "80", "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ValueError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-3000:]}")
    return done.stdout


def main() -> None:
    """Write the blocks; only those that were named, or all but the checks, which take minutes."""
    parts: dict[str, Callable[[], Mapping[str, str]]] = {
        "settled": lambda: settled(printed("bin/mcmirror", "--help")),
        "demo": lambda: demo(printed("bin/mcmirror", "demo")),
        "events": lambda: {"events": _on_a_machine(run_events)},
        "serve": lambda: _on_a_machine(served),
        "test": lambda: {"test": checks(printed("bin/test"))},
    }
    parser = argparse.ArgumentParser(prog="bin/docs", description="Write the generated parts of README.md and docs/.")
    parser.add_argument("part", nargs="*", choices=[[], *parts], help="default: settled demo events serve")
    for part in parser.parse_args().part or ("settled", "demo", "events", "serve"):
        print(f"bin/docs: {part}", file=sys.stderr)
        blocks = parts[part]()
        if missing := homeless(blocks):
            raise ValueError(f"no document has <!-- {missing[0]} -->")
        for path, text in documents().items():
            path.write_text(replaced(text, blocks))


def _on_a_machine(make: Callable[[Machine], T]) -> T:
    with tempfile.TemporaryDirectory() as folder, machine(Path(folder)) as there:
        return make(there)


if __name__ == "__main__":
    main()
