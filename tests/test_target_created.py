"""A target bucket that a run makes is said wherever a run is told of."""

import json

from mcmirror.codec.documents import decode, encode
from mcmirror.codec.events import event_document, event_of
from mcmirror.model.event import TargetCreated
from mcmirror.model.report import RunReport, Status
from mcmirror.model.streak import Streak
from mcmirror.notify.log_lines import OK, Line, Narrator
from mcmirror.notify.message import Occasion, finished
from tests.conftest import Pair
from tests.servers.command import Cli

MADE = TargetCreated("photos", "aws/photos-copy")


def test_a_real_run_says_that_it_made_the_bucket(cli: Cli, bucket_pair: Pair) -> None:
    source, target = bucket_pair.source, bucket_pair.target
    source.put({"a": b"1"})
    target.drop()
    mirror = ("mirror", source.location, target.location, "--create-target")

    made = cli(*mirror, "--json")
    again = cli(*mirror, "--json")

    assert (0, 0) == (made.code, again.code), made.stderr
    assert {"a": 1} == target.sizes()
    (event,) = (event for event in made.events if event["event"] == "target_created")
    assert target.location == event["bucket"] == made.report["created"]
    assert f"  the bucket {target.location} was missing, and was made\n" in made.stderr
    assert f"  made        the bucket {target.location}\n" in made.stderr
    assert (None, 0) == (again.report["created"], again.stderr.count("made"))
    assert [None, target.location] == [
        run["report"]["created"] for run in json.loads(cli("history", "--json").stdout)
    ]  # fmt: skip


def test_a_run_that_fails_after_it_made_the_bucket_says_so(cli: Cli, bucket_pair: Pair) -> None:
    bucket_pair.target.drop()
    pair = (f"{bucket_pair.source.location}/nothing", bucket_pair.target.location)

    failed = cli("mirror", *pair, "--create-target", "--json")

    assert 1 == failed.code
    assert bucket_pair.target.location == failed.report["created"]


def test_the_log_has_the_words_of_its_users() -> None:
    fields = {"bucket": "aws/photos-copy"}
    assert [
        Line("info", "target_created", "The bucket aws/photos-copy was missing, and was made", OK, job="photos",
             fields=fields)
    ] == list(Narrator().hear(MADE))  # fmt: skip
    assert [
        Line("info", "target_created", "Destination bucket created: photos-copy", OK, job="photos", fields=fields)
    ] == list(Narrator(sidecar=True).hear(MADE))


def test_messages_events_and_records_keep_it() -> None:
    report = RunReport("photos", "a/b", "aws/photos-copy", Status.SUCCEEDED, verified=True, created=MADE.bucket)
    assert ("Made", "the bucket aws/photos-copy") in finished(report, Occasion.SUCCESS, Streak()).facts
    assert report == decode(RunReport, encode(report))
    assert MADE == event_of(event_document(MADE, "2026-11-21T07:01:49.642Z"))
