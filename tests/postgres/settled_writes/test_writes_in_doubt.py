"""What is known of a write whose answer is lost, and what nobody knows."""

from __future__ import annotations

import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest
from gate import Gate
from noise import noise

from settled_writes.verbs import (
    CASES,
    LARGE,
    backends,
    waiting,
    write_from_others,
)
from streamlit_pgstate import Store, StoreUnavailable, connect
from streamlit_pgstate.postgres.rows import SMALL
from streamlit_pgstate.postgres.statements.parts.write import SLOTS

pytestmark = pytest.mark.faults


@pytest.mark.parametrize("writers", [SLOTS - 1, SLOTS + 1])
def test_a_record_that_others_have_pushed_out_is_no_proof(
    writers: int, url: str, store: Store, behind: Store, gate: Gate
) -> None:
    token = store.new_token()
    store.state(token)["n"] = 1
    state = behind.state(token)
    others = [connect(url) for _ in range(writers)]

    def write() -> None:
        for number, other in enumerate(others):
            other.state(token)[f"k{number}"] = number

    gate.cut("answer", then=write)
    if writers < SLOTS:
        assert state.modify("n", lambda n: n + 1) == 2
    else:
        with pytest.raises(StoreUnavailable, match="Nobody knows whether this change was stored"):
            state.modify("n", lambda n: n + 1)
    state.refresh()
    assert state["n"] == 2  # and not once more
    assert state.modify("n", lambda n: n + 1) == 3
    for other in others:
        other.close()


def test_a_session_remembers_so_many_writers_and_goes_on_with_more(
    url: str, store: Store, behind: Store, gate: Gate
) -> None:
    token = store.new_token()
    store.state(token)["n"] = 0
    others = [connect(url) for _ in range(SLOTS + 2)]
    for other in others:
        other.state(token).modify("n", lambda n: n + 1)
    state = behind.state(token)
    gate.cut("question")  # the record cannot have been pushed out: nobody has written since
    assert state.modify("n", lambda n: n + 1) == SLOTS + 3
    for other in others:
        other.close()


@pytest.mark.parametrize("verb", ["set", "modify", "delete"])
def test_where_it_cannot_be_settled_in_time_the_error_says_that_nobody_knows(
    verb: str, store: Store, gate: Gate
) -> None:
    behind = connect(gate.url, timeout=0.3)
    state = behind.state(store.new_token())
    state["n"] = 1
    with gate.losing_answers(), pytest.raises(StoreUnavailable, match="Nobody knows"):
        CASES[verb].verb(state)
    behind.close()


def test_where_an_earlier_try_may_have_been_stored_the_error_does_not_say_that_nothing_was(
    store: Store, behind: Store, gate: Gate
) -> None:
    """The second one is refused, as the server is away by then."""
    for after in itertools.count():
        token = behind.new_token()
        store.state(token)["n"] = 1
        state = behind.state(token)
        gate.cut("answer", after=after, then=gate.shut)
        said = ""
        try:
            state.forget()
        except StoreUnavailable as error:
            said = str(error)
        gate.open()
        if gate.mend():
            return
        if "Nothing was stored" in said:
            assert store.state(token)["n"] == 1


def test_where_it_was_never_sent_the_error_says_that_nothing_was_stored(
    store: Store, gate: Gate
) -> None:
    behind = connect(gate.url, timeout=0.3)
    state = behind.state(store.new_token())
    state["n"] = 1
    gate.shut()
    with pytest.raises(StoreUnavailable, match="Nothing was stored"):
        state["n"] = 2
    behind.close()


def test_a_lock_that_is_held_for_long_ends_a_write_within_the_timeout(
    url: str, store: Store
) -> None:
    state = connect(url, timeout=1).state(store.new_token())
    state["n"] = 1
    with psycopg.connect(url) as other:
        other.execute("SELECT FROM pgstate.session FOR UPDATE")
        for verb in ("set", "modify", "delete"):
            with pytest.raises(StoreUnavailable) as caught:
                CASES[verb].verb(state)
            assert "did not answer within 1 s" in str(caught.value)
            assert "Nothing was stored" in str(caught.value)
            assert "raise the setting `timeout`" in str(caught.value)


