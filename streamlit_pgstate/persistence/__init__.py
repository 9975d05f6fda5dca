"""`persist`: durable keys of `st.session_state`. Knows Streamlit."""

from __future__ import annotations
