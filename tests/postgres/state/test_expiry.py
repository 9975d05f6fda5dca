"""When a session expires, what moves its expiry, and what does not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from noise import noise

from state.state_rows import again, age, every_verb, one, rows, stored_bytes
from streamlit_pgstate import State, Store, UnknownToken, connect

SQL = psycopg.Connection[Any]


def test_a_session_expires_session_ttl_after_it_was_last_seen(
    limited: Callable[..., State], sql: SQL
) -> None:
    limited(session_ttl="7d")["k"] = 1
    assert one(sql, "SELECT expires_at - seen_at FROM pgstate.session") == timedelta(days=7)


@pytest.mark.parametrize("verb", range(11))
def test_an_expired_session_is_refused_and_nothing_revives_it(
    state: State, store: Store, token: str, sql: SQL, verb: int
) -> None:
    state.update({"k": 1, "large": noise(100_000, "x")})
    other = again(state, store, token)
    age(sql, "expires_at", "1 second")
    before, bodies = rows(sql), stored_bytes(sql)
    with pytest.raises(UnknownToken):
        store.state(token)
    with pytest.raises(UnknownToken):
        store.state_of(state.id)
    with pytest.raises(UnknownToken):
        every_verb(other)[verb]()
    assert rows(sql) == before
    assert stored_bytes(sql) == bodies


def seen(sql: SQL) -> tuple[datetime, datetime]:
    row = sql.execute("SELECT seen_at, expires_at FROM pgstate.session").fetchone()
    assert row is not None
    return row[0], row[1]


def slid(sql: SQL) -> bool:
    seen_at, expires_at = seen(sql)
    now: datetime = one(sql, "SELECT now()")
    both = expires_at - seen_at == timedelta(days=30)
    return both and now - seen_at < timedelta(minutes=1)


SIGHTS: list[Callable[[State, Store, str], object]] = [
    lambda state, store, token: store.state(token),
    lambda state, store, token: store.state_of(state.id),
    lambda state, store, token: state.refresh(),
]


@pytest.mark.parametrize("sight", SIGHTS, ids=["load", "by id", "refresh"])
def test_the_expiry_slides_when_the_last_sight_is_over_an_hour_ago(
    state: State, store: Store, token: str, sql: SQL, sight: Callable[..., object]
) -> None:
    state["k"] = 1
    sql.execute(
        """UPDATE pgstate.session SET seen_at = now() - interval '61 minutes',
        expires_at = now() + interval '1 minute'"""
    )
    sight(state, store, token)
    assert slid(sql)


@pytest.mark.parametrize("sight", SIGHTS, ids=["load", "by id", "refresh"])
def test_the_expiry_does_not_slide_within_the_hour(
    state: State, store: Store, token: str, sql: SQL, sight: Callable[..., object]
) -> None:
    state["k"] = 1
    age(sql, "seen_at", "59 minutes")
    before = seen(sql)
    sight(state, store, token)
    assert seen(sql) == before


@pytest.mark.parametrize("sight", SIGHTS, ids=["load", "by id", "refresh"])
def test_no_sight_lets_a_session_grow_older_than_session_max_age(
    state: State, store: Store, token: str, sql: SQL, sight: Callable[..., object]
) -> None:
    state["k"] = 1
    sql.execute(
        """UPDATE pgstate.session SET seen_at = now() - interval '2 hours',
        created_at = now() - interval '399 days', expires_at = now() + interval '1 minute'"""
    )
    sight(state, store, token)
    lives = one(sql, "SELECT expires_at - created_at FROM pgstate.session")
    assert lives == timedelta(days=400)


def test_a_session_lives_for_session_max_age_where_session_ttl_is_longer(
    limited: Callable[..., State], sql: SQL
) -> None:
    limited(session_ttl="30d", session_max_age="7d")["k"] = 1
    assert one(sql, "SELECT expires_at - created_at FROM pgstate.session") == timedelta(days=7)


def test_a_rotation_does_not_make_a_session_younger(state: State, store: Store, sql: SQL) -> None:
    state["k"] = 1
    sql.execute(
        """UPDATE pgstate.session SET seen_at = now() - interval '2 hours',
        created_at = now() - interval '400 days' + interval '1 minute'"""
    )
    store.state(state.rotate())
    lives = one(sql, "SELECT expires_at - created_at FROM pgstate.session")
    assert lives == timedelta(days=400)


def test_a_short_session_goes_on_as_long_as_it_is_used(url: str, sql: SQL) -> None:
    store = connect(url, session_ttl=20)
    state = store.state(store.new_token())
    state["k"] = 1
    for _ in range(3):  # 3 times 15 s, of 20
        sql.execute(
            "UPDATE pgstate.session SET seen_at = seen_at - interval '15 s',"
            " expires_at = expires_at - interval '15 s'"
        )
        state.refresh()
    assert one(sql, "SELECT expires_at > now() + interval '19 s' FROM pgstate.session")
    store.close()
