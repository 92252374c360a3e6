"""The clock is set while ``serve`` runs."""

import sys
from datetime import UTC, datetime
from pathlib import Path

from tests.conftest import Pair
from tests.serve.house import House, Serve

ROOT = Path(__file__).parent.parent.parent
HOUR = 3600


def _ended(serve: Serve, job: str) -> int:
    return sum(line["job"] == job for line in serve.said("run_finished"))


def _goes_on(serve: Serve) -> None:
    """Two more runs of the interval."""
    before = _ended(serve, "job")
    serve.until(lambda: _ended(serve, "job") >= before + 2)


def test_the_clock_is_set_forward_and_back(house: House, bucket_pair: Pair) -> None:
    clock = house.folder / "clock"
    clock.write_text("0")
    bucket_pair.source.put({"a": b"1"})
    hour = (datetime.now(UTC).hour + 12) % 24  # far from what is set back and forward by three hours
    house.jobs["daily"] = {"source": bucket_pair.source.location, "target": "./daily", "cron": f"0 {hour} * * *"}
    command = (sys.executable, "-m", "tests.serve.clocked")
    serve = house.start(command=command, CLOCK_OF_TEST=str(clock), PYTHONPATH=str(ROOT))
    _goes_on(serve)
    for number, offset in enumerate((25 * HOUR, -3 * HOUR, 0), start=1):
        clock.with_suffix(".new").write_text(str(offset))
        clock.with_suffix(".new").replace(clock)
        serve.until(lambda: len(serve.said("clock_set")) >= number)  # noqa: B023
        _goes_on(serve)
        seen = datetime.fromisoformat(serve.ask("GET", "status")[1]["time"])
        assert abs((seen - datetime.now(UTC)).total_seconds() - offset) < 60, "the process has that clock"
        assert (200, 200) == (serve.status("/healthz"), serve.status("/readyz"))
    daily = serve.said("run_finished")
    assert ["succeeded"] == [line["status"] for line in daily if line["job"] == "daily"], (
        "once for what was passed over"
    )
    assert 143 == serve.stop()
    records = house.records()
    assert len(records) == len({record.id for record in records})
    assert [] == [record for record in records if record.status not in {"succeeded", "cancelled"}]
