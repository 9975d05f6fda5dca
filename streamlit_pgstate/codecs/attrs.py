"""The ``attrs`` of frames and Series: in the header if plain, else as a bundle in a buffer."""

from __future__ import annotations

from typing import Any

from . import bundle
from .arrow import BufferReader, BufferWriter
from .payload import DamagedError, RefusedError

__all__ = ["dump_attrs", "load_attrs"]

Header = dict[str, Any]


def dump_attrs(data: Any, out: BufferWriter) -> Header:
    """Write the attrs of a frame or a Series; returns the fields for the header.

    Raises:
        RefusedError: something in the attrs cannot be kept exactly.
    """
    attrs = data.attrs
    try:
        kind, body = bundle.write(attrs) if attrs else ("json", b"")
    except RefusedError as refused:
        raise refused.inside("'attrs'") from None
    return {"attrs": attrs} if kind == "json" else {"attrs_at": out.add_bytes(body)}


def load_attrs(header: Header, buffers: BufferReader) -> dict[Any, Any]:
    """Read attrs that `dump_attrs` wrote.

    Raises:
        DamagedError: they are not a dict, or their bundle is damaged.
    """
    if "attrs_at" in header:
        attrs = bundle.read("bundle", buffers.get_bytes(header["attrs_at"]))
    else:
        attrs = header["attrs"]
    if type(attrs) is not dict:
        raise DamagedError("attrs that are not a dict")
    return attrs
