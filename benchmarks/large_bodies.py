"""What large values cost, beside their bare bytes in one row, and beside `to_sql` and `read_sql`.

Bare bytes are those of Arrow's IPC stream, not compressed, in a row of a bytea column with the
storage EXTERNAL. psycopg sends and reads them in binary over the same server's TCP port. Each write
stores another frame, so that nothing is skipped, and each read is that of a state which has just
been made. Run: python benchmarks/large_bodies.py, with PGSTATE_URL for a server of yours; else on
a durable PostgreSQL of its own, over TCP. With the argument `quick` it leaves out what takes
minutes: pandas, and 80 MB.
"""

from __future__ import annotations

import base64
import dataclasses
import itertools
import json
import os
import resource
import secrets
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import psycopg
import pyarrow as pa
import sqlalchemy
from _frames import mixed_frame, noisy_frame
from harness import Result, measure, report
from server import server

from streamlit_pgstate import connect
from streamlit_pgstate.settings import Settings

VARIANTS = 4
"""So many values take turns. What a write replaces is deleted, so none is there already."""

KEY = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
BARE = "a bare row of its bytes"
SEVERAL = {"rounds": 21, "repeats": 1}
FEW = {"rounds": 3, "repeats": 1}

UPSERT = """INSERT INTO bare (id, data) VALUES (1, %b)
ON CONFLICT (id) DO UPDATE SET data = excluded.data"""
READ = "SELECT data FROM bare WHERE id = 1"


class Bare:
    """One row with the bytes of a value."""

    def __init__(self, url: str, bodies: list[bytes]) -> None:
        self._connection = psycopg.connect(url, autocommit=True)
        self._connection.execute("DROP TABLE IF EXISTS bare")
        self._connection.execute("CREATE TABLE bare (id int PRIMARY KEY, data bytea)")
        self._connection.execute("ALTER TABLE bare ALTER data SET STORAGE EXTERNAL")
        self._bodies = itertools.cycle(bodies)

    def set(self) -> None:
        self._connection.execute(UPSERT, [next(self._bodies)])

    def get(self) -> object:
        return self._connection.cursor(binary=True).execute(READ).fetchone()


class Visitor:
    """A visitor who stores one of several values under the same key."""

    def __init__(self, url: str, values: list[Any], *, key: str | None = None) -> None:
        # Without the memory of the process: a fresh state reads what is stored.
        fields = {field.name for field in dataclasses.fields(Settings)}
        options: dict[str, Any] = {"cache_bytes": 0} if "cache_bytes" in fields else {}
        schema = f"large_{secrets.token_hex(4)}"
        self._store = connect(url, schema=schema, encryption_key=key, **options)
        self._store.migrate()
        self._token = self._store.new_token()
        self._state = self._store.state(self._token)
        self._values = itertools.cycle(values)

    def set(self) -> None:
        self._state["value"] = next(self._values)

    def get(self) -> object:
        return self._store.state(self._token)["value"]


class Table:
    """pandas' own way: a table of the frame, written by `to_sql` and read by `read_sql`."""

    def __init__(self, url: str, frames: list[pd.DataFrame]) -> None:
        engine_url = sqlalchemy.make_url(url).set(drivername="postgresql+psycopg")
        self._engine = sqlalchemy.create_engine(engine_url)
        self._frames = itertools.cycle(frames)

    def set(self) -> None:
        frame = next(self._frames)
        frame.to_sql("own_table", self._engine, if_exists="replace", index=False)

    def get(self) -> object:
        return pd.read_sql("SELECT * FROM own_table", self._engine)


def arrow_of(frame: pd.DataFrame) -> bytes:
    """The bytes of a frame as Arrow's own IPC stream, not compressed."""
    table = pa.Table.from_pandas(frame)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return bytes(sink.getvalue().to_pybytes())


