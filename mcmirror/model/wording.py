"""How values read to people, on screens, in reports and in messages."""

import re
import unicodedata

from mcmirror.model.cost import Requests
from mcmirror.model.plan import Count
from mcmirror.model.problem import Problem
from mcmirror.model.report import RunReport

CENT = 0.01
"""Dollars; what costs less is not worth a word."""
_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_UNSAFE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# Quick look first: nearly every key is plain.
_PLAIN = re.compile(r"[\x20-\x7e\xa1-\xac\xae-\u05ff]*\Z")


def harmless(text: str, *, keep_newlines: bool = False) -> str:
    """Escape what could move a cursor, break a line or turn the reading direction; nothing else changes."""
    if _PLAIN.match(text):
        return text
    return "".join(
        character
        if (keep_newlines and character == "\n") or unicodedata.category(character) not in _UNSAFE_CATEGORIES
        else _escaped(character)
        for character in text
    )


def printable(key: str) -> str:
    """Write a key so that it stays on its line and can be read back: as ``harmless``, with each backslash doubled."""
    return harmless(key.replace("\\", "\\\\"))


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    number = ord(character)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def shown_bytes(number: float) -> str:
    """Bytes in binary units, three or four digits: ``0 B``, ``1.5 KiB``, ``312 MiB``."""
    value = float(number)
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if abs(value) < 999.5 or unit == "TiB":
            return f"{value:.0f} {unit}" if unit == "B" or abs(value) >= 99.95 else f"{value:.1f} {unit}"
        value /= 1024
    raise AssertionError("unreachable")


def shown_seconds(seconds: float | None) -> str:
    """Return a duration: ``0.3 s``, ``12 s``, ``3m 20s``, ``2h 05m``, ``3d 04h``; ``unknown`` for None."""
    if seconds is None:
        return "unknown"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s"
    if whole < 86400:
        return f"{whole // 3600}h {whole % 3600 // 60:02d}m"
    return f"{whole // 86400}d {whole % 86400 // 3600:02d}h"


def objects(number: int) -> str:
    """``1 object``, ``1,204 objects``."""
    return f"{number:,} object" if number == 1 else f"{number:,} objects"


def shown_count(count: Count) -> str:
    """Objects and their bytes: ``12 objects, 3.1 MiB``."""
    return f"{objects(count.objects)}, {shown_bytes(count.bytes)}"


def because(what: str, why: str) -> str:
    """``what: why``, on one line; what alone when nobody knows why."""
    return f"{what}: {harmless(why.strip())}" if why.strip() else what


def ordinal(number: int) -> str:
    """``1st``, ``2nd``, ``3rd``, ``11th``."""
    end = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{end}"


def checked(report: RunReport) -> str:
    """What a run looked at and found equal on both sides, what it could not prove, and what it left; empty: nothing."""
    tally = report.tally
    if not report.verified and not report.dry_run:
        return ""
    equal = Count(tally.equal.objects + tally.done.objects, tally.equal.bytes + tally.done.bytes)
    parts = [f"{shown_count(equal)} equal on both sides"] if equal.objects else []
    parts += [f"{objects(tally.read.objects)} read on both sides"] if tally.read.objects else []
    parts += [f"{objects(tally.unproven.objects)} equal by size and time only"] if tally.unproven.objects else []
    parts += [f"{objects(tally.kept.objects)} left different, overwrite is off"] if tally.kept.objects else []
    return "; ".join(parts)


def three_parts(problem: Problem) -> tuple[str, str, str]:
    """What, why and what to do, each harmless and on one line; a message's line feeds are a key's, and shown."""
    cause, remedy = (" ".join(part.split("\n")).strip() for part in (problem.cause, problem.remedy))
    return harmless(problem.message.strip()), harmless(cause), harmless(remedy)


def requests_text(requests: Requests) -> str:
    """Requests by kind and side."""
    source = _kinds((requests.source_list, "LIST"), (requests.source_get, "GET"), (requests.source_head, "HEAD"))
    target = _kinds(
        (requests.target_list, "LIST"),
        (requests.target_get, "GET"),
        (requests.target_head, "HEAD"),
        (requests.target_put, "PUT"),
        (requests.target_delete, "DELETE"),
    )
    sides = [f"{kinds} at the {side}" for kinds, side in ((source, "source"), (target, "target")) if kinds]
    return "; ".join(sides) or "none"


def _kinds(*kinds: tuple[int, str]) -> str:
    return " + ".join(f"{number:,} {kind}" for number, kind in kinds if number)


def cost(requests: Requests) -> str:
    """Return the requests of a whole run, and what AWS would ask for them from a cent on; a folder is asked nothing."""
    asked = {
        "source": (requests.source_list + requests.source_get + requests.source_head, requests.source_dollars),
        "target": (
            requests.target_list
            + requests.target_get
            + requests.target_head
            + requests.target_put
            + requests.target_delete,
            requests.target_dollars,
        ),
    }
    known = ((side, dollars) for side, (number, dollars) in asked.items() if number and dollars >= CENT)
    prices = " and ".join(f"${dollars:,.2f} for the {side}" for side, dollars in known)
    if not any(number for number, _ in asked.values()):
        return "none"
    return requests_text(requests) + (
        f"; at AWS S3 Standard list prices {prices}, traffic not counted" if prices else ""
    )
