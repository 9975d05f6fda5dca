"""Bodies that were sent ahead of a write that stores nothing: they go, though no process died."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from encrypted import KEY
from noise import noise

from streamlit_pgstate import LimitExceeded, State, Store, StoreUnavailable, connect
from streamlit_pgstate.postgres.chunks import IN_ONE_STATEMENT
from streamlit_pgstate.postgres.rows import SMALL, SessionRef

pytestmark = [pytest.mark.faults, pytest.mark.usefixtures("reads_rows")]

SQL = psycopg.Connection[Any]

HUGE = IN_ONE_STATEMENT + 1


def bytes_of_bodies(sql: SQL) -> int:
    found = sql.execute("SELECT coalesce(sum(octet_length(data)), 0)::bigint FROM pgstate.body")
    row = found.fetchone()
    return int(row[0]) if row else 0


def test_who_loses_races_with_large_values_leaves_none_of_them(store: Store, sql: SQL) -> None:
    token = store.new_token()
    store.state(token)["k"] = (0, b"")
    states = [store.state(token) for _ in range(4)]

    def count(state: State) -> None:
        for _ in range(3):
            state.modify("k", lambda held: (held[0] + 1, noise(HUGE)))

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(count, states))
    assert store.state(token)["k"][0] == 12
    assert bytes_of_bodies(sql) < HUGE + 1000


def test_a_large_value_that_was_not_stored_goes_with_the_next_write_of_one(
    url: str, sql: SQL
) -> None:
    store = connect(url, timeout=1)
    token = store.new_token()
    state = store.state(token)
    state["n"] = 0
    with psycopg.connect(url) as other:
        other.execute("SELECT FROM pgstate.session FOR UPDATE")
        with pytest.raises(StoreUnavailable, match="Nothing was stored"):
            state["failed"] = noise(HUGE)
    assert bytes_of_bodies(sql) >= HUGE
    state["n"] = 1
    assert bytes_of_bodies(sql) == 0
    assert dict(store.state(token)) == {"n": 1}
    store.close()


def test_a_large_value_that_was_not_stored_stays_where_another_key_has_it(
    url: str, sql: SQL
) -> None:
    store = connect(url, timeout=1)
    token = store.new_token()
    state, other_state = store.state(token), store.state(token)
    state["n"] = 0
    value = noise(HUGE)
    with psycopg.connect(url) as other:
        other.execute("SELECT FROM pgstate.session FOR UPDATE")
        with pytest.raises(StoreUnavailable, match="Nothing was stored"):
            state["failed"] = value
    other_state["stored"] = value
    state["n"] = 1
    assert dict(store.state(token)) == {"n": 1, "stored": value}
    store.close()


def test_a_first_large_value_is_not_sent_where_no_session_may_be_created(
    url: str, sql: SQL
) -> None:
    store = connect(url, max_new_sessions=1)
    store.state(store.new_token())["k"] = 1
    for _ in range(2):
        with pytest.raises(LimitExceeded, match="max_new_sessions"):
            store.state(store.new_token())["k"] = noise(HUGE)
    assert bytes_of_bodies(sql) == 0
    store.close()


BEFORE_TAKING_OVER = {
    "the target has the key": lambda target, source: target.set("k", 1),
    "the target has the key with another large value": lambda target, source: target.set(
        "k", noise(SMALL * 2)
    ),
    "the target has the key with the same value": lambda target, source: target.set(
        "k", source["k"]
    ),
    "the target's large value has expired": lambda target, source: expired(target),
    "the source's large value has expired": lambda target, source: expired(source),
    "the source has the value under several keys": lambda target, source: (
        source.set("l", source["k"]),
        target.set("l", 1),
    ),
    "the source has deleted it": lambda target, source: source.delete("k"),
}


def expired(state: State) -> None:
    state.set("k", noise(SMALL * 3, "that expires"), ttl=0.05)
    state._session.tables._database.query("SELECT pg_sleep(0.1)", {})


@pytest.mark.parametrize("settings", [{}, {"encryption_key": KEY}], ids=["plain", "encrypted"])
@pytest.mark.parametrize("before", BEFORE_TAKING_OVER)
def test_what_is_taken_over_leaves_no_body_that_no_key_has(
    before: str, settings: Any, url: str, sql: SQL
) -> None:
    store = connect(url, **settings)
    token, theirs = store.new_token(), store.new_token()
    target, source = store.state(token), store.state(theirs)
    target["z"] = 1
    source.update({"k": noise(SMALL * 2), "huge": noise(HUGE), "small": 1})
    target.refresh()
    BEFORE_TAKING_OVER[before](store.state(token), store.state(theirs))
    target.take_over(source)
    orphans = sql.execute(
        "SELECT count(*) FROM pgstate.body b WHERE NOT EXISTS (SELECT FROM pgstate.entry e"
        " WHERE e.session_id = b.session_id AND e.digest = b.digest)"
    )
    assert orphans.fetchone() == (0,)
    for each in (store.state(token), store.state(theirs)):
        dict(each)  # each value can be read
    store.close()


def test_a_copy_of_a_tab_by_a_process_without_the_key_has_no_body_of_an_encrypted_value(
    url: str, sql: SQL
) -> None:
    keyless, keyed = connect(url), connect(url, encryption_key=KEY)
    token = keyless.new_token()
    keyless.state(token)["plain"] = noise(SMALL * 2)
    keyed.state(token)["sealed"] = noise(SMALL * 2, "sealed")
    copied = keyless._tables.signer.mint()
    keyless._tables.moves.copy(SessionRef(keyless.state(token).id), copied)
    bodies = sql.execute(
        "SELECT count(*) FROM pgstate.body WHERE session_id = %s", (copied.session_id,)
    )
    assert bodies.fetchone() == (1,)
    assert keyless.state(copied.text)["plain"] == noise(SMALL * 2)
    for store in (keyless, keyed):
        store.close()
