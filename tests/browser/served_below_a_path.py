"""The same in an app of the user's own, which does nothing at its start."""

from __future__ import annotations

from fastapi import FastAPI
from served_by_uvicorn import app as page

app = FastAPI()
app.mount("/shop", page)
