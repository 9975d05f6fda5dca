"""Write what every command says of itself, and an example of each, into docs/command-line.md.

    PGSTATE_URL=postgresql://… python docs/command_line.py

The examples are run, on an empty database, so a test can hold the page to the commands.
"""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from unittest import mock

import pandas as pd
import psycopg
from click.testing import CliRunner

from streamlit_pgstate import StoredFile, connect
from streamlit_pgstate.cli import main

PAGE = Path(__file__).parent / "command-line.md"
BEGIN, END = "<!-- written by docs/command_line.py -->", "<!-- end -->"

VISITORS: Final = (
    "6c3f1f5e-7a0b-4d52-9d0e-3c0b8a1f4e77",
    "a81d20c4-95f3-4b1e-8a52-6f0e4b7d9c12",
)
MADE = "0f4be1d7-2c68-4e95-b3a1-58d7c90e6f24"
"""Stands for the id of each session that a command makes."""

ORDER: Final = (
    *("status", "migrate", "sessions", "show", "history", "restore", "copy", "export", "import"),
    *("forget", "gc", "rekey", "inspect", "doctor", "capacity"),
)
EXAMPLES: Final[dict[str, list[list[str]]]] = {
    "status": [["status"]],
    "migrate": [["migrate"]],
    "sessions": [["sessions"], ["sessions", "--largest", "--limit", "1"]],
    "show": [["show", "6c3f1f5e"], ["show", "6c3f1f5e", "cart"], ["show", "6c3f1f5e", "filters"]],
    "history": [["history", "6c3f1f5e", "filters"]],
    "restore": [["restore", "6c3f1f5e", "filters", "1"]],
    "copy": [["copy", "6c3f1f5e"]],
    "export": [["export", "6c3f1f5e", "--to", "their-data"]],
    "import": [["import", "their-data"]],
    "forget": [["forget", "a81d20c4", "--yes"], ["show", "1234"]],
    "gc": [["gc", "--dry-run"]],
    "doctor": [["doctor"]],
    "capacity": [
        ["capacity", "--visitors", "2000"],
        ["capacity", "--visitors", "50000", "--at-once", "3000", "--history", "10"],
    ],
}

CHANGING: Final = (
    (r"Database: .*", "Database:  db.example.com/app (from PGSTATE_URL)"),
    (r"of \S+ \(from PGSTATE_URL\)", "of db.example.com/app (from PGSTATE_URL)"),
    (r"PostgreSQL \d\S*( \(Debian [^)]*\))?", "PostgreSQL 18.4"),
    (r"\([\d.,]+ \w+ on disk\)", "(328.0 KiB on disk)"),
    (r"in \d+\.\d ms", "in 0.9 ms"),
    (r"differ by \d+\.\d s", "differ by 0.0 s"),
    (r"connections: \d+ of \d+ in use", "connections: 3 of 97 in use"),
    (r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", ""),
)
"""What differs from run to run, and what the page shows in its place."""


def page(url: str) -> str:
    """The whole page, with what the commands of today say. The database must be empty."""
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{commands(url)}\n{END}{after}"


def commands(url: str) -> str:
    """What every command says of itself, each with its examples, as Markdown."""
    with _in_an_empty_folder(url):
        examples = {"migrate": [_example(arguments) for arguments in EXAMPLES["migrate"]]}
        _fill(url)
        for name in ORDER:
            if name not in examples:
                examples[name] = [_example(arguments) for arguments in EXAMPLES.get(name, [])]
        return "\n".join(_section(name, examples[name]) for name in ORDER)


def _section(name: str, examples: list[str]) -> str:
    shown = "".join(f"\n```console\n{example}```\n" for example in examples)
    return f"## `pgstate {name}`\n\n```text\n{_run(name, '--help')}```\n{shown}"


def _example(arguments: list[str]) -> str:
    output = _run(*arguments)
    for pattern, shown in CHANGING:
        output = re.sub(pattern, lambda found, shown=shown: shown or _id(found.group()), output)
    return f"$ pgstate {' '.join(arguments)}\n{output}"


def _id(found: str) -> str:
    return found if found in VISITORS else MADE


def _run(*arguments: str) -> str:
    done = CliRunner().invoke(main, arguments, prog_name="pgstate")
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


@contextmanager
def _in_an_empty_folder(url: str) -> Iterator[None]:
    """Nothing of this user's own, in one zone and one width."""
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as name:
        ours = {"PGSTATE_URL": url, "HOME": name, "TZ": "UTC", "COLUMNS": "100"}
        try:
            with mock.patch.dict(os.environ, ours):
                os.chdir(name)
                time.tzset()
                yield
        finally:
            os.chdir(here)
            time.tzset()


def _fill(url: str) -> None:
    """Two visitors, with the same ids and times in each run."""
    cart = pd.DataFrame({"item": ["bread", "milk"], "price": [2.5, 1.2]})
    report = StoredFile(b"%PDF-1.7", name="report.pdf", type="application/pdf")
    held = ({"cart": cart, "filters": {"city": "Oslo", "years": [2024, 2025]}, "report": report},)
    store = connect(url, app="shop", history=10)
    made = []
    for values in (*held, {"filters": {"city": "Rome"}}):
        state = store.state(store.new_token())
        state.update({**values, "filters": {}})
        state["filters"] = values["filters"]
        made.append(state.id)
    store.close()
    with psycopg.connect(url) as sql:
        for number, (id_, shown) in enumerate(zip(made, VISITORS, strict=True)):
            sql.execute(
                """UPDATE pgstate.session SET id = %(shown)s, created_at = %(created)s,
                    seen_at = %(seen)s, expires_at = %(expires)s WHERE id = %(id)s""",
                {
                    "id": id_,
                    "shown": shown,
                    "created": f"2026-01-0{5 + number} 09:30+00",
                    "seen": f"2026-01-{20 - number} 14:05+00",
                    "expires": f"2099-02-{19 - number} 14:05+00",
                },
            )
            sql.execute(
                """UPDATE pgstate.revision SET session_id = %s,
                    changed_at = '2026-01-19 14:10+00'::timestamptz - (2 - version) * interval '1d'
                WHERE session_id = %s""",
                (shown, id_),
            )
            sql.execute(
                """UPDATE pgstate.entry SET session_id = %s, changed_at = '2026-01-19 14:10+00'
                WHERE session_id = %s""",
                (shown, id_),
            )


if __name__ == "__main__":
    PAGE.write_text(page(os.environ["PGSTATE_URL"]), "utf-8")
