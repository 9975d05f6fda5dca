"""The metrics: each number counts what it says, on a real PostgreSQL."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
import timeit
from collections.abc import Callable
from dataclasses import dataclass

import psycopg
import pytest
from noise import noise
from streamlit.testing.v1 import AppTest

import streamlit_pgstate as pgstate
from streamlit_pgstate import Metrics, State, Store, metrics
from streamlit_pgstate.postgres.counters import Durations
from streamlit_pgstate.postgres.engine import Connections
from streamlit_pgstate.postgres.rows import SMALL
from streamlit_pgstate.state.kept_values import OF_PROCESS

CALLED = {
    "get": lambda state: state.get("a"),
    "set": lambda state: state.set("a", 1),
    "update": lambda state: state.update(a=2),
    "modify": lambda state: state.modify("a", lambda n: (n or 0) + 1),
    "setdefault": lambda state: state.setdefault("b", 1),
    "delete": lambda state: state.delete("a"),
    "clear": lambda state: state.clear(),
    "keys": lambda state: state.keys(),
    "session": lambda state: state.session(),
    "refresh": lambda state: state.refresh(),
    "contains": lambda state: "a" in state,
}
OPERATORS = {
    "get": lambda state: state["a"],
    "set": lambda state: state.__setitem__("a", 1),
    "delete": lambda state: state.__delitem__("a"),
}


@pytest.fixture
def url(emptied_url: str) -> str:
    """Replaces the fixture of the same name: no test of this file leaves other tables."""
    return emptied_url


@dataclass
class Since:
    """What was counted since a moment."""

    before: Metrics

    def verbs(self) -> dict[str, int]:
        counts = {verb: took.count for verb, took in metrics().verbs.items()}
        return _more(counts, {verb: took.count for verb, took in self.before.verbs.items()})

    def of(self, name: str) -> dict[object, int]:
        return _more(getattr(metrics(), name), getattr(self.before, name))

    def number(self, name: str) -> int:
        return int(getattr(metrics(), name) - getattr(self.before, name))


def _more(now: dict[str, int], before: dict[str, int]) -> dict[str, int]:
    found = {name: number - before.get(name, 0) for name, number in now.items()}
    return {name: number for name, number in found.items() if number}


@pytest.fixture
def since(state: State) -> Since:
    state["a"] = 0
    return Since(metrics())


@pytest.mark.parametrize("verb", CALLED)
def test_each_verb_counts_once_under_its_name(state: State, since: Since, verb: str) -> None:
    CALLED[verb](state)
    assert since.verbs() == {verb: 1}


@pytest.mark.parametrize("verb", OPERATORS)
def test_an_operator_counts_as_its_verb(state: State, since: Since, verb: str) -> None:
    OPERATORS[verb](state)
    assert since.verbs() == {verb: 1}


def test_a_verb_says_how_long_it_took(state: State) -> None:
    before = metrics().verbs.get("set", Durations())
    took = timeit.timeit(lambda: state.set("n", 1), number=1)
    after = metrics().verbs["set"]
    assert 0 < after.seconds - before.seconds <= took


def test_what_the_function_of_modify_calls_is_a_part_of_it(state: State, since: Since) -> None:
    state.modify("a", lambda n: n + len(state.keys()))
    assert since.verbs() == {"modify": 1}


def test_an_error_counts_by_its_verb_and_its_class(state: State, since: Since) -> None:
    with pytest.raises(pgstate.InvalidKey):
        state.set("", 1)
    with pytest.raises(pgstate.UnsupportedType):
        state["f"] = lambda: None
    with pytest.raises(KeyError):
        state["nothing"]
    assert since.of("errors") == {("set", "InvalidKey"): 1, ("set", "UnsupportedType"): 1}
    assert since.verbs() == {"set": 2, "get": 1}


def test_errors_of_the_database_count_by_their_class(store: Store, sql: psycopg.Connection) -> None:
    since = Since(metrics())
    with contextlib.suppress(pgstate.PgStateError):
        store._tables._database.query("SELECT 1/0", {})
    assert sum(since.of("database_errors").values()) <= 1
    statements = metrics().database.count
    store._tables._database.ask()
    assert metrics().database.count == statements + 1


def test_the_cache_says_what_it_had(state: State, store: Store, token: str) -> None:
    state["large"] = noise(SMALL + 1, "x")
    OF_PROCESS.clear()
    other = store.state(token)
    before = metrics()
    other.get("a")
    other.get("large")
    other.get("large")
    after = metrics()
    assert after.entries_cache.hits - before.entries_cache.hits == 3
    assert after.entries_cache.misses == before.entries_cache.misses
    assert after.bodies_cache.hits - before.bodies_cache.hits == 1
    assert after.bodies_cache.misses - before.bodies_cache.misses == 1
    assert after.values_cache.hits - before.values_cache.hits == 1
    assert after.values_cache.misses - before.values_cache.misses == 1
    assert after.cache_bytes > SMALL
    state.clear()
    assert metrics().cache_bytes == 0
    uncached = store.state(token, cache=False)
    uncached.get("a")
    assert metrics().entries_cache.misses == after.entries_cache.misses + 1


@pytest.mark.parametrize("size", [100, SMALL * 4, 5 * 2**20])
def test_bytes_are_those_of_the_values(state: State, store: Store, token: str, size: int) -> None:
    before = metrics()
    state["k"] = noise(size)
    written = metrics().bytes_written - before.bytes_written
    assert written == pytest.approx(size, rel=0.5, abs=100)
    OF_PROCESS.clear()
    other = store.state(token)
    other["k"]
    read = metrics().bytes_read - before.bytes_read
    assert read == pytest.approx(written, abs=1)


def test_connections_in_use_and_waiting_are_seen(store: Store, since: Since) -> None:
    store.new_token()
    database = store._tables._database
    before = pgstate.metrics().connections
    assert database.connections().idle >= 1
    begun, ends = threading.Barrier(22), threading.Event()

    def hold() -> None:
        begun.wait()
        with database.connection():
            ends.wait()

    threads = [threading.Thread(target=hold) for _ in range(21)]
    for thread in threads:
        thread.start()
    begun.wait()
    try:
        while database.connections() != Connections(in_use=20, idle=0, waiting=1, limit=20):
            ends.wait(0.001)
        assert pgstate.metrics().connections.in_use >= before.in_use + 20
        assert since.number("connections_opened") >= 19
    finally:
        ends.set()
        for thread in threads:
            thread.join()
    assert database.connections().waiting == 0
    waits = pgstate.metrics().connection_waits
    assert waits.count == since.before.connection_waits.count + 1
    assert waits.seconds > since.before.connection_waits.seconds


def test_a_cleanup_says_when_it_was_and_what_it_has_deleted(
    state: State, store: Store, sql: psycopg.Connection, since: Since
) -> None:
    sql.execute("UPDATE pgstate.session SET expires_at = now() - interval '1 day'")
    store.gc()
    assert (since.number("cleanups"), since.number("cleanup_rows")) == (1, 1)
    found = metrics().cleaned_up_at
    assert found is not None
    assert found >= metrics().started_at


# A tab


def script() -> None:
    import streamlit as st

    import streamlit_pgstate as pgstate

    pgstate.modify("visits", lambda n: n + 1, default=0)
    if st.button("Forget me"):
        pgstate.forget()
    if st.button("Rotate"):
        pgstate.rotate()


@pytest.fixture
def app(url: str) -> AppTest:
    app = AppTest.from_function(script)
    app.secrets["connections"] = {"pgstate": {"url": url}}
    return app


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [it.getMessage() for it in caplog.records if it.name.endswith("page.changes")]


def test_the_life_of_a_tab_is_one_line_for_each_change_and_as_many_counts(
    app: AppTest, store: Store, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "streamlit_pgstate")
    pgstate.testing.visit(app, store, token)
    since = Since(metrics())
    app.run()
    first = str(store.state(token).id)[:8]
    assert lines(caplog) == [
        f"Session {first} (browser) begun: nothing is stored under the token that came with the "
        "page."
    ]
    app.run()
    again = AppTest.from_function(script)
    again.secrets["connections"] = app.secrets["connections"]
    pgstate.testing.visit(again, store, token)
    again.run()
    again.button[1].click().run()
    again.button[0].click().run()
    app.run()  # the first tab learns of it
    _, returned, rotated, tab_begun, tab_forgotten, forgotten, elsewhere = lines(caplog)
    assert returned == f"Session {first} (browser) returned: its token came with the page."
    assert rotated == f"Session {first} (browser) rotated: another token opens it from now on."
    assert "(tab) begun: no good token came with the page." in tab_begun
    assert "(tab) forgotten: by its visitor." in tab_forgotten
    by_its_visitor = f"Session {first} (browser) forgotten: by its visitor. The tab goes on with "
    assert forgotten.startswith(by_its_visitor)
    assert elsewhere.startswith(f"Session {first} (browser) forgotten: in another tab")
    counts = {"begun": 2, "returned": 1, "rotated": 1, "forgotten": 3}
    assert since.of("sessions") == counts
    runs = since.of("runs")
    assert (runs["browser"], runs["tab"]) == (since.verbs()["modify"], 1)
    assert since.verbs()["forget"] == 1
    for text in caplog.messages:
        assert token not in text
        assert "visits" not in text


def test_a_session_that_expires_under_its_tab_is_told(
    app: AppTest, store: Store, sql: psycopg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "streamlit_pgstate")
    pgstate.testing.visit(app, store)
    app.run()
    sql.execute("UPDATE pgstate.session SET expires_at = now() - interval '1 second'")
    since = Since(metrics())
    app.run()
    assert since.of("sessions") == {"expired": 1}
    assert " expired: nobody has come for as long as session_ttl" in lines(caplog)[-1]


def test_to_count_takes_less_than_a_microsecond_more(state: State) -> None:
    """In the end: a verb without a round trip, and all that is counted of it."""
    from streamlit_pgstate.postgres import counters

    name = ("verb", "timed")

    def counted() -> None:
        mine = counters.begin_verb()
        counters.begin_verb()  # of the method that a function calls
        counters.count(("cache hit", "timed"))
        assert mine is not None
        mine.end_verb(name)

    rounds = 20_000
    best = min(timeit.repeat(counted, number=rounds, repeat=9, timer=time.thread_time))
    assert best / rounds < 2e-6  # 0.8 µs, on a machine that others use, too


def test_a_set_in_a_run_that_changes_nothing_is_counted_by_its_kind(
    state: State, since: Since, in_a_run: Callable[[Callable[[], object]], None]
) -> None:
    @in_a_run
    def run() -> None:
        state.refresh()
        statements = metrics().database.count
        state.set("a", 0)
        assert metrics().database.count == statements

    assert since.verbs() == {"refresh": 1, "set": 1}
