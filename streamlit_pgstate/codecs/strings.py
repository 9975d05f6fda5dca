"""The string dtypes of pandas 2 and 3, which differ in storage and missing value: for `columns`."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from .arrow import BufferReader, BufferWriter, as_one
from .payload import DamagedError, RefusedError, UnreadableError

__all__ = ["dump_string", "load_string"]

Spec = dict[str, Any]

_SURROGATE = re.compile("[\ud800-\udfff]")


def dump_string(array: Any, out: BufferWriter) -> Spec:
    """Write an array of strings; returns the spec.

    Raises:
        RefusedError: a text has a lone surrogate.
    """
    dtype = array.dtype
    if dtype.storage == "python":
        _check_encodable(array)
    texts = pa.array(array, pa.large_string(), from_pandas=True)
    return {
        "is": "string",
        # pandas 2.2 calls ("pyarrow", nan) "pyarrow_numpy"
        "storage": dtype.storage.removesuffix("_numpy"),
        "missing": "NA" if dtype.na_value is pd.NA else "nan",
        "at": out.add(as_one(texts)),
    }


def _check_encodable(array: Any) -> None:
    for row, text in enumerate(array):
        if type(text) is str and not text.isascii() and _SURROGATE.search(text):
            raise RefusedError(
                "text with a lone surrogate, which a column of strings cannot keep. "
                "Keep the column as dtype object"
            ).inside(f"[{row}]")


def load_string(spec: Spec, buffers: BufferReader, length: int) -> Any:
    """Read an array that `dump_string` wrote.

    Raises:
        DamagedError: the spec or the buffer is damaged.
    """
    dtype = _string_dtype(spec["storage"], spec["missing"])
    texts = buffers.get(spec["at"])
    if texts.type != pa.large_string():
        raise DamagedError("a buffer whose type differs from the header")
    array = dtype.__from_arrow__(texts)
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
