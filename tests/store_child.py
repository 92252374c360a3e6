"""A process that works on a state until it is killed: ``python -m tests.store_child VERB STATE INBOX STEP``.

It kills itself, as ``kill -9`` does, at the STEP-th call that the store makes; 0: never. It prints what it has done,
and at the end how many calls there were.
"""

import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from mcmirror.model.record import Outcome
from mcmirror.model.report import Status
from mcmirror.store.database import Database
from mcmirror.store.inbox import Inbox
from mcmirror.store.runs import Runs
from tests.store_samples import begun, ended

KEYS = 600


class Calls:
    """Counts calls into and out of the store's modules, and kills at one of them."""

    def __init__(self, step: int) -> None:
        self.number = 0
        self._step = step

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        if event in {"call", "c_call"} and "/mcmirror/store/" in frame.f_code.co_filename:
            self.number += 1
            if self.number == self._step:
                os.kill(os.getpid(), signal.SIGKILL)


def say(*words: str) -> None:
    """A line that is out before anything else happens."""
    os.write(1, f"{' '.join(words)}\n".encode())


def run(inbox: Inbox) -> None:
    """One run from its beginning to its end."""
    record = begun()
    say("begin", record.id)
    opened = inbox.open(record)
    say("opened", record.id)
    for number in range(KEYS):
        opened.fate(Outcome.COPIED, f"key {number}")
    opened.close(ended(record, Status.SUCCEEDED))
    say("closed", record.id)


def main(verb: str, state: str, folder: str, step: str) -> None:
    """Work."""
    inbox = Inbox(Path(folder))
    runs = Runs(Database(state), inbox)
    if verb == "take":
        # What is imported at the first use is nothing to be killed in.
        runs.runs()
    calls = Calls(int(step))
    sys.setprofile(calls)
    if verb == "run":
        run(inbox)
    elif verb == "hold":
        inbox.open(begun())
        say("held")
        signal.pause()
    else:
        for record in runs.take_in():
            say("took", record.id)
    sys.setprofile(None)
    say("end", str(calls.number))


if __name__ == "__main__":
    main(*sys.argv[1:])
