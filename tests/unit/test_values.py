"""Arrays, frames, files, images and registered types come back as they were, alone and nested."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import io
from fractions import Fraction
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from libraries import PIL, pl, pydantic, scipy
from test_frames import assert_same as assert_same_frame
from test_frames import assert_same_array, assert_same_index
from test_plain_values import same as is_same_plain

from streamlit_pgstate.codecs import decode, encode, register
from streamlit_pgstate.codecs.file import StoredFile

NUMPY = int(np.__version__.partition(".")[0])
BERLIN = ZoneInfo("Europe/Berlin")


def again(value):
    return decode(encode(value, key="k"), key="k")


# --- what is the same ---------------------------------------------------------------------


def assert_same(left, right):
    """Equal in type and content, and in all that the library's own comparison passes over."""
    assert type(left) is type(right)
    for cls, check in SAME.items():
        if isinstance(left, cls):
            check(left, right)
            return
    assert is_same_plain(left, right)


def same_items(left, right):
    assert len(left) == len(right)
    for one, other in zip(left, right, strict=True):
        assert_same(one, other)


def same_dict(left, right):
    same_items(list(left), list(right))
    same_items(list(left.values()), list(right.values()))


def same_set(left, right):
    assert sorted(map(repr, left)) == sorted(map(repr, right))
    assert sorted(str(type(part)) for part in left) == sorted(str(type(part)) for part in right)


def same_ndarray(left, right):
    assert left.dtype == right.dtype
    assert repr(left.dtype) == repr(right.dtype)
    assert left.dtype.metadata == right.dtype.metadata
    assert left.shape == right.shape
    if right.flags.contiguous or right.flags.f_contiguous:
        assert left.flags.c_contiguous == right.flags.c_contiguous
        assert left.flags.f_contiguous == right.flags.f_contiguous
    assert left.flags.writeable
    if left.dtype.kind in "OT":
        same_items(left.reshape(-1).tolist(), right.reshape(-1).tolist())
    else:
        assert left.tobytes() == right.tobytes()


def same_masked(left, right):
    same_ndarray(left.data, right.data)
    assert (left.mask is np.ma.nomask) == (right.mask is np.ma.nomask)
    if left.mask is not np.ma.nomask:
        same_ndarray(np.asarray(left.mask), np.asarray(right.mask))
    assert left.hardmask == right.hardmask
    assert repr(left.fill_value) == repr(right.fill_value)


def same_scalar(left, right):
    assert left.dtype == right.dtype
    assert left.tobytes() == right.tobytes()
    assert repr(left) == repr(right)


def same_frame(left, right):
    assert_same_frame(left, right)
    same_dict(left.attrs, right.attrs)
    for place in range(right.shape[1]):
        if right.iloc[:, place].dtype == object:
            same_items(list(left.iloc[:, place]), list(right.iloc[:, place]))


def same_series(left, right):
    assert repr(left.name) == repr(right.name)
    same_dict(left.attrs, right.attrs)
    assert left.flags.allows_duplicate_labels == right.flags.allows_duplicate_labels
    assert_same_index(left.index, right.index)
    same_pandas(left, right)


def same_index(left, right):
    assert_same_index(left, right)
    assert repr(left) == repr(right)


def same_extension(left, right):
    same_pandas(pd.Series(left), pd.Series(right))
    assert getattr(left, "freq", None) == getattr(right, "freq", None)


def same_pandas(left, right):
    if left.dtype == object:
        same_items(list(left), list(right))
    else:
        assert_same_array(left, right)


def same_sparse(left, right):
    assert left.shape == right.shape
    assert left.dtype == right.dtype
    assert left.dtype.byteorder == right.dtype.byteorder
    for name in ("data", "indices", "indptr", "offsets", "coords", "blocksize"):
        if hasattr(right, name) and (name != "data" or right.format not in ("lil", "dok")):
            one, other = getattr(left, name), getattr(right, name)
            if isinstance(other, np.ndarray):
                same_ndarray(one, other)
            elif name == "coords":
                for part, same in zip(one, other, strict=True):
                    same_ndarray(part, same)
            else:
                assert one == other
    if left.format == "lil":
        assert [list(row) for row in left.rows] == [list(row) for row in right.rows]
        assert [list(row) for row in left.data] == [list(row) for row in right.data]
    if left.format == "dok":
        assert list(left.items()) == list(right.items())
        assert list(map(type, left.values())) == list(map(type, right.values()))
    if max(right.shape) < 10**6:
        left.sum()  # reads wherever the indices point


