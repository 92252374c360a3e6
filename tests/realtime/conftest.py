"""A follower in a world of its own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mcmirror.model.realtime import Realtime
from tests.realtime.world import REALTIME, World


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[[Realtime], World]]:
    made = list[World]()

    def one(realtime: Realtime) -> World:
        made.append(World(tmp_path, realtime))
        return made[-1]

    yield one
    for world in made:
        world.database.close()


@pytest.fixture
def world(make: Callable[[Realtime], World]) -> World:
    return make(REALTIME)
