"""README.md and docs/ are true: commands run as written, blocks are what the program prints today, links work.

What only the README promises is in tests/test_readme.py.
"""

import json
import re
import subprocess
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from mcmirror.config import Configuration, load
from mcmirror.http.routes import Routes
from mcmirror.messages.error_lookup import find
from mcmirror.model.report import ExitCode
from tests import docs, docs_serve, docs_tables
from tests.docs_outcomes import outcome
from tests.machine import ROOT, Machine, commands, fenced, machine, steady
from tests.reading import Reader
from tests.servers import binaries
from tests.servers.command import COMMAND, clean_environment
from tests.servers.slack import FakeSlack

pytestmark = pytest.mark.real

PAGES = tuple(path for path in docs.documents() if path != docs.README)
OWN = (docs.FOLDER / "replication.md",)
"""Pages whose commands need the configuration that they show."""
SERVED = (docs_serve.HERE, "mcmirror health", "mcmirror status")
"""What a page types when `mcmirror serve` runs beside."""
CONNECTIONS = [
    {
        "name": f"{side} MinIO",
        "type": "minio",
        "source_config": {
            "endpoint": f"minio-{side.lower()}.example.com:9000",
            "access_key": "minioadmin",
            "secret_key": "minioadmin",
            "bucket": f"my-{side.lower()}-bucket",
            "use_ssl": True,
            "region": "us-east-1",
        },
    }
    for side in ("Source", "Target")
]

MOVED = """
SERVICE MINIO_URL MINIO_ACCESS_KEY MINIO_SECRET_KEY AWS_URL AWS_ACCESS_KEY AWS_SECRET_KEY BUCKET_PAIR BUCKET_PAIRS
SLACK_BOT_TOKEN SLACK_CHANNEL_ID MIRROR_EXCLUDE MIRROR_MAX_WORKERS MIRROR_DRY_RUN MIRROR_SKIP_ERRORS MIRROR_DEBUG
MIRROR_PREFIX
AWS_S3_MIRRORING_ACCESS_KEY_ID AWS_S3_MIRRORING_SECRET_ACCESS_KEY AWS_S3_MIRRORING_STORAGE_BUCKET_NAME
AWS_S3_MIRRORING_ENDPOINT_URL AWS_S3_MIRRORING_REGION_NAME AWS_S3_MIRRORING_SIGNATURE_VERSION
AWS_S3_MIRRORING_REQUEST_CHECKSUM_CALCULATION AWS_S3_MIRRORING_RESPONSE_CHECKSUM_VALIDATION STORAGES_DEFAULT_BACKEND
S3_SYNC_ENABLED S3_SYNC_ACCESS_KEY S3_SYNC_SECRET_KEY S3_SYNC_BUCKET S3_SYNC_ENDPOINT S3_SYNC_REGION S3_SYNC_INTERVAL
S3_SYNC_MAX_RETRIES S3_SYNC_RETRY_DELAY S3_SYNC_TIMEZONE MINIO_ENDPOINT MINIO_BUCKET
"""
"""The variables of three tools that people move from."""


def text(name: str) -> str:
    return (docs.FOLDER / name).read_text()


def written(markdown: str) -> str:
    """What was written by hand: the generated parts are empty."""
    return docs.replaced(markdown, dict.fromkeys(docs.generated(markdown), ""))


def prose(markdown: str) -> str:
    """What was written by hand, without fenced blocks."""
    return re.sub(r"^```.*?^```$", "", written(markdown), flags=re.DOTALL | re.MULTILINE)


def typed(path: Path) -> list[str]:
    """The commands of a page, from top to bottom."""
    return [command for block in fenced(written(path.read_text()), "console") for command in commands(block)]


