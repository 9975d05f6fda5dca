"""The same in an app of the user's own, which does nothing at its start."""

from __future__ import annotations

from served_by_uvicorn import app as page
from starlette.applications import Starlette
from starlette.routing import Mount

app = Starlette(routes=[Mount("/shop", page)])
