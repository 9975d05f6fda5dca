"""Coordinate reference systems of pyproj: as the code of an authority, or as WKT.

Other texts that pyproj accepts are never given to it when a row is read: ``+init=/a/file:name``
would open a file, and its JSON may be nested without a limit.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from .payload import DamagedError, RefusedError, UnreadableError

__all__ = ["dump", "dump_crs", "is_kept", "load", "load_crs"]

# "EPSG:4326", "EPSG:4326+3855", "urn:ogc:def:crs:OGC:1.3:CRS84"
_CODE = re.compile(r"(?!init)[A-Za-z]\w{1,30}:[\w.+:-]{1,80}", re.ASCII)
_WKT = re.compile(r"[A-Z]{3,30}\[.*\]", re.DOTALL)
_LONGEST = 1 << 16  # characters. The longest of PROJ's 14,000 systems has 25,000.


def dump(value: Any, tree: Callable[[object], Any]) -> dict[str, Any] | None:
    """Return the marker ``{"$crs": "EPSG:4326"}`` of a system; None if the value is none.

    Raises:
        RefusedError: pyproj does not make the same system again.
    """
    return {"$crs": dump_crs(value)} if is_kept(type(value)) else None


def is_kept(cls: type) -> bool:
    """Whether `dump` accepts values of exactly this class."""
    return getattr(sys.modules.get("pyproj"), "CRS", None) is cls


def load(content: Any) -> Any:
    """Read the content of a marker that `dump` made.

    Raises:
        DamagedError: it is not a text that `dump` writes. pyproj may raise other errors.
        UnreadableError: pyproj is missing.
    """
    return load_crs(content)


def dump_crs(crs: Any) -> str:
    """Write a system as text.

    Raises:
        RefusedError: pyproj does not make the same system again.
    """
    for text in (crs.srs, crs.to_wkt()):
        if _is_safe(text) and load_crs(text) == crs:
            return str(text)
    raise RefusedError(
        "of a coordinate reference system that pyproj cannot write as WKT. Use one of an "
        "authority, such as frame.to_crs('EPSG:4326')"
    )


def load_crs(text: Any) -> Any:
    """Read a text that `dump_crs` wrote.

    Raises:
        DamagedError: it is not such a text. pyproj may raise other errors.
        UnreadableError: pyproj is missing.
    """
    if type(text) is not str or not _is_safe(text):
        raise DamagedError("a coordinate reference system that is neither a code nor WKT")
    return _made(text)


def _is_safe(text: str) -> bool:
    is_known = bool(_CODE.fullmatch(text) or _WKT.fullmatch(text))
    return is_known and len(text) <= _LONGEST and "\0" not in text


@lru_cache(16)  # frames of one app have the same few; to make one takes 0.1 to 1 ms
def _made(text: str) -> Any:
    try:
        from pyproj import CRS
    except ImportError:
        raise UnreadableError("and needs pyproj: pip install pyproj") from None
    return CRS(text)
