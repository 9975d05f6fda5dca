"""Large values in the memory of the process: shared by all states, never served by mistake."""

from __future__ import annotations

import gc
import pickle
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pandas as pd
import psycopg
import pytest
from noise import noise

from streamlit_pgstate import DecodeError, State, Store, UnknownToken, connect, metrics
from streamlit_pgstate.state.kept_values import OF_PROCESS

SQL = psycopg.Connection[Any]
KEY = "k" * 43 + "="
LARGE = noise(100_000, "x")
FRAME = pd.DataFrame({"n": range(50_000), "text": [f"text {n}" for n in range(50_000)]})


@pytest.fixture
def url(emptied_url: str) -> str:
    """Replaces the fixture of the same name: no test of this file changes the tables."""
    return emptied_url


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    OF_PROCESS.clear()
    yield
    OF_PROCESS.clear()


def reads_and_decodes() -> tuple[int, int]:
    found = metrics()
    return found.bodies_cache.misses, found.values_cache.misses


def test_a_frame_is_read_and_decoded_once_however_many_tabs_use_it(
    store: Store, state: State, token: str
) -> None:
    state["frame"] = FRAME
    OF_PROCESS.clear()
    reads, decodes = reads_and_decodes()
    begin = threading.Barrier(10)

    def tab(_: int) -> None:
        mine = store.state(token)
        begin.wait()
        for _run in range(3):
            found = mine["frame"]
            pd.testing.assert_frame_equal(found, FRAME)
            found.iloc[0, 0] = -1
            mine.refresh()

    with ThreadPoolExecutor(10) as threads:
        list(threads.map(tab, range(10)))
    assert reads_and_decodes() == (reads + 1, decodes + 1)


def test_a_tab_that_is_opened_again_reads_nothing(store: Store, state: State, token: str) -> None:
    state["frame"] = FRAME
    reads, decodes = reads_and_decodes()
    for _ in range(3):
        assert store.state(token)["frame"].equals(FRAME)  # as after F5
    assert reads_and_decodes() == (reads, decodes + 1)


def test_the_value_that_was_set_is_not_the_one_that_others_get(state: State) -> None:
    frame = FRAME.copy()
    state["frame"] = frame
    frame.iloc[0, 0] = -1
    assert state["frame"].equals(FRAME)
    assert state["frame"] is not state["frame"]


def test_a_new_value_is_read_by_whoever_has_refreshed(
    store: Store, state: State, token: str
) -> None:
    other = store.state(token)
    for letter in "abc":
        state["k"] = noise(100_000, letter)
        other.refresh()
        assert other["k"] == noise(100_000, letter)
        assert metrics().cache_bytes < 250_000  # the former one is let go


def test_a_version_that_comes_again_with_another_value_is_not_mixed_up(
    store: Store, state: State, token: str, sql: SQL
) -> None:
    """A backup was restored, or a standby was promoted that lacked the last writes."""
    state["k"] = noise(100_000, "a")
    tables = ("session", "entry", "body")
    for name in tables:
        sql.execute(f"CREATE TEMP TABLE backup_of_{name} AS SELECT * FROM pgstate.{name}")
    state["k"] = noise(100_000, "b")
    version = state.version
    assert state["k"] == noise(100_000, "b")
    for name in tables:
        sql.execute(f"DELETE FROM pgstate.{name}")
        sql.execute(f"INSERT INTO pgstate.{name} SELECT * FROM backup_of_{name}")
    OF_PROCESS.clear()
    assert store.state(token)["k"] == noise(100_000, "a")
    again = store.state(token)
    again["k"] = noise(100_000, "c")
    assert again.version == version
    assert store.state(token)["k"] == noise(100_000, "c")


LET_GO: dict[str, Callable[[State], object]] = {
    "delete": lambda state: state.delete("k"),
    "clear": lambda state: state.clear(),
    "pop": lambda state: state.pop("k"),
    "another value": lambda state: state.set("k", 1),
    "forget": lambda state: state.forget(),
}


@pytest.mark.parametrize("let_go", LET_GO.values(), ids=LET_GO)
def test_what_was_deleted_takes_no_memory(let_go: Callable[[State], object], state: State) -> None:
    state["k"] = FRAME
    assert state["k"].equals(FRAME)
    assert metrics().cache_bytes > 0
    let_go(state)
    assert metrics().cache_bytes == 0


def test_two_visitors_with_one_key_have_each_their_own(store: Store) -> None:
    states = [store.state(store.new_token()) for _ in range(2)]
    for number, state in enumerate(states):
        state["k"] = FRAME.assign(visitor=number)
    for number, state in enumerate(states):
        assert state["k"].equals(FRAME.assign(visitor=number))
    states[0].forget()
    assert states[1]["k"].equals(FRAME.assign(visitor=1))


