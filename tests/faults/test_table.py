"""The README shows the rows that the tests assert, and no other."""

import re
from collections import Counter
from pathlib import Path

from tests.faults.table import GROUPS, README, groups, written


def test_the_readme_is_up_to_date() -> None:
    text = README.read_text()

    assert written(text) == text, "run: python -m tests.faults.table --write"


def test_the_sentence_at_the_beginning_counts_the_same() -> None:
    counted = re.findall(r"^In (\d+) of (\d+) [^.]*; in\s(\d+) ", README.read_text(), flags=re.MULTILINE)

    assert 2 == len(counted)
    assert counted[0] == counted[1]


def test_each_row_has_a_name_and_a_description_of_its_own() -> None:
    rows = [fault for _, faults in groups() for fault in faults]

    assert [] == [name for name, times in Counter(fault.name for fault in rows).items() if times > 1]
    assert [] == [what for what, times in Counter(fault.what for fault in rows).items() if times > 1]


def test_no_group_is_left_out_of_the_table() -> None:
    modules = {path.stem for path in Path(__file__).parent.glob("test_*.py") if "FAULTS = (" in path.read_text()}
    modules |= {path.stem for path in Path(__file__).parent.glob("test_*.py") if "FAULTS = tuple(" in path.read_text()}

    assert modules - {"test_table"} == set(GROUPS)
