"""The systemd units: valid, hardened, and mcmirror runs under what they forbid."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcmirror.config import load
from tests.deployed import EXAMPLES, GRACE, pairs_env, refusal, toml_for, unread
from tests.machine import KEYS, ROOT, SAMPLES, Machine, machine
from tests.servers import binaries, sandbox
from tests.servers.command import COMMAND
from tests.servers.server import free_port
from tests.serving import Serving

UNITS = EXAMPLES / "systemd"
SERVICES = ("mcmirror.service", "mcmirror-run.service", "mcmirror-agent.service")
PROGRAM = "/opt/mcmirror/bin/mcmirror"
STATE = "/var/lib/mcmirror"
ALLOWED_EXPOSURE = 15
"""Of 100, as ``systemd-analyze security`` counts; most of what is left is that it may talk to servers."""
SECRETS = {
    "onprem-access-key": KEYS["onprem"].access_key,
    "onprem-secret-key": KEYS["onprem"].secret_key,
    "minio-access-key": KEYS["onprem"].access_key,
    "minio-secret-key": KEYS["onprem"].secret_key,
    "aws-access-key": KEYS["aws"].access_key,
    "aws-secret-key": KEYS["aws"].secret_key,
    "slack-bot-token": "xoxb-nobody",
}


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    if not shutil.which("systemd-analyze"):
        pytest.fail("systemd-analyze is missing: run bin/tools", pytrace=False)
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False)


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units with a program that exists."""
    folder = tmp_path / "units"
    folder.mkdir()
    for unit in UNITS.iterdir():
        (folder / unit.name).write_text(unit.read_text().replace(PROGRAM, sys.executable))
    return folder


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Machine]:
    with machine(tmp_path) as made:
        yield made


def configuration() -> str:
    """The example file, changed as the unit says."""
    (change,) = re.findall(r'secret_key = "\{env:ONPREM_SECRET_KEY\}"', (UNITS / "mcmirror.service").read_text())
    return (EXAMPLES / "mcmirror.toml").read_text().replace('secret_key = "{file:/run/secrets/onprem}"', change)


def setting(unit: str, name: str) -> list[str]:
    return sandbox.settings(UNITS / unit).get(name, [])


def test_they_are_valid(units: Path) -> None:
    def verdict() -> tuple[int, str, str]:
        done = analyze("verify", "--man=no", *sorted(units.iterdir()))
        return done.returncode, done.stdout, done.stderr

    assert (0, "", "") == verdict()

    wrong = units / "mcmirror.service"
    wrong.write_text(wrong.read_text().replace("ProtectSystem=", "ProtectsSystem="))
    assert "ProtectsSystem" in verdict()[2]


@pytest.mark.parametrize("service", SERVICES)
def test_they_give_away_little(units: Path, service: str) -> None:
    def allowed() -> bool:
        exposure = f"--threshold={ALLOWED_EXPOSURE}"
        return analyze("security", "--no-pager", "--offline=true", exposure, units / service).returncode == 0

    assert allowed()

    (units / service).write_text((units / service).read_text().replace("SystemCallFilter", "#"))
    assert not allowed()


def test_all_services_forbid_the_same() -> None:
    def forbidden(unit: str) -> str:
        text = (UNITS / unit).read_text()
        return re.sub(r"\n+\[Install\].*", "", text[text.index("ProtectSystem=") :], flags=re.DOTALL).strip()

    assert forbidden(SERVICES[0]) == forbidden(SERVICES[1]) == forbidden(SERVICES[2])


@pytest.mark.parametrize("service", SERVICES)
def test_their_words_are_known(service: str) -> None:
    (start,) = setting(service, "ExecStart")
    program, *arguments = start.split()
    assert PROGRAM == program
    assert "" == refusal(arguments)
    names = {line.partition("=")[0].removesuffix("_FILE") for line in setting(service, "Environment")}
    # The unit of an agent says which variables its file has in place of the paths.
    asked = configuration() + (UNITS / service).read_text() + (EXAMPLES / "agents" / "agent.toml").read_text()
    assert [] == unread(names - set(re.findall(r"\{env:(\w+)\}", asked)))
    credentials = {value.partition(":")[0] for value in setting(service, "LoadCredential")}
    assert credentials == {line.partition("%d/")[2] for line in setting(service, "Environment") if "%d" in line}
    assert [STATE.removeprefix("/var/lib/")] == setting(service, "StateDirectory")
    assert float(setting(service, "TimeoutStopSec")[0]) > GRACE
    # Else systemd would take mc away from under a run that is ending.
    assert ["mixed"] == setting(service, "KillMode")