def test_a_backend_whose_client_has_gone_waits_for_no_lock(
    url: str, store: Store, sql: Any, gate: Gate
) -> None:
    """The server is not asked to cancel its statement: the way to it is cut."""
    behind = connect(gate.url, timeout=1)
    state = behind.state(store.new_token())
    state["n"] = 1
    with psycopg.connect(url) as other, ThreadPoolExecutor(1) as threads:
        other.execute("SELECT FROM pgstate.session FOR UPDATE")
        late = threads.submit(state.set, "n", 2)
        waiting(sql, 1)
        with gate.frozen():
            assert isinstance(late.exception(), StoreUnavailable)
            waiting(sql, 0)
    behind.close()


@pytest.mark.parametrize("size", [1000, SMALL + 1, 600_000, 1_500_000])
def test_a_write_that_was_given_up_is_not_stored_over_a_newer_one(
    size: int, store: Store, sql: Any, gate: Gate
) -> None:
    """All of its bytes have left the client, and arrive when its time is over."""
    token = store.new_token()
    before = backends(sql)
    behind = connect(gate.url, timeout=1)
    state = behind.state(token)
    state["k"] = "old"
    late = backends(sql) - before
    with gate.holding_present_ones():
        with pytest.raises(StoreUnavailable):
            state["k"] = noise(size)
        store.state(token)["k"] = "newer"
    behind.close()
    until = time.monotonic() + 20
    while late & backends(sql):  # until it has done what it was sent, and has seen its client's end
        assert time.monotonic() < until
    assert store.state(token)["k"] == "newer"


@pytest.mark.parametrize("before", [{}, {"k": 1}])
def test_a_write_that_was_given_up_is_not_stored_though_many_others_have_written_since(
    before: dict[str, Any], url: str, store: Store, sql: Any, gate: Gate
) -> None:
    """Its deadline is not over, and the session's row does not list its number any more."""
    token = store.new_token()
    store.state(token).update(before)
    present = backends(sql)
    behind = connect(gate.url, timeout=1)
    state = behind.state(token)
    state.keys()
    late = backends(sql) - present
    with gate.holding_present_ones():
        with pytest.raises(StoreUnavailable, match="Nothing was stored"):
            state["k"] = noise(1_500_000)
        write_from_others(url, token, SLOTS)
    behind.close()
    until = time.monotonic() + 20
    while late & backends(sql):
        assert time.monotonic() < until
    assert store.state(token).get("k") == before.get("k")


@pytest.mark.parametrize("name", list(CASES))
def test_who_reads_and_then_writes_is_not_disturbed_by_many_others(
    name: str, url: str, store: Store
) -> None:
    case = CASES[name]
    token = store.new_token()
    write_from_others(url, token, 1)
    store.state(token).update(case.before)
    state = store.state(token)
    state.keys()
    write_from_others(url, token, SLOTS + 1)
    answer = case.verb(state)
    if name != "clear":  # which deletes what the others have written, too
        assert answer == case.answer
    left = dict(store.state(token))
    left.pop("of others", None)
    assert left == case.after


def test_all_connections_to_a_server_that_only_reads_are_given_up_at_once(
    url: str, store: Store, sql: Any
) -> None:
    """As to the old primary after a failover."""
    states = [store.state(store.new_token()) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda state: state.set("k", LARGE), states))
    database = sql.info.dbname
    for _ in range(4):
        with store._tables._database.connection() as one, ExitStack() as others:
            for _ in range(3):
                others.enter_context(store._tables._database.connection())
            one.execute("SELECT 1")
    sql.execute(f'ALTER DATABASE "{database}" SET default_transaction_read_only = on')
    store.close()
    with ExitStack() as held:  # four connections to the server that only reads
        for _ in range(4):
            held.enter_context(store._tables._database.connection())
    sql.execute("SET default_transaction_read_only = off")
    sql.execute(f'ALTER DATABASE "{database}" RESET default_transaction_read_only')
    states[0]["k"] = 1
    assert states[0].modify("k", lambda n: n + 1) == 2
