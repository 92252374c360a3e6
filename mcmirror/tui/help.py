"""What the help of a screen says."""

from textual.binding import Binding
from textual.content import Content

from mcmirror.tui.formatting import BAD, BUSY, GOOD, WARN
from mcmirror.tui.frame import Room

_MARKS = (
    ("✓", GOOD, "the copy is true, or nothing was to be done"),
    ("✗", BAD, "partial, failed, refused, interrupted or cancelled"),
    ("•", WARN, "not verified, skipped, or only planned"),
    ("▶", BUSY, "under way"),
    ("‖", WARN, "paused: does not begin by itself"),
    ("○", "dim", "never ran"),
    ("!", BAD, "the last success is older than the job's max_age"),
)
_NAMES = {"question_mark": "?", "slash": "/", "escape": "Esc", "enter": "Enter", "upper_p": "P"}


def help_text(room: Room) -> Content:
    """Its keys first, the keys that work everywhere, the screen, and the marks."""
    parts = [
        _key(binding)
        for bindings in room._bindings.key_to_bindings.values()  # noqa: SLF001  there is no other way
        for binding in bindings
        if _told(binding) and room.check_action(binding.action, ()) is not False
    ]
    parts += [
        Content(""),
        _line("Enter", "open what the cursor is on"),
        _line("Esc", "back; in a list: show all again"),
        _line("Ctrl+P", "everything, by name"),
        _line("Tab", "to what stands below the list, to scroll it"),
        _line("d", "light or dark"),
        _line("q", "quit; asks when a run of this process goes on"),
        _line("1-9", "the screens, by their numbers on top"),
        Content(""),
    ]
    parts += [Content(room.ABOUT), Content("")]
    parts += [Content.assemble("  ", (mark, style), f"       {meaning}") for mark, style, meaning in _MARKS]
    return Content("\n").join(parts)


def _told(binding: Binding) -> bool:
    return bool(binding.description) and binding.key not in {"tab", "shift+tab", "ctrl+c", "super+c"}


def _key(binding: Binding) -> Content:
    key = binding.key_display or binding.key
    return _line(_NAMES.get(key, key), binding.tooltip or binding.description)


def _line(key: str, text: str) -> Content:
    return Content.assemble(("  " + key.ljust(8), "bold"), text)
