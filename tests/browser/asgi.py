"""A script of these tests under `pgstate.App`. `streamlit run asgi.py` starts it."""

from __future__ import annotations

import os
from pathlib import Path

from starlette.applications import Starlette
from starlette.routing import Mount

import streamlit_pgstate as pgstate

page = pgstate.App(
    Path(__file__).parent / os.environ["PAGE_SCRIPT"], metrics="SHOWS_METRICS" in os.environ
)
app = Starlette(routes=[Mount("/", page)], lifespan=page.lifespan())
