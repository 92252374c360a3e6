"""The table of faults in docs/faults.md, from the rows that the tests assert. ``bin/docs settled`` writes it."""

from collections.abc import Iterator
from importlib import import_module

from tests.faults.fault import HANGS, Fault, Mc

GROUPS = {
    "test_access": "Keys and rights",
    "test_network": "The way to the servers",
    "test_listing": "Page two of a listing",
    "test_changes": "Changes",
    "test_objects": "One object among others",
    "test_folded": "One key taken for another",
    "test_storage": "Space",
    "test_guard": "What would destroy, or cannot be meant",
    "test_removal": "Removing",
    "test_killed": "Killed in mid-run",
}


def groups() -> Iterator[tuple[str, tuple[Fault, ...]]]:
    """Each group's title with its rows."""
    for module, title in GROUPS.items():
        yield title, import_module(f"tests.faults.{module}").FAULTS


def counted() -> str:
    """Render the sentence that counts the rows in which mc was wrong."""
    rows = [fault for _, faults in groups() for fault in faults]
    asserted = [fault for fault in rows if not fault.mc.by_chance]
    wrong = [fault for fault in asserted if not fault.mc.told_the_truth]
    silent = [fault for fault in wrong if not fault.mc.says and fault.mc.exit == 0]
    return (
        f"In {len(wrong)} of {len(asserted)} faults on real servers `mc mirror` ends with a wrong exit code, destroys "
        f"data, or\ndoes not end; in {len(silent)} of them it exits 0 without a word.\n"
    )


def markdown() -> str:
    """Render the table."""
    lines = [
        "| fault | `mc mirror` exits | its error line says | what it did | mcmirror says | exit | category |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for title, faults in groups():
        lines.append(f"| *{title}* | | | | | | |")
        lines += [_row(fault) for fault in faults]
    return "\n".join(lines) + "\n"


def _row(fault: Fault) -> str:
    cells = (
        fault.what,
        _exit(fault.mc),
        "by chance" if fault.mc.by_chance else f"“{fault.mc.says}”" if fault.mc.says else "nothing",
        _did(fault.mc),
        fault.status,
        str(fault.code),
        f"`{fault.category}`" if fault.category else "",
    )
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _exit(mc: Mc) -> str:
    if mc.by_chance:
        return "0 or 1"
    code = "hangs" if mc.exit == HANGS else f"signal {-mc.exit}" if mc.exit < HANGS else str(mc.exit)
    return code if mc.told_the_truth else f"**{code}**"


def _did(mc: Mc) -> str:
    if mc.by_chance:
        return "all or some"
    if mc.destroyed != "none":
        return "**removed the only copies**"
    if mc.litter:
        return "**wrote a local folder**"
    return {"all": "all", "some": "a part", "none": "nothing"}[mc.arrived]
