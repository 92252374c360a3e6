"""The four commands against real servers: what stdout, stderr, files and the exit code say, and what is there."""

import json
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from tests.conftest import Pair
from tests.servers.command import COMMAND, Cli
from tests.ui_samples import EVIL

KEY = "a\nb\x1b[31m\u202e c.txt"
KEY_SHOWN = "a\\nb\\x1b[31m\\u202e c.txt"


def fill(pair: Pair) -> None:
    pair.source.put({KEY: b"hello", "dir/b": b"12345", "same": b"1"})
    pair.target.put({"dir/b": b"1", "gone": b"2"})


def places(pair: Pair) -> tuple[str, str]:
    return pair.source.location, pair.target.location


def test_mirror_verifies_and_keeps_stdout_for_data(cli: Cli, bucket_pair: Pair) -> None:
    fill(bucket_pair)
    result = cli("mirror", *places(bucket_pair), "--overwrite", "--remove")
    assert (0, "") == (result.code, result.stdout)
    assert " verified: 3 objects, 11 B copied, 1 object removed\n" in result.stderr
    assert "  copied      3 objects, 11 B\n  removed     1 object, 1 B\n" in result.stderr
    assert "\x1b" not in result.stderr
    assert bucket_pair.equal
    again = cli("mirror", *places(bucket_pair), "--quiet")
    assert (0, "", "") == (again.code, again.stdout, again.stderr)
    # What somebody asked for and does not get is trouble.
    slip = cli("mirror", *places(bucket_pair), "--quiet", MCMIRROR_STAT="sqlite:///x.db")
    said = "note: MCMIRROR_STAT is set but not used. Did you mean MCMIRROR_STATE?\n"
    assert (0, "", said) == (slip.code, slip.stdout, slip.stderr)


def test_without_overwrite_nothing_is_called_equal_that_is_not(cli: Cli, bucket_pair: Pair) -> None:
    fill(bucket_pair)
    result = cli("mirror", *places(bucket_pair))
    assert 0 == result.code
    left = "1 object differs and was left, overwrite is off (strict makes this a failure)\n"
    assert f" done: 2 objects, 6 B copied; {left}" in result.stderr
    quiet = cli("mirror", *places(bucket_pair), "--quiet")
    name = " → ".join(places(bucket_pair))
    assert (0, "", f"✓ {name} done: nothing to copy; {left}") == (quiet.code, quiet.stdout, quiet.stderr)
    assert "extra       1 object, 1 B, on the target only, remove is off" in result.stderr
    strict = cli("mirror", *places(bucket_pair), "--strict")
    assert 3 == strict.code
    assert 3 == cli("verify", *places(bucket_pair)).code


def test_when_all_is_excluded_nothing_is_called_up_to_date(cli: Cli, bucket_pair: Pair) -> None:
    fill(bucket_pair)
    result = cli("mirror", *places(bucket_pair), "--exclude", "*")
    assert 0 == result.code
    assert " done: nothing in scope: all 3 objects are excluded\n" in result.stderr


def test_after_removals_alone_it_is_they_that_were_verified(cli: Cli, bucket_pair: Pair) -> None:
    bucket_pair.source.put({"a": b"1"})
    bucket_pair.target.put({"a": b"1", "gone": b"2"})
    result = cli("mirror", *places(bucket_pair), "--overwrite", "--remove")
    assert 0 == result.code
    assert " verified: 1 object removed\n" in result.stderr


def test_json_is_one_event_a_line_and_ends_with_the_report(cli: Cli, bucket_pair: Pair) -> None:
    fill(bucket_pair)
    result = cli("mirror", *places(bucket_pair), "--json")
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert "run_started" == events[0]["event"]
    assert "run_finished" == events[-1]["event"]
    assert KEY in {event.get("key") for event in events if event["event"] == "copy_started"}
    report = result.report
    assert ("succeeded", 0, True) == (report["status"], report["exit_code"], report["verified"])
    assert {"objects": 2, "bytes": 6} == report["done"]


