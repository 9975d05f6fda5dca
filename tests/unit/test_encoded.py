"""A value is taken for one that was encoded before only if its bytes are the same."""

from __future__ import annotations

import datetime as dt
import math
from enum import IntEnum, StrEnum
from typing import Any

import pytest

from streamlit_pgstate import UnsupportedType, codecs
from streamlit_pgstate.persistence.encoded import remembered
from streamlit_pgstate.persistence.key import PersistedKey

Berlin = dt.timezone(dt.timedelta(hours=1))


class Number(IntEnum):
    ONE = 1


class Word(StrEnum):
    ONE = "1"


class Day(dt.date):
    pass


class Text(str):
    __slots__ = ()


NOON = dt.datetime(2026, 10, 25, 12)
AWARE = NOON.replace(tzinfo=dt.UTC)

VALUES: list[Any] = [
    *(None, True, False, 0, 1, 0.0, -0.0, 1.0, math.nan, math.inf, -1, 2**70, 2.0**70, "", "1"),
    *("a", "ä", "\ud800", b"a", 1 + 0j, Number.ONE, Word.ONE, Text("a")),
    *([], (), [1], (1,), [1.0], [True], [0.0], [-0.0], [math.nan], ["a"], ["a", "b"], [[1]], {1}),
    *({}, {"a": 1}, [None], [Number.ONE], [Text("a")]),
    *(dt.date(2026, 10, 25), Day(2026, 10, 25), NOON, NOON.replace(fold=1), AWARE),
    *(AWARE.astimezone(Berlin), NOON.time(), NOON.time().replace(fold=1), AWARE.timetz()),
    (dt.date(2026, 1, 1), dt.date(2026, 1, 2)),
]


def payload(value: object) -> codecs.Payload | None:
    try:
        return codecs.encode(value, key="k")
    except UnsupportedType:
        return None


def test_it_is_the_same_only_if_its_bytes_are() -> None:
    for value in VALUES:
        encoded = payload(value)
        known = remembered(value, encoded) if encoded else None
        same = [other for other in VALUES if known is not None and known.is_of(other)]
        assert [payload(other) for other in same] == [encoded] * len(same)
        assert {type(other) for other in same} <= {type(value)}


@pytest.mark.parametrize(
    "value",
    [
        *("the same text", 12345, 1.5, True, None, dt.date(2026, 1, 1), NOON, NOON.time()),
        *(["a", "b"], (1.5, 2.5), [], (dt.date(2026, 1, 1), dt.date(2026, 1, 2))),
    ],
)
def test_an_equal_value_of_a_widget_is_the_same(value: Any) -> None:
    encoded = codecs.encode(value, key="k")
    known = remembered(value, encoded)
    assert known is not None
    assert known.is_of(codecs.decode(encoded, key="k"))


def test_a_list_that_was_changed_in_place_is_another_one() -> None:
    chosen = ["a", "b"]
    known = remembered(chosen, codecs.encode(chosen, key="k"))
    assert known is not None
    assert known.is_of(chosen)
    chosen[0] = "c"
    assert not known.is_of(chosen)
    chosen[:] = ["a", "b", "c"]
    assert not known.is_of(chosen)


def test_what_another_thread_appends_while_it_is_encoded_is_not_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chosen, encode = ["a"], codecs.encode

    def interrupted(value: Any, **more: Any) -> codecs.Payload:
        found = encode(value, **more)
        chosen.append("b")
        return found

    persisted = PersistedKey("k")
    monkeypatch.setattr(codecs, "encode", interrupted)
    assert persisted.encode(chosen) == encode(["a"], key="k")
    monkeypatch.undo()
    assert persisted.encode(chosen) == encode(["a", "b"], key="k")


def test_what_can_change_within_is_not_remembered() -> None:
    for value in ([[1]], {"a": 1}, [{}], {1}, bytearray(b"a"), "v" * 1024):
        assert remembered(value, codecs.encode(value, key="k")) is None
