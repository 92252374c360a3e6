"""The settings: what is missing or wrong is named by the system checks, with what to do."""

import subprocess
import sys
from pathlib import Path

import django
import pytest

from tests.django.site import Site
from tests.servers.command import COMMAND

MANDATORY = ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "STORAGE_BUCKET_NAME", "ENDPOINT_URL", "REGION_NAME")
SAME = """
AWS_S3_MIRRORING_ENDPOINT_URL = AWS_S3_ENDPOINT_URL
AWS_S3_MIRRORING_STORAGE_BUCKET_NAME = AWS_STORAGE_BUCKET_NAME
"""
EXTRA = "pip install 'mcmirror[django]'"


def checked(site: Site, more: str = "", **variables: str) -> str:
    """What ``check`` says, with the settings of the site and these."""
    (site.folder / "more_settings.py").write_text(f"from gallery.settings import *\n{more}\n")
    path = {"PYTHONPATH": str(site.folder), "DJANGO_SETTINGS_MODULE": "more_settings"}
    return site.manage("check", **path, **variables).stderr


def test_each_mandatory_setting_that_is_missing_is_named(site: Site) -> None:
    said = checked(site.without(*(f"AWS_S3_MIRRORING_{name}" for name in MANDATORY)))

    assert len(MANDATORY) == said.count("(mcmirror.E001) the setting is missing")
    for name in MANDATORY:
        assert f"the setting is missing (AWS_S3_MIRRORING_{name})" in said
    assert "HINT: Set it to the access key of the mirroring bucket." in said
    assert "" == checked(site)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ('AWS_S3_MIRRORING_REGON_NAME = "x"', "Did you mean AWS_S3_MIRRORING_REGION_NAME?"),
        ('MCMIRROR_STAT = "x"', "Did you mean MCMIRROR_STATE?"),
        ('AWS_S3_MIRRORING_SIGNATURE_VERSION = "v5"', "Write 's3v4' or 's3'."),
        ('AWS_S3_MIRRORING_REQUEST_CHECKSUM_CALCULATION = "no"', "Write 'when_supported' or 'when_required'."),
        ('AWS_S3_MIRRORING_RESPONSE_CHECKSUM_VALIDATION = "no"', "Write 'when_supported' or 'when_required'."),
        ('AWS_S3_MIRRORING_REMOVE = "yes"', "Write False or True."),
        ('AWS_S3_MIRRORING_ENDPOINT_URL = "s3.example.com"', 'Write "https://s3.example.com".'),
        ('AWS_S3_MIRRORING_STORAGE_BUCKET_NAME = "two/below"', "cannot be a bucket"),
        ('AWS_S3_ENDPOINT_URL = "http://host/path"', "(AWS_S3_ENDPOINT_URL)"),
        (SAME, "this is the main bucket itself"),
        ('MCMIRROR_STATE = "mysql://host/db"', "this is no database that mcmirror knows"),
        ('MCMIRROR_TRIGGER = "rq"', "Write one of cron, celery, tasks."),
        ('STORAGES["default"]["BACKEND"] = "storages.backends.s3.S3Storage"', "no storage is mirrored"),
        ('STORAGES["more"] = {**STORAGES["default"], "OPTIONS": {"location": "more"}}', "storages of several places"),
        ("AWS_STORAGE_BUCKET_NAME = None", "Write the name of the main bucket."),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_what_to_write(site: Site, more: str, expected: str) -> None:
    said = checked(site, more)

    assert expected in said
    assert 1 == said.count("mcmirror.E001"), said
    assert "Traceback" not in said


def test_storages_may_share_a_place(site: Site) -> None:
    assert "" == checked(site, 'STORAGES["more"] = {**STORAGES["default"], "OPTIONS": {"file_overwrite": False}}')


def test_django_tasks_are_taken_from_a_django_that_has_them(site: Site) -> None:
    said = checked(site, MCMIRROR_TRIGGER="tasks")

    assert (django.VERSION >= (6, 0)) == (not said)
    assert django.VERSION >= (6, 0) or f"Django {django.get_version()} has no django.tasks" in said


def test_the_keys_may_come_from_where_boto3_finds_them(site: Site) -> None:
    keys = {name: site.environment[f"AWS_S3_{name}"] for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY")}
    elsewhere = site.without("AWS_S3_ACCESS_KEY_ID", "AWS_S3_SECRET_ACCESS_KEY")
    (Path(site.environment["HOME"]) / ".aws").mkdir()
    (Path(site.environment["HOME"]) / ".aws" / "credentials").write_text(
        "[default]\n" + "".join(f"aws_{name.lower()} = {value}\n" for name, value in keys.items())
    )
    elsewhere.told('save("a"); say(0)')

    assert 0 == elsewhere.process().code
    assert site.pair.equal


def test_no_change_of_the_models_is_without_its_migration(site: Site) -> None:
    done = site.manage("makemigrations", "--check", "--dry-run")
    assert (0, "No changes detected\n") == (done.code, done.stdout)


@pytest.mark.parametrize("missing", ["django", "storages"])
def test_without_the_extra_the_application_names_it_and_all_else_works(missing: str) -> None:
    code = f"import sys; sys.modules[{missing!r}] = None; "
    done = subprocess.run(
        [sys.executable, "-c", f"{code}import mcmirror.contrib.django"], capture_output=True, text=True, check=False
    )
    assert f"{missing} is not installed. Install it: {EXTRA}" in done.stderr

    command = f"{code}sys.argv = ['mcmirror', '--help']; from mcmirror.cli.main import main; main()"
    done = subprocess.run([COMMAND.with_name("python"), "-c", command], capture_output=True, text=True, check=False)
    assert (0, True) == (done.returncode, "backlog" in done.stdout), done.stderr
