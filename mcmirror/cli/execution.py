"""Executes one command: loads the service, attaches the observers, handles signals and writes the report files."""

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from mcmirror.cli import errors
from mcmirror.cli.console import Console, Manner
from mcmirror.cli.differences import Differences
from mcmirror.cli.jsonl import JsonLines
from mcmirror.cli.log import noted
from mcmirror.cli.mc_offer import offer_mc
from mcmirror.cli.metrics import Metrics
from mcmirror.cli.signals import stopping
from mcmirror.cli.stdout import Stdout
from mcmirror.cli.style import style_of
from mcmirror.messages.text_style import Style
from mcmirror.model.event import Event, Observer, Planned, RunFinished
from mcmirror.model.job import Job, Origin
from mcmirror.model.lock import Lock
from mcmirror.model.redact import redact, redactors
from mcmirror.model.report import ExitCode, RunReport, Status
from mcmirror.model.stop import Stop
from mcmirror.model.wording import harmless
from mcmirror.notify import files

if TYPE_CHECKING:
    from mcmirror.notify.message import NotTold
    from mcmirror.service import Service


@dataclass(frozen=True, slots=True)
class Output:
    """Who is told, and how much."""

    json: bool = False
    quiet: bool = False
    debug: bool = False
    tui: bool = False
    """On a screen of its own."""
    report_json: Path | None = None
    junit: Path | None = None
    textfile_dir: Path | None = None
    pushgateway: str | None = None

    def check(self, config: Path | None = None) -> None:
        """Find out before anything runs that a report cannot be written, or would replace what is needed: usage errors.

        ``config`` is the configuration as it was named.
        """
        if self.tui:
            from mcmirror.cli.dashboard import needs_terminal

            if self.json or self.quiet:
                raise typer.BadParameter(
                    "it shows the run; --json and --quiet do not. Leave one out.", param_hint="'--tui'"
                )
            needs_terminal("--tui")
        taken: dict[str, Path] = {}
        for option, path in (("--report-json", self.report_json), ("--junit", self.junit)):
            if path is None:
                continue
            if not taken:
                from mcmirror.config import find_file

                file = find_file(config, os.environ, Path.cwd())
                taken = {"the configuration": file} if file is not None else {}
            name = harmless(str(path))
            why = files.writable(path)
            clash = next((what for what, other in taken.items() if files.same(path, other)), "")
            if why:
                text = f"{name} cannot be written: {harmless(why)}. Name a file in a folder you own."
            elif clash:
                text = f"{name} is the file of {clash}. Name another one."
            else:
                taken[option] = path
                continue
            raise typer.BadParameter(text, param_hint=f"'{option}'")


@dataclass(frozen=True, slots=True)
class Task:
    """What a command asks of the service."""

    verb: str
    """run, plan or verify."""
    jobs: "Callable[[Service], Sequence[Job]]"
    again: Callable[[str], str]
    """The command that carries a job out, by its name."""
    config: Path | None = None
    needs_jobs: bool = False
    content: float | None = None
    """Percent of the objects whose content is read."""
    metadata: float | None = None
    """Percent of the objects whose metadata is compared, and repaired by a run."""
    parallel: int | None = None
    lock: Lock | None = None
    """What to do while another run writes to the target; None: what the job's configuration says."""


def carrying_out(again: Callable[[str], str], written: Mapping[str, Job]) -> Callable[[str], str]:
    """Return the same commands; where a job is a dry run as it is configured, with what makes it none."""

    def command(name: str) -> str:
        job = written.get(name)
        if job is None or not job.options.dry_run:
            return again(name)
        if job.origin is Origin.FILE:
            return f"{again(name)}, without dry_run = true in mcmirror.toml,"
        return f"MIRROR_DRY_RUN=false {again(name)}"

    return command


