"""A value on the page: a frame as a table, an image as an image, a figure as a chart.

What a visitor has entered is drawn as text, never as Markdown or HTML: it could show an operator
links and images of others.
"""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable
from typing import Any, Final

import streamlit as st

from streamlit_pgstate import codecs
from streamlit_pgstate.codecs import Payload, kinds
from streamlit_pgstate.codecs.file import StoredFile
from streamlit_pgstate.errors import DecodeError
from streamlit_pgstate.page.inspection.amounts import count, size

_LOG = logging.getLogger(__name__)

READ_UNASKED: Final = 2**20
"""Bytes. What is larger is read when the operator asks for it."""

_ROWS: Final = 1_000
_LINES: Final = 400
_LETTERS: Final = 20_000
_BYTES: Final = 256
_ITEMS: Final = 10
_PIXELS: Final = 1_200
_FORMATS: Final = ("PNG", "JPEG", "GIF", "WEBP", "BMP")
"""Of uploaded files that are drawn. Pillow would run another program for some formats."""
_PICTURES: Final = frozenset(f"image/{name.lower()}" for name in _FORMATS)


def draw(payload: Payload, *, key: str) -> None:
    """Draw a preview of a value: the first part of one that is long.

    Args:
        payload: the encoded value, as it is stored.
        key: of the value, for messages.

    Raises:
        DecodeError: the value is damaged, or a library or a registered type is missing here.
    """
    payload = codecs.unpacked(payload, key=key)
    if payload.kind == "json":  # not decoded: the app's own classes may be unknown here
        _json(payload.body, key)
        return
    value = codecs.decode(payload, key=key)
    try:
        if payload.kind == "bundle":
            _container(value)
        else:
            _DRAWN.get(payload.kind, _other)(value)
    except Exception as error:  # noqa: BLE001 - what a library cannot draw is not damaged
        _LOG.debug("%r cannot be drawn: %r", key, error)
        st.info(f"This value has no preview: {type(error).__name__}.")


def _json(body: bytes, key: str) -> None:
    try:
        tree = json.loads(body)
        if isinstance(tree, str):
            _text(tree)
        else:
            _text(json.dumps(tree, ensure_ascii=False, indent=2), language="json")
    except (ValueError, RecursionError):
        raise DecodeError(f"{key!r} is damaged: it holds no JSON text.") from None


def _text(text: str, language: str | None = None) -> None:
    lines = text[: _LETTERS + 1].split("\n")
    shown = "\n".join(lines[:_LINES])[:_LETTERS]
    st.code(shown or " ", language=language, wrap_lines=True)
    if len(shown) < len(text):
        st.caption(f"The first {len(shown):,} of {len(text):,} characters.")


def _shape(rows: int, columns: int | None, noun: str = "row") -> None:
    wide = "" if columns is None else f" × {count(columns, 'column')}"
    first = f", the first {_ROWS:,} of them" if rows > _ROWS else ""
    st.caption(f"{count(rows, noun)}{wide}{first}")


def _frame(value: Any) -> None:
    st.dataframe(value.head(_ROWS))
    _shape(*value.shape)


def _geo(value: Any) -> None:
    _frame(value.head(_ROWS).to_wkt() if value.ndim == 2 else value.to_wkt().to_frame())


def _series(value: Any) -> None:
    import pandas as pd

    whole = pd.Series(value)
    st.dataframe(whole.head(_ROWS).to_frame())
    _shape(len(whole), None, f"value of {whole.dtype}")


def _polars_series(value: Any) -> None:
    _frame(value.to_frame())


def _array(value: Any) -> None:
    st.caption(f"{type(value).__name__} of {value.dtype}, {' × '.join(map(str, value.shape))}")
    if value.ndim in {1, 2} and value.dtype.names is None and value.size:
        st.dataframe(value[:_ROWS])
    else:
        _text(str(value))


def _arrow(value: Any) -> None:
    st.dataframe(value.slice(0, _ROWS).to_pandas())
    _shape(value.num_rows, value.num_columns)


def _image(value: Any) -> None:
    width, height = value.size
    shown = value.copy()
    shown.thumbnail((_PIXELS, _PIXELS))
    if shown.mode not in {"RGB", "RGBA", "L"}:
        shown = shown.convert("RGBA" if "transparency" in shown.info else "RGB")
    st.image(shown)
    st.caption(f"{width:,} × {height:,} pixels, mode {value.mode}")


def _plotly(value: Any) -> None:
    st.plotly_chart(value)


def _altair(value: Any) -> None:
    st.altair_chart(value)


def _file(value: StoredFile) -> None:
    st.text(f"{value.name} · {value.type or 'without a type'} · {size(value.size)}")
    content = value.getvalue()
    if value.type in _PICTURES:
        from PIL import Image

        _image(Image.open(io.BytesIO(content), formats=_FORMATS))
    elif value.type.startswith("text/"):
        _text(content[: 4 * _LETTERS].decode("utf-8", "replace"))
    else:
        _bytes(content)


def _bytes(value: bytes) -> None:
    lines = [value[at : at + 16] for at in range(0, min(len(value), _BYTES), 16)]
    st.code(
        "\n".join(f"{line.hex(' '):<47}  {_readable(line)}" for line in lines) or " ",
        language=None,
    )
    first = f"The first {_BYTES} of " if len(value) > _BYTES else ""
    st.caption(f"{first}{count(len(value), 'byte')}")


def _readable(line: bytes) -> str:
    return "".join(chr(byte) if 32 <= byte < 127 else "." for byte in line)


def _container(value: Any) -> None:
    """A container that holds frames, files or images beside plain values."""
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list | tuple):
        items = list(enumerate(value))
    else:
        _other(value)
        return
    for name, item in items[:_ITEMS]:
        st.text(f"[{name!r}]")
        kind = kinds.kind_of(type(item))
        _DRAWN.get(kind or "", _other)(item)
    if len(items) > _ITEMS:
        st.caption(f"The first {_ITEMS} of {len(items):,} items.")


def _other(value: Any) -> None:
    _text(repr(value))


_DRAWN: Final[dict[str, Callable[[Any], None]]] = {
    "pandas.frame": _frame,
    "pandas.series": _series,
    "pandas.index": _series,
    "pandas.array": _series,
    "geopandas.frame": _geo,
    "geopandas.series": _geo,
    "numpy.array": _array,
    "numpy.masked": _array,
    "polars.frame": _frame,
    "polars.series": _polars_series,
    "pyarrow.table": _arrow,
    "pyarrow.batch": _arrow,
    "PIL.image": _image,
    "plotly.figure": _plotly,
    "altair.chart": _altair,
    "file": _file,
    "bytes": _bytes,
    "io.BytesIO": lambda value: _bytes(value.getvalue()),
    "io.StringIO": lambda value: _text(value.getvalue()),
}
"""By kind: how a value is drawn. Of others the page shows what Python prints of them."""
