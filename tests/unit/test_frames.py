"""pandas DataFrames come back as they were, or are refused by the name of the column."""

from __future__ import annotations

import contextlib
import datetime as dt
import random
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from fingerprint import fingerprint
from hypothesis import given
from libraries import scipy
from pandas.tseries.offsets import CustomBusinessDay
from strategies.frames import frames

from streamlit_pgstate.codecs import Payload, decode, encode
from streamlit_pgstate.errors import DecodeError, UnsupportedType

pytestmark = pytest.mark.filterwarnings("error")

PANDAS = tuple(int(part) for part in pd.__version__.split(".")[:2])
BERLIN = ZoneInfo("Europe/Berlin")
BUFFERS = ("_ndarray", "_data", "_mask")  # where the arrays of pandas keep their values


def again(frame):
    return decode(encode(frame, key="k"), key="k")


def assert_same(left, right):
    """Equal in all that pandas shows, and in what its own comparison passes over."""
    assert type(left) is type(right) is pd.DataFrame
    pd.testing.assert_frame_equal(
        comparable(left),
        comparable(right),
        check_exact=True,
        check_freq=True,
        check_flags=True,
        check_index_type="exact",
        check_column_type="exact",
    )
    assert fingerprint(left) == fingerprint(right)


def comparable(frame):
    """pandas does not compare cells that hold arrays."""
    shown = frame.copy(deep=False)
    for place in range(frame.shape[1]):
        if frame.iloc[:, place].dtype == object:
            shown.isetitem(place, np.zeros(len(frame)))
    return shown


def column(values, dtype=None, **more):
    return pd.DataFrame({"a": pd.Series(values, dtype=dtype)}, **more)


def indexed(index):
    return pd.DataFrame({"a": np.arange(len(index))}, index=index)


def labelled(columns):
    return pd.DataFrame(np.arange(2.0 * len(columns)).reshape(2, -1), columns=columns)


def objects(*values):
    held = np.empty(len(values), object)
    held[:] = values
    return pd.DataFrame({"a": pd.Series(held, dtype=object)})


def sparse(values, dtype, kind="integer"):
    return pd.DataFrame({"a": pd.arrays.SparseArray(values, dtype=dtype, kind=kind)})


def with_attrs(attrs):
    frame = column([1])
    frame.attrs = attrs
    return frame


def zoned(zone, unit="us"):
    times = pd.DatetimeIndex(["2026-10-25 00:30", "2026-10-25 01:30", None])
    return pd.DataFrame({"a": times.as_unit(unit).tz_localize("UTC").tz_convert(zone)})


NUMBERS = {
    **{name: column([0, 1, 100], name) for name in ("int8", "int16", "int32", "int64")},
    **{name: column([0, 1, 255], name) for name in ("uint8", "uint16", "uint32")},
    "uint64": column([2**64 - 1], "uint64"),
    "the first int64": column([-(2**63)], "int64"),
    "bool": column([True, False], "bool"),
    **{
        name: column([0.1, -0.0, np.nan, np.inf, -np.inf], name)
        for name in ("float16", "float32", "float64")
    },
    "a nan with a payload": column(np.array([0x7FF8000000000001], "u8").view("f8")),
    "complex64": column([1 + 2j, complex(np.nan, -0.0)], "complex64"),
    "complex128": column([1 + 2j, complex(-0.0, np.inf)], "complex128"),
    **{
        f"{kind}64[{unit}]": column(np.array([1, "NaT", -1], f"{kind}64[{unit}]"))
        for kind in ("datetime", "timedelta")
        for unit in ("s", "ms", "us", "ns")
    },
}

