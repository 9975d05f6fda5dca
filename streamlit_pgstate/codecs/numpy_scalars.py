"""NumPy's scalars in JSON text: ``{"$numpy": ["<i8", 3]}``, as their own type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .dtypes import check_values, dump_dtype, load_dtype, without_gaps
from .payload import DamagedError, RefusedError

__all__ = ["dump", "is_kept", "load"]


def dump(value: Any, tree: Callable[[object], Any]) -> dict[str, Any] | None:
    """The marker of a scalar; None if the value is something else.

    Args:
        value: the scalar.
        tree: what JSON has for a plain value.

    Raises:
        RefusedError: its dtype cannot be kept exactly.
    """
    if value is np.ma.masked:
        return {"$numpy": "masked"}
    if not isinstance(value, np.generic) or type(value) is not value.dtype.type:
        return None
    return {"$numpy": [tree(dump_dtype(value.dtype)), tree(_content(value))]}


def is_kept(cls: type) -> bool:
    """Whether `dump` takes values of exactly this class."""
    if cls is type(np.ma.masked) or cls is np.record:
        return True
    try:
        return cls in np.sctypeDict.values() and bool(dump_dtype(np.dtype(cls)))
    except RefusedError:
        return False


def _content(value: Any) -> object:
    """What people can read, if it gives the same bits again; else the bits."""
    kind = value.dtype.kind
    if kind in "mM":
        return int(value.view("i8"))
    if kind == "S":
        return bytes.__getitem__(value, slice(None))  # bytes() and str() drop NULs at the end
    if kind == "U":
        return str.__str__(value)
    if kind != "V":
        item = value.item()
        # repr, because a nan may have a payload, which text does not show
        again = item if kind == "b" else type(item)(repr(item))
        if value.dtype.type(again).tobytes() == value.tobytes():
            return item
    return without_gaps(np.asarray(value)).tobytes()


def load(content: Any) -> Any:
    """Read what `dump` wrote.

    Raises:
        DamagedError: it is something else. Other errors of NumPy mean the same.
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
    if not dtype.itemsize and not item:  # which frombuffer does not take
        return np.ndarray(1, dtype)[0]
    values = np.frombuffer(bytearray(item), dtype)
    check_values(values)
    (value,) = values
    return value


_ITEMS = {"b": bool, "i": int, "u": int, "f": float, "c": complex}


def _expect(item: Any, kind: type) -> Any:
    if type(item) is not kind:
        raise DamagedError("a scalar of NumPy that holds something else")
    return item