def beside_bare(url: str, what: str, values: list[Any], bodies: list[bytes]) -> list[Result]:
    """Write and read values, beside their bare bytes, also encrypted."""
    bare = Bare(url, bodies)
    plain, sealed = Visitor(url, values), Visitor(url, values, key=KEY)
    size = f"{len(bodies[0]) / 1e6:.2f} MB as bare bytes"
    often = SEVERAL if len(bodies[0]) < 2e7 else FEW

    def each(verb: str) -> dict[str, Callable[[], object]]:
        return {
            BARE: getattr(bare, verb),
            f"our {verb}": getattr(plain, verb),
            f"our {verb}, encrypted": getattr(sealed, verb),
        }

    return [
        measure(f"A set of {what} ({size}), durable", each("set"), **often),
        measure(f"A get of {what} by a fresh state ({size})", each("get"), **often),
    ]


def beside_pandas(url: str, frames: list[pd.DataFrame]) -> list[Result]:
    """Write and read a frame, beside `to_sql` and `read_sql`."""
    table, ours = Table(url, frames), Visitor(url, frames)
    setters = {"pandas to_sql": table.set, "our set": ours.set}
    getters = {"pandas read_sql": table.get, "our get by a fresh state": ours.get}
    return [
        measure("A set of a mixed frame of 100,000 x 10, durable", setters, **FEW),
        measure("A get of it", getters, **FEW),
    ]


PEAKS = {
    "a frame of 100 MB of noise": lambda random: pd.DataFrame(random.random((1_250_000, 10))),
    "a mixed frame of 100 MB": lambda random: pd.concat([noisy_frame(random) for _ in range(12)]),
}


def peaks(url: str) -> list[Result]:
    """How much more memory a process takes at its peak, each verb in a process of its own."""
    results: list[Result] = []
    for what in PEAKS:
        command = [sys.executable, __file__, "peaks", url, what]
        answer = subprocess.run(command, check=True, capture_output=True).stdout
        found: dict[str, int] = json.loads(answer)
        title = f"Peak of memory, in multiples of {what}"
        times = {case: peak / found["the frame"] for case, peak in found.items()}
        results.append(Result(title, times, unit="x"))
    return results


def measure_peaks(url: str, what: str) -> None:
    frame = PEAKS[what](np.random.default_rng(1))
    found: dict[str, int] = {"the frame": int(frame.memory_usage(deep=True).sum())}
    visitor = Visitor(url, [frame])
    visitor._store.state(visitor._token)["small"] = pd.DataFrame(
        {"a": [1]}
    )  # imports what it needs
    for verb in ("set", "get"):
        read, write = os.pipe()
        if not (child := os.fork()):
            before = _peak_now()
            kept = getattr(visitor, verb)()
            os.write(write, str(_peak_now() - before).encode())
            os._exit(kept is frame)
        os.waitpid(child, 0)
        found[f"our {verb}"] = int(os.read(read, 100))
    print(json.dumps(found))


def _peak_now() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main(url: str, *, is_quick: bool) -> None:
    random = np.random.default_rng(1)
    frames = [noisy_frame(random) for _ in range(VARIANTS)]
    others = [mixed_frame(random) for _ in range(VARIANTS)]
    noise = [random.bytes(8_000_000) for _ in range(VARIANTS)]
    results = [
        *beside_bare(url, "a mixed frame", frames, [arrow_of(each) for each in frames]),
        *beside_bare(url, "a frame that shrinks", others, [arrow_of(each) for each in others]),
        *beside_bare(url, "8 MB of bytes", noise, noise),
    ]
    if not is_quick:
        large = [pd.DataFrame(random.random((1_000_000, 10))) for _ in range(2)]
        results += beside_bare(url, "80 MB of noise", large, [arrow_of(each) for each in large])
        results += beside_pandas(url, frames)
        results += peaks(url)
    report("large_bodies", results)


if __name__ == "__main__":
    if sys.argv[1:2] == ["peaks"]:
        measure_peaks(*sys.argv[2:])
    else:
        with server() as url:
            main(url, is_quick=sys.argv[1:2] == ["quick"])
