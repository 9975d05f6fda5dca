"""How fast the inspector opens on a database of ten million entries.

Bounds: the first paint takes less than 2 s, and no statement that nobody has asked for takes
longer than 100 ms. Run: python benchmarks/inspector.py, with PGSTATE_URL for an empty database of
yours; else on the embedded PostgreSQL. `--fill` only fills the database. A database that is filled
already is taken as it is.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

import psycopg

from streamlit_pgstate import connect
from streamlit_pgstate.postgres import embedded

SESSIONS = 500_000
ENTRIES_OF_EACH = 20

# Ids in their order, as a primary key is filled fastest so. Sessions differ in age, expiry and
# size. Every fiftieth value has a ttl.
FILL = (
    f"""
INSERT INTO pgstate.session (id, app, scope, version, token_hash, created_at, seen_at, expires_at,
    keys, bytes)
SELECT (lpad(to_hex(n), 8, '0') || substr(md5(n::text), 9))::uuid,
    CASE WHEN n % 10 = 0 THEN 'reports' ELSE 'shop' END, 'browser', 20, sha256(n::text::bytea),
    now() - n % 1000 * interval '1 hour', now() - n % 24 * interval '1 hour',
    now() + interval '30 days' * random(), {ENTRIES_OF_EACH},
    {ENTRIES_OF_EACH} * 60 + (random() ^ 20 * 1e8)::bigint
FROM (SELECT m::bigint * 8589 AS n FROM generate_series(1, {SESSIONS}) AS m) AS numbers""",
    f"""
INSERT INTO pgstate.entry (session_id, key, version, kind, size, changed_at, expires_at, ttl, value)
SELECT s.id, 'key ' || n, n, 'json', 60, s.created_at,
    CASE WHEN n = 20 AND random() < 0.4 THEN now() + random() * interval '2 days' END,
    CASE WHEN n = 20 THEN 172800 END, to_json(repeat('v', 58))
FROM pgstate.session s, generate_series(1, {ENTRIES_OF_EACH}) AS n""",
    "VACUUM (ANALYZE) pgstate.session",
    "VACUUM (ANALYZE) pgstate.entry",
)


def fill(url: str) -> None:
    """Make the rows, unless they are there."""
    store = connect(url)
    store.migrate()
    store.close()
    with psycopg.connect(url, autocommit=True) as sql:
        if sql.execute("SELECT FROM pgstate.session LIMIT 1").fetchone():
            return
        for statement in FILL:
            began = time.perf_counter()
            sql.execute(statement)  # type: ignore[call-overload]  # not a literal
            print(f"{statement.split('(')[0].strip()}: {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    given = os.environ.get("PGSTATE_URL")
    with tempfile.TemporaryDirectory() as folder:
        database = given or embedded.start(Path(folder) / ".pgstate")
        fill(database)
