"""Large bodies on their way: in one parameter, and decompressed while they come."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pandas as pd
import psycopg
import pytest
from encrypted import KEY
from noise import noise

from streamlit_pgstate import DecodeError, State, Store, connect
from streamlit_pgstate.postgres.chunks import CHUNK
from streamlit_pgstate.postgres.cipher import OVERHEAD

SQL = psycopg.Connection[Any]
LENGTHS = {"a": 2 * CHUNK + 1, "b": CHUNK - 5, "c": 40_000}

CHUNKS = """SELECT e.key, array_agg(length(b.data) ORDER BY b.part)
FROM pgstate.entry e JOIN pgstate.body b USING (session_id, digest)
WHERE e.session_id = %s GROUP BY e.key"""


@pytest.mark.parametrize("key", [None, KEY])
def test_several_bodies_of_one_write_are_cut_where_they_end(
    url: str, store: Store, sql: SQL, key: str | None
) -> None:
    values = {name: noise(length, name) for name, length in LENGTHS.items()}
    writer = connect(url, encryption_key=key)
    token = writer.new_token()
    state = writer.state(token)
    state.update(values)
    stored = dict(sql.execute(CHUNKS, [state.id]).fetchall())
    more = OVERHEAD if key else 0
    assert stored["a"] == [CHUNK + more, CHUNK + more, 1 + more]
    assert stored["b"] == [CHUNK - 5 + more]
    assert stored["c"] == [40_000 + more]
    assert dict(writer.state(token)) == values
    writer.close()


@pytest.mark.changes_entries
@pytest.mark.usefixtures("reads_rows")
def test_a_frame_that_shrinks_comes_back_and_no_thread_stays(
    store: Store, token: str, state: State, sql: SQL
) -> None:
    random = np.random.default_rng(1)
    frame = pd.DataFrame({"n": random.integers(0, 99, 400_000), "x": random.random(400_000)})
    state["frame"] = frame
    before = threading.active_count()
    pd.testing.assert_frame_equal(store.state(token)["frame"], frame)
    assert threading.active_count() == before
    sql.execute(
        "UPDATE pgstate.body SET data = set_byte(data, 99999, get_byte(data, 99999) # 1) "
        "WHERE session_id = %s AND part = 0",
        [state.id],
    )
    with pytest.raises(DecodeError, match="is damaged: rows are missing or changed"):
        store.state(token)["frame"]
    assert threading.active_count() == before
