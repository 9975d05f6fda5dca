"""Forms: as which file a value is written into an export, so that people can open it."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from streamlit_pgstate import codecs
from streamlit_pgstate.codecs import Payload
from streamlit_pgstate.codecs.file import StoredFile
from streamlit_pgstate.codecs.payload import UnreadableError
from streamlit_pgstate.errors import DecodeError
from streamlit_pgstate.state.archive.file_names import safe_suffix

JSON: Final = "json"
FILE: Final = "file"
BYTES: Final = "bytes"
PARQUET: Final = "parquet"


@dataclass(frozen=True, slots=True)
class Readable:
    """A value as people can open it."""

    form: str
    """One of the names above."""
    suffix: str
    content: bytes
    is_exact: bool
    """Whether the value can be made again from this alone."""
    name: str | None = None
    """Of an uploaded file, as the browser gave it."""
    type: str | None = None
    """Its MIME type."""


def readable(payload: Payload, *, key: str) -> Readable | None:
    """Return a value as people can open it, or None if it has no such form.

    Args:
        payload: the encoded value, which is not compressed.
        key: of the value, for messages.

    Raises:
        DecodeError: the value is damaged.
    """
    if payload.kind == "json":
        return Readable(JSON, ".json", _indented(payload.body), is_exact=True)
    if payload.kind == "bytes":
        return Readable(BYTES, ".bin", payload.body, is_exact=True)
    if payload.kind == "file":
        return _file(codecs.decode(payload, key=key))
    write = _TABLES.get(payload.kind)
    return _table(payload, key, write) if write else None


def stored_json(content: bytes) -> bytes:
    """Return the body whose file `readable` has written.

    What `readable` indents is joined again. What it has left as it was has no line breaks, as JSON
    text holds them as escapes.

    Raises:
        ValueError: it is not JSON.
    """
    tree = json.loads(content, parse_constant=_refuse)
    return _joined(tree) if b"\n" in content else content


def _refuse(constant: str) -> object:
    """Refuse NaN and Infinity, which are no JSON: the codecs write them as markers."""
    raise ValueError(constant)


def _joined(tree: Any) -> bytes:
    return json.dumps(tree, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _indented(body: bytes) -> bytes:
    """Indent a text, unless the stored one could not be made from it again."""
    try:
        tree = json.loads(body)
        is_restored = _joined(tree) == body
    except (ValueError, RecursionError):
        return body
    if not is_restored:  # a long text with escapes, or a number with an unusual spelling
        return body
    return json.dumps(tree, ensure_ascii=False, indent=2).encode("utf-8", "surrogatepass")


def _file(file: StoredFile) -> Readable:
    suffix = safe_suffix(file.name)
    return Readable(FILE, suffix, file.getvalue(), is_exact=True, name=file.name, type=file.type)


def _table(
    payload: Payload, key: str, write: Callable[[Any, io.BytesIO], object]
) -> Readable | None:
    """Write a table. Parquet lacks some dtypes, and names of columns that are no text."""
    sink = io.BytesIO()
    try:
        value = codecs.decode(payload, key=key)
    except DecodeError as error:
        if isinstance(error.__cause__, UnreadableError):  # its library is not installed here
            return None
        raise
    try:
        with warnings.catch_warnings(action="ignore"):  # of `attrs` that Parquet lacks
            write(value, sink)
    except Exception:  # noqa: BLE001 - libraries refuse by errors of many kinds; the body is exact
        return None
    return Readable(PARQUET, ".parquet", sink.getvalue(), is_exact=False)


def _arrow(value: Any, sink: io.BytesIO) -> None:
    from pyarrow import parquet

    parquet.write_table(value, sink)


_TABLES: Final[dict[str, Callable[[Any, io.BytesIO], object]]] = {
    "pandas.frame": lambda value, sink: value.to_parquet(sink),
    "geopandas.frame": lambda value, sink: value.to_parquet(sink),
    "polars.frame": lambda value, sink: value.write_parquet(sink),
    "pyarrow.table": _arrow,
}
"""By kind: how a table is written as Parquet."""
