"""A process of its own for `test_memory`: sets large values, gets them, and tells how it grew.

Prints a line of JSON for each: the bytes of the body before it is compressed, by how much the
memory of the process grew at most in `set` and in `get`, and what the value itself takes.
"""

from __future__ import annotations

import ctypes
import gc
import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import psycopg
import pyarrow as pa

from streamlit_pgstate import connect
from streamlit_pgstate.codecs import compression
from streamlit_pgstate.codecs.file import StoredFile

MIB = 1 << 20
RANDOM = np.random.default_rng(1)


def words(count: int) -> list[str]:
    letters = RANDOM.bytes(8 * count).hex()
    return [letters[start : start + 16] for start in range(0, 16 * count, 16)]


def columns(size: int) -> dict[str, Any]:
    rows = size // 40
    return {"n": np.arange(rows), "x": RANDOM.random(rows), "text": words(rows)}


def mixed_frame(size: int) -> Any:
    return pd.DataFrame(columns(size)).astype({"text": "string[pyarrow]"})


def sparse_matrix(size: int) -> Any:
    import scipy.sparse

    ends = np.arange(0, size // 12, 100, dtype="i4")
    places = RANDOM.integers(0, 1000, ends[-1], dtype="i4")
    values = RANDOM.random(ends[-1])
    return scipy.sparse.csr_matrix((values, places, ends), (len(ends) - 1, 1000))


def polars_frame(size: int) -> Any:
    import polars

    return polars.DataFrame(columns(size))


def picture(size: int) -> Any:
    from PIL import Image

    return Image.frombytes("L", (4096, size // 4096), RANDOM.bytes(size))


MAKE: dict[str, Callable[[int], Any]] = {
    "bytes": RANDOM.bytes,
    "a file": lambda size: StoredFile(RANDOM.bytes(size), name="a", type="b"),
    "an array": lambda size: RANDOM.random(size // 8),
    "an array that shrinks": lambda size: RANDOM.integers(0, 100, size // 8),
    "a frame": lambda size: pd.DataFrame(RANDOM.random((size // 80, 10))),
    "a mixed frame": mixed_frame,
    "a dict of arrays": lambda size: {n: RANDOM.random(size // 32) for n in range(4)},
    "texts": lambda size: words(size // 20),
    "dicts": lambda size: [{"id": n, "name": "a text"} for n in range(size // 70)],
    "a sparse matrix": sparse_matrix,
    "a polars frame": polars_frame,
    "a picture": picture,
}


def memory(name: str) -> int:
    status = Path("/proc/self/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith(name)]
    return int(line.split()[1]) << 10


def tidy() -> None:
    gc.collect()
    pa.default_memory_pool().release_unused()
    ctypes.CDLL(None).malloc_trim(0)


def growth(verb: Callable[[], Any]) -> tuple[int, Any]:
    """By how much memory grew at most while `verb` ran, and what it gave."""
    tidy()
    Path("/proc/self/clear_refs").write_text("5")  # the highest is that of now
    before = memory("VmRSS")
    found = verb()
    return memory("VmHWM") - before, found


def written(url: str, session: UUID) -> int:
    """The size of the body before it was compressed: a compressed one begins with it."""
    question = """SELECT e.kind, e.size, substr(b.data, 1, 8)
        FROM pgstate.entry e JOIN pgstate.body b USING (session_id, digest)
        WHERE e.session_id = %s AND e.key = 'k' AND b.part = 0"""
    with psycopg.connect(url) as sql:
        [(kind, size, start)] = sql.execute(question, [session]).fetchall()
    return int.from_bytes(start, "little") if kind.endswith(compression.SUFFIX) else int(size)


def main(url: str, size: int, names: list[str]) -> None:
    store = connect(url, cache_bytes=0)  # what the cache keeps is bounded by itself
    gc.freeze()  # what was imported need not be looked at again
    for name in names:
        state = store.state(store.new_token())
        state["small"] = MAKE[name](MIB)  # what is imported and connected stays
        assert store.state_of(state.id)["small"] is not None
        value = MAKE[name](size)
        setting, _ = growth(partial(state.set, "k", value))
        session = state.id
        body = written(url, session)
        del value, state
        getting, value = growth(partial(store.state_of(session).get, "k"))
        tidy()
        before = memory("VmRSS")
        del value
        tidy()
        print(json.dumps([name, body, setting, getting, before - memory("VmRSS")]), flush=True)
        store.state_of(session).forget()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
