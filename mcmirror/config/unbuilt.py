"""Keys whose meaning is planned and not built: each one is a mistake that says so."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from mcmirror.config.values import Mistake

if TYPE_CHECKING:
    from mcmirror.config.schema import OptionsTable, SettingsTable

WORDS = {
    "executor": ("every run happens in the process that starts it; other executors are not built yet",
                 "Take it out. Two `mcmirror serve` on two machines can share one PostgreSQL as their state."),
    "broker": ("there are no workers that take jobs from a broker yet", "Take it out."),
    "agent": ("there are no agents yet: a run happens on the machine that starts it",
              "Take it out, and run mcmirror near the source."),
}  # fmt: skip
"""By key: what is not there, and what to do."""


def unbuilt(file: str, settings: "SettingsTable", tables: Mapping[str, "OptionsTable"]) -> Iterator[Mistake]:
    """The mistakes of a file; ``tables`` by their dotted names."""
    used = {"executor": settings.executor == "celery", "broker": settings.broker is not None}
    places = [f"settings.{key}" for key, given in used.items() if given]
    places += [f"{name}.agent" for name, table in tables.items() if table.agent]
    for place in places:
        yield Mistake(file, place, *WORDS[place.rpartition(".")[2]])
