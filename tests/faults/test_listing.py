"""Page two of a listing breaks, on either side: never a shorter bucket, and nothing is removed by it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Side
from tests.faults.conftest import LONG
from tests.faults.fault import HANGS, Fault, Mc
from tests.faults.stage import PATIENCE, Stage
from tests.servers.command import Cli
from tests.servers.minio import Minio
from tests.servers.proxy import BROKEN, DENIED, EMPTY, HTML, Action, Answer, Cut, Proxy, Reset

COMMON = {f"{number:04}": b"x" for number in range(1001)}
NEW = {f"8{number}": b"new" for number in range(3)}
EXTRA = {f"9{number}": b"extra" for number in range(5)}
"""Both lie on the second page, and by count the removals are allowed."""
TRUNCATED = Answer(200, b'<?xml version="1.0" encoding="UTF-8"?><ListBucketResult><IsTruncated>false</IsTru')
FOREIGN = Answer(200, b'<?xml version="1.0" encoding="UTF-8"?><Maintenance><Until>tomorrow</Until></Maintenance>')
REPEATED = Answer(
    200,
    b"<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>"
    b'<Contents><Key>7</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>""</ETag><Size>1</Size>'
    b"</Contents></ListBucketResult>",
)
OLD_VERSION = Answer(200, b"<ListBucketResult><Marker></Marker><IsTruncated>true</IsTruncated></ListBucketResult>")
MOVED = Answer(307)
BREAKS: tuple[tuple[str, Action, str], ...] = (
    ("403", DENIED, "permission"),
    ("500", BROKEN, "server-error"),
    ("reset", Reset(), "connection-lost"),
    ("cut-body", Cut(300), "connection-lost"),
    ("bad-xml", TRUNCATED, "listing-broken"),
    ("empty", EMPTY, "listing-broken"),
    ("html", HTML, "listing-broken"),
    ("foreign-xml", FOREIGN, "listing-broken"),
    ("repeated", REPEATED, "listing-broken"),
    ("old-version", OLD_VERSION, "listing-unsupported"),
    ("redirect", MOVED, "redirected"),
)
WORDS = {
    "403": "answers 403",
    "500": "answers 500",
    "reset": "is reset",
    "cut-body": "breaks off in its body",
    "bad-xml": "ends in the middle of its XML",
    "empty": "is an empty 200",
    "html": "is a web page with status 200",
    "foreign-xml": "is some other XML with status 200",
    "repeated": "comes again and again",
    "old-version": "is one of the first ListObjects version",
    "redirect": "is a redirect",
}


def _broken(alias: str, action: Action) -> Callable[[Stage], object]:
    def scene(stage: Stage) -> None:
        stage.flags += ["--remove", "--max-delete", "unlimited"]
        stage.again = ("--retries", "0")  # mc itself asks ten times
        stage.proxy(stage.source if alias == "src" else stage.target).on("list-next", action)

    return scene


def _bare(side: str, name: str) -> Mc:
    if name in {"html", "foreign-xml"}:  # mc takes it for the end of the bucket, and removes the rest
        return Mc(0, "", "some", "all" if side == "source" else "none")
    if name == "repeated":
        return Mc(HANGS, "", "some")
    return Mc(0, "Unable to list comparison retrying", "some")


FAULTS = tuple(
    Fault(
        f"{side}-page-two-{name}",
        f"{side}: page two of the listing {WORDS[name]}, with `--remove`",
        _broken(alias, action),
        _bare(side, name),
        "failed",
        1,
        category,
        untouched=True,
    )
    for side, alias in (("source", "src"), ("target", "dst"))
    for name, action, category in BREAKS
)


@pytest.fixture(scope="module")
def sides(source: Minio, target: Minio, source_client: Any, target_client: Any) -> tuple[Side, Side]:
    """Two buckets of more than a page, made once: no row may change them."""
    above, below = Side(source, source_client, "two-pages", "src"), Side(target, target_client, "two-pages", "dst")
    for side, objects in ((above, COMMON | NEW), (below, COMMON | EXTRA)):
        side.client.create_bucket(Bucket=side.bucket)
        side.put(objects)
    return above, below


@pytest.fixture
def stage(
    sides: tuple[Side, Side], new_proxy: Callable[[Minio], Proxy], new_side: Callable[..., Side], tmp_path: Path
) -> Iterator[Stage]:
    folder = tmp_path / "stage"
    folder.mkdir()
    yield Stage(*sides, folder, new_proxy, new_side)
    _restore(sides[1])


def _restore(target: Side) -> None:
    """Undo what bare mc did."""
    there = target.sizes()
    target.delete(*(key for key in there if key in NEW))
    target.put({key: body for key, body in (COMMON | EXTRA).items() if key not in there})


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_nothing_is_decided_and_nothing_removed(fault: Fault, stage: Stage, cli: Cli, mc: Path) -> None:
    fault.scene(stage)
    before = stage.target.sizes()

    result = stage.run(cli)

    assert (fault.status, fault.code, False) == (result.report["status"], result.code, result.report["verified"])
    assert fault.category in {problem["category"] for problem in result.report["problems"]}, result.stdout
    assert before == stage.target.sizes()

    stage.flags.clear()
    stage.flags.append("--remove")
    stage.patience = PATIENCE if fault.mc.exit == HANGS else LONG
    code, said = stage.bare(mc)
    after = stage.target.sizes()
    arrived, removed = after.keys() & NEW.keys(), EXTRA.keys() - after.keys()
    undone = len(NEW) - len(arrived) + len(EXTRA) - len(removed)
    assert (fault.mc.exit, fault.mc.arrived) == (code, "some" if undone else "all"), said
    assert fault.mc.says in said if fault.mc.says else not said, said
    assert fault.mc.destroyed == ("none" if not removed else "all" if len(removed) == len(EXTRA) else "some"), said
