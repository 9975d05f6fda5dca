"""`status`: how much is stored, and whether the cleanup is behind."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from sqlalchemy.engine import make_url

from streamlit_pgstate import Store
from streamlit_pgstate.postgres.inspection import Overdue

from .conftest import Pgstate


def test_status_is_json_for_programs(pgstate: Pgstate, store: Store) -> None:
    state = store.state(store.new_token())
    state.update({"a": 1, "b": "x" * 100})
    found = json.loads(pgstate("status", "--json").output)
    assert (found["ok"], found["to_do"]) == (True, None)
    assert (found["sessions"], found["values"], found["bytes"]) == (1, 2, 103)
    assert set(found["on_disk"]) == {"session", "entry", "body", "revision"}
    assert found["layout_found"] == found["layout_needed"]
    assert found["oldest_session"] is not None


def test_what_cannot_be_read_is_to_be_mended(
    pgstate: Pgstate, url: str, admin: psycopg.Connection
) -> None:
    admin.execute("CREATE ROLE status_of_little LOGIN")
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("GRANT USAGE ON SCHEMA pgstate TO status_of_little")
            connection.execute("GRANT SELECT ON pgstate.alembic_version TO status_of_little")
        lacking = make_url(url).set(username="status_of_little")
        shown = lacking.render_as_string(hide_password=False)
        plain, as_json = (
            pgstate("status", "--url", shown),
            pgstate("status", "--json", "--url", shown),
        )
        found = json.loads(as_json.output)
        assert (plain.exit_code, as_json.exit_code, found["ok"]) == (2, 2, False)
        assert "what is stored could not be read: " in plain.output.splitlines()[-1]
        assert found["not_readable"] in found["to_do"]
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("DROP OWNED BY status_of_little")
        admin.execute("DROP ROLE status_of_little")


def test_a_cleanup_that_is_behind_is_to_be_done(
    pgstate: Pgstate, store: Store, sql: psycopg.Connection
) -> None:
    state = store.state(store.new_token())
    state["a"] = 1
    sql.execute("UPDATE pgstate.session SET expires_at = now() - interval '1 hour'")
    assert pgstate("status").exit_code == 0
    sql.execute("UPDATE pgstate.session SET expires_at = now() - interval '3 days'")
    behind = pgstate("status")
    assert behind.exit_code == 1
    assert "1 expired session and what has expired since" in behind.output
    assert "Run: pgstate gc" in behind.output
    assert json.loads(pgstate("status", "--json").output)["ok"] is False
    assert pgstate("gc").exit_code == 0
    assert pgstate("status").exit_code == 0


def test_a_value_that_expired_long_ago_counts_as_well(
    pgstate: Pgstate, store: Store, sql: psycopg.Connection
) -> None:
    state = store.state(store.new_token())
    state.set("a", 1, ttl=3600)
    sql.execute("UPDATE pgstate.entry SET expires_at = now() - interval '3 days'")
    assert pgstate("status").exit_code == 1
    assert pgstate("gc").exit_code == 0
    assert pgstate("status").exit_code == 0


NOW = datetime(2026, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("since", "interval", "is_behind"),
    [
        (None, timedelta(hours=1), False),
        (timedelta(hours=47), timedelta(hours=1), False),
        (timedelta(hours=49), timedelta(hours=1), True),
        (timedelta(hours=49), timedelta(0), True),
        (timedelta(days=5), timedelta(days=3), False),
        (timedelta(days=7), timedelta(days=3), True),
    ],
)
def test_when_a_cleanup_is_behind(
    since: timedelta | None, interval: timedelta, is_behind: bool
) -> None:
    begun = None if since is None else NOW - since
    overdue = Overdue(sessions=1, since=begun, cleaned_at=None, now=NOW)
    assert overdue.is_behind(interval) is is_behind
