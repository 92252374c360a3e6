"""What keeps runs from being remembered, or somebody from being told: said once, and once more when it is over."""

from mcmirror.service.dependencies import Dependencies


class StateWarnings:
    """What was said so far. Not for several threads at once."""

    def __init__(self, around: Dependencies) -> None:
        self._around = around
        self._state = ""
        """Why runs are not remembered."""
        self._silent = dict[str, str]()
        """By notifier: why it could not be told anything."""

    def look(self) -> None:
        """Say what has changed since the last look."""
        say, state = self._around.say, self._around.remembered.warning
        if state != self._state:
            self._state = state
            if state:
                say("warning", "state_unusable", "Runs are not remembered for now", why=state)
            else:
                say("info", "state_usable", "Runs are remembered again")
        silent = {one.name: one.error for one in self._around.told.state() if one.error}
        for name in silent.keys() - self._silent.keys():
            say("warning", "not_told", f"{name} could not be told", why=silent[name])
        for name in self._silent.keys() - silent.keys():
            say("info", "told_again", f"{name} can be told again")
        self._silent = silent
