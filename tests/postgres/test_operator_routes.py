"""The routes of `pgstate.App` for operators, before a real Starlette app and a real PostgreSQL."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import httpx
import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route

from streamlit_pgstate.page import apps, operator_routes
from streamlit_pgstate.page.operator_routes import OperatorRoutes
from streamlit_pgstate.postgres.health import Health
from streamlit_pgstate.postgres.migrate import HEAD
from streamlit_pgstate.postgres.tables import Tables
from streamlit_pgstate.settings import Settings

T = TypeVar("T")
Ask = Callable[..., httpx.Response]
HEALTH, METRICS = "/_pgstate/health", "/_pgstate/metrics"


@pytest.fixture
def tables(url: str) -> Iterator[Tables]:
    tables = Tables(Settings.read({"url": url}))
    yield tables
    tables.close()


async def page(request: Request) -> Response:
    return HTMLResponse("<p>The page</p>")


def asking(
    health: Callable[[], Health], *, base: str = "", shows_metrics: bool = True, mount: str = ""
) -> Ask:
    routes = Middleware(
        OperatorRoutes, health=health, base=lambda: base, shows_metrics=shows_metrics
    )
    app = Starlette(
        routes=[Route("/{path:path}", page, methods=["GET", "POST"])], middleware=[routes]
    )
    if mount:
        app = Starlette(routes=[Mount(mount, app)])

    def ask(method: str, path: str) -> httpx.Response:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(transport=transport, base_url="http://a.org") as client:
                return await client.request(method, path)

        return run(send())

    return ask


def run(work: Coroutine[Any, Any, T]) -> T:
    # In a thread of its own: in this one another test may have Playwright's event loop running.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


@pytest.fixture
def ask(tables: Tables) -> Ask:
    return asking(tables.health)


def test_a_database_that_fits_is_200_with_the_facts(ask: Ask) -> None:
    answer = ask("GET", HEALTH)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    facts = answer.json()
    assert facts.pop("seconds") > 0
    assert facts == {
        "status": "ok",
        "reason": "The tables have the layout that this version needs.",
        "layout": HEAD,
        "needed": HEAD,
    }


@pytest.mark.parametrize(("layout", "status"), [("0001", "behind"), ("9999", "ahead")])
def test_one_that_does_not_fit_is_503_and_says_which_way(
    ask: Ask, url: str, layout: str, status: str
) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE pgstate.alembic_version SET version_num = %s", (layout,))
    answer = ask("GET", HEALTH)
    assert (answer.status_code, answer.json()["status"]) == (503, status)


def test_settings_that_lead_nowhere_are_503() -> None:
    def find_tables() -> Tables:
        return Tables(Settings.read({"url": "mysql://db/x"}))

    answer = asking(lambda: apps.health_of(find_tables))("GET", HEALTH)
    assert (answer.status_code, answer.json()["status"]) == (503, "misconfigured")


def test_a_check_that_hangs_is_503_in_time_and_holds_one_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(operator_routes, "_WITHIN", 0.05)
    goes_on, checks = threading.Event(), []

    def hangs() -> Health:
        checks.append(1)
        goes_on.wait()
        return Health(status="ok", is_healthy=True, reason="")

    routes = OperatorRoutes(page, health=hangs, base=lambda: "", shows_metrics=False)  # type: ignore[arg-type]

    async def ask_often() -> list[int]:
        transport = httpx.ASGITransport(app=routes)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://a.org") as client:
            answers = await asyncio.gather(*(client.get(HEALTH) for _ in range(20)))
        goes_on.set()
        return [answer.status_code for answer in answers]

    assert run(ask_often()) == [503] * 20
    assert len(checks) == 1


def test_the_metrics_are_text_that_prometheus_reads(ask: Ask) -> None:
    answer = ask("GET", METRICS)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    names = {family.name for family in text_string_to_metric_families(answer.text)}
    assert {"pgstate_database_seconds", "pgstate_connections", "pgstate_build_info"} <= names


def test_the_metrics_are_there_only_if_they_are_asked_for(tables: Tables) -> None:
    answer = asking(tables.health, shows_metrics=False)("GET", METRICS)
    assert (answer.status_code, answer.text) == (404, "Not found.")


@pytest.mark.parametrize("path", [HEALTH, METRICS])
def test_head_brings_the_headers_and_nothing_else_is_allowed(ask: Ask, path: str) -> None:
    head = ask("HEAD", path)
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["content-length"]) > 0
    refused = ask("POST", path)
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")


def test_they_stand_below_the_base_path_and_the_mount(tables: Tables) -> None:
    below = asking(tables.health, base="/shop")
    assert below("GET", f"/shop{HEALTH}").json()["status"] == "ok"
    assert below("GET", HEALTH).text == "<p>The page</p>"
    mounted = asking(tables.health, mount="/apps")
    assert mounted("GET", f"/apps{HEALTH}").json()["status"] == "ok"


@pytest.mark.parametrize("path", ["/", "/_pgstate/cookie", f"{HEALTH}/more", "/_pgstate/healthy"])
def test_all_else_is_the_apps(ask: Ask, path: str) -> None:
    assert ask("GET", path).text == "<p>The page</p>"
