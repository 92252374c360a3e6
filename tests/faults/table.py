"""The README's table of faults, from the rows that the tests assert: ``python -m tests.faults.table --write``."""

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from tests.faults.fault import HANGS, Fault, Mc

GROUPS = {
    "test_access": "Keys and rights",
    "test_network": "The way to the servers",
    "test_listing": "Page two of a listing",
    "test_changes": "Changes",
    "test_objects": "One object among others",
    "test_storage": "Space",
    "test_guard": "What would destroy, or cannot be meant",
    "test_killed": "Killed in mid-run",
}
README = Path(__file__).parents[2] / "README.md"
BEGIN, END = "<!-- faults -->", "<!-- /faults -->"


def groups() -> Iterator[tuple[str, tuple[Fault, ...]]]:
    """Each group's title with its rows."""
    for module, title in GROUPS.items():
        yield title, import_module(f"tests.faults.{module}").FAULTS


def markdown() -> str:
    """Render the table, with a sentence that counts."""
    rows = [fault for _, faults in groups() for fault in faults]
    asserted = [fault for fault in rows if not fault.mc.by_chance]
    wrong = [fault for fault in asserted if not fault.mc.told_the_truth]
    silent = [fault for fault in wrong if not fault.mc.says and fault.mc.exit == 0]
    lines = [
        (
            f"In {len(wrong)} of {len(asserted)} rows `mc mirror` ends with an exit code that is not the truth, "
            f"destroys, or does not end (**bold**); in {len(silent)} of them it exits 0 without a word."
        ),
        "",
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


def written(readme: str) -> str:
    """The README with the table between its marks; ValueError when they are missing."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"README.md lacks {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{markdown()}\n{END}{after}"


if __name__ == "__main__":
    if "--write" in sys.argv:
        README.write_text(written(README.read_text()))
    else:
        print(markdown(), end="")
