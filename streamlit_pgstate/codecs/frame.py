"""pandas DataFrames as one Arrow IPC stream: see :mod:`.arrow` and :mod:`.columns`.

Arrow's own pandas metadata loses or refuses sparse, complex, mixed and repeated names, ranges,
frequencies and more, partly only when it is read. Here the header alone decides what is built.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd

from .arrow import BufferReader, BufferWriter
from .columns import (
    dump_array,
    dump_bits,
    dump_index,
    dump_sparse,
    is_bits,
    load_array,
    load_index,
    load_sparse,
    view_bits,
)
from .payload import Damaged, Refused

__all__ = ["dump", "load"]

_FORMAT = 1

# Up to here each column is a buffer of its own, which costs no copy but about 20 us;
# more columns of one dtype are stacked into one buffer.
_MAX_SINGLE = 32

Spec = dict[str, Any]


def dump(frame: pd.DataFrame) -> bytes:
    """Write a frame: data, labels, dtypes, names, attrs and flags.

    :raises Refused: a column, a label or an attr cannot be kept exactly.
    """
    out = BufferWriter()
    header = {
        "format": _FORMAT,
        "shape": list(frame.shape),
        "index": _dump_axis("index", frame.index, out),
        "columns": _dump_axis("columns", frame.columns, out),
        "data": _dump_data(frame, out),
        "attrs": frame.attrs,
        "allows_duplicate_labels": frame.flags.allows_duplicate_labels,
    }
    return out.finish(header)


def load(body: bytes) -> pd.DataFrame:
    """Read what :func:`dump` wrote: a frame of the caller's own.

    :raises Damaged: the body is something else, cut off, or of a newer version.
    """
    try:
        return _load(BufferReader(body))
    except Damaged:
        raise
    except Exception as cause:  # whatever Arrow, NumPy or pandas say to it, it is no frame
        raise Damaged("no frame of this format") from cause


def _load(buffers: BufferReader) -> pd.DataFrame:
    header = buffers.header
    if header["format"] != _FORMAT:
        raise Damaged("a frame of a newer format")
    rows, width = header["shape"]
    index = load_index(header["index"], buffers, rows)
    columns = load_index(header["columns"], buffers, width)
    frame = _load_data(header["data"], buffers, index, width)
    frame.columns = columns
    frame.attrs = header["attrs"]
    frame.flags.allows_duplicate_labels = header["allows_duplicate_labels"]
    return frame


def _dump_axis(name: str, index: Any, out: BufferWriter) -> Spec:
    try:
        return dump_index(index, out)
    except Refused as refused:
        raise refused.inside(name) from None


# --- writing the columns -----------------------------------------------------------------


def _dump_data(frame: pd.DataFrame, out: BufferWriter) -> list[Spec]:
    dtypes = set(frame.dtypes)
    if len(dtypes) == 1 and is_bits(dtype := dtypes.pop()) and dtype.kind not in "mM":
        matrix = np.ascontiguousarray(frame.to_numpy().T)  # a view, where it is one block
        places = list(range(frame.shape[1]))
        return [{"columns": places, "array": dump_bits(matrix.reshape(-1), out)}]
    columns = [column for _, column in frame.items()]
    return [
        {"columns": places, "array": _dump_columns(frame, [columns[at] for at in places], places, out)}
        for places in _alike(columns)
    ]


def _alike(columns: list[pd.Series[Any]]) -> list[list[int]]:
    """Positions of the columns that are written together."""
    groups: dict[Hashable, list[int]] = defaultdict(list)
    for place, column in enumerate(columns):
        groups[_group(column, place)].append(place)
    return [
        part
        for places in groups.values()
        for part in ([places] if _is_stacked(columns[places[0]], places) else [[at] for at in places])
    ]
