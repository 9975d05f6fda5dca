"""A session is forgotten, taken over or rotated though the answer is lost."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from gate import Gate

from settled_writes.verbs import (
    LARGE,
    At,
    user,
    waiting,
)
from streamlit_pgstate import Store, StoreUnavailable, UnknownToken, connect
from streamlit_pgstate.postgres.faults import PERHAPS_STORED

pytestmark = pytest.mark.faults


@pytest.mark.parametrize("at", ["question", "answer"])
def test_a_session_is_forgotten(at: At, store: Store, behind: Store, gate: Gate) -> None:
    for after in itertools.count():
        token = behind.new_token()
        store.state(token)["n"] = 1
        state = behind.state(token)
        gate.cut(at, after=after)
        state.forget()
        with pytest.raises(UnknownToken):
            store.state(token)
        if gate.mend():
            return


@pytest.mark.parametrize("at", ["question", "answer"])
def test_a_user_is_forgotten_and_what_another_writes_afterwards_stays(
    at: At, store: Store, behind: Store, gate: Gate
) -> None:
    for after in itertools.count():
        ours, theirs = user(behind, f"{at} {after}"), user(store, f"{at} {after}")
        theirs["old"] = LARGE
        ours.refresh()
        gate.cut(at, after=after)
        ours.forget()
        with pytest.raises(UnknownToken):
            theirs["new"] = 1
        user(store, f"{at} {after}")["new"] = 1
        ours.refresh()
        assert dict(ours) == dict(user(store, f"{at} {after}")) == {"new": 1}
        if gate.mend():
            return


def test_a_forgotten_user_is_not_emptied_again_after_another_has_written(
    store: Store, behind: Store, gate: Gate, sql: Any
) -> None:
    ours = user(behind, "ann")

    def write_once_it_is_forgotten() -> None:
        theirs = user(store, "ann")
        if not len(theirs):
            theirs["new"] = 1
            gate.mend()

    for after in range(12):
        theirs = user(store, "ann")
        theirs["old"] = 1
        theirs.delete("new")
        gate.cut("answer", after=after, then=write_once_it_is_forgotten)
        ours.forget()
        if "new" in user(store, "ann"):
            return
        gate.mend()
    raise AssertionError("no answer was lost after the commit")


@pytest.mark.parametrize("value", [1, LARGE], ids=["small", "large"])
def test_a_user_who_is_forgotten_leaves_nothing_of_a_write_that_waited_before(
    value: object, url: str, store: Store, sql: Any
) -> None:
    """Its values came after the moment at which the statements of forget() began."""
    ours, theirs = user(store, f"{type(value)}"), user(store, f"{type(value)}")
    theirs["old"] = value
    ours.refresh()
    with ThreadPoolExecutor(2) as threads:
        with psycopg.connect(url) as other:
            other.execute("SELECT FROM pgstate.session FOR UPDATE")
            written = threads.submit(theirs.set, "new", value)
            waiting(sql, 1)
            forgotten = threads.submit(ours.forget)
            waiting(sql, 2)
        written.result()
        forgotten.result()
    held = dict(user(store, f"{type(value)}"))
    version = sql.execute("SELECT max(version) FROM pgstate.entry WHERE kind IS NOT NULL")
    if held:  # forget() had the lock first
        assert held == {"new": value}
        assert version.fetchone() == (user(store, f"{type(value)}").version,)
    bodies = sql.execute("SELECT count(*) FROM pgstate.body").fetchone()
    assert bodies == (1 if held and value is LARGE else 0,)


@pytest.mark.parametrize("at", ["question", "answer"])
def test_what_is_taken_over_is_named(at: At, store: Store, behind: Store, gate: Gate) -> None:
    for after in itertools.count():
        token = behind.new_token()
        store.state(token).update({"a": 1, "b": LARGE, "kept": 1})
        ours, anonymous = user(behind, f"{at} {after}"), behind.state(token)
        ours["kept"] = 2
        gate.cut(at, after=after)
        assert ours.take_over(anonymous) == ["a", "b"]
        assert dict(ours) == {"a": 1, "b": LARGE, "kept": 2}
        assert dict(store.state(token)) == {"kept": 1}
        if gate.mend():
            return


@pytest.mark.parametrize("at", ["question", "answer"])
def test_an_outage_in_the_middle_of_taking_over_says_truly_what_is_stored(
    at: At, store: Store, gate: Gate
) -> None:
    behind = connect(gate.url, timeout=0.3)
    said = set()
    for after in itertools.count():
        token = behind.new_token()
        store.state(token).update({"a": 1, "b": LARGE})
        ours, anonymous = user(behind, f"{at} {after}"), behind.state(token)
        gate.cut(at, after=after, then=gate.shut)
        try:
            ours.take_over(anonymous)
        except StoreUnavailable as error:
            moved = dict(user(store, f"{at} {after}")) == {"a": 1, "b": LARGE}
            message = str(error)
            is_said = [moved and "'a'" in message and "is stored" in message]
            is_said += [not moved and "Nothing was stored" in message, PERHAPS_STORED in message]
            assert is_said.count(True) == 1, message
            said.add(is_said.index(True))
        gate.open()
        if gate.mend():
            break
    behind.close()
    assert said == {0, 2}


@pytest.mark.parametrize("at", ["question", "answer"])
def test_a_rotated_token_works(at: At, store: Store, behind: Store, gate: Gate) -> None:
    for after in itertools.count():
        token = behind.new_token()
        store.state(token)["n"] = 1
        state = behind.state(token)
        gate.cut(at, after=after)
        assert store.state(state.rotate() or "")["n"] == 1
        if gate.mend():
            return
