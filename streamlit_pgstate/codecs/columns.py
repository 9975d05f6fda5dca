"""One-dimensional pandas data of every dtype, and indexes: used by `frame` and `series`.

A *spec* is the part of the header that describes an array: the positions of its buffers and how
to read them, such as ``{"is": "numpy", "dtype": "float64", "at": 3}``. The dtype alone decides
how an array is written. A dtype that is not in the tables at the end of this file is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from . import bundle, kinds
from .arrow import BufferReader, BufferWriter
from .arrow_stream import check_values
from .pandas_scalars import dump_offset, load_offset, short
from .payload import DamagedError, RefusedError, UnreadableError
from .refusals import class_name
from .zones import dump_zone_of_pandas, load_zone_of_pandas

__all__ = [
    "dump_array",
    "dump_bits",
    "dump_freq",
    "dump_index",
    "dump_sparse",
    "is_bits",
    "load_array",
    "load_freq",
    "load_index",
    "load_sparse",
    "view_bits",
]

Spec = dict[str, Any]
Array = np.ndarray[Any, Any]

_SURROGATE = re.compile("[\ud800-\udfff]")

_BITS = {
    name: np.dtype(name)
    for name in (
        *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
        *("float16", "float32", "float64", "complex64", "complex128"),
        *(
            f"{kind}64[{unit}]"
            for kind in ("datetime", "timedelta")
            for unit in ("s", "ms", "us", "ns")
        ),
    )
}


def dump_array(data: Any, out: BufferWriter) -> Spec:
    """Write the values of a Series, an Index or an extension array; returns the spec.

    Raises:
        RefusedError: the dtype, or an object in the data, cannot be kept exactly.
    """
    if isinstance(data.dtype, np.dtype):
        return _dump_objects(data, out) if data.dtype == object else dump_bits(data, out)
    dump = _DUMPERS.get(type(data.dtype))
    if dump is None:
        raise RefusedError(_unknown(data.dtype))
    return dump(getattr(data, "array", data), out)


def load_array(spec: Spec, buffers: BufferReader, length: int) -> Any:
    """Read an array that `dump_array` wrote. The caller may change it.

    Args:
        spec: what `dump_array` returned.
        buffers: the buffers to which the spec refers.
        length: the number of values.

    Raises:
        DamagedError: the spec or a buffer is damaged. pandas and Arrow may raise other errors.
    """
    values = _LOADERS[spec["is"]](spec, buffers, length)
    if len(values) != length:
        raise DamagedError("a column whose length differs from the header")
    return values


# --- numbers, times and objects of NumPy -------------------------------------------------


def is_bits(dtype: object) -> bool:
    """Whether the dtype is one of NumPy's numbers, truth values or times of pandas' units."""
    return isinstance(dtype, np.dtype) and _BITS.get(dtype.name) == dtype.newbyteorder("=")


def dump_bits(data: Any, out: BufferWriter) -> Spec:
    """Write numbers, truth values or times bit by bit, NaT and the payloads of NaN included."""
    if not is_bits(data.dtype):
        raise RefusedError(_unknown(data.dtype))
    spec = {"is": "numpy", "dtype": data.dtype.name, "at": out.add_numpy(np.asarray(data))}
    if not data.dtype.isnative:
        spec["swapped"] = True
    return spec


def view_bits(spec: Spec, buffers: BufferReader, length: int) -> Array:
    """Read values that `dump_bits` wrote, as a read-only view of the body."""
    dtype = _BITS[spec["dtype"]]
    values = buffers.get_numpy(spec["at"], dtype, length)
    return values.view(dtype.newbyteorder("S")) if spec.get("swapped") else values


def _load_bits(spec: Spec, buffers: BufferReader, length: int) -> Array:
    return np.array(view_bits(spec, buffers, length))


def _dump_objects(data: Any, out: BufferWriter) -> Spec:
    kind, body = bundle.write(np.asarray(data, object).tolist())
    spec = {"is": "objects", "at": out.add_bytes(body)}
    return spec if kind == "json" else {**spec, "kind": kind}


def _load_objects(spec: Spec, buffers: BufferReader, length: int) -> Array:
    objects = bundle.read(spec.get("kind", "json"), buffers.get_bytes(spec["at"]))
    if type(objects) is not list or len(objects) != length:
        raise DamagedError("a column of objects whose length differs from the header")
    return np.fromiter(objects, object, length)


# --- extension arrays --------------------------------------------------------------------


def _dump_masked(array: Any, out: BufferWriter) -> Spec:
    dtype = array.dtype
    # Masked values are written as zeros. They are not visible, and equal columns must be written
    # equally.
    values = array.to_numpy(dtype.numpy_dtype, na_value=dtype.numpy_dtype.type(0))
    mask = np.asarray(array.isna())
    at = out.add_numpy(values)
    return {"is": "masked", "dtype": dtype.name, "at": at, "mask": out.add_numpy(mask)}


def _load_masked(spec: Spec, buffers: BufferReader, length: int) -> Any:
    dtype = _MASKED[spec["dtype"]]
    values = buffers.get_numpy(spec["at"], dtype.numpy_dtype, length).copy()
    mask = buffers.get_numpy(spec["mask"], _BITS["bool"], length).copy()
    return dtype.construct_array_type()(values, mask)


def _dump_string(array: Any, out: BufferWriter) -> Spec:
    dtype = array.dtype
    if dtype.storage == "python":
        _check_encodable(array)
    texts = pa.array(array, pa.large_string(), from_pandas=True)
    return {
        "is": "string",
        # pandas 2.2 calls ("pyarrow", nan) "pyarrow_numpy"
        "storage": dtype.storage.removesuffix("_numpy"),
        "missing": "NA" if dtype.na_value is pd.NA else "nan",
        "at": out.add(_as_one(texts)),
    }


def _check_encodable(array: Any) -> None:
    for row, text in enumerate(array):
        if type(text) is str and not text.isascii() and _SURROGATE.search(text):
            raise RefusedError(
                "text with a lone surrogate, which a column of strings cannot keep. "
                "Keep the column as dtype object"
            ).inside(f"[{row}]")


def _load_string(spec: Spec, buffers: BufferReader, length: int) -> Any:
    dtype = _string_dtype(spec["storage"], spec["missing"])
    array = _from_arrow(dtype, _typed(buffers.get(spec["at"]), pa.large_string()))
    # Read from Arrow, a ("python", nan) array of pandas 2.3 would compare as a ("python", NA) one.
    cls = dtype.construct_array_type()
    return array if type(array) is cls else cls._from_sequence(array, dtype=dtype)


def _string_dtype(storage: str, missing: str) -> Any:
    if storage not in ("python", "pyarrow") or missing not in ("NA", "nan"):
        raise DamagedError("strings of an unknown kind")
    if missing == "NA":
        return pd.StringDtype(storage)
    if hasattr(pd.StringDtype("python"), "_na_value"):  # pandas 2.3 and later
        return pd.StringDtype(storage, na_value=np.nan)
    if storage == "pyarrow":
        return pd.StringDtype("pyarrow_numpy")
    raise UnreadableError("and needs pandas from 2.3 on for its text: pip install -U pandas")


def _dump_categorical(array: Any, out: BufferWriter) -> Spec:
    return {
        "is": "categorical",
        "codes": dump_bits(array.codes, out),
        "count": len(array.categories),
        "categories": dump_index(array.categories, out),
        "ordered": bool(array.ordered),
    }


def _load_categorical(spec: Spec, buffers: BufferReader, length: int) -> Any:
    codes = _load_bits(spec["codes"], buffers, length)
    categories = load_index(spec["categories"], buffers, spec["count"])
    dtype = pd.CategoricalDtype(categories, spec["ordered"])
    return pd.Categorical.from_codes(codes, dtype=dtype)  # refuses codes out of range


def _dump_zoned(array: Any, out: BufferWriter) -> Spec:
    zone = array.dtype.tz
    utc = np.asarray(array.tz_convert(None))
    return {"is": "zoned", "zone": dump_zone_of_pandas(zone), "utc": dump_bits(utc, out)}


def _load_zoned(spec: Spec, buffers: BufferReader, length: int) -> Any:
    utc = pd.DatetimeIndex(_load_bits(spec["utc"], buffers, length))
    times = utc.tz_localize("UTC").tz_convert(load_zone_of_pandas(spec["zone"])).array
    return times.copy()  # since pandas 3.1, the array of an index is read-only


def _dump_period(array: Any, out: BufferWriter) -> Spec:
    freq = array.dtype.name.removeprefix("period[").removesuffix("]")
    if pd.PeriodDtype(freq) != array.dtype:
        raise RefusedError(_unknown(array.dtype))
    return {"is": "period", "freq": freq, "at": out.add_numpy(array.asi8)}


def _load_period(spec: Spec, buffers: BufferReader, length: int) -> Any:
    ordinals = buffers.get_numpy(spec["at"], _BITS["int64"], length).copy()
    return pd.arrays.PeriodArray(ordinals, dtype=pd.PeriodDtype(short(spec["freq"])))


def _dump_interval(array: Any, out: BufferWriter) -> Spec:
    left, right = dump_index(array.left, out), dump_index(array.right, out)
    return {"is": "interval", "closed": array.closed, "left": left, "right": right}


def _load_interval(spec: Spec, buffers: BufferReader, length: int) -> Any:
    if "array" not in spec["left"] or "array" not in spec["right"]:
        # A range could make many numbers from few bytes.
        raise DamagedError("intervals whose bounds are not arrays")
    left, right = (load_index(spec[side], buffers, length) for side in ("left", "right"))
    return pd.arrays.IntervalArray.from_arrays(left, right, spec["closed"])


def _dump_arrow(array: Any, out: BufferWriter) -> Spec:
    values = _as_one(pa.array(array))
    if not _is_simple(values.type):
        raise RefusedError(_unknown(array.dtype))
    check_values(values)
    return {"is": "arrow", "at": out.add(values)}


def _load_arrow(spec: Spec, buffers: BufferReader, length: int) -> Any:
    # Not ArrowDtype.__from_arrow__, which casts: with pyarrow 16, lists of nulls get too short.
    return pd.arrays.ArrowExtensionArray(buffers.get(spec["at"]))


def _from_arrow(dtype: Any, values: pa.Array) -> Any:
    return dtype.__from_arrow__(values)


def _is_simple(arrow_type: pa.DataType) -> bool:
    """Whether pandas data of the type can be kept: no extension types and no dictionaries."""
    if isinstance(arrow_type, pa.BaseExtensionType) or pa.types.is_dictionary(arrow_type):
        return False
    fields = (arrow_type.field(i).type for i in range(arrow_type.num_fields))
    return all(map(_is_simple, fields))


def _as_one(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    if not isinstance(values, pa.ChunkedArray):
        return values
    return values.chunk(0) if values.num_chunks == 1 else values.combine_chunks()


def _typed(values: pa.Array, arrow_type: pa.DataType) -> pa.Array:
    if values.type != arrow_type:
        raise DamagedError("a buffer whose type differs from the header")
    return values


# --- sparse ------------------------------------------------------------------------------


def dump_sparse(arrays: Sequence[Any], out: BufferWriter) -> Spec:
    """Write any number of sparse arrays, all of one dtype and kind, in three buffers."""
    first = arrays[0]
    counts = np.array([array.npoints for array in arrays], "int64")
    rows = [array.sp_index.to_int_index().indices for array in arrays]
    values = np.concatenate([array.sp_values for array in arrays])
    return {
        "is": "sparse",
        "kind": first.kind,
        "fill": _dump_fill(first.dtype),
        "count": int(counts.sum()),
        "counts": out.add_numpy(counts),
        "rows": out.add_numpy(np.concatenate(rows)),
        "values": dump_array(values, out),
    }


def load_sparse(spec: Spec, buffers: BufferReader, length: int, width: int) -> list[Any]:
    """Read the sparse arrays that `dump_sparse` wrote.

    Args:
        spec: what `dump_sparse` returned.
        buffers: the buffers to which the spec refers.
        length: the number of values of each array.
        width: the number of arrays.
    """
    counts = buffers.get_numpy(spec["counts"], _BITS["int64"], width)
    rows = buffers.get_numpy(spec["rows"], _BITS["int32"], spec["count"]).copy()
    values = load_array(spec["values"], buffers, spec["count"])
    if (counts < 0).any() or int(counts.sum()) != spec["count"]:
        raise DamagedError("sparse columns whose lengths differ from the header")
    cuts = np.cumsum(counts)[:-1]
    fill = _load_fill(spec["fill"])
    return [
        _sparse_array(own, places, length, fill, spec["kind"])
        for own, places in zip(np.split(values, cuts), np.split(rows, cuts), strict=True)
    ]


def _sparse_array(values: Array, rows: Array, length: int, fill: Any, kind: str) -> Any:
    cls: Any = pd.arrays.SparseArray
    if hasattr(cls, "from_indices"):  # pandas 3.1 and later, where sparse_index is deprecated
        return cls.from_indices(values, rows, length, fill, kind, values.dtype)
    index = type(cls([], kind="integer").sp_index)(length, rows)
    if kind == "block":
        index = index.to_block_index()
    return cls(values, sparse_index=index, dtype=pd.SparseDtype(values.dtype, fill))


def _dump_fill(dtype: Any) -> Spec:
    fill = dtype.fill_value
    if fill is pd.NaT:
        return {"nat": True}
    if isinstance(fill, np.generic) and is_bits(fill.dtype):
        return {"numpy": fill.dtype.name, "bits": fill.tobytes()}
    if type(fill) in kinds.PLAIN:
        return {"plain": fill}
    raise RefusedError(_unknown(dtype))


def _load_fill(spec: Spec) -> Any:
    if "nat" in spec:
        return pd.NaT
    if "numpy" in spec:
        (fill,) = np.frombuffer(spec["bits"], _BITS[spec["numpy"]])
        return fill
    return spec["plain"]


def _load_one_sparse(spec: Spec, buffers: BufferReader, length: int) -> Any:
    return load_sparse(spec, buffers, length, 1)[0]


# --- indexes -----------------------------------------------------------------------------


def dump_index(index: Any, out: BufferWriter) -> Spec:
    """Write an Index of any class of pandas, with its name and frequency; returns the spec.

    Raises:
        RefusedError: the class, the frequency or a label cannot be kept exactly.
    """
    if type(index) not in _INDEXES:
        raise RefusedError(
            f"an index of the class {class_name(type(index))}, which is not kept. "
            "Convert it with pandas.Index(…)"
        )
    if type(index) is pd.MultiIndex:
        return _dump_multi(index, out)
    if type(index) is pd.RangeIndex:
        return {"range": [index.start, index.stop, index.step], "name": index.name}
    return {"array": dump_array(index, out), "name": index.name, **dump_freq(index)}


def load_index(spec: Spec, buffers: BufferReader, length: int) -> Any:
    """Read an index that `dump_index` wrote, which has to have this length.

    Raises:
        DamagedError: the spec or a buffer is damaged. pandas and Arrow may raise other errors.
    """
    index = _load_index(spec, buffers, length)
    if len(index) != length:
        raise DamagedError("an index whose length differs from the header")
    return index


def _load_index(spec: Spec, buffers: BufferReader, length: int) -> Any:
    if "levels" in spec:
        return _load_multi(spec, buffers, length)
    if "range" in spec:
        start, stop, step = spec["range"]
        return pd.RangeIndex(start, stop, step, name=spec["name"])
    values = load_array(spec["array"], buffers, length)
    index = pd.Index(values, dtype=values.dtype, name=spec["name"], copy=False, tupleize_cols=False)
    load_freq(index, spec)
    return index


def dump_freq(data: Any) -> Spec:
    """Write the frequency of an index or an array of times; an empty spec if it has none.

    Raises:
        RefusedError: the frequency cannot be kept exactly.
    """
    freq = getattr(data, "freq", None)
    if freq is None or isinstance(data.dtype, pd.PeriodDtype):
        return {}
    spec: Spec = {"freq": dump_offset(freq)}
    make: Any = pd.TimedeltaIndex if data.dtype.kind == "m" else pd.DatetimeIndex
    bare = make(data, freq=None)
    try:
        bare.freq = freq
    except Exception:  # noqa: BLE001  # pytz raises errors of its own
        # tz_convert of pandas 2 keeps the frequency "D" in a zone whose days may not have 24 hours.
        # Setting the same frequency by the attribute is refused.
        spec["unchecked"] = True
    return spec


def load_freq(index: Any, spec: Spec) -> None:
    """Set the frequency that `dump_freq` wrote. pandas checks that it matches the times."""
    if "freq" not in spec:
        return
    freq = load_offset(spec["freq"])
    if spec.get("unchecked"):
        # Only the private attribute bypasses the check. Before pandas 3.1, it is the array's.
        holder = index if hasattr(index, "_freq") else index.array
        holder._freq = freq
        if index.freq != freq:
            raise DamagedError("a frequency of data that cannot have one")
    else:
        index.freq = freq


def _dump_multi(index: Any, out: BufferWriter) -> Spec:
    for position, level in enumerate(index.levels):
        if not level.is_unique:
            raise RefusedError("a level with repeated labels").inside(f"level {position}")
    return {
        "levels": [dump_index(level.rename(None), out) for level in index.levels],
        "sizes": [len(level) for level in index.levels],
        "codes": [dump_bits(np.asarray(codes), out) for codes in index.codes],
        "names": list(index.names),
        **({} if index.sortorder is None else {"sortorder": int(index.sortorder)}),
    }


def _load_multi(spec: Spec, buffers: BufferReader, length: int) -> Any:
    levels = [
        load_index(level, buffers, size)
        for level, size in zip(spec["levels"], spec["sizes"], strict=True)
    ]
    codes: list[Any] = [_load_bits(part, buffers, length) for part in spec["codes"]]
    for level, part in zip(levels, codes, strict=True):
        if part.dtype.kind != "i" or (length and not -1 <= part.min() <= part.max() < len(level)):
            raise DamagedError("codes that point outside of their level")
    # To find missing labels, pandas makes a byte for each label of a level. A range has no missing
    # labels, and may be very long, so this check is skipped for long ranges.
    is_long = any(type(level) is pd.RangeIndex and len(level) > length for level in levels)
    if is_long and not all(level.is_unique for level in levels):
        raise DamagedError("a level with repeated labels")
    return pd.MultiIndex(
        levels, codes, spec.get("sortorder"), spec["names"], verify_integrity=not is_long
    )


def _unknown(dtype: Any) -> str:
    return f"of the dtype {dtype}, which cannot be kept exactly. Convert it with astype first"


_INDEXES = frozenset(
    {
        pd.Index,
        pd.RangeIndex,
        pd.DatetimeIndex,
        pd.TimedeltaIndex,
        pd.PeriodIndex,
        pd.IntervalIndex,
        pd.CategoricalIndex,
        pd.MultiIndex,
    }
)

_MASKED: dict[str, Any] = {
    dtype.name: dtype
    for dtype in (
        pd.BooleanDtype(),
        *(pd.Int8Dtype(), pd.Int16Dtype(), pd.Int32Dtype(), pd.Int64Dtype()),
        *(pd.UInt8Dtype(), pd.UInt16Dtype(), pd.UInt32Dtype(), pd.UInt64Dtype()),
        *(pd.Float32Dtype(), pd.Float64Dtype()),
    )
}

_DUMPERS: dict[type, Callable[[Any, BufferWriter], Spec]] = {
    **{type(dtype): _dump_masked for dtype in _MASKED.values()},
    pd.StringDtype: _dump_string,
    pd.CategoricalDtype: _dump_categorical,
    pd.DatetimeTZDtype: _dump_zoned,
    pd.PeriodDtype: _dump_period,
    pd.IntervalDtype: _dump_interval,
    pd.SparseDtype: lambda array, out: dump_sparse([array], out),
    pd.ArrowDtype: _dump_arrow,
}

_LOADERS: dict[str, Callable[[Spec, BufferReader, int], Any]] = {
    "numpy": _load_bits,
    "objects": _load_objects,
    "masked": _load_masked,
    "string": _load_string,
    "categorical": _load_categorical,
    "zoned": _load_zoned,
    "period": _load_period,
    "interval": _load_interval,
    "sparse": _load_one_sparse,
    "arrow": _load_arrow,
}
