"""The tables, the connections, and the token that opens a session. Does not know Streamlit."""

from __future__ import annotations
