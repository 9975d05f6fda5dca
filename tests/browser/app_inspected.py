"""An app with the inspector on a page of its own, which a query opens."""

from __future__ import annotations

import streamlit as st

import streamlit_pgstate as pgstate

st.set_page_config(layout="wide")
pgstate.inspector(allow=lambda user: st.query_params.get("as") == "operator", allow_changes=True)