def test_a_state_that_was_pickled_finds_what_this_process_has(
    state: State, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGSTATE_URL", url)
    state["k"] = FRAME
    assert state["k"].equals(FRAME)
    body = pickle.dumps(state)
    assert len(body) < 1000
    reads, decodes = reads_and_decodes()
    assert pickle.loads(body)["k"].equals(FRAME)
    assert reads_and_decodes() == (reads, decodes)


def test_a_session_and_what_it_has_read_is_freed_with_its_last_user_and_not_by_a_collection(
    store: Store, token: str
) -> None:
    gc.collect()
    gc.disable()
    try:
        mine = store.state(token)
        mine.update({"large": LARGE, "small": 1})
        mine.refresh()
        assert (mine["large"], mine["small"]) == (LARGE, 1)
        session = weakref.ref(mine._session)
        del mine
        assert session() is None
    finally:
        gc.enable()


def test_what_another_key_holds_too_stays(state: State) -> None:
    state.update({"one": LARGE, "two": LARGE})
    del state["one"]
    reads = metrics().bodies_cache.misses
    assert state["two"] == LARGE
    assert metrics().bodies_cache.misses == reads
    del state["two"]
    assert metrics().cache_bytes == 0


@pytest.mark.changes_entries
def test_what_another_process_has_deleted_takes_no_memory_after_the_refresh(
    store: Store, state: State, token: str, sql: SQL
) -> None:
    state.update({"k": LARGE, "there": 1})
    other = store.state(token)
    sql.execute("UPDATE pgstate.session SET version = version + 1")
    sql.execute(
        """UPDATE pgstate.entry e SET kind = NULL, size = 0, body = NULL, digest = NULL,
        version = s.version FROM pgstate.session s WHERE s.id = e.session_id AND e.key = 'k'"""
    )
    other.refresh()
    assert "k" not in other
    assert metrics().cache_bytes == 0


def test_a_forgotten_session_is_served_to_no_open_tab(
    store: Store, state: State, token: str
) -> None:
    state["k"] = FRAME
    other = store.state(token)
    assert other["k"].equals(FRAME)
    state.forget()
    with pytest.raises(UnknownToken):
        other.get("k")
    assert metrics().cache_bytes == 0


def test_a_session_that_another_process_has_forgotten_is_let_go(
    store: Store, state: State, sql: SQL
) -> None:
    state["k"] = LARGE
    sql.execute("UPDATE pgstate.session SET revoked_at = now()")
    with pytest.raises(UnknownToken):
        state.refresh()
    assert metrics().cache_bytes == 0


def test_a_value_whose_ttl_is_over_is_neither_served_nor_kept(state: State) -> None:
    state.set("k", LARGE, ttl=0.3)
    assert state["k"] == LARGE
    ends = time.monotonic() + 0.3
    while time.monotonic() < ends + 0.05:
        threading.Event().wait(0.01)
    assert state.get("k") is None
    assert metrics().cache_bytes == 0


def test_a_state_that_keeps_nothing_between_calls_keeps_no_value_either(
    store: Store, state: State, token: str
) -> None:
    state["k"] = LARGE
    OF_PROCESS.clear()
    uncached = store.state(token, cache=False)
    reads = metrics().bodies_cache.misses
    assert uncached["k"] == uncached["k"] == LARGE
    uncached["other"] = LARGE[::-1]
    assert metrics().bodies_cache.misses == reads + 2
    assert metrics().cache_bytes == 0


def test_without_a_cache_each_get_reads(connected: Callable[..., Store]) -> None:
    store = connected(cache_bytes=0, history=0)
    state = store.state(store.new_token())
    state["k"] = LARGE
    reads = metrics().bodies_cache.misses
    assert state["k"] == state["k"] == LARGE
    assert metrics().bodies_cache.misses == reads + 2
    assert metrics().cache_bytes == 0


def test_the_setting_bounds_what_is_kept(connected: Callable[..., Store]) -> None:
    store = connected(cache_bytes=250_000, history=0)
    state = store.state(store.new_token())
    for letter in "abcd":
        state[letter] = noise(100_000, letter)
        assert state[letter] == noise(100_000, letter)
        assert metrics().cache_bytes <= 250_000
    reads = metrics().bodies_cache.misses
    assert state["d"] == noise(100_000, "d")
    assert metrics().bodies_cache.misses == reads
    assert state["a"] == noise(100_000, "a")
    assert metrics().bodies_cache.misses == reads + 1


def test_a_process_without_the_key_is_refused_what_lies_in_memory(
    keyed_url: str, open_store: Callable[..., Store]
) -> None:
    with_key, without = open_store(KEY), open_store()
    state = with_key.state(with_key.new_token())
    state["k"] = LARGE
    assert state["k"] == LARGE
    with pytest.raises(DecodeError, match="no encryption key"):
        without.state_of(state.id).get("k")


def test_a_value_of_a_registered_type_is_of_the_class_that_is_registered_now(
    state: State,
) -> None:
    import streamlit_pgstate as pgstate

    def deploy(number: int) -> type:
        class Model:
            deployed = number

        pgstate.register(
            Model, name="a model that is kept", dump=lambda _: LARGE, load=lambda _: Model()
        )
        return Model

    state["k"] = deploy(1)()
    assert state["k"].deployed == 1
    newer = deploy(2)
    assert isinstance(state["k"], newer)
    assert state["k"] is not state["k"]


def test_a_store_that_nobody_uses_is_freed_at_once(url: str) -> None:
    """With its connections: they do not wait for the garbage collector."""
    store = connect(url)
    state = store.state(store.new_token())
    state["large"] = noise(200_000, "freed")
    state.refresh()
    tables = weakref.ref(store._tables)
    gc.disable()
    try:
        del store, state
        assert tables() is None
    finally:
        gc.enable()
