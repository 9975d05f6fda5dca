"""pyarrow's tables, batches and arrays: one Arrow IPC stream, which any Arrow library can read."""

from __future__ import annotations

import io
import operator
from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from .arrow_content import content_of
from .arrow_stream import check_values, check_views, read_stream, size_of
from .arrow_types import check_field, is_kept
from .limits import check_size
from .payload import Body, Codec, DamagedError, RefusedError
from .refusals import shown

__all__ = ["CODECS", "read_kept", "write_table"]


def write_table(schema: Any, batches: Iterable[Any]) -> bytes:
    """Write the batches of a table as an Arrow IPC stream.

    Raises:
        RefusedError: a column is of a type that is not kept, or a batch is not valid or too large.
    """
    for field in schema:
        try:
            check_field(field)
        except RefusedError as refused:
            raise refused.inside(f"column {shown(field.name)}") from None
    return _write(schema, batches)


def _write(schema: Any, batches: Iterable[Any]) -> bytes:
    sink = io.BytesIO()
    written = []
    with pa.ipc.new_stream(pa.PythonFile(sink, "w"), schema) as stream:
        for given in batches:
            check_values(given)
            batch = _content_of_batch(given)
            written.append(batch)
            check_size(sink.tell() + size_of(batch))
            stream.write_batch(batch)
    check_views(schema, written, sink.tell())
    return sink.getvalue()


def _content_of_batch(batch: Any) -> Any:
    given = batch.columns
    columns = [content_of(column) for column in given]
    if all(map(operator.is_, columns, given)):  # also without columns: made anew, it has no rows
        return batch
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema)


def read_kept(body: Body) -> tuple[Any, list[Any]]:
    """Check and read a stream that `write_table` wrote; returns the schema and the batches.

    The batches are views of the body. This is safe because Arrow's values are immutable.

    Raises:
        DamagedError: the stream is damaged, or has a type that `write_table` refuses.
    """
    schema, batches = read_stream(body)
    if not all(map(is_kept, schema)):
        raise DamagedError("an Arrow type that is never written here")
    return schema, batches


def _load_table(body: Body) -> Any:
    schema, batches = read_kept(body)
    return pa.Table.from_batches(batches, schema)


def _load_batch(body: Body) -> Any:
    _, (batch,) = read_kept(body)
    return batch


def _dump_chunks(chunked: Any) -> bytes:
    field = pa.field("", chunked.type)
    check_field(field)
    schema = pa.schema([field])
    return _write(
        schema, (pa.RecordBatch.from_arrays([chunk], schema=schema) for chunk in chunked.chunks)
    )


def _load_chunks(body: Body) -> Any:
    schema, batches = read_kept(body)
    (field,) = schema
    return pa.chunked_array([batch.column(0) for batch in batches], field.type)


def _load_array(body: Body) -> Any:
    _, (batch,) = read_kept(body)
    (array,) = batch.columns
    return array


CODECS = {
    "pyarrow.table": Codec(
        lambda table: write_table(table.schema, table.to_batches()), _load_table
    ),
    "pyarrow.batch": Codec(lambda batch: write_table(batch.schema, [batch]), _load_batch),
    "pyarrow.chunks": Codec(_dump_chunks, _load_chunks),
    "pyarrow.array": Codec(
        lambda array: _dump_chunks(pa.chunked_array([array], array.type)), _load_array
    ),
}
