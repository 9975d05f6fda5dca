"""What a caller gets of a master is as exact as what was decoded, and shares nothing with it."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import inspect
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import numpy as np
import own_types
import pandas as pd
import pyarrow as pa
import pytest
from fingerprint import fingerprint
from hypothesis import given
from hypothesis import strategies as st
from strategies import arrays, frames
from strategies.anything import anything
from strategies.arrays import cells_of

from streamlit_pgstate.codecs import Master, decode, decode_with_master, encode, register


def master_of(value: object) -> Master | None:
    return decode_with_master(encode(value, key="k"), key="k")[1]


@given(
    st.one_of(
        frames.frames(),
        frames.series(),
        frames.lone_indexes(),
        frames.lone_arrays(),
        arrays.arrays(),
        anything(),
    )
)
def test_a_copy_is_what_would_be_decoded(value: object) -> None:
    payload = encode(value, key="k")
    decoded, master = decode_with_master(payload, key="k")
    if master is None:
        return
    exact = fingerprint(decode(payload, key="k"))
    for found in (decoded, master.copy(), master.copy()):
        assert fingerprint(found) == exact
        assert encode(found, key="k").digest == payload.digest


# --- who has one ----------------------------------------------------------------------------

DAYS = pd.date_range("2026", periods=3, freq="D")

HAVE_ONE: dict[str, Callable[[], object]] = {
    "text": lambda: "a" * 100,
    "bytes": lambda: b"a" * 100,
    "a dict of frames": lambda: {"a": pd.DataFrame({"n": [1]}), "b": [1, {"c": (2, {3})}]},
    "a dict of arrays": lambda: {"a": np.arange(6).reshape(2, 3, order="F")},
    "a frame": lambda: mixed(),
    "a frame with attrs": lambda: noted(pd.DataFrame({"n": [1]}), {"a": [np.arange(3)]}),
    "a frame of objects that nobody can change": lambda: pd.DataFrame(
        {"o": pd.Series([Decimal(1), None, dt.date(2026, 1, 1), ("a", 1), pd.NaT], dtype=object)}
    ),
    "a frame with repeated names": lambda: pd.DataFrame([[1, 2.0]], columns=["a", "a"]),
    "a frame that refuses repeated labels": lambda: pd.DataFrame({"n": [1]}).set_flags(
        allows_duplicate_labels=False
    ),
    "a frame with several levels": lambda: pd.DataFrame(
        {"n": [1, 2]}, index=pd.MultiIndex.from_product([["a", "b"], [1.5]], names=["x", None])
    ),
    "a Series": lambda: pd.Series([1, 2], DAYS[:2], name="n"),
    "a Series of categories": lambda: pd.Series(["a", "b"], dtype="category"),
    "an index with a frequency": lambda: DAYS,
    "an index of categories": lambda: pd.CategoricalIndex(["a", "b"], name="c"),
    "an extension array": lambda: pd.array([1, None], "Int8"),
}

HAVE_NONE: dict[str, Callable[[], object]] = {
    "a frame of lists": lambda: pd.DataFrame({"o": [[1], [2]]}),
    "a frame with an attribute of the user's own": lambda: with_own(pd.DataFrame({"n": [1]})),
    "a sparse frame": lambda: pd.DataFrame({"n": pd.arrays.SparseArray([0, 0, 1])}),
    "a registered type": lambda: own_types.Point(1, "a"),
    "a dict that holds one": lambda: {"a": own_types.Point(1, "a")},
    "a frame whose attrs hold one": lambda: noted(pd.DataFrame(), {"a": own_types.Point(1, 2)}),
    "an array, which is decoded as fast": lambda: np.arange(3),
    "a container of very many parts": lambda: [[n] for n in range(2000)],
    "a container of very many levels": lambda: functools.reduce(
        lambda all_, _: [all_], range(50), []
    ),
    "an array with named fields": lambda: [np.zeros(3, [("x", "f8"), ("y", "i4")])],
    "a Timestamp": lambda: [pd.Timestamp("2026")],
    "a frame of Timestamps": lambda: pd.DataFrame({"o": cells_of([pd.Timestamp("2026"), "a"])}),
    "a Period": lambda: [pd.Period("2026", "D")],
    "an Interval": lambda: [pd.Interval(pd.Timestamp("2026"), pd.Timestamp("2027"))],
}


def mixed() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "number": [1, 2, 3],
            "share": [0.5, -0.0, np.nan],
            "text": ["a", "b", None],
            "object": cells_of(["a", None, 2.5]),
            "kind": pd.Categorical(["x", "y", "x"]),
            "at": DAYS,
            "zoned": DAYS.tz_localize("Europe/Berlin"),
            "span": pd.interval_range(0, 3),
            "period": pd.period_range("2026", periods=3, freq="M"),
            "masked": pd.array([1, None, 3], "Int16"),
            "python": pd.array(["a", None, "c"], "string[python]"),
            "arrow": pd.array(["a", None, "c"], "string[pyarrow]"),
            "of arrow": pd.array([1, 2, None], pd.ArrowDtype(pa.int64())),
            "truth": [True, False, True],
        },
        index=pd.Index([10, 20, 30], name="row"),
    )


def noted(data: pd.DataFrame, attrs: dict[str, Any]) -> pd.DataFrame:
    data.attrs = attrs
    return data


def with_own(data: pd.DataFrame) -> pd.DataFrame:
    object.__setattr__(data, "note", "mine")
    return data


@pytest.mark.parametrize("make", HAVE_ONE.values(), ids=HAVE_ONE)
def test_these_are_copied(make: Callable[[], object]) -> None:
    master = master_of(make())
    assert master is not None
    assert fingerprint(master.copy()) == fingerprint(make())


@pytest.mark.parametrize("make", HAVE_NONE.values(), ids=HAVE_NONE)
def test_these_are_decoded_anew(make: Callable[[], object]) -> None:
    assert master_of(make()) is None


def test_what_a_registered_function_returns_is_asked_of_it_each_time() -> None:
    class Rate:
        pass

    answers = iter(range(10))
    register(Rate, name="a rate of masters", dump=lambda _: 0, load=lambda _: next(answers))
    payload = encode({"rate": Rate()}, key="k")
    assert decode_with_master(payload, key="k") == ({"rate": 0}, None)
    assert decode(payload, key="k") == {"rate": 1}


def test_a_frame_is_weighed_with_all_that_it_holds() -> None:
    rows = 10_000
    texts = [f"a text of some length {number}" for number in range(rows)]
    data = pd.DataFrame({"n": np.arange(rows), "o": cells_of(texts), "s": texts})
    master = master_of(data)
    assert master is not None
    assert master.size == pytest.approx(data.memory_usage(deep=True).sum(), rel=0.1)


@pytest.mark.parametrize(
    "make",
    [
        lambda texts: tuple(texts),
        lambda texts: [tuple(texts)],
        lambda texts: frozenset(texts),
        lambda texts: dict.fromkeys(texts, 1),
    ],
    ids=["a tuple", "a tuple in a list", "a frozenset", "keys"],
)
def test_a_container_is_weighed_with_its_texts(make: Callable[[list[str]], object]) -> None:
    master = master_of(make([f"{number}" * 10_000 for number in range(100)]))
    assert master is not None
    assert master.size > 1_000_000


def test_a_value_whose_copies_need_a_deeper_stack_is_decoded_all_the_same() -> None:
    deep: list[object] = functools.reduce(lambda inner, _: [inner], range(150), [])
    payload = encode(deep, key="k")

    def call(levels: int, function: Callable[[], object]) -> object:
        return call(levels - 1, function) if levels else function()

    left = sys.getrecursionlimit() - len(inspect.stack()) - 200
    assert call(left, lambda: decode(payload, key="k")) == deep
    assert call(left, lambda: decode_with_master(payload, key="k")) == (deep, None)


def test_a_master_keeps_no_more_alive_than_itself() -> None:
    """One column of text, decoded, is a view of the whole body."""
    data = pd.DataFrame({"text": pd.array(["a", "b"], "string[pyarrow]"), "n": [1, 2]})
    decoded, master = decode_with_master(encode(data, key="k"), key="k")
    assert master is not None
    mine = buffers_of(master.copy())
    assert mine
    assert not {buffer.address for buffer in mine} & {each.address for each in buffers_of(decoded)}


# --- a caller who writes into what it got -----------------------------------------------------


def force(array: Any) -> None:
    """Write into memory, whatever says that it is read-only; NumPy allows it to whoever owns it."""
    memory = array
    while memory is not None:
        if isinstance(memory, np.ndarray):
            with contextlib.suppress(ValueError):
                memory.flags.writeable = True
        memory = getattr(memory, "base", None)
    if isinstance(array, np.ndarray) and array.size and array.flags.writeable:
        array.reshape(-1)[:1] = array.reshape(-1)[-1:]


def buffers_of(data: pd.DataFrame) -> list[Any]:
    columns = (data.iloc[:, place].array for place in range(data.shape[1]))
    arrays = [array.__arrow_array__() for array in columns if hasattr(array, "_pa_array")]
    chunks = [each for one in arrays for each in getattr(one, "chunks", [one])]
    return [buffer for chunk in chunks for buffer in chunk.buffers() if buffer is not None]


def write_to_buffers(data: pd.DataFrame) -> None:
    for buffer in buffers_of(data):
        assert not buffer.is_mutable
        array = np.frombuffer(buffer, "u1")
        with pytest.raises(ValueError, match="WRITEABLE"):
            array.flags.writeable = True


def in_each_column(act: Callable[[Any], object]) -> Callable[[pd.DataFrame], None]:
    def write(data: pd.DataFrame) -> None:
        for place in range(data.shape[1]):
            act(data.iloc[:, place])

    return write


def write_to_parts(column: Any) -> None:
    """Into what extension arrays are made of."""
    array = column.array
    for name in ("_data", "_mask", "_ndarray", "_codes", "_left", "_right"):
        part = getattr(array, name, None)
        force(getattr(part, "_ndarray", part))


def write_to_categories(data: pd.DataFrame) -> None:
    categories = data["kind"].cat.categories
    categories.name = "changed"
    force(categories.to_numpy())
    force(np.asarray(categories.array))


def write_to_labels(data: pd.DataFrame) -> None:
    for labels in (data.index, data.columns):
        force(labels.values)
        force(labels.to_numpy())
        force(np.asarray(labels))
        force(labels.array)
        labels.name = "changed"


def set_in_place(data: pd.DataFrame) -> None:
    data.iloc[0, 0] = 99
    data.loc[20, "share"] = 9.0
    data.at[10, "object"] = "changed"
    data["kind"] = data["kind"].cat.rename_categories({"x": "z"})
    data.replace(3, 33, inplace=True)
    data.fillna({"share": 1.0}, inplace=True)
    data["number"] += 1
    data.sort_values("share", inplace=True, ignore_index=True)
    data.rename(columns={"number": "changed"}, inplace=True)
    data.drop(columns="truth", inplace=True)
    data.attrs["changed"] = True


WAYS: dict[str, Callable[[pd.DataFrame], object]] = {
    "verbs of pandas": set_in_place,
    "the values of a column": in_each_column(lambda column: force(column.values)),
    "an array of a column": in_each_column(lambda column: force(np.asarray(column))),
    "to_numpy": in_each_column(lambda column: force(column.to_numpy(copy=False))),
    "the extension arrays": in_each_column(write_to_parts),
    "items of the arrays": in_each_column(
        lambda column: column.array.__setitem__(0, column.iloc[2])
    ),
    "a view of one dtype": lambda data: force(data.iloc[:, :1].to_numpy(copy=False)),
    "ufuncs": lambda data: np.add(np.asarray(data["share"]), 1, out=thawed(data["share"])),
    "labels": write_to_labels,
    "categories": write_to_categories,
    "buffers of Arrow": write_to_buffers,
    "attrs": lambda data: data.attrs["inner"]["list"].append(1) or force(data.attrs["array"]),
}


MAY_BE_IN_VAIN = {"buffers of Arrow", "a view of one dtype"}
"""Nothing writes to Arrow's buffers. pandas 2 makes copies where pandas 3 has views."""


