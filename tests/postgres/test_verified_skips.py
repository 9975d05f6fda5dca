"""A write is skipped because the value is there already: then it is there, and not in a cache."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from noise import noise

from streamlit_pgstate import State, Store

SIZES = {"small": b"old", "large": noise(2**17)}


@pytest.fixture
def url(emptied_url: str) -> str:
    """Replaces the fixture of the same name: no test of this file leaves other tables."""
    return emptied_url


@pytest.fixture
def other(store: Store, token: str) -> State:
    """Another tab's, which writes behind this one's back."""
    return store.state(token)


def amend(state: State, key: str, value: Any) -> None:
    session = state._session
    session.amend({key: session.encode(key, value)}, [])


WRITES: dict[str, Callable[[State, Any], object]] = {
    "set": lambda state, value: state.set("k", value),
    "[]": lambda state, value: state.__setitem__("k", value),
    "update": lambda state, value: state.update({"k": value, "other": 1}),
    "modify": lambda state, value: state.modify("k", lambda _: value),
    "amend": lambda state, value: amend(state, "k", value),
}
BEHIND: dict[str, Callable[[State], object]] = {
    "set": lambda other: other.set("k", b"theirs"),
    "delete": lambda other: other.delete("k"),
    "clear": lambda other: other.clear(),
    "modify": lambda other: other.modify("k", lambda _: noise(2**17)[::-1]),
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("behind", BEHIND)
@pytest.mark.parametrize("write", WRITES)
def test_what_a_job_sets_is_there_whatever_its_cache_says(
    write: str, behind: str, size: str, state: State, other: State, store: Store, token: str
) -> None:
    value = SIZES[size]
    state.update({"k": value, "other": 1})
    other.refresh()
    BEHIND[behind](other)
    WRITES[write](state, value)
    assert store.state(token)["k"] == value


def test_modify_answers_with_what_the_database_holds(state: State, other: State) -> None:
    state["owner"] = "A"
    other["owner"] = "B"
    assert state.modify("owner", lambda owner: owner or "A") == "B"
    state["most"] = 5
    other["most"] = 9
    assert state.modify("most", lambda held: max(held, 5)) == 9


def test_modify_of_a_value_that_another_has_deleted_begins_with_the_default(
    state: State, other: State
) -> None:
    state["n"] = 7
    del other["n"]
    assert state.modify("n", lambda n: n, default=0) == 0
    assert state["n"] == 0


def test_a_run_asks_again_though_the_run_before_has_read_it(
    state: State, other: State, store: Store, token: str, in_a_run: Callable[..., object]
) -> None:
    state["k"] = b"old"
    in_a_run(state.refresh)
    other.delete("k")
    in_a_run(lambda: state.set("k", b"old"))
    assert store.state(token)["k"] == b"old"
