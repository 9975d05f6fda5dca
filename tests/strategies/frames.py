"""pandas: columns of every dtype, indexes of every class, frames and Series of both."""

from __future__ import annotations

import contextlib
import datetime as dt
import warnings
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from strategies import arrays, plain, tables
from strategies.arrays import cells_of
from strategies.once import once

PANDAS = tuple(int(part) for part in pd.__version__.split(".")[:2])

UNITS = ("s", "ms", "us", "ns")

ZONES = (
    *("UTC", "Europe/Berlin", "+05:30", "America/St_Johns"),
    *(dt.UTC, ZoneInfo("UTC"), ZoneInfo("Europe/Berlin"), ZoneInfo("Africa/Monrovia")),
    *(dt.timezone(dt.timedelta(hours=-5)), dt.timezone(dt.timedelta(hours=1), "CET")),
)

FREQUENCIES = (
    *("D", "3D", "B", "2B", "-1D", "h", "-90min", "s", "ms", "250us", "7ns", "W-WED", "2W-SUN"),
    *("ME", "-2ME", "MS", "BME", "BMS", "SME", "SMS-7", "QE-MAR", "QS-FEB", "BQE-NOV"),
    *("YE-JUN", "YS-MAR", "BYE-DEC", "bh", "WOM-2MON", "C", "2YE-DEC"),
    *(["LWOM-FRI"] if PANDAS >= (3, 0) else []),
)
STEPS = ("D", "2h", "-1h", "90s", "5ms", "1us", "3ns")
PERIODS = (
    *("D", "W-SUN", "2W-WED", "M", "3M", "Q-DEC", "Q-MAR", "Y-DEC", "Y-JUN"),
    *("h", "2h", "min", "15min", "s", "ms", "us", "ns"),
)

BITS = (
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float16", "float32", "float64", "complex64", "complex128", ">i2", ">i8", ">f4", ">f8"),
    *(f"{kind}[{unit}]" for kind in ("M8", "m8") for unit in UNITS),
    *("q", "Q"),  # equal to int64 and uint64, and other types
)
MASKED = (
    *("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64"),
    *("Float32", "Float64", "boolean"),
)
CLOSED = ("left", "right", "both", "neither")


# What pandas raises where it would compare labels or look for them, and cannot.
_INCOMPARABLE = (TypeError, ValueError, OverflowError, NotImplementedError)


@cache
def _lists(items, size):
    return st.lists(items, min_size=size, max_size=size)


# --- arrays, which columns and indexes are made of ------------------------------------------


@once
def numpy_bits(size):
    return st.sampled_from(BITS).flatmap(lambda name: arrays.filled(np.dtype(name), (size,)))


@cache
@st.composite
def masked(draw, size):
    dtype = pd.api.types.pandas_dtype(draw(st.sampled_from(MASKED)))
    values = draw(arrays.filled(dtype.numpy_dtype, (size,)))
    mask = np.array(draw(_lists(st.booleans(), size)), bool)
    return dtype.construct_array_type()(values, mask)


@once
def string_dtypes():
    found = [pd.StringDtype("python"), pd.StringDtype("pyarrow")]
    if PANDAS >= (2, 3):
        found += [pd.StringDtype(kind, na_value=np.nan) for kind in ("python", "pyarrow")]
    else:
        found.append(pd.StringDtype("pyarrow_numpy"))
    return st.sampled_from(found)


@cache
@st.composite
def strings(draw, size):
    texts = draw(_lists(st.none() | st.text(max_size=6), size))
    return pd.array(texts, draw(string_dtypes()))


@cache
@st.composite
def categoricals(draw, size):
    categories = _distinct(draw(indexes(draw(st.integers(0, 4)), plain=True)))
    codes = draw(_lists(st.integers(-1, len(categories) - 1), size))
    dtype = pd.CategoricalDtype(categories, draw(st.sampled_from([False, True])))
    return pd.Categorical.from_codes(codes, dtype=dtype)


