"""What starts a batch: the command of cron, a Celery task, or a task of Django's own."""

from mcmirror.contrib.django.configuration import own

EXPIRES = 600
"""Seconds after which a task that no worker has taken is dropped; the next call of the command sends others."""


def kick() -> None:
    """Start a batch elsewhere, where the settings name a queue; raises what the queue raises."""
    match own("MCMIRROR_TRIGGER"):
        case "celery":
            from mcmirror.contrib.django.tasks import mirror_batch

            # No second attempt: whoever uploads does not wait for a broker, and the command comes by anyway.
            mirror_batch.apply_async(expires=EXPIRES, retry=False)
        case "tasks":
            from mcmirror.contrib.django.background import mirror_batch as in_background

            in_background.enqueue()
        case _:
            pass
