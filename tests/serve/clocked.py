"""``mcmirror`` by a clock that a test sets: so many seconds off, as the file says that CLOCK_OF_TEST names."""

import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import time_machine


def _follow(file: Path, shift: Callable[[float], object]) -> None:
    """Set the clock whenever the file says so; what measures durations goes on as before."""
    offset = 0.0
    while True:
        wanted = float(file.read_text() or offset)
        if wanted != offset:
            shift(wanted - offset)
            offset = wanted
        time.sleep(0.05)


if __name__ == "__main__":
    coordinates = time_machine.travel(datetime.now(UTC), tick=True).start()
    followed = (Path(os.environ["CLOCK_OF_TEST"]), coordinates.shift)
    threading.Thread(target=_follow, args=followed, daemon=True).start()
    from mcmirror.cli.main import main

    main()
