"""The middleware of `pgstate.App`, before a real Starlette app and over a real PostgreSQL."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import httpx
import psycopg
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route

from streamlit_pgstate import Store
from streamlit_pgstate.component.cookies import label
from streamlit_pgstate.component.server import is_answered_by
from streamlit_pgstate.page.cookie_keeper import ROUTE, CookieKeeper
from streamlit_pgstate.postgres.tables import Tables
from streamlit_pgstate.postgres.ticket import Ticket, mark_of
from streamlit_pgstate.postgres.token import fingerprint
from streamlit_pgstate.settings import Settings

T = TypeVar("T")
AT = "http://a.org:8501"
PAGE = {"Accept": "text/html,*/*"}
OWN = {"Origin": AT, "X-Pgstate": "renew"}


@pytest.fixture
def tables(url: str) -> Iterator[Tables]:
    tables = Tables(Settings.read({"url": url}))
    yield tables
    tables.close()


@pytest.fixture
def name(tables: Tables) -> str:
    return f"pgstate-app.{label('app', tables.identity.name)}.8501."


async def page(request: Request) -> Response:
    headers = {"Cache-Control": "no-cache"}
    if "if-none-match" in request.headers:
        return Response(status_code=304, headers=headers)
    return HTMLResponse("<p>The page</p>", headers=headers)


async def health(request: Request) -> Response:
    return PlainTextResponse("ok")


async def user_page(request: Request) -> Response:
    return HTMLResponse("<p>The user's own</p>")


ROUTES = [Route("/own", user_page)]


def app_over(tables: Tables, *, base: str = "") -> Starlette:
    routes = [
        *ROUTES,
        Route("/_stcore/health", health),
        Route("/static/{name}", user_page),
        Route("/missing", lambda request: HTMLResponse("no", status_code=404)),
        Route("/{path:path}", page),
    ]
    keeper = Middleware(
        CookieKeeper,
        find_tables=lambda: tables,
        base=lambda: base,
        is_page=lambda scope: not is_answered_by(ROUTES, scope),
    )
    return Starlette(routes=routes, middleware=[keeper])


@pytest.fixture
def ask(tables: Tables) -> Callable[..., httpx.Response]:
    return asking(app_over(tables))


def asking(app: Starlette) -> Callable[..., httpx.Response]:
    def ask(method: str, path: str, **options: Any) -> httpx.Response:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(transport=transport, base_url=AT) as client:
                return await client.request(method, path, **options)

        return run(send())

    return ask


def run(work: Coroutine[Any, Any, T]) -> T:
    # In a thread of its own: in this one another test may have Playwright's event loop running.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def cookie(name: str, token: str) -> dict[str, str]:
    return {"Cookie": f"x=y; {name}={token}"}


def test_the_first_page_brings_the_cookie_and_no_cache_keeps_it(
    ask: Callable[..., httpx.Response], name: str, tables: Tables
) -> None:
    answer = ask("GET", "/", headers=PAGE)
    token = answer.cookies[name]
    tables.signer.check(token)
    assert answer.headers["set-cookie"] == (
        f"{name}={token}; Max-Age=34560000; Path=/; HttpOnly; SameSite=Lax"
    )
    assert answer.headers.get_list("cache-control") == ["no-store"]
    assert answer.text == "<p>The page</p>"


def test_a_page_for_a_browser_with_a_token_sets_none(
    ask: Callable[..., httpx.Response], name: str, tables: Tables
) -> None:
    answer = ask("GET", "/", headers=PAGE | cookie(name, tables.signer.mint().text))
    assert "set-cookie" not in answer.headers
    assert answer.headers["cache-control"] == "no-cache"


def test_a_page_that_the_browser_has_in_its_cache_brings_the_cookie_too(
    ask: Callable[..., httpx.Response], name: str
) -> None:
    answer = ask("GET", "/some/page", headers=PAGE | {"If-None-Match": "x"})
    assert answer.status_code == 304
    assert name in answer.cookies


@pytest.mark.parametrize(
    ("method", "path", "accept"),
    [
        ("GET", "/_stcore/health", "*/*"),
        ("GET", "/_stcore/health", "text/html"),
        ("GET", "/static/main.html", "text/html"),
        ("GET", "/own", "text/html"),
        ("GET", "/missing", "text/html"),
        ("GET", "/", "*/*"),
        ("HEAD", "/", "text/html"),
        ("POST", "/", "text/html"),
    ],
)
def test_nothing_but_the_page_sets_a_cookie(
    ask: Callable[..., httpx.Response], method: str, path: str, accept: str
) -> None:
    assert "set-cookie" not in ask(method, path, headers={"Accept": accept}).headers


def test_behind_a_proxy_that_says_https_the_cookie_is_host_only(
    ask: Callable[..., httpx.Response], tables: Tables
) -> None:
    proxied = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "b.org"}
    answer = ask("GET", "/", headers=PAGE | proxied)
    name = f"__Host-Http-pgstate-app.{label('app', tables.identity.name)}.443."
    assert answer.headers["set-cookie"].startswith(f"{name}=")
    assert answer.headers["set-cookie"].endswith("; Path=/; HttpOnly; SameSite=Lax; Secure")


def test_where_the_proxy_does_not_say_https_the_browsers_cookie_shows_it(
    ask: Callable[..., httpx.Response], tables: Tables
) -> None:
    name = f"__Host-Http-pgstate-app.{label('app', tables.identity.name)}.8501."
    answer = ask("GET", "/", headers=PAGE | cookie(name, tables.signer.mint().text))
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("is_mounted", [True, False])
def test_below_a_path_the_cookie_has_that_path(tables: Tables, is_mounted: bool) -> None:
    if is_mounted:
        app = Starlette(routes=[Mount("/shop", app_over(tables))])
    else:
        app = app_over(tables, base="/shop")
    answer = asking(app)("GET", "/shop/", headers=PAGE)
    name = f"pgstate-app.{label('app', tables.identity.name)}.8501.%2Fshop"
    assert name in answer.cookies
    assert "; Path=/shop; " in answer.headers["set-cookie"]
    assert asking(app)("POST", f"/shop{ROUTE}", headers=OWN).status_code == 200


@pytest.mark.parametrize(
    ("method", "headers", "body", "status"),
    [
        ("GET", OWN, "", 405),
        ("DELETE", OWN, "", 405),
        ("OPTIONS", OWN, "", 405),
        ("POST", {"Origin": AT}, "", 403),
        ("POST", {"X-Pgstate": "renew"}, "", 403),
        ("POST", {**OWN, "Origin": "http://b.org"}, "", 403),
        ("POST", {**OWN, "Origin": "http://a.org:8502"}, "", 403),
        ("POST", {**OWN, "Origin": "null"}, "", 403),
        ("POST", OWN, "x" * 1_000_000, 413),
        ("POST", {**OWN, "X-Pgstate": "present"}, "x" * 500, 400),
        ("POST", {**OWN, "X-Pgstate": "other"}, "", 400),
    ],
    ids=[
        *("GET", "DELETE", "OPTIONS", "no header of ours", "no origin", "another host"),
        *("another port", "an origin that is none", "a huge body", "a made-up ticket"),
        "an unknown verb",
    ],
)
def test_the_route_refuses_what_does_not_come_from_the_page(
    ask: Callable[..., httpx.Response],
    method: str,
    headers: dict[str, str],
    body: str,
    status: int,
) -> None:
    answer = ask(method, ROUTE, headers=headers, content=body)
    assert answer.status_code == status
    assert "set-cookie" not in answer.headers
    assert answer.content == b""
    assert not [it for it in answer.headers if it.startswith("access-control")]


def test_a_page_of_another_site_may_not_even_send_the_header(
    ask: Callable[..., httpx.Response],
) -> None:
    asked = {"Origin": "http://b.org", "Access-Control-Request-Headers": "x-pgstate"}
    answer = ask("OPTIONS", ROUTE, headers={**asked, "Access-Control-Request-Method": "POST"})
    assert answer.status_code == 405
    assert "access-control-allow-origin" not in answer.headers


def test_a_ticket_moves_the_cookie_once_at_any_replica(name: str, tables: Tables, url: str) -> None:
    other = Tables(Settings.read({"url": url}))
    former, new = tables.signer.mint().text, tables.signer.mint().text
    ticket = tables.ticket_sealer.seal(Ticket(new, (mark_of(former),)), now=time.time())
    present = {**OWN, "X-Pgstate": "present"}
    ask = asking(app_over(other))
    answer = ask("POST", ROUTE, headers=present | cookie(name, former), content=ticket)
    assert (answer.status_code, answer.cookies[name]) == (200, new)
    assert answer.content == b""
    assert answer.headers["cache-control"] == "no-store"
    again = ask("POST", ROUTE, headers=present | cookie(name, new), content=ticket)
    assert (again.status_code, "set-cookie" in again.headers) == (204, False)
    stolen = ask("POST", ROUTE, headers=present, content=ticket)
    assert (stolen.status_code, "set-cookie" in stolen.headers) == (409, False)
    other.close()


def test_a_new_token_that_the_cookie_holds_is_the_present_one(
    ask: Callable[..., httpx.Response],
    name: str,
    tables: Tables,
    store: Store,
    sql: psycopg.Connection[Any],
) -> None:
    former = store.new_token()
    state = store.state(former)
    state["word"] = "written"
    new = state._session.rotate()
    assert new is not None
    pending = "SELECT pending_hash IS NOT NULL, token_hash = %s FROM pgstate.session"
    ticket = tables.ticket_sealer.seal(Ticket(new.text, (mark_of(former),)), now=time.time())
    present = {**OWN, "X-Pgstate": "present"}
    ask("POST", ROUTE, headers=present | cookie(name, former), content=ticket)
    assert sql.execute(pending, (new.secret_hash,)).fetchone() == (True, False)
    ask("POST", ROUTE, headers=present | cookie(name, new.text), content=ticket)
    assert sql.execute(pending, (new.secret_hash,)).fetchone() == (False, True)
    assert state._session.rotate() is not None


def test_check_says_whether_the_browser_has_the_token_of_the_page(
    ask: Callable[..., httpx.Response], name: str, tables: Tables
) -> None:
    token = tables.signer.mint().text
    check = {**OWN, "X-Pgstate": "check"} | cookie(name, token)
    assert ask("POST", ROUTE, headers=check, content=fingerprint(token)).status_code == 204
    assert ask("POST", ROUTE, headers=check, content="x" * 16).status_code == 409
    made_up = {**OWN, "X-Pgstate": "check"} | cookie(name, "x" + token[1:])
    assert ask("POST", ROUTE, headers=made_up, content=fingerprint(token)).status_code == 409


def test_without_a_database_the_page_comes_without_a_cookie() -> None:
    away = Tables(Settings.read({"url": "postgresql://u@127.0.0.1:1/db", "timeout": 1}))
    ask = asking(app_over(away))
    answer = ask("GET", "/", headers=PAGE)
    assert (answer.status_code, "set-cookie" in answer.headers) == (200, False)
    assert ask("POST", ROUTE, headers=OWN).status_code == 503
    away.close()


def test_a_client_cannot_say_where_the_browser_has_the_page(tables: Tables) -> None:
    seen: list[list[tuple[bytes, bytes]]] = []

    async def socket(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["headers"])

    keeper = CookieKeeper(
        socket, find_tables=lambda: tables, base=lambda: "", is_page=lambda scope: True
    )
    headers = [(b"host", b"a.org"), (b"X-Streamlit-Pgstate-Place", b"https 1 /x")]
    scope = {"type": "websocket", "path": "/", "scheme": "ws", "headers": headers}
    run(keeper(scope, None, None))  # type: ignore[arg-type]  # a socket that says nothing
    places = [value for key, value in seen[0] if key.lower() == b"x-streamlit-pgstate-place"]
    assert places == [b"http 80 "]
