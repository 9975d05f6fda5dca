"""The same in an app of the user's own, which starts and stops the page's with itself."""

from __future__ import annotations

from fastapi import FastAPI
from served_by_uvicorn import app as page

app = FastAPI(lifespan=page.lifespan())
app.mount("/shop", page)
