"""NumPy's numbers, truth values and times in pandas data: used by `columns` and `frame`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from .arrow import BufferReader, BufferWriter
from .payload import RefusedError

__all__ = ["BITS", "check_is_flat", "dump_bits", "is_bits", "load_bits", "unknown", "view_bits"]

Spec = dict[str, Any]
Array = np.ndarray[Any, Any]

BITS = {
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

# Where int64 is C's long, as on Linux, C's long long is another type with the same bits and name.
_LONG_LONG = {"int64": np.dtype("q"), "uint64": np.dtype("Q")}


def is_bits(dtype: object) -> bool:
    """Whether the dtype is one of NumPy's numbers, truth values or times of pandas' units."""
    return isinstance(dtype, np.dtype) and BITS.get(dtype.name) == dtype.newbyteorder("=")


def check_is_flat(array: Any) -> None:
    """Check that an array has one dimension.

    Raises:
        RefusedError: it has another number of dimensions.
    """
    shape = array.shape
    if len(shape) != 1:
        raise RefusedError(
            f"pandas data of {len(shape)} dimensions, where one is kept. "
            "Keep numpy.asarray(…) of it"
        )


def dump_bits(data: Any, out: BufferWriter) -> Spec:
    """Write numbers, truth values or times bit by bit, NaT and the payloads of NaN included."""
    dtype = data.dtype
    if not is_bits(dtype):
        raise RefusedError(unknown(dtype))
    spec = {"is": "numpy", "dtype": dtype.name, "at": out.add_numpy(np.asarray(data))}
    if not dtype.isnative:
        spec["swapped"] = True
    if dtype.char in "qQ" and dtype.char != BITS[dtype.name].char:
        out.format, spec["long"] = 2, True
    return spec


def view_bits(spec: Spec, buffers: BufferReader, length: int) -> Array:
    """Read values that `dump_bits` wrote, as a read-only view of the body."""
    dtype = BITS[spec["dtype"]]
    values = buffers.get_numpy(spec["at"], dtype, length)
    if spec.get("long"):
        dtype = _LONG_LONG[spec["dtype"]]
        values = values.view(dtype)
    return values.view(dtype.newbyteorder("S")) if spec.get("swapped") else values


def load_bits(spec: Spec, buffers: BufferReader, length: int) -> Array:
    """Read values that `dump_bits` wrote. The caller may change them."""
    return np.array(view_bits(spec, buffers, length))


def unknown(dtype: Any) -> str:
    """Say that values of a dtype are refused, and what to type."""
    if isinstance(dtype, pd.ArrowDtype) and pa.types.is_dictionary(dtype.pyarrow_dtype):
        way = ".astype(pandas.ArrowDtype(dtype.pyarrow_dtype.value_type))"
    elif str(dtype) == "geometry":
        return (
            "of the dtype geometry, which is kept in frames and series of geopandas only. Keep "
            "`geopandas.GeoDataFrame(frame)` or `geopandas.GeoSeries(series)` instead, or convert "
            "the column with .astype(object) first"
        )
    else:
        way = _WAYS.get(getattr(dtype, "char", ""), "astype")
    return f"of the dtype {dtype}, which cannot be kept exactly. Convert it with {way} first"


# the character of a dtype: what to type
_WAYS = {"g": '.astype("float64")', "G": '.astype("complex128")'}
