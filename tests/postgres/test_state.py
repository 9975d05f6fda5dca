"""The verbs of a state, on a real PostgreSQL: what a user gets back, and what lies in the rows."""

from __future__ import annotations

import base64
import math
import pickle
import re
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from noise import noise

import streamlit_pgstate
from streamlit_pgstate import (
    ConfigError,
    DecodeError,
    InvalidKey,
    LimitExceeded,
    State,
    Store,
    UnknownToken,
    UnsupportedType,
    connect,
)
from streamlit_pgstate.postgres.chunks import CHUNK, IN_ONE_STATEMENT
from streamlit_pgstate.postgres.rows import SMALL, SessionRef

SQL = psycopg.Connection[Any]
Trips = Callable[[], Any]

MIB = 2**20


@pytest.fixture
def url(emptied_url: str) -> str:
    """Replaces the fixture of the same name: no test of this file leaves other tables."""
    return emptied_url


@pytest.fixture
def limited(url: str) -> Iterator[Callable[..., State]]:
    """A new state under other settings."""
    stores: list[Store] = []

    def make(**settings: Any) -> State:
        stores.append(connect(url, **settings))
        return stores[-1].state(stores[-1].new_token())

    yield make
    for store in stores:
        store.close()


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Move the clock that a cache counts by; the database's stays."""

    def move(seconds: float) -> None:
        clock = SimpleNamespace(monotonic=lambda: time.monotonic() + seconds)
        monkeypatch.setattr("streamlit_pgstate.state.cache.time", clock)

    return move


def one(sql: SQL, statement: str, *parameters: Any) -> Any:
    row = sql.execute(statement, parameters).fetchone()
    assert row is not None
    return row[0]


def rows(sql: SQL) -> dict[str, tuple[Any, ...]]:
    """Every entry as it stands, with what would show that it was written again."""
    found = sql.execute("SELECT e.key, e.xmin::text, e.ctid::text, e.* FROM pgstate.entry e")
    return {row[0]: row for row in found}


def session_row(sql: SQL) -> tuple[Any, ...] | None:
    return sql.execute("SELECT xmin::text, ctid::text, s.* FROM pgstate.session s").fetchone()


def count(sql: SQL, table: str) -> int:
    return int(one(sql, f"SELECT count(*) FROM pgstate.{table}"))


def stored_bytes(sql: SQL) -> int:
    return int(one(sql, "SELECT coalesce(sum(length(data)), 0) FROM pgstate.body"))


def again(state: State, store: Store, token: str) -> State:
    """The same session as another replica sees it."""
    fresh = store.state(token)
    assert fresh.id == state.id
    return fresh


# The verbs and the mapping


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


def wait_for_waiting(sql: SQL, number: int) -> None:
    """Until that many statements of this database wait for a lock."""
    question = """SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'"""
    until = time.monotonic() + 20
    while one(sql, question) < number:
        assert time.monotonic() < until
        sql.execute("SELECT pg_stat_clear_snapshot()")


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
        (5, "not int"),
        (None, "not NoneType"),
        (b"k", "not bytes"),
        (("a",), "not tuple"),
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
    assert type(again(state, store, token).keys()[0]) is str
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


# Time to live


def test_a_key_with_a_ttl_is_there_until_then_and_not_after(
    state: State, store: Store, token: str, later: Callable[[float], None]
) -> None:
    state.set("k", 1, ttl=60)
    state.set("other", 2, ttl=timedelta(hours=1))
    loaded = again(state, store, token)
    later(55)
    assert state["k"] == loaded["k"] == 1
    later(61)
    for each in (state, loaded):
        assert each.get("k") is None
        assert "k" not in each
        assert each.keys() == ["other"]
        assert len(each) == 1


def test_a_ttl_is_counted_by_the_clock_of_the_database(
    state: State, store: Store, token: str, sql: SQL
) -> None:
    state.set("k", 1, ttl=60)
    seconds = "SELECT extract(epoch FROM expires_at - changed_at)::float8 FROM pgstate.entry"
    assert one(sql, seconds) == 60
    sql.execute("UPDATE pgstate.entry SET expires_at = now() - interval '1 second'")
    assert "k" not in again(state, store, token)
    assert store.state(token, cache=False).get("k", "gone") == "gone"


