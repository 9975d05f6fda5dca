"""Optional libraries: a row that needs a missing one stays, and none is loaded unasked."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import psycopg
import pytest
from everything import named
from libraries import NEEDED
from psycopg.rows import TupleRow

from streamlit_pgstate import Store

BODIES = Path(__file__).parents[1] / "bodies"
MANIFEST = json.loads((BODIES / "manifest.json").read_text())
STATE = """
import sys
import streamlit_pgstate as pgstate
url, token, missing = sys.argv[1:]
"""
READER = """
sys.modules[missing] = None  # an import of it fails, whether it is here or not
state = pgstate.connect(url).state(token)
try:
    state["needs it"]
except pgstate.DecodeError as error:
    print(error)
assert sorted(state) == ["frame", "needs it", "plain"]
assert state["plain"] == [1, {"a": 2}]
state["frame"] = state["frame"] * 2
state["new"] = {"frame": state["frame"]}
"""
WRITER = """
import streamlit  # which loads plotly where it is, and plotly Pillow
loaded = set(sys.modules)
import numpy, pandas
state = pgstate.connect(url).state(token)
frame = pandas.DataFrame({"a": [1, 2], "b": ["x", None], "c": pandas.Categorical(["u", "v"])})
state.update({"plain": [1, {"a": 2}], "frame": frame, "nested": {"array": numpy.eye(2)}})
state.refresh()
assert len([state[key] for key in state]) == 3
OPTIONAL = {
    *("scipy", "polars", "PIL", "pydantic", "cryptography", "plotly", "altair", "matplotlib"),
    *("shapely", "geopandas", "pyproj"),
}
print(OPTIONAL & (set(sys.modules) - loaded))
"""
TEXT = """
assert not {"streamlit", "sqlalchemy", "psycopg", "pandas", "numpy"} & set(sys.modules)
import streamlit
loaded = set(sys.modules)
state = pgstate.connect(url).state(token)
state.set("name", "Ann")
state.refresh()
assert state.get("name") == "Ann"
assert "sqlalchemy" in sys.modules
OTHERS = {
    *("alembic", "mako", "pandas", "numpy", "pyarrow", "sqlalchemy.orm", "psycopg_pool"),
    *("scipy", "polars", "PIL", "pydantic", "cryptography", "plotly", "altair", "matplotlib"),
    *("streamlit_pgstate.cli", "streamlit_pgstate.widgets", "streamlit_pgstate.page.inspection"),
}
print(OTHERS & (set(sys.modules) - loaded))
"""


def run(code: str, *arguments: str) -> str:
    """What a process of its own prints."""
    command = [sys.executable, "-c", STATE + code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


# `unit/test_codecs_bundle.py` asks for each of them.
@pytest.mark.parametrize("library", named(dict(zip(NEEDED, NEEDED, strict=True)), "polars"))
def test_a_row_that_needs_a_missing_library_names_it_and_stays(
    library: str, store: Store, url: str, sql: psycopg.Connection[TupleRow]
) -> None:
    entry = next(entry for entry in MANIFEST if entry["kind"].startswith(f"{library}."))
    token = store.new_token()
    store.state(token).update(
        {"needs it": 0, "plain": [1, {"a": 2}], "frame": pd.DataFrame({"a": [1, 2]})}
    )
    sql.execute(
        "UPDATE pgstate.entry SET kind = %s, body = %s, value = NULL WHERE key = 'needs it'",
        [entry["kind"], (BODIES / entry["file"]).read_bytes()],
    )
    the_row = "SELECT * FROM pgstate.entry WHERE key = 'needs it'"
    before = sql.execute(the_row).fetchall()

    printed = run(READER, url, token, library)

    assert printed.startswith(f"'needs it' was written as '{entry['kind']}', and needs ")
    assert f"pip install {NEEDED[library][1]}. The row is left as it is." in printed
    assert sql.execute(the_row).fetchall() == before
    state = store.state(token)
    assert state["frame"].equals(pd.DataFrame({"a": [2, 4]}))
    assert state["new"]["frame"].equals(state["frame"])


def test_plain_values_arrays_and_frames_load_no_optional_library(store: Store, url: str) -> None:
    assert run(WRITER, url, store.new_token(), "") == "set()\n"


def test_text_loads_neither_alembic_nor_pandas(store: Store, url: str) -> None:
    assert run(TEXT, url, store.new_token(), "") == "set()\n"