def same_polars(left, right):
    left, right = (
        (part if isinstance(part, pl.DataFrame) else part.to_frame()) for part in (left, right)
    )
    assert left.schema == right.schema
    assert repr(left.schema) == repr(right.schema)
    assert left.height == right.height
    assert left.equals(right, null_equal=True) or repr(left.rows()) == repr(right.rows())


def same_arrow(left, right):
    if hasattr(left, "schema"):
        assert left.schema.equals(right.schema, check_metadata=True)
    else:
        assert left.type == right.type
    if isinstance(left, pa.ChunkedArray):
        assert [len(chunk) for chunk in left.chunks] == [len(chunk) for chunk in right.chunks]
    left.validate(full=True)
    assert left.equals(right) or repr(left.to_pylist()) == repr(right.to_pylist())


def same_image(left, right):
    assert (left.mode, left.size, left.format) == (right.mode, right.size, right.format)
    assert left.info == right.info
    assert left.tobytes() == right.tobytes() if all(left.size) else True
    assert (left.palette is None) == (right.palette is None)
    if left.palette is not None:
        assert left.palette.mode == right.palette.mode
        assert left.getpalette(left.palette.mode) == right.getpalette(right.palette.mode)
        assert left.convert("RGBA").tobytes() == right.convert("RGBA").tobytes()


def same_file(left, right):
    assert left.getvalue() == right.getvalue()
    assert left.tell() == right.tell()
    assert vars(left) == vars(right)
    if isinstance(left, io.StringIO):
        assert left.__getstate__() == right.__getstate__()


def same_repr(left, right):
    assert repr(left) == repr(right)


SAME = {
    pd.DataFrame: same_frame,
    pd.Series: same_series,
    pd.Index: same_index,
    pd.api.extensions.ExtensionArray: same_extension,
    np.ma.core.MaskedConstant: lambda left, right: None,
    np.ma.MaskedArray: same_masked,
    np.ndarray: same_ndarray,
    np.generic: same_scalar,
    **({(scipy.sparse.spmatrix, scipy.sparse.sparray): same_sparse} if scipy else {}),
    **({(pl.DataFrame, pl.Series): same_polars} if pl else {}),
    **({PIL.Image.Image: same_image} if PIL else {}),
    (pa.Table, pa.RecordBatch, pa.Array, pa.ChunkedArray): same_arrow,
    (io.BytesIO, io.StringIO): same_file,
    dict: same_dict,
    (set, frozenset): same_set,
    (list, tuple): same_items,
    (pd.Timestamp, pd.Timedelta, pd.Period, pd.Interval): same_repr,
}


# --- the values ---------------------------------------------------------------------------


def cells_of(values):
    held = np.empty(len(values), object)
    for place, value in enumerate(values):  # [:] would ask pandas and others for arrays
        held[place] = value
    return held


def inside(levels, step, value):
    for _ in range(levels):
        value = step(value)
    return value


