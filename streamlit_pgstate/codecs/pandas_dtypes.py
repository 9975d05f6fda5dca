"""pandas' dtypes as values: by name, or as an empty array of the dtype, a part of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from . import kinds
from .payload import DamagedError, RefusedError

__all__ = ["dump", "load"]

_CLASSES: tuple[Any, ...] = (
    *(pd.Int8Dtype, pd.Int16Dtype, pd.Int32Dtype, pd.Int64Dtype, pd.BooleanDtype),
    *(pd.UInt8Dtype, pd.UInt16Dtype, pd.UInt32Dtype, pd.UInt64Dtype),
    *(pd.Float32Dtype, pd.Float64Dtype),
)
_NAMED = {cls.name: cls for cls in _CLASSES}


def dump(dtype: Any) -> list[Any]:
    """Write a dtype as a list, which may hold an empty array.

    Raises:
        RefusedError: no array has this dtype, or not exactly this one.
    """
    cls = type(dtype)
    if cls in _CLASSES:
        return [dtype.name]
    if cls is pd.CategoricalDtype and dtype.categories is None:
        return ["category", dtype.ordered]
    if cls is pd.IntervalDtype and None in (dtype.subtype, dtype.closed):
        return ["interval", dtype.subtype, dtype.closed]
    array = _empty(dtype)
    if array is None or not _is_same(array.dtype, dtype) or not _is_kept(array):
        raise RefusedError(
            "a dtype of pandas whose arrays cannot be kept exactly. Keep str(…) of it instead"
        )
    return ["array", array]


def _is_kept(array: Any) -> bool:
    """Whether an array can be written. Of pandas' own dtypes all can."""
    if not isinstance(array.dtype, pd.ArrowDtype):
        return True
    try:
        kinds.dump("pandas.array", array)
    except RefusedError:
        return False
    return True


def _empty(dtype: Any) -> Any:
    try:
        if type(dtype) is pd.CategoricalDtype:
            # The general way looks values up, which it cannot among intervals that overlap.
            return pd.Categorical.from_codes(np.zeros(0, "int8"), dtype=dtype)
        return dtype.construct_array_type()._from_sequence([], dtype=dtype)
    except Exception:  # noqa: BLE001  # pandas raises errors of many kinds
        return None


def _is_same(one: Any, other: Any) -> bool:
    return (
        type(one) is type(other)
        and bool(one == other)
        and getattr(one, "ordered", None) is getattr(other, "ordered", None)
    )


def load(content: list[Any]) -> Any:
    """Read a dtype that `dump` wrote.

    Raises:
        DamagedError: the content is damaged. pandas may raise other errors.
    """
    name, *parts = content
    if name == "array":
        (array,) = parts
        if not isinstance(array, pd.api.extensions.ExtensionArray):
            raise DamagedError("a dtype without its array")
        return array.dtype
    if name == "category":
        (ordered,) = parts
        return pd.CategoricalDtype(ordered=ordered)
    if name == "interval":
        subtype, closed = parts
        return pd.IntervalDtype(subtype, closed)
    return _NAMED[name]()