@cache
def help_of(*command: str) -> str:
    done = subprocess.run(
        [COMMAND, *command, "--help"],
        env={"COLUMNS": "80", "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_what_is_generated_is_what_the_program_says() -> None:
    blocks = docs.settled(help_of())

    for path, markdown in docs.documents().items():
        assert docs.replaced(markdown, blocks) == markdown, f"{path.name}: run bin/docs settled"
    assert [] == docs.homeless(blocks)


@pytest.mark.timeout(2400)
def test_bin_test_says_what_is_shown(tmp_path: Path) -> None:
    """All but the number of tests: of them one file is run, not this one again."""
    tools = {
        "MCMIRROR_TEST_MC": str(binaries.mc()),
        "MCMIRROR_TEST_MINIO": str(binaries.minio()),
        "MCMIRROR_TEST_VERSITYGW": str(binaries.versitygw()),
    }
    done = subprocess.run(
        [ROOT / "bin" / "test", "tests/test_fake_mc.py", "-p", "no:cacheprovider"],
        env=clean_environment(tmp_path / "home", tools),
        capture_output=True,
        text=True,
        check=False,
    )

    assert 0 == done.returncode, done.stdout + done.stderr
    assert steady(docs.block(docs.everything(), "test")) == steady(docs.checks(done.stdout)), "run bin/docs test"


def test_the_events_are_those_of_a_run(tmp_path: Path) -> None:
    with machine(tmp_path) as there:
        assert steady(docs.block(docs.everything(), "events")) == steady(docs.run_events(there)), "run bin/docs events"


def test_what_serve_says_is_what_it_says_today(tmp_path: Path) -> None:
    everything = docs.everything()
    with machine(tmp_path) as there:
        for name, said in docs.served(there).items():
            assert steady(docs.block(everything, name)) == steady(said), "run bin/docs serve"


@pytest.mark.parametrize("path", [path for path in PAGES if typed(path)], ids=lambda path: path.name)
def test_every_command_of_a_page_runs_as_written(tmp_path: Path, path: Path) -> None:
    """On a machine where the README was followed: mcmirror is installed, configured, and has run once."""
    lines = typed(path)
    with machine(tmp_path) as there, FakeSlack() as slack, ExitStack() as stack:
        reader = Reader(there, stack, slack)
        there.run(f'mkdir -p ~/.local/bin && ln -s "{ROOT}/bin/mcmirror" ~/.local/bin/ && mcmirror mc install')
        own = fenced(path.read_text(), "toml") if path in OWN else ()
        reader.write("mcmirror.toml", "".join((docs.configuration(), *own)))
        reader.write("pairs.env", (ROOT / "examples" / "pairs.env").read_text() + pairs_keys())
        reader.write(".env", *fenced(text("sidecar.md"), "dotenv"))
        reader.write("connections.json", json.dumps(CONNECTIONS))
        there.run("mkdir ~/.mc")
        (Path(there.environment["HOME"]) / ".mc" / "config.json").write_text(json.dumps(known_to_mc(there)))
        today = f"{datetime.now(UTC):%Y/%m/%d}/new.jpg"
        for bucket in ("source-one", "source-two"):
            there.onprem.client().put_object(Bucket=bucket, Key=today, Body=b"new")
        assert 0 == reader.types("mcmirror run").code
        there.empty(there.aws, "photos-copy")
        if "mcmirror serve" not in lines and any(word in line for line in lines for word in SERVED):
            reader.types("mcmirror serve")
        for command in lines:
            if command.startswith("mcmirror run"):
                there.empty(there.aws, "photos-copy")
            done = reader.types(command)
            assert 0 == done.code, f"$ {command}\n{done.stdout}{done.stderr}"
            assert outcome(command)(there, done.stdout), f"$ {command}\n{done.stdout}{done.stderr}"
        assert reader.serve is None or 143 == reader.serve.stop()


def known_to_mc(there: Machine) -> dict[str, Any]:
    """The configuration of mc with the two servers under names of another page."""
    servers = {"originminio": there.onprem, "remoteminio": there.aws}
    aliases = {
        name: {"url": server.url, "accessKey": server.root.access_key, "secretKey": server.root.secret_key}
        for name, server in servers.items()
    }
    return {"version": "10", "aliases": aliases}


def pairs_keys() -> str:
    """The keys of the machine, which the example leaves to its reader."""
    return "MINIO_ACCESS_KEY=minioadmin\nAWS_ACCESS_KEY=AKIAXXXXXXXX\n"


def named(markdown: str) -> list[list[str]]:
    """The words of each command between backticks, without ``mcmirror``."""
    spans = set(re.findall(r"`([^`\n]+)`", prose(markdown)))
    ours = (span for span in spans if re.match(r"(docker exec \S+ )?mcmirror ", span))
    return sorted(span.partition("mcmirror ")[2].split() for span in ours)


@pytest.mark.parametrize("path", docs.documents(), ids=lambda path: path.name)
def test_what_is_named_in_passing_exists(path: Path) -> None:
    """Commands and options between backticks, in whatever document."""
    markdown = path.read_text()
    for words in named(markdown):
        depth = 2 if words[0] in ("alias", "backlog", "job", "events", "mc", "replicate") else 1
        assert "Usage: mcmirror" in help_of(*words[:depth])
    verbs = (
        "",
        "mirror",
        "run",
        "verify",
        "plan",
        "demo",
        "agent run",
        "doctor",
        "serve",
        "status",
        "history",
        "health",
        "tui",
        "mc install",
        "events add",
        "events relay",
        "backlog process",
        "backlog list",
        "replicate plan",
        "replicate status",
    )
    known = "".join(help_of(*verb.split()) for verb in verbs)
    spans = set(re.findall(r"`([^`\n]+)`", prose(markdown)))
    ours = (span for span in spans if not re.match(r"\S*(docker|mc|pip|pipx|uv|curl|manage\.py) ", span))
    for option in {word for span in ours for word in re.findall(r"(?<!\S)--[a-z-]+", span)}:
        assert option in known, option


def test_commands_are_found_between_backticks() -> None:
    assert ["mc", "install"] in named("Type `mcmirror mc install`, or `docker exec it mcmirror run`.")
    assert len(named(docs.everything())) > 20


@pytest.mark.parametrize("path", docs.documents(), ids=lambda path: path.name)
def test_files_and_headings_that_are_linked_exist(path: Path) -> None:
    for name, heading in docs.links(path.read_text()):
        file = path.parent / name if name else path
        assert file.exists(), name
        assert not heading or heading in headings(file.read_text()), f"{name}#{heading}"


def headings(markdown: str) -> set[str]:
    """The names under which headings are linked."""
    lines = re.findall(r"^#+ (.+)$", markdown, flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", line.lower()).replace(" ", "-") for line in lines}


def test_the_map_of_the_source_is_that_of_the_source() -> None:
    (tree,) = [block for block in fenced(written(text("internals.md")), "text") if block.startswith("mcmirror/\n")]
    mapped = [
        ("mcmirror/" if line.startswith("  ") else "") + line.split()[0] for line in tree.splitlines() if line.strip()
    ]

    assert [] == [name for name in mapped if not (ROOT / name).exists()]
    rooms = {path.name for path in (ROOT / "mcmirror").iterdir() if (path / "__init__.py").exists()}
    assert rooms == {Path(name).name for name in mapped if name.startswith("mcmirror/") and name.endswith("/")} - {
        "mcmirror"
    }


def test_every_exit_code_and_every_trouble_has_its_row() -> None:
    codes = re.findall(r"^\| (\d+) \|", docs.block(text("output.md"), "exit-codes"), flags=re.MULTILINE)
    assert sorted(int(code) for code in ExitCode) == sorted(map(int, codes))
    table = docs.block(text("troubleshooting.md"), "troubleshooting")
    seen = ("Mirror process closed with code: 1", "Unable to stat source", "Failed to set alias")
    for heading in (*seen, "Failed to access alias", "Object does not exist"):
        assert heading in table
        assert find(heading) is not None


@pytest.mark.parametrize("line", ["All checks passed!", "12 passed"])
def test_a_check_that_is_missing_stops_the_generator(line: str) -> None:
    with pytest.raises(ValueError, match="did not print"):
        docs.checks(line)


def configured(toml: str, folder: Path) -> Configuration:
    """What a configuration of a document comes to, with every variable that it refers to."""
    (folder / "aws").write_text("secret of aws\n")
    file = folder / "mcmirror.toml"
    file.write_text(toml.replace("/run/secrets", str(folder)))
    variables = dict.fromkeys(re.findall(r"\{env:(\w+)\}", toml), "https://example.com/it")
    return load(file, variables, folder, needs_jobs=True)


def test_what_is_added_for_every_night_is_enough(tmp_path: Path) -> None:
    configuration = configured(docs.configuration(), tmp_path)

    schedule = configuration.schedules["photos"]
    assert ("0 2 * * *", True, 26 * 3600.0, ("ops",)) == (
        schedule.cron,
        schedule.catch_up,
        schedule.max_age,
        schedule.notify,
    )
    assert ("Asia/Seoul", ()) == (configuration.jobs["photos"].timezone, configuration.notes)


@pytest.mark.parametrize("name", ["notify.md", "moving.md"])
def test_configurations_are_read_whole(tmp_path: Path, name: str) -> None:
    aliases = "".join(f'alias.{side}-minio.url = "https://{side}.example.com"\n' for side in ("source", "target"))
    for toml in fenced(text(name), "toml"):
        job = (
            "" if "[job." in toml else '[job.photos]\nsource = "source-minio/photos"\ntarget = "target-minio/photos"\n'
        )

        configuration = configured(f"{aliases}{toml}{job}", tmp_path)

        assert () == configuration.notes
        (schedule,) = configuration.schedules.values()
        assert set(configuration.notifiers) == set(schedule.notify)


def test_every_variable_that_people_have_leads_somewhere() -> None:
    """Of the tools that docs/moving.md takes people away from."""
    for variable in MOVED.split():
        assert re.search(rf"[`{{:]{variable}\b", text("moving.md")), variable


def test_every_path_of_the_api_is_described() -> None:
    rows = re.findall(r"`(GET|POST) (/api/v1/[^`]*)`", text("http.md"))

    routes = Routes.__new__(Routes)
    Routes.__init__(routes, None, None, token=str, stopped=bool)  # type: ignore[arg-type]
    known = {(route.method, "/" + "/".join(route.path)) for route in routes._routes if "api" in route.path}
    assert known == set(rows)


def test_every_variable_of_the_sidecar_has_its_row() -> None:
    _, asked = docs_tables.sidecar_as_is()

    assert asked == {*docs_tables.NEEDED, *docs_tables.MEANINGS}
