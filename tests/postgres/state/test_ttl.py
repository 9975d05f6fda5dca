"""The ttl of a key: when it expires, by whose clock, and what lets it count anew."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from gate import Gate
from noise import noise

from state.state_rows import again, count, one, rows
from streamlit_pgstate import ConfigError, State, Store, connect
from streamlit_pgstate.postgres.chunks import IN_ONE_STATEMENT
from streamlit_pgstate.postgres.rows import SMALL

SQL = psycopg.Connection[Any]


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
    assert 60 <= one(sql, seconds) < 61
    sql.execute("UPDATE pgstate.entry SET expires_at = now() - interval '1 second'")
    assert "k" not in again(state, store, token)
    assert store.state(token, cache=False).get("k", "gone") == "gone"


def test_a_refresh_lets_a_value_expire_in_time_whose_answer_was_long_under_way(
    state: State, store: Store, token: str, gate: Gate
) -> None:
    behind = connect(gate.url)
    reader = behind.state(token)
    reader.keys()
    state.set("k", 1, ttl=1.5)
    ends = time.monotonic() + 1.5
    with ThreadPoolExecutor(1) as threads:
        with gate.muted():
            refreshed = threads.submit(reader.refresh)
            time.sleep(0.7)  # this is how long it is under way
        refreshed.result()
    assert reader.get("k") == 1
    time.sleep(ends + 0.1 - time.monotonic())  # it expires
    reader.refresh()
    assert reader.get("k") is None
    behind.close()


@pytest.mark.faults
def test_a_slow_refresh_brings_nothing_back_that_has_expired(
    state: State, store: Store, token: str, gate: Gate
) -> None:
    behind = connect(gate.url)
    reader = behind.state(token)
    state.set("k", 1, ttl=1)
    reader.refresh()
    assert reader.get("k") == 1
    with ThreadPoolExecutor(1) as threads:
        with gate.muted():
            refreshed = threads.submit(reader.refresh)
            time.sleep(1.1)  # this is how long it is under way; the value expires
        refreshed.result()
    assert reader.get("k") is None
    behind.close()


@pytest.mark.faults
@pytest.mark.parametrize("verb", ["set", "modify"])
def test_a_value_whose_write_has_waited_for_a_lock_lives_for_its_ttl_and_then_is_gone(
    verb: str, state: State, store: Store, token: str, url: str
) -> None:
    state.set("k", 0, ttl=1)
    with ThreadPoolExecutor(1) as threads:
        with psycopg.connect(url) as other:
            other.execute("SELECT FROM pgstate.session FOR UPDATE")
            if verb == "set":
                written = threads.submit(state.set, "k", 1, ttl=1)
            else:
                written = threads.submit(state.modify, "k", lambda n: n + 1)
            time.sleep(1.2)  # this is how long it waits: longer than the ttl
        written.result()
    ends = time.monotonic() + 1
    others = store.state(token)
    assert others["k"] == 1, "it was acknowledged just now"
    state.refresh()
    assert state["k"] == 1
    time.sleep(ends + 0.1 - time.monotonic())  # it expires
    for each in (state, others):
        assert each.get("k") is None
    assert state.setdefault("k", 2) == 2
    assert again(state, store, token)["k"] == 2


@pytest.mark.faults
def test_a_value_whose_write_was_acknowledged_late_expires_in_time(
    store: Store, token: str, gate: Gate
) -> None:
    behind = connect(gate.url)
    writer = behind.state(token)
    writer["other"] = 1
    with ThreadPoolExecutor(1) as threads:
        with gate.muted():
            began = time.monotonic()
            written = threads.submit(writer.set, "k", 1, ttl=1.5)
            time.sleep(1)  # this is how long its answer is under way
        written.result()
    writer.refresh()
    assert writer["k"] == store.state(token)["k"] == 1
    time.sleep(began + 1.7 - time.monotonic())  # it expires
    assert writer.get("k") is None
    behind.close()


@pytest.mark.faults
@pytest.mark.parametrize("is_new", [False, True], ids=["stored before", "a new session"])
def test_a_value_lives_for_its_whole_ttl_though_the_first_answer_was_long_under_way(
    store: Store, token: str, gate: Gate, *, is_new: bool
) -> None:
    behind = connect(gate.url)
    behind.state(behind.new_token())["connected"] = 1
    store.state(token)["other"] = 1
    if is_new:
        token = store.new_token()
    with ThreadPoolExecutor(1) as threads:
        with gate.muted():
            opened = threads.submit(behind.state, token)
            time.sleep(1)  # this is how long its answer is under way
        writer = opened.result()
    writer.set("k", 1, ttl=1.5)
    ends = time.monotonic() + 1.5
    if is_new:
        with ThreadPoolExecutor(1) as threads:
            with gate.muted():
                refreshed = threads.submit(writer.refresh)
                time.sleep(0.7)
            refreshed.result()
    writer.refresh()
    time.sleep(ends - 0.3 - time.monotonic())
    assert writer.get("k") == 1
    assert store.state(token)["k"] == 1
    time.sleep(ends + 0.2 - time.monotonic())  # it expires
    assert writer.get("k") is None
    behind.close()


@pytest.mark.faults
def test_a_value_expires_in_time_though_the_machine_was_suspended_meanwhile(
    state: State, store: Store, token: str, later: Callable[[float], None]
) -> None:
    """The clock that this process counts by stands still meanwhile."""
    state["other"] = 1
    state.refresh()
    state.set("k", 1, ttl=1)
    reader = again(state, store, token)
    time.sleep(1.1)  # it expires
    later(-1)
    for each in (state, reader):
        each.refresh()
        assert each.get("k") is None


@pytest.mark.parametrize("size", [SMALL + 1, IN_ONE_STATEMENT - 100])
def test_a_large_value_that_expires_and_is_cleaned_up_before_a_cache_expects_it_is_gone(
    state: State, store: Store, token: str, sql: SQL, size: int
) -> None:
    """As where the answer with its ttl was two seconds under way."""
    state.set("k", noise(size), ttl=60)
    loaded = again(state, store, token)
    assert "k" in loaded
    sql.execute("UPDATE pgstate.entry SET expires_at = now() - interval '1 second'")
    assert store.gc().values == 1
    assert loaded.get("k", "gone") == "gone"
    assert "k" not in loaded


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
