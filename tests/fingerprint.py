"""What a value is, in every respect that has to survive, as lists of text.

Equal fingerprints: the same type, content and order at every level, bits of numbers, dtypes,
labels, names and frequencies included. Nothing of the codecs is used here, so that one process
can tell another what it has found. What docs/values.md does not promise is left out: chunks of
tables, what lies under a pandas mask, memory that is neither in C nor in F order, metadata of
NumPy's dtype in pandas and of the dtype object, names in Arrow's maps. `test_fingerprint.py` plants
differences, each of which shows here.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import io
import struct
from collections.abc import Callable, Collection
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
from libraries import PIL, alt, gpd, pl, plotly, pydantic, pyproj, scipy, shapely
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
        # Not getattr: Streamlit's ChatInputValue hides some of its fields.
        return [[name, fingerprint(object.__getattribute__(value, name))]
                for name in (*known, *others)]  # fmt: skip
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
@_of.register(Fraction)
@_of.register(type(pd.NaT))
@_of.register(type(pd.NA))
def _(value: object) -> Print:
    return repr(value)


@_of.register
def _(value: UUID) -> Print:
    return [repr(value), str(value.is_safe)]


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


@_of.register(dict)
def _(value: Any) -> Print:
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


def dtype_print(dtype: np.dtype[Any], *, in_pandas: bool = False) -> Print:
    """A dtype with what its == passes over: metadata, titles, alignment, C's long and long long."""
    found: list[Any] = [dtype.str, dtype.char, str(dtype.type)]
    if not in_pandas and dtype.kind != "O":
        found.append(repr(dict(dtype.metadata or {})))
    if dtype.char == "T":
        found.append(repr(dtype))
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
    return [
        fingerprint(value.data), mask, fingerprint(fill), str(value.hardmask), _own(value)
    ]  # fmt: skip


def _own(value: Any, known: Collection[str] = ()) -> Print:
    """Attributes that neither the library nor its class has."""
    return [
        [name, fingerprint(item)]
        for name, item in vars(value).items()
        if not name.startswith("_") and name not in known and not hasattr(type(value), name)
    ]


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
    return [value.freqstr, str(value.n), str(value.normalize), repr(more)]


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
    return [fingerprint(value.attrs), str(value.flags.allows_duplicate_labels), _own(value)]


@_of.register
def _(value: pd.Index) -> Print:  # type: ignore[type-arg]
    return [
        fingerprint(value.name),
        _frequency(getattr(value, "freq", None)),
        _array(value),
        _own(value),
    ]


@_of.register
def _(value: pd.RangeIndex) -> Print:
    return [fingerprint(value.name), str((value.start, value.stop, value.step)), _own(value)]


@_of.register
def _(value: pd.MultiIndex) -> Print:
    levels = [fingerprint(level.rename(None)) for level in value.levels]
    codes = [fingerprint(np.asarray(codes)) for codes in value.codes]
    own = _own(value, ("sortorder",))
    return [list(map(fingerprint, value.names)), levels, codes, str(value.sortorder), own]


@_of.register
def _(value: pd.api.extensions.ExtensionArray) -> Print:
    return [_frequency(getattr(value, "freq", None)), _array(value), _own(value)]


def _array(data: Any) -> Print:
    """What a Series, an Index or an extension array holds; decided by the dtype."""
    dtype = data.dtype
    if isinstance(dtype, np.dtype):
        return [dtype_print(dtype, in_pandas=True), _elements(np.asarray(data))]
    array = data if isinstance(data, pd.api.extensions.ExtensionArray) else data.array
    if len(array.shape) != 1:
        return [str(array.shape), _array(array.reshape(-1))]
    name = "Arrow" if isinstance(dtype, pd.ArrowDtype) else ascii(dtype)
    return [name, _class(type(array)), _EXTENSIONS[type(dtype)](array)]


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
    type(pd.arrays.NumpyExtensionArray(np.zeros(0)).dtype): lambda array: [
        dtype_print(np.asarray(array).dtype, in_pandas=True),
        _elements(np.asarray(array)),
    ],
}


# --- Arrow and polars ---------------------------------------------------------------------


