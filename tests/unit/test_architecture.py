"""The parts of docs/how-it-works.md hold: the contracts stand in pyproject.toml."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

import streamlit_pgstate as pgstate

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "streamlit_pgstate"
SQL = re.compile(
    r"\b(SELECT\s.+\sFROM|INSERT\s+INTO|UPDATE\s+\S+\s+SET|DELETE\s+FROM)\b", re.DOTALL
)


def test_the_contracts_of_import_linter_are_kept() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},  # it draws its name
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_picture_of_the_rooms_is_that_of_the_code() -> None:
    drawing = _module(ROOT / "docs" / "rooms.py")
    assert drawing.page() == drawing.PAGE.read_text(), "draw it anew: python docs/rooms.py"


def test_every_room_stands_above_all_that_it_imports() -> None:
    drawing = _module(ROOT / "docs" / "rooms.py")
    imported = drawing.imports()
    floor = drawing.floors(imported)
    assert all(floor[name] > floor[other] for name in imported for other in imported[name])
    assert len(imported) <= 12


def _module(path: Path) -> ModuleType:
    spec = spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_there_is_no_package_in_the_way_of_the_library_alembic() -> None:
    assert not (ROOT / "alembic" / "__init__.py").exists()


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.stem)
def test_statements_on_our_tables_stand_in_one_folder(path: Path) -> None:
    """`migrate` reads Alembic's own table, before there is a store."""
    texts = [
        node.value
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    found = [text for text in texts if SQL.search(text) and "{schema}" in text]
    assert not found or PACKAGE / "postgres" / "statements" in path.parents


def test_no_module_is_named_after_nothing() -> None:
    names = {path.stem for path in PACKAGE.rglob("*.py")}
    assert not names & {"utils", "util", "helpers", "base", "types", "common", "misc"}


def test_no_module_hides_a_public_name() -> None:
    """To import `streamlit_pgstate.persist`, if there were one, would replace `pgstate.persist`."""
    tops = {path.stem for path in PACKAGE.iterdir()} - {"testing"}  # that one is a module
    assert not tops & set(pgstate.__all__)


def test_the_index_of_decisions_has_each_of_them_once() -> None:
    folder = ROOT / "docs" / "decisions"
    named = re.findall(r"\((\d{4}-[^)]+\.md)\)", (folder / "README.md").read_text("utf-8"))
    assert named == sorted(path.name for path in folder.glob("[0-9]*.md"))


def test_no_two_test_files_have_one_name() -> None:
    """pytest imports them by it, and would run only one of them."""
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert sorted(names) == sorted(set(names))
