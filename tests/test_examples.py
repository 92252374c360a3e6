"""Each file of examples/ does what it says: valid by its own rules, and its commands run as written."""

import json
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from mcmirror.config import cron, load
from tests.deployed import EXAMPLES, pairs_env, toml_for
from tests.machine import KEYS, ROOT, SAMPLES, Machine, machine
from tests.servers.command import COMMAND
from tests.servers.slack import FakeSlack

KEY_VARIABLES: dict[str, Any] = {
    "MINIO_ACCESS_KEY": KEYS["onprem"].access_key,
    "MINIO_SECRET_KEY": KEYS["onprem"].secret_key,
    "AWS_ACCESS_KEY": KEYS["aws"].access_key,
    "AWS_SECRET_KEY": KEYS["aws"].secret_key,
}


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Machine]:
    """A machine with ``mcmirror`` on its PATH and an mc of its own."""
    with machine(tmp_path) as made:
        (tmp_path / "bin" / "mcmirror").symlink_to(ROOT / "bin" / "mcmirror")
        installed = made.run("mcmirror mc install")
        assert 0 == installed.code, installed.stderr
        yield made


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    """What the examples tell."""
    with FakeSlack() as made:
        yield made


def both_pairs_arrived(there: Machine) -> bool:
    return SAMPLES == there.contents(there.aws, "target-one") == there.contents(there.aws, "target-two")


def validated(name: str, schema: str) -> Any:
    """The document, once the schema of its vendor has nothing against it."""
    program = COMMAND.with_name("check-jsonschema")
    done = subprocess.run(
        [program, "--builtin-schema", schema, EXAMPLES / name], capture_output=True, text=True, check=False
    )
    assert 0 == done.returncode, done.stdout
    return yaml.safe_load((EXAMPLES / name).read_text())


def test_every_example_has_a_test() -> None:
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    named = set(re.findall(r'"([a-z.-]+)"', tests))

    assert set() == {path.name for path in EXAMPLES.iterdir()} - named


def test_a_mistake_in_a_workflow_would_be_seen(tmp_path: Path) -> None:
    (tmp_path / "bad.yml").write_text((EXAMPLES / "github-workflow.yml").read_text().replace("runs-on", "runs_on"))

    with pytest.raises(AssertionError, match="runs_on"):
        validated(str(tmp_path / "bad.yml"), "vendor.github-workflows")


def test_the_github_workflow(there: Machine, tmp_path: Path) -> None:
    workflow = validated("github-workflow.yml", "vendor.github-workflows")
    # YAML reads the key "on" as true.
    (schedule,) = workflow[True]["schedule"]
    steps = workflow["jobs"]["mirror"]["steps"]
    (there.folder / "mcmirror").symlink_to(ROOT)
    github: dict[str, Any] = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(tmp_path / "summary")}

    def play() -> list[int]:
        codes = []
        for step in steps:
            if "run" in step:
                variables: dict[str, Any] = {name: context(text) for name, text in step.get("env", {}).items()}
                done = there.run(step["run"], **github, **variables)
                codes.append(done.code)
                output.append(done.stdout + done.stderr)
        return codes

    def context(text: str) -> str:
        values = {**KEY_VARIABLES, "MINIO_URL": there.onprem.url}
        return there.here(re.sub(r"\$\{\{ (?:vars|secrets)\.(\w+) \}\}", lambda found: values[found[1]], text))

    output: list[str] = []
    assert cron.check(schedule["cron"])
    assert [0, 0] == play(), output
    assert both_pairs_arrived(there)
    (artifact,) = [step["with"]["path"] for step in steps if "upload-artifact" in step.get("uses", "")]
    assert "<testsuite" in (there.folder / artifact).read_text()
    assert "source-one-to-target-one" in (tmp_path / "summary").read_text()

    there.empty(there.aws, "target-two")
    there.aws.client().delete_bucket(Bucket="target-two")
    assert [0, 1] == play()
    assert "::error title=mcmirror source-two-to-target-two" in output[-1]


