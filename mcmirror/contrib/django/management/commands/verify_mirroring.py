"""``manage.py verify_mirroring``."""

from typing import Any

from django.core.management.base import CommandParser

from mcmirror.contrib.django.command import MirrorCommand, ended
from mcmirror.messages.verdict import VERIFY, verdict
from mcmirror.model.job import Verb


class Command(MirrorCommand):
    """Says whether both buckets are equal, before the application is switched over."""

    help = (
        "List both buckets and say whether the mirroring bucket has every object of the main one, equal."
        " Exit codes: 0 it has, 3 something is missing or different, 1 nothing could be decided."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Its options."""
        parser.add_argument("--content", type=float, metavar="PERCENT", help="Read so many objects on both sides, too.")

    def handle(self, *_: Any, **options: Any) -> None:
        """Compare; nothing is copied."""
        with self.backlog() as (backlog, stop):
            (report,) = backlog.service.run((backlog.job,), verb=Verb.VERIFY, content=options["content"], stop=stop)
            end = verdict(report, VERIFY)
            self.problems(report.problems)
            for one in report.remaining[:20]:
                self.stderr.write(self.plain(f"  {one.key}: {one.reason}"))
            ended(stop, report.exit_code, end.text)
            self.say(end.text)