EXTENSIONS = {
    **{
        name: column([1, None, 0], name)
        for name in (
            *("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64"),
            *("Float32", "Float64", "boolean"),
        )
    },
    "the last UInt64": column([2**64 - 1, None], "UInt64"),
    "nan beside NA": pd.DataFrame(
        {"a": pd.arrays.FloatingArray(np.array([np.nan, 1.0]), np.array([False, True]))}
    ),
    "string[python]": column(["ä😀", None, "a\0b", ""], "string[python]"),
    "string[pyarrow]": column(["ä😀", None, "a\0b", ""], "string[pyarrow]"),
    "the default for text": column(["ä😀", None, "a\0b", ""]),
    "no text at all": column([], "string[pyarrow]"),
    "chunked text": pd.concat([column(["a"], "string[pyarrow]")] * 3, ignore_index=True),
    "a slice of text": column(["a", "b", None, "c"], "string[pyarrow]").iloc[1:3],
    "category": column(["a", "b", None, "a"], "category"),
    "category, ordered": column(
        pd.Categorical(["b", "a"], categories=["b", "a", "c"], ordered=True)
    ),
    "category of ints": column(pd.Categorical([3, 1, 3])),
    "category of a range": column(pd.Categorical.from_codes([0, 2], pd.RangeIndex(3))),
    "category of tuples": column(
        pd.Categorical.from_codes([0, 1], pd.Index([(1, 2), (3,)], tupleize_cols=False))
    ),
    "category of mixed": column(
        pd.Categorical.from_codes([0, 1], pd.Index([1, "a"], dtype=object))
    ),
    "category of intervals": pd.DataFrame({"a": pd.cut([1, 5, 9], 3)}),
    "category of days": column(pd.Categorical(pd.date_range("2026", periods=3))),
    "category of zoned times": column(pd.Categorical(pd.date_range("2026", periods=3, tz=BERLIN))),
    "category with a name": column(pd.Categorical([1], pd.Index([1, 2], name="n"))),
    "no category": column(pd.Categorical([None, None], categories=[])),
    "300 categories": column(pd.Categorical(range(300))),
    "UTC": zoned(dt.UTC),
    "the zone UTC": zoned(ZoneInfo("UTC")),
    "a zone": zoned(BERLIN, "ns"),
    "a zone in seconds": zoned(BERLIN, "s"),
    "an offset": zoned(dt.timezone(dt.timedelta(hours=-5, minutes=-30))),
    "the zone that pandas takes by default": zoned("Europe/Berlin"),
    "period": column(pd.period_range("2026-01", periods=3, freq="M")),
    "period of 2 weeks": pd.DataFrame({"a": pd.array(["2026-01-01", None], "period[2W-SUN]")}),
    "interval": column(pd.interval_range(0, 3)),
    "interval of times": column(pd.interval_range(pd.Timestamp("2026"), periods=3, closed="left")),
    "interval with a gap": column(pd.arrays.IntervalArray.from_tuples([(0.5, 1), None], "both")),
    "arrow int": column([1, None], "int64[pyarrow]"),
    "arrow text": column(["a", None], pd.ArrowDtype(pa.string())),
    "arrow list": column([[1, None], None], pd.ArrowDtype(pa.list_(pa.int64()))),
    "arrow struct": column([{"x": 1}, None], pd.ArrowDtype(pa.struct([("x", pa.int8())]))),
    "arrow decimal": column([Decimal("1.50"), None], pd.ArrowDtype(pa.decimal128(5, 2))),
    "arrow times": column([dt.datetime(2026, 1, 1)], pd.ArrowDtype(pa.timestamp("s", "UTC"))),
    "arrow date": column([dt.date(2026, 1, 1)], pd.ArrowDtype(pa.date32())),
    "sparse float": sparse([np.nan, 1.0, np.nan, -0.0], pd.SparseDtype("float64")),
    "sparse float32 over 0": sparse([0.0, 1.5], pd.SparseDtype("float32", 0)),
    "sparse over a NumPy scalar": sparse([0.0, 1.5], pd.SparseDtype("float64", np.float64(0))),
    "sparse int in blocks": sparse([0, 1, 2, 0, 3], pd.SparseDtype("int64", 0), "block"),
    "sparse bool": sparse([True, False, True], pd.SparseDtype("bool", False)),
    "sparse bool over True": sparse([True, False, True], pd.SparseDtype("bool", True)),
    "sparse times": sparse(
        np.array(["NaT", "2026-01-01"], "datetime64[ns]"), pd.SparseDtype("datetime64[ns]")
    ),
    "sparse objects": sparse(np.array([np.nan, 1.5], object), pd.SparseDtype(object)),
    "sparse with nothing in it": sparse([0, 0], pd.SparseDtype("int64", 0)),
    "sparse of no rows": sparse(np.array([], "int8"), pd.SparseDtype("int8", 0), "block"),
}