def test_the_gitlab_job(there: Machine) -> None:
    job = validated("gitlab-ci.yml", "vendor.gitlab-ci")["mirror"]
    variables: dict[str, Any] = {name: there.here(text) for name, text in job["variables"].items()}

    done = there.run("\n".join(job["script"]), **KEY_VARIABLES, **variables, MINIO_URL=there.onprem.url)

    assert 0 == done.code, done.stderr
    assert both_pairs_arrived(there)
    (report,) = job["artifacts"]["paths"]
    assert 2 == len(json.loads((there.folder / report).read_text())["reports"])
    assert "<testsuite" in (there.folder / job["artifacts"]["reports"]["junit"]).read_text()
    assert {"exit_codes": 75} == job["allow_failure"]


def crontab_lines() -> tuple[dict[str, str], list[tuple[str, str]]]:
    """The variables, and each schedule with its command as cron hands it to the shell."""
    variables, entries = dict[str, str](), list[tuple[str, str]]()
    for line in (EXAMPLES / "crontab").read_text().splitlines():
        if assigned := re.fullmatch(r"(\w+)\s*=\s*(.*)", line):
            variables[assigned[1]] = assigned[2]
        elif line and not line.startswith("#"):
            *schedule, command = line.split(maxsplit=5)
            assert not re.search(r"(?<!\\)%", command), f"cron ends the command at a bare %: {line}"
            entries.append((" ".join(schedule), command.replace(r"\%", "%")))
    return variables, entries


def test_the_crontab(there: Machine, slack: FakeSlack) -> None:
    variables, entries = crontab_lines()
    # Both files are where cron starts: in the home.
    there.write("mcmirror.toml", toml_for(there))
    there.write("pairs.env", pairs_env())

    assert {"MAILTO", "PATH"} == set(variables)
    assert 3 == len(entries)
    for schedule, command in entries:
        assert schedule == cron.check(schedule)
        # The example's jobs are for yesterday; here they have something to do.
        done = there.run(command.replace("{yesterday:%Y/%m/%d}", "2026/11"), **slack.environment)
        # --quiet: no mail.
        assert (0, "", "") == (done.code, done.stdout, done.stderr), f"{command}\n{done.stderr}"
    below = {key: body for key, body in SAMPLES.items() if key.startswith("2026/11/")}
    assert below == there.contents(there.aws, "photos-dr")
    assert below == there.contents(there.aws, "target-one")


def test_the_configuration_file(there: Machine, tmp_path: Path, slack: FakeSlack) -> None:
    text = (EXAMPLES / "mcmirror.toml").read_text()
    for path in re.findall(r"\{file:([^}]+)\}", text):
        text = text.replace(path, str(tmp_path / "secret"))
    (tmp_path / "secret").write_text("a secret\n")
    (tmp_path / "mcmirror.toml").write_text(text)
    variables = {name: f"value of {name}" for name in re.findall(r"\{env:(\w+)\}", text)}

    configuration = load(tmp_path / "mcmirror.toml", variables, tmp_path, needs_jobs=True)

    assert set(tomllib.loads(text)["job"]) == set(configuration.jobs)
    there.write("mcmirror.toml", toml_for(there))
    done = there.run("mcmirror run", **slack.environment)
    assert 0 == done.code, done.stderr
    assert ["✅ local-backup verified", "✅ photos verified"] == sorted(
        title.partition(":")[0] for title in slack.titles
    )
    assert {"app/a.txt": b"a"} == there.contents(there.onprem, "backup")


def test_the_pairs(there: Machine) -> None:
    there.write("pairs.env", pairs_env())

    done = there.run("docker run --rm --env-file pairs.env -v /run/secrets:/run/secrets:ro mcmirror")

    assert 0 == done.code, done.stderr
    assert both_pairs_arrived(there)
