"""Runs of a job that are about some keys, beside whatever else writes to its target: batches."""

from collections.abc import Iterator
from dataclasses import replace

from mcmirror.engine.context import Named
from mcmirror.engine.key_batch import Run
from mcmirror.engine.order import Order
from mcmirror.model.event import Event, Observer
from mcmirror.model.job import Job, MaxDelete
from mcmirror.model.lock import Lock, Manners
from mcmirror.model.stop import Stop
from mcmirror.service.root import Service


def key_runs(service: Service, job: Job, stop: Stop, lock: Lock, tell: Observer) -> Run:
    """Return what runs the job for keys. ``lock``: what to do while a target folder is locked.

    It goes on after an object that fails, whatever the job says: one key says nothing of the others.
    """

    def run(named: Named, limit: MaxDelete) -> Iterator[Event]:
        order = Order(stop=stop, named=named, shared=True, manners=Manners(lock))
        part = replace(job, options=replace(job.options, skip_errors=True), retries=0, max_delete=limit)
        for event in service.events(part, order, tell):
            tell(event)
            yield event

    return run
