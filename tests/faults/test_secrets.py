"""A secret is nowhere that another user, a log or a report could show it."""

import stat
import threading

from tests.faults.conftest import NewStage
from tests.faults.stage import processes
from tests.servers.command import Cli
from tests.servers.minio import Credentials, deny
from tests.servers.proxy import Call
from tests.waiting import LONG, until


def test_a_secret_is_in_no_argv_output_report_or_open_file(new_stage: NewStage, cli: Cli) -> None:
    stage = new_stage()
    users = [side.server.user(deny(["PutObject"], ["*/b/*"])) for side in (stage.source, stage.target)]
    proxy = stage.proxy(stage.target)
    stage.reach(stage.target, proxy.address, users[1])
    stage.reach(stage.source, credentials=users[0])
    looked = threading.Event()
    proxy.on("put", Call(lambda: looked.wait(LONG)), path="/a$")
    stage.again = ("--retries", "0", "--stall-timeout", "300")
    secret_words = [user.secret_key for user in users]
    process = cli.start(
        *stage.arguments(),
        "--debug",
        "--report-json",
        "report.json",
        "--junit",
        "junit.xml",
        GITHUB_ACTIONS="true",
        GITHUB_STEP_SUMMARY=str(cli.folder / "summary.md"),
        **stage.hosts,
    )
    until(lambda: any(request.kind == "put" and request.path.endswith("/a") for request in list(proxy.requests)))

    lines = [" ".join(argv) for _, argv in processes()]
    temporary = list((cli.folder / "tmp").rglob("*"))
    modes = {str(path): stat.S_IMODE(path.lstat().st_mode) for path in temporary}
    holding = [path for path in temporary if path.is_file() and _holds(path.read_bytes(), secret_words)]
    looked.set()
    stdout, stderr = process.communicate(timeout=120)

    assert any("mirror --json" in line and stage.target.bucket in line for line in lines), "mc was not seen at work"
    assert not [line for line in lines if any(word in line for word in secret_words)]
    assert ["config.json"] == [path.name for path in holding]
    assert [0o600] == [modes[str(path)] for path in holding]
    top = [path for path in temporary if path.parent == cli.folder / "tmp"]
    assert top
    assert {0o700} == {modes[str(path)] for path in top}, "others could look into the folder"
    assert b"mc_said" in stdout or b"--json" in stderr, "--debug shows what mc is asked"
    for output in (stdout, stderr):
        assert not _holds(output, secret_words)
    written = [path for path in cli.folder.rglob("*") if path.is_file()]
    assert {"report.json", "junit.xml", "summary.md"} <= {path.name for path in written}
    assert not [path for path in written if _holds(path.read_bytes(), secret_words)]


def test_a_refused_secret_is_not_repeated(new_stage: NewStage, cli: Cli) -> None:
    stage = new_stage()
    secret = "not-the-secret-at-all"
    stage.reach(stage.target, credentials=Credentials(stage.target.server.root.access_key, secret))

    result = stage.run(cli, "--debug")

    assert 1 == result.code
    assert secret not in result.stdout + result.stderr


def _holds(text: bytes, words: list[str]) -> bool:
    return any(word.encode() in text for word in words)
