"""A script with settings of its own, which comes too late under `pgstate.App`."""

from __future__ import annotations

import streamlit_pgstate as pgstate

pgstate.configure(app="other")
pgstate.get("word")
