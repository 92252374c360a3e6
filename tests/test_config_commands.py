"""mcmirror init, schema and job."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer

from mcmirror.cli.catalogue import COMMANDS
from mcmirror.cli.commands import loaded
from tests.servers.command import Cli

VARIABLES: dict[str, Any] = dict.fromkeys(
    ("ONPREM_ACCESS_KEY", "ONPREM_SECRET_KEY", "AWS_ACCESS_KEY", "AWS_SECRET_KEY"), "x"
)


def test_init_writes_a_file_that_loads(cli: Cli) -> None:
    assert 0 == cli("init").code
    done = cli("job", "list", **VARIABLES)
    assert 0 == done.code, done.stderr
    assert ["JOB", "photos"] == [line.split()[0] for line in done.stdout.splitlines()]
    assert "" == done.stderr


def test_every_key_that_init_only_mentions_is_right_too(cli: Cli) -> None:
    assert 0 == cli("init").code
    file = cli.folder / "mcmirror.toml"
    lines = []
    for line in file.read_text().splitlines():
        bare = line.removeprefix("# ")
        mentions = line.startswith("# ") and " = " in bare and bare.split(" = ")[0].isidentifier()
        mentions = mentions or line.startswith("# [")
        lines.append(bare if mentions else line)
    assert len([line for line in lines if line.startswith(("mc =", "remove =", "prefix ="))]) == 3
    file.write_text("\n".join(lines))
    assert 0 == cli("job", "list").code


def test_init_overwrites_only_when_told_to(cli: Cli) -> None:
    file = cli.write("# mine\n", "other.toml")
    done = cli("init", "--path", "other.toml")
    assert 2 == done.code
    assert "--force" in done.stderr
    assert "# mine\n" == file.read_text()
    assert 0 == cli("init", "--path", "other.toml", "--force").code
    assert 2 == cli("init", "--path", "no/such/folder.toml").code


def test_the_schema_knows_every_key_of_the_example_and_describes_it(cli: Cli) -> None:
    schema = json.loads(cli("schema").stdout)
    example = tomllib.loads((Path(__file__).parents[1] / "examples" / "mcmirror.toml").read_text())
    assert set(example) <= set(schema["properties"])
    tables = schema["$defs"]
    assert set(example["job"]["photos"]) <= set(tables["JobTable"]["properties"])
    undescribed = [
        f"{name}.{key}"
        for name, table in tables.items()
        for key, field in table["properties"].items()
        if not field.get("description")
    ]
    assert [] == undescribed
    assert ["source", "target"] == tables["JobTable"]["required"]
    assert all(not table["additionalProperties"] for table in tables.values())


JOBS = '[defaults]\nretries = 7\n[job.one]\nsource = "src/abc"\ntarget = "./copy"\nevery = "30m"\nexclude = ["*.tmp"]\n'


def test_job_list_and_show(cli: Cli) -> None:
    cli.write(JOBS)
    listed = json.loads(cli("job", "list", "--json").stdout)
    assert [("one", "src/abc", str(cli.folder / "copy"), "every 1800s", 7)] == [
        (job["name"], job["source"], job["target"], job["trigger"], job["retries"]) for job in listed
    ]
    shown = cli("job", "show", "one", "--json")
    assert listed[0] == json.loads(shown.stdout)
    plain = dict(
        line.split(maxsplit=1) for line in cli("job", "show", "one").stdout.splitlines() if len(line.split()) > 1
    )
    assert ("false", "25%", "*.tmp") == (plain["overwrite"], plain["max_delete"], plain["exclude"])
    assert "" == cli("job", "list").stderr
    cli.write(JOBS.replace('every = "30m"', "realtime = true"))
    assert "real time, in full every 3600s" in cli("job", "list").stdout


def test_job_show_guesses(cli: Cli) -> None:
    cli.write(JOBS)
    done = cli("job", "show", "on")
    assert 2 == done.code
    assert "Did you mean one?" in done.stderr


def test_all_mistakes_are_printed_at_once(cli: Cli) -> None:
    cli.write("[settings]\nparalel = 1\n[job.one]\nsource = 'nobody/abc'\n")
    done = cli("job", "list")
    assert 2 == done.code
    assert 3 == done.stderr.count("Error:")
    assert 3 == done.stderr.count("do:")
    assert "" == done.stdout


def test_jobs_of_the_environment_are_listed(cli: Cli) -> None:
    done = cli(
        "job",
        "list",
        MINIO_URL="http://minio:9000",
        MINIO_ACCESS_KEY="a",
        MINIO_SECRET_KEY="hunter2",
        AWS_URL="https://s3.amazonaws.com",
        AWS_ACCESS_KEY="a",
        AWS_SECRET_KEY="hunter2",
        BUCKET_PAIRS="minio/source:aws/target",
    )
    assert 0 == done.code, done.stderr
    assert "source-to-target" in done.stdout
    assert "hunter2" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    "module", ["pydantic", "tomlkit", "tomllib", "zoneinfo", "difflib", "rich", "sh", "sqlalchemy"]
)
def test_an_environment_needs_none_of_the_heavy_libraries(module: str, tmp_path: Path) -> None:
    import subprocess
    import sys

    code = (
        "import sys; from pathlib import Path; from mcmirror.config import *;"
        "load(None, {}, Path.cwd());"
        "load(None, {**{f'{s}_{k}': 'http://x' for s in ('MINIO', 'AWS') for k in ('URL', 'ACCESS_KEY', 'SECRET_KEY')},"
        " 'BUCKET_PAIR': 'minio/abc:aws/abc', 'AWS_URL': 'http://y'}, Path.cwd(), needs_jobs=True);"
        f"sys.exit({module!r} in sys.modules)"
    )
    assert 0 == subprocess.run([sys.executable, "-c", code], cwd=tmp_path, timeout=120, check=False).returncode


@pytest.mark.parametrize("name", list(COMMANDS))
def test_what_is_to_be_put_in_is_written_in_capitals(name: str) -> None:
    group = loaded(name)
    commands = getattr(group, "commands", {"": group})
    for command in commands.values():
        text = typer.Context(command).get_help()
        assert [] == re.findall(r"<[a-z|]+>|\{[a-z]+\}(?=\s)|\[[a-z]+\]\.\.\.", text)
        assert "completion" not in text
    assert set(re.findall(r"[a-z]+", COMMANDS[name].line.rpartition(": ")[2])) >= set(commands) - {""} - {name}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--retries", "1001"), "0<=x<=1000"),
        (("--older-than", "9999999d"), 'Write "36500d" or less.'),
        (("--stall-timeout", "999999999"), 'Write "3650d" or less.'),
        (("--limit-download", "2PiB"), 'Write "1PiB" or less'),
        (("--max-delete", "inf"), "Write 25%, 100 or unlimited."),
    ],
)
def test_an_option_that_nobody_can_mean_is_a_mistake_of_usage(cli: Cli, arguments: tuple[str, str], words: str) -> None:
    done = cli("mirror", "src/a", "dst/b", *arguments)
    assert (2, "") == (done.code, done.stdout)
    assert words in done.stderr
