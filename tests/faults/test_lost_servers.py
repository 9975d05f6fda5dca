"""A server that is killed, frozen or locked, and is back: the tests' own, not the shared one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from noise import noise
from postgres_server import Server, locked, waiting
from told import told, within

from streamlit_pgstate import (
    State,
    Store,
    StoreUnavailable,
)
from streamlit_pgstate.state.surroundings import Surroundings


@pytest.fixture
def state(own: Server, opened: Callable[..., Store]) -> State:
    store = opened(own.url, timeout=5)
    state = store.state(store.new_token())
    state["k"] = 0
    return state


VERBS: list[Callable[[State], object]] = [
    lambda state: state.refresh(),
    lambda state: state.set("k", 1),
    lambda state: state.set("large", b"x" * 100_000),
    lambda state: state.update({"k": 1, "l": 2}),
    lambda state: state.modify("k", lambda n: n + 1),
    lambda state: state.delete("k"),
    lambda state: state.clear(),
    lambda state: state.session(),
    lambda state: state.rotate(),
    lambda state: state.forget(),
]


@pytest.mark.parametrize("verb", VERBS, ids=range(10))
def test_a_state_goes_on_by_itself_after_its_idle_connection_was_ended(
    own: Server, state: State, verb: Callable[[State], object]
) -> None:
    with own.sql() as sql:
        sql.execute(
            """SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
            WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"""
        )
    verb(state)


def test_a_state_goes_on_by_itself_after_the_server_was_killed_and_started(
    own: Server, state: State, opened: Callable[..., Store]
) -> None:
    store = Store(state._session.tables, surroundings=Surroundings())
    token = store.new_token()
    other = store.state(token)
    other["k"] = "acknowledged"
    own.kill()
    with told(StoreUnavailable, "Is the server running", secrets=(token,)), within(15):
        other["k"] = "lost"
    with told(StoreUnavailable, "Is the server running"):
        state.refresh()
    assert state["k"] == 0  # what it knows, it still answers
    own.start()
    other.refresh()
    assert other["k"] == "acknowledged"
    assert state.modify("k", lambda n: n + 1) == 1
    assert opened(own.url).state(token)["k"] == "acknowledged"


def test_many_threads_lose_nothing_acknowledged_when_the_server_crashes_under_them(
    own: Server, opened: Callable[..., Store]
) -> None:
    store = opened(own.url, timeout=5)
    tokens = [store.new_token() for _ in range(4)]
    states = [store.state(token) for token in tokens]
    acknowledged: list[dict[str, int]] = [{} for _ in tokens]
    busy, ended = threading.Semaphore(0), threading.Event()

    def write(number: int) -> None:
        state = states[number]
        turn = 0
        while not ended.is_set():
            turn += 1
            try:
                state["k"] = turn
                state[f"k{turn}"] = turn
            except StoreUnavailable:
                ended.wait(0.01)
                continue
            acknowledged[number] |= {f"k{turn}": turn, "k": turn}
            busy.release()

    with ThreadPoolExecutor(4) as threads:
        written = [threads.submit(write, number) for number in range(4)]
        try:
            for _ in range(2):
                for _ in range(40):
                    assert busy.acquire(timeout=20)
                own.kill()
                own.start()
            for _ in range(80):
                assert busy.acquire(timeout=20)
        finally:
            ended.set()
        for each in written:
            each.result()
    for token, expected in zip(tokens, acknowledged, strict=True):
        found = dict(opened(own.url).state(token))
        assert {key: found.get(key) for key in expected if key != "k"} == {
            key: value for key, value in expected.items() if key != "k"
        }
        assert found["k"] >= expected["k"]


def test_a_write_whose_connection_breaks_in_the_middle_is_made_again(
    own: Server, state: State
) -> None:
    with ThreadPoolExecutor() as threads:
        with locked(own) as sql:
            written = threads.submit(state.set, "k", "new")
            sql.execute("SELECT pg_terminate_backend(%s, 5000)", (waiting(sql),))
            waiting(sql)  # the second try
        written.result()
    state.refresh()
    assert state["k"] == "new"


def test_a_modify_whose_connection_breaks_in_the_middle_is_made_once(
    own: Server, state: State
) -> None:
    with ThreadPoolExecutor() as threads:
        with locked(own) as sql:
            modified = threads.submit(state.modify, "k", lambda n: n + 1)
            sql.execute("SELECT pg_terminate_backend(%s, 5000)", (waiting(sql),))
            waiting(sql)  # the second try
        assert modified.result() == 1
    state.refresh()
    assert state["k"] == 1


def test_one_that_breaks_twice_is_told_and_tried_no_third_time(own: Server, state: State) -> None:
    with ThreadPoolExecutor() as threads, locked(own) as sql:
        written = threads.submit(state.set, "k", "new")
        for _ in range(2):
            sql.execute("SELECT pg_terminate_backend(%s, 5000)", (waiting(sql),))
        with told(StoreUnavailable, "cannot be reached"):
            written.result()


def test_a_locked_table_is_an_outage_after_the_timeout_and_nothing_is_written_later(
    own: Server, opened: Callable[..., Store]
) -> None:
    store = opened(own.url, timeout=0.5)
    token = store.new_token()
    state = store.state(token)
    state["k"] = 0
    with locked(own) as sql:
        for verb in (lambda: state.set("k", 1), lambda: state.modify("k", lambda n: n + 1)):
            with told(StoreUnavailable, "within 0.5 s", "`timeout`", secrets=(token,)), within(15):
                verb()
        left = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        with within(15):  # the server has been asked to cancel them
            while sql.execute(left).fetchone() != (0,):
                sql.execute("SELECT pg_stat_clear_snapshot()")
    state.refresh()
    assert state["k"] == 0
    state["k"] = 2
    assert store.state(token)["k"] == 2


def test_a_frozen_server_is_an_outage_after_the_timeout_and_then_all_is_well(
    own: Server, opened: Callable[..., Store]
) -> None:
    store = opened(own.url, timeout=1)
    token = store.new_token()
    state = store.state(token)
    state["k"] = 0
    with own.frozen():
        with told(StoreUnavailable, "did not answer within 1 s", secrets=(token,)), within(15):
            state.refresh()
        with told(StoreUnavailable, secrets=(token,)), within(15):  # with no connection open
            store.state(token)
    state.refresh()
    assert state["k"] == 0
    state["k"] = 1
    assert store.state(token)["k"] == 1


def test_a_server_that_is_read_only_says_so_and_is_left_when_another_takes_over(
    own: Server, state: State
) -> None:
    with own.sql() as sql:
        sql.execute("ALTER DATABASE postgres SET default_transaction_read_only = on")
        try:
            state._session.tables.close()
            with told(StoreUnavailable, "is read-only", "target_session_attrs=read-write"):
                state["k"] = 1
        finally:
            sql.execute("SET default_transaction_read_only = off")
            sql.execute("ALTER DATABASE postgres RESET default_transaction_read_only")
    state["k"] = 2  # on a new connection: those to the read-only one were given up
    state.refresh()
    assert state["k"] == 2


WRITES: dict[str, Callable[[State], object]] = {
    "set": lambda state: state.set("n", 5),
    "set what is there": lambda state: state.set("n", 0),
    "set a large value": lambda state: state.set("huge", noise(5_000_000)),
    "update": lambda state: state.update({"a": 1, "b": 2}),
    "modify": lambda state: state.modify("n", lambda n: n + 1),
    "modify a large value": lambda state: state.modify("large", lambda _: 3),
    "setdefault": lambda state: state.setdefault("new", 1),
    "delete": lambda state: state.delete("n"),
    "clear": lambda state: state.clear(),
}


@pytest.mark.parametrize("cache", [True, False])
def test_every_write_that_finds_no_server_says_that_nothing_was_stored(
    cache: bool, own: Server, opened: Callable[..., Store]
) -> None:
    store = opened(own.url, timeout=2)
    token = store.new_token()
    held = {"n": 0, "large": noise(100_000)}
    store.state(token).update(held)
    states = {name: store.state(token, cache=cache) for name in WRITES}
    for state in states.values():
        state.keys()
    own.kill()
    for name, write in WRITES.items():
        with pytest.raises(StoreUnavailable, match="Nothing was stored"):
            write(states[name])
    own.start()
    assert dict(store.state(token)) == held


def test_every_write_that_waits_for_a_lock_in_vain_says_what_has_become_of_it(
    own: Server, opened: Callable[..., Store]
) -> None:
    store = opened(own.url, timeout=0.5)
    token = store.new_token()
    held = {"n": 0, "large": noise(100_000)}
    store.state(token).update(held)
    states = {name: store.state(token) for name in WRITES}
    for state in states.values():
        state.keys()
    with own.sql() as sql, sql.transaction():
        sql.execute("LOCK pgstate.entry, pgstate.body")
        for name, write in WRITES.items():
            with pytest.raises(StoreUnavailable, match=r"Nothing was stored|Nobody knows"):
                write(states[name])
    assert dict(store.state(token)) == held
