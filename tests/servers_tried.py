"""What becomes of a mirror from and to servers of several makes; ``bin/servers`` starts it, by hand.

Each trial has fresh buckets, on the server and on a MinIO at the other end, and drives the installed command. boto3
says what was there and what arrived; the command says whether it knows.
"""

import argparse
import json
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from tests import docs
from tests.servers import binaries
from tests.servers.command import Cli, Result, clean_environment
from tests.servers.garage import Garage
from tests.servers.minio import Minio
from tests.servers.s3 import Bucket, S3Server
from tests.servers.seaweedfs import SeaweedFS
from tests.servers.versitygw import Versitygw

PAGE = docs.FOLDER / "servers.md"
BUILT = binaries.TOOLS.with_name("servers")
VERSIONS = {
    "MinIO": "RELEASE.2025-09-07T16-13-09Z",
    "versitygw": "1.8.0, posix",
    "SeaweedFS": "4.53",
    "Garage": "2.5.0",
}
MAKES: Mapping[str, Callable[[], S3Server]] = {
    "MinIO": lambda: Minio.make("tried"),
    "versitygw": lambda: Versitygw.make("tried"),
    "SeaweedFS": lambda: SeaweedFS.make(BUILT / "weed"),
    "Garage": lambda: Garage.make(BUILT / "bin" / "garage"),
}
ABOUT = ("version", "tried on")
KEPT = "✓"
ODD_KEYS = (
    "ü/日本",
    "new\nline",
    "tab\there",
    "100%41",
    "a+b",
    "end ",
    "back\\slash",
    "two//slashes",
    "a/./b",
    "a/../b",
    "/first",
)
HEADERS = {
    "ContentType": "text/x-tried",
    "ContentEncoding": "gzip",
    "ContentLanguage": "de",
    "ContentDisposition": 'attachment; filename="x"',
    "CacheControl": "max-age=60",
    "Expires": datetime(2031, 1, 2, 3, 4, 5, tzinfo=UTC),
    "Metadata": {"color": "red"},
}
ERRORS = (ClientError, BotoCoreError)


@dataclass(frozen=True)
class End:
    """A server and its alias."""

    server: S3Server
    alias: str


@dataclass(frozen=True)
class Ground:
    """Fresh buckets of a trial, and the command."""

    cli: Cli
    source: Bucket
    target: Bucket

    def mirror(self, *options: str) -> Result:
        """Mirror the one to the other."""
        return self.cli("mirror", self.source.location, self.target.location, "--json", *options, timeout=600)

    def verify(self, *options: str) -> Result:
        """Compare them."""
        return self.cli("verify", self.source.location, self.target.location, "--json", *options, timeout=600)

    def lost(self) -> list[str]:
        """The keys whose bytes are not the same on both sides."""
        one, other = self.source.contents(), self.target.contents()
        return sorted(key for key in one.keys() | other.keys() if one.get(key) != other.get(key))

    def its_bytes(self, done: Result) -> str:
        """What is to be said of the bytes first; empty where they are all there."""
        lost = self.lost()
        return verdict(done, lost) if lost else ""


def verdict(done: Result, lost: list[str], said: bool | None = None) -> str:
    """Return what the documentation says of it; ``said``: whether the command knows, which its exit code tells else."""
    said = done.code != 0 if said is None else said
    if not lost:
        return KEPT if done.code == 0 else f"exit {done.code}"
    return f"{'not kept' if said else '**lost in silence**'}: {listed(lost)}"


def listed(keys: Iterable[str]) -> str:
    """Keys in a table."""
    return ", ".join(map(shown, keys))


def shown(key: str) -> str:
    """A key in a table."""
    return f"`{json.dumps(key, ensure_ascii=False)[1:-1]}`"


def first_copy(ground: Ground) -> str:
    """Some objects, and nothing to do in the run after it."""
    ground.source.put({f"many/{number:03}": b"x" * number for number in range(40)})
    first = verdict(ground.mirror(), ground.lost())
    again = ground.mirror()
    repeated = again.report["done"]["objects"] if again.code == 0 else again.code
    return first if first != KEPT or not repeated else f"the next run copies {repeated} again"


def changed(ground: Ground) -> str:
    """An object with other bytes, of the same size and of another one."""
    ground.source.put({"same size": b"1111", "longer": b"1"})
    ground.mirror()
    ground.source.put({"same size": b"2222", "longer": b"22"})
    return verdict(ground.mirror("--overwrite"), ground.lost())


