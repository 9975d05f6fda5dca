"""The ``attrs`` of frames and Series: in the header if plain, else as a bundle in a buffer."""

from __future__ import annotations

from typing import Any

from . import bundle
from .arrow import BufferReader, BufferWriter
from .own_attributes import own_attributes, set_own_attributes
from .payload import DamagedError, RefusedError

__all__ = ["dump_attrs", "load_attrs"]

Header = dict[str, Any]


def dump_attrs(data: Any, out: BufferWriter) -> Header:
    """Write the attrs of a frame or a Series, and attributes of the user's own, for the header.

    Raises:
        RefusedError: something in them cannot be kept exactly.
    """
    attrs = _dump("attrs", data.attrs, out)
    own = own_attributes(data)
    if not own:
        return attrs
    out.format = 2
    return {**attrs, **_dump("own", own, out)}


def _dump(name: str, values: dict[Any, Any], out: BufferWriter) -> Header:
    try:
        kind, body = bundle.write(values) if values else ("json", b"")
    except RefusedError as refused:
        raise refused.inside(repr(name)) from None
    return {name: values} if kind == "json" else {f"{name}_at": out.add_bytes(body)}


def load_attrs(data: Any, header: Header, buffers: BufferReader) -> None:
    """Set what `dump_attrs` wrote.

    Raises:
        DamagedError: it is not a dict, or its bundle is damaged.
    """
    data.attrs = _load("attrs", header, buffers)
    if "own" in header or "own_at" in header:
        set_own_attributes(data, _load("own", header, buffers))


def _load(name: str, header: Header, buffers: BufferReader) -> dict[Any, Any]:
    if f"{name}_at" in header:
        values = bundle.read("bundle", buffers.get_bytes(header[f"{name}_at"]))
    else:
        values = header[name]
    if type(values) is not dict:
        raise DamagedError("attrs that are not a dict")
    return values
