"""An app of which each deploy stores its values in another shape: the variable DEPLOY names it."""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from typing import Any

import streamlit as st
from cases import logged, note

import streamlit_pgstate as pgstate

DEPLOY = os.environ["DEPLOY"]


def upgrade(values: MutableMapping[str, Any], from_shape: int) -> None:
    if DEPLOY == "broken":
        values["a key that nobody has stored"]
    values["size"] = int(values["size"])
    values["cart"] = [values.pop("item")]


with logged():
    if DEPLOY != "first":
        pgstate.configure(shape=2, upgrade=upgrade)
    pgstate.persist("size")
    if DEPLOY == "first":
        st.text_input("size", "10", key="size")
        if st.button("write"):
            pgstate.set("item", "milk")
    else:
        st.number_input("size", 0, 100, key="size")
    st.button("run")
    note(
        size=st.session_state["size"], kept=dict(pgstate.scope()), arrival=pgstate.session().arrival
    )
