"""Jobs, their runs, and the processes that tell of them, as the tests of notify make them."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from mcmirror.config import Configuration, load
from mcmirror.model.plan import Count
from mcmirror.model.record import Cause, Record, interrupted, run_id
from mcmirror.model.report import RunReport, Status, Tally
from mcmirror.notify.digest import History
from mcmirror.notify.dispatcher import Dispatcher
from mcmirror.notify.listener import audience
from mcmirror.notify.message import Desk, NotTold
from mcmirror.store.database import Database
from mcmirror.store.outbox import Outbox
from tests.servers.slack import CHANNEL, TOKEN, FakeSlack
from tests.ui_samples import PARTIAL, VERIFIED

FAILED = replace(PARTIAL, status=Status.FAILED, verified=False, tally=Tally(), remaining=())
IDLE = replace(VERIFIED, tally=Tally(equal=Count(5, 5)))
SECRET = "hunter2hunter2"
JOBS = """
[settings]
service = "shop"
[job.photos]
source = "./a"
target = "./b"
notify = ["ops"]
[job.docs]
source = "./c"
target = "./d"
notify = ["ops"]
[notify.ops]
"""
SLACK = f'type = "slack"\ntoken = "{{env:TOKEN}}"\nchannel = "{CHANNEL}"\n'
HOOK = 'type = "slack"\nwebhook = "{env:HOOK}"\n'
CHECK = 'type = "webhook"\nurl = "{env:PING}"\n'
JSON = 'type = "webhook"\nformat = "json"\nurl = "{env:JSON}"\nsecret = "{env:SECRET}"\n'


class Nights:
    """The same jobs, a night after the other; each night a new process, and a clock that is set by hand."""

    def __init__(self, folder: Path, fake: FakeSlack | None, notifier: str, state: str = "") -> None:
        self.folder = folder
        self.state = state or f"sqlite:///{folder}/state/state.db"
        (folder / "mcmirror.toml").write_text(JOBS + notifier)
        self.environ = {"HOME": str(folder), "TOKEN": TOKEN, "SECRET": SECRET}
        if fake is not None:
            self.environ |= {"HOOK": fake.hook, "PING": fake.ping, "SLACK_API_URL": fake.api_url}
        self.now = datetime(2026, 11, 21, 2, tzinfo=UTC)
        self.limit = 60.0

    @property
    def configuration(self) -> Configuration:
        """As it is written."""
        return load(None, self.environ, self.folder, needs_jobs=True)

    def outbox(self) -> Outbox:
        """What another process would see."""
        return Outbox(Database(self.state))

    def teller(
        self, *, together: Iterable[str] = (), history: History | None = None, outbox: Outbox | None = None
    ) -> Dispatcher:
        """A process that hears of every job."""
        configuration = self.configuration
        return Dispatcher(
            audience(configuration, configuration.jobs.values(), self.environ),
            outbox or self.outbox(),
            Desk(configuration.settings.service),
            together=together,
            history=history,
            now=lambda: self.now.timestamp(),  # noqa: PLW0108  the clock moves
        )

    def begun(self, job: str = "photos") -> Record:
        """A run that goes on."""
        found = self.configuration.jobs[job]
        started = self.now.isoformat(timespec="milliseconds")
        return Record(run_id(self.now), job, str(found.source), str(found.target), Cause.SCHEDULE, started, "here", 1)

    def ended(self, report: RunReport, begun: Record | None = None) -> Record:
        """A run that came to this."""
        record = begun or self.begun(report.job)
        report = replace(report, source=record.source, target=record.target)
        return replace(record, finished=self.now.isoformat(timespec="milliseconds"), report=report)

    def killed(self, job: str = "photos") -> Record:
        """A run whose process died."""
        return interrupted(self.begun(job), self.now.isoformat(timespec="milliseconds"))

    def __call__(self, *reports: RunReport, after: timedelta = timedelta(minutes=5)) -> tuple[NotTold, ...]:
        """Run the jobs that have a report as one command; return what could not be told."""
        self.now += after
        teller = self.teller(together=[report.job for report in reports])
        begun = [self.begun(report.job) for report in reports]
        for record in begun:
            teller.begun(record)
        for record, report in zip(begun, reports, strict=True):
            teller.finished(self.ended(report, record))
        return teller.stop(lambda: self.limit)

    def later(self, **after: float) -> tuple[NotTold, ...]:
        """Another process delivers what is due by then."""
        self.now += timedelta(**after)
        teller = self.teller()
        teller.start()
        return teller.stop(lambda: self.limit)


def endings(fake: FakeSlack) -> list[str]:
    """What a check was told."""
    return [urlsplit(path).path for path, _ in fake.pings]
