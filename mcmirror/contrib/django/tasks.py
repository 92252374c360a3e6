"""The Celery task, found by ``app.autodiscover_tasks()``; it needs celery."""

from celery import shared_task

from mcmirror.contrib.django.batch import work_off


@shared_task(name="mcmirror.mirror_batch", ignore_result=True, acks_late=False)
def mirror_batch() -> None:
    """Work off one batch. A worker that dies loses nothing: its items come back after a minute."""
    work_off()