def test_the_time_is_one() -> None:
    (when,) = setting("mcmirror-run.timer", "OnCalendar")
    assert 0 == analyze("calendar", when).returncode
    assert ["yes"] == [value.replace("true", "yes") for value in setting("mcmirror-run.timer", "Persistent")]


def environment(service: str, there: Machine) -> dict[str, str]:
    """What systemd would hand over: variables, credentials, and a state folder as home."""
    credentials, state = there.folder / "credentials", there.folder / "state"
    credentials.mkdir()
    state.mkdir()
    for name, value in SECRETS.items():
        (credentials / name).write_text(f"{value}\n")
    given = dict(line.split("=", 1) for line in setting(service, "Environment"))
    given = {
        name: value.replace("%d", str(credentials))
        .replace(STATE, str(state))
        .replace("/etc/mcmirror", str(there.folder))
        for name, value in given.items()
    }
    assert "/opt/mcmirror/bin/mc" == given["MCMIRROR_MC"]
    given["MCMIRROR_MC"] = str(binaries.mc())
    return {"PATH": os.defpath, "LANG": "C.UTF-8", "TMPDIR": there.environment["TMPDIR"], **given}


def confined(service: str) -> list[str]:
    """The command of a unit, under what it forbids."""
    (start,) = setting(service, "ExecStart")
    program = str(ROOT / "tests" / "servers" / "sandbox.py")
    return [sys.executable, "-I", program, str(UNITS / service), str(COMMAND), *start.split()[1:]]


def test_a_run_needs_nothing_that_is_forbidden(there: Machine) -> None:
    service = "mcmirror-run.service"
    variables = environment(service, there)
    keys = re.compile(r"^\w+_(ACCESS|SECRET)_KEY(_FILE)?=")
    lines = [line for line in there.here(pairs_env()).splitlines() if not keys.match(line)]
    variables |= dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))

    done = subprocess.run(
        confined(service), env=variables, cwd=there.folder / "state", capture_output=True, text=True, check=False
    )

    assert 0 == done.returncode, done.stderr
    assert SAMPLES == there.contents(there.aws, "target-one") == there.contents(there.aws, "target-two")
    assert "SLACK_BOT_TOKEN is set but SLACK_CHANNEL_ID is not" in done.stderr
    assert list((there.folder / "state").glob(".local/state/mcmirror/*"))
    assert ["75"] == setting(service, "SuccessExitStatus")


def test_serve_needs_nothing_that_is_forbidden(there: Machine) -> None:
    service = "mcmirror.service"
    variables = environment(service, there)
    file = there.write("mcmirror.toml", with_server(toml_for(there, configuration()), port := free_port()))
    configured = load(file, {**variables, "SLACK_BOT_TOKEN": "", "SLACK_BOT_TOKEN_FILE": ""}, there.folder)
    assert {"local-backup", "photos"} == set(configured.jobs)

    with Serving(confined(service), variables, there.folder / "state", port) as serving:
        serving.until(lambda: serving.status("/healthz") == 200)
        serving.until(lambda: there.contents(there.onprem, "backup") == {"app/a.txt": b"a"})
        # As ExecReload has it.
        (reload,) = setting(service, "ExecReload")
        assert "/bin/kill -HUP $MAINPID" == reload
        serving.process.send_signal(signal.SIGHUP)
        serving.until(lambda: "reload" in serving.log or "read again" in serving.log)
        code = serving.stop()

    assert [str(code)] == setting(service, "SuccessExitStatus"), serving.log


def with_server(text: str, port: int) -> str:
    """The example with a port of its own, and a job that begins at once."""
    changed = {"listen": f"127.0.0.1:{port}", "jitter": "1ms"}
    for key, value in changed.items():
        text, found = re.subn(rf'^{key} = "[^"]+"', f'{key} = "{value}"', text, flags=re.MULTILINE)
        assert 1 == found, key
    assert "at_start = true" in text
    return text