def test_an_expired_key_is_not_deleted_again_and_can_be_set(
    state: State, store: Store, token: str, sql: SQL
) -> None:
    state.set("k", 1, ttl=60)
    sql.execute("UPDATE pgstate.entry SET expires_at = now() - interval '1 second'")
    fresh = again(state, store, token)
    assert fresh.delete("k") is False
    assert fresh.modify("k", lambda n: n + 1, default=10) == 11
    assert again(state, store, token)["k"] == 11


@pytest.mark.parametrize("size", [10, 100_000])
def test_modify_believes_the_database_when_the_clocks_differ(
    state: State,
    store: Store,
    token: str,
    sql: SQL,
    later: Callable[[float], None],
    size: int,
) -> None:
    state.set("k", b"1" * size, ttl=60)
    later(61)  # expired by our clock alone
    assert state.modify("k", lambda held: held + b"2", default=b"") == b"1" * size + b"2"
    sql.execute("UPDATE pgstate.entry SET expires_at = now() - interval '1 second'")
    later(62)  # expired by the database's alone
    assert state.modify("k", lambda held: held + b"2", default=b"") == b"2"
    assert again(state, store, token)["k"] == b"2"


def test_modify_of_an_expired_key_starts_from_the_default(
    state: State, store: Store, token: str, sql: SQL
) -> None:
    state.set("k", 1, ttl=60)
    sql.execute("UPDATE pgstate.entry SET expires_at = now() - interval '1 second'")
    assert again(state, store, token).modify("k", lambda n: n + 1, default=10) == 11


def again_set(state: State, value: Any) -> None:
    state.set("k", value, ttl=timedelta(minutes=1))


def again_modified(state: State, value: Any) -> None:
    state.modify("k", lambda held: held)


SECONDS_LEFT = "SELECT extract(epoch FROM expires_at - now())::float8 FROM pgstate.entry"


@pytest.mark.parametrize("write", [again_set, again_modified])
@pytest.mark.parametrize("size", [10, SMALL + 1, IN_ONE_STATEMENT + 1])
def test_the_same_value_again_renews_the_expiry(
    state: State,
    store: Store,
    token: str,
    sql: SQL,
    later: Callable[[float], None],
    write: Callable[[State, Any], None],
    size: int,
) -> None:
    value = noise(size)
    state.set("k", value, ttl=60)
    before = state.version
    sql.execute("UPDATE pgstate.entry SET expires_at = expires_at - interval '50 seconds'")
    later(50)
    write(state, value)
    assert state.version == before + 1
    assert 55 < one(sql, SECONDS_LEFT) <= 60
    later(105)
    assert state["k"] == value
    later(111)
    assert "k" not in state
    later(0)
    assert again(state, store, token)["k"] == value


@pytest.mark.parametrize("ttl", [3600, None])
def test_a_large_value_gets_another_ttl(
    state: State, store: Store, token: str, sql: SQL, ttl: float | None
) -> None:
    value = noise(SMALL + 1)
    state.set("k", value, ttl=60)
    state.set("k", value, ttl=ttl)
    assert one(sql, "SELECT ttl FROM pgstate.entry") == ttl
    assert one(sql, SECONDS_LEFT) == (pytest.approx(3600, abs=60) if ttl else None)
    assert again(state, store, token)["k"] == value


@pytest.mark.parametrize("size", [10, SMALL + 1])
def test_a_value_that_has_expired_by_the_clock_of_the_database_is_set_anew(
    state: State, store: Store, token: str, sql: SQL, size: int
) -> None:
    value = noise(size)
    state.set("k", value, ttl=60)
    sql.execute("UPDATE pgstate.entry SET expires_at = now() - interval '1 second'")
    state.set("k", value, ttl=60)
    assert again(state, store, token)["k"] == value
    sql.execute("UPDATE pgstate.entry SET expires_at = now() - interval '1 second'")
    assert state.modify("k", lambda held: held or b"new") == b"new"
    assert again(state, store, token)["k"] == b"new"


