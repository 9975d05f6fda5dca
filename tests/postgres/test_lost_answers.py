"""A write whose answer is lost was perhaps stored: what comes after it believes neither."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from everything import in_everything
from gate import Gate
from noise import noise

from streamlit_pgstate import State, Store, StoreUnavailable, connect

pytestmark = pytest.mark.faults

SIZES = {"small": b"old", "large": noise(2**17)}


@pytest.fixture
def url(emptied_url: str, reads_rows: None) -> str:
    """Replaces the fixture of the same name: no test of this file leaves other tables."""
    return emptied_url


@pytest.fixture
def behind(gate: Gate) -> Iterator[Store]:
    """A store that reaches its database through the gate."""
    store = connect(gate.url, timeout=0.5)
    yield store
    store.close()


def amend(state: State, values: dict[str, Any], deleted: list[str]) -> None:
    session = state._session
    session.amend({key: session.encode(key, value) for key, value in values.items()}, deleted)


CHANGES: dict[str, Callable[[State], object]] = {
    "set": lambda state: state.set("k", b"new"),
    "set with a ttl": lambda state: state.set("k", b"new", ttl=3600),
    "update": lambda state: state.update({"k": b"new", "other": 1}),
    "modify": lambda state: state.modify("k", lambda _: b"new"),
    "amend": lambda state: amend(state, {"k": b"new"}, []),
    "delete": lambda state: state.delete("k"),
    "clear": lambda state: state.clear(),
}
WAYS_BACK: dict[str, Callable[[State, bytes], object]] = {
    "set": lambda state, old: state.set("k", old),
    "update": lambda state, old: state.update({"k": old}),
    "modify": lambda state, old: state.modify("k", lambda _: old),
    "amend": lambda state, old: amend(state, {"k": old}, []),
    "refresh, then set": lambda state, old: (state.refresh(), state.set("k", old)),
}


@pytest.mark.parametrize(
    ("back", "size"),
    [
        *((back, "small") for back in WAYS_BACK),
        ("set", "large"),
        *in_everything(*((back, "large") for back in WAYS_BACK if back != "set")),
    ],
)
@pytest.mark.parametrize("change", CHANGES)
def test_the_former_value_can_be_set_again(
    change: str, back: str, size: str, store: Store, behind: Store, gate: Gate
) -> None:
    token, old = store.new_token(), SIZES[size]
    state = behind.state(token)
    state["k"] = old
    with gate.losing_answers(), pytest.raises(StoreUnavailable):
        CHANGES[change](state)
    WAYS_BACK[back](state, old)
    assert store.state(token)["k"] == old


@pytest.mark.parametrize("change", ["set", "delete", *in_everything(*CHANGES)])
def test_the_former_value_can_be_set_again_after_an_answer_that_did_not_come_in_time(
    change: str, store: Store, behind: Store, gate: Gate
) -> None:
    token = store.new_token()
    state = behind.state(token)
    state["k"] = b"old"
    with gate.muted(), pytest.raises(StoreUnavailable):
        CHANGES[change](state)
    state["k"] = b"old"
    assert store.state(token)["k"] == b"old"


def test_a_key_that_was_perhaps_stored_can_be_deleted(
    store: Store, behind: Store, gate: Gate
) -> None:
    token = store.new_token()
    state = behind.state(token)
    state["other"] = 1
    with gate.muted(), pytest.raises(StoreUnavailable):
        state["k"] = 1
    amend(state, {}, ["k"])
    assert store.state(token).keys() == ["other"]


def test_a_first_write_whose_answer_is_lost_can_be_repeated(
    store: Store, behind: Store, gate: Gate
) -> None:
    token = store.new_token()
    state = behind.state(token)
    with gate.muted(), pytest.raises(StoreUnavailable):
        state["k"] = 1
    state["k"] = 2
    assert store.state(token)["k"] == 2
