"""The fake mc prints what the real one prints, only more of it."""

import json
import subprocess
from pathlib import Path

from tests import fake_mc
from tests.conftest import Pair
from tests.test_servers import run_mc


def test_its_lines_have_the_shape_of_real_ones(bucket_pair: Pair, mc: Path, tmp_path: Path) -> None:
    side = bucket_pair.source
    side.put({"folder-0000/object-0000000.bin": bytes(4096)})
    fake = fake_mc.make(tmp_path, {side.bucket: 1001})

    arguments = ("ls", "--recursive", f"{side.location}/")
    real = json.loads(run_mc(mc, tmp_path / "home", *arguments, MC_HOST_src=side.server.mc_host()).stdout)
    printed = subprocess.run([fake, *arguments], capture_output=True, check=True).stdout.splitlines()
    first, last = json.loads(printed[0]), json.loads(printed[-1])

    assert (real.keys(), real["key"], real["size"]) == (first.keys(), first["key"], first["size"])
    assert (1001, "folder-0001/object-0000000.bin") == (len(printed), last["key"])