class Finds:
    """An observer that knows whether any plan has something to do."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._removing = {job.name for job in jobs if job.options.remove}
        self.anything = False

    def __call__(self, event: Event) -> None:
        """Look at plans."""
        if isinstance(event, Planned):
            removals = event.plan.extraneous.objects if event.job in self._removing else 0
            self.anything = self.anything or bool(event.plan.copies.objects or removals)


def execute(task: Task, output: Output, *, differences_exit: bool = False) -> int:
    """Run the task and return the exit code of the process."""
    output.check(task.config)
    from mcmirror.cli import executors
    from mcmirror.model.job import Verb
    from mcmirror.service import Service

    executors.register()
    service = Service.load(task.config, needs_jobs=task.needs_jobs)
    redactors.append(service.redact)
    jobs = tuple(task.jobs(service))
    offer_mc(service)
    metrics = Metrics.of(service, output.textfile_dir, output.pushgateway) if task.verb == Verb.RUN.value else None
    style = style_of(sys.stderr)
    told, notes = service.configuration.unheeded, service.configuration.notes
    _notes(told if output.quiet else notes, style)
    stop, finds = Stop(), Finds(jobs)
    manner = Manner(
        verb=task.verb,
        quiet=output.quiet,
        debug=output.debug or service.configuration.settings.debug or bool(os.environ.get(errors.DEBUG)),
        jobs=len(jobs),
        again=carrying_out(task.again, service.configuration.jobs),
        redact=service.redact,
    )

    def run(observers: Sequence[Observer]) -> tuple[RunReport, ...]:
        return service.run(
            jobs,
            observers,
            verb=Verb(task.verb),
            content=task.content,
            metadata=task.metadata,
            parallel=task.parallel,
            stop=stop,
            debug=manner.debug,
            lock=task.lock,
        )

    watched = _watched(jobs, run, stop, service.configuration.settings.grace) if output.tui else None
    with stopping(stop):
        with Console(sys.stderr, style, manner) as console, noted(console, debug=manner.debug):
            out = _stdout(console, service.redact, stop, task.verb)
            observers: list[Observer] = [finds, console]
            if output.json:
                observers.append(JsonLines(out, differences=task.verb == Verb.PLAN.value))
            elif task.verb == Verb.PLAN.value:
                observers.append(Differences(out, jobs))
            if watched is None:
                reports = run(observers)
            else:
                reports = watched
                for report in reports:
                    console(RunFinished(report.job, report))
        written = write_reports(reports, output, service.redact, os.environ)
        _not_told(_tried("notifications", lambda: service.finish(stop)), style)
        if metrics is not None:
            _not_told(_tried("metrics", lambda: metrics.hand_over(reports)), style)
    if output.quiet and not all(report.status is Status.SUCCEEDED for report in reports):
        _notes([note for note in notes if note not in told], style)
    code = ExitCode.worst(report.exit_code for report in reports)
    if out.broken and task.verb == Verb.PLAN.value:
        # Whoever read the plan had seen enough; there is no verdict to give.
        return int(ExitCode.FAILED)
    if differences_exit and finds.anything:
        code = ExitCode.worst((code, ExitCode.DIFFERENCES))
    return int(code if written and not out.failed else ExitCode.worst((code, ExitCode.FAILED)))


def _watched(
    jobs: Sequence[Job], run: Callable[[Sequence[Observer]], tuple[RunReport, ...]], stop: Stop, grace: float
) -> tuple[RunReport, ...]:
    """Run them on a screen of its own; what they came to is said when that has gone."""
    from mcmirror.cli.dashboard import watched

    return watched(jobs, run, stop, grace)


def _stdout(console: Console, redact: Callable[[str], str], stop: Stop, verb: str) -> Stdout:
    """Where data goes; only when both streams are one terminal must the display make way for it."""

    def reader_gone() -> None:
        if verb == "plan":
            console.mute()
            stop.request()

    def lost(error: OSError) -> None:
        console.note(
            "stdout could not be written, and what goes there is lost", error.strerror or str(error), errors.OUTPUT
        )

    aside = console.aside if sys.stdout.isatty() else nullcontext
    return Stdout(sys.stdout.buffer, redact=redact, aside=aside, on_broken=reader_gone, on_failed=lost)


def _notes(notes: Sequence[str], style: Style) -> None:
    with suppress(OSError):
        for note in notes:
            print(style.paint(f"note: {harmless(redact(note))}", "yellow"), file=sys.stderr)


def _tried(name: str, hand_over: "Callable[[], Iterable[NotTold]]") -> "Iterable[NotTold]":
    """What could not be delivered; an exception is one of these."""
    try:
        return tuple(hand_over())
    except Exception as error:  # noqa: BLE001  the run is over, and its exit code stands
        from mcmirror.messages.exceptions import problem_of
        from mcmirror.notify.message import NotTold

        found = problem_of(error, f"not all {name} were handed over")
        return (NotTold(found.message, found.cause, found.remedy),)


def _not_told(what: "Iterable[NotTold]", style: Style) -> None:
    """Say what could not be delivered: it changes no verdict."""
    for failed in what:
        lines = (f"note: {failed.what}", f"  why: {failed.why}", f"  do:  {failed.remedy}")
        with suppress(OSError):
            print(*(style.paint(harmless(redact(line)), "yellow") for line in lines), sep="\n", file=sys.stderr)


def write_reports(
    reports: Sequence[RunReport], output: Output, redact: Callable[[str], str], environ: Mapping[str, str]
) -> bool:
    """Write every report that was asked for; what fails is said and does not hinder the others."""
    wanted: list[tuple[Path, Callable[[Path, str], None], Callable[[], str]]] = []
    if output.report_json is not None:
        from mcmirror.codec.documents import json_report

        wanted.append((output.report_json, files.write_whole, lambda: json_report(reports)))
    if output.junit is not None:
        from mcmirror.notify.junit import junit

        wanted.append((output.junit, files.write_whole, lambda: junit(reports)))
    page = environ.get("GITHUB_STEP_SUMMARY")
    if page:
        from mcmirror.notify.github import summary

        # Nobody asked for the page by name: it is no reason to fail.
        _written(Path(page), files.append, lambda: summary(reports), redact)
    if environ.get("GITHUB_ACTIONS") == "true":
        from mcmirror.notify.github import annotations

        for report in reports:
            for line in annotations(report):
                # GitHub reads both streams; stdout is data.
                with suppress(OSError):
                    print(redact(line), file=sys.stderr)
    written = [_written(path, write, render, redact) for path, write, render in wanted]
    return all(written)


def _written(
    path: Path, write: Callable[[Path, str], None], render: Callable[[], str], redact: Callable[[str], str]
) -> bool:
    try:
        write(path, redact(render()))
    except Exception as error:  # noqa: BLE001  one report must not cost the others
        reason = error.strerror if isinstance(error, OSError) else ""
        errors.say(
            f"the report {path} was not written",
            reason or f"{type(error).__name__}: {error}",
            "what the run did stands; make room or name another file, and run again for a report",
        )
        return False
    return True
