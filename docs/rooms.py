"""Draw which parts of the package import which, into docs/how-it-works.md.

    python docs/rooms.py

The picture is made of the code's own imports, so a test can hold it to them.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Set
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[1]
PACKAGE = "streamlit_pgstate"
PAGE = ROOT / "docs" / "how-it-works.md"
BEGIN, END = "<!-- drawn by docs/rooms.py -->", "<!-- end -->"

KNOWS = {
    "Streamlit": ("api", "widgets", "page", "persistence", "component", "testing"),
    "PostgreSQL": ("cli", "postgres"),
    "neither": ("state", "codecs", "settings", "errors"),
}
"""By what they know; the contracts in pyproject.toml hold it."""

COLOURS = {"Streamlit": "#ffe3e3", "PostgreSQL": "#dbe9f6", "neither": "#eeeeee"}


def imports() -> dict[str, set[str]]:
    """The folders and files at the top of the package, and which of the others each imports."""
    graph = grimp.build_graph(PACKAGE)
    tops = graph.find_children(PACKAGE)
    home = {module: top for top in tops for module in {top, *graph.find_descendants(top)}}
    return {
        _name(top): {
            _name(home[imported])
            for module in {top, *graph.find_descendants(top)}
            for imported in graph.find_modules_directly_imported_by(module)
            if home.get(imported, top) != top
        }
        for top in sorted(tops)
    }


def _name(module: str) -> str:
    return module.removeprefix(f"{PACKAGE}.")


def drawn(imported: Mapping[str, Set[str]]) -> dict[str, set[str]]:
    """Those imports that do not follow from others: a picture of all of them shows nothing."""

    def reached(name: str) -> set[str]:
        return {name}.union(*map(reached, imported[name]))

    return {
        name: {
            target
            for target in targets
            if not any(target in reached(other) for other in targets - {target})
        }
        for name, targets in imported.items()
    }


def floors(imported: Mapping[str, Set[str]]) -> dict[str, int]:
    """How far above the ground each stands; an import leads down by this, or there is a circle."""

    def floor(name: str, above: frozenset[str] = frozenset()) -> int:
        if name in above:
            raise ValueError(f"{name} imports itself, by way of {', '.join(sorted(above))}")
        below = [floor(target, above | {name}) for target in imported[name]]
        return 1 + max(below, default=0)

    return {name: floor(name) for name in imported}


def sentence(name: str) -> str:
    """The first sentence of the docstring of a folder or file at the top."""
    path = ROOT / PACKAGE / name
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    text = ast.get_docstring(ast.parse(file.read_text())) or ""
    return re.split(r"(?<=\.)\s", " ".join(text.split("\n\n")[0].split()), maxsplit=1)[0]


def picture() -> str:
    """The picture and the table below it, as Markdown."""
    imported = imports()
    floor = floors(imported)
    names = sorted(imported, key=lambda name: (-floor[name], name))
    knows = {name: what for what, names in KNOWS.items() for name in names}
    lines = ["```mermaid", "flowchart TD"]
    lines += [f"    {name}:::{knows[name]}" for name in names]
    arrows = drawn(imported)
    lines += [f"    {name} --> {target}" for name in names for target in sorted(arrows[name])]
    lines += [f"    classDef {what} fill:{fill}" for what, fill in COLOURS.items()]
    lines += ["```", "", "| | knows | |", "|---|---|---|"]
    lines += [f"| `{name}` | {knows[name]} | {sentence(name)} |" for name in names]
    return "\n".join(lines)


def page() -> str:
    """The whole page, with the picture of today."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{picture()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page())
