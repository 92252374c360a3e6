"""What only several runs, several jobs or a look at the bytes can show."""

import os
import sqlite3
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.conftest import Pair
from tests.servers.command import Cli
from tests.servers.minio import KMS_KEY

STATE = Path("home/.local/state/mcmirror")


def places(pair: Pair) -> tuple[str, str]:
    return pair.source.location, pair.target.location


def put_in_parts(pair: Pair, first: bytes) -> None:
    """Put an object of two parts on both sides; the first part of the source's is ``first``."""
    for side, start in ((pair.source, first), (pair.target, b"a" * len(first))):
        upload = side.client.create_multipart_upload(Bucket=side.bucket, Key="film")["UploadId"]
        parts = []
        for number, body in enumerate((start, b"end"), 1):
            about = {"Bucket": side.bucket, "Key": "film", "UploadId": upload, "PartNumber": number}
            parts.append({"PartNumber": number, "ETag": side.client.upload_part(**about, Body=body)["ETag"]})
        done = {"Bucket": side.bucket, "Key": "film", "UploadId": upload}
        side.client.complete_multipart_upload(**done, MultipartUpload={"Parts": parts})


def test_etags_of_an_encrypted_target_are_learnt_once(cli: Cli, bucket_pair: Pair) -> None:
    side = bucket_pair.target
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KMS_KEY}}
    side.client.put_bucket_encryption(Bucket=side.bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    bucket_pair.source.put({f"k{number}": b"x" * number for number in range(1, 7)})
    first = cli("mirror", *places(bucket_pair), "--overwrite", "--json").report
    assert ("succeeded", 6, 6) == (first["status"], first["done"]["objects"], first["unproven"]["objects"])
    assert bucket_pair.equal
    again = cli("mirror", *places(bucket_pair), "--overwrite", "--json").report
    assert ("succeeded", 0, 6) == (again["status"], again["planned"]["objects"], again["unproven"]["objects"])
    state = cli.folder / STATE / "state.db"
    assert 0o600 == state.stat().st_mode & 0o777
    with sqlite3.connect(state) as database:
        assert [(6,)] == database.execute("select count(*) from incomparable").fetchall()
    database.close()
    # Somebody overwrites one at the same size: its new ETag is not the one that was learnt.
    side.put({"k3": b"yyy"})
    mended = cli("mirror", *places(bucket_pair), "--overwrite", "--json").report
    assert ("succeeded", 1) == (mended["status"], mended["done"]["objects"])
    assert bucket_pair.equal


def test_a_state_that_cannot_be_used_stops_no_mirror(cli: Cli, bucket_pair: Pair) -> None:
    bucket_pair.source.put({"a": b"1", "b": b"1"})
    bucket_pair.target.put({"b": b"2"})
    (cli.folder / "home").mkdir(exist_ok=True)
    (cli.folder / "home" / ".local").write_text("a file where a folder is wanted")
    result = cli("mirror", *places(bucket_pair), "--overwrite", "--json")
    assert ("succeeded", 2) == (result.report["status"], result.report["done"]["objects"])
    assert "no lock" in result.stderr
    assert bucket_pair.equal


def test_verify_content_reads_what_no_listing_shows(cli: Cli, bucket_pair: Pair) -> None:
    put_in_parts(bucket_pair, b"b" * (5 << 20))
    bucket_pair.source.put({"small": b"1", "empty": b""})
    bucket_pair.target.put({"small": b"1", "empty": b""})
    listed = cli("verify", *places(bucket_pair), "--json")
    assert (0, 1) == (listed.code, listed.report["unproven"]["objects"])
    read = cli("verify", *places(bucket_pair), "--content", "--json")
    assert (3, "partial") == (read.code, read.report["status"])
    assert ["film"] == [left["key"] for left in read.report["remaining_keys"]]
    assert {"content-differs"} == {found["category"] for found in read.report["problems"]}
    assert {"source_get": 3 + 1, "target_get": 3} == {  # beside the contents whether the source keeps versions
        kind: number for kind, number in read.report["requests"].items() if kind.endswith("get")
    }
    # What was found is known to the next run, which no listing would tell it.
    assert 3 == cli("verify", *places(bucket_pair)).code
    mended = cli("mirror", *places(bucket_pair), "--overwrite", "--json")
    assert (0, 1) == (mended.code, mended.report["done"]["objects"])
    assert bucket_pair.equal
    same = cli("verify", *places(bucket_pair), "--content", "--json")
    assert (0, 0, 3) == (same.code, same.report["unproven"]["objects"], same.report["read"]["objects"])
    least = cli("verify", *places(bucket_pair), "--content=0.001%", "--json")
    assert 1 == least.report["read"]["objects"]


def test_names_that_one_side_cannot_hold_are_named_and_stop_nothing_else(
    cli: Cli, bucket_pair: Pair, tmp_path: Path
) -> None:
    files = tmp_path / "files"
    files.mkdir()
    (files / "good").write_bytes(b"1")
    (files / os.fsdecode(b"bad\xff")).write_bytes(b"2")
    up = cli("mirror", str(files), bucket_pair.target.location, "--json")
    assert (3, {"good": 1}) == (up.code, bucket_pair.target.sizes())
    assert {"key-not-storable"} == {found["category"] for found in up.report["problems"]}
    bucket_pair.source.put({"full/": b"content of a folder", "empty/": b"", "plain": b"1"})
    down = cli("mirror", bucket_pair.source.location, str(tmp_path / "down"), "--json")
    assert (3, ["full/"]) == (down.code, [left["key"] for left in down.report["remaining_keys"]])
    assert ["plain"] == [path.name for path in (tmp_path / "down").rglob("*") if path.is_file()]


def test_a_folder_that_went_from_a_local_source_goes_from_the_target(
    cli: Cli, bucket_pair: Pair, tmp_path: Path
) -> None:
    files = tmp_path / "files"
    (files / "old").mkdir(parents=True)
    for name in ("a", "old/b", "old/c"):
        (files / name).write_bytes(name.encode())
    assert 0 == cli("mirror", str(files), bucket_pair.target.location).code
    for name in ("old/b", "old/c"):
        (files / name).unlink()
    (files / "old").rmdir()
    report = cli("mirror", str(files), bucket_pair.target.location, "--remove", "--max-delete", "2", "--json").report
    assert ("succeeded", 2) == (report["status"], report["removed"]["objects"])
    assert {"a": 1} == bucket_pair.target.sizes()
    (files / "a").unlink()
    files.rmdir()
    unmounted = cli("mirror", str(files), bucket_pair.target.location, "--remove", "--json")
    assert (1, {"source-not-found"}) == (unmounted.code, {found["category"] for found in unmounted.report["problems"]})
    assert {"a": 1} == bucket_pair.target.sizes()


def test_a_prefix_with_a_date_is_the_day_in_the_jobs_zone(cli: Cli, bucket_pair: Pair) -> None:
    today = datetime.now(UTC)
    days = [(today - timedelta(days=back)).strftime("%Y/%m/%d") for back in (0, 1, 2)]
    bucket_pair.source.put({f"{day}/file": b"1" for day in days})
    source, target = places(bucket_pair)
    text = f'source = "{source}"\ntarget = "{target}"\nprefix = "{{yesterday}}"\n'
    cli.write(f"[job.j]\n{text}")
    assert 0 == cli("run").code
    arrived = set(bucket_pair.target.sizes())
    assert arrived <= {f"{days[1]}/file", f"{days[0]}/file"}  # midnight may have passed
    assert 1 == len(arrived)


def test_one_pair_that_fails_ends_no_other(cli: Cli, bucket_pair: Pair) -> None:
    bucket_pair.source.put({f"{name}/file": name.encode() for name in "abcde"})
    source, target = places(bucket_pair)
    jobs = [(name, f"{source}/{name}", f"{target}/{name}") for name in "abcde"]
    jobs.insert(1, ("broken", "src/no-such-bucket", f"{target}/broken"))
    text = "".join(f'[job.{name}]\nsource = "{one}"\ntarget = "{other}"\n' for name, one, other in jobs)
    cli.write(f"[settings]\nparallel = 2\n{text}")
    result = cli("run", "--json")
    assert 1 == result.code
    found = {job: report["status"] for job, report in result.reports.items()}
    assert {**dict.fromkeys("abcde", "succeeded"), "broken": "failed"} == found
    assert bucket_pair.equal


def test_assurance_off_is_one_mc_mirror_and_says_so(cli: Cli, bucket_pair: Pair) -> None:
    bucket_pair.source.put({"a": b"1", "b": b"2"})
    bucket_pair.target.put({"b": b"other", "old": b"3"})
    flags = ("--assurance=off", "--overwrite", "--remove", "--max-delete=unlimited")
    dry = cli("mirror", *places(bucket_pair), *flags, "--dry-run", "--json")
    assert (0, {"b": 5, "old": 1}) == (dry.code, bucket_pair.target.sizes())
    result = cli("mirror", *places(bucket_pair), *flags, "--debug")
    assert 0 == result.code
    assert "not verified" in result.stderr
    assert bucket_pair.equal
    started = [line for line in result.stderr.splitlines() if "/mc " in line]
    assert [True] == [" mirror --json " in line for line in started]
    refused = cli("mirror", *places(bucket_pair), "--assurance=off", "--remove", "--json")
    assert (4, "refused") == (refused.code, refused.report["status"])


def test_jobs_with_one_target_take_turns(cli: Cli, bucket_pair: Pair) -> None:
    bucket_pair.source.put({f"{name}/{number}": b"x" for name in "abc" for number in range(20)})
    source, target = places(bucket_pair)
    text = "".join(f'[job.{name}]\nsource = "{source}/{name}"\ntarget = "{target}/all"\n' for name in "abc")
    cli.write(text)
    result = cli("run", "--json", "--parallel", "3")
    assert [0] + ["succeeded"] * 3 == [result.code, *(report["status"] for report in result.reports.values())]
    assert 20 == len(bucket_pair.target.sizes())


def test_the_plan_of_a_run_that_would_make_its_bucket(cli: Cli, bucket_pair: Pair) -> None:
    bucket_pair.source.put({"a": b"1"})
    new = f"{bucket_pair.target.location}-new"
    planned = cli("mirror", bucket_pair.source.location, new, "--create-target", "--dry-run", "--json")
    assert (0, 1) == (planned.code, planned.report["planned"]["objects"])
    assert "bucket-not-found" in {
        found["category"] for found in cli("verify", bucket_pair.source.location, new, "--json").report["problems"]
    }
    assert 0 == cli("mirror", bucket_pair.source.location, new, "--create-target").code


def test_a_file_that_never_rests_is_said_to_change(cli: Cli, bucket_pair: Pair, tmp_path: Path) -> None:
    files = tmp_path / "files"
    files.mkdir()
    log = files / "log"
    log.write_bytes(b"start")
    stop = threading.Event()

    def write() -> None:
        while not stop.wait(0.002):
            with log.open("ab") as file:
                file.write(b"x" * 1000)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        result = cli(
            "mirror", str(files), bucket_pair.target.location, "--retries", "1", "--retry-delay", "0.1s", "--json"
        )
    finally:
        stop.set()
        writer.join()
    assert 1 == result.code
    assert "changed-while-copying" in {found["category"] for found in result.report["problems"]}


def test_the_guard_is_released_for_one_run_of_a_job(cli: Cli, bucket_pair: Pair) -> None:
    bucket_pair.source.put({"a": b"1"})
    bucket_pair.target.put({f"old/{number}": b"x" for number in range(20)})
    job = {"source": bucket_pair.source.location, "target": bucket_pair.target.location}
    (cli.folder / "mcmirror.toml").write_text(
        "[job.photos]\nremove = true\n" + "".join(f'{key} = "{value}"\n' for key, value in job.items())
    )
    refused = cli("run")
    assert 4 == refused.code
    assert "(--max-delete 20) for this run" in refused.stderr
    assert 4 == cli("run", "photos", "--max-delete", "19").code
    assert 20 == len(bucket_pair.target.sizes())
    assert 0 == cli("run", "photos", "--max-delete", "20").code
    assert bucket_pair.equal
