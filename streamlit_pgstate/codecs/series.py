"""pandas Series, Index and extension arrays as values of their own, in the container of `arrow`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from .arrow import BufferReader, BufferWriter
from .attrs import dump_attrs, load_attrs
from .columns import dump_array, dump_freq, dump_index, load_array, load_freq, load_index
from .own_attributes import check_none
from .payload import Body, Codec, DamagedError, RefusedError

__all__ = ["CODECS"]

_MOST_DIMENSIONS = 32  # the limit of NumPy 1

Header = dict[str, Any]


def _dump_series(series: Any) -> bytes:
    out = BufferWriter()
    try:
        index = dump_index(series.index, out)
    except RefusedError as refused:
        raise refused.inside("'index'") from None
    return _finish(
        out,
        series,
        {
            "index": index,
            "array": dump_array(series, out),
            "name": series.name,
            **dump_attrs(series, out),
            "allows_duplicate_labels": series.flags.allows_duplicate_labels,
        },
    )


def _load_series(body: Body) -> Any:
    header, buffers = _open(body)
    index = load_index(header["index"], buffers, header["length"])
    values = load_array(header["array"], buffers, header["length"])
    series = pd.Series(values, index, values.dtype, header["name"], copy=False)
    load_attrs(series, header, buffers)
    series.flags.allows_duplicate_labels = header["allows_duplicate_labels"]
    return series


def _dump_index(index: Any) -> bytes:
    out = BufferWriter()
    return _finish(out, index, {"index": dump_index(index, out)})


def _load_index(body: Body) -> Any:
    header, buffers = _open(body)
    return load_index(header["index"], buffers, header["length"])


def _dump_array(array: Any) -> bytes:
    check_none(array)
    out = BufferWriter()
    if len(array.shape) != 1:
        return _dump_shaped(array, out)
    if type(array) is pd.arrays.NumpyExtensionArray:
        header: Header = {"array": dump_array(np.asarray(array), out), "numpy": True}
        return _finish(out, array, header)
    return _finish(out, array, {"array": dump_array(array, out), **dump_freq(array)})


def _dump_shaped(array: Any, out: BufferWriter) -> bytes:
    """Write an array of several dimensions, as its items in C order and its shape."""
    out.format = 2
    flat = array.reshape(-1)
    is_numpy = type(array) is pd.arrays.NumpyExtensionArray
    header: Header = {"array": dump_array(np.asarray(flat) if is_numpy else flat, out)}
    if is_numpy:
        header["numpy"] = True
    return _finish(out, flat, {**header, "shape": list(array.shape)})


def _load_array(body: Body) -> Any:
    header, buffers = _open(body)
    if "shape" not in header:
        return _load_flat(header, buffers)
    shape = tuple(header["shape"])
    if len(shape) > _MOST_DIMENSIONS or not all(type(size) is int and size >= 0 for size in shape):
        raise DamagedError("an array without a valid shape")
    if math.prod(shape) != header["length"]:
        raise DamagedError("an array whose size does not match its shape")
    return _load_flat(header, buffers).reshape(shape)


def _load_flat(header: Header, buffers: BufferReader) -> Any:
    values = load_array(header["array"], buffers, header["length"])
    if "numpy" in header:
        return pd.arrays.NumpyExtensionArray(values)
    if "freq" not in header:
        return values if isinstance(values, pd.api.extensions.ExtensionArray) else pd.array(values)
    index: Any = pd.Index(values)
    load_freq(index, header)
    return index.array


def _finish(out: BufferWriter, data: Any, header: Header) -> bytes:
    return out.finish({"length": len(data), **header})


def _open(body: Body) -> tuple[Header, BufferReader]:
    buffers = BufferReader(body)
    return buffers.header, buffers


CODECS = {
    "pandas.series": Codec(_dump_series, _load_series),
    "pandas.index": Codec(_dump_index, _load_index),
    "pandas.array": Codec(_dump_array, _load_array),
}
