"""The app of benchmarks/live.py and visitors.py: text inputs, without us or persisted by us."""

from __future__ import annotations

import os

import streamlit as st

names = [f"widget {number}" for number in range(int(os.environ["WIDGETS"]))]
if os.environ["WITH_US"] == "1":
    import streamlit_pgstate as pgstate

    pgstate.persist(*names)
for name in names:
    st.text_input(name, key=name)
