"""Two buckets that a [replication.link] names, the command, and what the servers really have."""

import json
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tests.servers.command import Cli, Result
from tests.servers.minio import Minio


@dataclass
class Link:
    """A [replication.link] of two buckets, and what the servers have."""

    cli: Cli
    source: Minio
    target: Minio
    name: str = field(default_factory=lambda: f"t{secrets.token_hex(6)}")

    def write(self, *lines: str, source: str = "src", target: str = "dst") -> None:
        self.cli.write(
            "\n".join(
                ["[replication.link]", f'source = "{source}/{self.name}"', f'target = "{target}/{self.name}"', *lines]
            )
        )

    def __call__(self, verb: str, *more: str, **variables: str) -> Result:
        return self.cli("replicate", verb, "link", *more, timeout=120, **variables)

    def document(self, verb: str, *more: str) -> Any:
        return json.loads(self(verb, "--json", *more).stdout)

    def make(self, server: Minio, *, versioned: bool = False) -> None:
        client = server.client()
        client.create_bucket(Bucket=self.name)
        if versioned:
            client.put_bucket_versioning(Bucket=self.name, VersioningConfiguration={"Status": "Enabled"})

    def versioning(self, server: Minio) -> str:
        return str(server.client().get_bucket_versioning(Bucket=self.name).get("Status", ""))

    def rules(self, server: Minio) -> list[Any]:
        client = server.client()
        with suppress(client.exceptions.ClientError):
            return list(client.get_bucket_replication(Bucket=self.name)["ReplicationConfiguration"]["Rules"])
        return []

    def exists(self, server: Minio) -> bool:
        return self.name in [one["Name"] for one in server.client().list_buckets()["Buckets"]]

    def actions(self, *more: str) -> list[tuple[str, str]]:
        """What is left to do, each with its alias."""
        return [(step["action"], step["place"].partition("/")[0]) for step in self.document("plan", *more)["steps"]]

    def has(self, server: Minio, key: str) -> Callable[[], bool]:
        def look() -> bool:
            return key in [one["Key"] for one in server.client().list_objects_v2(Bucket=self.name).get("Contents", [])]

        return look
