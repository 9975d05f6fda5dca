"""The cache of a state: it knows what it has missed, whoever writes and in whatever order."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine
from noise import noise

import streamlit_pgstate
from streamlit_pgstate import State, Store, connect
from streamlit_pgstate.postgres.entries import Entries
from streamlit_pgstate.postgres.rows import SMALL, SessionRef
from streamlit_pgstate.state.session import Session
from streamlit_pgstate.state.surroundings import Surroundings

SQL = psycopg.Connection[Any]


@pytest.fixture
def url(emptied_url: str) -> str:
    """Replaces the fixture of the same name: no test of this file changes the tables."""
    return emptied_url


@pytest.fixture
def one(store: Store, token: str) -> State:
    """The state of one tab, with a row, so that the next read is a refresh."""
    state = store.state(token)
    state["there"] = 0
    return state


@pytest.fixture
def two(one: State, store: Store, token: str) -> State:
    """The same session in another tab."""
    return store.state(token)


@pytest.fixture
def no_load(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From here on a whole load is an error: only what changed may be read."""

    def forbid() -> None:
        def load(*_: object) -> None:
            raise AssertionError("loaded whole")

        monkeypatch.setattr(Entries, "load", load)

    return forbid


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    def move(hours: float) -> None:
        clock = SimpleNamespace(monotonic=lambda: time.monotonic() + hours * 3600)
        for room in ("state.cache", "state.written_session", "postgres.entries"):
            monkeypatch.setattr(f"streamlit_pgstate.{room}.time", clock)

    return move


def assert_same(*states: State) -> None:
    """What these answer after a refresh is what a cache that knows nothing reads."""
    known = states[0]._session
    session = Session(known.tables, known._ref, surroundings=Surroundings())
    session.load()
    fresh = State(session)
    for state in states:
        state.refresh()
        assert dict(state) == dict(fresh)
        assert len(state) == len(fresh)
        assert state.session().bytes == fresh.session().bytes


def end_connections(sql: SQL) -> None:
    """End every other connection to this database, and wait for their end."""
    sql.execute(
        """SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()"""
    )


# Two tabs


def test_what_another_tab_sets_changes_and_deletes_comes_with_the_refresh(
    one: State, two: State, no_load: Callable[[], None]
) -> None:
    no_load()
    two.update({"a": 1, "b": [1], "large": noise(100_000, "x")})
    assert "a" not in one
    one.refresh()
    assert dict(one) == dict(two) == {"there": 0, "a": 1, "b": [1], "large": noise(100_000, "x")}
    two["a"] = 2
    del two["b"]
    two["large"] = noise(100_000, "y")
    assert one["a"] == 1
    one.refresh()
    assert dict(one) == {"there": 0, "a": 2, "large": noise(100_000, "y")}
    two.clear()
    one.refresh()
    assert dict(one) == {}


def test_a_refresh_brings_only_what_changed(one: State, two: State, store: Store) -> None:
    two.update({f"k{number}": number for number in range(100)})
    one.refresh()
    version = one.version
    two["k7"] = "new"
    del two["k8"]
    ref = SessionRef(one.id)
    entries = store._tables.entries.refresh(ref, since=version).entries
    assert {entry.key for entry in entries} == {"k7", "k8"}
    assert store._tables.entries.refresh(ref, since=version + 2).entries == []


def test_a_write_of_ones_own_does_not_hide_what_others_wrote_before_it(
    one: State, two: State, no_load: Callable[[], None]
) -> None:
    no_load()
    two["theirs"] = 1
    del two["there"]
    one["mine"] = 2
    assert one.get("theirs") is None
    one.refresh()
    assert dict(one) == {"theirs": 1, "mine": 2}


@pytest.mark.parametrize(
    "write",
    [
        lambda state: state.set("mine", 1),
        lambda state: state.set("mine", noise(100_000, "x")),
        lambda state: state.set("mine", noise(5 * 2**20, "x")),
        lambda state: state.update({"mine": 1, "more": 2}),
        lambda state: state.modify("mine", lambda _: 1),
        lambda state: state.delete("there"),
        lambda state: state.delete("nothing"),
    ],
)
def test_no_kind_of_write_hides_what_others_wrote(
    one: State, two: State, write: Callable[[State], object]
) -> None:
    for number in range(3):
        two["theirs"] = number
        write(one)
        one.refresh()
        assert one["theirs"] == number
        assert_same(one, two)


def test_a_key_that_changed_on_both_sides_has_the_later_value(one: State, two: State) -> None:
    two["k"] = "theirs"
    one["k"] = "mine"
    assert one["k"] == "mine"
    one.refresh()
    assert one["k"] == "mine"
    two["k"] = "theirs again"
    assert_same(one, two)
    assert one["k"] == "theirs again"


