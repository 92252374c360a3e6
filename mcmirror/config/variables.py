"""Reading environment variables, with ``NAME_FILE`` beside ``NAME`` and all mistakes kept for one report."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from mcmirror.config import reference
from mcmirror.config.values import DEFAULT_ON, ENVIRONMENT, Mistake, Notifier, Wrong

T = TypeVar("T")


class Variables:
    """One environment; what is wrong in it collects in ``mistakes``."""

    def __init__(self, environ: Mapping[str, str], folder: Path) -> None:
        self._environ = environ
        self._folder = folder
        self.mistakes: list[Mistake] = []

    def wrong(self, variable: str, message: str, remedy: str) -> None:
        """Remember a mistake, once a variable."""
        if all(mistake.key != variable or mistake.message != message for mistake in self.mistakes):
            self.mistakes.append(Mistake(ENVIRONMENT, variable, message, remedy))

    def get(self, variable: str, default: str = "") -> str:
        """The value, or the default when it is unset or blank."""
        try:
            value = reference.variable(variable, self._environ, self._folder)
        except Wrong as wrong:
            self.wrong(variable, str(wrong), wrong.remedy)
            return default
        return value if value.strip() else default

    def needed(self, variable: str, example: str) -> str:
        """The value of a mandatory variable."""
        before = len(self.mistakes)
        value = self.get(variable)
        if not value and len(self.mistakes) == before:
            self.wrong(variable, "is not set", f"Set it, for example {variable}={example}")
        return value

    def parsed(self, variable: str, parse: Callable[[str], T], *, default: T) -> T:
        """The value read by ``parse``, or the default when it is unset or wrong."""
        text = self.get(variable)
        if not text:
            return default
        try:
            return parse(text)
        except Wrong as wrong:
            self.wrong(variable, str(wrong), wrong.remedy)
            return default

    def slack(self, jobs: Iterable[str]) -> tuple[dict[str, Notifier], dict[str, tuple[str, ...]]]:
        """Slack as notifier, when both of its variables are set, and who hears of each job."""
        token, channel = self.get("SLACK_BOT_TOKEN"), self.get("SLACK_CHANNEL_ID")
        if not token or not channel:
            return {}, {}
        slack = Notifier("slack", "slack", token=token, channel=channel, on=DEFAULT_ON["slack"])
        return {slack.name: slack}, dict.fromkeys(jobs, (slack.name,))

    def slack_notes(self) -> tuple[str, ...]:
        """Which of Slack's two variables is missing beside the other."""
        token, channel = self.get("SLACK_BOT_TOKEN"), self.get("SLACK_CHANNEL_ID")
        if bool(token) == bool(channel):
            return ()
        here, missing = ("SLACK_BOT_TOKEN", "SLACK_CHANNEL_ID") if token else ("SLACK_CHANNEL_ID", "SLACK_BOT_TOKEN")
        return (f"{here} is set but {missing} is not: nothing is sent to Slack. Set {missing} too.",)