def _arrow_field(field: Any) -> Print:
    """A field with its metadata and, unlike its text, those of the fields in it."""
    return [field.name, str(field.nullable), _notes_of(field), _arrow_type(field.type)]


def _notes_of(field: Any) -> str:
    return repr(list((field.metadata or {}).items()))


def _arrow_type(arrow: Any) -> Print:
    if pa.types.is_map(arrow):  # Arrow does not keep the names in it
        inner = [_arrow_type(arrow.key_type), _arrow_type(arrow.item_type)]
        return ["map", str(arrow.keys_sorted), str(arrow.item_field.nullable), *inner]
    found: list[Any] = [str(arrow.id), *([] if arrow.num_fields else [str(arrow)])]
    if pa.types.is_dictionary(arrow):
        return [*found, _arrow_type(arrow.value_type)]
    names = ("list_size", "mode", "type_codes", "run_end_type")
    found += [str(getattr(arrow, name, "")) for name in names]
    return [*found, *(_arrow_field(arrow.field(place)) for place in range(arrow.num_fields))]


def _arrow_items(values: Any) -> Print:
    if isinstance(values, pa.ChunkedArray):
        return [item for chunk in values.chunks for item in _arrow_items(chunk)]
    if pa.types.is_floating(values.type) and len(values):  # with the payloads of NaN
        width = values.type.bit_width // 8
        bits = np.frombuffer(values.buffers()[1], f"u{width}", len(values), values.offset * width)
        found = zip(bits.tolist(), values.is_null().to_pylist(), strict=True)
        return ["null" if missing else hex(number) for number, missing in found]
    return list(map(_arrow_item, values))


def _arrow_item(scalar: Any) -> Print:
    if isinstance(scalar, pa.UnionScalar):
        return ["union", str(scalar.type_code), _arrow_item(scalar.value)]
    if scalar is None or not scalar.is_valid:
        return "null"
    if isinstance(scalar, pa.StructScalar):
        return [_arrow_item(scalar[place]) for place in range(scalar.type.num_fields)]
    if isinstance(scalar, pa.DictionaryScalar):  # at which entry it points, and all that there are
        return [str(scalar.index.as_py()), _arrow_items(scalar.dictionary)]
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
    columns = [_arrow_items(column) for column in value.columns]
    schema = value.schema
    return [_notes_of(schema), str(value.num_rows), list(map(_arrow_field, schema)), columns]


@_of.register
def _(value: pa.ChunkedArray) -> Print:
    return [_arrow_type(value.type), list(map(fingerprint, value.chunks))]


@_of.register
def _(value: pa.Array) -> Print:
    found = [_arrow_type(value.type), _arrow_items(value)]
    if isinstance(value, pa.DictionaryArray):
        found += [_arrow_items(value.indices), fingerprint(value.dictionary)]
    if isinstance(value, pa.RunEndEncodedArray):
        first, count = value.find_physical_offset(), value.find_physical_length()
        ends = value.run_ends.slice(first, count).to_pylist()
        found += [
            [str(min(end - value.offset, len(value))) for end in ends],
            _arrow_items(value.values.slice(first, count)),
        ]
    return found


def _polars_frame(value: Any) -> Print:
    return [str(value.height), *map(fingerprint, value.get_columns()), _own(value)]


def _polars_series(value: Any) -> Print:
    # Python's times have no nanoseconds, categories have other numbers in another process
    numbers = "" if "Categorical" in repr(value.dtype) else value.to_physical().to_list()
    return [
        value.name, repr(value.dtype), fingerprint(value.to_list()), fingerprint(numbers),
        _order(value), _own(value),
    ]  # fmt: skip


def _order(value: Any) -> str:
    """What polars knows of the order. It counts what has one item as ascending, if it looks."""
    if value.flags["SORTED_DESC"]:
        return "descending"
    return "ascending" if value.flags["SORTED_ASC"] or value.len() < 2 else ""


if pl:
    _of.register(pl.DataFrame, _polars_frame)
    _of.register(pl.Series, _polars_series)


# --- SciPy, images, files -----------------------------------------------------------------


