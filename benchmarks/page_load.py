"""What a page load and a small `set` cost beside the least that psycopg could do.

Bounds: twenty values at a page load at most 4 times two bare `SELECT 1`; one small `set` at
most 2 times a bare upsert of the same bytes. Run: python benchmarks/page_load.py, with
PGSTATE_URL for a server of yours; else on the embedded PostgreSQL, which is durable.
"""

from __future__ import annotations

import itertools
import os
import tempfile
import uuid
from pathlib import Path

import psycopg
from harness import measure, report

from streamlit_pgstate import connect
from streamlit_pgstate.postgres import embedded

VALUE = "v" * 80
NAMES = [f"widget {number}" for number in range(20)]


def main(url: str) -> None:
    store = connect(url)
    store.migrate()
    token = store.new_token()
    state = store.state(token)
    state.update(dict.fromkeys(NAMES, VALUE))
    bare = psycopg.connect(url, autocommit=True)
    bare.execute("DROP TABLE IF EXISTS bare_upsert")
    bare.execute("CREATE TABLE bare_upsert (id uuid, key text, value json, PRIMARY KEY (id, key))")
    row, numbers = uuid.uuid4(), itertools.count()
    upsert = (
        "INSERT INTO bare_upsert VALUES (%s, %s, %s)"
        " ON CONFLICT (id, key) DO UPDATE SET value = excluded.value"
    )

    def two_selects() -> None:
        bare.execute("SELECT 1").fetchone()
        bare.execute("SELECT 1").fetchone()

    def page_load() -> list[object]:
        loaded = store.state(token)
        return [loaded[name] for name in NAMES]

    def bare_upsert() -> None:
        bare.execute(upsert, (row, NAMES[0], f'"{VALUE}{next(numbers)}"'))

    def one_set() -> None:
        state.set(NAMES[0], f"{VALUE}{next(numbers)}")

    results = [
        measure(
            "A page load",
            {
                "two bare SELECT 1": two_selects,
                "token, session and twenty values": page_load,
                "a later run: what changed": state.refresh,
            },
        ),
        measure(
            "A small set, durable",
            {
                "a bare upsert": bare_upsert,
                "set": one_set,
                "set of what is there already": lambda: state.set(NAMES[1], VALUE),
            },
        ),
    ]
    bare.execute("DROP TABLE bare_upsert")
    report("page_load", results)


if __name__ == "__main__":
    given = os.environ.get("PGSTATE_URL")
    with tempfile.TemporaryDirectory() as folder:
        main(given or embedded.start(Path(folder) / ".pgstate"))
