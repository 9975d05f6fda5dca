"""`doctor`: what works, what does not, and what is seen of the app from outside."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import psycopg
import pytest
from gate import Gate
from pooler import pooled

from streamlit_pgstate.cli import outside
from streamlit_pgstate.cli.outside import Answer

from .conftest import Pgstate


def findings(pgstate: Pgstate, *arguments: str, code: int = 0) -> dict[str, dict[str, Any]]:
    result = pgstate("doctor", "--json", *arguments)
    assert result.exit_code == code, result.output
    return {one["what"]: one for one in json.loads(result.output)}


def test_a_healthy_database_is_told_so_and_nothing_is_left(
    pgstate: Pgstate, sql: psycopg.Connection
) -> None:
    found = findings(pgstate)
    for what in ("set", "get", "delete", "remove"):
        assert found[what]["said"].startswith("works, in ")
    assert found["pooler"]["said"] == "none in between"
    assert "in use; a process of the app opens at most 20" in found["connections"]["said"]
    assert found["privileges"]["said"] == "all that an app needs"
    for table in ("session", "entry", "body", "revision"):
        assert sql.execute(f"SELECT count(*) FROM pgstate.{table}").fetchone() == (0,)
    assert pgstate("doctor").output.count("ok     ") == len(found)


def test_a_pooler_in_between_is_seen(pgstate: Pgstate, gate: Gate) -> None:
    with pooled(gate.url) as through:
        found = findings(pgstate, "--url", through)
    assert found["pooler"]["said"].startswith("in between")


def test_a_server_that_lets_in_fewer_than_the_pool_is_named_with_the_cure(
    pgstate: Pgstate, sql: psycopg.Connection
) -> None:
    name = sql.info.dbname
    sql.execute(f'ALTER DATABASE "{name}" CONNECTION LIMIT 15')
    try:
        found = findings(pgstate, code=1)["connections"]
    finally:
        sql.execute(f'ALTER DATABASE "{name}" CONNECTION LIMIT -1')
    assert " of 15 in use" in found["said"]
    assert "pool_size to less than 15" in found["advice"]


def test_a_database_that_only_reads_is_named(
    pgstate: Pgstate, url: str, sql: psycopg.Connection
) -> None:
    name = sql.info.dbname
    sql.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    try:
        found = findings(pgstate, code=1)
    finally:
        sql.execute("SET default_transaction_read_only = off")
        sql.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
    assert found["server"]["said"].endswith("only reads")
    assert found["set"]["is_bad"] is True


def test_tables_that_are_not_there_are_named(
    pgstate: Pgstate, new_database: Callable[..., str]
) -> None:
    found = findings(pgstate, "--url", new_database(), code=1)
    assert "Run: pgstate migrate" in found["layout"]["said"]


# The app from outside


class _Page(BaseHTTPRequestHandler):
    cookie: str | None = None
    redirects_to: str | None = None
    upgrades = True

    def do_GET(self) -> None:
        if self.path.endswith("/_stcore/stream"):
            upgrades = self.upgrades and self.headers["Upgrade"] == "websocket"
            self.send_response(101 if upgrades else 404)
        elif self.redirects_to and self.path == "/":
            self.send_response(302)
            self.send_header("Location", self.redirects_to)
        else:
            self.send_response(200)
            self.send_header("Via", "1.1 proxy")
            if self.cookie:
                self.send_header("Set-Cookie", self.cookie)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def served(**attributes: object) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Page", (_Page,), attributes))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def test_a_page_that_answers_is_asked_about_all(pgstate: Pgstate) -> None:
    with served(cookie="pgstate-app.x=1; Path=/; HttpOnly", redirects_to="/below/") as address:
        found = findings(pgstate, "--app-url", address)
    assert found["page"]["said"] == f"{address}below/ answers"
    assert found["websocket"]["said"] == "can be reached"
    assert found["cookie"]["said"] == "set by pgstate.App, HttpOnly"
    assert "via: 1.1 proxy" in found["proxies"]["said"]
    assert found["https"]["is_bad"] is None
    assert "whether the proxy passes cookies on" in found["not seen"]["said"]


def test_a_websocket_that_a_proxy_does_not_pass_on_is_named(pgstate: Pgstate) -> None:
    with served(upgrades=False) as address:
        found = findings(pgstate, "--app-url", address, code=1)
    assert found["websocket"]["said"] == "is refused with status 404"
    assert "sets none" in found["cookie"]["said"]


def test_a_page_out_of_reach_and_an_address_that_is_none(pgstate: Pgstate) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    found = findings(pgstate, "--app-url", f"http://127.0.0.1:{port}", code=1)
    assert "cannot be reached (Connection refused)" in found["page"]["said"]
    for wrong in ("example.com", "ftp://example.com", "https://"):
        assert pgstate("doctor", "--app-url", wrong).exit_code == 2


def answer(url: str, *cookies: str, **headers: str) -> Answer:
    return Answer(url, 200, headers, cookies)


@pytest.mark.parametrize(
    ("found", "is_bad", "said"),
    [
        (outside.of_https(answer("http://example.com/")), True, "others on the network"),
        (outside.of_https(answer("http://localhost:8501/")), None, "on this machine alone"),
        (outside.of_https(answer("https://example.com/")), False, "without Strict-Transport"),
        (
            outside.of_https(
                answer("https://example.com/", **{"strict-transport-security": "max-age=1"})
            ),
            False,
            "yes",
        ),
        (
            outside.of_cookie(answer("https://x/", "pgstate-app.a=1; HttpOnly")),
            True,
            "lacks Secure",
        ),
        (
            outside.of_cookie(answer("https://x/", "pgstate-app.a=1; Secure")),
            True,
            "lacks HttpOnly",
        ),
        (
            outside.of_cookie(
                answer("https://x/", "other=1", "__Host-Http-pgstate-app.a=1; Secure; HttpOnly")
            ),
            False,
            "HttpOnly and Secure",
        ),
        (outside.of_cookie(answer("https://x/")), None, "sets none"),
        (outside.of_websocket("timed out"), True, "cannot be reached (timed out)"),
    ],
)
def test_what_answers_mean(found: Any, is_bad: bool | None, said: str) -> None:
    assert found.is_bad is is_bad
    assert said in found.said
    assert bool(found.advice) is (is_bad is True)
