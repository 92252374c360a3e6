"""A real MinIO server: started, killed, started again on its old port and data."""

import hashlib
import http.client
import json
import os
import secrets
import ssl
import subprocess
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tests.servers import binaries
from tests.servers.server import Server, free_port, new_folder

KMS_KEY = "test-key"
"""The name of the key that every server here can encrypt with."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Keys of a user of one server."""

    access_key: str
    secret_key: str


ROOT = Credentials("minioroot", "minioroot-secret")


@dataclass(kw_only=True)
class Minio(Server):
    """One server with its data; ``with`` starts it and removes both."""

    name: str
    certificates: Path | None = None
    small: str = ""
    """The data lies on a file system of this size (``"64m"``), in memory."""
    scanner: str = "fastest"
    """How busily it counts usage, which quotas look at; "default" where something is timed beside it."""
    root: Credentials = ROOT

    @classmethod
    def make(cls, name: str, *, certificates: Path | None = None, small: str = "") -> Self:
        """A server that is not started yet, on a free port."""
        return cls(name=name, folder=new_folder(name), port=free_port(), certificates=certificates, small=small)

    @property
    def scheme(self) -> str:
        return "https" if self.certificates else "http"

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.address}"

    def launch(self) -> subprocess.Popen[bytes]:
        data = self.folder / "data"
        data.mkdir(exist_ok=True)
        options = ["--certs-dir", str(self.certificates or self.folder / "no-certificates")]
        return binaries.start(
            [str(binaries.minio()), "server", "--quiet", "--address", self.address, *options, str(data)],
            {
                "HOME": str(self.folder),
                "MINIO_ROOT_USER": self.root.access_key,
                "MINIO_ROOT_PASSWORD": self.root.secret_key,
                "MINIO_BROWSER": "off",
                # So that a bucket can be encrypted with SSE-KMS, whose ETags are no MD5s.
                "MINIO_KMS_SECRET_KEY": f"{KMS_KEY}:{b64encode(bytes(32)).decode()}",
                "MINIO_UPDATE": "off",
                "MINIO_SCANNER_SPEED": self.scanner,
            },
            self.folder / "log",
            before=f"mount -t tmpfs -o size={self.small} tmpfs '{data}'" if self.small else "",
        )

    def kill(self) -> None:
        """As ``kill -9`` does; what it holds on disk stays."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    stop = kill

    def restart(self) -> None:
        """Kill it and start it again, with the same port and data."""
        self.kill()
        self.start()

    def answers(self) -> bool:
        """Whether it is up."""
        context = ssl._create_unverified_context()
        connection = (
            http.client.HTTPSConnection(self.address, timeout=2, context=context)
            if self.certificates
            else http.client.HTTPConnection(self.address, timeout=2)
        )
        try:
            connection.request("GET", "/minio/health/ready")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def client(self, credentials: Credentials | None = None) -> Any:
        """A boto3 client: the witness that is not mc."""
        import boto3
        from botocore.config import Config

        credentials = credentials or self.root
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            aws_access_key_id=credentials.access_key,
            aws_secret_access_key=credentials.secret_key,
            region_name="us-east-1",
            verify=str(self.certificates / "public.crt") if self.certificates else None,
            config=Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"}),
        )

    def mc_host(self, credentials: Credentials | None = None, address: str = "") -> str:
        """The value of an ``MC_HOST_alias`` variable."""
        keys = credentials or self.root
        return f"{self.scheme}://{keys.access_key}:{keys.secret_key}@{address or self.address}"

    def admin(self, *arguments: str) -> str:
        """Run ``mc ARGUMENTS``, with this server as the alias ``it``; what it prints."""
        home = self.folder / "mc"
        done = subprocess.run(
            [str(binaries.mc()), "--config-dir", str(home), "--insecure", *arguments],
            env={"HOME": str(home), "PATH": os.defpath, "MC_HOST_it": self.mc_host()},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"mc {' '.join(arguments)}\n{done.stdout}{done.stderr}"
        return done.stdout

    def user(self, *deny: Mapping[str, object]) -> Credentials:
        """A new user who may do everything but what the statements ``deny`` name (see ``deny``)."""
        keys = Credentials(f"user{secrets.token_hex(4)}", secrets.token_hex(12))
        allow = {"Effect": "Allow", "Action": ["s3:*"], "Resource": ["arn:aws:s3:::*"]}
        policy = self.folder / f"{keys.access_key}.json"
        policy.write_text(json.dumps({"Version": "2012-10-17", "Statement": [allow, *deny]}))
        self.admin("admin", "policy", "create", "it", keys.access_key, str(policy))
        self.admin("admin", "user", "add", "it", keys.access_key, keys.secret_key)
        self.admin("admin", "policy", "attach", "it", keys.access_key, "--user", keys.access_key)
        return keys

    def quota(self, bucket: str, size: str) -> None:
        """Limit a bucket, ``"1MiB"``; MinIO enforces it late."""
        self.admin("quota", "set", f"it/{bucket}", "--size", size)

    def open_uploads(self) -> int:
        """Multipart uploads that were begun and neither completed nor aborted, in all buckets, as the disk has them."""
        return sum(1 for _ in (self.folder / "data" / ".minio.sys" / "multipart").glob("*/*"))


def deny(actions: Iterable[str], resources: Iterable[str] = ("*",)) -> dict[str, object]:
    """A policy statement: ``deny(["PutObject"], ["bucket/secret/*"])``."""
    return {
        "Effect": "Deny",
        "Action": [f"s3:{action}" for action in actions],
        "Resource": [f"arn:aws:s3:::{resource}" for resource in resources],
    }


def contents(client: Any, bucket: str) -> dict[str, str]:
    """What really is in a bucket: each key with the MD5 of its bytes, read."""
    return {
        key: hashlib.md5(client.get_object(Bucket=bucket, Key=key)["Body"].read(), usedforsecurity=False).hexdigest()
        for key in sizes(client, bucket)
    }


def sizes(client: Any, bucket: str) -> dict[str, int]:
    """Each key of a bucket with its size, listed."""
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return {item["Key"]: item["Size"] for page in pages for item in page.get("Contents", [])}
