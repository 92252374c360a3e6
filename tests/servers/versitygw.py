"""A real Versity S3 gateway over a folder: the second opinion of what an S3 server is."""

import http.client
import subprocess
from dataclasses import dataclass
from typing import Self

from tests.servers import binaries
from tests.servers.s3 import Credentials, S3Server
from tests.servers.server import free_port, new_folder

ROOT = Credentials("versityroot", "versityroot-secret")
HEALTH = "/health"


@dataclass(kw_only=True)
class Versitygw(S3Server):
    """One gateway with its data; ``with`` starts it and removes both. Metadata and tags lie in extended attributes."""

    root: Credentials = ROOT

    @classmethod
    def make(cls, name: str) -> Self:
        """A gateway that is not started yet, on a free port."""
        return cls(folder=new_folder(name), port=free_port())

    def launch(self) -> subprocess.Popen[bytes]:
        data, versions = self.folder / "data", self.folder / "versions"
        data.mkdir(exist_ok=True)
        versions.mkdir(exist_ok=True)
        return binaries.start(
            [
                str(binaries.versitygw()),
                *("--port", self.address, "--region", self.region, "--health", HEALTH, "--quiet"),
                *("posix", "--versioning-dir", str(versions), str(data)),
            ],
            {
                "HOME": str(self.folder),
                "ROOT_ACCESS_KEY": self.root.access_key,
                "ROOT_SECRET_KEY": self.root.secret_key,
            },
            self.folder / "log",
        )

    def answers(self) -> bool:
        """Whether it is up."""
        connection = http.client.HTTPConnection(self.address, timeout=2)
        try:
            connection.request("GET", HEALTH)
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
