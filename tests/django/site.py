"""The application of examples/django between two buckets, each of its commands a process of its own."""

import json
import secrets
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from tests.conftest import Pair
from tests.machine import ROOT
from tests.servers.command import Result, clean_environment

GALLERY = ROOT / "examples" / "django"
CODE = """
import json, os, signal
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage as storage
from django.db import connection, transaction
from mcmirror.contrib.django import mirror, mirror_object
from mcmirror.contrib.django.models import MirrorItemTask, MirrorRequest
from gallery.models import Picture


def save(name, content=b"1"):
    return storage.save(name, ContentFile(content))


def states():
    return {item.key: item.status for item in MirrorItemTask.objects.all()}


def requests():
    return sorted(MirrorRequest.objects.values_list("key", flat=True))


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def client():
    from django.contrib.auth.models import User
    from django.test import Client

    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.filter(username="boss").first() or User.objects.create_superuser("boss"))
    return client


def say(value):
    print(json.dumps(value, default=str))
"""


@dataclass(frozen=True)
class Site:
    """Its folder is its home; ``pair`` are its two buckets."""

    folder: Path
    pair: Pair
    environment: dict[str, str]

    @classmethod
    def make(cls, folder: Path, pair: Pair, database: str, state: str, mc: Path) -> Self:
        """Its tables are not there yet."""
        variables = {
            "DJANGO_SETTINGS_MODULE": "gallery.settings",
            "DJANGO_SECRET_KEY": secrets.token_hex(20),
            "DATABASE_URL": database,
            "MCMIRROR_STATE": state,
            "MCMIRROR_MC": str(mc),
        }
        for prefix, bucket, side in (
            ("AWS_S3_", "AWS_STORAGE_BUCKET_NAME", pair.source),
            ("AWS_S3_MIRRORING_", "AWS_S3_MIRRORING_STORAGE_BUCKET_NAME", pair.target),
        ):
            variables |= {
                f"{prefix}ACCESS_KEY_ID": side.server.root.access_key,
                f"{prefix}SECRET_ACCESS_KEY": side.server.root.secret_key,
                f"{prefix}ENDPOINT_URL": side.server.url,
                f"{prefix}REGION_NAME": side.server.region,
                bucket: side.bucket,
            }
        return cls(folder, pair, clean_environment(folder / "home", variables))

    def having(self, **variables: str) -> "Site":
        """The same with other variables."""
        return replace(self, environment={**self.environment, **variables})

    def without(self, *names: str) -> "Site":
        """The same without these variables."""
        return replace(self, environment={name: value for name, value in self.environment.items() if name not in names})

    def manage(self, *arguments: str, **variables: str) -> Result:
        """Run ``manage.py`` to its end."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=GALLERY,
            env={**self.environment, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """Start a Python module beside, such as ``celery``."""
        with (self.folder / "beside.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", *command],
                cwd=GALLERY,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def run(self, code: str, **variables: str) -> Result:
        """Run Python in it, after CODE."""
        return self.manage("shell", "--no-imports", "-c", CODE + code, **variables)

    def told(self, code: str, **variables: str) -> Any:
        """What the code hands to ``say``."""
        done = self.run(code, **variables)
        assert 0 == done.code, done.stdout + done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    def process(self, *options: str, **variables: str) -> Result:
        """The command that cron calls."""
        return self.manage("process_pending_mirror_tasks", *options, **variables)