@once
def moments():
    """Times of any unit and zone that pandas can show in it, in seconds."""
    return st.integers(-(2**32), 2**32) | st.sampled_from([1792889999, 1792893600, 0])


@cache
@st.composite
def zoned(draw, size):
    unit = draw(st.sampled_from(UNITS))
    scale = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    seconds = draw(_lists(st.none() | moments(), size))
    numbers = [np.iinfo("i8").min if at is None else at * scale for at in seconds]
    times = pd.DatetimeIndex(np.array(numbers, "i8").view(f"M8[{unit}]"))
    return times.tz_localize("UTC").tz_convert(draw(st.sampled_from(ZONES))).array


@cache
@st.composite
def periods(draw, size):
    numbers = draw(_lists(st.none() | st.integers(-2000, 40_000), size))
    ordinals = np.array([np.iinfo("i8").min if at is None else at for at in numbers], "i8")
    dtype = pd.PeriodDtype(draw(st.sampled_from(PERIODS)))
    return pd.arrays.PeriodArray(ordinals, dtype=dtype)


@cache
@st.composite
def intervals(draw, size):
    ends = draw(_lists(st.tuples(st.integers(-9, 9), st.integers(0, 9)), size))
    left = pd.Index(np.array([start for start, _ in ends], "int64"))
    right = pd.Index(np.array([start + length for start, length in ends], "int64"))
    dtype = draw(
        st.sampled_from(
            ["int64", "uint64", "float64", *(f"M8[{unit}]" for unit in UNITS), "m8[ns]"]
        )
    )
    if dtype == "uint64":
        left, right = left + 9, right + 9
    left, right = left.astype(dtype), right.astype(dtype)
    if dtype.startswith("M8") and draw(st.booleans()):
        zone = draw(st.sampled_from(ZONES))
        left, right = (part.tz_localize("UTC").tz_convert(zone) for part in (left, right))
    gaps = np.array(draw(_lists(st.integers(0, 3), size)), "int64") == 3
    if "int" not in dtype:
        left, right = left.where(~gaps), right.where(~gaps)
    return pd.arrays.IntervalArray.from_arrays(left, right, draw(st.sampled_from(CLOSED)))


SPARSE = (
    *("bool", "int8", "int32", "int64", "uint8", "uint64", "float32", "float64", "complex128"),
    *("M8[ns]", "m8[ns]", "M8[s]"),
)


@cache
@st.composite
def sparse(draw, size):
    """Sparse arrays over any fill value, some of which hold it, too."""
    dtype = np.dtype(draw(st.sampled_from(SPARSE)))
    values = draw(arrays.filled(dtype, (size,)))
    filled = np.array(draw(_lists(st.booleans(), size)), bool)
    fill = draw(st.sampled_from(_fills(dtype)))
    values[filled] = np.array("NaT" if fill is pd.NaT else fill).astype(dtype)
    kind = draw(st.sampled_from(["integer", "block"]))
    array = pd.arrays.SparseArray(values, fill_value=fill, kind=kind, dtype=dtype)
    if dtype.kind in "fi" and draw(st.booleans()):
        with np.errstate(all="ignore"):
            array = array - array  # which keeps zeros where it held values
    return array


def _fills(dtype):
    if dtype.kind in "mM":
        return [pd.NaT]
    zero, one = dtype.type(0), dtype.type(1)
    return [zero, zero.item(), one, one.item(), *([np.nan] if dtype.kind == "f" else [])]


@once
def pandas_arrow(size):
    found = tables.pandas_types().flatmap(lambda arrow: tables.arrays_of(arrow, size))
    return found.map(pd.arrays.ArrowExtensionArray)


