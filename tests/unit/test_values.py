"""Arrays, frames, files, images and registered types come back as they were, alone and nested."""

from __future__ import annotations

import datetime as dt
import io
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from fingerprint import fingerprint
from hypothesis import given
from libraries import PIL, pl, pydantic, scipy
from own_types import (
    Colour,
    Frozen,
    Inner,
    Level,
    Model,
    Pair,
    Point,
    Right,
    Settings,
    Strict,
    Visit,
)
from strategies.anything import anything
from strategies.arrays import arrays as any_array
from strategies.arrays import cells_of
from strategies.tables import polars_frames

from streamlit_pgstate.codecs import decode, encode
from streamlit_pgstate.codecs.file import StoredFile

NUMPY = int(np.__version__.partition(".")[0])
BERLIN = ZoneInfo("Europe/Berlin")


def again(value):
    return decode(encode(value, key="k"), key="k")


# --- the values ---------------------------------------------------------------------------


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
        "decimals of a precision that polars has found": pl.Series([Decimal("1.5"), None]),
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


def own_types():
    frozen = Frozen((1, 2))
    object.__setattr__(frozen, "total", 99)
    return {
        "dataclass": Point(1, 2.5),
        "dataclass in a dataclass": Point(1, Point(2, [Point(3)])),
        "dataclass with a frame": Point(1, pd.DataFrame({"a": [1]})),
        "dataclass, frozen": frozen,
        "dataclass with what its field declares": Strict(1, "text", Point(1), Inner([Inner(2)])),
        "attrs": Visit("1", {"a": (1,)}),
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
    model = Model(name="a", sizes=(1,), inner=Model(name="b", value=np.arange(2)), more=(1,))
    model._private = [pd.Timestamp(0)]
    settings = Settings(model=model)
    return {
        "pydantic": model,
        "pydantic with what its field declares": settings,
        "secrets, addresses and a time": [settings.key, *settings.urls, settings.size, settings.at],
    }


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
    found = again(value)
    assert fingerprint(found) == fingerprint(value)
    assert type(found) is not np.ndarray or found.flags.writeable


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_a_value_comes_back_from_within_containers(value):
    nested = {"a": [value, (1, {"b": value})], (2,): [[[value]]]}
    assert fingerprint(again(nested)) == fingerprint(nested)


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_what_came_back_is_written_the_same_again(value):
    payload = encode(value, key="k")
    assert encode(decode(payload, key="k"), key="k").digest == payload.digest


def test_all_values_in_one_payload():
    payload = encode(VALUES, key="k")
    assert payload.kind in ("bundle", "bundle+zstd")
    assert fingerprint(decode(payload, key="k")) == fingerprint(VALUES)


# --- properties ---------------------------------------------------------------------------


@given(any_array())
def test_any_array_comes_back_as_it_was(array):
    assert fingerprint(again(array)) == fingerprint(array)


@given(anything())
def test_any_values_in_each_other_come_back_as_they_were(value):
    before = fingerprint(value)
    assert fingerprint(again(value)) == before
    assert fingerprint(value) == before


if pl:

    @given(polars_frames(masked=True))
    def test_any_frame_of_polars_comes_back_whatever_lies_under_its_nulls(frame):
        assert fingerprint(again(frame)) == fingerprint(frame)