def arrays():
    record = np.dtype([("a", "<i4"), ("b", "U3"), ("c", [("d", "<f8", (2, 3)), ("e", "?")])])
    aligned = np.dtype([("a", "i1"), ("b", "f8")], align=True)
    gaps = np.dtype(
        {"names": ["a", "b"], "formats": ["<i2", "S4"], "offsets": [3, 8], "itemsize": 20}
    )
    titled = np.dtype({"names": ["a"], "formats": ["<i4"], "titles": ["the first"]})
    cells = np.empty((2, 2), object)
    cells[:] = [[1, "a"], [None, [1, (2,)]]]
    nested = np.empty(2, object)
    nested[:] = [np.arange(3), pd.DataFrame({"a": [1]})]
    several = {
        f"array {name}": np.array([[1, 0, 3], [4, 5, 6]]).astype(name)
        for name in (
            "?",
            "i1",
            "<i2",
            ">i4",
            "u8",
            "f2",
            "<f4",
            ">f8",
            "c8",
            ">c16",
            "S3",
            "<U2",
            ">U2",
        )
    }
    times = {
        f"array {kind}[{unit}]": np.array([1, -5, "NaT"], f"{kind}[{unit}]")
        for kind in ("M8", "m8", ">M8")
        for unit in ("Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as", "25s")
        if kind != ">M8" or unit == "ns"
    }
    return {
        **several,
        **times,
        "array m8 without a unit": np.array([1, 2], "m8"),
        "array of 0 dimensions": np.array(1.5),
        "array of 0 dimensions, an object": np.array(None, object),
        "array, empty": np.zeros((0,)),
        "array, empty in one dimension": np.zeros((3, 0, 2), "i4"),
        "array, empty in F order": np.zeros((3, 0), order="F"),
        "array of 5 dimensions": np.arange(720).reshape(2, 3, 4, 5, 6),
        "array in F order": np.asfortranarray(np.arange(6).reshape(2, 3)),
        "array of 3 dimensions in F order": np.zeros((2, 3, 4), order="F"),
        "array with strides": np.arange(24).reshape(4, 6)[::2, ::3],
        "array backwards": np.arange(5)[::-1],
        "array that is broadcast": np.broadcast_to(np.arange(3), (2, 3)),
        "array read-only": np.frombuffer(b"abcd", "u1"),
        "array of nan with payloads": np.array([0x7FF8000000000001, 1 << 63], "u8").view("f8"),
        "array of records": np.array([(1, "ä", ([[1, 2, 3]] * 2, True))], record),
        "array of aligned records": np.zeros(3, aligned),
        "array of records with gaps": np.array([(1, b"x"), (2, b"y")], gaps),
        "array of records with titles": np.zeros(2, titled),
        "array of records of numpy.record": np.zeros(2, np.dtype((np.record, [("a", "i4")]))),
        "array of void": np.array([b"ab", b"cd"], "V2"),
        "array of a dtype with metadata": np.zeros(2, np.dtype("f8", metadata={"unit": "m"})),
        "array of empty text": np.array(["", ""]),
        "array of objects": cells,
        "array of objects in F order": np.asfortranarray(cells),
        "array of arrays and frames": nested,
        "array of objects, empty": np.empty((0, 2), object),
        **({
            "array of text of any length": np.array(["a", "ä" * 100], np.dtypes.StringDType()),
            "array of text of any length or None": np.array(
                ["a", None], np.dtypes.StringDType(na_object=None)
            ),
            "array of text of any length or nan": np.array(
                ["a", np.nan], np.dtypes.StringDType(na_object=np.nan, coerce=False)
            ),
        } if NUMPY > 1 else {}),
        "masked": np.ma.array([1, 2, 3], mask=[0, 1, 0]),
        "masked, nothing": np.ma.array([1.5, 2]),
        "masked with a fill value": np.ma.array([1.5, 2], mask=[True, False], fill_value=-9),
        "masked, hard": np.ma.array([1, 2], mask=[1, 0], hard_mask=True),
        "masked in F order": np.ma.array(np.zeros((2, 3), order="F"), mask=np.eye(2, 3)),
        "masked records": np.ma.array([(1, 2.5)], mask=[(0, 1)], dtype=[("a", "i4"), ("b", "f8")]),
        "masked text": np.ma.array(["a", "bc"], mask=[0, 1], fill_value="?"),
        "masked of 0 dimensions": np.ma.array(5, mask=True),
        "masked objects": np.ma.array(cells_of([np.eye(2), None, "a"]), mask=[0, 1, 0]),
        "arrays of objects in each other": inside(8, lambda part: cells_of([part, 1]), nested),
    }  # fmt: skip