OBJECTS = {
    "text of any kind": objects("a", "ä", "", "a\0b", "\ud800"),
    "ints of any size": objects(1, 2**100, -1),
    "None beside nan": objects(None, float("nan"), None),
    "truth beside numbers": objects(True, 1, 1.0, False, None),
    "everything plain": objects(1, "a", b"b", 2.5, Decimal("1.50"), dt.date(2026, 1, 2)),
    "containers": objects([1, 2], (1, 2), {1, 2}, {"a": [1]}, []),
    "lists of one length": objects([1, 2], [3, 4]),
    "dicts with other keys": objects({"a": 1}, {"b": 2}, {3: 4}),
    "a column of None": objects(None, None),
    "no rows": objects(),
    "times with zones": objects(dt.datetime(2026, 1, 2, tzinfo=BERLIN), dt.time(1, fold=1)),
}

AXES = {
    "a range": indexed(pd.RangeIndex(5, 20, 5, name="n")),
    "an empty range": indexed(pd.RangeIndex(5, 5, -1)),
    "ints": indexed(pd.Index([3, 1, 3], name=("a", 1))),
    "labels of int8": indexed(pd.Index([3, 1], dtype="int8")),
    "floats": indexed(pd.Index([1.5, np.nan, -0.0])),
    "truth": indexed(pd.Index([True, False])),
    "complex": indexed(pd.Index([1j, 2])),
    "text": indexed(pd.Index(["a", "b"], name="n")),
    "text as objects": indexed(pd.Index(["a", None, "\ud800"], dtype=object)),
    "a name that is a date": indexed(pd.Index([1], name=dt.date(2026, 1, 2))),
    "nullable": indexed(pd.Index([1, None], dtype="Int64")),
    "sparse": indexed(pd.Index(pd.arrays.SparseArray([0, 1, 0]))),
    "arrow": indexed(pd.Index([1, None], dtype="int64[pyarrow]")),
    "days": indexed(pd.date_range("2026-01-01", periods=3)),
    "zoned days": indexed(pd.date_range("2026-03-28", periods=3, tz=BERLIN, name="d")),
    "times without a frequency": indexed(pd.DatetimeIndex(["2026-01-01", None, "2025-01-01"])),
    "month ends": indexed(pd.date_range("2026-01-01", periods=5, freq="ME")),
    "every second business day": indexed(pd.date_range("2026-01-01", periods=5, freq="2B")),
    "weeks": indexed(pd.date_range("2026-01-01", periods=3, freq="W-WED")),
    "backwards": indexed(pd.date_range("2026-01-01", periods=3, freq="-1h")),
    "no days, with a frequency": indexed(pd.date_range("2026-01-01", periods=0)),
    "steps of time": indexed(pd.timedelta_range(0, periods=3, freq="90s")),
    "periods": indexed(pd.period_range("2026Q1", periods=3, freq="Q-MAR")),
    "intervals": indexed(pd.interval_range(0, 3, closed="both")),
    "categories": indexed(pd.CategoricalIndex(["b", "a", None], ["b", "a"], name="n")),
    "levels": indexed(
        pd.MultiIndex.from_product([["a", "b"], pd.date_range("2026", periods=2)], names=["x", 3])
    ),
    "levels with gaps and leftovers": indexed(
        pd.MultiIndex([["a", "b", "z"], [1.5, 2.5]], [[1, 0, -1], [0, -1, 1]])
    ),
    "levels of every kind": indexed(
        pd.MultiIndex.from_arrays([pd.Categorical(["a", "b"]), pd.interval_range(0, 2), [1, 2]])
    ),
    "levels without rows": indexed(pd.MultiIndex([[], ["a"]], [[], []], names=["x", "x"])),
    "300 labels in a level": indexed(pd.MultiIndex.from_arrays([range(300), ["a"] * 300])),
    "columns by a range": labelled(pd.RangeIndex(0, 6, 2)),
    "columns by ints": labelled(pd.Index([0, 1])),
    "mixed names": labelled(pd.Index([1, "a", None, 2.5, (1, "b"), dt.date(2026, 1, 2)])),
    "repeated names": labelled(["a", "a", "b", "a"]),
    "tuples as names": labelled(pd.Index([("a", 1), ("b",)], tupleize_cols=False)),
    "times as names": labelled(pd.date_range("2026", periods=3, name="d")),
    "categories as names": labelled(pd.CategoricalIndex(["a", "b"])),
    "levels of names": labelled(pd.MultiIndex.from_tuples([("a", 1), ("a", 2)], names=["x", None])),
    "the columns' name": labelled(pd.Index(["a"], name="n")),
}