@pytest.mark.parametrize("size", [10, SMALL + 1])
def test_a_value_that_another_replaced_or_deleted_is_set_all_the_same(
    state: State, store: Store, token: str, size: int
) -> None:
    value, other = noise(size), again(state, store, token)
    for change in (lambda: other.set("k", b"theirs"), lambda: other.delete("k")):
        state.set("k", value, ttl=60)
        other.refresh()
        change()
        state.set("k", value, ttl=60)
        assert again(state, store, token)["k"] == value


@pytest.mark.parametrize("size", [10, SMALL + 1])
@pytest.mark.parametrize("cached", [True, False])
def test_many_renew_one_key_at_once(store: Store, token: str, size: int, cached: bool) -> None:
    value, start = noise(size), threading.Barrier(4)
    states = [store.state(token, cache=cached) for _ in range(4)]

    def beat(state: State) -> None:
        start.wait()
        for _ in range(10):
            state.set("k", value, ttl=60)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(beat, states))
    assert store.state(token)["k"] == value


def test_an_update_leaves_no_ttl(state: State, sql: SQL, later: Callable[[float], None]) -> None:
    large = noise(SMALL + 1)
    state.set("k", 1, ttl=60)
    state.set("large", large, ttl=60)
    state.update({"k": 1, "large": large})
    assert one(sql, "SELECT count(*) FROM pgstate.entry WHERE ttl IS NULL") == 2
    later(61)
    assert state["k"] == 1
    assert state["large"] == large


def test_an_amendment_keeps_the_ttl_of_each_key(
    state: State, store: Store, token: str, sql: SQL, later: Callable[[float], None]
) -> None:
    """As `persist` saves: what the visitor changes in a value that goes away still goes away."""
    state.update({"kept": 1})
    state.set("k", 1, ttl=60)
    state.set("other", 1, ttl=120)
    before = rows(sql)
    state._session.amend({"k": state._session.encode("k", 1)}, [])
    assert rows(sql) == before
    later(30)
    state._session.amend({key: state._session.encode(key, 2) for key in ("kept", "k", "other")}, [])
    ttls = "SELECT key, ttl, expires_at IS NULL FROM pgstate.entry ORDER BY key"
    assert sql.execute(ttls).fetchall() == [
        ("k", 60, False),
        ("kept", None, True),
        ("other", 120, False),
    ]
    later(85)
    assert state.keys() == ["k", "kept", "other"]
    later(95)
    assert state.keys() == ["kept", "other"]


@pytest.mark.parametrize("ttl", [61, None])
def test_the_same_value_with_another_ttl_is_a_write(
    state: State, store: Store, token: str, sql: SQL, ttl: float | None
) -> None:
    state.set("k", 1, ttl=60)
    before = rows(sql)
    state.set("k", 1, ttl=ttl)
    assert rows(sql) != before
    assert one(sql, "SELECT ttl FROM pgstate.entry") == ttl
    assert again(state, store, token)["k"] == 1


def test_modify_keeps_the_ttl(state: State, sql: SQL) -> None:
    state.set("k", 1, ttl=60)
    state.modify("k", lambda n: n + 1)
    assert one(sql, "SELECT ttl FROM pgstate.entry") == 60


def test_a_key_set_without_a_ttl_no_longer_expires(
    state: State, later: Callable[[float], None]
) -> None:
    state.set("k", 1, ttl=60)
    state.set("k", 1)
    later(3600)
    assert state["k"] == 1


@pytest.mark.parametrize("ttl", [0, -1, math.nan, math.inf, 10**400, timedelta(0), True, "5"])
def test_a_ttl_that_is_none_is_refused(state: State, sql: SQL, ttl: Any) -> None:
    with pytest.raises(ConfigError, match="ttl must be"):
        state.set("k", 1, ttl=ttl)
    assert count(sql, "session") == 0


# Large values


@pytest.mark.parametrize(
    ("size", "parts"),
    [
        (SMALL, 0),
        (SMALL + 1, 1),
        (CHUNK, 1),
        (CHUNK + 1, 2),
        (IN_ONE_STATEMENT, 4),
        (IN_ONE_STATEMENT + 1, 5),
        (20 * MIB, 20),
    ],
)
def test_a_value_comes_back_whatever_its_size(
    state: State, store: Store, token: str, sql: SQL, size: int, parts: int
) -> None:
    value = noise(size)
    state["first"] = value  # together with the session's row
    assert count(sql, "body") == parts
    state["second"] = b"2" + value[1:]
    assert count(sql, "body") == 2 * parts
    assert one(sql, "SELECT max(size) FROM pgstate.entry") == size
    fresh = again(state, store, token)
    assert fresh["first"] == state["first"] == value
    assert fresh["second"] == state["second"] == b"2" + value[1:]
    assert fresh.modify("first", lambda held: held[::-1]) == value[::-1]
    assert again(state, store, token)["first"] == value[::-1]
    assert count(sql, "body") == 2 * parts
    fresh["first"] = 1
    del fresh["second"]
    assert count(sql, "body") == 0


