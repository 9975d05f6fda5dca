"""Markers for NumPy's scalars, such as ``{"$numpy": ["<i8", 3]}``, which keep the scalar's type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .dtypes import check_values, dump_dtype, load_dtype, without_gaps
from .payload import DamagedError, RefusedError

__all__ = ["dump", "is_kept", "load"]


def dump(value: Any, tree: Callable[[object], Any]) -> dict[str, Any] | None:
    """Return the marker of a scalar; None if the value is not a scalar of NumPy.

    Args:
        value: the value.
        tree: turns a plain value into a tree for the JSON encoder: `plain.tree`.

    Raises:
        RefusedError: the dtype cannot be kept exactly.
    """
    if value is np.ma.masked:
        return {"$numpy": "masked"}
    if not isinstance(value, np.generic) or type(value) is not value.dtype.type:
        return None
    return {"$numpy": [tree(dump_dtype(value.dtype)), tree(_content(value))]}


def is_kept(cls: type) -> bool:
    """Whether `dump` accepts values of exactly this class."""
    if cls is type(np.ma.masked) or cls is np.record:
        return True
    try:
        return cls in np.sctypeDict.values() and bool(dump_dtype(np.dtype(cls)))
    except RefusedError:
        return False


def _content(value: Any) -> object:
    """Return the value as a readable one, if this restores the same bits; else the bits."""
    kind = value.dtype.kind
    if kind in "mM":
        return int(value.view("i8"))
    if kind == "S":
        return bytes.__getitem__(value, slice(None))  # bytes() and str() drop NULs at the end
    if kind == "U":
        return str.__str__(value)
    if kind != "V":
        item = value.item()
        # Through repr, as in JSON text, which loses the payload of a nan. Its bits are stored then.
        again = item if kind == "b" else type(item)(repr(item))
        if value.dtype.type(again).tobytes() == value.tobytes():
            return item
    return without_gaps(np.asarray(value)).tobytes()


def load(content: Any) -> Any:
    """Read the content of a marker that `dump` made.

    Raises:
        DamagedError: the content is damaged. NumPy may raise other errors.
    """
    if content == "masked":
        return np.ma.masked
    spec, item = content
    dtype = load_dtype(spec)
    if dtype.kind in "SU":
        return dtype.type(_expect(item, bytes if dtype.kind == "S" else str))
    if dtype.kind in "mM":
        order = "little" if dtype.str[0] == "<" else "big"
        item = _expect(item, int).to_bytes(8, order, signed=True)
    if type(item) is not bytes:
        return dtype.type(_expect(item, _ITEMS[dtype.kind]))
    if not dtype.itemsize and not item:  # frombuffer refuses items of no size
        return np.ndarray(1, dtype)[0]
    values = np.frombuffer(bytearray(item), dtype)
    check_values(values)
    (value,) = values
    return value


_ITEMS = {"b": bool, "i": int, "u": int, "f": float, "c": complex}


def _expect(item: Any, kind: type) -> Any:
    if type(item) is not kind:
        raise DamagedError("a scalar of NumPy with content of another type")
    return item
