"""The outbox, and mcmirror's backlog as Django sees it."""

import time
from datetime import UTC, datetime
from typing import Any

from django.db import models

from mcmirror.contrib.django.configuration import configuration
from mcmirror.contrib.django.state_database import state_alias
from mcmirror.model.backlog import Action, ItemState
from mcmirror.store.backlog import WHERE, backlog_name, item_state


class MirrorRequest(models.Model):
    """An upload or deletion that no trigger has handed to the backlog yet."""

    place = models.TextField()
    """The server and the bucket: after a switch the rows of the former main bucket are still told apart."""
    key = models.TextField()
    gone = models.BooleanField(default=False)
    ready = models.BooleanField(default=True)
    """False while the upload is under way."""
    noted = models.DateTimeField(auto_now_add=True)

    class Meta:
        """The table is ``mcmirror_mirrorrequest``."""

        verbose_name = "upload not handed over yet"
        verbose_name_plural = "uploads not handed over yet"

    def __str__(self) -> str:
        return str(self.key)


class ItemQuerySet(models.QuerySet):
    """Items by their state, which depends on the time."""

    def in_state(self, state: ItemState) -> Any:
        """Those that are in this state now."""
        condition = WHERE[state]
        now = [time.time()] * condition.count(":now")
        return self.extra(where=[condition.replace(":now", "%s")], params=now)  # noqa: S610  the condition is ours


class ItemManager(models.Manager.from_queryset(ItemQuerySet)):  # type: ignore[misc]  # Django has no types
    """The items of the job that the settings describe; raises ConfigError and Unusable."""

    def get_queryset(self) -> Any:
        """Read them where mcmirror keeps them."""
        (job,) = configuration().jobs.values()
        pair = backlog_name(job.name, job.source, job.target, job.prefix)
        return super().get_queryset().using(state_alias()).filter(job=pair)


class MirrorItemTask(models.Model):
    """One object of the backlog, read from mcmirror's state. Times are seconds since the epoch."""

    key = models.TextField(primary_key=True)
    """Unique within the job, which the manager has chosen."""
    job = models.TextField()
    gone = models.IntegerField()
    state = models.IntegerField()
    held = models.IntegerField()
    attempts = models.IntegerField()
    since = models.FloatField()
    due = models.FloatField()
    lease = models.FloatField()
    owner = models.TextField()
    error = models.TextField()
    finished = models.FloatField()

    objects = ItemManager()

    class Meta:
        """The table is mcmirror's."""

        managed = False
        db_table = "backlog"
        verbose_name = "mirrored item"

    def __str__(self) -> str:
        return str(self.key)

    @property
    def status(self) -> ItemState:
        """Where it stands now."""
        return item_state(self, time.time())

    @property
    def action(self) -> Action:
        """What it asks for."""
        return Action.REMOVE if self.gone else Action.COPY

    @property
    def put_in(self) -> datetime:
        """When it was put in."""
        return datetime.fromtimestamp(self.since, UTC)

    @property
    def next_attempt(self) -> datetime | None:
        """When it is tried next."""
        waits = self.status in {ItemState.PENDING, ItemState.FAILED}
        return datetime.fromtimestamp(self.due, UTC) if waits else None
