"""How a stream may be written to, decided once."""

import os
import shutil
from collections.abc import Mapping
from typing import TextIO

from mcmirror.messages.text_style import Style


def style_of(stream: TextIO, environ: Mapping[str, str] = os.environ) -> Style:
    """Look at the stream and the environment: a pipe, NO_COLOR and TERM=dumb have no colours and nothing that moves."""
    terminal = stream.isatty()
    dumb = environ.get("TERM", "") in {"dumb", ""}
    symbols = "utf" in (getattr(stream, "encoding", "") or "").lower()
    return Style(
        colour=terminal and not dumb and not environ.get("NO_COLOR"),
        symbols=symbols,
        width=shutil.get_terminal_size().columns if terminal else 0,
        moving=terminal and not dumb,
    )
