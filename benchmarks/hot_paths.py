"""What each of the small calls costs beside the least that psycopg could do.

Each table is one pair of issue 13, with its bound. In a script a run has a record of what it has
read, so the cases that stand for a run make one, too.

Run: python benchmarks/hot_paths.py, with PGSTATE_URL for a server of yours, which must be durable;
else on the embedded PostgreSQL. The bounds are for a TCP connection on one machine: over the unix
socket of the embedded one a round trip is shorter, and so each ratio is larger.
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
from streamlit_pgstate.state import accesses
from streamlit_pgstate.state.accesses import Accesses

VALUE = "v" * 80
NAMES = [f"widget {number}" for number in range(20)]
UPSERT = (
    "INSERT INTO bare_upsert VALUES (%s, %s, %s)"
    " ON CONFLICT (id, key) DO UPDATE SET value = excluded.value"
)


def main(url: str) -> None:
    store = connect(url)
    store.migrate()
    token = store.new_token()
    state = store.state(token)
    state.update(dict.fromkeys(NAMES, VALUE))
    others = store.state(store.new_token())
    others.set("number", 0)
    bare = psycopg.connect(url, autocommit=True)
    bare.execute("DROP TABLE IF EXISTS bare_upsert")
    bare.execute("CREATE TABLE bare_upsert (id uuid, key text, value json, PRIMARY KEY (id, key))")
    row, numbers = uuid.uuid4(), itertools.count()
    hundred = [f"field {number}" for number in range(100)]

    def one_select() -> None:
        bare.execute("SELECT 1").fetchone()

    def two_selects() -> None:
        bare.execute("SELECT 1").fetchone()
        bare.execute("SELECT 1").fetchone()

    def bare_upsert() -> None:
        bare.execute(UPSERT, (row, NAMES[0], f'"{VALUE}{next(numbers)}"'))

    def page_load() -> list[object]:
        loaded = store.state(token)
        return [loaded.get(name) for name in NAMES]

    def job() -> list[object]:
        state.refresh()
        return [state.get(name) for name in NAMES]

    def run() -> list[object]:
        accesses.record_in(Accesses())
        return job()

    def one_set() -> None:
        state.set(NAMES[0], f"{VALUE}{next(numbers)}")

    def same_set() -> None:
        state.set(NAMES[1], VALUE)

    def verified() -> None:
        accesses.record_in(Accesses())
        state.refresh()

    def modify() -> None:
        others.modify("number", lambda number: number + 1)

    def modify_to_the_same() -> None:
        others.modify("number", lambda number: number)

    def update() -> None:
        number = next(numbers)
        others.update(dict.fromkeys(hundred, f"{VALUE}{number}"))

    def hundred_sets() -> None:
        number = next(numbers)
        for name in hundred:
            others.set(name, f"{VALUE}{number}")

    def in_a_job(case: object = None) -> None:
        accesses.record_in(None)  # type: ignore[arg-type]  # as in a thread without a run

    results = [
        measure(
            "A page load: at most 2.5",
            {"two bare SELECT 1": two_selects, "token, session and twenty values": page_load},
        )
    ]
    results.append(
        measure(
            "An unchanged run: at most 2",
            {
                "one bare SELECT 1": one_select,
                "refresh": state.refresh,
                "refresh and twenty gets in a job": job,
                "refresh and twenty gets in a run": run,
            },
        )
    )
    in_a_job()
    results.append(
        measure(
            "A small set, durable: at most 1.5; modify: at most 1.7",
            {"one bare upsert": bare_upsert, "set": one_set, "modify": modify},
        )
    )
    verified()
    results.append(
        measure(
            "A set of what is there, in a run: at most 0.1",
            {"set": one_set, "set of what is there": same_set},
        )
    )
    in_a_job()
    results.append(
        measure(
            "The same without a run: checked by a read",
            {
                "set": one_set,
                "set of what is there": same_set,
                "modify to what is there": modify_to_the_same,
            },
        )
    )
    results.append(
        measure(
            "An update of 100 keys: at most 0.07",
            {"100 set": hundred_sets, "update of 100": update},
            rounds=5,
            repeats=5,
        )
    )
    bare.execute("DROP TABLE bare_upsert")
    report("hot_paths", results)


if __name__ == "__main__":
    given = os.environ.get("PGSTATE_URL")
    with tempfile.TemporaryDirectory() as folder:
        main(given or embedded.start(Path(folder) / ".pgstate"))