@cache
@st.composite
def frequent(draw, size):
    """Times at regular steps, which know their frequency, and what pandas makes of these."""
    start = pd.Timestamp(draw(moments() | changes()), unit="s")
    if draw(st.booleans()):
        freq = draw(st.sampled_from(FREQUENCIES))
        zone = draw(st.none() | st.sampled_from(ZONES))
        try:
            made = pd.date_range(start, periods=2 * size, freq=freq, tz=zone)
        except Exception:  # noqa: BLE001  # an hour that the zone leaves out or has twice
            made = pd.date_range(start, periods=2 * size, freq=freq)
        return draw(_moved(made, size))
    made = pd.timedelta_range(
        draw(st.integers(0, 9)), periods=size, freq=draw(st.sampled_from(STEPS))
    )
    return made[::-1] if draw(st.booleans()) else made


@cache
def changes():
    """A day or two before the clocks of Berlin and St. John's change, in seconds."""
    days = [
        pd.Timestamp(day, tz="UTC")
        for day in ("2026-03-07", "2026-03-28", "2026-10-24", "2026-10-31")
    ]
    before = st.sampled_from([0, 23, 24, 24.5, 25, 28]).map(lambda hours: int(3600 * hours))
    return st.builds(lambda day, more: int(day.timestamp()) + more, st.sampled_from(days), before)


