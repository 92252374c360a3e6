"""What to write in place of an option or a command that does not exist: pure, and imported only for a mistake."""

from collections.abc import Mapping, Sequence

from mcmirror.config.values import nearest

ALIKE = 0.75
"""How alike two words are (0 to 1) before one is taken for a slip of the other."""
REAL_TIME = "`mcmirror watch JOB` follows a job in real time; realtime = true in the job lets `mcmirror serve` do so"
OPTIONS = {
    "remove": "delete del prune purge delete-after delete-before delete-during delete-excluded propagate-deletes",
    "overwrite": "force update replace",
    "dry-run": "fake dryrun simulate noop no-op test check-only preview",
    "limit-upload": "bwlimit bandwidth bandwidth-limit bw limit rate limit-rate max-bandwidth",
    "workers": "max-workers transfers concurrency threads multi-thread-streams",
    "parallel": "jobs max-jobs",
    "newer-than": "max-age since",
    "older-than": "min-age until",
    "storage-class": "sc class",
    "retries": "retry max-retries",
    "retry-delay": "retry-wait retries-sleep",
    "stall-timeout": "timeout",
    "create-target": "create create-bucket make-bucket mkdir mb",
    "skip-errors": "continue keep-going ignore-errors continue-on-error",
    "exclude": "ignore skip filter",
    "preserve": "archive metadata",
    "debug": "verbose trace",
    "quiet": "silent",
    "json": "output format",
    "config": "conf configuration file config-file config-dir",
    "content": "deep full bytes read",
    "max-delete": "max-deletes delete-limit",
    "listen": "address port bind",
    "exit-code": "detailed-exitcode",
    "prefix": "include path subfolder",
}
"""Option -> the words of rsync, rclone, aws and mc for the same."""
NOTHING = {
    "watch": REAL_TIME,
    "realtime": REAL_TIME,
    "real-time": REAL_TIME,
    "active-active": "A mirror has one direction; for both ways use the replication of the servers",
    "monitor": REAL_TIME,
    "daemon": "`mcmirror serve` runs the jobs on their schedules",
    "schedule": 'A job has its schedule in mcmirror.toml: cron = "0 2 * * *"; `mcmirror serve` keeps it',
    "cron": 'A job has its schedule in mcmirror.toml: cron = "0 2 * * *"; `mcmirror serve` keeps it',
    "interval": 'A job has its schedule in mcmirror.toml: every = "30m"; `mcmirror serve` keeps it',
    "every": 'A job has its schedule in mcmirror.toml: every = "30m"; `mcmirror serve` keeps it',
    "agent": 'A job has its agent in mcmirror.toml: agent = "NAME"; `mcmirror agent NAME` runs it there',
    "recursive": "A mirror is always recursive; leave it out",
    "yes": "Nothing is asked; leave it out",
    "progress": "Progress is shown on a terminal; leave it out",
    "summary": "The summary is always written; leave it out",
    "insecure": "It belongs to an alias: `mcmirror alias set NAME URL --insecure`",
    "endpoint-url": "The address belongs to an alias: `mcmirror alias set NAME URL`",
    "endpoint": "The address belongs to an alias: `mcmirror alias set NAME URL`",
    "source": "The source is written without an option: `mcmirror mirror SOURCE TARGET`",
    "target": "The target is written without an option: `mcmirror mirror SOURCE TARGET`",
}  # fmt: skip
"""Words that people know from elsewhere, and what there is in their place."""
OF_JOBS = ("run", "serve", "tui", "plan", "verify")
"""Commands that take the jobs of mcmirror.toml."""
SHORT = {"n": "dry-run", "r": "recursive", "w": "watch", "y": "yes", "v": "debug", "c": "config", "f": "overwrite",
         "j": "parallel"}  # fmt: skip
COMMANDS = {
    "mirror": "sync copy cp rsync mirror-bucket backup migrate replicate",
    "run": "start-job execute exec once trigger job-run",
    "serve": "start daemon watch server up schedule scheduler cron sidecar",
    "plan": "diff dry-run dryrun preview compare",
    "verify": "check validate prove consistency",
    "tui": "ui dashboard top gui console",
    "alias": "aliases connection connections server servers login credentials network",
    "job": "jobs config tasks",
    "status": "state stat ps overview list ls",
    "history": "log logs runs report reports events",
    "health": "healthcheck ping ready alive",
    "doctor": "diagnose debug test",
    "explain": "why error errors what",
    "init": "new setup configure config-init",
}
"""Command -> what it is called elsewhere."""
WITHIN = {
    "set": "add create new edit update",
    "list": "ls all",
    "show": "get describe cat view",
    "remove": "rm delete del unset",
    "test": "check try ping",
    "install": "download fetch upgrade",
    "path": "which where",
    "pause": "stop disable suspend",
    "resume": "start enable unpause continue",
}
"""The same of the commands within alias, job and mc."""


def for_option(written: str, command: str, own: Sequence[str], others: Mapping[str, Sequence[str]],
               job_keys: Mapping[str, str]) -> str:  # fmt: skip
    """Return one sentence: what to write in place of ``written``; empty when nothing comes to mind.

    ``own`` are the command's options, ``others`` those of each other command, without dashes; ``job_keys`` has for a
    key of a job in mcmirror.toml a line as it is written there.
    """
    word = written.lstrip("-").partition("=")[0].lower().replace("_", "-")
    word = SHORT.get(word, word)
    meant = word if word in own else next((option for option, words in OPTIONS.items() if word in words.split()), word)
    if meant in own:
        return f"Write --{meant}."
    if guess := nearest(meant, own, ALIKE):
        return f"Did you mean --{guess}?"
    if word in NOTHING:
        return f"{NOTHING[word]}."
    key = meant.replace("-", "_")
    if key in job_keys and command in OF_JOBS:
        pair = " (`mcmirror mirror SOURCE TARGET` has it as an option)" if meant in others.get("mirror", ()) else ""
        return f"A job has it in mcmirror.toml: {job_keys[key]} under [job.NAME]{pair}."
    having = next((name for name, options in others.items() if meant in options), "")
    return f"`mcmirror {having}` has --{meant}." if having else ""


def for_command(written: str, commands: Sequence[str]) -> str:
    """Return one sentence: which command was probably meant; empty when nothing comes to mind."""
    word = written.lower().replace("_", "-")
    called = (name for table in (COMMANDS, WITHIN) for name, words in table.items() if word in words.split())
    meant = next((name for name in called if name in commands), "") or nearest(word, commands)
    return f"Did you mean '{meant}'?" if meant else ""