@pytest.mark.parametrize("size", [100_000, 5 * MIB])
def test_a_replaced_body_leaves_no_rows_behind(state: State, sql: SQL, size: int) -> None:
    for number in range(4):
        state["k"] = noise(size, str(number))
        assert stored_bytes(sql) == size
    state["k"] = b"small"
    assert count(sql, "body") == 0


def test_a_large_value_that_took_the_place_of_a_small_one_comes_back(
    state: State, store: Store, token: str
) -> None:
    for value in (1, noise(100_000, "x"), b"y", "z" * 100_000, None):
        state["k"] = value
        assert state["k"] == value
        assert again(state, store, token)["k"] == value


@pytest.mark.parametrize("size", [100_000, 5 * MIB])
def test_the_same_content_under_two_keys_is_stored_once(
    state: State, store: Store, token: str, sql: SQL, size: int
) -> None:
    value = noise(size, "x")
    state["a"] = value
    state["b"] = value
    state.update({"c": value, "d": value})
    assert stored_bytes(sql) == size
    del state["a"]
    state["b"] = 1
    state.update({"c": 1})
    assert stored_bytes(sql) == size
    assert again(state, store, token)["d"] == value
    state.clear()
    assert count(sql, "body") == 0


def test_two_sessions_with_the_same_content_do_not_share_it(store: Store, sql: SQL) -> None:
    one_, two = (store.state(store.new_token()) for _ in range(2))
    one_["k"] = two["k"] = noise(100_000, "x")
    del one_["k"]
    one_.forget()
    assert two["k"] == noise(100_000, "x")
    assert store.state_of(two.id)["k"] == noise(100_000, "x")


def test_a_large_value_that_another_tab_replaced_is_read_as_it_is_now(
    state: State, store: Store, token: str
) -> None:
    state["k"] = noise(100_000, "1")
    stale = again(state, store, token)
    state["k"] = noise(100_000, "2")
    assert stale["k"] == noise(100_000, "2")
    state["k"] = 3
    fresh = again(state, store, token)
    state["k"] = noise(100_000, "4")
    assert fresh["k"] == 3  # as of its last refresh


def test_a_large_value_that_another_tab_deleted_is_gone(
    state: State, store: Store, token: str
) -> None:
    state["k"] = noise(100_000, "1")
    stale = again(state, store, token)
    del state["k"]
    assert stale.get("k", "gone") == "gone"


def test_a_body_with_rows_missing_is_refused_and_not_cut(
    state: State, store: Store, token: str, sql: SQL
) -> None:
    state["k"] = noise(3 * MIB, "1")
    sql.execute("DELETE FROM pgstate.body WHERE part = 1")
    with pytest.raises(DecodeError, match=r"'k' .* is damaged"):
        again(state, store, token).get("k")


def test_a_writer_with_an_old_cache_does_not_remove_a_body_that_is_in_use(
    state: State, store: Store, token: str
) -> None:
    body = noise(100_000, "1")
    state["a"] = body
    stale = again(state, store, token)
    state["b"] = body
    stale["a"] = 0
    assert again(state, store, token)["b"] == body


def test_a_value_of_five_mebibytes_is_written_although_others_write_meanwhile(
    state: State, store: Store, token: str
) -> None:
    state["n"] = 0
    stale = again(state, store, token)
    state["n"] = 1
    stale["large"] = noise(5 * MIB, "x")
    assert again(state, store, token)["large"] == noise(5 * MIB, "x")


# Limits


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


# update


