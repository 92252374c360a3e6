"""``mcmirror init``: a commented mcmirror.toml to start from."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from mcmirror.config import FILE_NAME, ConfigError, Mistake


def init(
    path: Annotated[Path, typer.Option(metavar="FILE", help="The file to write.")] = Path(FILE_NAME),
    *,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that is there.")] = False,
) -> None:
    """Write a commented mcmirror.toml."""
    text = Path(__file__).parents[1].joinpath("config", "starter.toml").read_text(encoding="utf-8")
    flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if force else os.O_EXCL)
    try:
        with os.fdopen(os.open(path, flags, 0o644), "w", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        mistake = Mistake(str(path), "", "the file is there already", "Name another with --path, or write --force.")
        raise ConfigError([mistake]) from None
    except OSError as error:
        reason = (error.strerror or "no place").lower()
        raise ConfigError(
            [Mistake(str(path), "", f"the file cannot be written: {reason}", "Name another with --path.")]
        ) from None
    print(f"{path} is written. Set its addresses, then: mcmirror job list", file=sys.stderr)
