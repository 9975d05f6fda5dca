"""How fast the inspector opens on a database of ten million entries.

Bounds: the first paint of a new server in a new browser takes less than 2 s, and no statement that
nobody has asked for takes longer than 100 ms. Run: python benchmarks/inspector.py, with PGSTATE_URL
for an empty database of yours; else on a durable PostgreSQL of its own, over TCP. A database that
is filled already is taken as it is. To fill it takes about four minutes. Needs Chromium.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import psycopg
from harness import RESULTS
from playwright.sync_api import Browser, sync_playwright
from server import server
from streamlit.testing.v1 import AppTest

from streamlit_pgstate import connect
from streamlit_pgstate.postgres import statements
from streamlit_pgstate.postgres.connection import TimedConnection

SESSIONS = 500_000
ENTRIES_OF_EACH = 20
FIRST_PAINT = 2.0
"""Seconds."""
SLOWEST = 0.1
"""Seconds that a statement may take that nobody has asked for."""

# Ids in their order, as a primary key is filled fastest so. Sessions differ in age, expiry and
# size. Every fiftieth value has a ttl.
FILL = (
    f"""
INSERT INTO pgstate.session (id, app, scope, version, token_hash, created_at, seen_at, expires_at,
    keys, bytes)
SELECT (lpad(to_hex(n), 8, '0') || substr(md5(n::text), 9))::uuid,
    CASE WHEN n % 10 = 0 THEN 'reports' ELSE 'shop' END, 'browser', 20, sha256(n::text::bytea),
    now() - n % 1000 * interval '1 hour', now() - n % 24 * interval '1 hour',
    now() + interval '30 days' * random(), {ENTRIES_OF_EACH},
    {ENTRIES_OF_EACH} * 60 + (random() ^ 20 * 1e8)::bigint
FROM (SELECT m::bigint * 8589 AS n FROM generate_series(1, {SESSIONS}) AS m) AS numbers""",
    f"""
INSERT INTO pgstate.entry (session_id, key, version, kind, size, changed_at, expires_at, ttl, value)
SELECT s.id, 'key ' || n, n, 'json', 60, s.created_at,
    CASE WHEN n = 20 AND random() < 0.4 THEN now() + random() * interval '2 days' END,
    CASE WHEN n = 20 THEN 172800 END, to_json(repeat('v', 58))
FROM pgstate.session s, generate_series(1, {ENTRIES_OF_EACH}) AS n""",
    "VACUUM (ANALYZE) pgstate.session",
    "VACUUM (ANALYZE) pgstate.entry",
)


def fill(url: str) -> None:
    """Make the rows, unless they are there."""
    store = connect(url)
    store.migrate()
    store.close()
    with psycopg.connect(url, autocommit=True) as sql:
        if sql.execute("SELECT 1 FROM pgstate.session LIMIT 1").fetchone():
            return
        for statement in FILL:
            began = time.perf_counter()
            sql.execute(statement)  # type: ignore[call-overload]  # not a literal
            print(f"{statement.split('(')[0].strip()}: {time.perf_counter() - began:.0f} s")


def timed(url: str) -> dict[str, float]:
    """Open all that the page shows unasked, and return how long each statement took at most."""
    took: dict[str, float] = {}
    names = {text: name for name, text in statements.of("pgstate").items()}
    run = TimedConnection.rows_of

    def timing(self: TimedConnection, statement: str, parameters: Any) -> Any:
        began = time.perf_counter()
        rows = run(self, statement, parameters)
        name = names.get(statement, "others")
        took[name] = max(took.get(name, 0.0), time.perf_counter() - began)
        return rows

    TimedConnection.rows_of = timing  # type: ignore[method-assign]  # to see each statement
    store = connect(url)
    began = time.perf_counter()
    store.gc()
    print(f"A cleanup with nothing to delete: {time.perf_counter() - began:.2f} s")
    took.clear()
    page = AppTest.from_function(script, default_timeout=60).run()
    for part in ("Growth", "Expiry", "Sessions"):
        page.session_state["pgstate_inspector_part"] = part
        page.run()
    for order in ("Newest", "Oldest", "Seen last", "Largest"):
        page.session_state["pgstate_inspector_order"] = order
        page.run()
        if order != "Largest":
            page.button(key="pgstate_inspector_sessions_next").click().run()
    page.text_input[0].input("0000218d")
    page.button(key="pgstate_inspector_open").click().run()
    for order in ("By size", "By name"):
        page.session_state["pgstate_inspector_key_order"] = order
        page.run()
    page.session_state["pgstate_inspector_view"].open_key("key 1")
    page.run()
    assert not page.exception
    assert not page.error
    assert page.subheader[-1].value == "key 1"
    return took


def script() -> None:
    import streamlit_pgstate as pgstate

    pgstate.inspector(allow=lambda user: True)


def first_paints(url: str, servers: int = 3, pages: int = 3) -> tuple[list[float], list[float]]:
    """Open the page in Chromium, each time in a new profile.

    Returns:
        Seconds until the list is there: of the first page of each server and browser, and of the
        other pages.
    """
    first, others = [], []
    for _ in range(servers):
        with serving(url) as link, sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
            )
            first.append(paint(browser, link))
            others += [paint(browser, link) for _ in range(pages)]
            browser.close()
    return first, others


@contextlib.contextmanager
def serving(url: str) -> Iterator[str]:
    """The link of a new `pgstate inspect`."""
    command = [sys.executable, "-m", "streamlit_pgstate.cli", "inspect", "--no-browser"]
    with subprocess.Popen(
        command, env=os.environ | {"PGSTATE_URL": url}, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        yield next(line.strip() for line in server.stdout if "?key=" in line)
        server.terminate()
        server.communicate()


def paint(browser: Browser, link: str) -> float:
    """Open the link in a new profile; seconds until the list is there."""
    page = browser.new_page()
    began = time.perf_counter()
    page.goto(link)
    page.get_by_text("Select a row").wait_for()
    took = time.perf_counter() - began
    page.close()
    return took


def main(url: str) -> bool:
    fill(url)
    os.environ["PGSTATE_URL"] = url
    took = timed(url)
    first, others = first_paints(url)
    holds = max(took.values()) <= SLOWEST and statistics.median(first) <= FIRST_PAINT
    rows = sorted(took.items(), key=lambda item: -item[1])
    text = "\n".join(
        [
            f"### The inspector on {SESSIONS * ENTRIES_OF_EACH:,} entries of {SESSIONS:,} sessions",
            "| statement | longest |",
            "|---|---|",
            *(f"| {name} | {1000 * seconds:.1f} ms |" for name, seconds in rows),
            "",
            f"First paint in Chromium: {statistics.median(first):.2f} s where the server and the "
            f"browser have just started (median of {len(first)}, at most {max(first):.2f} s), "
            f"{statistics.median(others):.2f} s later (median of {len(others)}). "
            f"{'All bounds hold' if holds else 'A BOUND DOES NOT HOLD'}.",
        ]
    )
    print(text)
    (RESULTS / "inspector.md").write_text(text + "\n")
    return holds


if __name__ == "__main__":
    with server() as url:
        sys.exit(0 if main(url) else 1)
