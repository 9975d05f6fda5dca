"""NumPy arrays: a header with shape, order and dtype, and the bytes as they are in memory.

Object arrays and text of any length (`StringDType`) are a `bundle` of their cells instead.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from . import bundle, sections
from .dtypes import check_values, dump_dtype, load_dtype, without_gaps
from .limits import check_size
from .own_attributes import check_none
from .payload import Body, Codec, DamagedError, RefusedError, UnreadableError
from .refusals import class_name

__all__ = ["CODECS", "dump_array", "dump_string_dtype", "load_array", "load_string_dtype"]

Array = np.ndarray[Any, Any]

# The limit of NumPy 2. Without it, the product of 100,000 sizes would take seconds.
_MOST_DIMENSIONS = 64


def dump_array(array: Array) -> bytes:
    """Write an array. C and F order are kept; any other layout comes back in C order.

    Raises:
        RefusedError: the dtype, or an object in the array, cannot be kept exactly.
    """
    header: dict[str, Any] = {"shape": list(array.shape)}
    if array.nbytes and array.flags.f_contiguous and not array.flags.c_contiguous:
        header["order"] = "F"
        array = array.T
    if array.dtype.kind in "OT":
        return _dump_cells(array, header)
    header["dtype"] = dump_dtype(array.dtype)
    check_size(array.nbytes)
    # Viewed as bytes, because memoryview does not support times and records.
    flat = without_gaps(np.ascontiguousarray(array).reshape(-1))
    return sections.join(header, [flat.view("u1") if array.nbytes else b""])


def load_array(body: Body) -> Array:
    """Read an array that `dump_array` wrote. It is writable, and the caller's own.

    Raises:
        DamagedError: the body is damaged. NumPy may raise other errors.
    """
    header, (data,) = sections.split(body)
    shape = _shape(header)
    flat = _load_cells(header, data) if "cells" in header else _load_bits(header, data, shape)
    if header.get("order") == "F":
        return flat.reshape(shape[::-1]).T
    return flat.reshape(shape)


def _shape(header: dict[str, Any]) -> tuple[int, ...]:
    shape = tuple(header["shape"])
    if len(shape) > _MOST_DIMENSIONS or any(type(size) is not int or size < 0 for size in shape):
        raise DamagedError("an array without a valid shape")
    return shape


def _load_bits(header: dict[str, Any], data: memoryview, shape: tuple[int, ...]) -> Array:
    dtype = load_dtype(header["dtype"])
    count = math.prod(shape)
    if count * dtype.itemsize != len(data):
        raise DamagedError("an array whose size does not match its shape")
    if not len(data):
        return np.ndarray(count, dtype)  # np.empty would allocate a byte for each "S0"
    # The only copy, which makes the array writable: 80 MB in 24 ms.
    flat = np.frombuffer(bytearray(data), dtype, count)
    check_values(flat)
    return flat


# --- objects and text of any length -----------------------------------------------------


def _dump_cells(array: Array, header: dict[str, Any]) -> bytes:
    try:
        header["cells"], text = bundle.write(array.reshape(-1).tolist())
    except RefusedError as refused:
        raise _at(refused, array) from None
    if array.dtype.kind == "T":
        header["string"] = dump_string_dtype(array.dtype)
    return sections.join(header, [text])


def _at(refused: RefusedError, array: Array) -> RefusedError:
    if refused.steps and array.ndim > 1:
        place = int(refused.steps.pop()[1:-1])
        found = np.unravel_index(place, array.shape)
        refused.inside(f"[{', '.join(map(str, found))}]")
    return refused


def _load_cells(header: dict[str, Any], data: memoryview) -> Array:
    cells = bundle.read(header["cells"], data)
    if type(cells) is not list:
        raise DamagedError("an array of objects whose cells are not a list")
    if "string" in header:
        return np.array(cells, load_string_dtype(header["string"]))
    return np.fromiter(cells, object, len(cells))


def dump_string_dtype(dtype: Any) -> dict[str, Any]:
    """Write a `StringDType` as a plain value, if its value for what is missing is one."""
    spec: dict[str, Any] = {"coerce": dtype.coerce}
    if hasattr(dtype, "na_object"):
        spec["na"] = dtype.na_object
    return spec


def load_string_dtype(spec: dict[str, Any]) -> Any:
    """Read a dtype that `dump_string_dtype` wrote.

    Raises:
        UnreadableError: NumPy is older than 2.
    """
    string: Any = getattr(getattr(np, "dtypes", None), "StringDType", None)
    if string is None:
        raise UnreadableError("and needs NumPy 2 for text of any length: pip install -U numpy")
    missing = {"na_object": spec["na"]} if "na" in spec else {}
    return string(coerce=bool(spec["coerce"]), **missing)


# --- masked arrays ----------------------------------------------------------------------


def _dump_masked(array: Any) -> bytes:
    if type(array.data) is not np.ndarray:
        name = class_name(type(array.data))
        raise RefusedError(f"masked over a {name}, which is not kept. Mask numpy.asarray(…) of it")
    check_none(array)
    parts = [dump_array(np.asarray(array.data))]
    masked = array.mask is not np.ma.nomask
    if masked:
        parts.append(dump_array(np.asarray(array.mask)))
    # The first access to a fill value, even by repr, sets the default. So a default fill value is
    # treated as none, and is not written. Only a value that the user has set is sure to fit the
    # dtype: the default of int8 is 999999.
    new: Any = np.ma.MaskedArray(np.zeros((), array.dtype))
    fill, default = (without_gaps(np.asarray(part.fill_value)) for part in (array, new))
    filled = (fill.dtype, fill.tobytes()) != (default.dtype, default.tobytes())
    if filled:
        parts.append(dump_array(np.asarray(fill, array.dtype)))
    return sections.join({"mask": masked, "fill": filled, "hard": bool(array.hardmask)}, parts)


def _load_masked(body: Body) -> Any:
    header, found = sections.split(body)
    arrays = list(map(load_array, found))
    if len(arrays) != 1 + bool(header["mask"]) + bool(header["fill"]):
        raise DamagedError("a masked array without its parts")
    mask = arrays[1] if header["mask"] else np.ma.nomask
    if header["mask"] and arrays[1].shape != arrays[0].shape:
        raise DamagedError("a mask of another shape")  # NumPy would broadcast it
    array: Any = np.ma.MaskedArray(arrays[0], mask, hard_mask=bool(header["hard"]), copy=False)
    if header["fill"]:
        array.fill_value = arrays[-1][()]
    return array


CODECS = {
    "numpy.array": Codec(dump_array, load_array),
    "numpy.masked": Codec(_dump_masked, _load_masked),
}
