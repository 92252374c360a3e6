"""``mcmirror demo``, the first minute: two servers, a verified mirror, damage, a plan, a repair; nothing stays."""

import os
import random
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mcmirror.cli.console import Console, Manner
from mcmirror.cli.demo_servers import find_kind, servers, tools
from mcmirror.cli.signals import stopping
from mcmirror.cli.style import style_of
from mcmirror.messages.text_style import Style
from mcmirror.model.event import Event, Observer, Planned
from mcmirror.model.problem import McNotFound, Trouble
from mcmirror.model.redact import redactors
from mcmirror.model.report import ExitCode, Status
from mcmirror.model.stop import Stop
from mcmirror.model.wording import shown_bytes
from mcmirror.movers.mc.programs import which

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcmirror.model.job import Job
    from mcmirror.movers.mc.find import Mc
    from mcmirror.movers.mc.session import Session
    from mcmirror.service import Service

SOURCE, TARGET = "onprem", "offsite"
BUCKET = "photos"
LARGE = 20 * 1024 * 1024
"""Bytes of the largest sample: mc cuts what is above 16 MiB into parts."""

_KEYS = (
    "2025/summer holiday/beach 01.jpg",
    "2025/summer holiday/beach 02.jpg",
    "2025/summer holiday/Strände & Möwen.jpg",
    "2025/京都/金閣寺.jpg",
    "2026/räksmörgås (1).jpg",
    "2026/100% sure+maybe #1.jpg",
    '2026/it\'s "quoted".jpg',
    "🌅 sunrise.jpg",
    "index.html",
)
_EMPTY = "2026/empty album/.keep"
_FILM = "films/wedding.mp4"
_DELETED, _CHANGED, _ADDED = _KEYS[0], _KEYS[3], "2025/not in the source.jpg"


class _Ended(Exception):
    """The demonstration ends here, with this exit code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class _Stage:
    """What the scenes share."""

    service: "Service"
    session: "Session"
    job: "Job"
    folder: Path
    style: Style
    stop: Stop


def demo(
    agents: Annotated[bool, typer.Option("--agents", help="A master and two agents, one of which is killed.")] = False,
) -> None:
    """Watch a verified mirror between two throw-away servers on this machine; it takes half a minute.

    Nothing of yours is read or written, and everything it starts is stopped and removed, also after Ctrl-C.
    """
    stop, style = Stop(), style_of(sys.stderr)
    mc = _find_or_install()
    try:
        with stopping(stop), tempfile.TemporaryDirectory(prefix="mcmirror-demo-") as folder:
            _tell("Two throw-away S3 servers on this machine, real objects, a real mirror.")
            with _stage(mc, Path(folder), style, stop) as stage:
                if agents:
                    _play_agents(stage)
                else:
                    _play(stage)
            _go_on(stop)
    except _Ended as ended:
        raise typer.Exit(ended.code) from None
    _tell(
        "\nThe servers and their data are gone again. Now your own buckets:",
        "  mcmirror mirror ALIAS/BUCKET ALIAS/BUCKET   with the aliases that your mc knows",
        "  mcmirror init                               writes a mcmirror.toml to fill in",
    )


def _play(stage: _Stage) -> None:
    text = "1. A first mirror. It counts once a new listing of both sides has shown that everything is there."
    _scene(stage, text, _command(stage.job))
    _run(stage, "run")
    _damage(stage)
    text = "2. Somebody damages the copy: one object deleted, one changed in place at the same size, one added."
    _scene(stage, text, _command(stage.job, "plan"))
    _run(stage, "plan")
    text = "3. The repair: exactly that. mc alone would never see the changed object."
    _scene(stage, text, _command(stage.job))
    _run(stage, "run")
    text = "4. The film went in parts, and the ETags of such objects prove nothing: so both sides are read and hashed."
    _scene(stage, text, _command(stage.job, "verify --content"))
    _run(stage, "verify", content=100.0)


def _play_agents(stage: _Stage) -> None:
    from mcmirror.cli.demo_agents import Play

    aliases = tuple(stage.service.aliases((SOURCE, TARGET)).values())
    play = Play(stage.service, aliases, stage.job, stage.folder, stage.style, stage.stop, _tell)
    if code := play.play():
        raise _Ended(code)


def _command(job: "Job", verb: str = "mirror") -> str:
    return f"mcmirror {verb} {job.source} {job.target}" + ("" if verb.startswith("verify") else " --overwrite --remove")


@contextmanager
def _stage(mc: "Mc", folder: Path, style: Style, stop: Stop) -> "Iterator[_Stage]":
    from mcmirror.config import Configuration, Settings
    from mcmirror.movers.mc.session import Session
    from mcmirror.service import Service

    kind = find_kind(os.environ)
    with servers(kind, (SOURCE, TARGET), folder, stop) as aliases:
        _go_on(stop)
        with Session(mc.path, aliases, stop=stop) as session:
            redactors.append(session.redact)
            number, size = _fill(session, folder / "samples")
            _go_on(stop)
            _facts(
                mc=f"{mc.path} ({mc.version})",
                servers="  ".join(f"{alias.name} {alias.url}" for alias in aliases) + f"  ({kind.name})",
                data=f"{number} objects, {shown_bytes(size)}, in {SOURCE}/{BUCKET}",
            )
            settings = Settings(mc=mc.path, state=f"sqlite:///{folder}/state.db")
            configuration = Configuration(settings=settings, aliases={alias.name: alias for alias in aliases})
            # Locks lie in the home of whoever mirrors.
            service = Service(configuration, {**os.environ, "HOME": str(folder)})
            job = service.pair(f"{SOURCE}/{BUCKET}", f"{TARGET}/{BUCKET}", overwrite=True, remove=True)
            yield _Stage(service, session, replace(job, name="demo"), folder, style, stop)


def _find_or_install() -> "Mc":
    """Take the mc that is here, else fetch one, else build one."""
    from mcmirror.movers.mc.find import examine, find

    try:
        return find()
    except McNotFound:
        built = tools(os.environ) / "mc"
        if built.exists():
            return examine(built)
    from mcmirror.movers.mc.install import NotInstalled, asset, install, install_from_go

    _tell("MinIO's mc is not on this machine; mcmirror gets a copy of its own.")
    try:
        return install(asset(), say=_indented)
    except NotInstalled as failure:
        if not which("go", os.environ):
            raise
        _indented(failure.problem.message)
        return install_from_go(say=_indented)


def _fill(session: "Session", samples: Path) -> tuple[int, int]:
    """Put the samples into the source, and make the target's bucket; the number of objects and their bytes."""
    bodies = dict(_samples())
    for key, body in bodies.items():
        path = samples / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    _mc(session, "mb", f"{SOURCE}/{BUCKET}", f"{TARGET}/{BUCKET}")
    _mc(session, "mirror", str(samples), f"{SOURCE}/{BUCKET}")
    return len(bodies), sum(map(len, bodies.values()))


