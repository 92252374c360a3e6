"""Edits mcmirror.toml: validates before writing, and does not overwrite changes made by others."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcmirror.config import ConfigError, Configuration, Mistake, home_of
from mcmirror.tui.source import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mcmirror.tui.source import Source

ALIAS, JOB = "alias", "job"


@dataclass(frozen=True, slots=True)
class ConfigEditor:
    """The file as it was when somebody began to edit."""

    path: Path
    text: str
    """Empty when there was none."""
    document: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path) -> ConfigEditor:
        """Look at the file; ConfigError when it is no TOML."""
        from mcmirror.config.file import parse_text
        from mcmirror.config.write import text_in

        text = text_in(path)
        return cls(path, text, parse_text(text, path))

    def tables(self, heading: str) -> dict[str, dict[str, Any]]:
        """What stands below a heading, by name."""
        found = self.document.get(heading)
        return (
            {name: table for name, table in found.items() if isinstance(table, dict)} if isinstance(found, dict) else {}
        )

    def table(self, heading: str, name: str) -> dict[str, Any]:
        """One table as it is written; empty when there is none."""
        return dict(self.tables(heading).get(name, {}))

    def using(self, alias: str) -> list[str]:
        """The jobs that name an alias."""
        return [
            job
            for job, table in self.tables(JOB).items()
            if any(str(table.get(side, "")).partition("/")[0] == alias for side in ("source", "target"))
        ]

    def wrong(self, heading: str, name: str, values: Mapping[str, Any]) -> list[Mistake]:
        """What is wrong with one table, were it written; without the other jobs, for this is asked as one types."""
        rest = {key: value for key, value in self.document.items() if key != JOB}
        tables = {} if heading == JOB else self.tables(heading)
        found = _mistakes(self.path, {**rest, heading: {**tables, name: dict(values)}}, needs_jobs=heading == JOB)
        key = f"{heading}.{name}"
        return [one for one in found if one.key == key or one.key.startswith(f"{key}.")]

    def put(self, heading: str, name: str, values: Mapping[str, Any]) -> None:
        """Write one table; ConfigError, and nothing is written, when the file would be wrong for it."""
        from mcmirror.config.write import replace_file, with_table

        text = with_table(self.text, self.path, heading, name, values)
        self._judge(text, heading, name, dict(values))
        replace_file(self.path, text, before=self.text)

    def drop(self, heading: str, name: str) -> None:
        """Remove one table; ConfigError as before."""
        from mcmirror.config.write import replace_file, without_table

        if name not in self.tables(heading):
            raise ConfigError([Mistake(str(self.path), f"{heading}.{name}", "it is not there any more", "Look again.")])
        text = without_table(self.text, self.path, heading, name)
        self._judge(text, heading, name, None)
        replace_file(self.path, text, before=self.text)

    def _judge(self, text: str, heading: str, name: str, values: dict[str, Any] | None) -> None:
        """The new file says what was meant, all else as before, and has no mistake that it did not have."""
        from mcmirror.config.file import parse_text

        new = parse_text(text, self.path)
        expected = {**self.tables(heading), name: values} if values is not None else self.tables(heading)
        if values is None:
            expected.pop(name)
        if new != {
            **{key: value for key, value in self.document.items() if key != heading},
            **({heading: expected} if expected else {}),
        }:
            message = "it is written in a way that cannot be changed from here without changing something else"
            raise ConfigError([Mistake(str(self.path), f"{heading}.{name}", message, "Change it in an editor.")])
        before = set(map(str, _mistakes(self.path, dict(self.document), needs_jobs=True)))
        found = [one for one in _mistakes(self.path, new, needs_jobs=True) if str(one) not in before and one.key != JOB]
        if found:
            raise ConfigError(found)


def _mistakes(path: Path, document: dict[str, Any], *, needs_jobs: bool) -> list[Mistake]:
    from mcmirror.config.file import configured

    try:
        configured(path, document, os.environ, home_of(os.environ), needs_jobs=needs_jobs)
    except ConfigError as error:
        return list(error.mistakes)
    return []


def configuration(path: Path | None) -> Configuration:
    """What holds now, as far as it can be read: somebody may be about to mend it."""
    from pathlib import Path as Folder

    from mcmirror.config import load

    try:
        return load(path if path is not None and path.exists() else None, os.environ, Folder.cwd())
    except ConfigError:
        return Configuration()


def refusal(error: ConfigError) -> Refusal:
    """The first mistake in three parts."""
    first, *more = error.mistakes
    place = first.key or first.file
    rest = f" (and {len(more)} more)" if more else ""
    return Refusal(f"{place}: {first.message}{rest}", "", first.remedy)


def why_not(source: Source) -> str:
    """Why nothing can be written from here; empty when it can."""
    if source.edits is not None:
        return ""
    if source.where == "this process":
        return "What is mirrored comes from the environment, not from a file: change the variables where they are set."
    if source.where.startswith("http"):
        return (
            "Read only: the configuration is on the machine of the server that this dashboard is attached to."
            " Edit mcmirror.toml there, or run mcmirror tui there; serve takes changes up by itself."
        )
    return "Read only while this run is shown: mcmirror tui edits connections and jobs."
