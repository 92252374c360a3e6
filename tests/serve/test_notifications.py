"""Who is told is down, slow or wrong for a while: nothing waits for them, and nothing is lost."""

import pytest

from tests.conftest import Pair
from tests.serve import tale
from tests.serve.house import House, in_time
from tests.serve.receiver import Channel, Receiver


def _broken(house: House, pair: Pair) -> None:
    """A job that fails until the bucket is there."""
    house.jobs["job"] |= {"source": f"src/{pair.source.bucket}-later"}


def _mended(house: House, pair: Pair) -> None:
    pair.source.client.create_bucket(Bucket=f"{pair.source.bucket}-later")
    pair.source.client.put_object(Bucket=f"{pair.source.bucket}-later", Key="a", Body=b"1")


@pytest.mark.parametrize("trouble", ["500", "hang", "html", "429:1", "not_in_channel"])
def test_slack_is_down_and_back(trouble: str, house: House, slack: Channel, bucket_pair: Pair) -> None:
    _broken(house, bucket_pair)
    slack.always = trouble
    serve = house.start()
    in_time(lambda: len(slack.requests) >= 1)
    count = len(house.ended("job"))
    in_time(lambda: len(house.ended("job")) >= count + 3)
    assert 200 == serve.status("/healthz")
    serve.until(lambda: serve.ask("GET", "status")[1]["notifiers"][0]["failures"] >= 1)
    (notifier,) = serve.ask("GET", "status")[1]["notifiers"]
    assert ("slack", True) == (notifier["name"], bool(notifier["waiting"] and notifier["error"])), notifier

    slack.always = ""

    in_time(lambda: [title for title in slack.titles if "job" in title])
    serve.until(lambda: serve.ask("GET", "status")[1]["notifiers"][0]["waiting"] == 0)
    _mended(house, bucket_pair)
    in_time(lambda: slack.titles[-1].startswith("✅"))
    assert 1 == sum(title.startswith("✅") for title in slack.titles)
    assert 143 == serve.stop()


def test_what_nobody_took_is_told_by_the_next_one(house: House, receiver: Receiver, bucket_pair: Pair) -> None:
    _broken(house, bucket_pair)
    receiver.wrong = 503
    serve = house.start()
    in_time(lambda: len(receiver.tried) >= 1)
    assert 143 == serve.stop()
    receiver.wrong = 0
    _mended(house, bucket_pair)

    serve = house.start()
    house.another("job")

    in_time(lambda: tale.due(house.records("job")) == tale.told(receiver, "job"))
    assert ["failure", "recovery"] == [what for what, _ in tale.told(receiver, "job")][:: len(receiver.got) - 1]
    assert len(receiver.got) == len(receiver.once())
    assert 143 == serve.stop()


def test_a_run_of_somebody_elses_job_of_that_name_is_none_of_ours(
    house: House, receiver: Receiver, bucket_pair: Pair
) -> None:
    house.notify["hook"] = receiver.notifier("failure", "recovery", "change")
    # Another configuration over the same state, with a job of the same name.
    ours, house.jobs, house.name = house.jobs, {"job": {"source": "./theirs", "target": "./copy"}}, "theirs.toml"
    (house.folder / "theirs").mkdir()
    (house.folder / "theirs/a").write_text("1")
    house.notify, notify = {}, house.notify
    house.write()
    assert 0 == house.run("run").code
    house.jobs, house.name, house.notify = ours, "mcmirror.toml", notify
    bucket_pair.source.put({"a": b"1"})

    serve = house.start()
    house.another("job")
    in_time(lambda: bool(receiver.got))

    assert {bucket_pair.target.location} == {one.document["run"]["target"] for one in receiver.got}
    assert 143 == serve.stop()


def test_one_that_hangs_holds_nobody_up(house: House, receiver: Receiver, slack: Channel, bucket_pair: Pair) -> None:
    _broken(house, bucket_pair)
    receiver.hangs = True
    serve = house.start()
    in_time(lambda: bool(slack.posts))
    in_time(lambda: len(house.ended("job")) >= 4)
    assert [] == receiver.got
    assert 143 == serve.stop()