@st.composite
def _moved(draw, times, size):
    """Half of them, in other zones or units, a step on or backwards, with what freq is left."""
    for _ in range(draw(st.integers(0, 2))):
        zone = draw(st.sampled_from(ZONES))
        way = draw(
            st.sampled_from(
                [
                    lambda times, zone=zone: times.tz_convert(zone),
                    lambda times, zone=zone: times.tz_localize(zone),
                    lambda times: times.tz_localize(None),
                    lambda times: times.tz_convert(None),
                    lambda times: times.shift(1),
                    lambda times: times[::-1],
                    lambda times: times.as_unit("s"),
                    lambda times: times.as_unit("ns"),
                    lambda times: times + pd.Timedelta(1, "h"),
                    lambda times: times.normalize(),
                ]
            )
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with contextlib.suppress(Exception):  # it has a zone, or none; the hour is left out
                times = way(times)
    part = draw(st.sampled_from([slice(0, None, 2), slice(size), slice(size, None)]))
    return times[part]


@once
def cells():
    """What may lie in a cell of the dtype object."""
    return st.one_of(
        plain.leaves(),
        st.lists(plain.atoms(), max_size=3),
        st.dictionaries(plain.texts(), plain.atoms(), max_size=2),
        scalars(),
        st.sampled_from([None, np.nan, pd.NA, pd.NaT]),
    )


@once
def objects(size):
    return _lists(cells(), size).map(cells_of)


EXTENSIONS = (masked, strings, zoned, periods, intervals, sparse, pandas_arrow)


@once
def extension_arrays(size):
    return st.one_of(*(make(size) for make in EXTENSIONS), categoricals(size))


# --- scalars ------------------------------------------------------------------------------


@once
def scalars():
    """Timestamps, Timedeltas, Periods, Intervals and the rest, each alone."""
    units = st.sampled_from(UNITS)
    numbers = st.integers(-(2**31), 2**31)
    return st.one_of(
        arrays.scalars(),
        st.sampled_from([pd.NaT, pd.NA, np.ma.masked]),
        st.builds(lambda at, unit: pd.Timestamp(np.datetime64(at, unit)), numbers, units),
        st.builds(
            lambda at, unit, zone: pd.Timestamp(np.datetime64(at, unit), tz="UTC").tz_convert(zone),
            moments(), st.sampled_from(["s", "ms"]), st.sampled_from(ZONES),
        ),
        st.builds(
            lambda at, unit: pd.Timedelta(np.timedelta64(at, unit)),
            numbers, units,
        ),
        st.builds(
            lambda at, freq: pd.Period(ordinal=at, freq=freq),
            st.integers(-2000, 40_000), st.sampled_from(PERIODS),
        ),
        intervals(1).map(lambda array: array[0]),
        st.sampled_from(FREQUENCIES).map(pd.tseries.frequencies.to_offset),
    )  # fmt: skip


# --- indexes ------------------------------------------------------------------------------


@once
def names():
    return st.one_of(st.none(), plain.texts(), plain.hashables(), scalars().filter(_has_hash))


def _has_hash(value):
    try:
        hash(value)
    except _INCOMPARABLE:
        return False
    return True


@cache
@st.composite
def ranges(draw, size):
    start = draw(st.integers(-(2**40), 2**40))
    step = draw(st.integers(-1000, 1000).filter(bool))
    short = draw(st.integers(0, abs(step) - 1)) if size else draw(st.integers(0, 5))
    stop = start + step * size - (short if step > 0 else -short)
    return pd.RangeIndex(start, stop, step)


@once
def labels(size):
    """Labels of all kinds beside each other, repeated ones among them."""
    label = st.one_of(
        plain.atoms(),
        st.sampled_from(["a", "a", 1, True, None, ("a", 1), (2,)]),
        st.tuples(plain.atoms(), plain.atoms()),
        scalars().filter(_has_hash),
    )
    return _lists(label, size).map(
        lambda found: pd.Index(cells_of(found), dtype=object, tupleize_cols=False)
    )


def _index_of(array):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pd.Index(array, dtype=array.dtype, copy=False)


def _can_be_index(array):
    return array.dtype != np.dtype("float16")


@once
def indexes(size, *, plain=False):
    """Indexes of every class; `plain` ones without levels and categories."""
    found = [
        ranges(size),
        numpy_bits(size).filter(_can_be_index).map(_index_of),
        labels(size),
        frequent(size),
        *(make(size).map(_index_of) for make in EXTENSIONS),
    ]
    if not plain:
        found += [categoricals(size).map(_index_of), multi_indexes(size), multi_indexes(size)]
    return st.one_of(found).flatmap(_named)


def _named(index):
    # Not by the bound method, which Hypothesis shows with its index: pandas may not be able to.
    if isinstance(index, pd.MultiIndex):
        return _lists(names(), index.nlevels).map(lambda each: index.set_names(each))
    return names().map(lambda name: index.rename(name))


def _distinct(index):
    """As it is if it can be the categories or a level; else something like it."""
    try:
        found = index if index.is_unique and not index.hasnans else index.dropna().unique()
        pd.Categorical.from_codes([], found)
    except _INCOMPARABLE:
        return pd.RangeIndex(len(index))
    return found


@cache
@st.composite
def multi_indexes(draw, size):
    """Also as groupby(dropna=False), concat and set_levels make them, which no constructor would.

    Their codes point at labels that are missing, their levels have a label twice or are used in
    part, and their codes are of the dtype of a former level.
    """
    levels, codes = [], []
    is_odd = draw(st.booleans())
    for _ in range(draw(st.integers(1, 3))):
        labels = draw(indexes(draw(st.integers(0, 3)), plain=True))
        if draw(st.integers(0, 4)) == 4:
            labels = _index_of(draw(categoricals(len(labels))))
        levels.append(labels if is_odd else _distinct(labels))
        codes.append(draw(_lists(st.integers(-1, len(levels[-1]) - 1), size)))
    if not is_odd:
        return pd.MultiIndex(levels, codes)
    order = draw(st.none() | st.integers(0, len(levels)))
    if draw(st.booleans()):
        return pd.MultiIndex(levels, codes, order, verify_integrity=False)
    former = [pd.RangeIndex(draw(st.sampled_from([1, 200, 40_000]))) for _ in levels]
    index = pd.MultiIndex(former, codes, order, verify_integrity=False)
    return index.set_levels(levels, verify_integrity=False)


# --- Series, frames, arrays alone -----------------------------------------------------------


@once
def columns(size):
    """What one column may be made of."""
    return st.one_of(
        numpy_bits(size), objects(size), extension_arrays(size), extension_arrays(size)
    )


def _series(array, index=None):
    return pd.Series(array, index, array.dtype, copy=False)


@once
def attrs():
    return st.dictionaries(plain.hashables(), plain.leaves(), max_size=2)


def _noted(draw, value, is_unique):
    if draw(st.integers(0, 3)) == 3:
        value.attrs = draw(attrs())
    if is_unique and draw(st.integers(0, 7)) == 7:
        value = value.set_flags(allows_duplicate_labels=False)
    if draw(st.integers(0, 7)) == 7:
        vars(value)["note"] = draw(cells())  # as `frame.note = …`, of which pandas may warn
    return value


@cache
@st.composite
def series(draw):
    size = draw(sizes())
    made = _series(draw(columns(size)), draw(indexes(size)))
    made.name = draw(names())
    return _noted(draw, made, _is_unique(made.index))


def _is_unique(axis):
    try:
        return axis.is_unique
    except _INCOMPARABLE:  # labels that cannot be compared
        return False


@cache
@st.composite
def frames(draw):
    """Frames of any columns, now and then of one dtype, or of very many columns."""
    size, width = draw(sizes()), draw(sizes())
    shape = draw(st.integers(0, 9))
    if shape == 9:
        frame = draw(wide_frames(size))
    elif shape == 8:
        frame = draw(matrix_frames(size, width))
    else:
        made = {place: _series(draw(columns(size))) for place in range(width)}
        frame = pd.DataFrame(made, index=pd.RangeIndex(size))
    frame.index = draw(indexes(size))
    if shape < 9 or draw(st.booleans()):
        frame.columns = draw(indexes(frame.shape[1]))
    return _noted(draw, frame, _is_unique(frame.index) and _is_unique(frame.columns))


@cache
@st.composite
def matrix_frames(draw, size, width):
    """Frames of one dtype, over a matrix in rows or columns, or over a part of one."""
    dtype = np.dtype(draw(st.sampled_from(BITS)))
    matrix = draw(arrays.in_layouts(arrays.filled(dtype, (size, width))))
    if matrix.shape != (size, width):
        matrix = matrix.reshape(-1)[: size * width].reshape(size, width)
    return pd.DataFrame(matrix, copy=draw(st.booleans()))


@cache
@st.composite
def wide_frames(draw, size):
    """Frames of so many columns of one dtype that they lie in one buffer, and some between."""
    dtypes = [np.dtype(draw(st.sampled_from(BITS[:18]))), np.dtype("M8[us]")]
    other = draw(columns(size))
    made = {}
    for place in range(draw(st.sampled_from([33, 70]))):
        numbers = np.arange(place, place + size).astype("u1").astype(dtypes[place % 2])
        made[place] = _series(other) if place % 16 == 5 else _series(numbers)
    return pd.DataFrame(made, index=pd.RangeIndex(size))


@once
def sizes():
    return st.integers(0, 4)


@once
def lone_indexes():
    return sizes().flatmap(indexes)


@cache
@st.composite
def lone_arrays(draw):
    """Extension arrays that stand alone, with a frequency, or of several dimensions."""
    size = draw(sizes())
    array = draw(flat_arrays(size))
    if hasattr(array, "reshape") and draw(st.integers(0, 3)) == 3:
        shapes = [(size, 1), (1, size), (size, 1, 1), *([(2, 2)] if size == 4 else [])]
        with contextlib.suppress(NotImplementedError):  # of Arrow
            return array.reshape(draw(st.sampled_from(shapes)))
    return array


@cache
@st.composite
def flat_arrays(draw, size):
    kind = draw(st.integers(0, 3))
    if kind == 3:
        return draw(frequent(size)).array
    if kind == 2:
        array = draw(numpy_bits(size) | objects(size))
        if array.dtype.kind in "mM":
            return pd.Index(array).array
        return pd.arrays.NumpyExtensionArray(array)
    return draw(extension_arrays(size))
