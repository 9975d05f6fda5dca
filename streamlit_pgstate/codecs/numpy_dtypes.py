"""NumPy's dtypes as values: what `dtypes` writes, and those of objects and text of any length."""

from __future__ import annotations

from typing import Any

import numpy as np

from .dtypes import dump_bits, dump_dtype, load_bits, load_dtype
from .ndarray import dump_string_dtype, load_string_dtype
from .payload import RefusedError
from .refusals import shown

__all__ = ["dump", "load"]

_OBJECT = "|O"


def dump(dtype: Any) -> str | dict[str, Any]:
    """Write a dtype as a plain value: text, or a dict.

    Raises:
        RefusedError: the dtype differs from machine to machine, or is of another library.
    """
    if dtype.kind == "T":
        return {"string": dump_string_dtype(dtype)}
    return dump_dtype(dtype, _dump_simple)


def load(content: Any) -> Any:
    """Read a dtype that `dump` wrote.

    Raises:
        DamagedError: the content is damaged. NumPy may raise other errors.
    """
    if type(content) is dict and "string" in content:
        return load_string_dtype(content["string"])
    return load_dtype(content, _load_simple)


def _dump_simple(dtype: np.dtype[Any]) -> str:
    if type(dtype) is type(np.dtype(object)):
        return _OBJECT
    try:
        return dump_bits(dtype)
    except RefusedError:
        raise RefusedError(
            f"the dtype {shown(dtype.name)}, which is another one on other machines. "
            "Keep str(…) of it instead"
        ) from None


def _load_simple(spec: str) -> np.dtype[Any]:
    return np.dtype(object) if spec == _OBJECT else load_bits(spec)
