"""The table of faults has one row per fault. tests/test_docs.py checks that docs/faults.md holds it."""

from collections import Counter
from pathlib import Path

from tests.faults.table import GROUPS, groups


def test_each_row_has_a_name_and_a_description_of_its_own() -> None:
    rows = [fault for _, faults in groups() for fault in faults]

    assert [] == [name for name, times in Counter(fault.name for fault in rows).items() if times > 1]
    assert [] == [what for what, times in Counter(fault.what for fault in rows).items() if times > 1]


def test_no_group_is_left_out_of_the_table() -> None:
    modules = {path.stem for path in Path(__file__).parent.glob("test_*.py") if "FAULTS = (" in path.read_text()}
    modules |= {path.stem for path in Path(__file__).parent.glob("test_*.py") if "FAULTS = tuple(" in path.read_text()}

    assert modules - {"test_table"} == set(GROUPS)