def scalars():
    return {
        **{f"scalar {name}": np.dtype(name).type(1) for name in "?bBhHiIlLqQefdFD"},
        "scalar float32": np.float32(0.1),
        "scalar nan": np.float64("nan"),
        "scalar -0.0": np.float32(-0.0),
        "scalar inf": np.float16("inf"),
        "scalar nan with a payload": np.array([0x7FF8000000000001], "u8").view("f8")[0],
        "scalar complex": np.complex64(complex(-0.0, float("nan"))),
        "scalar text": np.str_("aä\0"),
        "scalar bytes with NULs": np.bytes_(b"\0a\0\0"),
        "scalar bytes": np.bytes_(b"a\0b"),
        "scalar record": np.array([(1, 2.5)], "i4,f8")[0],
        "scalar datetime64": np.datetime64("2026-01-02T03", "h"),
        "scalar NaT": np.datetime64("NaT", "ns"),
        "scalar timedelta64": np.timedelta64(-7, "25s"),
        "scalar masked": np.ma.masked,
        "Timestamp": pd.Timestamp("2026-01-02 03:04:05.123456789"),
        "Timestamp in s": pd.Timestamp(2026, 1, 2).as_unit("s"),
        "Timestamp of the year 12026": pd.Timestamp(np.datetime64("12026-01-01", "s")),
        "Timestamp in a zone": pd.Timestamp("2026-01-02", tz=BERLIN),
        "Timestamp in the default zone": pd.Timestamp("2026-07-02", tz="Europe/Berlin"),
        "Timestamp, the second 2:30": pd.Timestamp(
            dt.datetime(2026, 10, 25, 2, 30, fold=1), tz=BERLIN
        ),
        "Timestamp with an offset": pd.Timestamp("2026-01-02T00:00:00+05:30"),
        "Timestamp in UTC": pd.Timestamp(0, tz="UTC"),
        "the first Timestamp": pd.Timestamp.min,
        "Timedelta": pd.Timedelta("-1 day 00:00:00.000000001"),
        "Timedelta in ms": pd.Timedelta(5, "ms").as_unit("ms"),
        "Period": pd.Period("2026-01", "M"),
        "Period of 2 weeks": pd.Period("2026-01-01", "2W-WED"),
        "Interval": pd.Interval(0, 1.5, "both"),
        "Interval of Timestamps": pd.Interval(pd.Timestamp(0), pd.Timestamp(1)),
        "NaT": pd.NaT,
        "NA": pd.NA,
        "offset": pd.offsets.MonthEnd(2),
        "labels as keys": {pd.Timestamp(0): 1, np.int64(5): 2, pd.NaT: pd.Period("2026", "Y")},
        "a set of scalars": {np.int8(1), np.float32(2.5), pd.Timestamp(0)},
    }  # fmt: skip


