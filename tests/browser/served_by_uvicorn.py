"""A module with a `pgstate.App`, for servers that import it: `uvicorn served_by_uvicorn:app`."""

from __future__ import annotations

from pathlib import Path

import streamlit_pgstate as pgstate

app = pgstate.App(Path(__file__).with_name("app.py"))
