"""A process that tells of runs until it is killed: ``python -m tests.notify_child FOLDER STATE HOOK STEP RUN...``.

It kills itself, as ``kill -9`` does, at the STEP-th call of what decides and delivers; 0: never. It prints how many
there were, and how many listeners were not told everything.
"""

import os
import signal
import sys
import threading
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

from tests.notify_samples import FAILED, JSON, Nights

FILES = tuple(f"/mcmirror/{name}.py" for name in ("store/outbox", "store/ledger", "notify/tell", "notify/post"))


class Calls:
    """Counts calls of all threads in what decides and delivers, and kills at one of them."""

    def __init__(self, step: int) -> None:
        self.number = 0
        self._step = step

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        if event in {"call", "c_call"} and frame.f_code.co_filename.endswith(FILES):
            self.number += 1
            if self.number == self._step:
                os.kill(os.getpid(), signal.SIGKILL)


def nights(folder: Path, state: str, hook: str) -> Nights:
    """One hook that hears of the end of every run: whoever hears of starts does."""
    found = Nights(folder, None, JSON + 'on = ["start"]\n', state)
    found.environ["JSON"] = hook
    return found


def main(folder: str, state: str, hook: str, step: str, *runs: str) -> None:
    """Work."""
    night = nights(Path(folder), state, hook)
    teller = night.teller()
    # What is imported at the first use is nothing to be killed in.
    teller.state()
    calls = Calls(int(step))
    threading.setprofile(calls)
    sys.setprofile(calls)
    teller.start()
    for number in runs:
        teller.finished(night.ended(FAILED, replace(night.begun(), id=f"run-{number}")))
    left = teller.stop(lambda: 60.0)
    sys.setprofile(None)
    print(calls.number, len(left))


if __name__ == "__main__":
    main(*sys.argv[1:])
