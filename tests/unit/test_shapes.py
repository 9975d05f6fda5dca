"""Which shapes a process reads and writes: the table of cases; and what `upgrade` gets."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from streamlit_pgstate.errors import InvalidKey
from streamlit_pgstate.postgres.rows import SessionRef
from streamlit_pgstate.postgres.shapes import Fit, fit, known_to, newer
from streamlit_pgstate.settings import Settings
from streamlit_pgstate.state.stored_values import StoredValues

FITS = [
    # stored, known
    ("nothing is stored", 0, 2, Fit.SAME),
    ("the same", 2, 2, Fit.SAME),
    ("an older deploy's", 1, 2, Fit.OLDER),
    ("that of a deploy before the last one", 1, 3, Fit.OLDER),
    ("a newer deploy's", 3, 2, Fit.NEWER),
    ("any, for a job that sets no shape", 3, None, Fit.SAME),
    ("nothing, for a job that sets no shape", 0, None, Fit.SAME),
]


@pytest.mark.parametrize(("why", "stored", "known", "then"), FITS)
def test_how_stored_values_fit(why: str, stored: int, known: int | None, then: Fit) -> None:
    assert fit(stored, known) is then, why


@pytest.mark.parametrize(
    ("setting", "is_of_page", "known"),
    [(None, True, 1), (None, False, None), (1, False, 1), (3, True, 3), (3, False, 3)],
)
def test_which_shape_a_process_knows(
    setting: int | None, is_of_page: bool, known: int | None
) -> None:
    ref = SessionRef(uuid.uuid4(), is_of_page=is_of_page)
    assert known_to(Settings(shape=setting), ref) == known


def test_the_error_names_both_shapes() -> None:
    error = newer(3, 2)
    assert (error.stored, error.known) == (3, 2)
    assert "has shape 3" in str(error)
    assert "set shape=3" in str(error)


class Reader:
    """A way to read that notes what was read."""

    def __init__(self, **stored: Any) -> None:
        self.stored = stored
        self.read: list[str] = []

    def __call__(self, key: str) -> Any:
        self.read.append(key)
        return self.stored[key]


@pytest.fixture
def reader() -> Reader:
    return Reader(a=1, b=[2], c="three")


@pytest.fixture
def values(reader: Reader) -> StoredValues:
    return StoredValues(reader.stored, reader)


def test_only_what_is_touched_is_read_and_once(values: StoredValues, reader: Reader) -> None:
    assert list(values) == ["a", "b", "c"]
    assert len(values) == 3
    assert "b" in values
    assert "z" not in values
    assert values.get("z", 0) == 0
    assert reader.read == []
    assert values["b"] is values["b"]
    assert reader.read == ["b"]


CHANGES: list[tuple[str, Callable[[StoredValues], object], dict[str, Any], list[str]]] = [
    ("nothing", lambda values: None, {}, []),
    ("a value", lambda values: values.update(a=2), {"a": 2}, []),
    ("a value in place", lambda values: values["b"].append(3), {"b": [2, 3]}, []),
    ("a name", lambda values: values.update(d=values.pop("a")), {"d": 1}, ["a"]),
    ("deleted", lambda values: values.pop("c"), {}, ["c"]),
    ("deleted and set", lambda values: (values.pop("a"), values.update(a=5)), {"a": 5}, []),
    ("set and deleted", lambda values: (values.update(d=1), values.pop("d")), {}, []),
    ("cleared", lambda values: values.clear(), {}, ["a", "b", "c"]),
    ("returned", lambda values: values.replace({"a": 1, "d": 2}), {"a": 1, "d": 2}, ["b", "c"]),
    ("returned as it is", lambda values: values.replace(values), {}, []),
]


@pytest.mark.parametrize(("why", "change", "used", "deleted"), CHANGES)
def test_what_has_changed(
    values: StoredValues,
    why: str,
    change: Callable[[StoredValues], object],
    used: dict[str, Any],
    deleted: list[str],
) -> None:
    change(values)
    assert (values.used, values.deleted) == (used, deleted), why


def test_a_missing_key_is_named(values: StoredValues) -> None:
    with pytest.raises(KeyError, match="cart"):
        values["cart"]
    with pytest.raises(KeyError):
        del values["cart"]
    assert values.last == "cart"
    with pytest.raises(InvalidKey):
        values["a\0b"] = 1
    assert "'a', 'b', 'c'" in repr(values)
