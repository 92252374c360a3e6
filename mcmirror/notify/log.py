"""The log of a server: short lines for people, JSON lines for machines."""

import json
import logging
import os
import threading
import traceback
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, TextIO

from mcmirror.config import Configuration
from mcmirror.model.event import Event, RunFinished
from mcmirror.model.record import Record
from mcmirror.model.wording import harmless, shown_seconds
from mcmirror.notify.log_lines import BAD, ODD, OK, Line, Narrator
from mcmirror.notify.log_stream import Stream

_COLOURS = {OK: "32", ODD: "33", BAD: "31"}
_ASCII = {OK: "OK", BAD: "X"}
_JOBS_NAMED = 20
_RULE = "=" * 41


class Log:
    """Writes lines to ``stream``; from any thread. A stream that is closed, full or stuck ends nothing.

    ``style`` is ``text`` or ``json``; ``zone`` that of the times; ``sidecar`` takes the words of S3_SYNC_*'s users.
    """

    def __init__(  # noqa: PLR0913  each from another hand
        self,
        style: str,
        stream: TextIO,
        zone: tzinfo = UTC,
        redact: Callable[[str], str] = str,
        *,
        sidecar: bool = False,
        debug: bool = False,
        environ: Mapping[str, str] = os.environ,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._stream = Stream(stream, self._lost)
        self._zone = zone
        self._redact = redact
        self._sidecar = sidecar
        self._debug = debug
        self._now = now
        self._lock = threading.RLock()
        self._narrator = Narrator(sidecar=sidecar, debug=debug)
        self._runs: dict[str, str] = {}
        self._looping = False
        terminal = stream.isatty() and environ.get("TERM", "") not in {"", "dumb"}
        self._colour = terminal and not environ.get("NO_COLOR")
        self._write = self._json if style == "json" else self._text
        self._style = style
        self.handler: logging.Handler = _Handler(self, debug=debug)
        """Takes in what the package itself logs."""

    def event(self, event: Event) -> None:
        """Hear what a run says: an observer."""
        with self._lock:
            for line in self._narrator.hear(event):
                self._write(line)
            if isinstance(event, RunFinished):
                self._runs.pop(event.job, None)

    def begun(self, record: Record) -> None:
        """Hear that a run begins, so that its lines can name it."""
        with self._lock:
            self._runs[record.job] = record.id

    def say(self, level: str, event: str, text: str, /, **fields: object) -> None:
        """Say something of the server's own: ``event`` for machines, ``text`` for people.

        Of the fields ``job`` is the job; ``why`` and ``remedy`` people see on lines of their own, the others not.
        """
        given = dict(fields)
        job = str(given.pop("job", ""))
        more = tuple(
            f"  {label:<4} {harmless(' '.join(str(given[key]).split()))}"
            for label, key in (("why:", "why"), ("do:", "remedy"))
            if given.get(key)
        )
        mark = {"warning": ODD, "error": BAD}.get(level, "")
        with self._lock:
            if event == "next_run" and isinstance(given.get("seconds"), int | float):
                text = self._next_run(float(str(given["seconds"])), text)
            self._write(Line(level, event, harmless(text), mark, more, job, given))

    def begin(self, configuration: Configuration) -> None:
        """Say what is served, once."""
        with self._lock:
            jobs = configuration.jobs
            self._narrator.attempts = {name: job.retries + 1 for name, job in jobs.items()}
            if self._style == "json":
                self._started(configuration)
            else:
                if self._sidecar:
                    self._banner(configuration)
                else:
                    text = f"Serving {_served(configuration)} from {harmless(configuration.origin)}"
                    self._write(Line("info", "started", text))
                for note in configuration.notes:
                    self._write(Line("warning", "note", harmless(note), ODD))
            if configuration.paused:
                text = "Syncing is switched off: S3_SYNC_ENABLED is not true. Nothing runs; health checks are answered."
                self._write(Line("warning", "paused", text, ODD))
            elif jobs and not any(_planned(configuration, name) for name in jobs):
                remedy = "MIRROR_CRON or MIRROR_INTERVAL" if configuration.path is None else "cron or every in a job"
                text = "No job has a schedule: they run when they are asked for"
                do = f"set {remedy}"
                self._write(Line("warning", "no_schedule", text, ODD, (f"  do:  {do}",), fields={"remedy": do}))

    def _started(self, configuration: Configuration) -> None:
        fields = {
            "jobs": list(configuration.jobs)[:_JOBS_NAMED],
            "count": len(configuration.jobs),
            "relays": list(configuration.relays),
            "configuration": configuration.origin,
            "paused": configuration.paused,
            "notes": list(configuration.notes),
        }
        self._write(Line("info", "started", "mcmirror serves", fields=fields))

    def _banner(self, configuration: Configuration) -> None:
        """As the sidecar's users know it, from what is configured."""
        title = f"{configuration.settings.service or 'mcmirror'} S3 Bucket Sync Service"
        self._plain((_RULE, f"  {harmless(title)}", _RULE, ""))
        for name, job in configuration.jobs.items():
            source, target = configuration.aliases[job.source.alias].url, configuration.aliases[job.target.alias].url
            self._write(Line("info", "configured", "Configuring MinIO client aliases..."))
            self._write(Line("info", "configured", f"Source alias configured: {harmless(source)}", OK))
            self._write(Line("info", "configured", f"Destination alias configured: {harmless(target)}", OK))
            interval = configuration.schedules[name].every
            rows = (
                ("Source", f"{source}/{job.source.path}"),
                ("Destination", f"{target.partition('://')[2]}/{job.target.path}"),
                ("Interval", f"{interval:.0f} seconds after each sync"),
                ("Max Retries", str(job.retries)),
                ("Removal", f"on, at most {job.max_delete}" if job.options.remove else "off"),
            )
            self._plain(("", "Configuration:", *(f"  {f'{key}:':<12} {harmless(text)}" for key, text in rows), ""))

    def _lost(self, number: int) -> str:
        """What stands where lines could not be written."""
        now = self._now().astimezone(self._zone)
        if self._style == "json":
            head = {"time": now.isoformat(timespec="milliseconds"), "level": "warning", "event": "lines_lost"}
            return json.dumps(head | {"lines": number})
        return f"[{now:%Y-%m-%d %H:%M:%S}] ! WARNING: {number:,} lines are missing here: nobody took them"

    def _next_run(self, seconds: float, text: str) -> str:
        if not self._sidecar:
            moment = (self._now() + timedelta(seconds=seconds)).astimezone(self._zone)
            return f"Next run at {moment:%Y-%m-%d %H:%M:%S}, in {shown_seconds(seconds)}"
        if not self._looping:
            self._looping = True
            self._write(Line("info", "looping", "Starting continuous sync loop..."))
        return text

    def _plain(self, lines: Iterable[str]) -> None:
        self._stream.write("".join(f"{self._redact(line)}\n" for line in lines))

    def _text(self, line: Line) -> None:
        if line.quiet or (line.level == "debug" and not self._debug):
            return
        stamp = f"[{self._now().astimezone(self._zone):%Y-%m-%d %H:%M:%S}] "
        name = f"{harmless(line.job)}: " if line.job and not self._sidecar else ""
        mark = line.mark if self._stream.symbols else _ASCII.get(line.mark, line.mark)
        word = {"error": "ERROR: ", "warning": "WARNING: "}.get(line.level, "")
        head = f"{mark} " if mark else ""
        texts = [f"{head}{word}{line.text}", *(f"{head}{word}{more}" for more in line.more)]
        self._stream.write("".join(f"{stamp}{self._paint(name + self._redact(text), line)}\n" for text in texts))

    def _paint(self, text: str, line: Line) -> str:
        code = _COLOURS.get(line.mark) or ("2" if line.level == "debug" else "")
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour and code else text

    def _json(self, line: Line) -> None:
        if line.level == "debug" and not self._debug:
            return
        run = self._runs.get(line.job, "")
        about = {key: value for key, value in (("job", line.job), ("run", run), ("text", line.text)) if value}
        now = self._now().astimezone(self._zone).isoformat(timespec="milliseconds")
        document = {"time": now, "level": line.level, "event": line.event, **about, **line.fields}
        self._stream.write(f"{json.dumps(_redacted(document, self._redact))}\n")


class _Handler(logging.Handler):
    """What the package logs, as lines like the others."""

    def __init__(self, log: Log, *, debug: bool) -> None:
        super().__init__(logging.DEBUG if debug else logging.WARNING)
        self._log = log
        self._debug = debug

    def emit(self, record: logging.LogRecord) -> None:
        level = (
            "error" if record.levelno >= logging.ERROR else "warning" if record.levelno >= logging.WARNING else "info"
        )
        fields: dict[str, object] = {"logger": record.name}
        text, error = record.getMessage(), record.exc_info[1] if record.exc_info else None
        if error is not None:
            text += f": {type(error).__name__}: {error}"
            fields["traceback"] = "".join(traceback.format_exception(error))
            if self._debug:
                fields["why"] = fields["traceback"]
        self._log.say(level, "logged", text, **fields)


def _planned(configuration: Configuration, job: str) -> bool:
    """Whether the job ever begins by itself."""
    schedule = configuration.schedules.get(job)
    return schedule is not None and bool(schedule.cron or schedule.every or schedule.at_start)


def _redacted(value: Any, redact: Callable[[str], str]) -> Any:
    match value:
        case str():
            return redact(value)
        case Mapping():
            return {str(key): _redacted(one, redact) for key, one in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_redacted(one, redact) for one in value]
        case bool() | int() | float() | None:
            return value
        case _:
            return redact(str(value))


def _served(configuration: Configuration) -> str:
    """``2 jobs and 1 relay``."""
    counts = [("job", len(configuration.jobs)), ("relay", len(configuration.relays))]
    words = [f"{count:,} {word}{'' if count == 1 else 's'}" for word, count in counts if count]
    return " and ".join(words) or "0 jobs"
