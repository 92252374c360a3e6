"""``manage.py check``: what is wrong in the settings, by name."""

from typing import Any

from django.core.checks import CheckMessage, Error

from mcmirror.config import ConfigError
from mcmirror.contrib.django.configuration import configuration


def check_settings(**_: Any) -> list[CheckMessage]:
    """An error for each setting that is missing, unknown, or cannot be used."""
    try:
        configuration()
    except ConfigError as error:
        return [Error(one.sentence, hint=one.remedy, id="mcmirror.E001") for one in error.mistakes]
    return []
