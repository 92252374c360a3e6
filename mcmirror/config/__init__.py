"""What people write, TOML and environment, to frozen values. pydantic lives here and nowhere else."""

from mcmirror.config.aliases import KnownAlias, find_alias, known_aliases
from mcmirror.config.load import FILE_NAME, find_file, home_of, load, select, watched
from mcmirror.config.serving import api_token, pushgateway, secrets
from mcmirror.config.values import (
    Agent,
    ConfigError,
    Configuration,
    Mistake,
    Notifier,
    Relay,
    Schedule,
    Settings,
    Wrong,
    nearest,
)

__all__ = [
    "FILE_NAME",
    "Agent",
    "ConfigError",
    "Configuration",
    "KnownAlias",
    "Mistake",
    "Notifier",
    "Relay",
    "Schedule",
    "Settings",
    "Wrong",
    "api_token",
    "find_alias",
    "find_file",
    "home_of",
    "known_aliases",
    "load",
    "nearest",
    "pushgateway",
    "secrets",
    "select",
    "watched",
]
