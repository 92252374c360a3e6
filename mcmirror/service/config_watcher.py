"""Whether the files that a configuration was read from have changed."""

from collections.abc import Iterable
from pathlib import Path

Look = dict[Path, tuple[int, ...] | None]


class ConfigWatcher:
    """Looks at files. A mounted secret is a link that flips: it is the file behind it that counts."""

    def __init__(self, files: Iterable[Path]) -> None:
        self._files = tuple(files)
        self._seen = self._look()

    def changed(self) -> bool:
        """Whether anything is not as it was at the last look."""
        before, self._seen = self._seen, self._look()
        return before != self._seen

    def replace(self, files: Iterable[Path]) -> None:
        """Look at other files from now on; those that are the same keep their last look."""
        before = self._seen
        self._files = tuple(files)
        self._seen = {path: before.get(path, now) for path, now in self._look().items()}

    def _look(self) -> Look:
        return {path: _mark(path) for path in self._files}


def _mark(path: Path) -> tuple[int, ...] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
