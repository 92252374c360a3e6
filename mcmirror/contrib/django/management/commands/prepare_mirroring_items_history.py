"""``manage.py prepare_mirroring_items_history``."""

from typing import Any

from mcmirror.contrib.django.command import MirrorCommand, ended
from mcmirror.messages.verdict import PLAN, verdict
from mcmirror.model.wording import objects


class Command(MirrorCommand):
    """Fills the backlog with what was uploaded before there was a mirror."""

    help = (
        "Put every object of the main bucket that the mirroring bucket has not, or has otherwise, into the backlog."
        " Both buckets are listed once, nothing is copied, and what waits already is not put in twice."
    )

    def handle(self, *_: Any, **__: Any) -> None:
        """List both buckets."""
        with self.backlog() as (backlog, stop):
            done = backlog.prepare(lambda _: None, stop)
            self.problems(done.report.problems)
            if not done.report.exit_code:
                waited = done.differing - done.added
                self.say(f"{objects(done.added)} put in" + (f", {waited:,} waited already" if waited else ""))
                if done.differing:
                    self.say("next: manage.py process_pending_mirror_tasks")
            ended(stop, done.report.exit_code, verdict(done.report, PLAN).sentence)