def test_a_dry_run_changes_nothing_and_says_so(cli: Cli, bucket_pair: Pair) -> None:
    fill(bucket_pair)
    before = bucket_pair.target.contents()
    result = cli("mirror", *places(bucket_pair), "--dry-run", "--overwrite", "--remove")
    assert 0 == result.code
    assert " dry run: 3 objects, 11 B to copy and 1 object to remove; nothing was changed\n" in result.stderr
    assert before == bucket_pair.target.contents()


def test_a_plan_is_lines_that_no_key_breaks_and_changes_nothing(cli: Cli, bucket_pair: Pair) -> None:
    fill(bucket_pair)
    before = bucket_pair.target.contents()
    result = cli("plan", *places(bucket_pair), "--remove", "--overwrite", "--exit-code")
    assert 10 == result.code
    assert [
        f"+             5 missing    {KEY_SHOWN}",
        "~             5 size       dir/b",
        "-             1 extraneous gone",
        "+             1 missing    same",
    ] == result.stdout.splitlines()
    assert "  cost        " in result.stderr
    assert before == bucket_pair.target.contents()
    lines = cli("plan", *places(bucket_pair), "--json").events
    assert ["missing", "kept", "extraneous", "missing"] == [
        line["kind"] for line in lines if line["event"] == "difference"
    ]


def test_the_plan_of_a_pair_takes_what_decides_about_it(cli: Cli, bucket_pair: Pair) -> None:
    fill(bucket_pair)
    source = bucket_pair.source.location
    result = cli("plan", source, f"{bucket_pair.target.location}-new", "--create-target", "--exit-code")
    assert 10 == result.code
    assert 3 == len(result.stdout.splitlines())
    refused = cli("plan", *places(bucket_pair), "--remove", "--max-delete", "0")
    assert 4 == refused.code
    assert "[too-many-deletes]" in refused.stderr


def test_the_configuration_is_no_place_for_a_report(cli: Cli, bucket_pair: Pair) -> None:
    jobs(cli, bucket_pair)
    before = (cli.folder / "mcmirror.toml").read_text(encoding="utf-8")
    assert 2 == cli("run", "good", "--report-json", "mcmirror.toml").code
    assert 2 == cli("run", "good", "--report-json", "r", "--junit", "r").code
    assert before == (cli.folder / "mcmirror.toml").read_text(encoding="utf-8")
    assert 0 == cli("run", "good", "--report-json", "/dev/null", "--junit", "/dev/null").code


def test_a_plan_with_nothing_to_do_exits_0(cli: Cli, bucket_pair: Pair) -> None:
    result = cli("plan", *places(bucket_pair), "--exit-code")
    assert (0, "") == (result.code, result.stdout)
    assert " plan: nothing to do\n" in result.stderr


def test_a_plan_whose_reader_leaves_is_quiet(cli: Cli, bucket_pair: Pair) -> None:
    bucket_pair.source.put({f"{number:04}{'x' * 200}": b"" for number in range(600)})
    process = cli.start("plan", *places(bucket_pair))
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline().startswith(b"+             0 missing    0000xxx")
    process.stdout.close()
    stderr = process.stderr.read().decode()
    assert 1 == process.wait(timeout=120)
    process.stderr.close()
    assert "BrokenPipe" not in stderr
    assert "cancelled" not in stderr


def test_verify_says_what_is_proven(cli: Cli, bucket_pair: Pair) -> None:
    bucket_pair.source.put({"a": b"1", "large": bytes(17 * 2**20)})
    assert 0 == cli("mirror", *places(bucket_pair)).code
    listed = cli("verify", *places(bucket_pair))
    assert 0 == listed.code
    assert "; the content of 1 object is not proven\n" in listed.stderr
    assert "--content" in listed.stderr
    read = cli("verify", *places(bucket_pair), "--content", "--json")
    assert 0 == read.code
    assert (0, 2) == (read.report["unproven"]["objects"], read.report["read"]["objects"])
    # Beside one listing of each side and the contents: metadata and tags of both objects, and what the source keeps.
    asked = "about 2 LIST + 3 GET + 2 HEAD at the source; 1 LIST + 2 GET + 2 HEAD at the target\n"
    assert asked in read.stderr


