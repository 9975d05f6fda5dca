"""`forget`: everything goes, and nothing comes back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from noise import noise

from state.state_rows import again, count, every_verb, one, wait_for_waiting
from streamlit_pgstate import State, Store, UnknownToken

SQL = psycopg.Connection[Any]
MIB = 2**20


def assert_forgotten(sql: SQL, store: Store, token: str) -> None:
    with pytest.raises(UnknownToken, match="forgotten"):
        store.state(token)
    assert count(sql, "entry") == count(sql, "body") == count(sql, "revision") == 0
    assert one(sql, "SELECT count(*) FROM pgstate.session WHERE revoked_at IS NOT NULL") == 1
    assert count(sql, "session") == 1


def test_forget_removes_all_rows_and_leaves_a_revoked_session(
    state: State, store: Store, token: str, sql: SQL
) -> None:
    state.update({"a": 1, "large": noise(100_000, "x")})
    sql.execute(
        """INSERT INTO pgstate.revision (session_id, key, version, changed_at, operation, size)
        VALUES (%s, 'a', 1, now(), 'set', 1)""",
        (state.id,),
    )
    state.forget()
    assert_forgotten(sql, store, token)
    assert state.keys() == []


@pytest.mark.parametrize("opened", ["by token", "by id", "uncached"])
@pytest.mark.parametrize("verb", range(11))
def test_no_open_state_and_no_job_revives_what_was_forgotten(
    state: State, store: Store, token: str, sql: SQL, opened: str, verb: int
) -> None:
    state.update({"k": 1, "large": noise(100_000, "x")})
    if opened == "by id":
        other = store.state_of(state.id)
    else:
        other = store.state(token, cache=opened == "by token")
    state.forget()
    with pytest.raises(UnknownToken):
        every_verb(other)[verb]()
    assert_forgotten(sql, store, token)


@pytest.mark.parametrize("verb", range(6))
def test_a_state_that_forgot_stays_forgotten(
    state: State, store: Store, token: str, sql: SQL, verb: int
) -> None:
    state["k"] = 1
    state.forget()
    with pytest.raises(UnknownToken):
        every_verb(state)[verb]()
    assert_forgotten(sql, store, token)


def test_a_job_cannot_open_a_forgotten_session(state: State, store: Store) -> None:
    state["k"] = 1
    state.forget()
    with pytest.raises(UnknownToken):
        store.state_of(state.id)


def test_a_session_without_a_row_is_forgotten_too(
    state: State, store: Store, token: str, sql: SQL
) -> None:
    other = again(state, store, token)
    state.forget()
    with pytest.raises(UnknownToken):
        other["k"] = 1
    assert_forgotten(sql, store, token)


def test_forget_wins_over_writers_that_wait_for_the_same_row(
    state: State, store: Store, token: str, sql: SQL
) -> None:
    state["k"] = 1
    writers = [store.state(token) for _ in range(4)]

    def write(writer: State) -> None:
        try:
            writer.update({"k": 2, "large": noise(100_000, "x")})
        except UnknownToken:
            return

    with ThreadPoolExecutor() as threads:
        with sql.transaction():
            sql.execute("SELECT FROM pgstate.session FOR UPDATE")
            written = [threads.submit(write, writer) for writer in writers[:2]]
            wait_for_waiting(sql, 2)
            forgotten = threads.submit(state.forget)
            wait_for_waiting(sql, 3)
            written += [threads.submit(write, writer) for writer in writers[2:]]
            wait_for_waiting(sql, 5)
        for each in (*written, forgotten):
            each.result()
    assert_forgotten(sql, store, token)


@pytest.mark.parametrize("verb", ["set", "modify"])
def test_a_large_value_that_is_on_its_way_when_the_state_is_forgotten_leaves_nothing(
    state: State, store: Store, token: str, sql: SQL, verb: str
) -> None:
    state["k"] = 1
    other = again(state, store, token)
    sql.execute(
        """CREATE FUNCTION public.wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            PERFORM pg_advisory_xact_lock_shared(7); RETURN NEW; END $$"""
    )
    sql.execute(
        "CREATE TRIGGER wait BEFORE INSERT ON pgstate.body"
        " FOR EACH STATEMENT EXECUTE FUNCTION public.wait()"
    )
    large = noise(5 * MIB, "x")
    with ThreadPoolExecutor() as threads:
        with sql.transaction():
            sql.execute("SELECT pg_advisory_xact_lock(7)")
            written = threads.submit(
                lambda: (
                    other.set("k", large) if verb == "set" else other.modify("k", lambda _: large)
                )
            )
            wait_for_waiting(sql, 1)
            state.forget()
        with pytest.raises(UnknownToken):
            written.result()
    sql.execute("DROP FUNCTION public.wait CASCADE")
    assert_forgotten(sql, store, token)


def test_forgetting_twice_is_no_error(state: State, store: Store, token: str, sql: SQL) -> None:
    state["k"] = 1
    other = again(state, store, token)
    state.forget()
    state.forget()
    other.forget()
    assert_forgotten(sql, store, token)


def test_forget_touches_no_other_session(store: Store, sql: SQL) -> None:
    mine, other = (store.state(store.new_token()) for _ in range(2))
    mine["k"] = other["k"] = noise(100_000, "x")
    mine.forget()
    assert store.state_of(other.id)["k"] == noise(100_000, "x")
