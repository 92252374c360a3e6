"""A real S3 server, and what boto3 says of it: the witness that is not mc."""

import hashlib
import secrets
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tests.servers.server import Server


@dataclass(frozen=True, slots=True)
class Credentials:
    """Keys of a user of one server."""

    access_key: str
    secret_key: str


@dataclass(kw_only=True)
class S3Server(Server):
    """One server with its data; ``with`` starts it and removes both."""

    root: Credentials
    certificates: Path | None = None
    region: str = "us-east-1"

    @property
    def scheme(self) -> str:
        """``https`` where it has certificates."""
        return "https" if self.certificates else "http"

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """What an alias says."""
        return f"{self.scheme}://{self.address}"

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

    def takes_objects(self) -> bool:
        """Whether it stores one; some answer before they can."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            Bucket.make(self, "").put({"a": b"a"})
        except (BotoCoreError, ClientError):
            return False
        return True

    def client(self, credentials: Credentials | None = None) -> Any:
        """A boto3 client."""
        import boto3
        from botocore.config import Config

        credentials = credentials or self.root
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            aws_access_key_id=credentials.access_key,
            aws_secret_access_key=credentials.secret_key,
            region_name=self.region,
            verify=str(self.certificates / "public.crt") if self.certificates else None,
            config=Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"}),
        )

    def mc_host(self, credentials: Credentials | None = None, address: str = "") -> str:
        """The value of an ``MC_HOST_alias`` variable."""
        keys = credentials or self.root
        return f"{self.scheme}://{keys.access_key}:{keys.secret_key}@{address or self.address}"


@dataclass(frozen=True)
class Bucket:
    """A bucket of one server."""

    server: S3Server
    client: Any
    bucket: str
    alias: str

    @classmethod
    def make(cls, server: S3Server, alias: str) -> Self:
        """A fresh one with a name of its own."""
        made = cls(server, server.client(), f"t{secrets.token_hex(6)}", alias)
        made.client.create_bucket(Bucket=made.bucket)
        return made

    @property
    def location(self) -> str:
        """``alias/bucket``."""
        return f"{self.alias}/{self.bucket}"

    def put(self, objects: Mapping[str, bytes]) -> None:
        """Store objects; many of them side by side."""

        def put(item: tuple[str, bytes]) -> None:
            self.client.put_object(Bucket=self.bucket, Key=item[0], Body=item[1])

        if len(objects) < 20:
            for item in objects.items():
                put(item)
            return
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(put, objects.items()))

    def delete(self, *keys: str) -> None:
        """Remove objects."""
        for key in keys:
            self.client.delete_object(Bucket=self.bucket, Key=key)

    def contents(self) -> dict[str, str]:
        """Each key with the MD5 of its bytes, read."""
        return contents(self.client, self.bucket)

    def sizes(self) -> dict[str, int]:
        """Each key with its size, listed."""
        return sizes(self.client, self.bucket)


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
