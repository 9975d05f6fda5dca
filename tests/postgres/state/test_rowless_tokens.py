"""Tokens whose session has no row, and page views, which make none."""

from __future__ import annotations

import time
from typing import Any

import psycopg
import pytest
from noise import noise

from state.state_rows import again, age, count, every_verb, rows, session_row
from streamlit_pgstate import State, Store, UnknownToken
from streamlit_pgstate.postgres.rows import SessionRef

SQL = psycopg.Connection[Any]


def test_a_token_without_a_row_is_accepted_for_a_day_and_then_refused(
    store: Store, monkeypatch: pytest.MonkeyPatch, sql: SQL
) -> None:
    def minted(hours: float) -> str:
        now = time.time()
        with monkeypatch.context() as patch:
            patch.setattr(time, "time", lambda: now - hours * 3600)
            return store.new_token()

    store.state(minted(23.9))["k"] = 1
    with pytest.raises(UnknownToken):
        store.state(minted(24.1))
    assert count(sql, "session") == 1


def test_an_old_token_with_a_row_is_good(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: now - 48 * 3600)
        token = store.new_token()
        store.state(token)["k"] = 1
    assert store.state(token)["k"] == 1


def test_a_state_whose_row_was_purged_is_not_made_again_by_an_old_token(
    store: Store, monkeypatch: pytest.MonkeyPatch, sql: SQL
) -> None:
    now = time.time()
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: now - 48 * 3600)
        token = store.new_token()
        store.state(token)["k"] = 1
    state = store.state(token)
    sql.execute("DELETE FROM pgstate.entry")
    sql.execute("DELETE FROM pgstate.session")
    for verb in every_verb(state):
        with pytest.raises(UnknownToken):
            verb()
    assert count(sql, "session") == count(sql, "entry") == count(sql, "body") == 0


def read_a_page(state: State) -> None:
    state.refresh()
    state.get("k")
    state.get("nothing")
    state.keys()
    state.session()
    assert "nothing" not in state


def test_a_page_view_of_a_new_visitor_leaves_no_rows(
    state: State, store: Store, token: str, sql: SQL
) -> None:
    for each in (state, again(state, store, token), store.state(token, cache=False)):
        read_a_page(each)
        assert each.delete("nothing") is False
        assert each.clear() == 0
    assert count(sql, "session") == count(sql, "entry") == count(sql, "body") == 0


def test_a_page_view_of_a_visitor_who_is_back_writes_nothing(
    state: State, store: Store, token: str, sql: SQL
) -> None:
    state.update({"k": 1, "large": noise(100_000, "x")})
    before, session = rows(sql), session_row(sql)
    fresh = again(state, store, token)
    read_a_page(fresh)
    assert fresh["large"] == noise(100_000, "x")
    assert rows(sql) == before
    assert session_row(sql) == session


def test_a_page_view_makes_no_wal(state: State, store: Store, sql: SQL) -> None:
    from streamlit_pgstate.postgres import statements

    state["k"] = 1
    parameters = {**store._tables._access.parameters.of(SessionRef(state.id)), "since": -1}
    statement = "EXPLAIN (ANALYZE, WAL) " + statements.of("pgstate")["READ"]

    def records() -> list[str]:
        found = sql.execute(statement, parameters)
        return [line for (line,) in found if "WAL:" in line]

    records()  # the first reader may set hint bits
    assert records() == []
    age(sql, "seen_at", "2 hours")
    records()  # the first after a change may prune the page
    assert records() == []
