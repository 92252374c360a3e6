"""One key has one meaning on every screen, is named there as in the help, and the help begins with the keys."""

import asyncio
from collections import defaultdict
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import pytest
from textual.binding import Binding

import mcmirror.tui
from mcmirror.tui.app import Dashboard
from mcmirror.tui.dialogs import Text
from mcmirror.tui.frame import Room
from tests.tui_samples import driven, still

MODULES = [import_module(f"mcmirror.tui.{found.name}") for found in iter_modules(mcmirror.tui.__path__)]


def rooms() -> set[type[Room]]:
    """Every screen that somebody can be on."""
    assert MODULES
    found, todo = set[type[Room]](), [Room]
    while todo:
        kind = todo.pop()
        todo += kind.__subclasses__()
        found |= {kind} if kind.NAME else set()
    return found


def bound(kind: Any) -> list[tuple[str, str, str]]:
    """Key, action, and how it is called."""
    return [
        (key.strip(), one.action.partition("(")[0], one.description)
        for one in kind.__dict__["BINDINGS"]
        if isinstance(one, Binding)
        for key in one.key.split(",")
    ]


def test_a_key_does_the_same_on_every_screen() -> None:
    meanings = defaultdict[str, set[str]](set)
    words = defaultdict[str, set[str]](set)
    for kind in (*rooms(), Dashboard):
        for key, action, word in bound(kind):
            meanings[key].add(action)
            words[key] |= {word} - {""}
    assert {} == {key: found for key, found in meanings.items() if len(found) > 1}
    assert {} == {key: found for key, found in words.items() if len(found) > 1}


def test_an_action_has_the_same_key_on_every_screen() -> None:
    keys = defaultdict[str, set[str]](set)
    for kind in rooms():
        for key, action, word in bound(kind):
            if word:
                keys[action].add(key)
    assert {"remove": {"x", "delete"}} == {action: found for action, found in keys.items() if len(found) > 1}


@pytest.mark.parametrize("room", ["1", "2", "3", "4", "5"])
def test_the_help_begins_with_the_keys(room: str) -> None:
    async def test() -> None:
        async with driven(still(), (100, 50)) as driver:
            await driver.press(room, "question_mark")
            assert isinstance(driver.app.screen, Text)
            lines = str(driver.app.screen.query_one("#text").render()).splitlines()
            assert lines[0].startswith("  ")
            assert len(lines[0].split()[0]) <= 5
            assert any(line.split()[:1] == ["q"] for line in lines)

    asyncio.run(test())
