"""What a page load and small writes cost beside the least that psycopg could do.

Each bound is the ratio to a bare psycopg on an open connection with prepared statements. Run:
python benchmarks/page_load.py, with PGSTATE_URL for a server of yours; else on a durable PostgreSQL
of its own, over TCP.
"""

from __future__ import annotations

import contextvars
import itertools
import sys
import uuid

import psycopg
from harness import Bound, Result, measure, report
from server import server

from streamlit_pgstate import State, Store, connect
from streamlit_pgstate.state import accesses

VALUE = "v" * 80
NAMES = [f"widget {number}" for number in range(20)]
HUNDRED = [f"field {number}" for number in range(100)]
ONE_SELECT, TWO_SELECTS = "one bare SELECT 1", "two bare SELECT 1"
UPSERT = (
    "INSERT INTO bare_upsert VALUES (%s, %s, %s)"
    " ON CONFLICT (id, key) DO UPDATE SET value = excluded.value"
)


class Bare:
    """What psycopg alone does."""

    def __init__(self, url: str) -> None:
        self._sql = psycopg.connect(url, autocommit=True)
        self._sql.execute("DROP TABLE IF EXISTS bare_upsert")
        self._sql.execute(
            "CREATE TABLE bare_upsert (id uuid, key text, value json, PRIMARY KEY (id, key))"
        )
        self._id, self._numbers = uuid.uuid4(), itertools.count()

    def one_select(self) -> None:
        self._sql.execute("SELECT 1").fetchone()

    def two_selects(self) -> None:
        self.one_select()
        self.one_select()

    def version_of(self, session: uuid.UUID) -> None:
        """The least that tells whether others have written."""
        self._sql.execute("SELECT version FROM pgstate.session WHERE id = %s", [session]).fetchone()

    def rows_of(self, session: uuid.UUID) -> None:
        """The least that brings all values."""
        self._sql.execute(
            "SELECT key, kind, value FROM pgstate.entry WHERE session_id = %s", [session]
        ).fetchall()

    def upsert(self) -> None:
        self._sql.execute(UPSERT, (self._id, NAMES[0], f'"{VALUE}{next(self._numbers)}"'))

    def close(self) -> None:
        self._sql.execute("DROP TABLE bare_upsert")
        self._sql.close()


class Visitor:
    """A visitor with twenty widgets, and a counter."""

    def __init__(self, store: Store) -> None:
        self._store, self._token = store, store.new_token()
        self.state: State = store.state(self._token)
        self.state.update(dict.fromkeys(NAMES, VALUE) | {"number": 0})
        self._numbers = itertools.count()

    def load(self) -> list[object]:
        loaded = self._store.state(self._token)
        return [loaded[name] for name in NAMES]

    def run_unchanged(self) -> list[object]:
        self.state.refresh()
        return [self.state[name] for name in NAMES]

    def set_new(self) -> None:
        self.state.set(NAMES[0], f"{VALUE}{next(self._numbers)}")

    def modify(self) -> None:
        self.state.modify("number", lambda number: number + 1)

    def set_same(self) -> None:
        self.state.set(NAMES[1], VALUE)

    def set_hundred(self) -> None:
        for name in HUNDRED:
            self.state.set(name, f"{VALUE}{next(self._numbers)}")

    def update_hundred(self) -> None:
        self.state.update({name: f"{VALUE}{next(self._numbers)}" for name in HUNDRED})


def in_a_run(visitor: Visitor) -> Result:
    """`set` of what is there, as a script does it: the run has read the state before."""

    def measured() -> Result:
        accesses.record_in(accesses.Accesses())
        visitor.state.refresh()
        return measure(
            "A `set` of what is there, within a run",
            {"a set that writes": visitor.set_new, "a set of what is there": visitor.set_same},
            bounds=[
                Bound(
                    "`set` of what is there, within one run / a `set` that writes",
                    "a set of what is there",
                    0.1,
                )
            ],
        )

    return contextvars.copy_context().run(measured)


def main(url: str) -> bool:
    store = connect(url)
    store.migrate()
    bare, visitor = Bare(url), Visitor(store)
    load, run = "a page load: token, session, twenty values", "a later run: refresh, twenty gets"
    results = [
        measure(
            "A page load",
            {
                TWO_SELECTS: bare.two_selects,
                "a bare SELECT of the twenty rows": lambda: bare.rows_of(visitor.state.id),
                load: visitor.load,
            },
            peers=["a bare SELECT of the twenty rows"],
            bounds=[Bound(f"twenty values at a page load / {TWO_SELECTS}", load, 2.5)],
        ),
        measure(
            "An unchanged run",
            {
                ONE_SELECT: bare.one_select,
                "a bare SELECT of one row": lambda: bare.version_of(visitor.state.id),
                run: visitor.run_unchanged,
            },
            peers=["a bare SELECT of one row"],
            bounds=[
                Bound(f"an unchanged run: refresh and twenty gets / {ONE_SELECT}", run, 2.0),
            ],
        ),
        measure(
            "A small write, durable",
            {"a bare upsert": bare.upsert, "set": visitor.set_new, "modify": visitor.modify},
            bounds=[
                Bound("one small `set` / a bare upsert of the same bytes", "set", 1.5),
                Bound("`modify`, cache current / a bare upsert", "modify", 1.7),
            ],
        ),
        in_a_run(visitor),
        measure(
            "A hundred values, durable",
            {"100 set": visitor.set_hundred, "update of 100": visitor.update_hundred},
            rounds=9,
            repeats=3,
            bounds=[Bound("`update` of 100 / 100 `set`", "update of 100", 0.07)],
        ),
    ]
    bare.close()
    return report("page_load", results)


if __name__ == "__main__":
    with server() as url:
        sys.exit(0 if main(url) else 1)
