"""A house for ``mcmirror serve``, and who listens to it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.conftest import Pair
from tests.serve.house import House
from tests.serve.receiver import Channel, Receiver
from tests.servers.command import Cli
from tests.servers.slack import CHANNEL, TOKEN


@pytest.fixture
def house(cli: Cli, bucket_pair: Pair) -> Iterator[House]:
    """With one job, ``job``, that mirrors the pair every second."""
    with ExitStack() as stack:
        house = House(cli, stack)
        house.jobs["job"] = {"source": bucket_pair.source.location, "target": bucket_pair.target.location}
        yield house


@pytest.fixture
def slack(house: House) -> Iterator[Channel]:
    """Hears of failures and recoveries of every job."""
    with Channel() as fake:
        house.notify["slack"] = {
            "type": "slack",
            "token": "{env:SLACK_TOKEN_OF_TEST}",
            "channel": CHANNEL,
            "api_url": fake.api_url,
            "on": ["failure", "recovery"],
        }
        house.cli.environment["SLACK_TOKEN_OF_TEST"] = TOKEN
        yield fake


@pytest.fixture
def receiver(house: House) -> Iterator[Receiver]:
    """A webhook that hears of failures and recoveries of every job."""
    with Receiver() as receiver:
        house.notify["hook"] = receiver.notifier("failure", "recovery")
        yield receiver


@pytest.fixture
def new_house(cli: Cli) -> Iterator[Callable[[], House]]:
    """Houses without a job."""
    with ExitStack() as stack:
        yield lambda: House(cli, stack)
