"""An app with everything that listens to the browser."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import streamlit as st

import streamlit_pgstate as pgstate

pgstate.mount(live=True)
pgstate.persist("text", "number", "range", "choice", "several", "yes", "day")
st.text_input("Text", key="text")
st.number_input("Number", key="number")
st.slider("Range", 0, 100, (20, 40), key="range")
st.selectbox("Choice", ["a", "b", "c"], key="choice")
st.multiselect("Several", ["a", "b", "c"], key="several")
st.checkbox("Yes", key="yes")
st.date_input("Day", dt.date(2026, 1, 1), key="day")
pgstate.data_editor(pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}), key="table", num_rows="dynamic")
pgstate.file_uploader("File", key="file", accept_multiple_files=True)
pgstate.camera_input("Photo", key="photo")
pgstate.audio_input("Recording", key="recording")
own = pgstate.scope("tab")
st.text(f"session {pgstate.scope().id}")
st.text(f"tab {own.id}")
st.text(f"keys {sorted(pgstate.keys())}")
if st.query_params.get("write"):
    pgstate.set("word", "secret")
    own["word"] = "secret"
