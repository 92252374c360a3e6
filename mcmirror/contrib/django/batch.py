"""One batch, as a task of somebody's queue works it off."""

import logging

from mcmirror.backlog.processor import Batch
from mcmirror.contrib.django.mirroring import job_backlog, process
from mcmirror.model.stop import Stop

log = logging.getLogger("mcmirror.django")


def work_off() -> Batch:
    """Hand over the outbox and work off up to a batch; log what failed. Raises ConfigError and Unusable."""
    with job_backlog() as backlog:
        batch = process(backlog, Stop(), once=True)
        redact = backlog.service.redact
    if batch.trouble is not None:
        found = batch.trouble
        log.error("%s\n  why: %s\n  do:  %s", *map(redact, (found.message, found.cause, found.remedy)))
    elif batch.error:
        log.warning("%d of %d items failed, and are tried again\n  why: %s\n  do:  look at them in the admin",
                    batch.failed + batch.dead, batch.items, redact(batch.error))  # fmt: skip
    elif batch.held:
        log.warning("%d removals are held\n  why: more than max_delete allows within an hour\n"
                    "  do:  if that is meant, retry them in the admin, then call manage.py"
                    " process_pending_mirror_tasks --here --max-delete N", batch.held)  # fmt: skip
    return batch
