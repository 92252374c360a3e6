"""The agents of a server: whether each takes work, how much it has, and the processes that serve it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content

from mcmirror.model.wording import harmless
from mcmirror.tui.formatting import BAD, BOLD, DIM, GOOD, age, fitted, lines
from mcmirror.tui.list_room import ListRoom

if TYPE_CHECKING:
    from textual.widgets import OptionList

    from mcmirror.model.agent import AgentState
    from mcmirror.model.state import State
    from mcmirror.tui.rows import Row
    from mcmirror.tui.source import View

STATE, SEEN, RUNS, WAITING = 10, 6, 9, 8
"""Columns."""


class Agents(ListRoom):
    """One line an agent."""

    NAME = "Agents"
    EMPTY = "No agent is known here: `mcmirror serve` with an executor has them, and `mcmirror tui --attach` shows it."
    FILTER = "the agent's name, or its beginning"
    DETAIL = "40%"
    ABOUT = (
        "The sites that run jobs for this server, as [agent.NAME] says: whether each took its last probe task, how many"
        " runs it works on, how many wait for it. `mcmirror agent NAME` serves a site. / asks for a name."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", key_display="/", tooltip="only agents of this name; Esc: all"),
        Binding("escape", "back", show=False),
    ]

    def show(self, view: View) -> None:
        """Paint all of it."""
        wanted, now = self.wanted.lower(), self.dashboard.clock()
        known = view.state.agents if view.state else ()
        found = [agent for agent in known if agent.name.lower().startswith(wanted)]
        name = max((len(agent.name) for agent in found), default=0)
        gone = sum(agent.gone(now) for agent in known)
        parts = [(f"{len(found)} agents", BOLD), (f"{gone} gone", BAD if gone else DIM)]
        self.fill("sum", Content("   ").join(Content.styled(*part) for part in parts))
        width = max(10, self.room - 6 - name - STATE - SEEN - RUNS - WAITING)
        heads = (fitted("NAME", name), fitted("JOBS", width), fitted("STATE", STATE))
        numbers = [
            fitted(word, room, right=True) for word, room in (("RUNNING", RUNS), ("WAITING", WAITING), ("SEEN", SEEN))
        ]
        self.fill("heads", Content(" ".join((*heads, *numbers)) if found else ""))
        self.rows.put([self._row(agent, now, name, width) for agent in found])
        self.fill("detail", self._detail(view.state, now))

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Another one is selected."""
        super().on_option_list_option_highlighted(event)
        self.dashboard.paint()

    def _row(self, agent: AgentState, now: float, name: int, width: int) -> Row:
        gone = agent.gone(now)
        numbers = (
            (f"{agent.running}/{agent.capacity(now)}", RUNS),
            (f"{agent.waiting:,}", WAITING),
            (age(now - agent.seen) if agent.seen else "never", SEEN),
        )
        parts = [
            Content.styled(fitted(agent.name, name), BOLD),
            Content(fitted(harmless(", ".join(agent.jobs)), width)),
            Content.styled(fitted("gone" if gone else "takes work", STATE), BAD if gone else GOOD),
            *(Content(fitted(text, room, right=True)) for text, room in numbers),
        ]
        return agent.name, Content(" ").join(parts)

    def _detail(self, state: State | None, now: float) -> Content:
        agents = {agent.name: agent for agent in (state.agents if state else ())}
        agent = agents.get(self.rows.current)
        if agent is None:
            return Content("")
        told = [Content.styled(agent.name, BOLD)]
        if ailment := agent.ailment(now):
            told += [
                Content.styled(harmless(ailment), BAD),
                Content(f"start it at its site: mcmirror agent {agent.name}"),
            ]
        for one in agent.processes:
            seen = f"seen {age(now - one.seen)} ago, {one.running} of {one.capacity} runs"
            told.append(Content(harmless(f"process {one.pid} on {one.host}, mcmirror {one.version}: {seen}")))
        return lines(*told)
