"""Going through a state while keys expire, and other threads and tabs change it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from noise import noise

from streamlit_pgstate import State, Store, register
from streamlit_pgstate.postgres.rows import SMALL
from streamlit_pgstate.state.kept_values import OF_PROCESS

KEYS = ["a", "b", "c", "d"]


@pytest.fixture
def url(emptied_url: str) -> str:
    """Replaces the fixture of the same name: no test of this file changes the tables."""
    return emptied_url


def keyword_arguments(**arguments: Any) -> dict[str, Any]:
    return arguments


def filled(state: State) -> dict[str, Any]:
    found: dict[str, Any] = {}
    found.update(state)
    return found


WHOLE: list[Callable[[State], dict[str, Any]]] = [
    dict,
    filled,
    lambda state: {**state},
    lambda state: keyword_arguments(**state),
    lambda state: {key: state[key] for key in state},
    lambda state: {key: state[key] for key in state.keys()},  # noqa: SIM118 - another way to ask
    lambda state: dict(state.items()),
    lambda state: dict(zip(KEYS, state.values(), strict=True)),
]


class Interruption:
    """A value at whose reading something else happens: all that Python does meanwhile."""

    happens: Callable[[], None] = staticmethod(lambda: None)


def interrupted(_: object) -> Interruption:
    Interruption.happens()
    return Interruption()


register(Interruption, name="interruption", dump=lambda _: None, load=interrupted)


@pytest.fixture
def meanwhile(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Callable[[], object]], None]:
    """Have another thread do something, once, while the value of the first key is being read."""
    state.update({"a": Interruption(), "b": 2, "c": 3, "d": 4})

    def have(what: Callable[[], object]) -> None:
        def happens() -> None:
            monkeypatch.setattr(Interruption, "happens", lambda: None)
            thread = threading.Thread(target=what)
            thread.start()
            thread.join()

        monkeypatch.setattr(Interruption, "happens", happens)

    return have


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[float], None]]:
    """Moves the clock that a cache counts by; the database's stays."""
    moved = 0.0

    def move(seconds: float) -> None:
        nonlocal moved
        moved = seconds

    monkeypatch.setattr(
        "streamlit_pgstate.state.cache.time",
        SimpleNamespace(monotonic=lambda: time.monotonic() + moved),
    )
    return move


@pytest.mark.parametrize("whole", WHOLE)
def test_a_ttl_may_run_out_meanwhile(
    state: State,
    meanwhile: Callable[[Callable[[], object]], None],
    clock: Callable[[float], None],
    whole: Callable[[State], dict[str, Any]],
) -> None:
    for key in "bd":
        state.set(key, key, ttl=60)
    meanwhile(lambda: clock(61))
    found = whole(state)
    assert {**found, "a": 1} == {"a": 1, "b": "b", "c": 3, "d": "d"}
    assert state.keys() == ["a", "c"]


@pytest.mark.parametrize("whole", WHOLE)
def test_another_thread_may_delete_meanwhile(
    state: State,
    meanwhile: Callable[[Callable[[], object]], None],
    whole: Callable[[State], dict[str, Any]],
) -> None:
    meanwhile(lambda: [state.delete(key) for key in "bd"])
    found = whole(state)
    assert {**found, "a": 1} == {"a": 1, "b": 2, "c": 3, "d": 4}
    assert state.keys() == ["a", "c"]


@pytest.mark.parametrize("whole", WHOLE)
def test_another_thread_may_refresh_meanwhile(
    state: State,
    store: Store,
    token: str,
    meanwhile: Callable[[Callable[[], object]], None],
    whole: Callable[[State], dict[str, Any]],
) -> None:
    def elsewhere() -> None:
        other = store.state(token)
        del other["b"], other["d"]
        other["z"] = "new"
        state.refresh()

    meanwhile(elsewhere)
    found = whole(state)
    assert {**found, "a": 1} == {"a": 1, "b": 2, "c": 3, "d": 4}
    assert state.keys() == ["a", "c", "z"]


