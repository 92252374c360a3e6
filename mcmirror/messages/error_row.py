"""A row of the table of troubles."""

from dataclasses import dataclass

from mcmirror.model.problem import Category


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of trouble."""

    category: Category
    cause: str
    """What it means: a sentence without its capital and its full stop, so that it can follow a colon."""
    remedy: str
    """What to do; what stands in braces depends on who reads it: see ``remedy.rendered``."""
    codes: tuple[str, ...] = ()
    """S3 error codes, looked up before any phrase."""
    phrases: tuple[str, ...] = ()
    """Regular expressions, case-insensitive, over ``message + newline + cause`` with quoted names blanked."""
    headings: tuple[str, ...] = ()
    """Other words under which people know it; for ``explain`` only."""
    evidence: tuple[str, ...] = ()
    """Recordings of mc (names) or tests (``test_...``) that show it."""
    retryable: bool = False