def series():
    flagged = pd.Series([1]).set_flags(allows_duplicate_labels=False)
    attrs, rich, richer = pd.Series([1]), pd.Series([1]), pd.DataFrame({"a": [1], "b": ["x"]})
    attrs.attrs = {"unit": "m", "since": pd.Timestamp(0)}
    rich.attrs = {"array": np.eye(2), 1: [pd.DataFrame({"a": ["x"]})], "large": b"x" * 40_000}
    richer.attrs = {"series": rich, "masked": np.ma.array([1], mask=True), "point": Point(1, attrs)}
    cells = [pd.Timestamp(0), pd.NaT, pd.NA, None, np.int8(1), Fraction(1, 3), np.arange(2), b"x"]
    days = pd.date_range("2026", periods=3)
    return {
        "Series": pd.Series([1.5, None], name="x"),
        "Series of text": pd.Series(["a", None, "ä"]),
        "Series with labels": pd.Series([1, 2], ["a", "b"], name=("a", 1)),
        "Series in levels": pd.Series([1, 2], pd.MultiIndex.from_tuples([(1, "a"), (2, "b")])),
        "Series, empty": pd.Series([], dtype="category"),
        "Series of a name of pandas": pd.Series([1], name=pd.Timestamp(0)),
        "Series of scalars": pd.Series(cells, dtype=object),
        "Series of categories": pd.Series(["a", "b", None], dtype="category"),
        "Series sparse": pd.Series(pd.arrays.SparseArray([0, 1, 0])),
        "Series of Int64": pd.Series([1, None], dtype="Int64"),
        "Series in a zone": pd.Series(days.tz_localize(BERLIN)),
        "Series with a frequency": pd.Series(range(3), days),
        "Series of another byte order": pd.Series(np.array([1, 2], ">i4")),
        "Series without repeated labels": flagged,
        "Series with attrs": attrs,
        "Series with attrs of arrays and frames": rich,
        "Index": pd.Index([3, 1, 3], name="n"),
        "Index of objects": pd.Index([pd.Timestamp(0), "a", None, (1, 2)], dtype=object),
        "Index of text": pd.Index(["a", "b"]),
        "RangeIndex": pd.RangeIndex(5, 20, 5, name="r"),
        "DatetimeIndex": pd.date_range("2026", periods=3, freq="2B", tz=BERLIN),
        "DatetimeIndex without a frequency": pd.DatetimeIndex(["2026-01-01", None]),
        "TimedeltaIndex": pd.timedelta_range(0, periods=3, freq="90s"),
        "PeriodIndex": pd.period_range("2026Q1", periods=3, freq="Q-MAR"),
        "IntervalIndex": pd.interval_range(0, 3, closed="both"),
        "CategoricalIndex": pd.CategoricalIndex(["b", "a", None], ["b", "a"], ordered=True),
        "MultiIndex": pd.MultiIndex([["a", "z"], [1.5, 2.5]], [[0, -1], [-1, 1]], names=[1, None]),
        "Categorical": pd.Categorical(["a", "b", None], ordered=True),
        "IntegerArray": pd.array([1, None], "Int8"),
        "StringArray": pd.array(["a", None], "string"),
        "SparseArray": pd.arrays.SparseArray([0.0, 1.5]),
        "IntervalArray": pd.arrays.IntervalArray.from_tuples([(0, 1), (1, 2)]),
        "PeriodArray": pd.period_range("2026-01", periods=3, freq="M").array,
        "DatetimeArray": pd.DatetimeIndex(["2026-01-01", None]).array,
        "DatetimeArray with a frequency": days.array,
        "TimedeltaArray": pd.TimedeltaIndex([1, None]).array,
        "DatetimeArray in a zone": days.tz_localize(BERLIN).array,
        "ArrowExtensionArray": pd.array([[1], None], pd.ArrowDtype(pa.list_(pa.int64()))),
        "NumpyExtensionArray": pd.arrays.NumpyExtensionArray(np.array([1, 2])),
        "frame": pd.DataFrame({"a": [1, 2], "b": ["x", None], "c": pd.Categorical(["u", "v"])}),
        "frame of cells": pd.DataFrame({"a": pd.Series(cells, dtype=object)}),
        "frame with attrs of arrays and frames": richer,
        "frame of arrays": pd.DataFrame({"a": list(np.arange(6.0).reshape(3, 2)), "b": [1, 2, 3]}),
        "frame of dicts of arrays": pd.DataFrame({"a": [{"x": np.arange(2)}, {"y": rich}, None]}),
        "frame of frames": pd.DataFrame({"a": cells_of([richer, attrs, None])}),
        "frame of another byte order": pd.DataFrame(np.arange(4, dtype=">f8").reshape(2, 2)),
        "frame with labels of pandas": pd.DataFrame(
            [[1, 2]], columns=pd.Index([pd.Timestamp(0), pd.NaT], dtype=object)
        ),
    }  # fmt: skip


