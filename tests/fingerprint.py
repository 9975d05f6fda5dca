"""What a value is, in every respect that has to survive, as lists of text.

Equal fingerprints: the same type, content and order at every level, bits of numbers, dtypes,
labels, names and frequencies included. Nothing of the codecs is used here, so that one process
can tell another what it has found. What docs/values.md does not promise is left out: chunks of
tables, what lies under a pandas mask, memory that is neither in C nor in F order.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import io
import struct
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from functools import singledispatch
from hashlib import sha256
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
from libraries import PIL, pl, pydantic, scipy
from pandas.tseries.offsets import BaseOffset

Print = list[Any] | str


def fingerprint(value: object) -> Print:
    """Lists of text, alike for two values if and only if they are the same."""
    found = _of(value)
    return [_class(type(value)), *(found if type(found) is list else [found])]


@singledispatch
def _of(value: Any) -> Print:
    if hasattr(value, "get_secret_value"):
        return fingerprint(value.get_secret_value())
    if type(value).__module__.startswith("pydantic"):
        return str(value)  # an address
    known = [field.name for field in _fields(value)]
    others = sorted(getattr(value, "__dict__", {}).keys() - set(known))
    if known or others:
        return [[name, fingerprint(getattr(value, name))] for name in (*known, *others)]
    raise TypeError(f"no fingerprint of {type(value)}")


def _fields(value: Any) -> Any:
    return dataclasses.fields(value) if dataclasses.is_dataclass(value) else value.__attrs_attrs__


def _hex(body: bytes) -> str:
    return body.hex() if len(body) < _LONG else f"{len(body)} {sha256(body).hexdigest()}"


_LONG = 1000


def _class(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


# --- plain values -------------------------------------------------------------------------


@_of.register
def _(value: None) -> Print:
    return []


@_of.register(bool)
@_of.register(range)
@_of.register(dt.date)
@_of.register(dt.timedelta)
@_of.register(UUID)
@_of.register(Fraction)
@_of.register(type(pd.NaT))
@_of.register(type(pd.NA))
def _(value: object) -> Print:
    return repr(value)


@_of.register
def _(value: int) -> Print:
    return hex(value)  # repr stops at 4,300 digits


@_of.register
def _(value: float) -> Print:
    return value.hex()  # one nan is as good as another: their bits show nowhere in Python


@_of.register
def _(value: complex) -> Print:
    return [value.real.hex(), value.imag.hex()]


@_of.register
def _(value: str) -> Print:
    text = ascii(str.__str__(value))  # lone surrogates, too
    return text if len(text) < _LONG else _hex(text.encode())


@_of.register(bytes)
@_of.register(bytearray)
def _(value: bytes) -> Print:
    return _hex(value)


@_of.register
def _(value: Decimal) -> Print:
    return repr(value.as_tuple())


@_of.register(dt.time)
@_of.register(dt.datetime)
def _(value: dt.time) -> Print:
    return [value.replace(tzinfo=None).isoformat(), str(value.fold), _zone(value.tzinfo)]


def _zone(zone: dt.tzinfo | None) -> Print:
    if isinstance(zone, ZoneInfo):
        return ["ZoneInfo", str(zone.key)]
    if isinstance(zone, dt.timezone):
        return ["timezone", *map(ascii, zone.__getinitargs__())]  # type: ignore[attr-defined]
    return [_class(type(zone)), str(zone)]  # pytz has no more than its name


@_of.register(list)
@_of.register(tuple)
def _(value: list[object]) -> Print:
    return [[_field(value), *map(fingerprint, value)]]


def _field(value: Any) -> str:
    return " ".join(getattr(value, "_fields", ()))


@_of.register
def _(value: dict) -> Print:  # type: ignore[type-arg]
    return [[fingerprint(key), fingerprint(item)] for key, item in value.items()]


@_of.register(set)
@_of.register(frozenset)
def _(value: set[object]) -> Print:
    return sorted(map(fingerprint, value), key=repr)


@_of.register
def _(value: enum.Enum) -> Print:
    return str(value)


def _model(value: Any) -> Print:
    return [
        [[name, fingerprint(item)] for name, item in value.__dict__.items()],
        sorted(value.__pydantic_fields_set__),
        fingerprint(value.__pydantic_extra__),
        fingerprint(value.__pydantic_private__),
    ]


if pydantic:
    _of.register(pydantic.BaseModel, _model)


# --- NumPy --------------------------------------------------------------------------------


def dtype_print(dtype: np.dtype[Any]) -> Print:
    """A dtype with what its == passes over: metadata, titles, alignment."""
    found: list[Any] = [dtype.str, dtype.char, str(dtype.type), repr(dict(dtype.metadata or {}))]
    if dtype.subdtype is not None:
        return [*found, dtype_print(dtype.subdtype[0]), str(dtype.subdtype[1])]
    if dtype.fields is not None:
        found += [str(dtype.itemsize), str(dtype.isalignedstruct)]
        for name in dtype.names or ():
            field, *place = dtype.fields[name]
            found.append([name, dtype_print(field), repr(place)])
    return found


@_of.register
def _(value: np.ndarray) -> Print:  # type: ignore[type-arg]
    flags = value.flags
    in_columns = value.nbytes and flags.f_contiguous and not flags.c_contiguous
    return [
        dtype_print(value.dtype),
        str(value.shape),
        "F" if in_columns else "C",
        _elements(value),
    ]


def _elements(array: np.ndarray[Any, Any]) -> Print:
    if array.dtype.kind in "OT":
        return list(map(fingerprint, array.reshape(-1).tolist()))
    return _bits(array)


def _bits(array: np.ndarray[Any, Any]) -> Print:
    """All bits but those in the gaps of records, which hold nothing."""
    if array.dtype.names is not None:
        return [_bits(array[name]) for name in array.dtype.names]
    return _hex(array.tobytes())


@_of.register
def _(value: np.ma.MaskedArray) -> Print:  # type: ignore[type-arg]
    mask = "nothing" if value.mask is np.ma.nomask else fingerprint(np.asarray(value.mask))
    fill = np.asarray(value.fill_value)
    return [fingerprint(value.data), mask, fingerprint(fill), str(value.hardmask)]


@_of.register
def _(value: np.ma.core.MaskedConstant) -> Print:
    return []


@_of.register
def _(value: np.generic) -> Print:
    return [dtype_print(value.dtype), _bits(np.asarray(value))]


# --- pandas -------------------------------------------------------------------------------


@_of.register
def _(value: pd.Timestamp) -> Print:
    number = str(value.asm8.view("i8"))
    return [number, value.unit, str(value.fold), _zone(value.tzinfo)]


@_of.register
def _(value: pd.Timedelta) -> Print:
    return [str(value.asm8.view("i8")), value.unit]


@_of.register
def _(value: pd.Period) -> Print:
    return [str(value.ordinal), _frequency(value.freq)]


@_of.register
def _(value: pd.Interval) -> Print:
    return [fingerprint(value.left), fingerprint(value.right), value.closed]


@_of.register
def _(value: BaseOffset) -> Print:
    more = sorted((name, item) for name, item in value.kwds.items() if name != "calendar")
    return [value.freqstr, str(value.n), repr(more)]


def _frequency(freq: Any) -> Print:
    return "none" if freq is None else fingerprint(freq)


@_of.register
def _(value: pd.DataFrame) -> Print:
    columns = [_array(value.iloc[:, place]) for place in range(value.shape[1])]
    return [fingerprint(value.index), fingerprint(value.columns), columns, *_notes(value)]


@_of.register
def _(value: pd.Series) -> Print:  # type: ignore[type-arg]
    return [fingerprint(value.index), fingerprint(value.name), _array(value), *_notes(value)]


def _notes(value: Any) -> list[Any]:
    return [fingerprint(value.attrs), str(value.flags.allows_duplicate_labels)]


@_of.register
def _(value: pd.Index) -> Print:  # type: ignore[type-arg]
    return [
        fingerprint(value.name),
        _frequency(getattr(value, "freq", None)),
        _array(value),
    ]


@_of.register
def _(value: pd.RangeIndex) -> Print:
    return [fingerprint(value.name), str((value.start, value.stop, value.step))]


@_of.register
def _(value: pd.MultiIndex) -> Print:
    levels = [fingerprint(level.rename(None)) for level in value.levels]
    codes = [fingerprint(np.asarray(codes)) for codes in value.codes]
    return [list(map(fingerprint, value.names)), levels, codes, str(value.sortorder)]


@_of.register
def _(value: pd.api.extensions.ExtensionArray) -> Print:
    return [_frequency(getattr(value, "freq", None)), _array(value)]


def _array(data: Any) -> Print:
    """What a Series, an Index or an extension array holds; decided by the dtype."""
    dtype = data.dtype
    if isinstance(dtype, np.dtype):
        return [dtype_print(dtype), _elements(np.asarray(data))]
    array = data if isinstance(data, pd.api.extensions.ExtensionArray) else data.array
    return [ascii(dtype), _class(type(array)), _EXTENSIONS[type(dtype)](array)]


def _masked(array: Any) -> Print:
    return [
        "NA" if missing else np.asarray(number).tobytes().hex()
        for number, missing in zip(array._data, array._mask, strict=True)
    ]


def _strings(array: Any) -> Print:
    missing = array.dtype.na_value
    assert all(item is missing for item in array if type(item) is not str)
    texts = [ascii(item) if type(item) is str else "missing" for item in array]
    return [array.dtype.storage, str(missing), texts]


def _categories(array: Any) -> Print:
    codes = fingerprint(np.asarray(array.codes))
    return [codes, fingerprint(array.categories), str(array.ordered)]


def _zoned(array: Any) -> Print:
    return [_zone(array.dtype.tz), array.dtype.unit, _numbers(array.asi8)]


def _periods(array: Any) -> Print:
    return [_frequency(array.freq), _numbers(array.asi8)]


def _intervals(array: Any) -> Print:
    return [array.closed, fingerprint(array.left), fingerprint(array.right)]


def _sparse(array: Any) -> Print:
    places = array.sp_index.to_int_index().indices
    fill = fingerprint(array.fill_value)
    if isinstance(array.fill_value, float):  # bits of a nan are seen, in a buffer of floats
        fill = [fill, struct.pack("<d", array.fill_value).hex()]
    return [
        array.kind, str(len(array)), fingerprint(array.dtype.fill_value), fill,
        fingerprint(np.asarray(array.sp_values)), _numbers(places),
    ]  # fmt: skip


def _numbers(values: Any) -> Print:
    return [str(number) for number in values]


def _pandas_arrow(array: Any) -> Print:
    return [_arrow_field(pa.field("", array.dtype.pyarrow_dtype)), _arrow_items(array._pa_array)]


_EXTENSIONS: dict[type, Callable[[Any], Print]] = {
    **dict.fromkeys(
        (
            *(pd.Int8Dtype, pd.Int16Dtype, pd.Int32Dtype, pd.Int64Dtype, pd.BooleanDtype),
            *(pd.UInt8Dtype, pd.UInt16Dtype, pd.UInt32Dtype, pd.UInt64Dtype),
            *(pd.Float32Dtype, pd.Float64Dtype),
        ),
        _masked,
    ),
    pd.StringDtype: _strings,
    pd.CategoricalDtype: _categories,
    pd.DatetimeTZDtype: _zoned,
    pd.PeriodDtype: _periods,
    pd.IntervalDtype: _intervals,
    pd.SparseDtype: _sparse,
    pd.ArrowDtype: _pandas_arrow,
    type(pd.arrays.NumpyExtensionArray(np.zeros(0)).dtype): lambda array: fingerprint(
        np.asarray(array)
    ),
}


# --- Arrow and polars ---------------------------------------------------------------------


def _arrow_field(field: Any) -> Print:
    """A field with its metadata and, unlike its text, those of the fields in it."""
    inner = [field.type.field(place) for place in range(field.type.num_fields)]
    notes = repr(sorted((field.metadata or {}).items()))
    return [field.name, str(field.type), str(field.nullable), notes, *map(_arrow_field, inner)]


def _arrow_items(values: Any) -> Print:
    return list(map(_arrow_item, values))


def _arrow_item(scalar: Any) -> Print:
    if isinstance(scalar, pa.UnionScalar):
        return ["union", str(scalar.type_code), _arrow_item(scalar.value)]
    if scalar is None or not scalar.is_valid:
        return "null"
    if isinstance(scalar, pa.StructScalar):
        return [_arrow_item(scalar[place]) for place in range(scalar.type.num_fields)]
    if isinstance(scalar, pa.DictionaryScalar):
        return _arrow_item(scalar.value)
    if isinstance(scalar, (pa.ListScalar, pa.LargeListScalar, pa.FixedSizeListScalar)):
        return _arrow_items(scalar.values)  # maps are lists of structs
    if isinstance(scalar, _ARROW_TIMES):
        return str(scalar.value)
    if pa.types.is_floating(scalar.type):
        return np.asarray(pa.array([scalar.as_py()], scalar.type)).tobytes().hex()
    if isinstance(scalar, pa.MonthDayNanoIntervalScalar):
        return repr(tuple(scalar.as_py()))
    if isinstance(scalar, pa.RunEndEncodedScalar):
        return repr(scalar.as_py())
    return fingerprint(scalar.as_py())


_ARROW_TIMES = (
    pa.Date32Scalar, pa.Date64Scalar, pa.Time32Scalar, pa.Time64Scalar,
    pa.TimestampScalar, pa.DurationScalar,
)  # fmt: skip


@_of.register(pa.Table)
@_of.register(pa.RecordBatch)
def _(value: Any) -> Print:
    notes = repr(sorted((value.schema.metadata or {}).items()))
    columns = [_arrow_items(column) for column in value.columns]
    return [notes, str(value.num_rows), list(map(_arrow_field, value.schema)), columns]


@_of.register
def _(value: pa.ChunkedArray) -> Print:
    sizes = _numbers(map(len, value.chunks))
    return [_arrow_field(pa.field("", value.type)), sizes, _arrow_items(value)]


@_of.register
def _(value: pa.Array) -> Print:
    found = [_arrow_field(pa.field("", value.type)), _arrow_items(value)]
    if isinstance(value, pa.DictionaryArray):
        found += [_arrow_items(value.indices), fingerprint(value.dictionary)]
    return found


def _polars_frame(value: Any) -> Print:
    return [str(value.height), *map(fingerprint, value.get_columns())]


def _polars_series(value: Any) -> Print:
    # Python's times have no nanoseconds, categories have other numbers in another process
    numbers = "" if "Categorical" in repr(value.dtype) else value.to_physical().to_list()
    return [value.name, repr(value.dtype), fingerprint(value.to_list()), fingerprint(numbers)]


if pl:
    _of.register(pl.DataFrame, _polars_frame)
    _of.register(pl.Series, _polars_series)


# --- SciPy, images, files -----------------------------------------------------------------


def _scipy(value: Any) -> Print:
    found = [value.format, repr(value.shape), dtype_print(value.dtype)]
    if value.format == "lil":
        rows = zip(value.rows, value.data, strict=True)
        return [*found, *([repr(list(places)), repr(list(items))] for places, items in rows)]
    if value.format == "dok":
        places = [list(map(int, np.atleast_1d(place))) for place in value.keys()]  # noqa: SIM118
        return [*found, repr(places), list(map(fingerprint, value.values()))]
    if value.format == "coo":
        coords = value.coords if hasattr(value, "coords") else (value.row, value.col)
        return [*found, fingerprint(value.data), *map(fingerprint, coords)]
    names = ("offsets",) if value.format == "dia" else ("indices", "indptr")
    return [*found, *(fingerprint(getattr(value, name)) for name in ("data", *names))]


if scipy:
    for _layout in ("bsr", "coo", "csc", "csr", "dia", "dok", "lil"):
        for _shape in ("array", "matrix"):  # each: one for dok is a dict, too
            _of.register(getattr(scipy.sparse, f"{_layout}_{_shape}"), _scipy)


def _image(value: Any) -> Print:
    pixels = _hex(value.tobytes()) if all(value.size) else ""
    found = [value.mode, repr(value.size), str(value.format), fingerprint(value.info), pixels]
    if value.palette is None:
        return found
    palette = value.getpalette(value.palette.mode)
    seen = _hex(value.convert("RGBA").tobytes()) if pixels else ""
    return [*found, value.palette.mode, repr(palette), seen]


if PIL:
    _of.register(PIL.Image.Image, _image)


@_of.register
def _(value: io.BytesIO) -> Print:
    return [_hex(value.getvalue()), str(value.tell()), fingerprint(vars(value))]


@_of.register
def _(value: io.StringIO) -> Print:
    content, newline, position, _ = value.__getstate__()  # type: ignore[attr-defined]
    return [ascii(content), repr(newline), str(position), fingerprint(vars(value))]
