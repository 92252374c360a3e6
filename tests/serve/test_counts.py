"""What ``serve`` counts is what is remembered, however many runs end at once."""

from collections import Counter

from tests.conftest import Pair
from tests.serve.house import House, in_time

JOBS = 6


def test_each_run_is_counted_once(house: House, bucket_pair: Pair) -> None:
    bucket_pair.source.put({"a": b"1", "b": b"2"})
    house.settings["parallel"] = JOBS
    house.jobs = {
        f"job{number}": {"source": bucket_pair.source.location, "target": f"./local/{number}"} for number in range(JOBS)
    }
    serve = house.start()
    in_time(lambda: len(house.ended()) >= 8 * JOBS)
    serve.post("pause", 200)
    serve.until(lambda: not any(serve.job(name)["run"] for name in house.jobs))

    remembered = Counter(record.job for record in house.records())

    in_time(lambda: len(house.ended()) == sum(remembered.values()))
    totals = serve.ask("GET", "status")[1]["totals"]
    assert remembered == {name: sum(totals[name]["runs"].values()) for name in house.jobs}
    assert dict.fromkeys(house.jobs, 2) == {name: totals[name]["objects"]["copied"] for name in house.jobs}
    assert 143 == serve.stop()
