"""Previews: a value as some lines of text."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from streamlit_pgstate import codecs
from streamlit_pgstate.cli.printing import size
from streamlit_pgstate.codecs import Payload

_ROWS = 20
_COLUMNS = 12
_WIDTH = 120
_LINES = 200
_CHARACTERS = 20_000
"""A full screen of each of 200 lines; a text of one line can be as long as a value."""
_BYTES = 64


def preview(payload: Payload, *, key: str) -> str:
    """Return a value as people can read it in a terminal: a part of it, if it is long.

    Args:
        payload: the encoded value, which is not compressed.
        key: of the value, for messages.

    Raises:
        DecodeError: the value is damaged, or a library or a registered type is missing here.
    """
    if payload.kind == "json":  # not decoded: the app's own classes are unknown here
        return _shortened(json.dumps(json.loads(payload.body), ensure_ascii=False, indent=2))
    value = codecs.decode(payload, key=key)
    return _shortened(_SHOWN.get(payload.kind, _other)(value))


def _shortened(text: str) -> str:
    lines = text.split("\n")
    shown = "\n".join(lines[:_LINES])
    if len(shown) > _CHARACTERS:
        more = len(text) - _CHARACTERS
        return f"{shown[:_CHARACTERS]}\n… and {more:,} more characters"
    if len(lines) <= _LINES:
        return text
    return "\n".join([*lines[:_LINES], f"… and {len(lines) - _LINES:,} more lines"])


def _frame(value: Any) -> str:
    rows, columns = value.shape
    text = value.to_string(max_rows=_ROWS, max_cols=_COLUMNS, line_width=_WIDTH)
    return f"{rows:,} rows × {columns:,} columns\n\n{text}"


def _series(value: Any) -> str:
    return f"{len(value):,} values of {value.dtype}\n\n{value.to_string(max_rows=_ROWS)}"


def _array(value: Any) -> str:
    shape = " × ".join(f"{length:,}" for length in value.shape) or "a single value"
    return f"{type(value).__name__} of {value.dtype}, {shape}\n\n{value}"


def _image(value: Any) -> str:
    width, height = value.size
    return f"An image, {width:,} × {height:,} pixels, mode {value.mode}"


def _file(value: Any) -> str:
    return f"The file {value.name!r}, {value.type or 'without a type'}, {size(value.size)}"


def _bytes(value: bytes) -> str:
    more = f"\n… and {size(len(value) - _BYTES)} more" if len(value) > _BYTES else ""
    return f"{size(len(value))}\n\n{value[:_BYTES].hex(' ')}{more}"


def _buffer(value: Any) -> str:
    return _bytes(value.getvalue())


def _text(value: Any) -> str:
    return str(value.getvalue())


def _table(value: Any) -> str:
    rows, columns = value.num_rows, value.num_columns
    text = value.slice(0, _ROWS).to_pandas().to_string(max_cols=_COLUMNS, line_width=_WIDTH)
    return f"{rows:,} rows × {columns:,} columns\n\n{text}"


def _other(value: Any) -> str:
    name = f"{type(value).__module__}.{type(value).__qualname__}"
    return f"A value of {name}\n\n{value!r}"


_SHOWN: Final[dict[str, Callable[[Any], str]]] = {
    "pandas.frame": _frame,
    "geopandas.frame": _frame,
    "pandas.series": _series,
    "numpy.array": _array,
    "numpy.masked": _array,
    "PIL.image": _image,
    "file": _file,
    "bytes": _bytes,
    "io.BytesIO": _buffer,
    "io.StringIO": _text,
    "pyarrow.table": _table,
    "pyarrow.batch": _table,
}
"""By kind: what a preview shows. Of others it shows what Python prints of them."""
