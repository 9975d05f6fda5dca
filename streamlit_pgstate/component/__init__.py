"""The component in the page, and the private parts of Streamlit that this package uses.

Each private part is used by one function. The function's docstring names the part, the versions of
Streamlit in which it was seen (1.51 and 1.67 are the oldest and the newest tried), and what happens
in a version that lacks it.
"""

from __future__ import annotations

KEY = "streamlit_pgstate"
"""Prefix of all keys in `st.session_state` that belong to this package."""
