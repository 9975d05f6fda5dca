"""What one connection runs often is prepared, once, and goes on after whatever unprepares it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

from streamlit_pgstate import State, Store
from streamlit_pgstate.postgres import prepared
from streamlit_pgstate.postgres.engine import Database
from streamlit_pgstate.settings import Settings

SUM = "SELECT %(a)s::int + %(b)s::int, '100 %%', %(a)s::text"
OFTEN = 8
"""How often a statement runs so that it is prepared: psycopg waits for five."""


@pytest.fixture
def url(emptied_url: str) -> str:
    """Replaces the fixture of the same name: no test of this file leaves other tables."""
    return emptied_url


@pytest.fixture
def database(store: Store) -> Database:
    return store._tables._database


def names(database: Database) -> list[str]:
    rows = database.query("SELECT name FROM pg_prepared_statements", {})
    return sorted(name for (name,) in rows if name.startswith("pgstate_"))


def often(database: Database, statement: str, parameters: dict[str, Any]) -> list[Any]:
    return [database.query(statement, parameters) for _ in range(OFTEN)]


def test_it_brings_the_same_rows_before_and_after(database: Database) -> None:
    found = often(database, SUM, {"a": 1, "b": 2})
    assert found == [[(3, "100 %", "1")]] * OFTEN
    assert names(database) == ["pgstate_1"]


def test_a_refresh_takes_one_round_trip_also_when_it_is_prepared(
    state: State, round_trips: Callable[[], contextlib.AbstractContextManager[list[str]]]
) -> None:
    state["k"] = 1
    for _ in range(OFTEN):
        with round_trips() as trips:
            state.refresh()
        assert len(trips) == 1


def test_a_connection_keeps_no_rows(database: Database) -> None:
    often(database, SUM, {"a": 1, "b": 2})
    with database.connection() as connection:
        assert connection.rows_of(SUM, {"a": 1, "b": 2}) == [(3, "100 %", "1")]
        assert connection._preparing is not None
        assert connection._preparing.take() == []


def test_parameters_of_another_type_are_prepared_beside(database: Database) -> None:
    often(database, SUM, {"a": 1, "b": 2})
    assert database.query(SUM, {"a": 100_000, "b": None}) == [(None, "100 %", "100000")]
    assert len(names(database)) == 2


def test_no_more_are_prepared_than_a_server_should_keep(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepared, "_MOST", 2)
    often(database, SUM, {"a": 1, "b": 2})
    for value in (None, 100_000, 10**10):
        assert database.query(SUM, {"a": 1, "b": value and 5})
        assert database.query("SELECT %(a)s::text", {"a": str(value)})
    often(database, "SELECT %(a)s::text", {"a": "x"})
    assert len(names(database)) <= 2
    assert database.query(SUM, {"a": 1, "b": 2}) == [(3, "100 %", "1")]


def test_it_goes_on_after_everything_was_unprepared(database: Database) -> None:
    often(database, SUM, {"a": 1, "b": 2})
    database.query("DEALLOCATE ALL", {})
    assert database.query(SUM, {"a": 1, "b": 2}) == [(3, "100 %", "1")]
    with pytest.raises(ZeroDivisionError), database.transaction():
        raise ZeroDivisionError  # a rollback, after which psycopg unprepares all
    assert database.query(SUM, {"a": 2, "b": 2}) == [(4, "100 %", "2")]


def test_it_goes_on_after_a_table_has_got_another_column(
    database: Database, sql: psycopg.Connection[Any]
) -> None:
    sql.execute("CREATE TABLE changing (n int)")
    sql.execute("INSERT INTO changing VALUES (1)")
    statement = "SELECT * FROM changing WHERE n = %(n)s"
    assert often(database, statement, {"n": 1})[-1] == [(1,)]
    sql.execute("ALTER TABLE changing ADD COLUMN m int DEFAULT 2")
    assert database.query(statement, {"n": 1}) == [(1, 2)]
    sql.execute("DROP TABLE changing")


def test_an_error_is_that_of_the_server(database: Database) -> None:
    statement = "SELECT 1 / %(n)s::int"
    often(database, statement, {"n": 1})
    with database.connection() as connection, pytest.raises(psycopg.errors.DivisionByZero):
        connection.rows_of(statement, {"n": 0})
    assert database.query(statement, {"n": 1}) == [(1,)]


def test_in_a_transaction_psycopg_runs_it(database: Database) -> None:
    often(database, SUM, {"a": 1, "b": 2})
    before = names(database)
    with database.transaction() as connection:
        for _ in range(OFTEN):
            connection.rows_of("SELECT %(a)s::int", {"a": 1})
    assert names(database) == before


def test_behind_a_pooler_nothing_is_prepared(url: str) -> None:
    database = Database(Settings.read({"url": make_url(url)}))
    with database.connection() as connection:
        connection.prepare_threshold = None  # as `Database` sets it where a pooler is in between
    often(database, SUM, {"a": 1, "b": 2})
    assert names(database) == []
    database.close()
