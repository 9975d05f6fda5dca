"""`persist`: keys of `st.session_state` that are durable. Knows Streamlit."""

from __future__ import annotations
