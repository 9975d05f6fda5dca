"""Which types of Arrow are kept: those that a stream gives back, whatever a process has registered.

Arrow's writer accepts more than its reader. A dictionary whose values are a dictionary is written,
and then read as another type or not at all.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import pyarrow as pa

from .payload import RefusedError

__all__ = ["check_field", "is_kept"]

_EXTENSION = b"ARROW:extension:name"


def is_kept(field: Any) -> bool:
    """Whether a stream keeps a field exactly, whatever extension types a process has registered.

    Raises:
        UnicodeDecodeError: the name of the field is not UTF-8, over which polars would panic.
    """
    return _culprit(field) is None


def check_field(field: Any) -> None:
    """Check that a stream keeps a field exactly.

    Raises:
        RefusedError: a type in the field is not kept. The path leads from the field to the type.
    """
    if refused := _culprit(field):
        raise refused
    kind = field.type
    if (kind.num_fields or pa.types.is_dictionary(kind)) and not _is_read(kind):
        raise RefusedError(
            f"of the Arrow type {kind}, which Arrow writes and does not read again as it was. "
            "Cast it to another type: array.cast(…)"
        )


@lru_cache(256)  # as this takes 40 µs, and the type alone decides
def _is_read(kind: Any) -> bool:
    """Whether Arrow's reader gives a type back as it was."""
    schema = pa.schema([pa.field("", kind)])
    sink = pa.BufferOutputStream()
    try:
        pa.ipc.new_stream(sink, schema).close()
        with pa.ipc.open_stream(sink.getvalue()) as stream:
            return bool(stream.schema.equals(schema))
    except pa.ArrowException:
        return False


def _culprit(field: Any, *, is_inner: bool = False) -> RefusedError | None:
    if refused := _refused(field, is_inner):
        return refused
    kind = field.type
    if pa.types.is_dictionary(kind):
        inner = _culprit(pa.field("", kind.value_type), is_inner=True)
        return inner and inner.inside("its dictionary")
    for place in range(kind.num_fields):
        part = kind.field(place)
        if inner := _culprit(part, is_inner=True):
            return inner.inside(f"field {part.name!r}")
    return None


def _refused(field: Any, is_inner: bool) -> RefusedError | None:
    """Return the error for a field whose own type is not kept, else None."""
    kind = field.type
    if isinstance(kind, pa.BaseExtensionType):
        return RefusedError(
            f"of the Arrow type {kind}, an extension type, which is not kept. "
            + (
                f"Cast the whole to a type with {kind.storage_type} in its place: array.cast(…)"
                if is_inner
                else "Cast it to its storage type: array.cast(array.type.storage_type)"
            )
        )
    if field.name is None or _EXTENSION in (field.metadata or {}):
        return RefusedError(
            f"of the Arrow type {kind} with metadata of an extension type, which is not kept. "
            "Take them off: field.remove_metadata()"
        )
    if pa.types.is_dictionary(kind) and pa.types.is_dictionary(kind.value_type):
        return RefusedError(
            f"of the Arrow type {kind}, a dictionary of a dictionary, which Arrow cannot read "
            "again. "
            + (
                "Make the whole anew: pyarrow.array(array.to_pylist())"
                if is_inner
                else "Take off the outer one: array.cast(array.type.value_type)"
            )
        )
    return None
