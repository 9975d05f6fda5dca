"""A backend that is frozen, and goes on when its client has given up and another has written."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from everything import in_everything
from gate import Gate
from noise import noise
from postgres_server import SQL, Server, waiting

from streamlit_pgstate import State, Store, StoreUnavailable
from streamlit_pgstate.postgres.rows import SMALL

pytestmark = pytest.mark.faults

LARGE = noise(2 * SMALL)

VERBS: dict[str, Callable[[State], object]] = {
    "set": lambda state: state.set("k", "late"),
    "set a large value": lambda state: state.set("k", LARGE),
    "update": lambda state: state.update({"k": "late", "l": "late"}),
    "modify": lambda state: state.modify("k", lambda _: "late"),
    "setdefault": lambda state: state.setdefault("new", "late"),
    "delete": lambda state: state.delete("k"),
    "pop": lambda state: state.pop("k"),
    "forget": lambda state: state.forget(),
}


def backends(sql: SQL) -> list[int]:
    sql.execute("SELECT pg_stat_clear_snapshot()")
    rows = sql.execute(
        """SELECT pid FROM pg_stat_activity
        WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"""
    ).fetchall()
    return [row[0] for row in rows]


@contextlib.contextmanager
def stopped(pids: list[int]) -> Iterator[None]:
    """One whose client had closed its connection may have ended by now."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def wait_for_the_end(sql: SQL, pids: list[int]) -> None:
    """Their clients have gone, so they end when they have done what they still had to do."""
    until = time.monotonic() + 20
    while not set(pids).isdisjoint(backends(sql)):
        assert time.monotonic() < until


def wait_until_idle(sql: SQL, pid: int) -> None:
    """It does not hear that its client has gone."""
    until = time.monotonic() + 20
    question = "SELECT state FROM pg_stat_activity WHERE pid = %s"
    while sql.execute(question, (pid,)).fetchone() == ("active",):
        assert time.monotonic() < until
        sql.execute("SELECT pg_stat_clear_snapshot()")


def arrive_late(
    own: Server, opened: Callable[..., Store], url: str, names: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """What is there at the end, where each of these verbs arrives after another's write."""
    other = opened(own.url)
    tokens = {name: other.new_token() for name in names}
    for token in tokens.values():
        other.state(token)["k"] = 0
    states = {name: opened(url, timeout=0.7).state(token) for name, token in tokens.items()}
    other.close()
    with own.sql() as sql, ThreadPoolExecutor(len(names)) as threads:
        pids = backends(sql)
        with stopped(pids):
            late = [threads.submit(VERBS[name], state) for name, state in states.items()]
            assert all("Nobody knows" in str(error_of(each)) for each in late)
            for token in tokens.values():
                other.state(token)["k"] = "newer"
        wait_for_the_end(sql, pids)
    found = {name: dict(other.state(tokens[name])) for name in names}
    for name, state in states.items():
        state.refresh()
        assert dict(state) == found[name]
    return found


def error_of(work: Future[Any]) -> StoreUnavailable:
    with pytest.raises(StoreUnavailable) as caught:
        work.result()
    return caught.value


def test_what_arrives_after_its_deadline_changes_nothing(
    own: Server, opened: Callable[..., Store]
) -> None:
    found = arrive_late(own, opened, own.url, list(VERBS))
    assert found == {name: {"k": "newer"} for name in VERBS}


@pytest.mark.parametrize("name", ["set", "modify", *in_everything("delete", "forget")])
def test_nor_does_it_through_pgbouncer(
    name: str, pooled_url: str, own: Server, opened: Callable[..., Store]
) -> None:
    assert arrive_late(own, opened, pooled_url, [name]) == {name: {"k": "newer"}}


def test_a_first_write_that_arrives_late_changes_nothing(
    own: Server, opened: Callable[..., Store]
) -> None:
    other = opened(own.url)
    token = other.new_token()
    state = opened(own.url, timeout=0.7).state(token)
    other.close()
    with own.sql() as sql:
        pids = backends(sql)
        with stopped(pids), pytest.raises(StoreUnavailable, match="Nobody knows"):
            state["k"] = "late"
        wait_for_the_end(sql, pids)
    assert dict(other.state(token)) == {}
    state["k"] = "again"
    assert other.state(token)["k"] == "again"


@pytest.mark.parametrize("name", ["set", "modify", "delete", "set a large value"])
def test_one_that_is_frozen_while_it_waits_for_a_lock_does_not_write_over_a_newer_value(
    name: str, own: Server, opened: Callable[..., Store]
) -> None:
    other = opened(own.url)
    token = other.new_token()
    other.state(token)["k"] = 0
    gate = Gate(own.tcp_url)
    state = opened(gate.url, timeout=0.7).state(token)
    with ThreadPoolExecutor() as threads, contextlib.ExitStack() as ended, own.sql() as sql:
        with sql.transaction():
            sql.execute("SELECT FROM pgstate.session FOR UPDATE")
            late = threads.submit(VERBS[name], state)
            pid = waiting(sql)
            backend = ended.enter_context(contextlib.ExitStack())
            backend.enter_context(stopped([pid]))
            ended.enter_context(gate.frozen())  # the server is not asked to cancel it
            assert "Nobody knows" in str(error_of(late))
        other.state(token)["k"] = "newer"
        backend.close()
        wait_until_idle(sql, pid)
        assert other.state(token)["k"] == "newer"
    state.refresh()
    assert state["k"] == "newer"
    gate.shut()


def test_what_a_frozen_backend_has_locked_nobody_writes_over(
    own: Server, opened: Callable[..., Store]
) -> None:
    other = opened(own.url, timeout=0.7)
    token = other.new_token()
    theirs, state = other.state(token), opened(own.url, timeout=0.7).state(token)
    theirs["k"] = 0
    state.refresh()
    with ThreadPoolExecutor() as threads, contextlib.ExitStack() as frozen:
        with own.sql() as sql, sql.transaction():
            sql.execute("SELECT FROM pgstate.entry FOR UPDATE")
            # It has locked the session's row, and waits for the entry.
            late = threads.submit(state.set, "k", "late")
            pid = waiting(sql)
            frozen.enter_context(stopped([pid]))
            assert "Nobody knows" in str(error_of(late))
        with pytest.raises(StoreUnavailable, match="Nothing was stored"):
            theirs["k"] = "newer"
    with own.sql() as sql:
        wait_for_the_end(sql, [pid])
    theirs["k"] = "newer"
    assert other.state(token)["k"] == "newer"


# The clocks


@pytest.mark.parametrize("ahead", [-3600, 3600])
def test_a_write_goes_on_where_the_server_has_another_clock_than_it_had(
    ahead: float, own: Server, opened: Callable[..., Store]
) -> None:
    store = opened(own.url)
    state = store.state(store.new_token())
    state["k"] = 0
    with store._tables._database.connection() as connection:
        connection.clock += ahead
    state["k"] = 1
    assert state.modify("k", lambda n: n + 1) == 2
    assert state.delete("k")


def test_the_clock_is_read_anew_now_and_then(
    own: Server, opened: Callable[..., Store], round_trips: Callable[[], Any]
) -> None:
    store = opened(own.url)
    state = store.state(store.new_token())
    state["k"] = 0
    with store._tables._database.connection() as connection:
        connection.clock_read_at -= 3600
        connection.clock -= 1
    with round_trips() as trips:
        state["k"] = 1
        state["k"] = 2
    assert len(trips) == 3
    with store._tables._database.connection() as connection:
        assert abs(connection.clock + time.monotonic() - time.time()) < 1