def thawed(column: Any) -> Any:
    array = np.asarray(column)
    array.flags.writeable = True
    return array


@pytest.mark.filterwarnings("ignore")  # pandas 3.1 deprecates some of the ways
@pytest.mark.parametrize("way", WAYS)
def test_a_caller_who_writes_into_what_it_got_changes_its_own_alone(way: str) -> None:
    data = noted(mixed(), {"inner": {"list": []}, "array": np.arange(3)})
    payload = encode(data, key="k")
    decoded, master = decode_with_master(payload, key="k")
    assert master is not None
    exact = fingerprint(data)
    other = master.copy()
    for mine in (decoded, master.copy(), master.copy()):
        WAYS[way](mine)
        assert way in MAY_BE_IN_VAIN or fingerprint(mine) != exact
    assert fingerprint(other) == exact
    assert fingerprint(master.copy()) == exact


def test_a_caller_who_writes_into_an_array_or_a_container_changes_its_own_alone() -> None:
    value = {"array": np.arange(3), "list": [1, [2]], "index": DAYS, "set": {1}}
    master = master_of(value)
    assert master is not None
    mine = master.copy()
    mine["array"][:] = 0
    mine["list"][1].append(3)
    mine["set"].add(2)
    force(np.asarray(mine["index"]))
    mine["new"] = 1
    assert fingerprint(master.copy()) == fingerprint(value)


def test_threads_copy_one_master_at_once() -> None:
    data = mixed()
    master = master_of(data)
    assert master is not None
    exact = fingerprint(data)

    def use(number: int) -> object:
        mine = master.copy()
        mine.iloc[0, 0] = number
        force(mine["share"].values)
        return fingerprint(master.copy())

    with ThreadPoolExecutor(8) as threads:
        assert all(found == exact for found in threads.map(use, range(64)))
