"""A new token for the same state: no browser is ever left with a token that opens nothing."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from gate import Gate

from streamlit_pgstate import State, Store, StoreUnavailable, UnknownToken

SQL = psycopg.Connection[Any]


def rotated(state: State) -> str:
    token = state.rotate()
    assert token is not None
    return token


def let_the_grace_pass(sql: SQL) -> None:
    sql.execute(
        """UPDATE pgstate.session SET rotated_at = rotated_at - interval '2 minutes',
        pending_at = pending_at - interval '2 minutes'"""
    )


def opens(store: Store, token: str) -> bool:
    try:
        return bool(store.state(token)["k"] == 1)
    except UnknownToken:
        return False


def test_the_old_token_goes_on_to_work_until_somebody_has_used_the_new_one(
    state: State, store: Store, token: str, sql: SQL
) -> None:
    new = rotated(state)
    assert new != token
    let_the_grace_pass(sql)  # the server died before it could tell the browser, say
    assert opens(store, token)
    assert opens(store, new)
    assert opens(store, token), "in its grace"
    let_the_grace_pass(sql)
    assert not opens(store, token)
    assert opens(store, new)


def test_what_the_tab_itself_does_with_the_new_token_does_not_end_the_old_one(
    state: State, store: Store, token: str, sql: SQL
) -> None:
    rotated(state)
    state["other"] = 2
    state.refresh()
    let_the_grace_pass(sql)
    assert opens(store, token)


def test_the_old_token_writes_in_its_grace(state: State, store: Store, token: str) -> None:
    new = store.state(rotated(state))
    store.state(token)["other"] = 2
    new.refresh()
    assert new["other"] == 2


def test_until_it_is_used_a_second_call_returns_the_same_token(state: State, store: Store) -> None:
    new = rotated(state)
    assert state.rotate() == new
    assert rotated(store.state(new)) != new


def test_the_token_before_the_last_but_one_is_refused_at_once(
    state: State, store: Store, token: str
) -> None:
    second = rotated(state)
    third = rotated(store.state(second))
    assert opens(store, third)
    assert not opens(store, token)
    assert opens(store, second), "in its grace"


def test_of_two_tabs_that_rotate_at_once_one_does(
    state: State, store: Store, token: str, sql: SQL
) -> None:
    other = store.state(token)
    new = rotated(state)
    assert other.rotate() is None
    assert opens(store, new)
    let_the_grace_pass(sql)
    assert opens(store, new)


def test_of_many_tabs_that_rotate_at_once_one_does(store: Store, token: str, state: State) -> None:
    tabs = [store.state(token) for _ in range(8)]
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda tab: tab.rotate(), tabs))
    (new,) = [token for token in found if token is not None]
    assert opens(store, new)
    assert opens(store, token)


def test_a_token_in_its_grace_cannot_rotate(state: State, store: Store, token: str) -> None:
    """Else who has planted a token could lock the owner out, after the rotation at a login."""
    planted = store.state(token)
    new = rotated(state)
    assert opens(store, new)
    assert planted.rotate() is None
    assert opens(store, new)


def test_a_rotation_that_no_browser_has_heard_of_can_be_replaced_later(
    state: State, store: Store, token: str, sql: SQL
) -> None:
    lost = rotated(state)
    let_the_grace_pass(sql)
    assert store.state(token).rotate() is None
    sql.execute("UPDATE pgstate.session SET pending_at = pending_at - interval '24 hours'")
    new = rotated(store.state(token))
    assert not opens(store, lost)
    assert opens(store, new)


def test_the_browser_confirms_by_the_tab_that_has_rotated(
    state: State, store: Store, token: str, sql: SQL
) -> None:
    new = rotated(state)
    state._session.present()
    state.refresh()
    let_the_grace_pass(sql)
    assert not opens(store, token)
    assert opens(store, new)


def test_another_tab_follows_by_the_token_that_its_browser_has(
    state: State, store: Store, token: str, sql: SQL
) -> None:
    from streamlit_pgstate.postgres.rows import SessionRef

    other = store.state(token)
    new = rotated(state)
    other._session.follow(SessionRef.of(store._tables.signer.check(new)))
    let_the_grace_pass(sql)
    assert not opens(store, token)
    other["other"] = state["k"]


@pytest.mark.parametrize("fault", [Gate.losing_answers, Gate.muted, Gate.frozen])
def test_a_rotation_whose_answer_is_lost_is_asked_for_again(
    fault: Callable[[Gate], Any], state: State, store: Store, behind: Store, gate: Gate, token: str
) -> None:
    tab = behind.state(token)
    with fault(gate), pytest.raises(StoreUnavailable):
        tab.rotate()
    assert opens(store, token)
    new = rotated(tab)
    assert opens(store, new)
    tab["other"] = 2


@pytest.mark.parametrize("rotations", [1, 2])
def test_a_replaced_token_cannot_forget_the_state(
    state: State, store: Store, token: str, sql: SQL, rotations: int
) -> None:
    old = store.state(token)
    new = state
    for _ in range(rotations):
        new = store.state(rotated(new))
    let_the_grace_pass(sql)
    with pytest.raises(UnknownToken):
        old.forget()
    new.refresh()
    assert new["k"] == 1


@pytest.mark.parametrize("by", ["old, pending", "new, pending", "old, in its grace"])
def test_a_token_that_opens_the_state_can_forget_it(
    state: State, store: Store, token: str, by: str
) -> None:
    old, new = store.state(token), rotated(state)
    if by == "old, in its grace":
        store.state(new)
    (state if by == "new, pending" else old).forget()
    assert not opens(store, token)
    assert not opens(store, new)


VERBS: list[Callable[[State], object]] = [
    lambda state: state.set("k", 2),
    lambda state: state.set("large", b"x" * 100_000),
    lambda state: state.update({"k": 2, "new": 3}),
    lambda state: state.modify("k", lambda n: 5),
    lambda state: state.delete("k"),
    lambda state: state.clear(),
    lambda state: state.refresh(),
    lambda state: state.session(),
    lambda state: state.rotate(),
]


@pytest.mark.parametrize("verb", VERBS, ids=range(9))
def test_an_open_state_under_a_replaced_token_can_do_nothing(
    state: State, store: Store, token: str, sql: SQL, verb: Callable[[State], object]
) -> None:
    old = store.state(token)
    store.state(rotated(state))
    let_the_grace_pass(sql)
    before = sql.execute("SELECT * FROM pgstate.entry").fetchall()
    with pytest.raises(UnknownToken):
        verb(old)
    assert sql.execute("SELECT * FROM pgstate.entry").fetchall() == before


def test_a_state_without_a_row_rotates_to_another_empty_one(store: Store, sql: SQL) -> None:
    state = store.state(store.new_token())
    new = rotated(state)
    assert sql.execute("SELECT count(*) FROM pgstate.session").fetchone() == (0,)
    state["k"] = 1
    assert opens(store, new)


def test_a_state_that_was_opened_by_its_id_has_no_token_to_rotate(
    state: State, store: Store
) -> None:
    with pytest.raises(UnknownToken, match="opened by its id"):
        store.state_of(state.id).rotate()
