"""What comes over a limit is refused with its numbers, and what was there goes on."""

from __future__ import annotations

import pickle
import uuid
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from state.state_rows import amend, count, one, rows
from streamlit_pgstate import LimitExceeded, State, connect
from streamlit_pgstate.postgres.rows import SessionRef

SQL = psycopg.Connection[Any]


def test_a_value_over_max_value_bytes_is_refused_with_key_and_numbers(
    limited: Callable[..., State], sql: SQL
) -> None:
    state = limited(max_value_bytes="1KiB")
    state["k"] = b"x" * 1024
    before = rows(sql)
    for verb in (
        lambda: state.set("k", b"y" * 1025),
        lambda: state.update({"a": 1, "k": b"y" * 1025}),
        lambda: state.modify("k", lambda held: held + b"y"),
    ):
        with pytest.raises(LimitExceeded, match=r"'k' takes 1,025 bytes.*max_value_bytes \(1,024"):
            verb()
    assert rows(sql) == before
    assert dict(state) == {"k": b"x" * 1024}


def test_a_session_over_max_session_bytes_is_refused_and_may_shrink(
    limited: Callable[..., State], sql: SQL, url: str
) -> None:
    state = limited(max_session_bytes=1000)
    state.update({"a": b"x" * 500, "b": b"x" * 500})
    before = rows(sql)
    for verb in (
        lambda: state.set("c", b"y"),
        lambda: state.update({"a": b"", "b": b"x" * 1001}),
        lambda: state.modify("a", lambda held: held + b"y"),
    ):
        with pytest.raises(
            LimitExceeded,
            match=r"^With '.*' \([\d,]+ bytes\) this session would hold 1,001 bytes, and "
            r"max_session_bytes allows 1,000\. Nothing was stored\.",
        ):
            verb()
    assert rows(sql) == before
    state.update({"a": b"", "b": b"x" * 1000})
    narrower = connect(url, max_session_bytes=100).state_of(state.id)
    narrower["b"] = b"x" * 900
    with pytest.raises(LimitExceeded):
        narrower["b"] = b"x" * 901
    assert one(sql, "SELECT sum(size) FROM pgstate.entry") == 900


def test_a_session_over_max_keys_is_refused_and_may_change_what_it_has(
    limited: Callable[..., State], sql: SQL
) -> None:
    state = limited(max_keys=2)
    state.update({"a": 1, "b": 2})
    before = rows(sql)
    for verb in (
        lambda: state.set("c", 3),
        lambda: state.update({"a": 5, "c": 3}),
        lambda: state.modify("c", lambda _: 3),
    ):
        with pytest.raises(LimitExceeded, match=r"'c'.* 3 keys, and max_keys allows 2\."):
            verb()
    assert rows(sql) == before
    state.update({"a": 5, "b": 6})
    del state["a"]
    state["c"] = 3
    assert dict(state) == {"b": 6, "c": 3}


def test_sessions_over_max_new_sessions_are_refused_and_those_that_exist_go_on(
    url: str, sql: SQL
) -> None:
    store = connect(url, max_new_sessions=2)
    first, second = (store.state(store.new_token()) for _ in range(2))
    for number in range(5):
        first[f"k{number}"] = second[f"k{number}"] = number
    third = store.state(store.new_token())
    assert third.keys() == []
    for create in (lambda: third.set("k", 1), lambda: pickle.dumps(third)):
        with pytest.raises(LimitExceeded, match=r"created 2 sessions within a minute"):
            create()
    assert one(sql, "SELECT count(*) FROM pgstate.session") == 2
    user = store._opened(SessionRef(uuid.uuid4(), scope="user"), cache=True)
    user["k"] = 1
    first["k0"] = "goes on"
    store.close()


def test_the_limits_count_for_the_first_write_too(limited: Callable[..., State], sql: SQL) -> None:
    with pytest.raises(LimitExceeded):
        limited(max_keys=1).update({"a": 1, "b": 2})
    with pytest.raises(LimitExceeded):
        limited(max_session_bytes=10)["a"] = b"x" * 11
    assert count(sql, "session") == count(sql, "entry") == 0


def test_what_an_amendment_deletes_makes_room(limited: Callable[..., State]) -> None:
    state = limited(max_keys=2, max_session_bytes=1000)
    state.update({"a": b"x" * 900, "b": 1})
    amend(state, {"c": b"x" * 900}, ["a"])
    assert state.keys() == ["b", "c"]
    with pytest.raises(LimitExceeded, match=r"'d'.*max_keys"):
        amend(state, {"d": 1, "e": 2}, ["b"])
    assert state.keys() == ["b", "c"]