FRAMES = {
    "nothing": pd.DataFrame(),
    "rows without columns": pd.DataFrame(index=range(3)),
    "a huge range without columns": pd.DataFrame(index=pd.RangeIndex(10**12)),
    "columns without rows": pd.DataFrame(columns=["a", "b"]),
    "columns of several dtypes without rows": pd.DataFrame(
        {
            "a": pd.Series(dtype="int8"),
            "b": pd.Series(dtype="category"),
            "c": pd.Series(dtype="M8[s]"),
        }
    ),
    "of one dtype": pd.DataFrame(np.arange(12).reshape(3, 4)),
    "of one dtype, by rows in memory": pd.DataFrame(np.arange(12.0).reshape(3, 4), copy=False),
    "a slice with strides": pd.DataFrame(np.arange(100.0).reshape(10, 10)).iloc[::3, ::2],
    "of one dtype, put together": pd.concat([column([1.5]), column([2.5])], axis=1),
    "only times": pd.DataFrame({"a": pd.date_range("2026", periods=2), "b": pd.NaT}),
    "of many dtypes": pd.DataFrame(
        {"i": [1, 2], "f": [0.5, np.nan], "s": ["a", "b"], "b": [True, False], "j": [3, 4]}
    ),
    "100 columns of two dtypes": pd.DataFrame(
        {place: np.arange(3.0) if place % 2 else np.arange(3) for place in range(100)}
    ),
    "50 columns of times and objects": pd.DataFrame(
        {place: pd.date_range("2026", periods=2) if place % 2 else [1, 2] for place in range(100)}
    ).assign(o=[["x"], None]),
    "sparse of several kinds": pd.concat(
        [
            sparse([0, 1, 0], pd.SparseDtype("int64", 0)),
            sparse([0, 1, 0], pd.SparseDtype("int64", 1), "block"),
            column([1, 2, 3]),
            sparse([2, 1, 0], pd.SparseDtype("int64", 0)),
            sparse([2, 1, 0], pd.SparseDtype("int64", 0), "block"),
        ],
        axis=1,
    ),
    "attrs": with_attrs({"source": ("a", 1), 2: dt.date(2026, 1, 2)}),
    "attrs of arrays and frames": with_attrs(
        {"array": np.arange(3), "frames": [column(["a"]), with_attrs({"x": pd.Series([1])})]}
    ),
    "labels must be unique": column([1]).set_flags(allows_duplicate_labels=False),
}

if scipy:
    matrix = scipy.sparse.random(50, 40, 0.1, random_state=0)
    FRAMES["from scipy"] = pd.DataFrame.sparse.from_spmatrix(matrix)

COLUMNS = {**NUMBERS, **EXTENSIONS, **OBJECTS}
ALL = {**COLUMNS, **AXES, **FRAMES}
assert len(ALL) == sum(map(len, (NUMBERS, EXTENSIONS, OBJECTS, AXES, FRAMES)))


@pytest.mark.parametrize("frame", ALL.values(), ids=ALL)
def test_a_frame_comes_back_as_it_was(frame):
    before = frame.copy()
    assert_same(again(frame), frame)
    assert_same(frame, before)


