"""Each threat of docs/security.md, and each case of docs/cases.md, names tests that exist."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
TEST = re.compile(r"`((?:[a-z_]+/)+test_[a-z_0-9]+\.py)(?:::(test_\w+))?`")


def rows(page: str, heading: str) -> list[list[str]]:
    """The rows of the tables below a heading, cell by cell."""
    text = (DOCS / page).read_text(encoding="utf-8")
    _, _, below = text.partition(f"\n## {heading}\n")
    assert below, f"{page} has no heading {heading!r}"
    section = re.split(r"\n## ", below)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells[1:] if not set(row[0]) <= set("-: ")]


@cache
def functions_of(path: Path) -> set[str]:
    return set(re.findall(r"^ *def (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE))


def missing(cell: str) -> list[str]:
    """The tests that a cell names and that are not there."""
    lost = []
    for file, name in TEST.findall(cell):
        path = ROOT / "tests" / file
        if not path.exists() or (name and name not in functions_of(path)):
            lost.append(f"{file}::{name}")
    return lost


@pytest.mark.parametrize("row", rows("security.md", "Threats"), ids=lambda row: row[0])
def test_each_threat_names_tests_that_exist(row: list[str]) -> None:
    threat, holds, tests = row
    assert threat
    assert holds
    assert TEST.findall(tests), "it names no test"
    assert not missing(tests)


CASES = [
    row
    for heading in re.findall(r"^## (.+)$", (DOCS / "cases.md").read_text("utf-8"), re.MULTILINE)
    for row in rows("cases.md", heading)
]


@pytest.mark.parametrize("row", CASES, ids=lambda row: row[0][:60])
def test_each_case_of_other_stores_names_tests_that_exist_or_says_why_there_is_none(
    row: list[str],
) -> None:
    case, seen, here, tests = row
    assert case
    assert seen
    assert TEST.findall(tests) or (tests == "–" and here), "neither a test nor a reason"
    assert not missing(tests)


def test_a_test_that_is_not_there_is_missed() -> None:
    assert missing("`unit/test_timing.py::test_nothing_of_the_kind`")
    assert missing("`unit/test_nothing.py`")
    assert not missing("`unit/test_timing.py`")