def test_a_key_that_was_deleted_and_set_again_elsewhere_is_there(one: State, two: State) -> None:
    two["k"] = 1
    one.refresh()
    del two["k"]
    two["k"] = 2
    one.refresh()
    assert one["k"] == 2


def test_a_ttl_that_another_tab_has_set_is_known_here(
    one: State, two: State, later: Callable[[float], None]
) -> None:
    two.set("k", 1, ttl=3600)
    two.set("there", 1, ttl=7200)
    one.refresh()
    later(0.9)
    assert one.keys() == ["k", "there"]
    later(1.1)
    assert one.keys() == ["there"]
    two.set("there", 1)
    one.refresh()
    later(19)
    assert one.keys() == ["there"]


@pytest.mark.parametrize("size", [10, SMALL + 1])
def test_an_expiry_that_another_tab_has_renewed_is_known_here(
    one: State, two: State, later: Callable[[float], None], size: int
) -> None:
    """A heartbeat: the value is the same at each beat."""
    value = noise(size)
    two.set("alive", value, ttl=3600)
    one.refresh()
    shown = one._session.value_versions()
    later(0.9)
    two.set("alive", value, ttl=3600)
    one.refresh()
    assert one._session.value_versions() == two._session.value_versions() == shown, (
        "nothing that a page shows has changed"
    )
    later(1.8)
    assert one["alive"] == value
    later(2)
    assert "alive" not in one
    later(0)
    two.set("alive", value + b"!", ttl=3600)
    one.refresh()
    assert (
        one._session.value_versions()
        == two._session.value_versions()
        == {**shown, "alive": two.version}
    )


def test_two_tabs_that_write_first_at_once_both_keep_what_they_wrote(
    store: Store, token: str
) -> None:
    states = [store.state(token) for _ in range(6)]
    start = threading.Barrier(6)

    def write(number: int) -> None:
        start.wait()
        states[number][f"k{number}"] = number
        states[number].modify("n", lambda n: n + 1, default=0)

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(write, range(6)))
    assert_same(*states)
    assert dict(states[0]) == {"n": 6, **{f"k{number}": number for number in range(6)}}


# When a cache has to load whole


def test_a_cache_of_almost_a_day_loads_whole_as_traces_of_deletes_are_purged(
    one: State, two: State, sql: SQL, later: Callable[[float], None]
) -> None:
    del two["there"]
    sql.execute("DELETE FROM pgstate.entry WHERE kind IS NULL")
    one.refresh()
    assert "there" in one  # it cannot know
    later(21)
    one.refresh()
    assert "there" not in one


def test_after_a_lost_connection_the_cache_loads_whole(one: State, sql: SQL) -> None:
    """The server may have been set back to an older state, with any version."""
    sql.execute("UPDATE pgstate.entry SET value = '7'")
    one.refresh()
    assert one["there"] == 0
    end_connections(sql)
    one.refresh()
    assert one["there"] == 7


def test_every_state_of_a_store_loads_whole_after_a_lost_connection(
    one: State, two: State, sql: SQL
) -> None:
    sql.execute("UPDATE pgstate.entry SET value = '7'")
    end_connections(sql)
    one["mine"] = 1
    two.refresh()
    one.refresh()
    assert one["there"] == two["there"] == 7


def test_after_a_lost_connection_only_one_load_is_whole(
    one: State, sql: SQL, no_load: Callable[[], None]
) -> None:
    end_connections(sql)
    one.refresh()
    one.refresh()
    no_load()
    one.refresh()


def test_a_database_that_was_set_back_to_an_older_state_is_believed(
    one: State, two: State, sql: SQL
) -> None:
    one["kept"] = 1
    older = sql.execute("SELECT version FROM pgstate.session").fetchone()
    assert older is not None
    one.update({"lost": 1, "kept": 2})
    del one["there"]
    two.refresh()
    sql.execute("DELETE FROM pgstate.entry WHERE key = 'lost'")
    sql.execute("UPDATE pgstate.entry SET value = '1', version = 2 WHERE key = 'kept'")
    sql.execute(
        """UPDATE pgstate.entry SET value = '0', kind = 'json', version = 1, size = 1
        WHERE key = 'there'"""
    )
    sql.execute("UPDATE pgstate.session SET version = %s", older)
    one.refresh()
    assert dict(one) == {"kept": 1, "there": 0}
    two["more"] = 1
    assert_same(one, two)


def test_a_session_that_was_set_back_to_before_its_first_write_is_empty(
    one: State, store: Store, token: str, sql: SQL
) -> None:
    sql.execute("DELETE FROM pgstate.entry")
    sql.execute("DELETE FROM pgstate.session")
    one.refresh()
    assert dict(one) == {}
    one["again"] = 1
    assert dict(store.state(token)) == {"again": 1}