def matrices():
    found = {}
    for layout in ("bsr", "coo", "csc", "csr", "dia", "dok", "lil"):
        for shape in ("array", "matrix"):
            cls = getattr(scipy.sparse, f"{layout}_{shape}")
            for dtype in ("f8", "i2", "c16", "?"):
                dense = (np.arange(24).reshape(4, 6) % 5 == 1).astype(dtype)
                found[f"{layout}_{shape} of {dtype}"] = cls(dense)
            found[f"{layout}_{shape}, empty"] = cls((3, 4), dtype="f4")
    wide = scipy.sparse.csr_array(np.eye(3))
    wide.indices, wide.indptr = wide.indices.astype("i8"), wide.indptr.astype("i8")
    mixed = scipy.sparse.csr_matrix(([3.0, 1.0, 2.0], [2, 0, 0], [0, 3, 3]), (2, 3))
    triples = scipy.sparse.coo_array(([1, 2, 0], ([1, 1, 0], [0, 0, 2])), (2, 3))
    far = scipy.sparse.coo_array(([1.5], ([2**40], [0])), (2**41, 1))
    found |= {
        "csr_array with indices of 64 bit": wide,
        "csr_matrix, unsorted and repeated": mixed,
        "coo_array with repetitions and a zero": triples,
        "coo_array of 2^41 rows": far,
        "bsr_array in blocks": scipy.sparse.bsr_array(np.kron(np.eye(2), np.ones((2, 3)))),
        "dia_array outside": scipy.sparse.dia_array(([[1, 2], [3, 4]], [-1, 1]), (2, 2)),
    }
    if tuple(map(int, scipy.__version__.split(".")[:2])) >= (1, 15):
        found["coo_array of 1 dimension"] = scipy.sparse.coo_array([0, 1, 0])
        found["csr_array of 1 dimension"] = scipy.sparse.csr_array([0, 1, 0])
        found["dok_array of 1 dimension"] = scipy.sparse.dok_array(np.array([0, 1.5]))
        found["coo_array of 3 dimensions"] = scipy.sparse.coo_array(np.eye(4).reshape(2, 2, 4))
    return found


def tables():
    table = pa.table({"a": [1, None], "b": ["x", "y"]})
    cut = pa.chunked_array([["a"], [], ["b", None]], pa.string())
    return {
        "Table": table,
        "Table with metadata": table.replace_schema_metadata({"source": "here"}),
        "Table with metadata of a field": pa.table(
            [[1]], pa.schema([pa.field("a", pa.int8(), nullable=False, metadata={"unit": "m"})])
        ),
        "Table, empty": pa.table({}),
        "Table without rows": table.schema.empty_table(),
        "Table of repeated names": pa.table([[1], [2]], ["a", "a"]),
        "Table in chunks": pa.table({"a": cut}),
        "Table, a slice": pa.table({"a": range(100)}).slice(10, 5),
        "Table of dictionaries": pa.table({"a": pa.array(["x", "y", "x"]).dictionary_encode()}),
        "Table of a pandas frame": pa.Table.from_pandas(pd.DataFrame({"a": [1]}, index=["x"])),
        "RecordBatch": pa.record_batch({"a": [1, None], "b": [[1], None]}),
        "Array": pa.array([1, None], pa.int16()),
        "Array of structs": pa.array([{"a": 1, "b": [b"x"]}, None]),
        "Array, a slice": pa.array(["a", "b", "c", None])[1:],
        "Array of dictionaries": pa.array(["x", "y", "x"]).dictionary_encode(),
        "Array of nulls": pa.nulls(3),
        "Array of a union": pa.UnionArray.from_sparse(
            pa.array([0, 1], pa.int8()), [pa.array([1, 2]), pa.array(["a", "b"])]
        ),
        "Array of decimals": pa.array([None, 5], pa.decimal256(50, 2)),
        "ChunkedArray": cut,
        "ChunkedArray of nothing": pa.chunked_array([], pa.int8()),
    }  # fmt: skip