def test_verify_finds_what_is_missing(cli: Cli, bucket_pair: Pair) -> None:
    fill(bucket_pair)
    bucket_pair.source.put({"equal": b"1"})
    bucket_pair.target.put({"equal": b"1"})
    result = cli("verify", *places(bucket_pair))
    assert 3 == result.code
    assert " not a true copy: 3 objects of the source missing on the target or different\n" in result.stderr
    assert f"    - {KEY_SHOWN}: not on the target\n" in result.stderr


def jobs(cli: Cli, bucket_pair: Pair) -> None:
    source, target = places(bucket_pair)
    cli.write(
        f'[job.good]\nsource = "{source}"\ntarget = "{target}"\n'
        f'[job.bad]\nsource = "{source}"\ntarget = "{bucket_pair.target.alias}/no-such-bucket-at-all"\n'
    )


def test_one_job_that_fails_ends_no_other_and_the_worst_exit_code_counts(cli: Cli, bucket_pair: Pair) -> None:
    fill(bucket_pair)
    jobs(cli, bucket_pair)
    result = cli("run", "--report-json", "r.json", "--junit", "j.xml")
    assert 1 == result.code
    assert "1 of 2 jobs succeeded\n  failed: bad (exit code 1)\n" in result.stderr
    reports = json.loads((cli.folder / "r.json").read_text(encoding="utf-8"))["reports"]
    assert [("good", "succeeded"), ("bad", "failed")] == [(report["job"], report["status"]) for report in reports]
    assert 'tests="2" failures="0" errors="1"' in (cli.folder / "j.xml").read_text(encoding="utf-8")
    assert 0 == cli("run", "good").code


def test_a_job_that_does_not_exist_is_a_mistake_with_the_nearest_name(cli: Cli, bucket_pair: Pair) -> None:
    jobs(cli, bucket_pair)
    result = cli("run", "goood")
    assert 2 == result.code
    assert "Did you mean good?" in result.stderr


def test_on_github_a_failure_is_annotated_and_the_summary_page_grows(cli: Cli, bucket_pair: Pair) -> None:
    fill(bucket_pair)
    jobs(cli, bucket_pair)
    page = cli.folder / "page.md"
    page.write_text("before\n", encoding="utf-8")
    result = cli("run", "--json", GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(page))
    annotations = [line for line in result.stderr.splitlines() if line.startswith("::")]
    assert 1 == len(annotations)
    assert annotations[0].startswith("::error title=mcmirror bad%3A failed::")
    assert all(line.startswith("{") for line in result.stdout.splitlines())
    text = page.read_text(encoding="utf-8")
    assert text.startswith("before\n### mcmirror\n")
    assert "| ❌ | **bad**" in text


def test_a_report_that_cannot_be_written_is_said_and_counts(cli: Cli, bucket_pair: Pair) -> None:
    fill(bucket_pair)
    result = cli("mirror", *places(bucket_pair), "--report-json", "/dev/full")
    assert 1 == result.code
    assert " done: " in result.stderr
    assert "Error: the report /dev/full was not written\n  why: No space left on device\n" in result.stderr
    page = cli("mirror", *places(bucket_pair), "--quiet", GITHUB_STEP_SUMMARY=str(cli.folder / "no" / "page.md"))
    assert 0 == page.code
    assert "page.md was not written" in page.stderr


