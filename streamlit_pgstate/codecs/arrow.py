"""The container of the ``pandas.*`` kinds: one Arrow IPC stream with any number of buffers.

A *buffer* is a one-dimensional array of any length. The stream has one record batch of one row.
Each field has the type `large_list`, and its single list is one buffer. A header (JSON text of
`plain`) in the metadata of the schema says how the buffers make up the value. Arrow frames and
checks the buffers, any language can read them, and each is copied only once, by the write.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pyarrow as pa

from . import plain
from .arrow_content import content_of
from .arrow_stream import check_views, read_stream, size_of
from .limits import check_size
from .payload import Body, DamagedError, RefusedError

__all__ = ["BufferReader", "BufferWriter", "as_one"]

_HEADER = b"streamlit_pgstate"

# Format 2 has what versions that know only format 1 would read as something else: C's long long,
# arrays of several dimensions, attributes of the user's own. All else is written as format 1.
_FORMATS = (1, 2)

_ARROW_TYPES = {
    np.dtype(name): getattr(pa, name)()
    for name in (
        *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
        *("float16", "float32", "float64"),
    )
}


class BufferWriter:
    """Collects buffers and writes them with a header, which refers to each by its position.

    Attributes:
        format: of the header. Who adds what format 1 does not have sets it to 2.
    """

    def __init__(self) -> None:
        self.format = 1
        self._lists: list[pa.Array] = []
        self._size = 0

    def add(self, values: pa.Array) -> int:
        """Add an Arrow array; returns its position. Copies only what `content_of` has to."""
        return self._append(content_of(values))

    def _append(self, values: pa.Array) -> int:
        ends = pa.array([0, len(values)], pa.int64())
        self._lists.append(pa.LargeListArray.from_arrays(ends, values))
        return len(self._lists) - 1

    def add_numpy(self, values: np.ndarray[Any, Any]) -> int:
        """Add a one-dimensional array of numbers; returns its position.

        Copies the array only if it is not contiguous.
        """
        self._size += values.nbytes
        check_size(self._size)
        values = np.ascontiguousarray(values)
        if not values.dtype.isnative:  # the bytes are not swapped; see `storage_of`
            values = values.view(values.dtype.newbyteorder("="))
        stored = values.view(storage_of(values.dtype)[0])
        buffers = [None, pa.py_buffer(stored)]
        arrow_type = _ARROW_TYPES[stored.dtype]
        return self._append(pa.Array.from_buffers(arrow_type, len(stored), buffers))

    def add_bytes(self, body: bytes) -> int:
        """Add bytes without copying them; returns their position."""
        return self.add_numpy(np.frombuffer(body, "uint8"))

    def finish(self, header: dict[str, Any]) -> bytes:
        """Write the stream, with the format in its header; returns its bytes.

        Raises:
            RefusedError: the header holds a value that `plain` refuses.
        """
        header = {"format": self.format, **header}
        names = [str(position) for position in range(len(self._lists))]
        batch = pa.RecordBatch.from_arrays(self._lists, names)
        batch = batch.replace_schema_metadata({_HEADER: plain.dump(header)})
        check_size(size_of(batch))
        # BytesIO returns its buffer without a copy: 80 MB take 30 ms. Through pyarrow's own buffer
        # and to_pybytes they take 34 to 62 ms.
        sink = io.BytesIO()
        with pa.ipc.new_stream(pa.PythonFile(sink, "w"), batch.schema) as stream:
            stream.write_batch(batch)
        check_views(batch.schema, [batch], sink.tell())
        return sink.getvalue()


class BufferReader:
    """Reads and checks the header and the buffers of a stream."""

    def __init__(self, body: Body) -> None:
        """Open a stream.

        Raises:
            DamagedError: the stream is not one that `BufferWriter` wrote.
        """
        schema, (batch,) = read_stream(body)
        header = (schema.metadata or {}).get(_HEADER)
        if header is None:
            raise DamagedError("an Arrow stream of another program")
        self.header = plain.load(header)
        if self.header["format"] not in _FORMATS:
            raise DamagedError("a header of a newer format")
        self._batch = batch
        self._taken: set[int] = set()

    def get(self, position: int) -> pa.Array:
        """Return the Arrow array at a position, without a copy. Each can be taken once only."""
        if position in self._taken:
            raise DamagedError("a buffer that is used in two places")
        self._taken.add(position)
        column = self._batch.column(position)
        if position < 0 or not pa.types.is_large_list(column.type):
            raise DamagedError("a buffer that is not a list")
        if len(column) != 1 or column.null_count:
            raise DamagedError("a buffer that is not one list")
        return column.flatten()

    def get_numpy(self, position: int, dtype: np.dtype[Any], length: int) -> np.ndarray[Any, Any]:
        """Return the buffer at a position as a read-only view of exactly `length` values."""
        return self._numpy(self.get(position), dtype, length)

    def get_bytes(self, position: int) -> memoryview:
        """Return the bytes at a position as a read-only view of the body."""
        values = self.get(position)
        return self._numpy(values, np.dtype("uint8"), len(values)).data

    def _numpy(self, values: pa.Array, dtype: np.dtype[Any], length: int) -> np.ndarray[Any, Any]:
        stored, width = storage_of(dtype)
        if values.type != _ARROW_TYPES[stored] or len(values) != length * width:
            raise DamagedError("a buffer of another type or length than the header says")
        if values.null_count:
            raise DamagedError("a buffer with nulls")
        if not length:
            return np.empty(0, dtype)
        start = values.offset * stored.itemsize
        numbers = np.frombuffer(values.buffers()[1], stored, length * width, start)
        if dtype.kind == "b" and numbers.max() > 1:
            raise DamagedError("a truth value that is neither 0 nor 1")
        return numbers.view(dtype)


def as_one(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return the one array that an array is, or that its chunks make together.

    Raises:
        RefusedError: pyarrow cannot put the chunks together.
    """
    if not isinstance(values, pa.ChunkedArray):
        return values
    if values.num_chunks == 1:
        return values.chunk(0)
    try:
        return values.combine_chunks()
    except pa.ArrowException:  # text of over 2 GiB, or a type for which pyarrow has no builder
        raise RefusedError(
            f"in chunks of the Arrow type {values.type}, which pyarrow cannot put together. "
            "Cast text to pyarrow.large_string(), and anything else to a plain type"
        ) from None


def storage_of(dtype: np.dtype[Any]) -> tuple[np.dtype[Any], int]:
    """Return the dtype in which Arrow stores the same bits, and how many items make one value.

    Values in the other byte order are stored without swapping their bytes. The header notes it.
    """
    if dtype.kind in "mM":
        return np.dtype("int64"), 1
    if dtype.kind == "b":
        return np.dtype("uint8"), 1
    if dtype.kind == "c":
        return np.dtype(f"float{dtype.itemsize * 4}"), 2
    return dtype.newbyteorder("="), 1
