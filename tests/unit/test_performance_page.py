"""docs/performance.md has what the benchmarks have kept, and says which bounds do not hold."""

from __future__ import annotations

import json
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
HELD = {
    "what": "a set / a bare one",
    "case": "set",
    "base": "bare",
    "at_most": 1.5,
    "reached": 1.4,
    "at_best": 1.3,
}


@pytest.fixture(scope="module")
def writing() -> ModuleType:
    spec = spec_from_file_location("performance", ROOT / "docs" / "performance.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def kept(name: str, *bounds: dict[str, Any], unit: str = "s") -> dict[str, Any]:
    result = {
        "title": "A set",
        "unit": unit,
        "cases": {"bare": 0.0001, "set": 0.00014},
        "lowest": {},
        "bounds": list(bounds),
    }
    machine = {"measured": "2026-01-01", "postgresql": "18.1, durable"}
    return {"name": name, "machine": machine, "load": 0.5, "quick": False, "results": [result]}


def test_the_pages_are_those_of_the_results(writing: ModuleType) -> None:
    for path, text in ((writing.PAGE, writing.page()), (writing.SCALING, writing.scaling_page())):
        assert text == path.read_text(encoding="utf-8"), "write it anew: python docs/performance.py"


@pytest.mark.parametrize(
    ("changed", "row"),
    [
        ({}, "| a set / a bare one | 1.4 | 1.3 | ≤ 1.5 | held |"),
        ({"reached": 1.5}, "| a set / a bare one | 1.5 | 1.3 | ≤ 1.5 | held |"),
        ({"reached": 1.51}, "| a set / a bare one | 1.51 | 1.3 | ≤ 1.5 | **not held** |"),
        (
            {"base": "", "reached": 0.0003, "at_best": None, "at_most": 0.1},
            "| a set / a bare one | 300.0 µs |  | ≤ 100.00 ms | held |",
        ),
    ],
)
def test_a_bound_that_does_not_hold_is_said(
    writing: ModuleType, changed: dict[str, Any], row: str
) -> None:
    assert writing.bounds([kept("x", HELD | changed)]).splitlines()[2:] == [row]


def test_what_is_no_time_has_no_ratio(writing: ModuleType) -> None:
    shown = writing.sections([kept("x", unit="bytes")])
    assert "| A set | |\n|---|---|" in shown
    assert "| bare | 0.0001 bytes |" in shown


def test_what_the_page_does_not_list_follows_by_name(writing: ModuleType, tmp_path: Path) -> None:
    for name in ("zebra", "frames", "adder", "page_load"):
        (tmp_path / f"{name}.json").write_text(json.dumps(kept(name)), encoding="utf-8")
    names = [each["name"] for each in writing.results(tmp_path)]
    assert names == ["page_load", "frames", "adder", "zebra"]