def removed(ground: Ground) -> str:
    """Objects that are gone from the source, few enough for the guard."""
    ground.source.put({f"many/{number:02}": b"1" for number in range(20)})
    ground.mirror()
    ground.source.delete("many/07", "many/19")
    return verdict(ground.mirror("--remove"), ground.lost())


def odd_keys(ground: Ground) -> str:
    """Keys of all kinds, one by one; what the source itself does not store is said apart."""
    refused = []
    for key in ODD_KEYS:
        with suppress(*ERRORS):
            ground.source.put({key: key.encode()})
        refused += [] if key in ground.source.sizes() else [key]
    done = ground.mirror("--remove")
    there, arrived = ground.source.contents(), ground.target.contents()
    found = verdict(done, sorted(key for key in there if there[key] != arrived.get(key)))
    others = sorted(arrived.keys() - there.keys())
    found += f"; stored instead: {listed(others)}" if others else ""
    found += f"; not stored by the source: {listed(refused)}" if refused else ""
    ground.source.delete("a+b")
    ground.mirror("--remove")
    held = "; they hold a removal back" if "a+b" in ground.target.sizes() else ""
    return f"{found}{held}"


def empty(ground: Ground) -> str:
    """An object without bytes."""
    ground.source.put({"empty": b"", "beside": b"1"})
    return verdict(ground.mirror(), ground.lost())


def marker(ground: Ground) -> str:
    """A folder as consoles make it: an empty object whose key ends in a slash."""
    ground.source.put({"folder/": b"", "folder/in": b"1", "alone/": b""})
    return verdict(ground.mirror(), ground.lost())


def parts(ground: Ground) -> str:
    """An object of 40 MiB, which mc stores in parts."""
    ground.source.put({"big": bytes(range(256)) * (40 << 12)})
    return verdict(ground.mirror(), ground.lost())


def metadata(ground: Ground) -> str:
    """Headers, and metadata of a user's own."""
    ground.source.client.put_object(Bucket=ground.source.bucket, Key="a", Body=b"1", **HEADERS)
    at_source = ground.source.client.head_object(Bucket=ground.source.bucket, Key="a")
    refused = [name for name, value in HEADERS.items() if at_source.get(name) != value]
    done = ground.mirror()
    if lost_bytes := ground.its_bytes(done):
        return lost_bytes
    at_target = ground.target.client.head_object(Bucket=ground.target.bucket, Key="a")
    lost = [name for name, value in HEADERS.items() if name not in refused and at_target.get(name) != value]
    stored = f"; not stored by the source: {listed(refused)}" if refused else ""
    return f"{verdict(done, lost, said=all(mentions(done, name) for name in lost))}{stored}"


def mentions(done: Result, name: str) -> bool:
    """Whether a note or a problem speaks of a header, or of tags."""
    said = " ".join([*done.report["notes"], *map(str, done.report["problems"])]).replace("-", "")
    return re.search(rf"\b{name}\b", said, re.IGNORECASE) is not None


def tags(ground: Ground) -> str:
    """Tags of an object; where they stay behind by default, with the option that carries them."""
    ground.source.put({"a": b"1"})
    wanted = [{"Key": "color", "Value": "red"}]
    try:
        where = {"Bucket": ground.source.bucket, "Key": "a"}
        ground.source.client.put_object_tagging(**where, Tagging={"TagSet": wanted})
    except ERRORS as failure:
        return f"the source has none ({code(failure)})"

    def tried(*options: str) -> str:
        done = ground.mirror(*options)
        try:
            arrived = ground.target.client.get_object_tagging(Bucket=ground.target.bucket, Key="a")["TagSet"]
        except ERRORS:
            arrived = []
        said = done.code != 0 or mentions(done, "tags")
        return ground.its_bytes(done) or verdict(done, [] if arrived == wanted else ["color"], said=said)

    if (found := tried()) == KEPT:
        return found
    ground.target.delete("a")
    return f"{found}; with `--tags copy`: {tried('--tags', 'copy')}"


def versions(ground: Ground) -> str:
    """A source with old versions and a delete marker: what is current arrives."""
    try:
        ground.source.client.put_bucket_versioning(
            Bucket=ground.source.bucket, VersioningConfiguration={"Status": "Enabled"}
        )
    except ERRORS as failure:
        return f"the source has none ({code(failure)})"
    ground.source.put({"a": b"old", "gone": b"1"})
    ground.source.put({"a": b"new"})
    ground.source.delete("gone")
    return verdict(ground.mirror(), ground.lost())