@pytest.mark.parametrize("frame", ALL.values(), ids=ALL)
def test_what_came_back_is_written_the_same_again(frame):
    payload = encode(frame, key="k")
    assert encode(decode(payload, key="k"), key="k").digest == payload.digest


@pytest.mark.parametrize("frame", COLUMNS.values(), ids=COLUMNS)
def test_a_column_comes_back_beside_columns_of_other_dtypes(frame):
    beside = frame.copy()
    beside.insert(0, "n0", np.arange(len(frame), dtype="int32"), allow_duplicates=True)
    beside.insert(1, "n1", [["x"]] * len(frame), allow_duplicates=True)
    assert_same(again(beside), beside)


@given(frames())
def test_any_frame_comes_back_as_it_was(frame):
    assert fingerprint(again(frame)) == fingerprint(frame)


def mutate(frame):
    """Change all that can be changed in place, by pandas and behind its back."""
    for place in range(frame.shape[1]):
        values = frame.iloc[:, place].array
        for part in (values, getattr(values, "sp_values", None), getattr(values, "_mask", None)):
            with contextlib.suppress(ValueError, TypeError, NotImplementedError, IndexError):
                held = np.asarray(part)
                held[:] = held[::-1].copy()
        if len(frame):
            frame.iloc[0, place] = frame.iloc[-1, place]
    if frame.shape[1] and len(frame):
        frame.loc[:, frame.columns[0]] = frame.iloc[0, 0]
    frame.attrs["new"] = 1


WRITABLE = {
    name: ALL[name]
    for name in (
        *("int64", "bool", "float64", "complex128", "datetime64[us]", "timedelta64[s]"),
        *("Int64", "boolean", "string[python]", "string[pyarrow]", "category", "a zone", "period"),
        *("of one dtype", "of many dtypes", "100 columns of two dtypes", "only times", "ints"),
    )
}


@pytest.mark.parametrize("frame", WRITABLE.values(), ids=WRITABLE)
def test_what_came_back_is_the_caller_s_own(frame):
    payload = encode(frame, key="k")
    body = bytearray(payload.body)
    mutate(decode(payload, key="k"))
    assert payload.body == body
    assert_same(decode(payload, key="k"), frame)


@pytest.mark.parametrize("frame", WRITABLE.values(), ids=WRITABLE)
def test_every_block_that_came_back_can_be_written_to(frame):
    for block in again(frame)._mgr.blocks:
        if getattr(block.values.dtype, "storage", None) == "pyarrow":
            continue  # buffers of Arrow never change; a write makes new ones
        held = [block.values, *(getattr(block.values, name, None) for name in BUFFERS)]
        arrays = [array for array in held if isinstance(array, np.ndarray)]
        assert arrays
        assert all(array.flags.writeable for array in arrays)


def test_changing_a_frame_after_it_was_written_changes_nothing_stored():
    frame = pd.DataFrame(np.zeros((3, 3)))
    payload = encode(frame, key="k")
    frame.iloc[:, :] = 1.0
    assert decode(payload, key="k").to_numpy().sum() == 0


def test_attrs_are_not_copied_for_every_column():
    class Noted(list):
        copies = 0

        def __deepcopy__(self, memo):
            Noted.copies += 1
            return self

    frame = pd.DataFrame({place: [1.5] if place % 2 else [1] for place in range(10)})
    frame.attrs = {"a": [Noted()]}
    Noted.copies = 0
    with pytest.raises(UnsupportedType, match="'attrs' → 'a' → \\[0\\] is a"):
        encode(frame, key="k")
    assert Noted.copies == 0


def test_columns_of_one_dtype_come_back_as_one_block():
    frame = ALL["100 columns of two dtypes"]
    assert len(again(frame)._mgr.blocks) == 2
    assert len(again(ALL["of one dtype"])._mgr.blocks) == 1


def test_the_body_is_an_arrow_stream_that_any_program_can_read():
    frame = pd.DataFrame({"n": [1, 2], "t": pd.Series(["a", "s"], dtype="string[pyarrow]")})
    body = encode(frame, key="k").body
    table = pa.ipc.open_stream(body).read_all()
    assert table.num_rows == 1
    assert {"a", "s"} | {1, 2} <= {item for part in table.to_pylist()[0].values() for item in part}
    assert b'"format": 1' in table.schema.metadata[b"streamlit_pgstate"]


