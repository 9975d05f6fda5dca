"""The article's app, done right: what you type and what it computes is still there after F5.

Run it with `make demo`, or `streamlit run example.py`.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

import streamlit_pgstate as pgstate

st.set_page_config(page_title="streamlit-pgstate", page_icon="🐘")


def state() -> MutableMapping[str, Any]:
    """Two mappings: the one survives F5, a restarted server and a second replica."""
    if st.session_state.durable:
        return pgstate.scope()
    return st.session_state.setdefault("memory", {})


def remember(key: str) -> None:
    """Store what the visitor has just chosen; what nobody touched is not written."""
    state()[key] = st.session_state[key]


def random_sparse(size: int) -> pd.DataFrame:
    rng = np.random.default_rng()
    numbers = rng.integers(1, 100, (size, size)) * (rng.random((size, size)) < 0.3)
    return pd.DataFrame(numbers).astype(pd.SparseDtype("int64", 0))


# The switch itself is durable, so that it stays off after F5 when you turn it off.
st.session_state.setdefault("durable", pgstate.get("durable", True))
st.sidebar.toggle(
    "Keep state in PostgreSQL",
    key="durable",
    on_change=lambda: pgstate.set("durable", st.session_state.durable),
)

st.session_state.setdefault("page", state().get("page", "Hello"))
st.sidebar.radio("Page", ["Hello", "Matrix"], key="page", on_change=remember, args=("page",))

if st.session_state.page == "Hello":
    st.title("Hello")
    st.write("Go to the page Matrix, enter a size, then press F5. Or kill the server.")

if st.session_state.page == "Matrix":
    st.title("A sparse matrix")
    st.session_state.setdefault("size", state().get("size", "5"))
    size = st.text_input("Size", key="size", on_change=remember, args=("size",))
    if not size.isdecimal() or not 1 <= int(size) <= 200:
        st.warning("Enter a whole number from 1 to 200.")
        st.stop()
    matrix = state().get("matrix")
    if matrix is None or len(matrix) != int(size):
        matrix = state()["matrix"] = random_sparse(int(size))
        st.caption(f"Computed just now: {size}x{size}.")
    else:
        st.caption(f"Read back: {size}x{size}.")
    st.dataframe(matrix.sparse.to_dense())

with st.expander("The rows as they stand in PostgreSQL", expanded=True):
    store = st.cache_resource(pgstate.connect)()
    st.dataframe(store.rows(pgstate.scope().id), hide_index=True)
