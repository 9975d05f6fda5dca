"""One-dimensional pandas data of every dtype, and indexes: used by `frame` and `series`.

A *spec* is the part of the header that describes an array: the positions of its buffers and how
to read them, such as ``{"is": "numpy", "dtype": "float64", "at": 3}``. The dtype alone decides
how an array is written. A dtype that is not in the tables at the end of this file is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from . import bundle, kinds
from .arrow import BufferReader, BufferWriter, as_one
from .arrow_stream import check_values
from .bits import BITS, check_is_flat, dump_bits, is_bits, load_bits, unknown
from .own_attributes import check_none
from .pandas_scalars import dump_offset, load_offset, short
from .payload import DamagedError, RefusedError
from .refusals import class_name
from .strings import dump_string, load_string
from .zones import dump_zone_of_pandas, load_zone_of_pandas

__all__ = [
    "INDEXES",
    "dump_array",
    "dump_freq",
    "dump_index",
    "dump_sparse",
    "load_array",
    "load_freq",
    "load_index",
    "load_sparse",
]

Spec = dict[str, Any]
Array = np.ndarray[Any, Any]


def dump_array(data: Any, out: BufferWriter) -> Spec:
    """Write the values of a Series, an Index or an extension array; returns the spec.

    Raises:
        RefusedError: the dtype, or an object in the data, cannot be kept exactly, or the data has
            not one dimension. pandas makes some indexes and categories of such data.
    """
    dtype = data.dtype
    if isinstance(dtype, np.dtype):
        if dtype.kind == "O":
            return _dump_objects(data, out)
        if dtype.kind in "mM":  # of NumPy's dtypes, pandas looks at the dimensions of all others
            check_is_flat(getattr(data, "array", data))
        return dump_bits(data, out)
    dump = _DUMPERS.get(type(dtype))
    if dump is None:
        raise RefusedError(unknown(dtype))
    array = getattr(data, "array", data)
    check_is_flat(array)
    return dump(array, out)


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


# --- objects ---------------------------------------------------------------------------------


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
    mask = buffers.get_numpy(spec["mask"], BITS["bool"], length).copy()
    return dtype.construct_array_type()(values, mask)


def _dump_categorical(array: Any, out: BufferWriter) -> Spec:
    return {
        "is": "categorical",
        "codes": dump_bits(array.codes, out),
        "count": len(array.categories),
        "categories": dump_index(array.categories, out),
        "ordered": bool(array.ordered),
    }


def _load_categorical(spec: Spec, buffers: BufferReader, length: int) -> Any:
    codes = load_bits(spec["codes"], buffers, length)
    categories = load_index(spec["categories"], buffers, spec["count"])
    dtype = pd.CategoricalDtype(categories, spec["ordered"])
    return pd.Categorical.from_codes(codes, dtype=dtype)  # refuses codes out of range


def _dump_zoned(array: Any, out: BufferWriter) -> Spec:
    zone = array.dtype.tz
    utc = np.asarray(array.tz_convert(None))
    return {"is": "zoned", "zone": dump_zone_of_pandas(zone), "utc": dump_bits(utc, out)}


def _load_zoned(spec: Spec, buffers: BufferReader, length: int) -> Any:
    utc = pd.DatetimeIndex(load_bits(spec["utc"], buffers, length))
    times = utc.tz_localize("UTC").tz_convert(load_zone_of_pandas(spec["zone"])).array
    return times.copy()  # since pandas 3.1, the array of an index is read-only


def _dump_period(array: Any, out: BufferWriter) -> Spec:
    freq = array.dtype.name.removeprefix("period[").removesuffix("]")
    if pd.PeriodDtype(freq) != array.dtype:
        raise RefusedError(unknown(array.dtype))
    return {"is": "period", "freq": freq, "at": out.add_numpy(array.asi8)}


def _load_period(spec: Spec, buffers: BufferReader, length: int) -> Any:
    ordinals = buffers.get_numpy(spec["at"], BITS["int64"], length).copy()
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
    if not _is_simple(array.dtype.pyarrow_dtype):
        raise RefusedError(unknown(array.dtype))
    values = as_one(pa.array(array))
    check_values(values)
    return {"is": "arrow", "at": out.add(values)}


def _load_arrow(spec: Spec, buffers: BufferReader, length: int) -> Any:
    # Not ArrowDtype.__from_arrow__, which casts: with pyarrow 16, lists of nulls get too short.
    return pd.arrays.ArrowExtensionArray(buffers.get(spec["at"]))


def _is_simple(arrow_type: pa.DataType) -> bool:
    """Whether pandas data of the type can be kept: no extension types and no dictionaries."""
    if isinstance(arrow_type, pa.BaseExtensionType) or pa.types.is_dictionary(arrow_type):
        return False
    fields = (arrow_type.field(i).type for i in range(arrow_type.num_fields))
    return all(map(_is_simple, fields))


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
    counts = buffers.get_numpy(spec["counts"], BITS["int64"], width)
    rows = buffers.get_numpy(spec["rows"], BITS["int32"], spec["count"]).copy()
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
    raise RefusedError(unknown(dtype))


def _load_fill(spec: Spec) -> Any:
    if "nat" in spec:
        return pd.NaT
    if "numpy" in spec:
        (fill,) = np.frombuffer(spec["bits"], BITS[spec["numpy"]])
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
    if type(index) not in INDEXES:
        raise RefusedError(
            f"an index of the class {class_name(type(index))}, which is not kept. "
            "Convert it with pandas.Index(…)"
        )
    check_none(index, known=("sortorder",))
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
    try:
        spec: Spec = {"freq": dump_offset(freq)}
    except RefusedError as refused:
        raise RefusedError(f"{refused}. For an index, type `index.freq = None`") from None
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
    order = index.sortorder
    if order is not None and not (type(order) is int and 0 <= order <= index.nlevels):
        raise RefusedError(
            "an index whose sortorder is no number of levels. Set index.sortorder = None"
        )
    levels = [_dump_level(index, place, out) for place in range(index.nlevels)]
    return {
        "levels": levels,
        "sizes": [len(level) for level in index.levels],
        "codes": [dump_bits(np.asarray(codes), out) for codes in index.codes],
        "names": list(index.names),
        **({} if order is None else {"sortorder": order}),
    }


def _dump_level(index: Any, place: int, out: BufferWriter) -> Spec:
    level = index.levels[place]
    if refused := _odd_level(level, index.codes[place], len(index)):
        raise refused.inside(f"level {place}")
    try:
        return dump_index(level.rename(None), out)
    except RefusedError as refused:
        raise refused.inside(f"level {place}") from None


def _odd_level(level: Any, codes: Any, length: int) -> RefusedError | None:
    """Return the error for a level that `_load_multi` would not read; else None."""
    if type(level) is pd.MultiIndex:
        return RefusedError(
            "a MultiIndex in a MultiIndex. Make one of them all: pandas.MultiIndex.from_tuples(…)"
        )
    if len(codes) != length:
        return RefusedError(
            "a level with codes for another number of rows. Make the index anew: "
            "pandas.MultiIndex.from_arrays(…)"
        )
    if _point_outside(np.asarray(codes), len(level)):
        return RefusedError(
            "a level whose codes point outside of it. Make the index anew: "
            "pandas.MultiIndex.from_arrays(…)"
        )
    return None


def _point_outside(codes: Array, size: int) -> bool:
    return codes.dtype.kind != "i" or bool(
        codes.size and not -1 <= codes.min() <= codes.max() < size
    )


def _load_multi(spec: Spec, buffers: BufferReader, length: int) -> Any:
    levels = [
        load_index(level, buffers, size)
        for level, size in zip(spec["levels"], spec["sizes"], strict=True)
    ]
    codes: list[Any] = [load_bits(part, buffers, length) for part in spec["codes"]]
    for level, part in zip(levels, codes, strict=True):
        if type(level) is pd.MultiIndex or _point_outside(part, len(level)):
            raise DamagedError("codes that point outside of their level")
    order = spec.get("sortorder")
    if order is not None and not 0 <= order <= len(levels):
        raise DamagedError("an index that is sorted by more levels than it has")
    return _multi_index(levels, codes, order, spec["names"])


def _multi_index(levels: list[Any], codes: list[Any], order: int | None, names: list[Any]) -> Any:
    # pandas does not verify the index, because it would replace codes that point at a missing
    # label by -1, which is another index: groupby(dropna=False) makes such codes.
    make: Any = partial(
        pd.MultiIndex, codes=codes, sortorder=order, names=names, verify_integrity=False
    )
    index = make(levels)
    if all(given.dtype == own.dtype for given, own in zip(codes, index.codes, strict=True)):
        return index
    # pandas chooses the dtype of codes by the size of their level, and keeps it when `set_levels`
    # makes the level longer or shorter. A range of the size that goes with the dtype takes no
    # memory.
    others = [pd.RangeIndex(_SIZES[part.dtype.name]) for part in codes]
    return make(others).set_levels(levels, verify_integrity=False)


# dtype: the size of a level for whose codes pandas chooses it
_SIZES = {"int8": 1, "int16": 1 << 10, "int32": 1 << 20, "int64": 1 << 40}


INDEXES: Final = frozenset(
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
    pd.StringDtype: dump_string,
    pd.CategoricalDtype: _dump_categorical,
    pd.DatetimeTZDtype: _dump_zoned,
    pd.PeriodDtype: _dump_period,
    pd.IntervalDtype: _dump_interval,
    pd.SparseDtype: lambda array, out: dump_sparse([array], out),
    pd.ArrowDtype: _dump_arrow,
}

_LOADERS: dict[str, Callable[[Spec, BufferReader, int], Any]] = {
    "numpy": load_bits,
    "objects": _load_objects,
    "masked": _load_masked,
    "string": load_string,
    "categorical": _load_categorical,
    "zoned": _load_zoned,
    "period": _load_period,
    "interval": _load_interval,
    "sparse": _load_one_sparse,
    "arrow": _load_arrow,
}
