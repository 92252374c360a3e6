"""The replications that a server watches: one line a direction, what is to come, how old it is, and what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content

from mcmirror.model.wording import harmless, shown_seconds
from mcmirror.tui.formatting import BAD, BOLD, DIM, GOOD, WARN, age, fitted, lines, pair
from mcmirror.tui.list_room import ListRoom

if TYPE_CHECKING:
    from textual.widgets import OptionList

    from mcmirror.model.replication_state import DirectionState, ReplicationState
    from mcmirror.model.state import State
    from mcmirror.tui.rows import Row
    from mcmirror.tui.source import View

STATE, BEHIND, LAG, LOOKED = 10, 9, 8, 7
"""Columns."""


class Replications(ListRoom):
    """One line a direction."""

    NAME = "Replications"
    EMPTY = "No replication is watched here: `mcmirror serve` does, and `mcmirror tui --attach` shows it."
    FILTER = "the replication's name, or its beginning"
    DETAIL = "35%"
    ABOUT = (
        "What servers replicate by themselves, as [replication.NAME] says, at the last look of `mcmirror serve`:"
        " whether the target is reached, how many versions are still to come, and how old the oldest of them is. It is"
        " changed by `mcmirror replicate`. / asks for a name."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", key_display="/", tooltip="only replications of this name; Esc: all"),
        Binding("escape", "back", show=False),
    ]

    def show(self, view: View) -> None:
        """Paint all of it."""
        wanted = self.wanted.lower()
        found = [both for both in _directions(view.state) if both[0].name.lower().startswith(wanted)]
        name = max((len(one.name) for one, _ in found), default=0)
        outages = sum(bool(one.outage()) for one in (view.state.replications if view.state else ()))
        number = len({one.name for one, _ in found})
        parts = [(f"{number} watched", BOLD), (f"{outages} with an outage", BAD if outages else DIM)]
        self.fill("sum", Content("   ").join(Content.styled(*part) for part in parts))
        width = max(10, self.room - 6 - name - STATE - BEHIND - LAG - LOOKED)
        heads = (fitted("NAME", name), fitted("FROM → TO", width), fitted("STATE", STATE))
        numbers = [
            fitted(word, room, right=True) for word, room in (("TO COME", BEHIND), ("LAG", LAG), ("LOOKED", LOOKED))
        ]
        self.fill("heads", Content(" ".join((*heads, *numbers)) if found else ""))
        self.rows.put([self._row(one, direction, name, width) for one, direction in found])
        self.fill("detail", self._detail(view.state))

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Another one is selected."""
        super().on_option_list_option_highlighted(event)
        self.dashboard.paint()

    def _row(self, one: ReplicationState, direction: DirectionState, name: int, width: int) -> Row:
        style = GOOD if direction.well else WARN if direction.working else BAD
        looked = age(self.dashboard.clock() - one.looked) if one.looked else "never"
        numbers = (
            ("?" if direction.behind is None else f"{direction.behind:,}", BEHIND),
            ("?" if direction.lag is None else age(direction.lag), LAG),
            (looked, LOOKED),
        )
        parts = [
            Content.styled(fitted(one.name, name), BOLD),
            Content(pair(direction.source, direction.target, width)),
            Content.styled(fitted(direction.state, STATE), style),
            *(Content(fitted(text, room, right=True)) for text, room in numbers),
        ]
        return _key(one, direction), Content(" ").join(parts)

    def _detail(self, state: State | None) -> Content:
        known = {_key(one, direction): (one, direction) for one, direction in _directions(state)}
        found = known.get(self.rows.current)
        if found is None:
            return Content("")
        one, direction = found
        last = direction.last_online[:19].replace("T", " ")
        reached = {True: "online", False: "offline", None: "its server has not looked"}[direction.online]
        lag = shown_seconds(direction.lag) if direction.lag != 0 else "none"
        told = [
            Content.styled(f"{one.name}: {harmless(direction.source)} → {harmless(direction.target)}", BOLD),
            Content(f"target {reached}" + (f", last seen {last} UTC" if last else "")),
            Content(f"lag {lag}"),
        ]
        if outage := one.outage():
            told += [Content.styled(harmless(outage), BAD), Content(f"see: mcmirror replicate status {one.name}")]
        return lines(*told)


def _key(one: ReplicationState, direction: DirectionState) -> str:
    return f"{one.name} {direction.source}"


def _directions(state: State | None) -> list[tuple[ReplicationState, DirectionState]]:
    """Each direction; one line for a replication of which nothing is known."""
    from mcmirror.model.replication_state import DirectionState

    found = list[tuple["ReplicationState", "DirectionState"]]()
    for one in state.replications if state else ():
        nothing = DirectionState("", "", "unknown", well=False, working=not one.error)
        found += [(one, direction) for direction in one.directions or (nothing,)]
    return found
