"""A script with an undo button, in each place where one may stand."""

from __future__ import annotations

import pandas as pd
import streamlit as st
from cases import case, note

import streamlit_pgstate as pgstate


@case
def undo() -> None:
    pgstate.persist("color", size="10")
    st.radio("color", ["red", "green", "blue"], key="color")
    st.text_input("size", key="size")
    table = pgstate.data_editor(
        pd.DataFrame({"name": ["ada", "bob", "cyd"], "count": [1, 2, 3]}), key="table"
    )
    note(
        color=st.session_state.color,
        size=st.session_state.size,
        names=list(table["name"]),
        kept={
            key: [revision.operation for revision in pgstate.history(key)]
            for key in ("color", "size", "table")
        },
    )
    undo, redo, other, part = st.columns(4)
    undo.button("Undo", on_click=pgstate.undo)
    redo.button("Redo", on_click=pgstate.redo)
    if other.button("Undo in the script"):
        pgstate.undo()
        note(nothing_to_undo=True)
    with part:
        in_fragment()


@st.fragment
def in_fragment() -> None:
    st.button("Undo in a fragment", on_click=pgstate.undo)


@case
def undo_of_a_value() -> None:
    """What the script reads by `get` is shown anew, too."""
    if st.button("add"):
        pgstate.modify("n", lambda n: n + 1, default=0)
    if st.button("undo"):
        pgstate.undo()
    note(n=pgstate.get("n"))
    st.write("n is", pgstate.get("n"))
