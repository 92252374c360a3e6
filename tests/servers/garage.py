"""A real Garage of one node; bin/servers builds it."""

import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tests.servers import binaries
from tests.servers.s3 import Credentials, S3Server
from tests.servers.server import free_port, new_folder

ROOT = Credentials(f"GK{'5a' * 12}", "5a" * 32)
"""Garage takes no others than hexadecimal keys of these lengths."""
CONFIGURATION = """\
metadata_dir = "{folder}/meta"
data_dir = "{folder}/data"
db_engine = "sqlite"
replication_factor = 1
rpc_bind_addr = "127.0.0.1:{rpc}"
rpc_public_addr = "127.0.0.1:{rpc}"
rpc_secret = "{secret}"
[s3_api]
s3_region = "us-east-1"
api_bind_addr = "127.0.0.1:{port}"
"""


@dataclass(kw_only=True)
class Garage(S3Server):
    """One node; ``with`` starts it and removes it with its data."""

    program: Path
    root: Credentials = ROOT
    rpc: int = field(default_factory=free_port)

    @classmethod
    def make(cls, program: Path) -> Self:
        """A node that is not started yet, on free ports."""
        return cls(program=program, folder=new_folder("garage"), port=free_port())

    def launch(self) -> subprocess.Popen[bytes]:
        text = CONFIGURATION.format(folder=self.folder, rpc=self.rpc, port=self.port, secret="5a" * 32)
        (self.folder / "garage.toml").write_text(text)
        environment = {
            "HOME": str(self.folder),
            "GARAGE_DEFAULT_ACCESS_KEY": self.root.access_key,
            "GARAGE_DEFAULT_SECRET_KEY": self.root.secret_key,
        }
        return binaries.start(
            [*self._command, "server", "--single-node", "--default-access-key"], environment, self.folder / "log"
        )

    def answers(self) -> bool:
        """Whether its key may make buckets, and it takes objects."""
        allow = [*self._command, "key", "allow", "--create-bucket", self.root.access_key]
        return subprocess.run(allow, capture_output=True, check=False).returncode == 0 and self.takes_objects()

    @property
    def _command(self) -> list[str]:
        return [str(self.program), "-c", str(self.folder / "garage.toml")]
