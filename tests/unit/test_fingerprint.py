"""The tests' own comparison can fail: it finds every difference that is planted here.

Most of these pass an == or an `equals`, and many pass `assert_frame_equal`.
"""

from __future__ import annotations

import datetime as dt
import io
import uuid
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from fingerprint import fingerprint
from libraries import PIL, pl, scipy

NAN = float("nan")
BERLIN = ZoneInfo("Europe/Berlin")
DAYS = pd.date_range("2026", periods=3)


def levels(codes, labels=("a", "b"), **more):
    return pd.MultiIndex([list(labels)], [codes], verify_integrity=False, **more)


def frame(**more):
    return pd.DataFrame({"a": [1, 2]}, **more)


def noted(value, **attributes):
    for name, item in attributes.items():
        object.__setattr__(value, name, item)
    return value


def payload(bits):
    return np.array([bits], "u8").view("f8")


def dictionary(indices, entries, **more):
    return pa.DictionaryArray.from_arrays(pa.array(indices, pa.int8()), pa.array(entries), **more)


def lists(name="item", *, nullable=True, notes=None):
    return pa.array([[1]], pa.list_(pa.field(name, pa.int8(), nullable, notes)))


def masked(**more):
    return np.ma.array([1, 2], mask=[True, False], **more)


def read(file):
    file.read()
    return file


def with_attrs(value, **attrs):
    value.attrs = attrs
    return value


def wide(matrix):
    matrix.indices = matrix.indices.astype("i8")
    return matrix


def dok(number):
    matrix = scipy.sparse.dok_matrix((2, 2))
    dict.__setitem__(getattr(matrix, "_dict", matrix), (number(0), number(1)), np.float64(2))
    return matrix


class Own(list):
    pass