def polars_tables():
    polar = {
        "ints": pl.Series([1, None], dtype=pl.Int8),
        "floats": pl.Series([1.5, float("nan")]),
        "text": pl.Series(["a", None]),
        "bytes": pl.Series([b"a", None]),
        "days": pl.Series([dt.date(2026, 1, 1), None]),
        "times": pl.Series(
            [dt.datetime(2026, 1, 1), None], dtype=pl.Datetime("ms", "Europe/Berlin")
        ),
        "spans": pl.Series([dt.timedelta(1), None], dtype=pl.Duration("ns")),
        "clock": pl.Series([dt.time(1), None]),
        "decimals": pl.Series([1, None], dtype=pl.Decimal(20, 3)),
        "lists": pl.Series([[1], None]),
        "arrays": pl.Series([[1, 2], None], dtype=pl.Array(pl.Int64, 2)),
        "structs": pl.Series([{"a": 1, "b": ["x"]}, None]),
        "categories": pl.Series(["a", None], dtype=pl.Categorical),
        "enums": pl.Series(["a", None], dtype=pl.Enum(["b", "a"])),
        "nothing": pl.Series([None, None]),
        "truth": pl.Series([True, None]),
    }
    return {
        "polars frame": pl.DataFrame(polar),
        "polars frame, empty": pl.DataFrame(),
        "polars frame without rows": pl.DataFrame(polar).clear(),
        "polars frame in chunks": pl.concat([pl.DataFrame({"a": [1]})] * 3, rechunk=False),
        **{f"polars Series of {name}": part.alias(name) for name, part in polar.items()},
    }  # fmt: skip


def images():
    gradient = PIL.Image.linear_gradient("L").resize((17, 5))
    coloured = PIL.Image.merge("RGB", [gradient, gradient.rotate(90), gradient.rotate(180)])
    found = {
        f"image {mode}": coloured.convert(mode)
        for mode in ("1", "L", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "I", "F", "LA")
    }
    see_through = coloured.quantize(4)
    see_through.info["transparency"] = 2
    mixed = PIL.Image.new("P", (2, 2))
    mixed.putpalette(bytes(range(16)), "RGBA")
    saved = io.BytesIO()
    coloured.save(saved, "PNG", dpi=(72, 72))
    return {
        **found,
        "image RGBa": coloured.convert("RGBA").convert("RGBa"),
        "image I;16": PIL.Image.new("I;16", (3, 2), 1000),
        "image of 0 pixels": PIL.Image.new("RGB", (0, 3)),
        "image with a palette": see_through,
        "image with a palette of RGBA": mixed,
        "image with notes": _with_notes(coloured.copy()),
    }


def _with_notes(image):
    image.info = {"dpi": (72.0, 72.0), "exif": b"\0\1", "comment": "ä"}
    image.format = "JPEG"
    return image


def files():
    read = io.BytesIO(b"abcdef")
    read.read(2)
    named = io.BytesIO(b"a,b")
    named.name = "table.csv"
    lines = io.StringIO("a\r\nb\n", newline=None)
    lines.readline()
    return {
        "BytesIO": io.BytesIO(b"\0\xff"),
        "BytesIO, empty": io.BytesIO(),
        "BytesIO, read to 2": read,
        "BytesIO with a name": named,
        "StringIO": io.StringIO("ä\0\ud800"),
        "StringIO of lines": lines,
        "StringIO as it is": io.StringIO("a\r\nb", newline=""),
        "StoredFile": StoredFile(b"%PDF", name="a.pdf", type="application/pdf"),
        "StoredFile, empty": StoredFile(name="", type=""),
    }


@dataclasses.dataclass
class Point:
    x: int
    y: object = None


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    values: tuple
    total: int = dataclasses.field(init=False)

    def __post_init__(self):
        object.__setattr__(self, "total", sum(self.values))


class Colour(enum.Enum):
    RED = 1
    GREEN = object()


class Level(enum.IntEnum):
    LOW = 1


class Right(enum.Flag):
    READ = 1
    WRITE = 2


class Pair(NamedTuple):
    left: object
    right: object = None


if pydantic:

    class Model(pydantic.BaseModel):
        name: str
        sizes: tuple[int, ...] = ()
        inner: Model | None = None

    register(Model, name="Model")

for _cls in (Point, Frozen, Colour, Level, Right, Pair):
    register(_cls, name=_cls.__name__)
register(Fraction, name="fraction", dump=str, load=Fraction)


