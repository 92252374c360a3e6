"""Nothing that is painted holds a secret, whatever widget it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.filter import LineFilter
from textual.strip import Strip

if TYPE_CHECKING:
    from collections.abc import Callable


class Redacting(LineFilter):
    """Looks at every line before it is painted."""

    def __init__(self, redact: Callable[[str], str]) -> None:
        super().__init__()
        self._redact = redact

    def apply(self, segments: list[Any], background: Any) -> list[Any]:
        """The line, as it is or without its secrets; its colours go with them."""
        del background
        text = "".join(segment.text for segment in segments)
        redacted = self._redact(text)
        if redacted == text:
            return segments
        strip = Strip([type(segments[0])(redacted, segments[0].style)])
        return list(strip.adjust_cell_length(Strip(segments).cell_length, segments[-1].style))
