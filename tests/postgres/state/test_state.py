"""The verbs of a state, on a real PostgreSQL: what a user gets back, and what lies in the rows."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from noise import noise

import streamlit_pgstate
from state.state_rows import again, count, one, rows, session_row, wait_for_waiting
from streamlit_pgstate import DecodeError, InvalidKey, State, Store, UnsupportedType, connect

SQL = psycopg.Connection[Any]


def test_what_was_set_is_there_at_once_and_for_another_replica(url: str) -> None:
    first, second = connect(url), connect(url)
    token = first.new_token()
    state = first.state(token)
    state.set("answer", 42)
    assert state.get("answer") == 42
    assert second.state(token).get("answer") == 42
    first.close()
    second.close()


def test_a_key_without_a_value_gives_the_default(state: State) -> None:
    assert state.get("nothing") is None
    assert state.get("nothing", 5) == 5
    with pytest.raises(KeyError, match="nothing"):
        state["nothing"]


def test_none_is_a_value_and_not_the_default(state: State, store: Store, token: str) -> None:
    state.set("k", None)
    assert state.get("k", 5) is None
    assert "k" in state
    assert again(state, store, token).get("k", 5) is None


def test_a_state_is_a_mapping(state: State, store: Store, token: str) -> None:
    state["b"], state["a"], state["C"] = 2, [1], {"x": (1, 2)}
    expected = {"C": {"x": (1, 2)}, "a": [1], "b": 2}
    for each in (state, again(state, store, token), store.state(token, cache=False)):
        assert dict(each) == expected
        assert list(each) == each.keys() == ["C", "a", "b"]
        assert list(each.items()) == list(expected.items())
        assert list(each.values()) == list(expected.values())
        assert len(each) == 3
        assert each == expected
        assert "a" in each
        assert "z" not in each
    assert state.pop("a") == [1]
    assert state.pop("a", "gone") == "gone"
    with pytest.raises(KeyError):
        state.pop("a")
    assert state.setdefault("b", 9) == 2
    assert state.setdefault("new", 9) == 9
    del state["b"]
    with pytest.raises(KeyError):
        del state["b"]
    assert dict(again(state, store, token)) == {"C": {"x": (1, 2)}, "new": 9}
    assert state.popitem() == ("C", {"x": (1, 2)})


def test_delete_says_whether_there_was_one(state: State, store: Store, token: str) -> None:
    assert state.delete("k") is False
    state["k"] = 1
    assert state.delete("k") is True
    assert state.delete("k") is False
    assert "k" not in state
    assert "k" not in again(state, store, token)


def test_a_key_can_be_set_again_after_it_was_deleted(
    state: State, store: Store, token: str
) -> None:
    state["k"] = 1
    del state["k"]
    state["k"] = 1
    assert again(state, store, token)["k"] == 1


def test_clear_says_how_many_went(state: State, store: Store, token: str) -> None:
    assert state.clear() == 0
    state.update({"a": 1, "b": 2, "c": 3})
    state.delete("c")
    assert state.clear() == 2
    assert state.clear() == 0
    assert state.keys() == again(state, store, token).keys() == []


def test_clear_removes_what_another_tab_has_set_since(
    state: State, store: Store, token: str
) -> None:
    state["a"] = 1
    again(state, store, token)["b"] = 2
    assert state.clear() == 2
    assert len(again(state, store, token)) == 0


def test_of_two_that_delete_one_key_at_once_one_is_told_that_it_did(
    state: State, store: Store, token: str, sql: SQL
) -> None:
    state["job"] = 1
    others = [store.state(token) for _ in range(4)]
    with ThreadPoolExecutor() as threads:
        with sql.transaction():
            sql.execute("SELECT FROM pgstate.session FOR UPDATE")
            results = [threads.submit(other.delete, "job") for other in others]
            wait_for_waiting(sql, 4)
        assert sorted(result.result() for result in results) == [False, False, False, True]


@pytest.mark.parametrize(
    "key", ["a", "x" * 255, "ä" * 255, "🌍", "a b", "'", '"', "\\", "%s", "\n"]
)
def test_a_key_may_be_any_text(state: State, store: Store, token: str, key: str) -> None:
    state[key] = 1
    assert again(state, store, token).keys() == [key]
    assert state.delete(key)


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("", "1 to 255"),
        ("x" * 256, "this one has 256"),
        ("a\0b", "NUL"),
        ("a\ud800b", "surrogate"),
    ],
)
def test_what_cannot_be_a_key_is_refused_by_every_verb(
    state: State, sql: SQL, key: Any, why: str
) -> None:
    verbs: list[Callable[[], object]] = [
        lambda: state.get(key),
        lambda: state[key],
        lambda: state.set(key, 1),
        lambda: state.update({"good": 1, key: 1}),
        lambda: state.modify(key, lambda n: n, 0),
        lambda: state.delete(key),
    ]
    for verb in verbs:
        with pytest.raises(InvalidKey, match=why):
            verb()
    assert count(sql, "session") == 0


def test_a_key_of_a_class_of_str_is_stored_as_plain_text(
    state: State, store: Store, token: str
) -> None:
    class Name(str):
        __slots__ = ()

    state[Name("k")] = 1
    assert [type(key) for key in again(state, store, token)] == [str]
    assert state["k"] == 1


def test_a_value_is_the_callers_own(state: State, store: Store, token: str) -> None:
    value = {"list": [1, 2]}
    state["k"] = value
    value["list"].append(3)
    assert state["k"] == {"list": [1, 2]}
    state["k"]["list"].append(4)
    assert state["k"] == {"list": [1, 2]}
    made = state.modify("m", lambda _: value)
    made["list"].append(5)
    assert state["m"] == {"list": [1, 2, 3]}
    assert dict(again(state, store, token)) == {"k": {"list": [1, 2]}, "m": {"list": [1, 2, 3]}}


def test_a_value_that_cannot_be_kept_leaves_what_was_there(
    state: State, store: Store, token: str, sql: SQL
) -> None:
    state.update({"cart": [1], "n": 1})
    before = rows(sql)
    verbs: list[Callable[[], object]] = [
        lambda: state.set("cart", [lambda: 0]),
        lambda: state.update({"n": 2, "cart": {"fn": print}}),
        lambda: state.modify("cart", lambda _: object()),
    ]
    for verb in verbs:
        with pytest.raises(UnsupportedType, match="'cart'"):
            verb()
    assert rows(sql) == before
    assert dict(state) == dict(again(state, store, token)) == {"cart": [1], "n": 1}


def test_a_row_of_a_newer_version_is_refused_by_name_and_left(
    state: State, store: Store, token: str, sql: SQL
) -> None:
    state.update({"new": 1, "old": 2})
    sql.execute("UPDATE pgstate.entry SET kind = 'hologram' WHERE key = 'new'")
    before = rows(sql)
    fresh = again(state, store, token)
    with pytest.raises(DecodeError, match="'new' was written as 'hologram'"):
        fresh.get("new")
    assert fresh["old"] == 2
    assert rows(sql) == before


def test_setting_what_is_there_writes_nothing(state: State, sql: SQL) -> None:
    values = {"a": 1, "b": [1, {"x": None}], "large": noise(100_000, "x")}
    state.update(values)
    before, session = rows(sql), session_row(sql)
    state.update(values)
    state["a"] = 1
    state["large"] = noise(100_000, "x")
    state.modify("a", lambda n: n)
    assert rows(sql) == before
    assert session_row(sql) == session


def test_of_an_update_only_what_changed_is_written(state: State, sql: SQL) -> None:
    state.update({"a": 1, "b": 2})
    before = rows(sql)
    state.update({"a": 1, "b": 3, "c": 4})
    after = rows(sql)
    assert after["a"] == before["a"]
    assert after["b"] != before["b"]
    assert one(sql, "SELECT version FROM pgstate.session") == 2


@pytest.mark.parametrize(
    ("first", "second"), [(1, True), (1, 1.0), (0.0, -0.0), ("1", 1), ([1], (1,)), ("a", b"a")]
)
def test_values_that_are_equal_to_python_but_not_the_same_are_written(
    state: State, store: Store, token: str, first: Any, second: Any
) -> None:
    state["k"] = first
    state["k"] = second
    found = again(state, store, token)["k"]
    assert type(found) is type(second)
    assert repr(found) == repr(second)


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("presist", "Did you mean 'persist'?"),
        ("sidebar", "`with st.sidebar:`"),
        ("xyzzy", "'xyzzy'"),
    ],
)
def test_a_misspelt_call_is_guessed(name: str, advice: str) -> None:
    with pytest.raises(AttributeError, match=re.escape(advice)):
        getattr(streamlit_pgstate, name)


@pytest.mark.parametrize("key", ["", "a" * 256, "a\0b", 5, None])
def test_what_cannot_be_a_key_is_in_no_state(state: State, key: object) -> None:
    assert key not in state


def test_an_answer_that_comes_after_a_write_of_ones_own_does_not_undo_it(
    state: State, store: Store, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    state["k"] = 1
    other = again(state, store, token)
    other["k"] = 2
    ask = store._tables.entries.refresh

    def asked_and_overtaken(*args: Any, **kwargs: Any) -> Any:
        answer = ask(*args, **kwargs)
        with monkeypatch.context() as patch:
            patch.setattr(store._tables.entries, "refresh", ask)
            state["k"] = 3
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(store._tables.entries, "refresh", asked_and_overtaken)
        state._session.refresh_without_lock()
    assert state["k"] == 3
    other["k"] = 4
    state._session.refresh_without_lock()
    assert state["k"] == 4


def test_a_state_without_a_cache_always_asks(state: State, store: Store, token: str) -> None:
    uncached = store.state(token, cache=False)
    for number in range(3):
        state["k"] = number
        assert uncached["k"] == number
        assert uncached.get("k") == number
    del state["k"]
    assert "k" not in uncached
    assert uncached.keys() == []
    assert len(uncached) == 0
    uncached["k"] = 5
    state.refresh()
    assert state["k"] == 5
    state["k"] = 6
    uncached["k"] = 5  # equal to what it wrote, not to what is there
    state.refresh()
    assert state["k"] == 5
    assert uncached.modify("k", lambda n: n + 1) == 6
    uncached["large"] = noise(100_000, "x")
    assert uncached["large"] == noise(100_000, "x")
    assert uncached.delete("k") is True
    assert uncached.clear() == 1


def test_session_tells_what_is_known(state: State, sql: SQL) -> None:
    empty = state.session()
    assert (empty.id, empty.app, empty.scope) == (state.id, "app", "browser")
    assert (empty.created_at, empty.seen_at, empty.expires_at) == (None, None, None)
    assert (empty.keys, empty.bytes, empty.durable) == (0, 0, None)
    state.update({"a": b"x" * 10, "b": noise(100_000, "x"), "c": 1})
    state.delete("c")
    info = state.session()
    assert (info.keys, info.bytes) == (2, 100_010)
    assert info.expires_at is not None
    assert info.seen_at is not None
    assert info.expires_at - info.seen_at == timedelta(days=30)
    assert info.created_at == one(sql, "SELECT created_at FROM pgstate.session")


def test_neither_store_nor_state_shows_a_token_or_a_value(
    state: State, store: Store, token: str
) -> None:
    state["k"] = "a value"
    for shown in (repr(state), str(state), repr(store), repr(store.settings)):
        assert token[:64] not in shown
        assert "a value" not in shown
    assert repr(state) == f"<State of session {state.id}>"
