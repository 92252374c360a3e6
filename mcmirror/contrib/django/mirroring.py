"""The mirror as its commands, tasks and admin use it: the backlog of the job that Django's settings describe."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db import router
from django.db.models import Q
from django.utils import timezone

from mcmirror.backlog.processor import Batch
from mcmirror.contrib.django.configuration import configuration, main_storage
from mcmirror.contrib.django.models import MirrorRequest
from mcmirror.model.change import Change
from mcmirror.model.job import MaxDelete
from mcmirror.model.stop import Stop
from mcmirror.service import Service
from mcmirror.service.backlog import TOGETHER, JobBacklog
from mcmirror.store.database import Database
from mcmirror.store.pauses import Pauses

BATCH = 100
"""Items of one batch."""
UNFINISHED = timedelta(days=1)
"""After which an upload that never finished is looked at all the same: its process was killed."""


@contextmanager
def job_backlog() -> Iterator[JobBacklog]:
    """The backlog; raises ConfigError, and the use of it Unusable."""
    service = Service(configuration())
    (job,) = service.jobs()
    database = Database(service.state)
    try:
        yield JobBacklog(service, job, database, Pauses(database))
    finally:
        database.close()


def hand_over(backlog: JobBacklog) -> int:
    """Put what waits in the outbox into the backlog; return how many rows. Raises Unusable.

    A row is deleted once the backlog has its key. A kill in between hands it over twice, which is looked at twice.
    """
    source, place, handed = backlog.job.source, main_storage().place, 0
    below = f"{source.prefix}/" if source.prefix else ""
    while True:
        rows = list(ready().filter(place=place, key__startswith=below).order_by("pk")[:TOGETHER])
        if not rows:
            return handed
        changes = {row.key: Change(row.key.removeprefix(below), gone=row.gone) for row in rows}
        backlog.enqueue([changes[key] for key in sorted(changes)])
        ready().filter(pk__in=[row.pk for row in rows]).delete()
        handed += len(rows)


def ready() -> Any:
    """The rows of the outbox that a trigger hands over; those that are left are about places that nothing mirrors."""
    # A replica that lags behind would show rows that are deleted already.
    rows = MirrorRequest.objects.using(router.db_for_write(MirrorRequest))
    return rows.filter(Q(ready=True) | Q(noted__lt=timezone.now() - UNFINISHED))


def process(  # noqa: PLR0913
    backlog: JobBacklog,
    stop: Stop,
    heard: Callable[[Batch], None] = lambda _: None,
    *,
    size: int = BATCH,
    threads: int = 1,
    once: bool = False,
    max_delete: MaxDelete | None = None,
) -> Batch:
    """Hand over the outbox, then work off what is due, or one batch. Raises Unusable."""
    hand_over(backlog)
    return backlog.process(size, threads, stop, heard, once=once, max_delete=max_delete)
