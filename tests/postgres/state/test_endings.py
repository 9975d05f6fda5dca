"""How a session has ended, as the error says it that refuses its token."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from state.state_rows import age
from streamlit_pgstate import State, Store, UnknownToken, connect

SQL = psycopg.Connection[Any]


@pytest.fixture
def aged(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[timedelta], str]]:
    """Make a token that is so old, by its timestamp."""
    store = connect(url)
    real = __import__("time").time

    def make(age: timedelta) -> str:
        with monkeypatch.context() as clock:
            clock.setattr("time.time", lambda: real() - age.total_seconds())
            return store.new_token()

    yield make
    store.close()


def ending(store: Store, token: str) -> str | None:
    with pytest.raises(UnknownToken) as caught:
        store.state(token)
    return caught.value.ended


def test_a_forgotten_session(state: State, store: Store, token: str) -> None:
    state["k"] = 1
    state.forget()
    assert ending(store, token) == "forgotten"


@pytest.mark.parametrize("cleans_up", [False, True])
def test_an_expired_session(
    state: State, store: Store, token: str, sql: SQL, cleans_up: bool
) -> None:
    state["k"] = 1
    age(sql, "expires_at", "1 second")
    if cleans_up:
        store.gc()
    assert ending(store, token) == "expired"


def test_a_token_that_was_replaced_says_nothing_of_an_end(
    state: State, store: Store, token: str, sql: SQL
) -> None:
    state["k"] = 1
    new = state.rotate()
    assert new is not None
    store.state(new)
    age(sql, "rotated_at", "1 hour")
    assert ending(store, token) is None


@pytest.mark.parametrize(
    ("days", "how"),
    [(2, None), (29, None), (31, "expired"), (399, "expired"), (401, "expired")],
)
def test_a_token_whose_row_a_cleanup_has_deleted(
    aged: Callable[[timedelta], str], store: Store, days: int, how: str | None
) -> None:
    """Where the token is younger than `session_ttl`, its session cannot have expired."""
    assert ending(store, aged(timedelta(days=days))) == how


def test_a_forged_token(store: Store, token: str) -> None:
    assert ending(store, token[:-5] + "AAAAA") is None