# Versions


def test_versions_are_in_the_order_of_commits_and_no_reader_sees_a_gap(
    one: State, store: Store, url: str
) -> None:
    writers, writes = 4, 150
    ref = SessionRef(one.id)
    ended = threading.Event()

    def write(writer: int) -> None:
        own = connect(url)
        state = own.state_of(one.id)
        for number in range(writes):
            state[f"{writer}-{number}"] = number  # each version makes one entry, for good
        own.close()

    def read() -> tuple[int, int]:
        version, refreshes = 1, 0
        while True:
            is_last = ended.is_set()
            changes = store._tables.entries.refresh(ref, since=version)
            brought = sorted(entry.version for entry in changes.entries)
            assert brought == list(range(version + 1, changes.version + 1))
            version, refreshes = changes.version, refreshes + 1
            if is_last:
                return version, refreshes

    with ThreadPoolExecutor() as threads:
        reader = threads.submit(read)
        for written in [threads.submit(write, writer) for writer in range(writers)]:
            written.result()
        ended.set()
        version, refreshes = reader.result()
    assert version == 1 + writers * writes
    assert refreshes > 20


# Random interleavings

KEYS = st.sampled_from(["a", "b", "c", "d"])
SIZES = st.sampled_from([0, 0, 0, SMALL + 1])
TABS = st.integers(0, 2)

Model = dict[str, tuple[int, list[int]]]
"""For each key: the version that wrote it, and its value."""


