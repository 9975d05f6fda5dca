"""A state is a mapping as `dict` is one: its keys, its views, and several keys at once."""

from __future__ import annotations

import enum
import io
import json
import types
from collections import ChainMap
from collections.abc import Callable, KeysView, Mapping
from typing import Any, ClassVar

import numpy as np
import pytest

from streamlit_pgstate import ConfigError, InvalidKey, PgStateError, State, Store, UnsupportedType

# Keys that are no plain text


class Choice(str, enum.Enum):  # noqa: UP042 - the very habit that is tried
    PAGE = "page"


class Loud(str):
    """Text that lies about itself in every way that a class can."""

    __slots__ = ()

    def __str__(self) -> str:
        return "another"

    def __repr__(self) -> str:
        return "another"

    def __len__(self) -> int:
        return 0

    def __format__(self, spec: str) -> str:
        return "another"

    def __contains__(self, part: object) -> bool:
        return True


OF_STR = {
    "class K(str, Enum)": Choice.PAGE,
    "StrEnum": enum.StrEnum("Named", {"PAGE": "page"}).PAGE,  # type: ignore[attr-defined]
    "numpy.str_": np.str_("page"),
    "a class of the user's own": Loud("page"),
}


@pytest.mark.parametrize("kind", OF_STR)
def test_every_verb_takes_the_text_of_a_key_of_a_class_of_str(
    kind: str, state: State, store: Store, token: str
) -> None:
    key = OF_STR[kind]

    def held() -> dict[str, object]:
        found = dict(store.state(token))
        assert [type(name) for name in found] == [str] * len(found)
        return found

    state.set(key, 1)
    assert held() == {"page": 1}
    assert state.modify(key, lambda n: n + 1, default=0) == 2
    assert state.get(key) == state[key] == state["page"] == 2
    assert key in state
    assert state.setdefault(key, 5) == 2
    state.update({key: 3})
    assert held() == {"page": 3}
    state |= {key: 4}
    assert [*state.keys()] == [*state] == ["page"]
    assert all(type(name) is str for name in (*state.keys(), *dict(state.items())))
    assert state.pop(key) == 4
    assert state.modify(key, lambda n: n + 1, default=0) == 1
    assert state.delete(key)
    assert state.setdefault(key, 6) == 6
    assert held() == {"page": 6}
    del state[key]
    assert held() == {}


def test_a_large_value_under_a_key_of_a_class_of_str_is_read(state: State) -> None:
    state[Choice.PAGE] = b"x" * 2**20
    assert state[Choice.PAGE] == state.get(Choice.PAGE) == b"x" * 2**20
    state.delete(Choice.PAGE)
    assert state.get(Choice.PAGE) is None


NOT_TEXT = [5, None, b"k", ("a",), 1.5, frozenset()]


@pytest.mark.parametrize("key", NOT_TEXT, ids=repr)
def test_a_key_that_is_not_text_holds_nothing(state: State, key: Any) -> None:
    assert key not in state
    assert state.get(key) is None
    assert state.get(key, "default") == "default"
    assert state.pop(key, "default") == "default"


@pytest.mark.parametrize("key", NOT_TEXT, ids=repr)
def test_a_key_that_is_not_text_is_refused_where_it_should_hold_something(
    state: State, key: Any
) -> None:
    verbs: list[Callable[[], object]] = [
        lambda: state[key],
        lambda: state.pop(key),
        lambda: state.__delitem__(key),
        lambda: state.set(key, 1),
        lambda: state.update({"good": 1, key: 1}),
        lambda: state.update([("good", 1), (key, 1)]),
        lambda: state.modify(key, lambda n: n, 0),
        lambda: state.setdefault(key, 1),
        lambda: state.delete(key),
    ]
    for verb in verbs:
        with pytest.raises(InvalidKey, match=r"^A key must be text, not \w+: use str\(key\)\.$"):
            verb()
    assert dict(state) == {}


def test_a_wrong_key_is_a_key_error_too(state: State) -> None:
    with pytest.raises(KeyError):
        state[5]  # type: ignore[index]
    with pytest.raises(ValueError, match="must be text"):
        state[5]  # type: ignore[index]


# Keys as a view


def test_the_keys_are_a_sorted_view_with_the_operations_of_a_set(state: State) -> None:
    state.update(c=1, a=2, b=3)
    keys = state.keys()
    assert isinstance(keys, KeysView)
    assert isinstance(keys, list)
    assert (keys[0], repr(keys)) == ("a", json.dumps(keys).replace('"', "'"))
    assert keys & ["a", "z"] == {"a"} == ["a", "z"] & keys
    assert {"a", "z"} - keys == {"z"}
    assert keys.isdisjoint({"z"})
    assert keys & {"a", "z"} == {"a"}
    assert keys | {"z"} == {"a", "b", "c", "z"}
    assert keys - {"a"} == {"b", "c"}
    assert keys ^ {"a", "z"} == {"b", "c", "z"}
    assert {"a"} < keys <= {"a", "b", "c"}
    assert keys == {"a", "b", "c"} == {"c": 1, "a": 1, "b": 1}.keys() == keys
    assert keys == ["a", "b", "c"]
    assert keys != ["c", "b", "a"]
    assert [*reversed(keys)] == [*reversed(state)] == ["c", "b", "a"]
    assert len(keys) == 3
    assert 5 not in keys
    with pytest.raises(TypeError):
        hash(keys)