PLANTED = {
    # plain values
    "a truth value and a number": lambda: (True, 1),
    "a number and a float": lambda: (1, 1.0),
    "the sign of zero": lambda: (0.0, -0.0),
    "the sign of zero, in a complex": lambda: (complex(0, 0.0), complex(0, -0.0)),
    "a subclass": lambda: ([1], Own([1])),
    "a list and a tuple": lambda: ([1], (1,)),
    "a key": lambda: ({1: "a"}, {True: "a"}),
    "the order of a dict": lambda: ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    "the step of a range": lambda: (range(0, 3, 2), range(0, 4, 2)),
    "zeros of a Decimal": lambda: (Decimal("1.5"), Decimal("1.50")),
    "bytes": lambda: (b"a", bytearray(b"a")),
    "is_safe": lambda: (uuid.UUID(int=5), uuid.UUID(int=5, is_safe=uuid.SafeUUID.safe)),
    "fold": lambda: (dt.datetime(2026, 1, 2), dt.datetime(2026, 1, 2, fold=1)),
    "fold of a time": lambda: (dt.time(1), dt.time(1, fold=1)),
    "a date and its midnight": lambda: (dt.date(2026, 1, 2), dt.datetime(2026, 1, 2)),
    "the class of a time zone": lambda: [
        dt.datetime(2026, 1, 2, tzinfo=zone) for zone in (dt.UTC, ZoneInfo("UTC"))
    ],
    "the name of a time zone": lambda: [
        dt.datetime(2026, 1, 2, tzinfo=dt.timezone(dt.timedelta(0), *name)) for name in ((), ("Z",))
    ],
    "the position of a file": lambda: (io.BytesIO(b"a"), read(io.BytesIO(b"a"))),
    # NumPy
    "the byte order of a dtype": lambda: (np.zeros(2, "<f8"), np.zeros(2, ">f8")),
    "C's long and long long": lambda: (np.zeros(2, "l"), np.zeros(2, "q")),
    "the shape": lambda: (np.zeros((1, 2)), np.zeros((2, 1))),
    "the order in memory": lambda: [np.array([[1, 2], [3, 4]], order=order) for order in "CF"],
    "the payload of NaN": lambda: (payload(0x7FF8 << 48), payload((0x7FF8 << 48) + 1)),
    "the sign of a zero in an array": lambda: (np.array([0.0]), np.array([-0.0])),
    "metadata of a dtype": lambda: (np.zeros(1), np.zeros(1, np.dtype("f8", metadata={"a": 1}))),
    "a title": lambda: (
        np.zeros(1, [("a", "i4")]),
        np.zeros(1, np.dtype({"names": ["a"], "formats": ["i4"], "titles": ["the first"]})),
    ),
    "alignment": lambda: [
        np.zeros(1, np.dtype([("a", "i4")], align=is_so)) for is_so in (False, True)
    ],
    "the unit of a time": lambda: (np.datetime64("2026", "s"), np.datetime64("2026", "ms")),
    "a scalar of NumPy": lambda: (1.5, np.float64(1.5)),
    "a fill value": lambda: (masked(), masked(fill_value=7)),
    "a hard mask": lambda: (masked(), masked(hard_mask=True)),
    "a mask of nothing": lambda: (np.ma.array([1]), np.ma.array([1], mask=[False])),
    "what lies under a mask": lambda: (masked(), np.ma.array([9, 2], mask=[True, False])),
    "an attribute of a masked array": lambda: (masked(), noted(masked(), note=1)),
    # pandas: axes
    "codes": lambda: (levels([0, 1], (NAN, "b")), levels([-1, 1], (NAN, "b"))),
    "the order of levels": lambda: (levels([0, 1]), levels([1, 0], ("b", "a"))),
    "a level that nothing uses": lambda: (levels([0, 1]), levels([0, 1], ("a", "b", "c"))),
    "the dtype of codes": lambda: (
        levels([0, 1]),
        levels([0, 1], range(300)).set_levels([["a", "b"]]),
    ),
    "the dtype of a level": lambda: (
        levels([0], [1]),
        levels([0], [1]).set_levels([pd.Index([1], dtype="int8")]),
    ),
    "the freq of a level": lambda: (
        pd.MultiIndex([DAYS], [[0]]),
        pd.MultiIndex([pd.DatetimeIndex(DAYS, freq=None)], [[0]]),
    ),
    "sortorder": lambda: (levels([0, 1]), levels([0, 1], sortorder=1)),
    "the name of a level": lambda: (levels([0]), levels([0], names=["x"])),
    "the class of an index": lambda: (pd.RangeIndex(2), pd.Index([0, 1])),
    "the class of the columns": lambda: (
        pd.DataFrame([[1, 2]], columns=pd.RangeIndex(2)),
        pd.DataFrame([[1, 2]], columns=pd.Index([0, 1])),
    ),
    "the dtype of an index": lambda: (pd.Index([1]), pd.Index([1], dtype="int8")),
    "the end of a range": lambda: (pd.RangeIndex(0, 3, 2), pd.RangeIndex(0, 4, 2)),
    "freq": lambda: (frame(index=DAYS[:2]), frame(index=pd.DatetimeIndex(DAYS[:2], freq=None))),
    "normalize of a freq": lambda: (pd.offsets.MonthEnd(), pd.offsets.MonthEnd(normalize=True)),
    "the name of an index": lambda: (frame(), frame().rename_axis("x")),
    "the name of the columns": lambda: (frame(), frame().rename_axis("x", axis=1)),
    "the name of a Series": lambda: (pd.Series([1], name=1), pd.Series([1], name=True)),
    "the name of categories": lambda: (
        pd.Categorical(["a"]),
        pd.Categorical(["a"], categories=pd.Index(["a"], name="n")),
    ),
    "an attribute of an index": lambda: (DAYS, noted(pd.date_range("2026", periods=3), note=1)),
    # pandas: values
    "the order of categories": lambda: (
        pd.Categorical(["a"], ["a", "b"]),
        pd.Categorical(["a"], ["b", "a"]),
    ),
    "whether categories are ordered": lambda: [
        pd.Categorical(["a"], ordered=is_so) for is_so in (False, True)
    ],
    "a category that nothing uses": lambda: (
        pd.Categorical(["a"]),
        pd.Categorical(["a"], ["a", "b"]),
    ),
    "None and NaN": lambda: [pd.Series([missing], dtype=object) for missing in (None, NAN)],
    "NA and NaN": lambda: [pd.Series([missing], dtype=object) for missing in (pd.NA, NAN)],
    "NaN beside NA": lambda: [
        pd.arrays.FloatingArray(np.array([NAN]), np.array([is_so])) for is_so in (False, True)
    ],
    "the storage of strings": lambda: [
        pd.Series(["a"], dtype=f"string[{storage}]") for storage in ("python", "pyarrow")
    ],
    "the time zone of a column": lambda: [
        pd.Series(DAYS.tz_localize("UTC").tz_convert(zone)) for zone in (dt.UTC, ZoneInfo("UTC"))
    ],
    "the unit of a column": lambda: (pd.Series(DAYS.as_unit("s")), pd.Series(DAYS.as_unit("ms"))),
    "the fold of a Timestamp": lambda: [
        pd.Timestamp("2026-06-25", tz=BERLIN).replace(fold=fold) for fold in (0, 1)
    ],
    "the byte order of a column": lambda: [
        pd.Series(np.array([1], order)) for order in ("<i4", ">i4")
    ],
    "long long in a column": lambda: [pd.Series(np.array([1], char)) for char in "lq"],
    "the payload of NaN in a column": lambda: [
        pd.Series(payload((0x7FF8 << 48) + more)) for more in (0, 1)
    ],
    "what fills a sparse array": lambda: [
        pd.arrays.SparseArray([0.0, 1.0], fill_value=fill) for fill in (0.0, 0)
    ],
    "a value that a sparse array holds": lambda: (
        pd.arrays.SparseArray([0, 1], fill_value=0),
        pd.arrays.SparseArray([5, 6], fill_value=5) - 5,
    ),
    "the kind of a sparse array": lambda: [
        pd.arrays.SparseArray([0, 1], kind=kind) for kind in ("integer", "block")
    ],
    "which end is closed": lambda: [
        pd.interval_range(0, 2, closed=closed) for closed in ("left", "right")
    ],
    "the shape of an extension array": lambda: [
        pd.array([1, 2], "Int64").reshape(shape) for shape in ((1, 2), (2, 1))
    ],
    "attrs": lambda: (frame(), with_attrs(frame(), unit="m")),
    "flags": lambda: (frame(), frame().set_flags(allows_duplicate_labels=False)),
    "an attribute of a frame": lambda: (frame(), noted(frame(), note="x")),
    "the dtype of an extension array of NumPy": lambda: [
        pd.arrays.NumpyExtensionArray(np.array([1], char)) for char in "lq"
    ],
    # Arrow
    "nullability": lambda: [
        pa.table({"a": [1]}, pa.schema([pa.field("a", pa.int64(), is_so)])) for is_so in (0, 1)
    ],
    "nullability in a list": lambda: (lists(), lists(nullable=False)),
    "a name in a list": lambda: (lists(), lists("element")),
    "metadata in a list": lambda: (lists(), lists(notes={"a": "b"})),
    "metadata of a table": lambda: [
        pa.table({"a": [1]}).replace_schema_metadata(notes) for notes in (None, {"a": "b"})
    ],
    "metadata in a dictionary": lambda: [
        pa.DictionaryArray.from_arrays(pa.array([0]), lists(notes=notes))
        for notes in (None, {"a": "b"})
    ],
    "indices of a dictionary": lambda: (
        dictionary([0, 0], ["a", "a"]),
        dictionary([0, 1], ["a", "a"]),
    ),
    "… in a table": lambda: [pa.table({"a": dictionary([0, last], ["a", "a"])}) for last in (0, 1)],
    "an entry that no index points at": lambda: [
        pa.table({"a": dictionary([0], entries)}) for entries in (["a"], ["a", "b"])
    ],
    "whether a dictionary is ordered": lambda: [
        dictionary([0], ["a"], ordered=is_so) for is_so in (False, True)
    ],
    "the type of indices": lambda: [
        pa.array(["a"], pa.dictionary(index, pa.string())) for index in (pa.int8(), pa.int16())
    ],
    "runs": lambda: [
        pa.RunEndEncodedArray.from_arrays(ends, ["a"] * len(ends)) for ends in ([2], [1, 2])
    ],
    "chunks": lambda: (pa.chunked_array([[1, 2]]), pa.chunked_array([[1], [2]])),
    "the size of offsets": lambda: (pa.array(["a"]), pa.array(["a"], pa.large_string())),
    "the payload of NaN in Arrow": lambda: [
        pa.array(payload((0x7FF8 << 48) + more)) for more in (0, 1)
    ],
    "whether keys are sorted": lambda: [
        pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int8(), keys_sorted=is_so))
        for is_so in (False, True)
    ],
}