def test_an_update_is_all_or_nothing(state: State, store: Store, token: str, sql: SQL) -> None:
    state.update({"a": 1, "b": 1})
    sql.execute("ALTER TABLE pgstate.entry ADD CONSTRAINT refusal CHECK (key <> 'refused')")
    before, session = rows(sql), session_row(sql)
    large = noise(100_000, "x")
    try:
        with pytest.raises(streamlit_pgstate.PgStateError):
            state.update({"a": 2, "b": large, "refused": 3, "z": 4})
    finally:
        sql.execute("ALTER TABLE pgstate.entry DROP CONSTRAINT refusal")
    assert rows(sql) == before
    assert session_row(sql) == session
    assert count(sql, "body") == 0
    assert dict(state) == dict(again(state, store, token)) == {"a": 1, "b": 1}


def test_an_update_takes_one_version(state: State, sql: SQL) -> None:
    state.update({f"k{number}": number for number in range(100)})
    assert one(sql, "SELECT version FROM pgstate.session") == 1
    assert one(sql, "SELECT count(DISTINCT version) FROM pgstate.entry") == 1


def test_an_update_with_nothing_in_it_does_nothing(state: State, sql: SQL) -> None:
    state.update({})
    assert count(sql, "session") == 0


def test_updates_of_the_same_keys_in_other_orders_do_not_deadlock(store: Store, token: str) -> None:
    store.state(token)["k0"] = -1
    keys = [f"k{number}" for number in range(20)]
    start = threading.Barrier(4)

    def write(turn: int) -> None:
        state = store.state(token)
        ordered = keys if turn % 2 else keys[::-1]
        start.wait()
        for number in range(25):
            state.update({key: [turn, number] for key in ordered})

    with ThreadPoolExecutor() as threads:
        list(threads.map(write, range(4)))
    assert len({tuple(value) for value in store.state(token).values()}) == 1


# amend


def amend(state: State, values: dict[str, Any], deleted: Iterable[str]) -> None:
    state._session.amend(
        {key: state._session.encode(key, value) for key, value in values.items()}, deleted
    )


def test_an_amendment_stores_and_deletes_in_one_version(
    state: State, store: Store, token: str, sql: SQL
) -> None:
    large = noise(100_000, "x")
    state.update({"kept": 1, "changed": 2, "gone": 3, "large": large})
    version, other = state.version, again(state, store, token)
    amend(state, {"changed": 4, "new": 5}, ["gone", "large", "never there"])
    other.refresh()
    expected = {"kept": 1, "changed": 4, "new": 5}
    assert dict(state) == dict(other) == dict(again(state, store, token)) == expected
    assert state.version == version + 1
    assert state.session().bytes == other.session().bytes
    assert count(sql, "body") == 0


def test_an_amendment_takes_keys_from_any_iterable_and_more_than_once(state: State) -> None:
    state.update({"a": 1, "b": 2, "c": 3})
    amend(state, {"a": 4}, iter(["b", "b", "a"]))
    assert dict(state) == {"a": 4, "c": 3}


def test_an_amendment_that_is_refused_deletes_nothing(state: State, sql: SQL) -> None:
    state.update({"a": 1, "gone": 2})
    before = rows(sql)
    with pytest.raises(UnsupportedType, match="'a'"):
        amend(state, {"a": open}, ["gone"])
    with pytest.raises(InvalidKey):
        amend(state, {"a": 2}, ["gone", ""])
    assert rows(sql) == before


def test_what_an_amendment_deletes_makes_room(limited: Callable[..., State]) -> None:
    state = limited(max_keys=2, max_session_bytes=1000)
    state.update({"a": b"x" * 900, "b": 1})
    amend(state, {"c": b"x" * 900}, ["a"])
    assert state.keys() == ["b", "c"]
    with pytest.raises(LimitExceeded, match=r"'d'.*max_keys"):
        amend(state, {"d": 1, "e": 2}, ["b"])
    assert state.keys() == ["b", "c"]


def test_a_key_that_an_amendment_deleted_can_be_set_again(
    state: State, store: Store, token: str
) -> None:
    state.set("a", 1, ttl=60)
    amend(state, {}, ["a"])
    assert not state.delete("a")
    state["a"] = 1
    assert dict(again(state, store, token)) == {"a": 1}


# modify


