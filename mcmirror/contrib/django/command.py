"""What the commands of manage.py share: what they print, and how they end."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from mcmirror.config import ConfigError
from mcmirror.contrib.django.mirroring import job_backlog
from mcmirror.messages.problems import by_category
from mcmirror.model.problem import Problem
from mcmirror.model.redact import without_user
from mcmirror.model.report import ExitCode
from mcmirror.model.stop import Stop
from mcmirror.model.wording import harmless
from mcmirror.service.backlog import JobBacklog
from mcmirror.store.database import Unusable


class MirrorCommand(BaseCommand):
    """A command on the backlog. Exit codes: those of ``mcmirror backlog``."""

    redact: Callable[[str], str] = staticmethod(without_user)
    loud = True

    def execute(self, *args: Any, **options: Any) -> Any:
        """Run it; ``--verbosity 0`` says only what went wrong."""
        self.loud = options.get("verbosity", 1) > 0
        return super().execute(*args, **options)

    @contextmanager
    def backlog(self) -> Iterator[tuple[JobBacklog, Stop]]:
        """The backlog, and a stop that Ctrl-C and SIGTERM request; raises CommandError for what keeps it from use."""
        stop = Stop()
        try:
            with job_backlog() as backlog, stopping(stop):
                self.redact = backlog.service.redact
                yield backlog, stop
        except ConfigError as error:
            for one in error.mistakes:
                self.problem(one.sentence, "", one.remedy)
            raise CommandError("the settings cannot be used", returncode=ExitCode.USAGE) from None
        except Unusable as error:
            raise CommandError(self.plain(str(error)), returncode=ExitCode.FAILED) from None

    def say(self, text: str) -> None:
        """One line of the result."""
        if self.loud:
            self.stdout.write(self.plain(text))

    def problem(self, what: str, why: str, remedy: str) -> None:
        """What, why, what to do."""
        lines = (f"problem: {what}", f"  why: {why}" if why else "", f"  do:  {remedy}" if remedy else "")
        for line in filter(None, lines):
            self.stderr.write(self.plain(line))

    def problems(self, found: tuple[Problem, ...]) -> None:
        """One of each kind."""
        for told in by_category(found):
            self.problem(told.counted, told.why, told.remedy)

    def plain(self, text: str) -> str:
        """Without secrets and control characters."""
        return harmless(self.redact(text), keep_newlines=True)


def ended(stop: Stop, code: int, what: str) -> None:
    """Raise CommandError unless all is well."""
    if stop.requested:
        raise CommandError("stopped; what was begun comes back by itself", returncode=128 + (stop.signal or 2))
    if code:
        raise CommandError(what, returncode=int(code))


@contextmanager
def stopping(stop: Stop) -> Iterator[None]:
    """Hand SIGINT and SIGTERM to ``stop`` while the block runs; only the main thread can."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def handle(number: int, _: Any) -> None:
        if stop.requested:
            sys.exit(128 + number)
        stop.request(number)

    for number in before:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
