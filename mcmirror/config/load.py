"""Where configuration comes from: a file that was named or found upwards, else the environment."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from mcmirror.config.values import ConfigError, Configuration, Mistake, nearest
from mcmirror.model.job import Job

FILE_NAME = "mcmirror.toml"
VARIABLE = "MCMIRROR_CONFIG"


def load(path: Path | None, environ: Mapping[str, str], folder: Path, *, needs_jobs: bool = False) -> Configuration:
    """The configuration that holds in ``folder``; ConfigError with every mistake.

    Without a file the environment counts only when jobs are needed; else the configuration is empty.
    """
    file = find_file(path, environ, folder)
    if file is not None:
        # pydantic, tomllib: only who has a file pays for them.
        from mcmirror.config.file import read

        return read(file, environ, home_of(environ), needs_jobs=needs_jobs)
    if not needs_jobs:
        return Configuration()
    return _from_environment(environ, folder)


def home_of(environ: Mapping[str, str]) -> Path:
    """The home folder that ``environ`` speaks of."""
    return Path(environ["HOME"]) if environ.get("HOME") else Path.home()


def find_file(path: Path | None, environ: Mapping[str, str], folder: Path) -> Path | None:
    """The file that was named, or the first one upwards from ``folder``, or None."""
    if path is not None:
        return path
    if environ.get(VARIABLE):
        return Path(environ[VARIABLE]).expanduser()
    start = folder.absolute()
    return next((place / FILE_NAME for place in (start, *start.parents) if (place / FILE_NAME).is_file()), None)


def select(configuration: Configuration, names: Iterable[str]) -> tuple[Job, ...]:
    """The jobs of these names, each once and in this order, or all; ConfigError names every unknown one."""
    wanted = list(dict.fromkeys(names)) or list(configuration.jobs)
    mistakes = []
    for name in wanted:
        if name not in configuration.jobs:
            guess = nearest(name, configuration.jobs)
            known = ", ".join(configuration.jobs) or "none"
            remedy = f"Did you mean {guess}?" if guess else f"There are: {known}."
            mistakes.append(Mistake(configuration.origin, f"job.{name}", "there is no such job", remedy))
    if mistakes:
        raise ConfigError(mistakes)
    return tuple(configuration.jobs[name] for name in wanted)


def _from_environment(environ: Mapping[str, str], folder: Path) -> Configuration:
    from mcmirror.config import pairs, sidecar

    def given(*variables: str) -> bool:
        return any(environ.get(name) or environ.get(f"{name}_FILE") for name in variables)

    syncing = any(name.startswith(sidecar.PREFIX) and environ[name] for name in environ)
    if given("BUCKET_PAIR", "BUCKET_PAIRS") or (given(*pairs.NAMES) and not syncing):
        return pairs.read(environ, folder)
    if syncing:
        return sidecar.read(environ, folder)
    raise ConfigError(
        [
            Mistake(
                FILE_NAME,
                "",
                f"no job is described: there is no {FILE_NAME} in {folder.absolute()} or above it, "
                f"and neither BUCKET_PAIRS nor S3_SYNC_BUCKET is set",
                f"Run mcmirror init, name a file with --config or {VARIABLE}, "
                f"or set MINIO_*, AWS_* and BUCKET_PAIRS={pairs.EXAMPLE}",
            )
        ]
    )