def test_modify_starts_from_the_default_and_returns_the_new_value(
    state: State, store: Store, token: str
) -> None:
    assert state.modify("n", lambda n: n + 1, default=10) == 11
    assert state.modify("n", lambda n: n + 1, default=10) == 12
    assert state.modify("x", lambda n: n) is None
    assert "x" in state
    assert again(state, store, token)["n"] == 12


def test_modify_without_a_value_and_a_default_says_what_the_function_got(state: State) -> None:
    with pytest.raises(TypeError) as failed:
        state.modify("n", lambda n: n + 1)
    assert failed.value.__notes__ == [
        "Nothing is stored under 'n' yet, so the function got None. Give it a value to start from: "
        "modify('n', …, default=0), for example."
    ]
    state["n"] = "a word"
    with pytest.raises(TypeError) as failed:
        state.modify("n", lambda n: n + 1)
    assert not hasattr(failed.value, "__notes__")


def test_modify_runs_again_when_another_writer_was_faster(
    state: State, store: Store, token: str
) -> None:
    state["n"] = 1
    other = again(state, store, token)
    seen: list[int] = []

    def add(n: int) -> int:
        if not seen:
            other["n"] = 100
        seen.append(n)
        return n + 1

    assert state.modify("n", add) == 101
    assert seen == [1, 100]


def test_modify_does_not_bring_back_what_another_writer_deleted(
    state: State, store: Store, token: str
) -> None:
    state["n"] = 1
    other = again(state, store, token)
    seen: list[Any] = []

    def add(n: int) -> int:
        if not seen:
            del other["n"]
        seen.append(n)
        return n + 1

    assert state.modify("n", add, default=50) == 51
    assert seen == [1, 50]