@pytest.mark.parametrize("whole", WHOLE)
def test_a_state_without_a_cache_is_gone_through_too(
    state: State,
    store: Store,
    token: str,
    meanwhile: Callable[[Callable[[], object]], None],
    whole: Callable[[State], dict[str, Any]],
) -> None:
    uncached = store.state(token, cache=False)
    meanwhile(lambda: [state.delete(key) for key in "bd"])
    found = whole(uncached)
    assert {**found, "a": 1} == {"a": 1, "b": 2, "c": 3, "d": 4}
    assert uncached.keys() == ["a", "c"]


def test_items_and_values_leave_out_a_large_value_that_was_deleted_elsewhere(
    state: State, store: Store, token: str
) -> None:
    large = noise(SMALL + 1)
    state.update({"a": large, "b": noise(SMALL + 2), "c": large + b"c", "d": 4})
    there = store.state(token)
    del state["a"]
    state.set("b", "replaced")
    assert list(there.items()) == [("b", "replaced"), ("c", large + b"c"), ("d", 4)]
    for view in (there.items(), there.values()):
        assert len(view) == len(list(view)) == 3
    again = store.state(token)
    del state["c"]
    assert list(again.values()) == ["replaced", 4]


def test_large_values_are_read_one_after_the_other(
    state: State, store: Store, token: str, round_trips: Callable
) -> None:
    state.update({key: noise(SMALL + 1, key) for key in KEYS})
    OF_PROCESS.clear()
    there = store.state(token)
    for view in (there.items(), there.values()):
        with round_trips() as trips:
            iterator = iter(view)
            assert next(iterator)
        assert len(trips) <= 1
    with round_trips() as trips:
        assert dict(there) == dict(state)
    assert len(trips) == 3


def test_the_views_are_those_of_a_mapping(state: State) -> None:
    state.update({"b": [2], "a": 1})
    assert list(state.items()) == [("a", 1), ("b", [2])]
    assert list(state.values()) == [1, [2]]
    assert ("b", [2]) in state.items()
    assert ("b", 2) not in state.items()
    assert [2] in state.values()
    assert 3 not in state.values()
    assert state == {"a": 1, "b": [2]}
    items = state.items()
    state["c"] = 3
    assert len(items) == 3
    assert list(items)[-1] == ("c", 3)


def test_a_changed_value_is_told_as_it_is_now(state: State) -> None:
    """Only what is gone is told as it was: no thread reads what another has replaced."""
    state.update({"a": 1, "b": 2})
    assert state.keys() == ["a", "b"]
    thread = threading.Thread(target=state.update, args=({"a": "new", "b": "new"},))
    thread.start()
    thread.join()
    assert (state["a"], state["b"]) == ("new", "new")


@pytest.mark.parametrize(
    "verb",
    [
        lambda state: state.delete("a"),
        lambda state: state.clear(),
        lambda state: state.refresh(),
        lambda state: state.set("c", 3),
        lambda state: state.modify("c", lambda _: 3),
        lambda state: state._session.amend({}, ["a"]),
        lambda state: state.forget(),
        lambda state: state.pop("a", None),
        lambda state: state.get("a"),
        lambda state: "a" in state,
    ],
)
def test_who_does_anything_else_is_told_that_a_key_is_gone(
    state: State, verb: Callable[[State], object]
) -> None:
    state.update({"a": 1, "b": 2})
    assert state.keys() == ["a", "b"]
    thread = threading.Thread(target=state.delete, args=("a",))
    thread.start()
    thread.join()
    verb(state)
    with pytest.raises(KeyError):
        state["a"]
    assert state.get("a") is None


def test_pop_gives_a_value_to_one_and_the_default_to_the_others(
    state: State, store: Store, token: str
) -> None:
    state["k"] = 1
    others = [store.state(token) for _ in range(3)]
    assert [each.pop("k", None) for each in (state, *others)] == [1, None, None, None]
    with pytest.raises(KeyError):
        state.pop("k")
