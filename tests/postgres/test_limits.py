"""No number of writers passes a limit, and a write that fits is not refused."""

from __future__ import annotations

import contextlib
import functools
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from counters import wrong_counters
from everything import in_everything
from gate import Gate
from noise import noise

import streamlit_pgstate
from streamlit_pgstate import LimitExceeded, State, Store, connect
from streamlit_pgstate.postgres.chunks import CHUNK, IN_ONE_STATEMENT
from streamlit_pgstate.postgres.cleanup import Cleaned
from streamlit_pgstate.postgres.rows import SMALL, SessionRef

SQL = psycopg.Connection[Any]
Connect = Callable[..., Store]
Counter = Callable[[], contextlib.AbstractContextManager[list[str]]]

WRITERS = 16


@pytest.fixture
def url(emptied_url: str) -> str:
    """Replaces the fixture of the same name: no test of this file leaves other tables."""
    return emptied_url


@pytest.fixture
def connected(url: str) -> Iterator[Connect]:
    """Stores with settings of their own, closed at the end."""
    with contextlib.ExitStack() as stores:

        def make(**settings: Any) -> Store:
            store = connect(url, **settings)
            stores.callback(store.close)
            return store

        yield make


def held(sql: SQL, session_id: uuid.UUID) -> tuple[int, int]:
    """How many keys and bytes the rows of a session hold, those included that have expired."""
    row = sql.execute(
        "SELECT count(*), coalesce(sum(size), 0)::bigint FROM pgstate.entry"
        " WHERE session_id = %s AND kind IS NOT NULL",
        (session_id,),
    ).fetchone()
    assert row is not None
    return row


def chunks(sql: SQL) -> int:
    row = sql.execute("SELECT count(*) FROM pgstate.body").fetchone()
    assert row is not None
    return int(row[0])


def expire(sql: SQL) -> None:
    """Everything with a ttl has expired by the clock of the database."""
    sql.execute(
        "UPDATE pgstate.entry SET expires_at = now() - interval '1 s' WHERE expires_at IS NOT NULL"
    )


def is_stored(write: Callable[[], object]) -> bool:
    try:
        write()
    except LimitExceeded:
        return False
    return True


def all_at_once(writes: list[Callable[[], object]]) -> int:
    """Make all of these writes at the same moment, a thread for each; how many were stored."""
    start = threading.Barrier(len(writes))

    def one(write: Callable[[], object]) -> bool:
        start.wait()
        return is_stored(write)

    with ThreadPoolExecutor(len(writes)) as threads:
        return sum(threads.map(one, writes))


# Many writers at a limit

VERBS: dict[str, tuple[Callable[[State, str, bytes], object], int]] = {
    "set": (lambda state, key, value: state.set(key, value), 1),
    "set with a ttl": (lambda state, key, value: state.set(key, value, ttl=600), 1),
    "update": (lambda state, key, value: state.update({key: value, f"{key}+": value}), 2),
    "modify": (lambda state, key, value: state.modify(key, lambda _: value), 1),
    "setdefault": (lambda state, key, value: state.setdefault(key, value), 1),
    "amend": (
        lambda state, key, value: state._session.amend(
            {key: state._session.encode(key, value)}, ["never there"]
        ),
        1,
    ),
}