def test_events_that_cannot_be_written_are_said_once_and_count(cli: Cli, bucket_pair: Pair) -> None:
    fill(bucket_pair)
    command = f"exec {COMMAND} mirror {' '.join(places(bucket_pair))} --overwrite --remove --json >/dev/full"
    done = subprocess.run(
        ["sh", "-c", command], cwd=cli.folder, env=cli.environment, capture_output=True, text=True, check=False
    )
    what, why = "stdout could not be written, and what goes there is lost", "No space left on device"
    note = f"note: {what}\n  why: {why}\n  do:  make room"
    assert (1, 1, 1) == (done.returncode, done.stderr.count("note: "), done.stderr.count(note))
    assert " verified: 3 objects, " in done.stderr
    assert bucket_pair.equal


def interrupted(cli: Cli, bucket_pair: Pair, number: int, *, times: int = 1) -> tuple[int, str, str]:
    bucket_pair.source.put({f"k{key}": bytes(500_000) for key in range(20)})
    process = cli.start("mirror", *places(bucket_pair), "--limit-upload", "100KiB", "--json")
    assert process.stdout is not None
    lines = list[str]()
    for line in process.stdout:
        lines.append(line.decode())
        if b"copy_started" in line:
            break
    time.sleep(0.2)
    for _ in range(times):
        process.send_signal(number)
        time.sleep(0.02)
    rest, stderr = process.communicate(timeout=120)
    return process.returncode, "".join(lines) + rest.decode(), stderr.decode()


def test_ctrl_c_stops_politely_and_leaves_nothing_behind(cli: Cli, bucket_pair: Pair) -> None:
    code, stdout, stderr = interrupted(cli, bucket_pair, signal.SIGINT)
    last: dict[str, Any] = json.loads(stdout.splitlines()[-1])
    assert (130, "cancelled", 2) == (code, last["report"]["status"], last["report"]["signal"])
    assert "Stopping mc" in stderr
    assert "cancelled: stopped by Ctrl-C; of 20 objects none is known to have arrived" in stderr
    assert [] == cli.leftovers


def test_ctrl_c_held_down_ends_with_130_all_the_same(cli: Cli, bucket_pair: Pair) -> None:
    code, _, stderr = interrupted(cli, bucket_pair, signal.SIGINT, times=4)
    assert 130 == code
    assert "Traceback" not in stderr


def test_sigterm_ends_with_143(cli: Cli, bucket_pair: Pair) -> None:
    code, _, stderr = interrupted(cli, bucket_pair, signal.SIGTERM)
    assert 143 == code
    assert "stopped by SIGTERM" in stderr
    assert [] == cli.leftovers


def test_debug_shows_mc_and_never_a_secret(cli: Cli, bucket_pair: Pair) -> None:
    fill(bucket_pair)
    secret = bucket_pair.source.server.root.secret_key
    result = cli("mirror", *places(bucket_pair), "--debug", "--json")
    assert " mc: " in result.stderr
    assert secret not in result.stderr + result.stdout
    assert EVIL not in result.stderr


def test_a_second_process_sees_no_secret_in_the_list_of_processes(cli: Cli, bucket_pair: Pair) -> None:
    bucket_pair.source.put({f"k{key}": bytes(500_000) for key in range(20)})
    secret = bucket_pair.source.server.root.secret_key.encode()
    process = cli.start("mirror", *places(bucket_pair), "--limit-upload", "100KiB", "--json")
    assert process.stdout is not None
    seen = 0
    for line in process.stdout:
        if b"copy_started" in line:
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    argv = path.read_bytes()
                except OSError:
                    continue
                seen += b"mirror" in argv and b"--json" in argv
                assert secret not in argv
            break
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=120)
    assert seen >= 2


def test_a_terminal_gets_colours_and_still_the_same_words(cli: Cli, bucket_pair: Pair) -> None:
    fill(bucket_pair)
    command = f"{COMMAND} mirror --overwrite {' '.join(places(bucket_pair))}"
    done = subprocess.run(
        ["script", "-qec", command, "/dev/null"],
        cwd=cli.folder,
        env={**cli.environment, "TERM": "xterm-256color"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert 0 == done.returncode
    assert b"\x1b[32;1mverified\x1b[0m: " in done.stdout
