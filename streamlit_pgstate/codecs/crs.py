"""Coordinate reference systems of pyproj: as the code of an authority, as PROJ text, or as WKT.

Other texts that pyproj accepts are never given to it when a row is read: ``+init=/a/file:name``
and grids would open files, and its JSON may be nested without a limit.
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
_PROJ = re.compile(r"(?:\+(\w+)(?:=([\w.,:+-]+|@null))?(?: |$))+", re.ASCII)
_PROJ_PART = re.compile(r"\+(\w+)(?:=(\S+))?", re.ASCII)
_WKT = re.compile(r"[A-Z]{3,30}\[.*\]", re.DOTALL)
_LONGEST = 1 << 16  # characters. The longest of PROJ's 14,000 systems has 25,000.

# What PROJ text may say. Not `init`, `file`, `model`, and grids other than none.
_PROJ_NAMES = frozenset(
    {
        *("proj", "type", "no_defs", "wktext", "units", "to_meter", "vunits", "vto_meter"),
        *("zone", "south", "lat_0", "lat_1", "lat_2", "lat_ts", "lon_0", "lon_1", "lon_2", "lonc"),
        *("x_0", "y_0", "z_0", "k", "k_0", "alpha", "gamma", "h", "sweep", "lon_wrap", "over"),
        *("datum", "ellps", "a", "b", "f", "rf", "R", "es", "towgs84", "pm", "axis", "nadgrids"),
        *("no_off", "no_uoff", "no_rot", "o_proj", "o_lat_p", "o_lon_p", "n", "m", "geoc"),
    }
)


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
    wkt = crs.to_wkt()
    for text in (crs.srs, wkt):
        if _is_safe(text) and (again := load_crs(text)) == crs and again.to_wkt() == wkt:
            return str(text)
    raise RefusedError(
        "of a coordinate reference system that pyproj does not make again from its text. "
        "Keep frame.to_crs('EPSG:4326') instead, or its crs.to_json()"
    )


def load_crs(text: Any) -> Any:
    """Read a text that `dump_crs` wrote.

    Raises:
        DamagedError: it is not such a text. pyproj may raise other errors.
        UnreadableError: pyproj is missing.
    """
    if type(text) is not str or not _is_safe(text):
        raise DamagedError("a coordinate reference system of a text that is not kept")
    return _made(text)


def _is_safe(text: str) -> bool:
    if len(text) > _LONGEST or "\0" in text:
        return False
    return bool(_CODE.fullmatch(text) or _WKT.fullmatch(text)) or _is_safe_proj(text)


def _is_safe_proj(text: str) -> bool:
    if not _PROJ.fullmatch(text):
        return False
    parts = _PROJ_PART.findall(text)
    return all(name in _PROJ_NAMES and (name != "nadgrids" or of == "@null") for name, of in parts)


@lru_cache(16)  # frames of one app have the same few; to make one takes 0.1 to 1 ms
def _made(text: str) -> Any:
    try:
        from pyproj import CRS
    except ImportError:
        raise UnreadableError("and needs pyproj: pip install pyproj") from None
    return CRS(text)