@pytest.mark.parametrize(
    ("begins", "size"),
    [
        ("with a row", 100),
        ("without a row", SMALL + 100),
        *in_everything(("with a row", SMALL + 100), ("without a row", 100)),
    ],
)
@pytest.mark.parametrize("verb", VERBS)
def test_as_many_writers_succeed_as_fit_into_the_bytes(
    verb: str, size: int, begins: str, connected: Connect, sql: SQL
) -> None:
    write, values = VERBS[verb]
    room = 5 * values * size
    store = connected(max_session_bytes=room + size // 2)
    token = store.new_token()
    states = [store.state(token) for _ in range(WRITERS)]
    if begins == "with a row":
        states[0].update({"a": 1})
        states[0].delete("a")
    stored = all_at_once(
        [
            lambda state=state, number=number: write(state, f"k{number:02}", noise(size, number))
            for number, state in enumerate(states)
        ]
    )
    assert held(sql, states[0].id) == (5 * values, room)
    assert stored == 5


@pytest.mark.parametrize("verb", VERBS)
def test_as_many_writers_succeed_as_there_may_be_keys(
    verb: str, connected: Connect, sql: SQL
) -> None:
    write, values = VERBS[verb]
    store = connected(max_keys=5 * values)
    token = store.new_token()
    states = [store.state(token) for _ in range(WRITERS)]
    stored = all_at_once(
        [
            lambda state=state, number=number: write(state, f"k{number:02}", b"x")
            for number, state in enumerate(states)
        ]
    )
    assert held(sql, states[0].id) == (5 * values, 5 * values)
    assert stored == 5


def test_values_that_are_sent_ahead_come_to_the_limit_and_leave_nothing_else(
    connected: Connect, sql: SQL
) -> None:
    size = IN_ONE_STATEMENT + 1
    store = connected(max_session_bytes=2 * size)
    token = store.new_token()
    states = [store.state(token) for _ in range(5)]
    states[0]["a"] = 1
    del states[0]["a"]
    stored = all_at_once(
        [
            lambda state=state, number=number: state.set(f"k{number}", noise(size, number))
            for number, state in enumerate(states)
        ]
    )
    assert stored == 2
    assert held(sql, states[0].id) == (2, 2 * size)
    assert chunks(sql) == 2 * (size // CHUNK + 1)


_PROCESS = """
import sys, threading, types
package = types.ModuleType("streamlit_pgstate")  # without Streamlit, which takes 1 s to import
package.__path__ = [sys.argv[1]]
sys.modules["streamlit_pgstate"] = package
from streamlit_pgstate.errors import LimitExceeded
from streamlit_pgstate.postgres.tables import Tables
from streamlit_pgstate.settings import Settings
from streamlit_pgstate.state.store import Store
from streamlit_pgstate.state.surroundings import Surroundings

url, token, number = sys.argv[2:]
settings = Settings.read({"url": url, "max_session_bytes": 1000, "max_keys": 60}, environment={})
store = Store(Tables(settings), surroundings=Surroundings())
states = [store.state(token) for _ in range(4)]
stored = []
print("ready", flush=True)
sys.stdin.readline()
def write(state, thread):
    for turn in range(10):
        try:
            state.set(f"{number} {thread} {turn}", b"x" * 19)
        except LimitExceeded:
            continue
        stored.append(1)
threads = [threading.Thread(target=write, args=[s, t]) for t, s in enumerate(states)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(len(stored), flush=True)
"""


def test_writers_in_several_processes_fill_a_session_to_its_limit_and_no_further(
    url: str, store: Store, token: str, sql: SQL
) -> None:
    package = str(Path(streamlit_pgstate.__file__).parent)
    with contextlib.ExitStack() as stack:
        processes = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", _PROCESS, package, url, token, str(number)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for number in range(4)
        ]
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        stored = sum(int(process.communicate()[0]) for process in processes)
    assert stored == 52, "of 160: 52 times 19 bytes are 988"
    assert held(sql, store.state(token).id) == (52, 988)


def test_a_value_that_several_replace_at_once_counts_once(connected: Connect, sql: SQL) -> None:
    store = connected(max_session_bytes=1000)
    token = store.new_token()
    states = [store.state(token) for _ in range(WRITERS)]
    states[0].update({"kept": b"x" * 500, "k": b""})

    def replace(state: State, number: int) -> None:
        for turn in range(10):
            state.set("k", b"x" * (number * 31 % 500 + turn))

    stored = all_at_once(
        [lambda state=state, n=number: replace(state, n) for number, state in enumerate(states)]
    )
    assert stored == WRITERS
    keys, size = held(sql, states[0].id)
    assert keys == 2
    assert size <= 1000
    assert wrong_counters(sql) == []


# A write that fits is not refused


def test_a_write_is_stored_where_another_has_cleared_what_the_cache_holds(
    connected: Connect, round_trips: Counter
) -> None:
    store = connected(max_keys=2, max_session_bytes=1000)
    token = store.new_token()
    stale = store.state(token)
    stale.update({"a": b"x" * 500, "b": b"x" * 500})
    store.state(token).clear()
    with round_trips() as trips:
        stale.set("c", b"x" * 1000)
    assert len(trips) == 1
    assert dict(store.state(token)) == {"c": b"x" * 1000}


@pytest.mark.parametrize("size", [1, SMALL + 1, IN_ONE_STATEMENT + 1])
def test_a_write_is_refused_where_another_has_filled_what_the_cache_believes_empty(
    size: int, connected: Connect, sql: SQL
) -> None:
    store = connected(max_session_bytes=IN_ONE_STATEMENT + 10, max_keys=5)
    token = store.new_token()
    stale = store.state(token)
    stale["a"] = b""
    store.state(token)["b"] = noise(IN_ONE_STATEMENT, "b")
    before = chunks(sql)
    match = rf"^With 'c' \({size + 10:,} bytes\) this session would hold [\d,]+ bytes, and max_sess"
    with pytest.raises(LimitExceeded, match=match):
        stale["c"] = noise(size + 10, "c")
    assert chunks(sql) == before
    assert set(store.state(token)) == {"a", "b"}
    stale["c"] = b"fits"


def test_a_large_value_that_cannot_fit_is_not_sent(connected: Connect, sql: SQL) -> None:
    store = connected(max_session_bytes=IN_ONE_STATEMENT)
    state = store.state(store.new_token())
    state["a"] = 1
    with pytest.raises(LimitExceeded, match=r"would hold 4,194,306 bytes"):
        state.set("k", noise(IN_ONE_STATEMENT + 1))
    assert chunks(sql) == 0


@pytest.mark.parametrize(
    ("size", "parts"), [(450, 0), (SMALL + 2, 1), (IN_ONE_STATEMENT + 2, 5)], ids=range(3)
)
@pytest.mark.parametrize("verb", ["set", "modify", "update", "amend"])
def test_what_has_expired_makes_room(
    verb: str, size: int, parts: int, connected: Connect, sql: SQL
) -> None:
    store = connected(max_keys=2, max_session_bytes=2 * size)
    state = store.state(store.new_token())
    state.set("a", noise(size, "a"), ttl=600)
    state.set("b", noise(size, "b"), ttl=600)
    write = VERBS[verb][0]
    value = noise(size - 1, "c")
    assert not is_stored(lambda: write(state, "c", value))
    expire(sql)
    write(state, "c", value)
    assert state["c"] == value
    keys = 2 if verb == "update" else 1
    assert held(sql, state.id) == (keys, keys * (size - 1))
    assert chunks(sql) == parts


def test_expired_values_of_another_tab_make_room_too(connected: Connect, sql: SQL) -> None:
    store = connected(max_keys=1)
    token = store.new_token()
    stale = store.state(token)
    store.state(token).set("a", 1, ttl=600)
    expire(sql)
    stale["b"] = 2
    assert dict(store.state(token)) == {"b": 2}


@pytest.mark.parametrize("size", [100, SMALL + 1], ids=["small", "large"])
def test_at_the_limit_a_value_may_be_replaced_by_a_smaller_one(
    size: int, connected: Connect, sql: SQL
) -> None:
    store = connected(max_keys=2, max_session_bytes=2 * size)
    state = store.state(store.new_token())
    state.update({"a": noise(size, 1), "b": noise(size, 2)})
    assert not is_stored(lambda: state.set("a", noise(size + 1, 3)))
    state["a"] = noise(size, 4)
    state["a"] = b"x"
    state["b"] = noise(2 * size - 1, 5)
    assert held(sql, state.id) == (2, 2 * size)


def test_a_limit_that_was_lowered_leaves_what_is_there_and_lets_it_shrink(
    connected: Connect, sql: SQL
) -> None:
    wide = connected()
    state = wide.state(wide.new_token())
    state.update({f"k{number}": b"x" * 100 for number in range(10)})
    narrow = connected(max_keys=2, max_session_bytes=200).state_of(state.id)
    narrow["k0"] = b"x" * 99
    for refused in (
        lambda: narrow.set("new", b""),
        lambda: narrow.set("k0", b"x" * 100),
        lambda: narrow.modify("k0", lambda held: held + b"x"),
    ):
        assert not is_stored(refused)
    state["k0"] = b"x" * 150  # its own limit counts for each process
    for number in range(1, 9):
        del narrow[f"k{number}"]
    assert held(sql, state.id) == (2, 250)
    narrow["k0"] = b"x" * 100
    assert held(sql, state.id) == (2, 200)


def test_what_was_deleted_can_be_set_again_at_once(connected: Connect) -> None:
    store = connected(max_keys=3, max_session_bytes=300)
    state = store.state(store.new_token())
    state.update(dict.fromkeys("abc", b"x" * 100))
    for name in "abc":
        assert state.pop(name) == b"x" * 100
        state[f"{name}{name}"] = b"y" * 100
    state.clear()
    state.update(dict.fromkeys("def", b"z" * 100))
    assert state.keys() == ["d", "e", "f"]


def test_rows_that_were_deleted_by_hand_do_not_count_for_long(connected: Connect, sql: SQL) -> None:
    store = connected(max_keys=3, max_session_bytes=300)
    state = store.state(store.new_token())
    state.update(dict.fromkeys("abc", b"x" * 100))
    sql.execute("DELETE FROM pgstate.entry WHERE key < 'c'")
    assert len(wrong_counters(sql)) == 1
    state["d"] = b"x" * 200
    assert wrong_counters(sql) == []
    assert dict(store.state_of(state.id)) == {"c": b"x" * 100, "d": b"x" * 200}


def test_a_value_that_another_has_changed_counts_right_whatever_the_cache_knows(
    connected: Connect, sql: SQL, round_trips: Counter
) -> None:
    store = connected(max_keys=2, max_session_bytes=200)
    token = store.new_token()
    stale, other = store.state(token), store.state(token)
    stale.update({"a": b"x" * 50, "b": b"x" * 50})
    other.refresh()
    other["a"] = b"x" * 150
    with round_trips() as trips:
        stale["a"] = b"y"
    assert len(trips) <= 2
    del other["b"]
    stale["b"] = b"y" * 199
    other.refresh()
    other.delete("a")
    assert held(sql, stale.id) == (1, 199)
    assert wrong_counters(sql) == []
    assert not is_stored(lambda: stale.set("a", b"yy"))
    other["b"] = b"x" * 100
    stale["a"] = b"y" * 50
    for turn in range(1, 4):  # one that knows that others have written does not guess again
        other["a"] = b"x" * turn
        with round_trips() as trips:
            stale["a"] = b"y" * (turn + 1)
        assert len(trips) == 1
    assert wrong_counters(sql) == []


# What else adds and takes away


def test_a_refused_write_changes_nothing_and_the_next_equal_one_is_still_skipped(
    connected: Connect, sql: SQL, round_trips: Counter
) -> None:
    store = connected(max_keys=1)
    state = store.state(store.new_token())
    state["a"] = 1
    for _ in range(3):
        assert not is_stored(lambda: state.update({"a": 2, "b": 2}))
    assert state["a"] == 1
    with round_trips() as trips:
        assert not is_stored(lambda: state.set("b", 2))
    assert len(trips) == 7, "itself, five to count anew, and itself again"
    assert held(sql, state.id) == (1, 1)


def test_what_is_taken_over_comes_to_the_limit_and_no_further(connected: Connect, sql: SQL) -> None:
    store = connected(max_session_bytes=1000)
    token = store.new_token()
    target = store.state(token)
    target["a"] = b"x" * 100
    sources = [store.state(store.new_token()) for _ in range(WRITERS // 2)]
    for number, source in enumerate(sources):
        source[f"k{number}"] = b"x" * 300
    moves: list[Callable[[], object]] = [
        lambda source=source: store.state(token).take_over(source) for source in sources
    ]
    writes: list[Callable[[], object]] = [
        lambda number=number: store.state(token).set(f"w{number}", b"x" * 300)
        for number in range(WRITERS // 2)
    ]
    assert all_at_once(moves + writes) == 3
    assert held(sql, target.id) == (4, 1000)
    assert wrong_counters(sql) == []


def test_a_copy_holds_no_more_keys_than_a_session_may(connected: Connect) -> None:
    wide, narrow = connected(), connected(max_keys=1)
    state = wide._opened(SessionRef.of(wide._tables.signer.mint(), "tab"), cache=True)
    state.update({"a": 1, "b": 2})
    token = wide._tables.signer.mint()
    narrow._tables.moves.copy(SessionRef(state.id), token)
    assert dict(wide._opened(SessionRef.of(token, "tab"), cache=True)) == {}
    wide._tables.moves.copy(SessionRef(state.id), token)
    assert dict(wide._opened(SessionRef.of(token, "tab"), cache=True)) == {"a": 1, "b": 2}


def test_a_write_whose_answer_was_lost_counts_once(url: str, gate: Gate, sql: SQL) -> None:
    behind = connect(gate.url, max_keys=2, max_session_bytes=200)
    state = behind.state(behind.new_token())
    for name in "ab":
        gate.cut("answer", after=0)
        state.set(name, b"x" * 100)
        gate.mend()
    assert held(sql, state.id) == (2, 200)
    gate.cut("answer", after=0)
    assert not is_stored(lambda: state.set("c", b"x"))
    gate.mend()
    gate.cut("answer", after=0)
    state.delete("a")
    gate.mend()
    assert wrong_counters(sql) == []
    behind.close()


def test_gc_and_writers_at_the_limit_count_right_and_wait_for_none(
    connected: Connect, sql: SQL
) -> None:
    store = connected(max_keys=40, gc_batch=7)
    token = store.new_token()
    states = [store.state(token) for _ in range(6)]
    done = threading.Event()
    cleaned: list[int] = []

    def expire_and_clean() -> None:
        with psycopg.connect(sql.info.dsn, autocommit=True) as own:
            while not done.is_set():
                own.execute(
                    """UPDATE pgstate.entry SET expires_at = now() - interval '1 s'
                    WHERE key LIKE 'brief%' AND expires_at > now()"""
                )
                cleaned.append(store.gc().values)

    def write(state: State, number: int) -> None:
        for turn in range(40):
            brief, long = f"brief {number} {turn}", f"long {number} {turn % 5}"
            is_stored(functools.partial(state.set, brief, b"x" * turn, ttl=600))
            is_stored(functools.partial(state.set, long, noise(SMALL + turn)))
            if not turn % 7:
                state.delete(long)

    cleaner = threading.Thread(target=expire_and_clean)
    cleaner.start()
    try:
        all_at_once(
            [lambda state=state, n=number: write(state, n) for number, state in enumerate(states)]
        )
    finally:
        done.set()
        cleaner.join()
    assert sum(cleaned) > 0
    assert wrong_counters(sql) == []
    assert held(sql, states[0].id)[0] <= 40


def test_gc_leaves_what_a_writer_holds_to_the_next_time(
    state: State, store: Store, sql: SQL, url: str
) -> None:
    other = store.state(store.new_token())
    for one in (state, other):
        one.set("brief", 1, ttl=600)
        one["long"] = 1
    expire(sql)
    with psycopg.connect(url) as writer:
        writer.execute("SELECT FROM pgstate.session WHERE id = %s FOR UPDATE", (state.id,))
        assert store.gc() == Cleaned(values=1)
    assert store.gc() == Cleaned(values=1)
    assert held(sql, state.id) == held(sql, other.id) == (1, 1)


def test_gc_deletes_expired_values_of_a_session_whose_row_was_deleted_by_hand(
    state: State, store: Store, sql: SQL
) -> None:
    state.set("brief", 1, ttl=600)
    expire(sql)
    sql.execute("DELETE FROM pgstate.session")
    assert store.gc() == Cleaned(values=1)