def own_types():
    frozen = Frozen((1, 2))
    object.__setattr__(frozen, "total", 99)
    return {
        "dataclass": Point(1, 2.5),
        "dataclass in a dataclass": Point(1, Point(2, [Point(3)])),
        "dataclass with a frame": Point(1, pd.DataFrame({"a": [1]})),
        "dataclass, frozen": frozen,
        "enum": Colour.RED,
        "enum of an object": Colour.GREEN,
        "IntEnum": Level.LOW,
        "Flag": Right.READ | Right.WRITE,
        "NamedTuple": Pair(1, Pair({"a": 2})),
        "Fraction": Fraction(1, 3),
        "own keys": {Colour.RED: 1, Pair(1, 2): Fraction(1, 2)},
        "own elements": frozenset({Colour.RED, Fraction(1, 2)}),
    }


def models():
    return {"pydantic": Model(name="a", sizes=(1,), inner=Model(name="b"))}


PLAIN = {
    "a dict": {"a": [1, (2.5, None)], 3: {4}},
    "bytes": b"\0\xff",
    "large bytes in a list": [bytes(range(256)) * 200, bytearray(b"x" * 40_000)],
}

VALUES = {**PLAIN, **arrays(), **scalars(), **series(), **tables(), **files(), **own_types()}
for _library, _values in (
    (scipy, matrices),
    (pl, polars_tables),
    (PIL, images),
    (pydantic, models),
):
    if _library:
        VALUES |= _values()


# --- tests --------------------------------------------------------------------------------


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_a_value_comes_back_as_it_was(value):
    assert_same(again(value), value)


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_a_value_comes_back_from_within_containers(value):
    nested = {"a": [value, (1, {"b": value})], (2,): [[[value]]]}
    assert_same(again(nested), nested)


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_what_came_back_is_written_the_same_again(value):
    payload = encode(value, key="k")
    assert encode(decode(payload, key="k"), key="k").digest == payload.digest


def test_all_values_in_one_payload():
    payload = encode(VALUES, key="k")
    assert payload.kind in ("bundle", "bundle+zstd")
    assert_same(decode(payload, key="k"), VALUES)


# --- properties ---------------------------------------------------------------------------


def any_array():
    dtypes = (
        npst.scalar_dtypes().filter(lambda dtype: dtype.kind not in "fc" or dtype.itemsize < 16)
        | npst.array_dtypes(allow_subarrays=True)
        | npst.nested_dtypes(max_leaves=4)
    )
    shapes = npst.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)
    return npst.arrays(dtypes.filter(is_kept), shapes)


def is_kept(dtype):
    """Not floats of 80 bits, wherever they are."""
    if dtype.subdtype:
        return is_kept(dtype.subdtype[0])
    if dtype.names:
        return all(is_kept(dtype[name]) for name in dtype.names)
    return dtype.char not in "gG"


def any_value():
    leaves = st.one_of(
        st.sampled_from(list(VALUES)).map(lambda name: VALUES[name]),
        any_array(),
        any_array().map(np.asfortranarray),
        any_array().filter(np.size).map(lambda array: array.reshape(-1)[0]),
        npst.arrays("f8", npst.array_shapes(max_dims=2, max_side=4)).map(
            lambda array: pd.DataFrame(array) if array.ndim == 2 else pd.Series(array)
        ),
        st.lists(st.text() | st.none() | st.integers() | st.floats()).map(
            lambda cells: pd.Series(cells, dtype=object)
        ),
        st.binary(max_size=40_000).map(io.BytesIO),
        st.builds(Point, st.integers(), st.dates()),
        st.integers() | st.text() | st.floats() | st.binary() | st.none(),
    )
    keys = st.text(max_size=4) | st.integers() | st.sampled_from([Colour.RED, np.int8(3), pd.NaT])
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.lists(inner, max_size=3).map(tuple),
            st.dictionaries(keys, inner, max_size=3),
            st.builds(Pair, inner, inner),
            st.lists(inner, max_size=2).map(cells_of),
        ),
        max_leaves=8,
    )


@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
@given(any_array())
def test_any_array_comes_back_as_it_was(array):
    assert_same(again(array), array)


@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
@given(any_value())
def test_any_values_in_each_other_come_back_as_they_were(value):
    assert_same(again(value), value)