def _scipy(value: Any) -> Print:
    own = [_own(value, ("maxprint", *_SPARSE_PARTS)), repr(vars(value).get("maxprint"))]
    found = [value.format, repr(value.shape), dtype_print(value.dtype), own]
    if value.format == "lil":
        rows = zip(value.rows, value.data, strict=True)
        return [*found, *([repr(list(places)), repr(list(items))] for places, items in rows)]
    if value.format == "dok":
        places = list(map(fingerprint, value.keys()))
        return [*found, places, list(map(fingerprint, value.values()))]
    if value.format == "coo":
        coords = value.coords if hasattr(value, "coords") else (value.row, value.col)
        return [*found, fingerprint(value.data), *map(fingerprint, coords)]
    names = ("offsets",) if value.format == "dia" else ("indices", "indptr")
    return [*found, *(fingerprint(getattr(value, name)) for name in ("data", *names))]


_SPARSE_PARTS = (
    *("data", "indices", "indptr", "coords", "row", "col", "offsets", "rows", "dtype"),
    "has_canonical_format",  # which SciPy finds anew
)

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


# --- figures ------------------------------------------------------------------------------


def _figure(value: Any) -> Print:
    frames = [frame._props for frame in value._frame_objs]
    parts = [value._data, value._layout, frames, value._grid_str]
    classes = [_class(type(part)) for part in (*value.data, value.layout, *value.frames)]
    known = repr([getattr(value, "_px_trendlines", "none"), sorted(value.layout._subplotid_props)])
    return [classes, known, repr(value._grid_ref), *map(fingerprint, parts)]


if plotly:
    _of.register(plotly.graph_objects.Figure, _figure)


def _of_altair(value: Any) -> Print:
    """An object of altair with all of its attributes, and those of what it holds."""
    return [[name, _print_of_altair(item)] for name, item in vars(value).items()]


def _print_of_altair(value: Any) -> Print:
    if isinstance(value, (list, tuple)):
        return [_class(type(value)), *map(_print_of_altair, value)]
    if isinstance(value, dict):
        return [[fingerprint(key), _print_of_altair(item)] for key, item in value.items()]
    if type(value).__module__.startswith("altair."):
        return [_class(type(value)), *_of_altair(value)]
    return fingerprint(value)


if alt:
    _of.register(alt.TopLevelMixin, _of_altair)


# --- geometry -----------------------------------------------------------------------------


def _geometry(value: Any) -> Print:
    text = shapely.to_wkt(value, rounding_precision=-1, output_dimension=4)
    numbers = shapely.get_coordinates(value, include_z=True, include_m=True)
    inner = list(map(fingerprint, value.geoms)) if hasattr(value, "geoms") else []
    has = repr([value.is_empty, value.has_z, value.has_m, shapely.get_srid(value)])
    return [text, _hex(numbers.tobytes()), has, *inner]


def _geometries(value: Any) -> Print:
    array = getattr(value, "array", value)
    return [_crs(array.crs), *map(fingerprint, np.asarray(array, object).tolist())]


def _crs(value: Any) -> Print:
    return "none" if value is None else value.to_wkt()


def _geo_frame(value: Any) -> Print:
    columns = []
    for place, dtype in enumerate(value.dtypes):
        column = value.iloc[:, place]
        columns.append(_geometries(column) if str(dtype) == "geometry" else _array(column))
    labels = [fingerprint(value.index), fingerprint(value.columns)]
    return [fingerprint(value._geometry_column_name), *labels, columns, *_notes(value)]


def _geo_series(value: Any) -> Print:
    labels = [fingerprint(value.index), fingerprint(value.name)]
    return [*labels, _geometries(value), *_notes(value)]


if shapely:
    _of.register(shapely.Geometry, _geometry)
if gpd:
    _of.register(gpd.GeoDataFrame, _geo_frame)
    _of.register(gpd.GeoSeries, _geo_series)
    _of.register(gpd.array.GeometryArray, _geometries)
if pyproj:
    _of.register(pyproj.CRS, _crs)


import fingerprint_library  # noqa: E402, F401  # adds the rest; it needs what stands above