class Tabs(RuleBasedStateMachine):
    """Three tabs of one session, beside what each should know and what the database holds."""

    url: str
    sql: SQL

    @initialize()
    def open(self) -> None:
        self.store = connect(self.url)
        token = self.store.new_token()
        self.states = [self.store.state(token) for _ in range(3)]
        self.held: Model = {}
        self.known: list[Model] = [{}, {}, {}]
        self.number = 0
        self.has_row = False

    def meets_a_row(self, tab: int) -> None:
        """A tab that has never seen the session's row fails to make it, and looks."""
        if self.has_row and self.states[tab].version == 0:
            self.known[tab] = dict(self.held)
        self.has_row = True

    def value(self, size: int) -> list[int]:
        self.number += 1
        return [self.number] + [0] * (size // 3)

    def write(self, tab: int, values: dict[str, list[int]]) -> None:
        for key, value in values.items():
            self.number += 1
            self.held[key] = self.known[tab][key] = (self.number, value)
        self.may_catch_up(tab)

    def may_catch_up(self, tab: int) -> None:
        """After a write of a large value that others have preceded, the tab looks."""
        statement, id_ = "SELECT version FROM pgstate.session WHERE id = %s", self.states[tab].id
        row = self.sql.execute(statement, (id_,)).fetchone()
        if row is not None and row[0] == self.states[tab].version:
            self.known[tab] = dict(self.held)

    @rule(tab=TABS, key=KEYS, size=SIZES)
    def set(self, tab: int, key: str, size: int) -> None:
        value = self.value(size)
        self.meets_a_row(tab)
        self.states[tab].set(key, value)
        self.write(tab, {key: value})

    @rule(tab=TABS, key=KEYS)
    def set_to_what_the_tab_knows(self, tab: int, key: str) -> None:
        if key not in self.known[tab]:
            return
        known = self.known[tab][key]
        self.states[tab].set(key, known[1])
        self.known[tab] = dict(self.held)  # it looks whether that is still there
        if self.held.get(key) != known:
            self.write(tab, {key: known[1]})

    @rule(tab=TABS, keys=st.frozensets(KEYS, min_size=1), size=SIZES)
    def update(self, tab: int, keys: frozenset[str], size: int) -> None:
        values = {key: self.value(size) for key in keys}
        self.meets_a_row(tab)
        self.states[tab].update(values)
        self.write(tab, values)

    @rule(tab=TABS, key=KEYS)
    def modify(self, tab: int, key: str) -> None:
        self.number += 1
        mark = self.number
        self.meets_a_row(tab)
        if self.known[tab].get(key) != self.held.get(key):
            self.known[tab] = dict(self.held)  # it fails once, and looks
        _, before = self.held.get(key, (0, []))
        made = self.states[tab].modify(key, lambda value: [mark, *value[1:]], default=[0])
        assert made == [mark, *before[1:]]
        self.write(tab, {key: made})

    @rule(tab=TABS, key=KEYS)
    def delete(self, tab: int, key: str) -> None:
        assert self.states[tab].delete(key) == (key in self.held)
        self.held.pop(key, None)
        self.known[tab].pop(key, None)
        self.may_catch_up(tab)

    @rule(tab=TABS)
    def clear(self, tab: int) -> None:
        assert self.states[tab].clear() == len(self.held)
        self.held.clear()
        self.known[tab].clear()
        self.may_catch_up(tab)

    @rule(tab=TABS)
    def refresh(self, tab: int) -> None:
        self.states[tab].refresh()
        self.known[tab] = dict(self.held)
        assert dict(self.states[tab]) == {key: value for key, (_, value) in self.held.items()}

    @rule()
    def lose_the_connections(self) -> None:
        end_connections(self.sql)

    @rule(tab=TABS)
    def open_again(self, tab: int) -> None:
        if self.held:
            self.states[tab] = self.store.state_of(self.states[tab].id)
            self.known[tab] = dict(self.held)

    @invariant()
    def each_tab_answers_as_of_its_last_refresh_plus_its_own_writes(self) -> None:
        for state, known in zip(self.states, self.known, strict=True):
            assert state.keys() == sorted(known)
            for key, (_, value) in known.items():
                if len(value) == 1:  # a large one may be gone, and then the tab looks again
                    assert state[key] == value

    def teardown(self) -> None:
        assert_same(*self.states)
        expected = {key: value for key, (_, value) in self.held.items()}
        assert dict(self.states[0]) == expected
        self.store.close()


def test_no_interleaving_of_three_tabs_leaves_a_cache_wrong(url: str, sql: SQL) -> None:
    class Machine(Tabs):
        pass

    Machine.url, Machine.sql = url, sql
    run_machine(
        Machine,
        settings=settings(
            max_examples=settings().max_examples * 3 // 10,
            stateful_step_count=25,
            deadline=None,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )


def random_writes(state: State, seed: int, number: int) -> None:
    """What a busy tab does; every value says who wrote it."""
    dice = random.Random(seed)
    for turn in range(number):
        key = f"k{dice.randrange(6)}"
        match dice.randrange(8):
            case 0 | 1:
                state[key] = [seed, turn]
            case 2:
                state[key] = [seed, turn, "x" * dice.choice([10, SMALL, SMALL + 1])]
            case 3:
                state.update({f"k{n}": [seed, turn, n] for n in range(dice.randrange(1, 4))})
            case 4:
                state.modify("sum", lambda n: n + 1, default=0)
            case 5:
                state.delete(key)
            case 6:
                state.refresh()
            case _:
                state.get(key)


def test_many_threads_leave_every_cache_right(store: Store, token: str) -> None:
    states = [store.state(token) for _ in range(4)]
    states[0]["sum"] = 0
    with ThreadPoolExecutor() as threads:
        # two threads on each state
        list(threads.map(lambda n: random_writes(states[n % 4], n, 80), range(8)))
    assert_same(*states)


PROCESS = """
import sys, types
package = types.ModuleType("streamlit_pgstate")  # without Streamlit, which takes 1 s to import
package.__path__ = [sys.argv[1]]
sys.modules["streamlit_pgstate"] = package
import json, random
from streamlit_pgstate.settings import Settings
from streamlit_pgstate.postgres.rows import SMALL
from streamlit_pgstate.postgres.tables import Tables
from streamlit_pgstate.state.surroundings import Surroundings
from streamlit_pgstate.state.store import Store

tables = Tables(Settings.read({"url": sys.argv[2]}, environment={}))
store = Store(tables, surroundings=Surroundings())
state = store.state(sys.argv[3])
print("ready", flush=True)
sys.stdin.readline()
random_writes(state, int(sys.argv[4]), 100)
print("written", flush=True)
sys.stdin.readline()
state.refresh()
print(json.dumps(dict(state)), flush=True)
"""


@pytest.fixture
def processes(url: str, token: str) -> Iterator[list[subprocess.Popen[str]]]:
    import inspect

    package = str(Path(streamlit_pgstate.__file__).parent)
    source = inspect.getsource(random_writes).replace("state: State, ", "state, ")
    head, tail = PROCESS.split("\nstore = ")
    command = [sys.executable, "-c", f"{head}\n\n{source}\nstore = {tail}", package, url, token]
    pipe = subprocess.PIPE
    started = [
        subprocess.Popen([*command, str(seed)], stdin=pipe, stdout=pipe, text=True)
        for seed in range(3)
    ]
    yield started
    for process in started:
        process.communicate()
        assert process.returncode == 0


def test_many_processes_leave_every_cache_right(
    store: Store, token: str, processes: list[subprocess.Popen[str]]
) -> None:
    def said() -> list[str]:
        return [process.stdout.readline().strip() for process in processes if process.stdout]

    def go_on() -> None:
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()

    assert said() == ["ready"] * 3
    here = store.state(token)
    go_on()
    random_writes(here, 99, 100)
    assert said() == ["written"] * 3
    go_on()
    fresh = dict(store.state(token))
    assert [json.loads(line) for line in said()] == [fresh] * 3
    assert_same(here)
    assert fresh