@pytest.mark.parametrize("order", ["C", "F"])
def test_equal_frames_are_written_equally_whatever_their_layout(order):
    values = np.arange(12.0).reshape(3, 4)
    frame = pd.DataFrame(values.copy(order), copy=False)
    assert encode(frame, key="k") == encode(pd.DataFrame(values), key="k")


class Own(pd.DataFrame):
    pass


REFUSED = {
    "a subclass": (Own(), "'df' is a "),
    "a function in a cell": (objects(1, print), "'df' → column 'a' → [1] is a builtin_function"),
    "a function deep in a cell": (objects({"x": [print]}), "'a' → [0] → 'x' → [0] is a"),
    "an array of functions in a cell": (
        objects(None, np.array([1, print], object)),
        "column 'a' → [1] → [1] is a builtin_function",
    ),
    "floats of 80 bits": (column(np.array([1], "longdouble")), "column 'a' is of the dtype"),
    "a function as label": (labelled(pd.Index([print], dtype=object)), "'df' → 'columns' → [0] is"),
    "a function as name": (indexed(pd.Index([1], name=print)), "'df' → 'index' → 'name' is a"),
    "a function in attrs": (with_attrs({"f": print}), "'df' → 'attrs' → 'f' is a"),
    "a lone surrogate": (
        column(["a", "b\ud800"], "string[python]"),
        "column 'a' → [1] is text with a lone surrogate",
    ),
    "a frequency with holidays": (
        indexed(pd.date_range("2026", periods=3, freq=CustomBusinessDay(holidays=["2026-01-02"]))),
        "'df' → 'index' is of the frequency",
    ),
    "an arrow dictionary": (
        column(["a"], pd.ArrowDtype(pa.dictionary(pa.int8(), pa.string()))),
        "column 'a' is of the dtype dictionary",
    ),
}


