"""Puts executors together that bring a dependency of their own."""

from typing import TYPE_CHECKING

from mcmirror.config.agents import CELERY
from mcmirror.service.executors import Executor, makers, process_name

if TYPE_CHECKING:
    from mcmirror.agents.executor import Master


def _by_celery(master: "Master") -> Executor:
    from mcmirror.contrib.celery.master import executor

    return executor(master, process_name())


def register() -> None:
    """Let a service of this process find them."""
    makers[CELERY] = _by_celery
