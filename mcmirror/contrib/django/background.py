"""The task for ``django.tasks``; it needs Django 6.0 or newer."""

from django.tasks import task

from mcmirror.contrib.django.batch import work_off


@task
def mirror_batch() -> None:
    """Work off one batch."""
    work_off()