@pytest.mark.parametrize(("frame", "words"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_kept_is_refused_by_the_name_of_its_column(frame, words):
    with pytest.raises(UnsupportedType) as caught:
        encode(frame, key="df")
    assert words in str(caught.value)


def test_a_cell_of_a_frame_inside_a_list_is_refused_by_its_place():
    with pytest.raises(UnsupportedType, match=r"'k' → \[1\] → column 'a' → \[0\] is a builtin"):
        encode([1, objects(print)], key="k")


def test_anything_that_is_no_frame_is_a_decode_error():
    foreign = pa.BufferOutputStream()
    batch = pa.record_batch({"0": pa.array([[1]], pa.large_list(pa.int64()))})
    with pa.ipc.new_stream(foreign, batch.schema) as stream:
        stream.write_batch(batch)
    for body in (b"", b"x", b"\0" * 1000, b"{}", foreign.getvalue().to_pybytes()):
        with pytest.raises(DecodeError, match=r"'k' was written as 'pandas\.frame'"):
            decode(Payload("pandas.frame", body), key="k")


def rewritten(frame, *changes):
    """The body of a frame whose header says something else."""
    body = encode(frame, key="k").body
    with pa.ipc.open_stream(body) as stream:
        batch = stream.read_next_batch()
    header = batch.schema.metadata[b"streamlit_pgstate"]
    for old, new in changes:
        assert old in header
        header = header.replace(old, new)
    batch = batch.replace_schema_metadata({b"streamlit_pgstate": header})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as stream:
        stream.write_batch(batch)
    return sink.getvalue().to_pybytes()


TWO = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
LIES = {
    "a newer format": rewritten(TWO, (b'"format": 1', b'"format": 3')),
    "no format": rewritten(TWO, (b'"format"', b'"formal"')),
    "more rows": rewritten(TWO, (b'"shape": [2, 2]', b'"shape": [3, 2]')),
    "more rows everywhere": rewritten(
        TWO,
        (b'"shape": [2, 2]', b'"shape": [9000000000, 2]'),
        (b"[0, 2, 1]", b"[0, 9000000000, 1]"),
    ),
    "fewer rows": rewritten(
        TWO, (b'"shape": [2, 2]', b'"shape": [1, 2]'), (b"[0, 2, 1]", b"[0, 1, 1]")
    ),
    "a column twice": rewritten(TWO, (b'"columns": [1]', b'"columns": [0]')),
    "a column that is not there": rewritten(TWO, (b'"columns": [1]', b'"columns": [5]')),
    "another dtype": rewritten(TWO, (b'"int64"', b'"float64"')),
    "a dtype that nobody has": rewritten(TWO, (b'"int64"', b'"object"')),
    "a wider dtype": rewritten(TWO, (b'"int64"', b'"int128"')),
    "another kind": rewritten(TWO, (b'"is": "numpy"', b'"is": "string"')),
    "a buffer that is not there": rewritten(
        TWO, (b'"dtype": "int64", "at": ', b'"dtype": "int64", "at": 7')
    ),
    "a buffer before the first": rewritten(
        TWO, (b'"dtype": "int64", "at": ', b'"dtype": "int64", "at": -1')
    ),
    "codes out of range": rewritten(
        column(pd.Categorical([2], [1, 2, 3])), (b'"count": 3', b'"count": 2')
    ),
    "attrs that are no dict": rewritten(TWO, (b'"attrs": {}', b'"attrs": 1')),
    "attrs in another buffer": rewritten(TWO, (b'"attrs": {}', b'"attrs_at": 0')),
    "attrs in no buffer": rewritten(TWO, (b'"attrs": {}', b'"attrs_at": 9')),
    "attrs of a column": rewritten(objects([np.zeros(1)]), (b'"attrs": {}', b'"attrs_at": 0')),
    "a header that is no dict": rewritten(
        TWO, (b'{"format"', b'[{"format"'), (b"true}", b"true}]")
    ),
    "a sparse count": rewritten(
        sparse([0, 1], pd.SparseDtype("int8", 0)), (b'"count": 1', b'"count": 2')
    ),
    "a frequency that does not fit": rewritten(
        indexed(pd.date_range("2026", periods=3)), (b'"freq": "D"', b'"freq": "2h"')
    ),
    "a frequency that nobody has": rewritten(
        indexed(pd.date_range("2026", periods=3)), (b'"freq": "D"', b'"freq": "?"')
    ),
    "a zone that nobody has": rewritten(zoned(BERLIN), (b"Europe/Berlin", b"Europe/Atlant")),
}


@pytest.mark.parametrize("body", LIES.values(), ids=LIES)
def test_a_header_that_does_not_fit_the_buffers_is_a_decode_error(body):
    with pytest.raises(DecodeError):
        decode(Payload("pandas.frame", body), key="k")


FRAGILE = [
    "of many dtypes", "category", "category of intervals", "sparse of several kinds",
    "string[python]", "Int64", "a zone", "levels of every kind", "everything plain", "arrow list",
    "sparse times",
]  # fmt: skip


@pytest.mark.parametrize("name", FRAGILE)
def test_a_body_that_is_cut_is_a_decode_error_or_the_frame(name):
    body = encode(ALL[name], key="k").body
    for end in random.Random(name).sample(range(len(body)), min(len(body), 150)):
        with contextlib.suppress(DecodeError):
            assert_same(decode(Payload("pandas.frame", body[:end]), key="k"), ALL[name])


@pytest.mark.filterwarnings("ignore")  # of pandas, about the nonsense it is given
@pytest.mark.parametrize("name", FRAGILE)
def test_a_body_with_other_bytes_in_it_is_a_decode_error_or_a_frame(name):
    chance = random.Random(name)
    body = encode(ALL[name], key="k").body
    for _ in range(400):
        damaged = bytearray(body)
        for _ in range(chance.choice([1, 1, 4])):
            damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        with contextlib.suppress(DecodeError):
            found = decode(Payload("pandas.frame", bytes(damaged)), key="k")
            assert type(found) is pd.DataFrame
