"""The routes of `pgstate.App` for operators: the health of the database, and the metrics.

Nobody needs a token for them, and they tell no key, no id and nothing of the database's place.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from streamlit_pgstate.component import server
from streamlit_pgstate.page.cookie_keeper import Asgi, Receive, Scope, Send
from streamlit_pgstate.postgres.health import Health

HEALTH: Final = "/_pgstate/health"
METRICS: Final = "/_pgstate/metrics"
"""Below the app's base path."""

_WITHIN: Final = 5.0
"""Seconds after which the health is that of a database which does not answer. A check takes two; an
embedded PostgreSQL that is just starting takes longer, and several hosts take two each."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a route answers."""

    status: int
    kind: str
    text: str


def of_health(found: Health) -> Answer:
    """The answer of the health route: 200 if visitors can be served, otherwise 503."""
    shown = dataclasses.asdict(found)
    del shown["is_healthy"]  # the status code says so
    shown["seconds"] = round(found.seconds, 4)
    return Answer(200 if found.is_healthy else 503, "application/json", json.dumps(shown))


class OperatorRoutes:
    """The middleware that answers them.

    Args:
        app: what it stands before.
        health: returns the health of the app's database. Called in a thread.
        base: returns the setting `server.baseUrlPath`, with a slash before it, or "".
        shows_metrics: whether there is a route for the metrics.
    """

    def __init__(
        self,
        app: Asgi,
        *,
        health: Callable[[], Health],
        base: Callable[[], str],
        shows_metrics: bool,
    ) -> None:
        self._app = app
        self._health = health
        self._base = base
        self._shows_metrics = shows_metrics
        self._checking: asyncio.Task[Health] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer an ASGI request."""
        path = None
        if scope["type"] == "http":
            path = server.path_in(scope, server.base_in(scope, self._base()))
        if path == HEALTH:
            await _send(scope, await self._health_now(), send)
        elif path == METRICS and self._shows_metrics:
            await _send(scope, _metrics(), send)
        elif path == METRICS:  # otherwise Streamlit would answer with the page
            await _send(scope, Answer(404, "text/plain", "Not found."), send)
        else:
            await self._app(scope, receive, send)

    async def _health_now(self) -> Answer:
        if self._checking is None or self._checking.done():  # one thread, however many ask
            self._checking = asyncio.create_task(asyncio.to_thread(self._health))
        try:
            found = await asyncio.wait_for(asyncio.shield(self._checking), _WITHIN)
        except TimeoutError:
            found = Health(
                status="unreachable",
                is_healthy=False,
                reason=f"The database did not answer within {_WITHIN:g} s.",
                seconds=_WITHIN,
            )
        return of_health(found)


def _metrics() -> Answer:
    from streamlit_pgstate.state import prometheus  # imported by those alone who ask

    return Answer(200, prometheus.CONTENT_TYPE, prometheus.metrics_text())


async def _send(scope: Scope, answer: Answer, send: Send) -> None:
    if scope["method"] not in ("GET", "HEAD"):
        answer = Answer(405, "text/plain", "Only GET and HEAD.")
    body = answer.text.encode()
    headers = [
        (b"content-type", answer.kind.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    if answer.status == 405:
        headers.append((b"allow", b"GET, HEAD"))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
