"""The way to a server: closed, silent, misnamed, or speaking another language."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack

import pytest

from tests.conftest import Side
from tests.faults.conftest import NewStage, Play
from tests.faults.fault import HANGS, Fault, Mc, Scene
from tests.faults.stage import Stage
from tests.servers.command import Cli
from tests.servers.proxy import CutUpload, Hang, Reset, silent, unaccepting
from tests.servers.server import free_port
from tests.waiting import until

_open = ExitStack()


@pytest.fixture(autouse=True)
def _ports() -> Iterator[None]:
    """Close what a scene opened."""
    with _open:
        yield


def _side(stage: Stage, alias: str) -> Side:
    return stage.source if alias == "src" else stage.target


def _refused(alias: str) -> Scene:
    return lambda stage: stage.reach(_side(stage, alias), f"127.0.0.1:{free_port()}")


def _nameless(alias: str) -> Scene:
    return lambda stage: stage.reach(_side(stage, alias), "minio.invalid:9000")


def _at(alias: str, port: Callable[[], AbstractContextManager[int]]) -> Scene:
    def scene(stage: Stage) -> None:
        stage.again = ("--retries", "0", "--stall-timeout", "2")
        stage.reach(_side(stage, alias), f"127.0.0.1:{_open.enter_context(port())}")

    return scene


def _hanging(alias: str, kind: str) -> Scene:
    def scene(stage: Stage) -> None:
        stage.again = ("--retries", "0", "--stall-timeout", "5")
        stage.foretaste = lambda: until(stage.target.sizes)
        stage.proxy(_side(stage, alias)).on(kind, Hang(), path="/b/c$")

    return scene


def _scheme(alias: str, *, tls: bool) -> Scene:
    def scene(stage: Stage) -> None:
        side = stage.move(alias, tls=True) if tls else _side(stage, alias)
        stage.reach(side, scheme="http" if tls else "https")

    return scene


def _untrusted(alias: str) -> Scene:
    return lambda stage: stage.move(alias, tls=True)


def _cut(stage: Stage) -> None:
    stage.source.put({"large": bytes(3 << 20)})
    stage.proxy(stage.target).on("put", CutUpload(1 << 20), path="/large$", times=1)


def _reset_always(stage: Stage) -> None:
    stage.proxy(stage.target).on("put", Reset(), path="/b/")


def _row(name: str, what: str, scene: Scene, mc: Mc, category: str) -> Fault:
    return Fault(name, what, scene, mc, "failed", 1, category, untouched=True)


FAULTS = (
    _row("source-refused", "source: connection refused", _refused("src"), Mc(1, "refused"), "connection-refused"),
    _row("target-refused", "target: connection refused", _refused("dst"), Mc(0, "refused"), "connection-refused"),
    _row("source-dns", "source: name not resolvable", _nameless("src"), Mc(1, "lookup"), "address-not-resolved"),
    _row("target-dns", "target: name not resolvable", _nameless("dst"), Mc(0, "lookup"), "address-not-resolved"),
    _row("source-no-accept", "source: never accepts the connection", _at("src", unaccepting), Mc(HANGS), "stalled"),
    _row("target-no-accept", "target: never accepts the connection", _at("dst", unaccepting), Mc(HANGS), "stalled"),
    _row("source-silent", "source: accepts and never answers", _at("src", silent), Mc(HANGS), "stalled"),
    _row("target-silent", "target: accepts and never answers", _at("dst", silent), Mc(HANGS), "stalled"),
    Fault(
        "get-hangs",
        "source: the GET of one object never ends",
        _hanging("src", "get"),
        Mc(HANGS, arrived="some"),
        "partial",
        3,
        "stalled",
    ),
    Fault(
        "put-hangs",
        "target: the PUT of one object never ends",
        _hanging("dst", "put"),
        Mc(HANGS, arrived="some"),
        "partial",
        3,
        "stalled",
    ),
    _row(
        "source-tls-to-plain",
        "source: https:// to a plain port",
        _scheme("src", tls=False),
        Mc(1, "HTTP response to HTTPS client"),
        "tls-mismatch",
    ),
    _row(
        "target-tls-to-plain",
        "target: https:// to a plain port",
        _scheme("dst", tls=False),
        Mc(0, "HTTP response to HTTPS client"),
        "tls-mismatch",
    ),
    _row(
        "source-plain-to-tls",
        "source: http:// to a TLS port",
        _scheme("src", tls=True),
        Mc(1, "HTTPS server"),
        "tls-mismatch",
    ),
    _row(
        "target-plain-to-tls",
        "target: http:// to a TLS port",
        _scheme("dst", tls=True),
        Mc(0, "HTTPS server"),
        "tls-mismatch",
    ),
    _row("source-untrusted", "source: certificate not trusted", _untrusted("src"), Mc(1, "x509"), "tls-not-trusted"),
    _row("target-untrusted", "target: certificate not trusted", _untrusted("dst"), Mc(0, "x509"), "tls-not-trusted"),
    Fault(
        "upload-cut",
        "target: one upload is cut off in the middle",
        _cut,
        Mc(1, "Failed to copy", "some"),
        "succeeded",
        0,
        "changed-while-copying",
    ),
    Fault(
        "put-always-reset",
        "target: each PUT below one prefix is reset",
        _reset_always,
        Mc(1, "Failed to copy", arrived="some"),
        "partial",
        3,
        "connection-lost",
    ),
)


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_the_verdict_is_the_truth(fault: Fault, play: Play) -> None:
    play(fault)


def test_a_named_authority_is_trusted(new_stage: NewStage, cli: Cli) -> None:
    stage = new_stage()
    side = stage.move("dst", tls=True)
    assert side.server.certificates
    keys = side.server.root
    authority = side.server.certificates / "public.crt"
    cli.write(
        f'[alias.dst]\nurl = "{side.server.url}"\naccess_key = "{keys.access_key}"\n'
        f'secret_key = "{{env:THE_SECRET}}"\nca_file = "{authority}"\n'
    )

    result = cli(*stage.arguments(), THE_SECRET=keys.secret_key, MC_HOST_src=stage.hosts["MC_HOST_src"])

    assert (0, []) == (result.code, stage.truth().missing), result.stdout
