"""The command `mcmirror`: from its first moment to its exit code; the border for errors."""

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType


def main() -> None:
    """Run the command line and exit; every error crosses to the person here."""
    # Before the imports, which take longer than it takes to think better of it; there is nothing to tidy up yet.
    listening = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if listening:
        signal.signal(signal.SIGINT, _leave)
    from mcmirror.cli import signals, stdout
    from mcmirror.cli.commands import check_text, command_line

    stdout.complete()
    if listening:
        signals.before_a_run()
    code = ended(lambda: check_text(sys.argv[1:])) or ended(lambda: command_line().main(prog_name="mcmirror"))
    written = ended(sys.stdout.flush)
    signals.at_the_end()
    sys.exit(code or written)


def _leave(number: int, _: FrameType | None) -> None:
    os._exit(128 + number)


def ended(action: Callable[[], object]) -> int | str | None:
    """Return the exit code that ``action`` comes to."""
    try:
        action()
    except SystemExit as end:
        return end.code
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001  the border
        if _interrupted(error):
            return 130
        from mcmirror.cli.errors import explained

        return explained(error)
    return 0


def _interrupted(error: BaseException | None) -> bool:
    """Whether Ctrl-C is behind it: an interrupt while a class is made comes wrapped."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__
    return error is not None


if __name__ == "__main__":
    main()
