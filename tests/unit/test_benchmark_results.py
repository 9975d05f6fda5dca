"""What the benchmarks keep of a measurement: the cases in turn, their ratios, and the bounds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def harness(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The benchmarks are scripts, so they import each other by their bare names."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import harness

    return harness


def test_the_cases_have_their_turns_there_and_back(harness: ModuleType) -> None:
    turns: list[str] = []
    cases = {name: lambda name=name: turns.append(name) for name in "ABC"}
    harness.measure("x", cases, rounds=2, repeats=1)
    assert "".join(turns) == "CBAABCCBA"


@pytest.mark.parametrize(
    ("base", "at_most", "holds"),
    [(None, 2.0, True), (None, 1.9, False), ("slow", 0.5, True), ("", 2.0, True), ("", 1.9, False)],
)
def test_a_bound_is_a_ratio_or_the_value_itself(
    harness: ModuleType, base: str | None, at_most: float, holds: bool
) -> None:
    result = harness.Result("x", {"floor": 1.0, "ours": 2.0, "slow": 4.0})
    assert result.holds(harness.Bound("ours / another", "ours", at_most, base)) is holds


def test_a_table_of_sizes_has_no_ratios_and_may_hold_zeros(harness: ModuleType) -> None:
    shown = str(harness.Result("x", {"none": 0.0, "some": 1234.0}, unit="bytes"))
    assert "| some | 1,234 bytes |" in shown
    assert "ratio" not in shown


def test_the_list_names_each_benchmark_with_its_question() -> None:
    listed = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--list"],
        cwd=BENCHMARKS.parent,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    names = {line.split()[0] for line in listed}
    assert {"page_load", "frames", "peers", "scale"} <= names
    assert names.isdisjoint({"harness", "machine", "plot", "server"})
    assert all(len(line.split()) > 3 for line in listed)