def test_an_exception_in_the_function_of_modify_changes_nothing(state: State, sql: SQL) -> None:
    state["n"] = 1
    before, session = rows(sql), session_row(sql)
    with pytest.raises(ZeroDivisionError):
        state.modify("n", lambda n: n // 0)
    assert rows(sql) == before
    assert session_row(sql) == session


@pytest.mark.parametrize("size", [10, 100_000, 5 * MIB])
def test_modify_meets_a_thread_that_shares_its_state(
    state: State, store: Store, token: str, size: int
) -> None:
    """The cache knows of the other's write, and must not take it for its own."""
    state["k"] = b"0" * size
    seen: list[bytes] = []

    def change(held: bytes) -> bytes:
        if not seen:
            writer = threading.Thread(target=lambda: state.set("k", b"1" * size))
            writer.start()
            writer.join()
        seen.append(held[:1])
        return held[:1] + b"2" * size

    assert state.modify("k", change) == b"1" + b"2" * size
    assert seen == [b"0", b"1"]
    assert again(state, store, token)["k"] == b"1" + b"2" * size


INCREMENT = """
import sys, types
package = types.ModuleType("streamlit_pgstate")  # without Streamlit, which takes 1 s to import
package.__path__ = [sys.argv[1]]
sys.modules["streamlit_pgstate"] = package
from streamlit_pgstate.settings import Settings
from streamlit_pgstate.postgres.tables import Tables
from streamlit_pgstate.state.surroundings import Surroundings
from streamlit_pgstate.state.store import Store

tables = Tables(Settings.read({"url": sys.argv[2]}, environment={}))
state = Store(tables, surroundings=Surroundings()).state(sys.argv[3])
print("ready", flush=True)
sys.stdin.readline()
for _ in range(int(sys.argv[4])):
    state.modify("n", lambda n: n + 1, default=0)
"""


def test_no_increment_of_many_threads_and_processes_is_lost(
    url: str, store: Store, token: str
) -> None:
    package = str(Path(streamlit_pgstate.__file__).parent)
    command = [sys.executable, "-c", INCREMENT, package, url, token, "60"]
    pipe = subprocess.PIPE
    processes = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(3)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    shared = store.state(token)

    def increment(own: bool) -> None:
        state = store.state(token) if own else shared
        for _ in range(40):
            state.modify("n", lambda n: n + 1, default=0)

    with ThreadPoolExecutor() as threads:
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        list(threads.map(increment, [True, True, False, False]))
    for process in processes:
        process.communicate()
        assert process.returncode == 0
    assert store.state(token)["n"] == 3 * 60 + 4 * 40


# forget: nothing comes back


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


def every_verb(state: State) -> list[Callable[[], object]]:
    return [
        lambda: state.set("k", 2),
        lambda: state.set("large", noise(100_000, "y")),
        lambda: state.set("huge", noise(5 * MIB, "y")),
        lambda: state.update({"k": 2, "new": 3}),
        lambda: state.modify("k", lambda n: 5),
        lambda: state.modify("large", lambda _: noise(100_000, "z")),
        lambda: state.delete("k"),
        lambda: state.clear(),
        lambda: state.refresh(),
        lambda: state.session(),
        lambda: state.rotate(),
    ]


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


# Expiry


def age(sql: SQL, column: str, interval: str) -> None:
    sql.execute(f"UPDATE pgstate.session SET {column} = now() - interval '{interval}'")


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


# Tokens without rows, and page views


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
    from streamlit_pgstate.postgres.rows import SessionRef

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


# Jobs, other apps, no cache


def test_a_job_works_on_the_state_by_its_id_whatever_its_app(
    state: State, store: Store, token: str, url: str
) -> None:
    state["k"] = 1
    other = connect(url, app="another")
    for given in (state.id, str(state.id), state.id.hex):
        job = other.state_of(given)
        assert job.id == state.id
        job.modify("k", lambda n: n + 1)
    job["result"] = noise(100_000, "x")
    state.refresh()
    assert dict(state) == {"k": 4, "result": noise(100_000, "x")}
    assert job.session().app == "app"
    job.forget()
    with pytest.raises(UnknownToken):
        store.state(token)


@pytest.mark.parametrize("key", ["", "a" * 256, "a\0b", 5, None])
def test_what_cannot_be_a_key_is_in_no_state(state: State, key: object) -> None:
    assert key not in state


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


def test_a_large_value_is_sent_once_though_another_tab_writes_meanwhile(
    state: State, store: Store, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = again(state, store, token)
    sent: list[str] = []
    access = store._tables._access
    run, put = access.run, access.writer.run

    def noted(name: str, *args: Any, **kwargs: Any) -> Any:
        sent.append(name)
        return run(name, *args, **kwargs)

    def interrupted(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "PUT_AHEAD" and sent.count(name) < 3:
            other["n"] = len(sent)
        sent.append(name)
        return put(name, *args, **kwargs)

    state["n"] = 0
    with monkeypatch.context() as patch:
        patch.setattr(access, "run", noted)
        patch.setattr(access.writer, "run", interrupted)
        state["huge"] = noise(9 * MIB)
    assert sent.count("SEND_BODIES") == 3  # 4 + 4 + 1 MiB, once
    assert sent.count("PUT_AHEAD") == 4
    assert again(state, store, token)["huge"] == noise(9 * MIB)


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


def test_there_is_no_state_of_an_unknown_id(store: Store, sql: SQL) -> None:
    with pytest.raises(UnknownToken):
        store.state_of(uuid.uuid4())
    with pytest.raises(UnknownToken, match="a UUID"):
        store.state_of("not an id")
    assert count(sql, "session") == 0


def test_the_token_of_another_app_or_key_opens_nothing(url: str, store: Store, token: str) -> None:
    with pytest.raises(UnknownToken):
        connect(url, app="another").state(token)
    with pytest.raises(UnknownToken):
        connect(url, signing_key="x" * 32).state(token)


def test_a_hash_from_the_database_opens_nothing(state: State, store: Store, sql: SQL) -> None:
    state["k"] = 1
    token_hash = one(sql, "SELECT token_hash FROM pgstate.session")
    for stolen in (token_hash, token_hash.hex(), str(state.id)):
        with pytest.raises(UnknownToken):
            store.state(stolen)


def test_the_database_does_not_hold_the_token(state: State, token: str, sql: SQL) -> None:
    state["k"] = 1
    stored = one(sql, "SELECT string_agg(s::text, ' ') FROM pgstate.session s")
    secret = base64.urlsafe_b64decode(token[:64])[16:]
    assert secret.hex() not in stored
    assert token[:64] not in stored


def test_two_replicas_with_one_signing_key_read_each_others_tokens(url: str) -> None:
    one_, two = (connect(url, signing_key="s" * 32) for _ in range(2))
    token = one_.new_token()
    one_.state(token)["k"] = 1
    assert two.state(token)["k"] == 1


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
