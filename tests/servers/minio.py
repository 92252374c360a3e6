"""A real MinIO server: started, killed, started again on its old port and data."""

import http.client
import json
import os
import secrets
import ssl
import subprocess
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tests.servers import binaries
from tests.servers.s3 import Credentials, S3Server, contents, sizes
from tests.servers.server import free_port, new_folder

__all__ = ["Credentials", "Minio", "contents", "deny", "sizes"]

KMS_KEY = "test-key"
"""The name of the key that every server here can encrypt with."""

ROOT = Credentials("minioroot", "minioroot-secret")


@dataclass(kw_only=True)
class Minio(S3Server):
    """One server with its data; ``with`` starts it and removes both."""

    name: str
    small: str = ""
    """The data lies on a file system of this size (``"64m"``), in memory."""
    root: Credentials = ROOT
    environment: Mapping[str, str] = field(default_factory=dict)
    """Further variables, such as those of a webhook."""

    @classmethod
    def make(cls, name: str, *, certificates: Path | None = None, small: str = "") -> Self:
        """A server that is not started yet, on a free port."""
        return cls(name=name, folder=new_folder(name), port=free_port(), certificates=certificates, small=small)

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
                **self.environment,
            },
            self.folder / "log",
            before=f"mount -t tmpfs -o size={self.small} tmpfs '{data}'" if self.small else "",
        )

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
