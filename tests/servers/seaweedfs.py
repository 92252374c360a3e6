"""A real SeaweedFS with its S3 gateway; bin/servers builds it."""

import http.client
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tests.servers import binaries
from tests.servers.s3 import Credentials, S3Server
from tests.servers.server import free_port, new_folder

ROOT = Credentials("seaweedroot", "seaweedroot-secret")
PARTS = ("master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc")


@dataclass(kw_only=True)
class SeaweedFS(S3Server):
    """Master, volume server, filer and gateway in one process; ``with`` starts it and removes it with its data."""

    program: Path
    root: Credentials = ROOT
    ports: dict[str, int] = field(default_factory=lambda: {part: free_port() for part in (*PARTS, "s3.port.grpc")})

    @classmethod
    def make(cls, program: Path) -> Self:
        """A server that is not started yet, on free ports."""
        return cls(program=program, folder=new_folder("seaweedfs"), port=free_port())

    def launch(self) -> subprocess.Popen[bytes]:
        data = self.folder / "data"
        data.mkdir(exist_ok=True)
        return binaries.start(
            # Each bucket takes volumes of its own, several at once.
            [
                str(self.program),
                *("server", f"-dir={data}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-volume.max=1000"),
                *("-master.telemetry=false", "-master.volumeSizeLimitMB=64"),
                *("-s3", f"-s3.port={self.port}", "-s3.port.iceberg=0", "-s3.port.lance=0"),
                *(f"-{part}={port}" for part, port in self.ports.items()),
            ],
            {
                "HOME": str(self.folder),
                "TMPDIR": str(self.folder),
                "AWS_ACCESS_KEY_ID": self.root.access_key,
                "AWS_SECRET_ACCESS_KEY": self.root.secret_key,
            },
            self.folder / "log",
        )

    def answers(self) -> bool:
        """Whether it takes an object: volumes come up after the gateway."""
        connection = http.client.HTTPConnection(self.address, timeout=2)
        try:
            connection.request("GET", "/status")
            if connection.getresponse().status != 200:
                return False
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
        return self.takes_objects()
