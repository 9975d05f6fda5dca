"""pandas DataFrames as one Arrow IPC stream: the container is `arrow`, the columns `columns`.

Arrow's own conversion of pandas is not used. It loses or refuses sparse and complex data, mixed
and repeated names, ranges, frequencies and more, some of them only when the frame is read. Here
the header alone says what `load` builds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from .arrow import BufferReader, BufferWriter
from .attrs import dump_attrs, load_attrs
from .bits import dump_bits, is_bits, view_bits
from .columns import (
    dump_array,
    dump_index,
    dump_sparse,
    load_array,
    load_index,
    load_sparse,
)
from .limits import check_size
from .payload import Body, Codec, DamagedError, RefusedError
from .refusals import shown

__all__ = ["CODECS", "dump", "load"]

# Up to this many columns of one dtype, each column is a buffer of its own. That takes about 20 µs a
# column, and no copy. More columns of one dtype are stacked into one buffer.
_MAX_SINGLE = 32

Spec = dict[str, Any]


def dump(frame: pd.DataFrame) -> bytes:
    """Write a frame: data, labels, dtypes, names, attrs and flags.

    Raises:
        RefusedError: a column, a label or an attr cannot be kept exactly.
    """
    out = BufferWriter()
    header = {
        "shape": list(frame.shape),
        "index": _dump_axis("index", frame.index, out),
        "columns": _dump_axis("columns", frame.columns, out),
        "data": _dump_data(frame, out),
        **dump_attrs(frame, out),
        "allows_duplicate_labels": frame.flags.allows_duplicate_labels,
    }
    return out.finish(header)


def load(body: Body) -> Any:
    """Read a frame that `dump` wrote. The caller may change it.

    Raises:
        DamagedError: the body is damaged or of a newer format. pandas and Arrow may raise other
            errors.
    """
    buffers = BufferReader(body)
    header = buffers.header
    rows, width = header["shape"]
    index = load_index(header["index"], buffers, rows)
    columns = load_index(header["columns"], buffers, width)
    frame = _load_data(header["data"], buffers, index, width)
    frame.columns = columns
    load_attrs(frame, header, buffers)
    frame.flags.allows_duplicate_labels = header["allows_duplicate_labels"]
    return frame


def _dump_axis(name: str, index: Any, out: BufferWriter) -> Spec:
    try:
        return dump_index(index, out)
    except RefusedError as refused:
        raise refused.inside(repr(name)) from None


# --- columns -----------------------------------------------------------------------------


def _dump_data(frame: pd.DataFrame, out: BufferWriter) -> list[Spec]:
    # Extension dtypes are compared by class: hashing a categorical dtype reads all categories, and
    # fails if they are of mixed types.
    dtypes = {dtype if isinstance(dtype, np.dtype) else type(dtype) for dtype in frame.dtypes}
    if len(dtypes) == 1 and _is_matrix(frame, dtype := dtypes.pop()):
        check_size(frame.size * dtype.itemsize)
        matrix = np.ascontiguousarray(frame.to_numpy().T)  # a view if the frame is one block
        spec = dump_bits(matrix.reshape(-1), out)
        return [{"columns": list(range(frame.shape[1])), "array": spec}]
    # A bare frame, because pandas copies the attrs of a frame into each of its columns, with the
    # arrays in them. Before 3.0 it also looks columns up by their labels, which may have no hash.
    bare = pd.DataFrame(frame, copy=False)
    bare.columns = pd.RangeIndex(frame.shape[1])
    columns = [column for _, column in bare.items()]
    return [
        {"columns": places, "array": _dump_columns(columns, places, frame.columns, out)}
        for places in _together(columns)
    ]


def _is_matrix(frame: pd.DataFrame, dtype: Any) -> bool:
    if not is_bits(dtype) or dtype.kind in "mM":
        return False
    # C's long and long long are equal, and have the same hash.
    return dtype.char not in "lLqQ" or len({each.char for each in frame.dtypes}) == 1


def _together(columns: list[Any]) -> Iterator[list[int]]:
    """Group the columns: yields the positions of those that are written as one array."""
    groups: dict[Hashable, list[int]] = defaultdict(list)
    for place, column in enumerate(columns):
        groups[_likeness(column, place)].append(place)
    for places in groups.values():
        if len(places) > _MAX_SINGLE or isinstance(columns[places[0]].dtype, pd.SparseDtype):
            yield places
        else:
            yield from ([place] for place in places)


def _likeness(column: Any, place: int) -> Hashable:
    dtype = column.dtype
    if isinstance(dtype, pd.SparseDtype):
        fill = dtype.fill_value
        return dtype.subtype, type(fill), repr(fill), column.array.kind
    return (dtype, dtype.char) if is_bits(dtype) else place


def _dump_columns(columns: list[Any], places: list[int], labels: Any, out: BufferWriter) -> Spec:
    parts = [columns[place] for place in places]
    try:
        if isinstance(parts[0].dtype, pd.SparseDtype):
            return dump_sparse([part.array for part in parts], out)
        if len(parts) > 1:
            cells = [part.to_numpy() for part in parts]
            # Without dtype, concatenate would convert to the byte order of this machine.
            return dump_bits(np.concatenate(cells, dtype=cells[0].dtype), out)
        return dump_array(parts[0], out)
    except RefusedError as refused:
        raise refused.inside(f"column {shown(labels[places[0]])}") from None


def _load_data(data: list[Spec], buffers: BufferReader, index: Any, width: int) -> Any:
    if len(data) == 1 and data[0]["array"]["is"] == "numpy":
        _check_places(data[0]["columns"], width)
        cells = view_bits(data[0]["array"], buffers, len(index) * width)
        return pd.DataFrame(cells.reshape(width, len(index)).T.copy("F"), index=index, copy=False)
    arrays: dict[int, Any] = {}
    for part in data:
        loaded = _load_columns(part["array"], buffers, len(index), len(part["columns"]))
        arrays |= zip(part["columns"], loaded, strict=True)
    _check_places(sorted(arrays), width)
    # NumPy columns are still views of the body. The constructor copies them into blocks.
    frame = pd.DataFrame({place: _held(arrays[place], index) for place in range(width)}, index)
    if any("long" in part["array"] for part in data):
        _set_apart(frame, arrays)
    return frame


def _set_apart(frame: pd.DataFrame, arrays: dict[int, Any]) -> None:
    """Set the columns again whose dtype pandas has changed to an equal one, in a common block."""
    for place, dtype in enumerate(frame.dtypes):
        own = arrays[place].dtype
        if isinstance(dtype, np.dtype) and dtype.char != own.char:
            frame.isetitem(place, np.array(arrays[place]))


def _load_columns(spec: Spec, buffers: BufferReader, rows: int, count: int) -> list[Any]:
    if spec["is"] == "sparse":
        return load_sparse(spec, buffers, rows, count)
    if spec["is"] == "numpy":
        return list(view_bits(spec, buffers, rows * count).reshape(count, rows))
    if count != 1:
        raise DamagedError("several columns in an array that holds one")
    return [load_array(spec, buffers, rows)]


def _check_places(places: list[int], width: int) -> None:
    if len(places) != width or places != list(range(width)):
        raise DamagedError("columns that are missing or repeated")


def _held(array: Any, index: Any) -> Any:
    if array.dtype != object:
        return array
    return pd.Series(array, index, object, copy=False)  # else pandas 3 infers str from the values


CODECS = {"pandas.frame": Codec(dump, load)}
