"""Run every statement on a real Citus, and print on how many shards each part of it is.

No test does so, as no package index has Citus. Run: python tests/postgres/on_citus.py URL, with the
URL of a coordinator. It makes a schema of its own, and drops it at the end. Its exit code is 1 if a
statement is refused, or if one that a page waits for goes to more than one shard.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import sys
from collections.abc import Iterator
from typing import Any

import psycopg
from test_distributed_statements import DISTRIBUTED, ON_ONE_SERVER, numbered
from test_plans import HOT

from streamlit_pgstate import connect
from streamlit_pgstate.postgres import migrate
from streamlit_pgstate.postgres.engine import Database
from streamlit_pgstate.settings import Settings

SQL = psycopg.Connection[Any]

FROM, TO = (f"a1b2c3d4-0000-4000-8000-{number:012x}" for number in (1, 10))
"""Two sessions, on two shards of eight or more."""

VALUES = {
    "uuid": f"'{FROM}'",
    "bytea": r"'\x01'",
    "text": "'x'",
    "float8": "100",
    "bigint": "1",
    "int": "1",
    "boolean": "true",
    "bool": "true",
    "timestamptz": "now()",
}
INSERTED = {"inserted"}
"""The plan of an INSERT of what was sent names no shard: it is that of the session."""

OTHER_VALUES = {"to": f"'{TO}'", "text": "'1'", "kind": "'json'", "deadline": "4e9"}


def literal(name: str, parameter: str, type: str) -> str:
    one = OTHER_VALUES.get(parameter, VALUES[type.removesuffix("[]")])
    if parameter == "at" and type == "text":  # a time, or for the order by size a number
        one = "'5'" if name == "SESSIONS_BY_BYTES" else "'2026-01-01'"
    return f"ARRAY[{one}]::{type}" if type.endswith("[]") else f"({one})::{type}"


@contextlib.contextmanager
def tables(url: str) -> Iterator[str]:
    """A schema with distributed tables."""
    schema = f"pgstate_{secrets.token_hex(4)}"
    settings = Settings.read({"url": url, "schema": schema})
    database = Database(settings)
    migrate.upgrade(database, settings, distributes=True)
    database.close()
    try:
        yield schema
    finally:
        with psycopg.connect(url, autocommit=True) as sql:
            sql.execute(f'DROP SCHEMA "{schema}" CASCADE')  # type: ignore[arg-type]


def tried(sql: SQL, schema: str, name: str) -> str:
    """Run one statement and undo it: how many shards each of its parts is on, or why it failed."""
    text, types = numbered(name, schema)
    names = list(dict.fromkeys(re.findall(r"%\((\w+)\)[sb]", DISTRIBUTED[name])))
    values = [literal(name, *pair) for pair in zip(names, types, strict=True)]
    explained = text
    for number, value in reversed(list(enumerate(values, start=1))):
        explained = explained.replace(f"${number}", value)
    run = f"EXECUTE tried({', '.join(values)})" if values else "EXECUTE tried"
    prepared = f"PREPARE tried({', '.join(types)})" if types else "PREPARE tried"
    try:
        if text.lstrip().startswith("EXPLAIN"):
            return "it is an EXPLAIN"
        with sql.transaction(force_rollback=True):
            sql.execute(f"{prepared} AS {text}")  # type: ignore[arg-type]
            sql.execute(run)  # type: ignore[arg-type]
        with sql.transaction(force_rollback=True):
            plan = sql.execute(f"EXPLAIN (COSTS OFF) {explained}").fetchall()  # type: ignore[arg-type]
    except psycopg.Error as error:
        return f"refused: {error}"
    finally:
        sql.execute("DEALLOCATE ALL")
    counts = re.findall(r"Task Count: (\d+)", "\n".join(row[0] for row in plan))
    return " ".join(counts) or "inserted"


def verbs_work(url: str, schema: str) -> None:
    """What an app does, once each, with and without a history."""
    for history in (0, 5):
        store = connect(url, schema=schema, history=history)
        token = store.new_token()
        state = store.state(token)
        state["n"] = 1
        state["n"] = 2
        state.modify("n", lambda n: n + 1)
        state.update({"n": 4, "large": b"x" * 100_000, "huge": b"y" * 5_000_000})
        state.set("short", 1, ttl=60)
        del state["short"]
        found = dict(store.state(token))
        assert (found["n"], len(found["large"]), len(found["huge"])) == (4, 100_000, 5_000_000)
        if history:
            assert [state.get("n", version=one.version) for one in state.history("n")][:2] == [4, 3]
        store.gc()
        state.forget()
        store.close()


def main(url: str) -> int:
    bad = 0
    with tables(url) as schema, psycopg.connect(url, autocommit=True) as sql:
        for name in sorted(set(DISTRIBUTED) - ON_ONE_SERVER):
            found = tried(sql, schema, name)
            is_spread = name in HOT and set(found.split()) not in ({"1"}, INSERTED)
            is_bad = found.startswith("refused") or is_spread
            bad += is_bad
            print(f"{'BAD' if is_bad else 'ok':4} {name:32} {found}")
        verbs_work(url, schema)
    print("refused, or not on one shard:", bad)
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
