"""Where configuration comes from: a file that was named or found upwards, else the environment."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from mcmirror.config.ownership import distrusted
from mcmirror.config.values import ConfigError, Configuration, Mistake, nearest, no_job
from mcmirror.model.job import Job, Origin

FILE_NAME = "mcmirror.toml"
VARIABLE = "MCMIRROR_CONFIG"


def load(path: Path | None, environ: Mapping[str, str], folder: Path, *, needs_jobs: bool = False) -> Configuration:
    """The configuration that holds in ``folder``; ConfigError with every mistake.

    Without a file the environment counts; unless jobs are needed, what is wrong in it leaves its settings alone.
    """
    file = find_file(path, environ, folder)
    if file is not None:
        # pydantic, tomllib: only who has a file pays for them.
        from mcmirror.config.file import read

        configuration = read(file, environ, home_of(environ), needs_jobs=needs_jobs)
        if path is None and not environ.get(VARIABLE) and (passed_over := describing(environ)):
            note = (
                f"{file} is used; {passed_over} in the environment is not. "
                f"To have the environment's jobs, run where no {FILE_NAME} lies in the folder or above it."
            )
            return replace(configuration, notes=(*configuration.notes, note))
        return configuration
    if needs_jobs:
        return _from_environment(environ, folder)
    return _as_far_as_it_goes(environ, folder)


def home_of(environ: Mapping[str, str]) -> Path:
    """The home folder that ``environ`` speaks of."""
    return Path(environ["HOME"]) if environ.get("HOME") else Path.home()


def find_file(path: Path | None, environ: Mapping[str, str], folder: Path) -> Path | None:
    """The file that was named, or the first one upwards from ``folder``, or None.

    Raises ConfigError when one that was found, and not named, could have been written by somebody else.
    """
    if path is not None:
        return path
    if environ.get(VARIABLE):
        return Path(environ[VARIABLE]).expanduser()
    start = folder.absolute()
    found = next((place / FILE_NAME for place in (start, *start.parents) if (place / FILE_NAME).is_file()), None)
    if found is not None and (mistake := distrusted(found, environ)):
        raise ConfigError([mistake])
    return found


def watched(configuration: Configuration) -> tuple[Path, ...]:
    """The files after whose change the configuration is to be read again; a link counts as what it leads to."""
    return configuration.files


def select(configuration: Configuration, names: Iterable[str]) -> tuple[Job, ...]:
    """The jobs of these names, each once and in this order, or all; ConfigError names every unknown one.

    Where all is paused, nobody may run anything: that is a ConfigError as well.
    """
    if configuration.paused:
        why = "is not true, so syncing is switched off"
        raise ConfigError([Mistake(configuration.origin, "S3_SYNC_ENABLED", why, "Set S3_SYNC_ENABLED=true")])
    wanted = list(dict.fromkeys(names)) or list(configuration.jobs)
    # A file of relays alone is good for `serve`; to run nothing would be no success.
    mistakes = [] if wanted else [no_job(configuration.origin)]
    for name in wanted:
        if name not in configuration.jobs:
            guess = nearest(name, configuration.jobs)
            known = ", ".join(configuration.jobs) or "none"
            remedy = f"Did you mean {guess}?" if guess else f"There are: {known}."
            mistakes.append(Mistake(configuration.origin, f"job.{name}", "there is no such job", remedy))
    if mistakes:
        raise ConfigError(mistakes)
    return tuple(configuration.jobs[name] for name in wanted)


def describing(environ: Mapping[str, str]) -> str:
    """The variable by which the environment describes jobs; empty when it describes none."""
    for name in ("BUCKET_PAIRS", "BUCKET_PAIR", "S3_SYNC_BUCKET"):
        if environ.get(name) or environ.get(f"{name}_FILE"):
            return name
    return next((name for name in environ if name.startswith("S3_SYNC_") and environ[name]), "")


def origin(environ: Mapping[str, str], folder: Path) -> Origin:
    """Who describes the jobs here, so that a person is spoken to in the right words."""
    if find_file(None, environ, folder) is not None:
        return Origin.FILE
    described = describing(environ)
    return Origin.SIDECAR if described.startswith("S3_SYNC_") else Origin.PAIRS if described else Origin.FILE


def _as_far_as_it_goes(environ: Mapping[str, str], folder: Path) -> Configuration:
    """Who needs no jobs, such as ``mirror`` beside a sidecar, has the environment's settings and aliases."""
    if describing(environ):
        try:
            return _from_environment(environ, folder)
        except ConfigError:
            pass
    from mcmirror.config import environment
    from mcmirror.config.values import Settings
    from mcmirror.config.variables import Variables

    given = Variables(environ, folder)
    settings, said = environment.settings(given, Settings())
    if given.mistakes:
        raise ConfigError(given.mistakes)
    slips = (*said, *environment.slips(environ))
    # A file that is not there yet is looked for again.
    return Configuration(settings, notes=slips, unheeded=slips, files=(folder / FILE_NAME, *given.files))


def _of_drive(environ: Mapping[str, str]) -> str:
    """What to say of variables that another tool reads and mcmirror does not."""
    name = next((name for name in environ if name.startswith("AWS_S3_MIRRORING_")), "")
    return f". {name} is not read: mcmirror explain {name}" if name else ""


def _from_environment(environ: Mapping[str, str], folder: Path) -> Configuration:
    from mcmirror.config import pairs, sidecar

    described = describing(environ)
    if described.startswith(sidecar.PREFIX):
        return sidecar.read(environ, folder)
    if described or any(environ.get(name) or environ.get(f"{name}_FILE") for name in pairs.NAMES):
        return pairs.read(environ, folder)
    raise ConfigError(
        [
            Mistake(
                FILE_NAME,
                "",
                f"no job is described: there is no {FILE_NAME} in {folder.absolute()} or above it, "
                f"and neither BUCKET_PAIRS nor S3_SYNC_BUCKET is set",
                f"Run mcmirror init, name a file with --config or {VARIABLE}, "
                f"or set MINIO_*, AWS_* and BUCKET_PAIRS={pairs.EXAMPLE}{_of_drive(environ)}",
            )
        ]
    )
