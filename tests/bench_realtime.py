"""A job in real time beside many writers: how long a change takes to the target, and whether all of it arrives.

`bin/bench realtime` runs it. Another client writes; both buckets keep versions, whose times are compared at the end.
With ``--faults`` the source and the target are restarted twice, mcmirror is killed five times, and once its mc is
stopped without ending: the channel is open and deaf.
"""

import argparse
import json
import random
import signal
import statistics
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import psutil

from tests.serve.house import House, Serve
from tests.servers import binaries
from tests.servers.command import Cli, clean_environment
from tests.servers.minio import Minio

BUCKET = "live"
ODD = ("a b", "é", "x+y", "%25", "d/e/f", "q?&=")


def versions(server: Minio) -> list[tuple[str, str, float]]:
    """Key, ETag (empty for a removal) and moment of every version."""
    pages = server.client().get_paginator("list_object_versions").paginate(Bucket=BUCKET)
    return [
        (one["Key"], one.get("ETag", ""), one["LastModified"].timestamp())
        for page in pages
        for one in (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))
    ]


def lags(source: Minio, target: Minio) -> list[float]:
    """Seconds from each version at the source to its copy; one that was overtaken by the next has none."""
    there: dict[tuple[str, str], list[float]] = {}
    for key, etag, moment in versions(target):
        there.setdefault((key, etag), []).append(moment)
    found = list[float]()
    for key, etag, moment in versions(source):
        after = [copied for copied in there.get((key, etag), ()) if copied >= moment - 0.001]
        found += [min(after) - moment] if after else []
    return found


def write(server: Minio, over: threading.Event, number: int, pause: float) -> None:
    """Put, overwrite, remove, and upload in parts, until it is over."""
    dice, client = random.Random(number), server.client()
    while not over.wait(dice.uniform(0, 2 * pause)):
        key = f"w{number:02}/{dice.choice(ODD)}-{dice.randrange(20)}"
        with suppress(Exception):
            if dice.random() < 0.15:
                client.delete_object(Bucket=BUCKET, Key=key)
            elif dice.random() < 0.03:
                in_parts(client, key, dice)
            else:
                client.put_object(Bucket=BUCKET, Key=key, Body=dice.randbytes(dice.randrange(20_000)))


def in_parts(client: Any, key: str, dice: random.Random) -> None:
    """Upload in two parts; the copy has an ETag of its own, so its lag is not measured."""
    upload = client.create_multipart_upload(Bucket=BUCKET, Key=key)["UploadId"]
    given = {"Bucket": BUCKET, "Key": key, "UploadId": upload}
    parts = [
        {"PartNumber": number, "ETag": client.upload_part(**given, PartNumber=number, Body=body)["ETag"]}
        for number, body in enumerate((dice.randbytes(5 << 20), b"end"), start=1)
    ]
    client.complete_multipart_upload(**given, MultipartUpload={"Parts": parts})


def contents(server: Minio) -> dict[str, str]:
    """Each key with its ETag."""
    pages = server.client().get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    return {one["Key"]: one["ETag"] for page in pages for one in page.get("Contents", ())}


def state(serve: Serve) -> dict[str, Any]:
    status, document = serve.ask("GET", "jobs/job")
    return dict(document["realtime"] or {}) if status == 200 else {}


def equal(source: Minio, target: Minio) -> list[str]:
    """Keys that differ, byte by byte where the ETags do."""
    here, there = contents(source), contents(target)
    differ = [key for key in here.keys() | there.keys() if here.get(key) != there.get(key)]

    def read(server: Minio, key: str) -> bytes:
        return bytes(server.client().get_object(Bucket=BUCKET, Key=key)["Body"].read())

    return [key for key in differ if key not in here or key not in there or read(source, key) != read(target, key)]


def faults(house: House, serve: Serve, source: Minio, target: Minio, seconds: float) -> Serve:
    """Break one thing after the other, spread over the time."""
    turns = ["kill", "source", "kill", "target", "deaf", "kill", "source", "kill", "target", "kill"]
    for turn in turns:
        time.sleep(seconds / len(turns))
        print(f"  {turn}", flush=True)
        if turn == "kill":
            serve.kill()
            serve = house.start()
        elif turn == "deaf":
            for child in psutil.Process(serve.process.pid).children(recursive=True):
                with suppress(psutil.Error):
                    if "watch" in child.cmdline():
                        child.send_signal(signal.SIGSTOP)
        else:
            server = source if turn == "source" else target
            server.kill()
            server.start()
    return serve


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(prog="bin/bench realtime", description=__doc__)
    parser.add_argument("--writers", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--pause", type=float, default=2.0, help="mean seconds between two changes of a writer (2)")
    parser.add_argument("--faults", action="store_true")
    options = parser.parse_args()
    with ExitStack() as stack:
        source, target = (stack.enter_context(Minio.make(name)) for name in ("source", "target"))
        for server in (source, target):
            server.client().create_bucket(Bucket=BUCKET)
            kept = {"Status": "Enabled"}
            server.client().put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration=kept)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        variables = {
            "MCMIRROR_MC": str(binaries.mc()),
            "MC_HOST_src": source.mc_host(),
            "MC_HOST_dst": target.mc_host(),
        }
        house = House(Cli(folder, clean_environment(folder / "home", variables)), stack)
        house.defaults = {"overwrite": True, "remove": True, "max_delete": "unlimited"}
        house.jobs = {"job": {"source": f"src/{BUCKET}", "target": f"dst/{BUCKET}", "realtime": True}}
        serve = house.start()
        serve.until(lambda: state(serve).get("channel") == "listening" and not state(serve)["catching_up"])
        over = threading.Event()
        threads = [
            threading.Thread(target=write, args=(source, over, number, options.pause), daemon=True)
            for number in range(options.writers)
        ]
        for thread in threads:
            thread.start()
        if options.faults:
            serve = faults(house, serve, source, target, options.seconds)
        else:
            time.sleep(options.seconds)
        over.set()
        for thread in threads:
            thread.join(60)
        quiet = time.monotonic()
        while (left := equal(source, target)) and time.monotonic() - quiet < 120:
            time.sleep(1)
        took = time.monotonic() - quiet
        taken = sorted(lags(source, target))
        median, last = statistics.median(taken), taken[int(len(taken) * 0.99)]
        print(
            f"{len(taken):,} of {len(versions(source)):,} versions copied: median {median:.2f} s, 99 % in {last:.2f} s"
        )
        print(f"after the last change the buckets were equal in {took:.1f} s; {len(left)} keys differ")
        print(json.dumps(state(serve)))
        if left:
            sys.exit(f"not equal: {left[:5]}")


if __name__ == "__main__":
    main()
