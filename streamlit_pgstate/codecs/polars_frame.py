"""polars DataFrames and Series, as an Arrow IPC stream that pyarrow writes, checks and reads.

polars' own reader is not used: it ends the process if a damaged body asks for more memory than
there is, where pyarrow raises an error.
"""

from __future__ import annotations

import sys
import zlib
from importlib import import_module
from typing import Any

from . import plain
from .arrow_table import read_kept, write_table
from .own_attributes import check_none
from .payload import Body, Codec, DamagedError, RefusedError, UnreadableError
from .refusals import shown

__all__ = ["CODECS"]

_DTYPES = b"streamlit_pgstate.polars"
_ROWS = b"streamlit_pgstate.rows"
_NOTES = b"streamlit_pgstate.notes"
_SORTED = b"streamlit_pgstate.sorted"

# The dtypes that come back from Arrow as the same dtypes. Without Int128 and UInt128, which Arrow
# does not have, and Object, whose values may be anything.
_KEPT = frozenset(
    {
        *("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64"),
        *("Float16", "Float32", "Float64", "Boolean", "String", "Binary", "Null"),
        *("Date", "Datetime", "Duration", "Time", "Decimal", "Categorical", "Enum"),
        *("List", "Array", "Struct"),
    }
)


# Before 1.35, polars writes to Arrow all categories that the process has met, including those of
# other visitors, and cannot write an Enum in an Array. Before 1.34, it writes decimals without a
# precision. Before 1.33, it reads Categoricals as another dtype.
_LOWEST = (1, 35)

_PARAMETERS = ("time_unit", "time_zone", "precision", "scale", "size")


def _dump_frame(frame: Any) -> bytes:
    if _is_old(sys.modules["polars"]):
        raise RefusedError(
            f"of polars before {_lowest()}, which cannot keep all dtypes exactly. "
            "Run pip install -U polars"
        )
    check_none(frame)
    for name, dtype in frame.schema.items():
        step = f"column {shown(name)}"
        _check_name(name, step)
        _check(dtype, step)
    table = frame.rechunk().to_arrow()
    metadata = {
        _DTYPES: plain.dump(_specs(frame)),
        _ROWS: str(frame.height).encode(),
        _NOTES: _notes_sum(table.schema),
    }
    if marks := _sorted_columns(frame):
        metadata[_SORTED] = plain.dump(marks)
    return write_table(table.schema.with_metadata(metadata), table.to_batches())


def _sorted_columns(frame: Any) -> list[list[object]]:
    """List the columns that polars knows to be sorted: the number, and whether descending.

    Reading sets the marks again, and polars then believes them, as it did before. That the values
    are sorted is checked neither here nor there: a user may have said so by `set_sorted`.
    """
    found: list[list[object]] = []
    for place, series in enumerate(frame.get_columns()):
        marks = series.flags
        # Of one item, polars itself says that it is ascending.
        if marks["SORTED_DESC"] or (marks["SORTED_ASC"] and frame.height > 1):
            found.append([place, marks["SORTED_DESC"]])
    return found


def _mark_sorted(frame: Any, marks: Any) -> None:
    for place, is_descending in marks:
        if type(is_descending) is not bool or type(place) is not int or place < 0:
            raise DamagedError("a column that is neither sorted nor unsorted")
        series = frame.to_series(place)
        frame.replace_column(place, series.set_sorted(descending=is_descending))


def _notes_sum(fields: Any) -> bytes:
    """Return a checksum of the names, and of the field metadata in which polars keeps categories.

    Without the checksum, polars would panic over damaged metadata, and write 40 lines to the log.
    """
    return f"{zlib.crc32(repr(_notes(fields)).encode()):08x}".encode()


def _notes(fields: Any) -> list[object]:
    notes: list[object] = []
    for field in fields:
        inner = [field.type.field(place) for place in range(field.type.num_fields)]
        notes.append((field.name, sorted((field.metadata or {}).items()), _notes(inner)))
    return notes


def _check_name(name: str, step: str) -> None:
    if "\0" in name:  # polars panics over NUL
        raise RefusedError(
            "of a name with NUL, which polars cannot give to Arrow. Rename it"
        ).inside(step)


