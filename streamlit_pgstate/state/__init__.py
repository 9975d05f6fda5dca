"""A session as a Python mapping. Does not import Streamlit, and writes no SQL: `postgres` does."""

from __future__ import annotations
