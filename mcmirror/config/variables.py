"""Reading environment variables, with ``NAME_FILE`` beside ``NAME`` and all mistakes kept for one report."""

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from mcmirror.config import reference
from mcmirror.config.values import DEFAULT_ON, ENVIRONMENT, Mistake, Notifier, Wrong, nearest

T = TypeVar("T")
_OURS = ("MIRROR_", "S3_SYNC_")


class Variables:
    """One environment; what is wrong in it collects in ``mistakes``."""

    def __init__(self, environ: Mapping[str, str], folder: Path) -> None:
        self._environ = environ
        self._folder = folder
        self._asked = dict[str, None]()
        self.mistakes: list[Mistake] = []
        self.files: dict[Path, None] = {}
        """Those that variables which were asked for take their values from."""

    def wrong(self, variable: str, message: str, remedy: str) -> None:
        """Remember a mistake, once a variable."""
        if all(mistake.key != variable or mistake.message != message for mistake in self.mistakes):
            self.mistakes.append(Mistake(ENVIRONMENT, variable, message, remedy))

    def get(self, variable: str, default: str = "") -> str:
        """The value, or the default when it is unset or blank."""
        self._asked[variable] = None
        self.files |= dict.fromkeys(reference.files_of(f"{{env:{variable}}}", self._environ, self._folder))
        try:
            value = reference.variable(variable, self._environ, self._folder)
        except Wrong as wrong:
            self.wrong(variable, str(wrong), wrong.remedy)
            return default
        if any(ord(sign) < 32 and sign != "\t" for sign in value):
            self.wrong(variable, "the value holds a line break or another control character", "Let it be one line.")
            return default
        return value if value.strip() else default

    def has(self, variable: str) -> bool:
        """Whether it is set, directly or by a file, whatever to."""
        return bool(self._environ.get(variable) or self._environ.get(f"{variable}_FILE"))

    def needed(self, variable: str, example: str) -> str:
        """The value of a mandatory variable."""
        before = len(self.mistakes)
        value = self.get(variable)
        if not value and len(self.mistakes) == before:
            self.wrong(variable, "is not set", f"Set it, for example {variable}={example}")
        return value

    def missing(self, needed: Mapping[str, str]) -> list[Mistake]:
        """One mistake that names all variables of ``needed`` that are not set; the values are examples."""
        names = [name for name in needed if not self.get(name) and all(name != one.key for one in self.mistakes)]
        if not names:
            return []
        remedy = "Set them, for example " if len(names) > 1 else "Set it, for example "
        remedy += " ".join(f"{name}={needed[name]}" for name in names)
        return [Mistake(ENVIRONMENT, "", f"Missing required environment variables: {', '.join(names)}", remedy)]

    def parsed(self, variable: str, parse: Callable[[str], T], *, default: T) -> T:
        """The value read by ``parse``, or the default when it is unset or wrong."""
        text = self.get(variable)
        if not text:
            return default
        try:
            return parse(text)
        except Wrong as wrong:
            remedy = wrong.remedy
            if re.search(r"\s#", text):
                remedy = f"What begins with # counts as part of the value: put a comment on a line of its own. {remedy}"
            self.wrong(variable, str(wrong), remedy)
            return default

    def ignored(self) -> tuple[str, ...]:
        """What to say of each variable that looks like ours and was not asked for; ask for all others first."""
        notes: list[str] = []
        for written in sorted(self._environ):
            start = next((start for start in _OURS if written.startswith(start)), "")
            if not start or not self._environ[written] or {written, written.removesuffix("_FILE")} & self._asked.keys():
                continue
            # Without what they all begin with, so that only what differs is compared.
            known = {name.removeprefix(start): name for name in self._asked if name.startswith(start)}
            guess = nearest(written.removeprefix(start), known)
            if guess:
                hint = f"Did you mean {known[guess]}?"
            elif known:
                hint = f"There are: {', '.join(sorted(known.values()))}. For anything else write a file: mcmirror init."
            else:
                hint = f"No {start}* variable is, beside the others that are set."
            notes.append(f"{written} is set but not used. {hint}")
        return tuple(notes)

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