def test_a_view_of_the_keys_stays_as_it_was(state: State, store: Store, token: str) -> None:
    state.update(a=1, b=2)
    keys = state.keys()
    store.state(token).delete("a")
    state.refresh()
    state["c"] = 3
    assert [*keys] == ["a", "b"]
    assert [*state.keys()] == ["b", "c"]


# Several keys at once


UPDATES: dict[str, tuple[list[Any], dict[str, Any]]] = {
    "keywords": ([], {"a": 1, "b": 2}),
    "an empty dict and keywords": ([{}], {"a": 1, "b": 2}),
    "keywords go before the dict": ([{"a": 0}], {"a": 1, "b": 2}),
    "pairs": ([[("a", 1), ("b", 2)]], {}),
    "a dict's items and keywords": ([{"a": 1}.items()], {"b": 2}),
    "another mapping": ([ChainMap({"a": 1}, {"a": 5, "b": 2})], {}),
}


@pytest.mark.parametrize("case", UPDATES)
def test_update_takes_what_that_of_a_dict_takes(state: State, case: str) -> None:
    positional, named = UPDATES[case]
    state.update(*positional, **named)
    assert dict(state) == {"a": 1, "b": 2}


def test_update_takes_pairs_that_can_be_read_once(state: State) -> None:
    state.update(iter([("a", 1), ("b", 2)]))
    assert dict(state) == {"a": 1, "b": 2}


def test_update_without_anything_creates_nothing(state: State) -> None:
    state.update()
    state.update({})
    state.update([])
    assert state.session().created_at is None


def test_a_state_takes_part_in_the_unions_of_dicts(state: State) -> None:
    state.update(a=1, b=2)
    same = state
    state |= {"b": 3}
    state |= [("c", 4)]
    assert state is same
    assert dict(state) == {"a": 1, "b": 3, "c": 4}
    joined, joined_after = state | {"a": 0}, {"a": 0, "d": 5} | state
    assert joined == {"a": 0, "b": 3, "c": 4}
    assert joined_after == {"a": 1, "d": 5, "b": 3, "c": 4}
    assert type(joined) is type(joined_after) is dict
    with pytest.raises(TypeError):
        state | [("a", 1)]  # type: ignore[operator]


def test_popitem_takes_another_key_where_the_first_was_just_deleted(
    state: State, store: Store, token: str
) -> None:
    state.update(a=1, b=2)
    state.keys()
    store.state(token).delete("a")
    assert {state.popitem()[0] for _ in range(len(store.state(token)))} <= {"a", "b"}
    with pytest.raises(KeyError, match="no key holds a value"):
        state.popitem()


# setdefault


CHANGEABLE = [[], {}, set(), bytearray(), ([],), np.zeros(2), io.BytesIO(), types.SimpleNamespace()]


@pytest.mark.parametrize("default", CHANGEABLE, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("is_there", [False, True], ids=["missing", "there"])
def test_setdefault_refuses_what_can_be_changed_in_place_and_shows_modify(
    state: State, default: Any, *, is_there: bool
) -> None:
    if is_there:
        state["notes"] = default
    with pytest.raises(ConfigError, match=r"modify\('notes', function, default=…\)") as caught:
        state.setdefault("notes", default)
    assert type(default).__name__ in str(caught.value)
    assert isinstance(caught.value, PgStateError)
    assert ("notes" in state) is is_there


@pytest.mark.parametrize("default", [None, 1, "text", (1, "a"), b"x", frozenset({1})], ids=repr)
def test_setdefault_stores_what_cannot_be_changed_in_place(
    state: State, store: Store, token: str, default: object
) -> None:
    assert state.setdefault("k", default) == default
    assert store.state(token)["k"] == default
    assert state.setdefault("k", "another") == default


def test_setdefault_refuses_an_object_of_attributes_and_takes_an_enum(state: State) -> None:
    class Cart:
        items: ClassVar[list[int]] = []

    with pytest.raises(ConfigError, match="does not take a Cart"):
        state.setdefault("cart", Cart())
    with pytest.raises(UnsupportedType, match="not registered"):
        state.setdefault("page", Choice.PAGE)  # only as this one is not registered


def test_update_takes_a_key_of_any_name(state: State) -> None:
    state.update({"a": 1}, self=2, values=3, other=4)
    assert dict(state) == {"a": 1, "self": 2, "values": 3, "other": 4}


def test_what_setdefault_shows_does_what_was_meant(state: State) -> None:
    for number in range(3):
        state.modify("notes", lambda notes, n=number: [*notes, n], default=[])  # type: ignore[misc]
    assert state["notes"] == [0, 1, 2]


def test_a_state_is_a_mapping_for_whoever_asks(state: State) -> None:
    assert isinstance(state, Mapping)
    state["a"] = 1
    match state:
        case {"a": found, **rest}:
            assert (found, rest) == (1, {})
        case _:
            pytest.fail("no mapping")