def contents(ground: Ground) -> str:
    """``verify --content`` of a true copy, and of one with an object that has other bytes of the same size."""
    ground.source.put({"a": b"1111", "b": b"2222", "big": b"x" * (20 << 20)})
    ground.mirror()
    if (done := ground.verify("--content")).code:
        return f"a true copy: exit {done.code}"
    ground.target.put({"b": b"3333"})
    done = ground.verify("--content")
    named = [item["key"] for item in done.report["remaining_keys"]]
    return KEPT if (done.code, named) == (3, ["b"]) else f"a wrong copy: exit {done.code}, {named}"


TRIALS: Mapping[str, Callable[[Ground], str]] = {
    "first copy, and a second run": first_copy,
    "changed objects": changed,
    "removals": removed,
    "odd keys": odd_keys,
    "an empty object": empty,
    "folder markers": marker,
    "40 MiB, in parts": parts,
    "headers and user metadata": metadata,
    "tags": tags,
    "a versioned source": versions,
    "`verify --content`": contents,
}


def code(failure: Exception) -> str:
    """The server's word."""
    return failure.response["Error"]["Code"] if isinstance(failure, ClientError) else type(failure).__name__


def tried(name: str, folder: Path) -> dict[str, str]:
    """Return the column of a make: a cell for each trial."""
    with MAKES[name]() as server, Minio.make("other") as other:
        cli = command(folder, {"its": server, "minio": other})
        cells = {}
        for trial, play in TRIALS.items():
            print(f"bin/servers: {name}: {trial}", file=sys.stderr)
            here, there = End(server, "its"), End(other, "minio")
            found = {
                "from": attempt(play, cli, here, there),
                "to": attempt(play, cli, there, here),
            }
            same = found["from"] == found["to"]
            cells[trial] = found["to"] if same else "; ".join(f"{way} it: {text}" for way, text in found.items())
        return cells


def attempt(play: Callable[[Ground], str], cli: Cli, source: End, target: End) -> str:
    """One trial on fresh buckets; what a server refuses to boto3 is a finding too."""
    try:
        return play(Ground(cli, Bucket.make(source.server, source.alias), Bucket.make(target.server, target.alias)))
    except ERRORS as failure:
        return f"boto3 itself: {code(failure)}"


def command(folder: Path, servers: Mapping[str, S3Server]) -> Cli:
    """The command, for which these names are the servers."""
    folder.mkdir()
    hosts = {f"MC_HOST_{name}": server.mc_host() for name, server in servers.items()}
    return Cli(folder, clean_environment(folder / "home", {"MCMIRROR_MC": str(binaries.mc()), **hosts}))


def read(block: str) -> dict[str, dict[str, str]]:
    """The columns of a table that was written before; a trial that is no more has no row."""
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in block.splitlines() if line.startswith("|")]
    if not lines:
        return {}
    (_, *names), _, *rows = lines
    known = [row for row in rows if row[0] in (*ABOUT, *TRIALS)]
    return {name: {row[0]: row[place] for row in known} for place, name in enumerate(names, 1)}


def table(columns: Mapping[str, Mapping[str, str]]) -> str:
    """The columns side by side."""
    lines = [["", *columns], ["---"] * (1 + len(columns))]
    lines += [[row, *(column.get(row, "not tried") for column in columns.values())] for row in (*ABOUT, *TRIALS)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def main() -> None:
    """Try the makes that are named, all else; the columns of the others stay."""
    parser = argparse.ArgumentParser(prog="bin/servers", description="Try servers and write docs/servers.md.")
    parser.add_argument("make", nargs="*", choices=[[], *MAKES], help="default: all")
    names = parser.parse_args().make or list(MAKES)
    page = PAGE.read_text()
    columns = read(docs.block(page, "servers"))
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            about = (VERSIONS[name], f"{datetime.now(UTC):%Y-%m-%d}")
            columns[name] = dict(zip(ABOUT, about, strict=True)) | tried(name, Path(folder) / name)
            known = {name: columns[name] for name in MAKES if name in columns}
            PAGE.write_text(docs.replaced(page, {"servers": table(known)}))


if __name__ == "__main__":
    main()
