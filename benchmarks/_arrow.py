"""Plain Arrow IPC, which several benchmarks compare with."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa


def arrow_bytes(frame: pd.DataFrame) -> bytes:
    """The stream of a frame, not compressed, as one object of bytes."""
    table = pa.Table.from_pandas(frame)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return sink.getvalue().to_pybytes()
