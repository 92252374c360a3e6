"""What every screen stands in: the line on top, the keys at the bottom, and the way from one screen to another."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple, cast

from textual.content import Content
from textual.css.query import NoMatches
from textual.screen import Screen
from textual.widgets import Footer, Static

from mcmirror.messages.text_style import cells
from mcmirror.model.wording import harmless
from mcmirror.tui.formatting import DIM, WARN, clock, fitted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

    from mcmirror.tui.app import Dashboard
    from mcmirror.tui.source import View


LOW = 18
"""Lines of a screen below which every one is needed."""


class Place(NamedTuple):
    """A screen that a number key opens."""

    key: str
    name: str
    where: str
    """``module:class``, imported when it is opened for the first time."""


ROOMS: tuple[Place, ...] = (
    Place("1", "Overview", "mcmirror.tui.overview:Overview"),
    Place("2", "Connections", "mcmirror.tui.connections:Connections"),
    Place("3", "Jobs", "mcmirror.tui.jobs:Jobs"),
    Place("4", "History", "mcmirror.tui.history:History"),
)
"""In the order of their keys."""
REPLICATIONS = Place("5", "Replications", "mcmirror.tui.replications:Replications")
"""It stands on top only where a server watches any."""
AGENTS = Place("6", "Agents", "mcmirror.tui.agents:Agents")
"""The same of agents."""
BACKLOG = Place("7", "Backlog", "mcmirror.tui.backlogs:Backlogs")
"""The same of backlogs."""
EVERYWHERE = (*ROOMS, REPLICATIONS, AGENTS, BACKLOG)


class Head(Static):
    """One line: where we are, what we look at, what time it is; below it what must not be overlooked."""

    DEFAULT_CSS = """
    Head { dock: top; height: auto; background: $panel; color: $foreground; padding: 0 1; link-style: none; }
    """

    def paint(self, view: View, title: str, dashboard: Dashboard) -> None:
        """Show them."""
        service = view.state.service if view.state else ""
        name = Content.assemble(("mcmirror", "bold $primary"), f" {harmless(service)}" if service else "", "  ")
        time = clock(dashboard.clock(), dashboard.zone)
        width = self.app.size.width - 2
        state = view.state
        rooms = (
            *ROOMS,
            *((REPLICATIONS,) if state and state.replications else ()),
            *((AGENTS,) if state and state.agents else ()),
            *((BACKLOG,) if state and any(job.backlog for job in state.jobs) else ()),
        )
        left, room = name, 0
        for short in (False, True):
            left = Content.assemble(name, *_tabs(title, rooms, short=short))
            room = width - left.cell_length
            if room > len(time):
                break
        else:
            # A job's name may be longer than any line.
            cut = fitted(title, max(12, cells(harmless(title)) + room - len(time) - 1)).rstrip()
            left = Content.assemble(name, *_tabs(title, rooms, short=True, shown=cut))
            room = width - left.cell_length
        # The time says more than the place, which does not change.
        rights = (f"{harmless(dashboard.source.where)}  {time}", time, "")
        right = next(Content.styled(text, DIM) for text in rights if not text or len(text) < room)
        line = Content.assemble(left, " " * max(0, room - right.cell_length), right)
        parts = [line.truncate(width, ellipsis=True), *_warning(view, dashboard)]
        self.update(Content("\n").join(parts))


def _tabs(title: str, rooms: Sequence[Place], *, short: bool, shown: str = "") -> list[Content]:
    """The rooms, each to be clicked; the one we are in stands out, the others may be numbers only.

    ``shown`` stands for a title that is too long.
    """
    names = {place.name for place in rooms}
    found = list[Content]()
    for place in rooms:
        style = "bold reverse" if place.name == title else ""
        word = f" {place.key} " if short and place.name != title else f" {place.key} {place.name} "
        text = Content.styled(word, style)
        found.append(text.stylize(f"@click=app.room('{place.name}')"))
    if title not in names:
        found.append(Content.styled(f" {shown or harmless(title)} ", "bold reverse"))
    return found


def _warning(view: View, dashboard: Dashboard) -> list[Content]:
    if view.stale_since:
        since = clock(view.stale_since, dashboard.zone)
        return [
            Content.styled(f"! STALE since {since}: {harmless(view.trouble)}; trying again by itself", f"{WARN} bold")
        ]
    if view.trouble:
        return [Content.styled(f"! {harmless(view.trouble)}", f"{WARN} bold")]
    return []


class Room(Screen[None]):
    """A screen. ``body`` makes its widgets, ``show`` paints what there is; a ``panel`` has a border and a title."""

    DEFAULT_CSS = """
    Room .panel { border: round $foreground 30%; border-title-color: $text-muted; border-title-style: bold; }
    Room .panel { border-subtitle-color: $text-muted; }
    Room .panel:focus, Room .panel:focus-within { border: round $primary; }
    Room.low .panel { border: none; }
    """

    NAME: ClassVar[str] = ""
    """As it stands on top."""
    ABOUT: ClassVar[str] = ""
    """What the help says about this screen, in a paragraph."""

    EVERY: ClassVar[float] = 0.1
    """Seconds between two pictures, at least, when all that is new is what runs say."""
    _complete = False

    @property
    def dashboard(self) -> Dashboard:
        """The application."""
        return cast("Dashboard", self.app)

    @property
    def title_shown(self) -> str:
        """What stands on top."""
        return self.NAME

    def compose(self) -> ComposeResult:
        """Head, body, keys."""
        yield Head(id="head")
        yield from self.body()
        yield Footer(compact=True, show_command_palette=False)

    def body(self) -> ComposeResult:
        """The widgets between head and keys."""
        yield from ()

    def show(self, view: View) -> None:
        """Paint; called at most ten times a second, and must not wait."""

    def paint(self, view: View) -> None:
        """Paint head and body, as soon as all of it is there, and as long as it is."""
        if not self.query("#head"):
            return
        try:
            self.query_one("#head", Head).paint(view, self.title_shown, self.dashboard)
            self.show(view)
        except NoMatches:
            if self._complete:
                raise
            # Widgets in widgets come one after the other.
            self.call_later(self.dashboard.paint)
        else:
            self._complete = True

    def on_mount(self) -> None:
        """Not to be overridden without calling this."""
        self.call_after_refresh(self.dashboard.paint)

    def on_screen_resume(self) -> None:
        """Nothing stays as it was when somebody left."""
        self.dashboard.paint()

    def on_resize(self) -> None:
        """Columns depend on the width; where lines are few, borders take none."""
        self.set_class(self.app.size.height < LOW, "low")
        self.call_after_refresh(self.dashboard.paint)

    @property
    def room(self) -> int:
        """Columns between the borders of a panel as wide as the screen."""
        return self.app.size.width - 2 - (0 if self.app.size.height < LOW else 2)

    def entitle(self, panel: str, title: str, subtitle: str = "") -> None:
        """Write on the border of a panel."""
        found = self.query_one(f"#{panel}")
        wide = max(1, self.room - 4)
        found.border_title = Content(fitted(title, min(wide, cells(harmless(title)))))
        found.border_subtitle = Content(fitted(subtitle, min(wide, cells(harmless(subtitle)))))
