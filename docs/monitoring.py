"""Write the tables of docs/monitoring.md: the metrics, the changes of a tab's state, the loggers.

    python docs/monitoring.py

They are made of the code, so a test can hold them to it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from streamlit_pgstate.state.prometheus import FAMILIES

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "streamlit_pgstate"
PAGE = ROOT / "docs" / "monitoring.md"
LEVELS = {"info": "INFO", "warning": "WARNING", "error": "ERROR", "exception": "ERROR"}
OWN_WORDS = {"%s": "the message of an error, with the place of the database"}


def metrics() -> str:
    """Each metric with its type, its labels and what it is."""
    lines = ["| metric | type | labels | |", "|---|---|---|---|"]
    lines += [
        f"| `{family.name}` | {family.kind} | {', '.join(f'`{label}`' for label in family.labels)} "
        f"| {family.help} |"
        for family in FAMILIES
    ]
    return "\n".join(lines)


def changes() -> str:
    """Each change of a tab's state, as the log names it."""
    tree = ast.parse((PACKAGE / "page" / "changes.py").read_text(encoding="utf-8"))
    [kinds] = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    lines = ["| the line says | what has happened |", "|---|---|"]
    for member, words in zip(kinds.body, kinds.body[1:], strict=False):
        if isinstance(member, ast.Assign) and isinstance(words, ast.Expr):
            lines.append(f"| {_text(member.value)} | {_in_one_line(_text(words.value))} |")
    return "\n".join(lines)


def health() -> str:
    """Each status of the health, as `Health.status` has it."""
    text = (PACKAGE / "postgres" / "health.py").read_text(encoding="utf-8")
    lines = ["| `status` | |", "|---|---|"]
    for status, words in re.findall(r'- "(\w+)": (.*?)(?=\n    - |\n    """)', text, re.DOTALL):
        sentence = re.sub(r"``([^`]+)``", r"`\1`", _in_one_line(words))
        lines.append(f"| {status} | {sentence} |")
    return "\n".join(lines)


def loggers() -> str:
    """Each line from INFO on, with its logger and its level."""
    lines = ["| logger | level | the line |", "|---|---|---|"]
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        lines += [f"| `{name}` | {level} | {text} |" for level, text in _lines_of(path)]
    return "\n".join(lines)


def _lines_of(path: Path) -> Iterator[tuple[str, str]]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    named = {
        node.target.id: node.value
        for node in tree.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == "_LOG"
            and node.func.attr in LEVELS
        ):
            words = node.args[0]
            text = _text(named.get(words.id) or words if isinstance(words, ast.Name) else words)
            yield LEVELS[node.func.attr], OWN_WORDS.get(text, f"`{_in_one_line(text)}`")


def _text(node: ast.expr) -> str:
    return str(ast.literal_eval(node))


def _in_one_line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def page() -> str:
    """The whole page, with the tables of today."""
    text = PAGE.read_text(encoding="utf-8")
    for name, table in {
        "metrics": metrics(),
        "changes": changes(),
        "health": health(),
        "loggers": loggers(),
    }.items():
        begin, end = f"<!-- {name}: written by docs/monitoring.py -->", f"<!-- end of {name} -->"
        before, _, rest = text.partition(begin)
        _, _, after = rest.partition(end)
        text = f"{before}{begin}\n{table}\n{end}{after}"
    return text


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
