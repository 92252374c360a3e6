"""A private place for mc to run in: a folder that only we can read, an environment built from scratch.

Credentials reach mc through a config.json that we write (0600, in a folder 0700) and through nothing else: no argv, no
environment, no ``mc alias set``. The folder goes when the session ends; those of sessions that were killed go at the
next start.
"""

import json
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mcmirror.messages.error_lookup import problem
from mcmirror.messages.exceptions import problem_of, temporary_folder
from mcmirror.model.location import Alias
from mcmirror.model.problem import Category, Trouble
from mcmirror.model.redact import redactor
from mcmirror.model.stop import Stop
from mcmirror.movers.mc import memory
from mcmirror.movers.mc.process import Process

FOLDER_PREFIX = "mcmirror-mc-"
"""Of every folder that is made for an mc, also of one that is only asked for its version."""
UNLOCKED = 60.0
"""Seconds after which a folder without a lock is one whose maker, or whose remover, was killed."""
MOVING = frozenset(("cp", "mirror"))
"""What copies: each transfer has buffers of its own."""
LOCK = "alive"
"""Locked while the session lives: an unlocked one belongs to a run that was killed."""


class Session:
    """Runs mc for one set of aliases. Use as a context manager; ``process`` may be called from several threads."""

    def __init__(  # noqa: PLR0913
        self,
        program: str,
        aliases: Iterable[Alias],
        *,
        workers: int | None = None,
        max_memory: int = 0,
        proxy: str = "",
        stop: Stop | None = None,
        debug: Callable[[str], None] | None = None,
    ) -> None:
        """``max_memory``: bytes of an mc, 0 for the default; ``debug`` is told, redacted, each argv before it runs."""
        self.program = program
        self.aliases = {alias.name: alias for alias in aliases}
        self.stop = stop
        self.redact = redactor(secret for alias in self.aliases.values() for secret in alias.secrets())
        self.round_trips = dict[str, float]()
        """Seconds of an answer by alias, as the last listing showed them."""
        self._workers = workers
        self._memory = memory.allowed(max_memory)
        self._proxy = proxy
        self._debug = debug
        self._folder = Path()
        self._lock: Any = None

    def __enter__(self) -> Self:
        """Make the folder; raises Trouble when this machine does not let us."""
        try:
            self._make()
        except OSError as error:
            raise Trouble(
                problem_of(error, f"no private folder for mc could be made in {temporary_folder()}")
            ) from error
        return self

    def _make(self) -> None:
        from filelock import FileLock

        _sweep()
        self._folder = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX))
        try:
            nascent = self._folder / f"{LOCK}.new"
            self._lock = FileLock(nascent)
            self._lock.acquire()
            # A sweep beside us must never see it unlocked.
            nascent.rename(self._folder / LOCK)
            authorities = self._folder / "mc" / "certs" / "CAs"
            authorities.mkdir(parents=True)
            (self._folder / "empty").mkdir()
            for alias in self.aliases.values():
                if alias.ca_file:
                    _write_private(authorities / f"{alias.name}.pem", _authority(alias))
            _write_private(self._folder / "mc" / "config.json", json.dumps(_configuration(self.aliases.values())))
        except BaseException:
            self._remove()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._remove()

    @property
    def most_at_once(self) -> int:
        """How many processes that copy small objects may run at once within the memory that is allowed."""
        return max(1, self._memory // memory.ONE)

    def process(  # noqa: PLR0913
        self,
        argv: Sequence[str],
        *,
        stdin: Path | None = None,
        stall_timeout: float = 0.0,
        stoppable: bool = True,
        linger: float = 0.0,
        trace: Callable[[bytes], None] | None = None,
        workers: int = 0,
    ) -> Process:
        """Make ready an mc with these arguments; it runs in an empty folder, where no alias can name a file.

        ``stoppable=False`` is for the cleaning up after a stop; ``workers`` is how many mc adds at a time where the job
        does not say.
        """
        moves = argv[0] in MOVING
        if self._unchecked(argv, stdin):
            argv = ["--insecure", *argv]
        if self._debug:
            self._debug(self.redact(" ".join([self.program, *argv])))
        return Process(
            self.program,
            argv,
            env=self._environment(self._workers or workers),
            folder=str(self._folder / "empty"),
            stdin=stdin,
            stop=self.stop if stoppable else None,
            stall_timeout=stall_timeout,
            linger=linger,
            memory=self._memory if moves else min(self._memory, memory.ASKING),
            trace=trace,
        )

    def scratch(self, name: str, text: str) -> Path:
        """Write a private file for mc to read; raises Trouble when that cannot be done."""
        path = self._folder / name
        try:
            _write_private(path, text)
        except OSError as error:
            raise Trouble(problem_of(error, f"a list for mc could not be written in {temporary_folder()}")) from error
        return path

    def _unchecked(self, argv: Sequence[str], stdin: Path | None) -> bool:
        """Whether an alias that is named here is one whose certificate is not to be checked; mc has one switch for all.

        Such an alias beside another with TLS is refused by the guard.
        """
        starts = tuple(f"{alias.name}/" for alias in self.aliases.values() if alias.insecure)
        if not starts:
            return False
        named = list(argv)
        if stdin is not None:
            with stdin.open(encoding="utf-8", errors="replace") as names:
                named.append(names.readline())
        return any(name.startswith(starts) for name in named)

    def _environment(self, workers: int) -> dict[str, str]:
        env = {
            "HOME": str(self._folder),
            "MC_CONFIG_DIR": str(self._folder / "mc"),
            "PATH": "/usr/bin:/bin",
            "TZ": "UTC",
            # mc's garbage collector takes a sixth of its time on small objects; this halves that for 30 MB.
            "GOGC": "400",
            "GOMEMLIMIT": str(int(self._memory * memory.SOFT)),
        }
        if self._proxy:
            env |= {"HTTP_PROXY": self._proxy, "HTTPS_PROXY": self._proxy}
        regions = {alias.region for alias in self.aliases.values()}
        if len(regions) == 1 and (region := regions.pop()):
            # One region for all: else mc asks each server, which some keys may not.
            env["MC_REGION"] = region
        if workers:
            # mc starts NumCPU workers and adds GOMAXPROCS every 4 s.
            env["GOMAXPROCS"] = str(workers)
        return env

    def _remove(self) -> None:
        if self._lock is not None:
            self._lock.release()
        shutil.rmtree(self._folder, ignore_errors=True)


def _configuration(aliases: Iterable[Alias]) -> dict[str, Any]:
    """Write mc's config.json, version 10 (mc's cmd/config-v10.go)."""
    return {
        "version": "10",
        "aliases": {
            alias.name: {
                "url": alias.url,
                "accessKey": alias.access_key.value,
                "secretKey": alias.secret_key.value,
                **({"sessionToken": alias.session_token.value} if alias.session_token else {}),
                "api": alias.api,
                "path": alias.path,
            }
            for alias in aliases
        },
    }


def _authority(alias: Alias) -> str:
    try:
        return Path(alias.ca_file).read_text(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        remedy = f"Name a file that this user can read: ca_file of alias {alias.name}."
        what = f"the authority of alias {alias.name} cannot be read"
        cause = f"{alias.ca_file}: {error.strerror or error}"
        raise Trouble(problem(Category.CONFIGURATION, what, cause, alias.name, remedy=remedy)) from error


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text)


def _sweep() -> None:
    """Remove the folders of sessions that were killed."""
    from filelock import FileLock, Timeout

    for folder in Path(tempfile.gettempdir()).glob(f"{FOLDER_PREFIX}*"):
        lock = folder / LOCK
        try:
            about = folder.lstat()
            if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.getuid():
                continue
            if not lock.exists():
                if time.time() - about.st_mtime > UNLOCKED:
                    shutil.rmtree(folder, ignore_errors=True)
                continue
            with FileLock(lock, blocking=False):
                shutil.rmtree(folder, ignore_errors=True)
        except (OSError, Timeout):
            continue
