"""Which jobs begin nothing by themselves, as the server sees it; the empty name stands for all."""

from mcmirror.service.answer_cache import AnswerCache
from mcmirror.service.dependencies import Dependencies


class PausedJobs:
    """What was paused here or by another process. Thread-safe."""

    def __init__(self, around: Dependencies) -> None:
        self._around = around
        self._answers = AnswerCache(around.pauses.read, around.pauses.read(), around.spawn)
        self.names = self._answers.newest

    def renew(self) -> None:
        """Ask what other processes say; the answer counts from the next call on."""
        self._answers.get()
        self.names = self._answers.newest

    def includes(self, job: str) -> bool:
        """Whether this job is paused; the empty name asks for all of them."""
        return "" in self.names or (bool(job) and job in self.names)

    def add(self, job: str) -> None:
        """Pause it."""
        self._around.pauses.add(job)
        self._changed("paused", job)

    def remove(self, job: str) -> None:
        """Let it go on."""
        self._around.pauses.remove(job)
        self._changed("resumed", job)

    def say(self) -> None:
        """Say at the start what was paused before."""
        if self.names:
            what = "all jobs" if "" in self.names else ", ".join(sorted(self.names))
            text = f"Paused since before: {what}. POST /api/v1/resume, or .../jobs/NAME/resume, lets them go on."
            self._around.say("warning", "paused", text)

    def _changed(self, word: str, job: str) -> None:
        self.names = self._around.pauses.read()
        self._answers.put(self.names)
        what = f"job {job}" if job else "all jobs"
        self._around.say("info", word, f"{what} {word}", **({"job": job} if job else {}))