def _check(dtype: Any, step: str) -> None:
    name = _name(dtype)
    # Only the process that made a `Categories` object of its own knows it.
    is_own = name == "Categorical" and not dtype.categories.is_global()
    if name not in _KEPT or is_own:
        raise RefusedError(
            f"of the polars dtype {name}, which cannot be kept exactly. Cast it to another one"
        ).inside(step)
    for field in getattr(dtype, "fields", ()):
        _check_name(field.name, step)
    for inner in _inner(dtype):
        _check(inner, step)


def _specs(frame: Any) -> list[list[object]]:
    return [[name, _spec(dtype)] for name, dtype in frame.schema.items()]


def _spec(dtype: Any) -> list[object]:
    """Return a dtype as plain values, because the `repr` differs between versions of polars."""
    spec: list[object] = [_name(dtype)]
    spec += [getattr(dtype, name) for name in _PARAMETERS if hasattr(dtype, name)]
    if spec[0] == "Enum":
        spec.append(dtype.categories.to_list())
    if hasattr(dtype, "fields"):
        spec.append([field.name for field in dtype.fields])
    return [*spec, *map(_spec, _inner(dtype))]


def _name(dtype: Any) -> str:
    return dtype.__name__ if isinstance(dtype, type) else type(dtype).__name__


def _inner(dtype: Any) -> list[Any]:
    if hasattr(dtype, "fields"):
        return [field.dtype for field in dtype.fields]
    return [dtype.inner] if hasattr(dtype, "inner") else []


def _load_frame(body: Body) -> Any:
    polars = _polars()
    import pyarrow as pa

    schema, batches = read_kept(body)
    if len(batches) > 1 or not all(_is_ours(field.type) for field in schema):
        raise DamagedError("a stream that polars has not written")
    metadata = schema.metadata or {}
    table = pa.Table.from_batches(batches, schema.remove_metadata())
    rows = int(metadata[_ROWS])
    if metadata[_NOTES] != _notes_sum(schema):
        raise DamagedError("damaged names or metadata of columns")
    frame = _from_arrow(polars, table) if table.num_columns else _empty(polars, rows)
    if _specs(frame) != plain.load(metadata[_DTYPES]) or frame.height != rows:
        raise DamagedError("a frame whose dtypes or rows differ from the stated ones")
    if _SORTED in metadata:
        _mark_sorted(frame, plain.load(metadata[_SORTED]))
    return frame


def _is_ours(arrow_type: Any) -> bool:
    """Whether polars writes this type. It would decode dictionaries of anything but text."""
    import pyarrow as pa

    if pa.types.is_dictionary(arrow_type):
        return bool(pa.types.is_large_string(arrow_type.value_type))
    return all(_is_ours(arrow_type.field(place).type) for place in range(arrow_type.num_fields))


def _from_arrow(polars: Any, table: Any) -> Any:
    names = table.column_names
    try:
        # Numbers instead of names: polars renames a column without a name to "column_0".
        frame = polars.from_arrow(table.rename_columns(list(map(str, range(len(names))))))
    except BaseException as cause:
        if type(cause).__name__ == "PanicException":  # a panic of Rust, which is not an Exception
            raise DamagedError("a table that polars cannot read") from cause
        raise
    frame.columns = names
    return frame


def _empty(polars: Any, rows: int) -> Any:
    return polars.DataFrame(height=rows) if rows else polars.DataFrame()


def _dump_series(series: Any) -> bytes:
    check_none(series)
    return _dump_frame(series.to_frame())


def _load_series(body: Body) -> Any:
    (series,) = _load_frame(body).get_columns()
    return series


def _polars() -> Any:
    try:
        polars = import_module("polars")
    except ImportError:
        raise UnreadableError("and needs polars: pip install polars") from None
    if _is_old(polars):
        raise UnreadableError(f"and needs polars from {_lowest()} on: pip install -U polars")
    return polars


def _is_old(polars: Any) -> bool:
    return tuple(map(int, polars.__version__.split(".")[:2])) < _LOWEST


def _lowest() -> str:
    return ".".join(map(str, _LOWEST))


CODECS = {
    "polars.frame": Codec(_dump_frame, _load_frame),
    "polars.series": Codec(_dump_series, _load_series),
}
