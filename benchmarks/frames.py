"""What a mixed frame of 100,000 x 10 costs beside its bare bytes, `to_sql` and `pickle.loads`.

The floor of a `set` is the insertion of its Arrow bytes, ready made, into one row that PostgreSQL
does not compress; that of a `get` is to fetch these bytes, in psycopg's binary format. Run:
python benchmarks/frames.py, with PGSTATE_URL for a server of yours; else on a durable PostgreSQL of
its own, over TCP.
"""

from __future__ import annotations

import itertools
import pickle
import sys

import numpy as np
import psycopg
from _arrow import arrow_bytes
from _frames import mixed_frame
from _peers import Frames
from harness import Bound, measure, report
from server import server

from streamlit_pgstate import connect

SET, TO_SQL = "set of the frame", "DataFrame.to_sql"
GET, READ_SQL = "get by a fresh state", "pandas.read_sql"
PUT_BYTES, GET_BYTES = "its Arrow bytes into one row", "its bytes out of one row"
AGAIN = "get again in the same session"


def main(url: str) -> bool:
    store = connect(url)
    store.migrate()
    token = store.new_token()
    state = store.state(token)
    fresh = connect(url, cache_bytes=0)  # as a process that has read nothing yet
    frame = mixed_frame(np.random.default_rng(1))
    bare = psycopg.connect(url, autocommit=True)
    bare.execute("DROP TABLE IF EXISTS bare_frame")
    bare.execute("CREATE TABLE bare_frame (key text PRIMARY KEY, data bytea STORAGE external)")
    table = Frames(url)
    numbers = itertools.count()
    bodies = itertools.cycle([arrow_bytes(frame.assign(id=frame["id"] + n)) for n in range(4)])

    def put_bytes() -> None:
        bare.execute(
            "INSERT INTO bare_frame VALUES ('frame', %b)"
            " ON CONFLICT (key) DO UPDATE SET data = excluded.data",
            (next(bodies),),
        )

    def get_bytes() -> object:
        return bare.cursor(binary=True).execute("SELECT data FROM bare_frame").fetchone()

    def set_frame() -> None:
        frame.iloc[0, 0] = next(numbers)
        state["frame"] = frame

    def to_sql() -> None:
        frame.iloc[0, 0] = next(numbers)
        table.set_frame(frame)

    for write in (put_bytes, set_frame, to_sql):
        write()
    pickled = pickle.dumps(frame, 5)
    reader = store.state(token)
    results = [
        measure(
            "A set, durable, beside its bare bytes",
            {PUT_BYTES: put_bytes, SET: set_frame},
            rounds=21,
            repeats=1,
            bounds=[
                Bound(
                    "`set` of a mixed 100,000 x 10 frame / its bare Arrow bytes into one row",
                    SET,
                    0.7,
                )
            ],
        ),
        measure(
            "A set, durable, beside to_sql",
            {TO_SQL: to_sql, SET: set_frame},
            rounds=5,
            repeats=1,
            bounds=[Bound("`set` of a mixed 100,000 x 10 frame / `to_sql` of it", SET, 0.03)],
        ),
        measure(
            "A get by a fresh state, beside its bare bytes",
            {GET_BYTES: get_bytes, GET: lambda: fresh.state(token)["frame"]},
            rounds=21,
            repeats=1,
            bounds=[
                Bound("`get` of it by a fresh state / its bare bytes out of one row", GET, 1.0)
            ],
        ),
        measure(
            "A get by a fresh state, beside read_sql",
            {READ_SQL: table.get_frame, GET: lambda: fresh.state(token)["frame"]},
            rounds=5,
            repeats=1,
            bounds=[Bound("`get` of it by a fresh state / `read_sql`", GET, 0.03)],
        ),
        measure(
            "A get again, beside pickle.loads",  # of what this process has written
            {"pickle.loads of it": lambda: pickle.loads(pickled), AGAIN: lambda: reader["frame"]},
            rounds=21,
            repeats=3,
            bounds=[Bound("`get` of it again in the same session / `pickle.loads`", AGAIN, 0.25)],
        ),
    ]
    bare.execute("DROP TABLE bare_frame")
    return report("frames", results)


if __name__ == "__main__":
    with server() as url:
        sys.exit(0 if main(url) else 1)