def _samples() -> "Iterator[tuple[str, bytes]]":
    chance = random.Random(2026)  # noqa: S311 - the same samples each time
    for key in _KEYS:
        yield key, chance.randbytes(chance.randrange(20_000, 200_000))
    for number in range(40):
        yield f"2024/roll {number // 10 + 1}/img_{number:04}.jpg", chance.randbytes(30_000)
    yield _EMPTY, b""
    yield _FILM, chance.randbytes(LARGE)


def _damage(stage: _Stage) -> None:
    changed = stage.folder / "samples" / _CHANGED
    changed.write_bytes(bytes(changed.stat().st_size))
    _mc(stage.session, "rm", f"{TARGET}/{BUCKET}/{_DELETED}")
    _mc(stage.session, "cp", str(changed), f"{TARGET}/{BUCKET}/{_CHANGED}")
    _mc(stage.session, "cp", str(changed), f"{TARGET}/{BUCKET}/{_ADDED}")
    _go_on(stage.stop)


def _mc(session: "Session", *arguments: str) -> None:
    """Run mc for the scenery, where its word is enough: the mirror after it is what is verified."""
    process = session.process(["--json", *arguments], stall_timeout=60)
    output = b"".join(process.chunks()).decode(errors="replace")
    if process.exit.stopped:
        return
    if process.exit.code or '"status":"error"' in output:
        from mcmirror.messages.error_lookup import classify

        words = output.strip().splitlines()[-1:] or [process.exit.stderr.strip()]
        raise Trouble(
            classify(f"mc {arguments[0]} failed while the demonstration was set up", session.redact(words[0]))
        )


def _run(stage: _Stage, verb: str, content: float | None = None) -> None:
    """One command's worth of a run on the screen; ends the demonstration unless it does what it should."""
    from mcmirror.model.job import Verb

    manner = Manner(verb=verb, redact=stage.service.redact, again=lambda _: _command(stage.job))
    with Console(sys.stderr, stage.style, manner) as console:
        observers: list[Observer] = [console]
        if verb == "plan":
            observers.insert(0, _differences(console, stage.job))
        (report,) = stage.service.run((stage.job,), observers, verb=Verb(verb), content=content, stop=stage.stop)
    _go_on(stage.stop)
    if report.status is not Status.SUCCEEDED or (verb != "plan" and not report.verified):
        raise _Ended(int(report.exit_code) or int(ExitCode.FAILED))


def _differences(console: Console, job: "Job") -> Observer:
    from mcmirror.messages.plan import difference_line

    def observer(event: Event) -> None:
        if isinstance(event, Planned):
            removing = job.options.remove
            console.say(f"  {difference_line(one, removing=removing)}" for one in event.plan.differences)

    return observer


def _go_on(stop: Stop) -> None:
    if stop.requested:
        raise _Ended(128 + stop.signal)


def _scene(stage: _Stage, text: str, command: str) -> None:
    _tell("", stage.style.paint(text, "bold"), stage.style.paint(f"$ {command}", "cyan"))


def _facts(**facts: str) -> None:
    _tell("", *(f"  {name:<9}{fact}" for name, fact in facts.items()))


def _indented(line: str) -> None:
    _tell(f"  {line}")


def _tell(*lines: str) -> None:
    for line in lines:
        print(line, file=sys.stderr, flush=True)
