"""The article's app, done right: what you type and what it computes is still there after F5.

Run it with `make demo`, or `streamlit run example.py`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

import streamlit_pgstate as pgstate


def random_sparse(size: int) -> pd.DataFrame:
    rng = np.random.default_rng()
    numbers = rng.integers(1, 100, (size, size)) * (rng.random((size, size)) < 0.3)
    return pd.DataFrame(numbers).astype(pd.SparseDtype("int64", 0))


def hello() -> None:
    st.title("Hello")
    st.write("Type into both fields, then press F5. Or kill the server and start it again.")
    st.text_input("With persist", key="kept")
    st.text_input("Without", key="plain")
    st.write("Then go to the page Matrix.")


def matrix() -> None:
    st.title("A sparse matrix")
    size = st.text_input("Size", key="size")
    if not size.isdecimal() or not 1 <= int(size) <= 200:
        st.warning("Enter a whole number from 1 to 200.")
        return
    frame = pgstate.get("matrix")
    if frame is None or len(frame) != int(size):
        frame = random_sparse(int(size))
        pgstate.set("matrix", frame)
        st.caption(f"Computed just now: {size}x{size}.")
    else:
        st.caption(f"Read back: {size}x{size}.")
    st.dataframe(frame.sparse.to_dense())


def rows() -> None:
    with st.expander("The rows as they stand in PostgreSQL", expanded=True):
        store = st.cache_resource(pgstate.connect)()
        st.dataframe(store.rows(pgstate.scope().id), hide_index=True)
        st.caption("`set` writes at once, `persist` at the end of the run: see it in the next one.")


st.set_page_config(page_title="streamlit-pgstate", page_icon="🐘")
pgstate.persist("kept", page="Hello", size="5")
st.sidebar.radio("Page", ["Hello", "Matrix"], key="page")
if st.session_state.page == "Hello":
    hello()
else:
    matrix()
rows()