if pl:
    PLANTED |= {
        "the sorted flag": lambda: (pl.Series([1, 2]), pl.Series([1, 2]).set_sorted()),
        "its direction": lambda: [
            pl.Series([1, 1]).set_sorted(descending=is_so) for is_so in (False, True)
        ],
        "the flag of a column": lambda: (
            pl.DataFrame({"a": [1, 2]}),
            pl.DataFrame({"a": [1, 2]}).with_columns(pl.col("a").set_sorted()),
        ),
        "the name of a Series of polars": lambda: (pl.Series("a", [1]), pl.Series("b", [1])),
        "the order of an Enum": lambda: [
            pl.Series(["a"], dtype=pl.Enum(names)) for names in (["a", "b"], ["b", "a"])
        ],
        "the time unit": lambda: [pl.Series([0], dtype=pl.Datetime(unit)) for unit in ("ms", "us")],
    }
if scipy:
    csr = scipy.sparse.csr_array
    PLANTED |= {
        "an array and a matrix": lambda: (csr(np.eye(2)), scipy.sparse.csr_matrix(np.eye(2))),
        "a zero that is stored": lambda: (csr((1, 2)), csr(([0.0], ([0], [0])), (1, 2))),
        "the dtype of indices": lambda: (csr(np.eye(2)), wide(csr(np.eye(2)))),
        "the class of keys": lambda: (dok(int), dok(np.int32)),
        "an attribute of a matrix": lambda: (csr(np.eye(2)), noted(csr(np.eye(2)), note=1)),
        "how much of it is printed": lambda: (csr(np.eye(2)), noted(csr(np.eye(2)), maxprint=7)),
    }
if PIL:
    PLANTED["the mode of an image"] = lambda: (
        PIL.Image.new("L", (1, 1)),
        PIL.Image.new("P", (1, 1)),
    )


@pytest.mark.parametrize("make", PLANTED.values(), ids=PLANTED)
def test_a_planted_difference_is_found(make):
    one, other = make()
    assert fingerprint(one) != fingerprint(other)
    assert fingerprint([[one]]) != fingerprint([[other]])


@pytest.mark.parametrize("make", PLANTED.values(), ids=PLANTED)
def test_what_is_made_twice_alike_has_one_fingerprint(make):
    assert list(map(fingerprint, make())) == list(map(fingerprint, make()))
