"""Check Arrow IPC streams before they are read, so that a small body cannot ask for much memory.

Arrow itself would decompress buffers of any size, accept buffers that overlap, rebuild a
dictionary from its deltas for each batch, and copy a name once for each field that points to it.
Our streams never contain any of this, so a stream that does is refused. The checks read the
messages of the stream. These are flatbuffers, which Arrow has verified before it returns them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from .payload import Body, DamagedError, RefusedError

__all__ = ["FlatTable", "check_values", "check_views", "read_stream", "size_of"]

# Schemas of up to this many bytes are not checked. By Arrow's own limit, a schema has at most eight
# times as many fields as its message has bytes, which is 32 MB of names at worst.
_SMALL = 2 << 10

# How many bytes all string views may show together: _MAX_TIMES * len(body) + _MAX_VIEWED. Many
# views can show the same text, and validating checks each of them: 0.1 s at most with this limit.
_MAX_TIMES = 64
_MAX_VIEWED = 1 << 30

# The numbers of the fields in the tables of Arrow's Message.fbs and Schema.fbs.
_MESSAGE_HEADER = 2
_SCHEMA_FIELDS, _SCHEMA_NOTES = 1, 2
_FIELD_NAME, _FIELD_KIND, _FIELD_TYPE, _FIELD_CHILDREN, _FIELD_NOTES = 0, 2, 3, 5, 6
_NOTE_KEY, _NOTE_VALUE = 0, 1
_BATCH_BUFFERS, _BATCH_COMPRESSION = 2, 3
_DICTIONARY_BATCH, _DICTIONARY_IS_DELTA = 1, 2
# number of a type whose field 1 is a vector: bytes of an item. Timestamp has the zone (text), Union
# the type codes (integers).
_LISTED = {10: 1, 14: 4}


def read_stream(body: Body) -> tuple[Any, list[Any]]:
    """Check and read an Arrow IPC stream; returns the schema and the batches.

    The body is not copied.

    Raises:
        DamagedError: the stream asks for more memory than our streams do.
        pyarrow.ArrowException: the stream is damaged.
    """
    data = pa.py_buffer(body)
    for message in pa.ipc.MessageReader.open_stream(data):
        _check(message)
    with pa.ipc.open_stream(data) as stream:
        schema = stream.schema
        batches = list(stream)
    if _is_too_much(schema, batches, len(body)):
        raise DamagedError("views of more text than there is")
    for batch in batches:
        batch.validate(full=True)
    return schema, batches


def size_of(batch: Any) -> int:
    """Return the size of a batch in a stream, in bytes.

    Raises:
        RefusedError: a column is longer than Arrow can write.
    """
    try:
        return int(pa.ipc.get_record_batch_size(batch))
    except pa.lib.ArrowCapacityError:
        raise RefusedError(
            "longer than 2,147,483,647 items, which Arrow cannot write. Keep it in parts"
        ) from None


def check_values(array: Any) -> None:
    """Check that an array or a batch is valid, because `read_stream` accepts only valid ones.

    Raises:
        RefusedError: Arrow's own validation fails.
    """
    try:
        array.validate(full=True)
    except pa.ArrowException:  # dropped as a cause, as its message quotes values
        raise RefusedError(
            "of Arrow and not valid: its validate(full=True) says why. pyarrow itself makes such "
            "arrays for nulls in a struct with a dictionary. Cast the dictionary to its values"
        ) from None


def check_views(schema: Any, batches: Iterable[Any], size: int) -> None:
    """Check that `read_stream` will accept the views in these batches.

    Args:
        schema: the schema of the batches.
        batches: the batches of the stream.
        size: the size of the whole body, in bytes.

    Raises:
        RefusedError: the views show the same text too many times.
    """
    if _is_too_much(schema, batches, size):
        raise RefusedError(
            f"views of over {_MAX_VIEWED >> 30} GiB of text, most of it the same. "
            "Cast it to a dictionary or to string"
        )


# --- messages ----------------------------------------------------------------------------


def _check(message: Any) -> None:
    size = message.metadata.size
    header = FlatTable.root(message.metadata).table(_MESSAGE_HEADER)
    if message.type == "schema":
        if size > _SMALL:
            _check_schema(header, size)
    elif message.type == "record batch":
        _check_batch(header, message)
    elif message.type == "dictionary":
        if header.place(_DICTIONARY_IS_DELTA):  # a false value is absent
            raise DamagedError("a dictionary in parts")
        _check_batch(header.table(_DICTIONARY_BATCH), message)
    else:
        raise DamagedError("an Arrow stream with messages other than batches")


def _check_batch(batch: FlatTable, message: Any) -> None:
    if batch.place(_BATCH_COMPRESSION):
        raise DamagedError("an Arrow stream that Arrow has compressed")
    start, count = batch.vector(_BATCH_BUFFERS)
    words = batch.words[start >> 2 : (start >> 2) + 4 * count]
    lengths = words.cast("B").cast("q").tolist()[1::2]
    if min(lengths, default=0) < 0 or sum(lengths) > (message.body.size if message.body else 0):
        raise DamagedError("an Arrow stream with buffers that overlap")


def _check_schema(schema: FlatTable, size: int) -> None:
    """Check that all names and metadata together are at most as long as the message.

    A name to which several fields point counts once for each of them. Takes 2.5 µs per column, of
    about 10 µs that reading a column takes.
    """
    weight = 0
    stack = [(schema, _SCHEMA_FIELDS, _SCHEMA_NOTES)]
    while stack:
        table, *vectors = stack.pop()
        for vector in vectors:
            weight += 4 * table.vector(vector)[1]  # counted before the loops below make anything
            if weight > size:
                raise DamagedError("an Arrow schema with fields that overlap")
        for field in table.tables(vectors[0]):
            weight += field.vector(_FIELD_NAME)[1]
            width = _LISTED.get(field.byte(_FIELD_KIND))
            if width:
                weight += width * field.table(_FIELD_TYPE).vector(1)[1]
            stack.append((field, _FIELD_CHILDREN, _FIELD_NOTES))
        for note in table.tables(vectors[1]):
            weight += note.vector(_NOTE_KEY)[1] + note.vector(_NOTE_VALUE)[1]


class FlatTable:
    """A table of a flatbuffer. Its fields have numbers, and any of them may be absent."""

    __slots__ = ("_offsets", "_start", "words")

    def __init__(self, words: memoryview, start: int) -> None:
        """View a table.

        Args:
            words: the flatbuffer, as words of 32 bits.
            start: the byte at which the table starts.
        """
        self.words, self._start = words, start
        self._offsets = start - words[start >> 2] & 0xFFFFFFFF

    @classmethod
    def root(cls, data: Any) -> FlatTable:
        """Return the root table of a flatbuffer."""
        words = memoryview(data).cast("B").cast("I")
        return cls(words, words[0])

    def place(self, field: int) -> int:
        """Return the byte at which a field starts; 0 if the field is absent."""
        at = 4 + 2 * field
        if at >= self._half(self._offsets):
            return 0
        offset = self._half(self._offsets + at)
        return offset and self._start + offset

    def byte(self, field: int) -> int:
        """Return the value of a field of one byte; 0 if the field is absent."""
        place = self.place(field)
        return self.words[place >> 2] >> 8 * (place & 3) & 0xFF if place else 0

    def table(self, field: int) -> FlatTable:
        """Return a field that is a table."""
        place = self.place(field)
        if not place:
            raise DamagedError("an Arrow message without its content")
        return FlatTable(self.words, place + self.words[place >> 2])

    def vector(self, field: int) -> tuple[int, int]:
        """Return the byte at which the items of a vector or a text start, and their number."""
        place = self.place(field)
        if not place:
            return 0, 0
        start = place + self.words[place >> 2]
        return start + 4, self.words[start >> 2]

    def tables(self, field: int) -> Iterator[FlatTable]:
        """Iterate over a field that is a vector of tables."""
        start, count = self.vector(field)
        for place in range(start, start + 4 * count, 4):
            yield FlatTable(self.words, place + self.words[place >> 2])

    def _half(self, place: int) -> int:
        return self.words[place >> 2] >> 8 * (place & 2) & 0xFFFF


# --- views -------------------------------------------------------------------------------


def _is_too_much(schema: Any, batches: Iterable[Any], size: int) -> bool:
    seen = [place for place, field in enumerate(schema) if _has_views(field.type)]
    viewed = sum(_viewed(batch.column(place)) for batch in batches for place in seen)
    return viewed > _MAX_TIMES * size + _MAX_VIEWED


def _has_views(arrow_type: Any) -> bool:
    if pa.types.is_dictionary(arrow_type):
        return _has_views(arrow_type.value_type)
    if arrow_type.num_fields:
        return any(
            _has_views(arrow_type.field(place).type) for place in range(arrow_type.num_fields)
        )
    return _is_view(arrow_type)


def _is_view(arrow_type: Any) -> bool:
    return bool(pa.types.is_string_view(arrow_type) or pa.types.is_binary_view(arrow_type))


def _viewed(array: Any) -> int:
    """Return how many bytes all views in an array show together."""
    if _is_view(array.type):
        views = array.buffers()[1]
        if not views:
            return 0
        lengths = np.frombuffer(views, "<u4", views.size // 4)[::4]
        return int(lengths[array.offset : array.offset + len(array)].sum(dtype="u8"))
    return sum(map(_viewed, _inner(array)))


def _inner(array: Any) -> list[Any]:
    if pa.types.is_dictionary(array.type):
        return [array.dictionary]
    if hasattr(array, "values"):  # lists of all kinds, and run-end encoded arrays
        return [array.values]
    if isinstance(array, pa.ExtensionArray):
        return [array.storage]
    return [array.field(place) for place in range(array.type.num_fields)]
