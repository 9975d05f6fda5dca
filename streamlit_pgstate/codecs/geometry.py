"""Shapely's geometries, as WKB with Z, M and SRID: ``{"$shapely": ["Point", {"$bytes": "…"}]}``.

WKB does not tell a `LinearRing` from a `LineString`, so the class is written, too. GEOS, which
reads WKB, recurses into collections without a limit and would end the process. `check_wkb` looks
at the structure before.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .payload import DamagedError, RefusedError, UnreadableError
from .refusals import class_name

__all__ = ["check_wkb", "dump", "dump_wkb", "is_kept", "load", "load_wkb", "rings_of"]

# Before 2.1, shapely has no `equals_identical`, and loses M. Before 3.12, GEOS has neither.
_LOWEST = (2, 1)
_LOWEST_GEOS = (3, 12)

# A collection in a collection, and so on. Shapely itself needs some stack for each level.
_MAX_DEPTH = 64

_Z, _M, _SRID = 0x80000000, 0x40000000, 0x20000000
_POINT, _LINE, _POLYGON, _COLLECTION = 1, 2, 3, 7
_RING = 2  # shapely's number of the class, not that of WKB

_CLASSES = (
    *("Point", "LineString", "LinearRing", "Polygon"),
    *("MultiPoint", "MultiLineString", "MultiPolygon", "GeometryCollection"),
)

# The headers of geometries in which nothing can be wrong but the size, which GEOS checks. To see
# that a geometry is one of these takes 0.1 µs, and to check it takes 2 µs.
_FLAT = frozenset(
    struct.pack("<BI", 1, kind | flags)
    for kind in (_POINT, _LINE)
    for flags in (0, _Z, _M, _Z | _M)
)

_Tree = Callable[[object], Any]


def dump(value: Any, tree: _Tree) -> dict[str, Any] | None:
    """Return the marker of a geometry; None if the value is none.

    Args:
        value: the value.
        tree: turns a plain value into a tree for the JSON encoder: `plain.tree`.

    Raises:
        RefusedError: WKB does not keep the geometry exactly.
    """
    if not is_kept(type(value)):
        return None
    try:
        (wkb,) = dump_wkb(np.array([value], object))
    except RefusedError as refused:
        refused.steps.clear()
        raise
    return {"$shapely": [type(value).__name__, tree(wkb)]}


def is_kept(cls: type) -> bool:
    """Whether `dump` accepts values of exactly this class."""
    name = cls.__name__
    return name in _CLASSES and getattr(sys.modules.get("shapely"), name, None) is cls


def load(content: Any) -> Any:
    """Read the content of a marker that `dump` made.

    Raises:
        DamagedError: the content is damaged. GEOS may raise other errors.
        UnreadableError: shapely is missing, or too old.
    """
    name, wkb = content
    if type(wkb) is not bytes:
        raise DamagedError("a geometry that is not bytes")
    rings = [0] if name == "LinearRing" else []
    (geometry,) = load_wkb([wkb], rings)
    if type(geometry).__name__ != name:
        raise DamagedError("a geometry of another class than the stated one")
    return geometry


def dump_wkb(geometries: Any) -> Any:
    """Write an array of geometries and None as an array of bytes and None.

    Raises:
        RefusedError: WKB does not keep a geometry exactly.
    """
    import shapely

    if _is_old(shapely):
        raise RefusedError(
            f"a geometry of shapely before {_lowest()}, which cannot write all of it. "
            "Run pip install -U shapely"
        )
    with np.errstate(invalid="ignore"):  # GEOS computes with nan, of which NumPy would warn
        written = shapely.to_wkb(
            geometries, output_dimension=4, byte_order=1, include_srid=True, flavor="extended"
        )
        _check_depths(written)
        again = _read(shapely, written, rings_of(geometries))
        same = shapely.equals_identical(geometries, again) | shapely.is_missing(geometries)
    same &= shapely.get_srid(geometries) == shapely.get_srid(again)
    if not same.all():
        place = int(np.flatnonzero(~same)[0])
        raise RefusedError(_why_not(geometries[place])).inside(f"[{place}]")
    return written


def _check_depths(written: Any) -> None:
    for place, wkb in enumerate(written):
        if wkb is not None and wkb[:5] not in _FLAT and _depth(wkb) > _MAX_DEPTH:
            raise RefusedError(
                f"a collection of geometries over {_MAX_DEPTH} levels deep. "
                "Keep geometry.wkb of it instead"
            ).inside(f"[{place}]")


def _why_not(geometry: Any) -> str:
    import shapely

    name = class_name(type(geometry))
    if np.isnan(shapely.get_coordinates(geometry)).any():
        return (
            f"a {name} with a point of nan, which would come back as an empty one. "
            "Keep shapely.get_coordinates(geometry, include_z=True) of it instead"
        )
    return (
        f"a {name} that holds a LinearRing, which would come back as a LineString. "
        "Keep list(geometry.geoms) of it instead"
    )


def rings_of(geometries: Any) -> list[int]:
    """List the places of an array where there is a `LinearRing`."""
    import shapely

    places: list[int] = np.flatnonzero(shapely.get_type_id(geometries) == _RING).tolist()
    return places


def load_wkb(bodies: Any, rings: list[int]) -> Any:
    """Read what `dump_wkb` wrote, as an array of geometries and None.

    Args:
        bodies: bytes and None.
        rings: what `rings_of` returned.

    Raises:
        DamagedError: a body is damaged. GEOS may raise other errors.
        UnreadableError: shapely is missing, or too old.
    """
    try:
        import shapely
    except ImportError:
        raise UnreadableError("and needs shapely: pip install shapely") from None
    if _is_old(shapely):
        raise UnreadableError(f"and needs shapely from {_lowest()} on: pip install -U shapely")
    for wkb in bodies:
        if wkb is not None and wkb[:5] not in _FLAT:
            check_wkb(wkb)
    if any(type(place) is not int for place in rings):
        raise DamagedError("rings at places that are no numbers")
    found = np.empty(len(bodies), object)
    found[:] = bodies
    with np.errstate(invalid="ignore"):
        return _read(shapely, found, rings)


def _read(shapely: Any, bodies: Any, rings: list[int]) -> Any:
    found = shapely.from_wkb(bodies)
    if rings:
        lines = found[rings]
        ids = shapely.get_srid(lines)
        found[rings] = shapely.set_srid([_ring(shapely, line) for line in lines], ids)
    return found


def _ring(shapely: Any, line: Any) -> Any:
    if line.is_empty:
        return shapely.from_wkt(line.wkt.replace("LINESTRING", "LINEARRING"))
    coordinates = shapely.get_coordinates(line, include_z=line.has_z, include_m=line.has_m)
    if line.has_m:
        return shapely.from_wkt(_ring_text(line, coordinates))
    return shapely.linearrings(coordinates)


def _ring_text(line: Any, coordinates: Any) -> str:
    letters = "ZM" if line.has_z else "M"
    points = ", ".join(" ".join(map(repr, point)) for point in coordinates.tolist())
    return f"LINEARRING {letters} ({points})"


# --- the structure of WKB ----------------------------------------------------------------


def check_wkb(wkb: bytes) -> None:
    """Check that bytes are WKB as `dump_wkb` writes it: its types, its counts and its depth.

    Coordinates are not looked at.

    Raises:
        DamagedError: they are not.
    """
    if _depth(wkb) > _MAX_DEPTH:
        raise DamagedError("a geometry with very many levels")


def _depth(wkb: bytes) -> int:
    """Walk through WKB; returns how many collections are in each other, up to one too many."""
    try:
        return max(_walk(wkb))
    except struct.error:
        raise DamagedError("a geometry that was cut off") from None


def _walk(wkb: bytes) -> Iterator[int]:
    """Yield the depth of each geometry in the bytes."""
    at = 0
    open_levels: list[tuple[int, int]] = []  # (geometries to come, their type or 0 for any)
    while True:
        kind, size, at = _header(wkb, at, is_part=bool(open_levels))
        if open_levels:
            rest, wanted = open_levels.pop()
            if wanted not in (0, kind):
                raise DamagedError("a geometry in a collection of others")
            open_levels.append((rest - 1, wanted))
        if kind > _POLYGON:
            (count,) = struct.unpack_from("<I", wkb, at)
            at += 4
            open_levels.append((count, 0 if kind == _COLLECTION else kind - 3))
        else:
            at = _end(wkb, at, kind, size)
        yield len(open_levels)
        if len(open_levels) > _MAX_DEPTH:
            return
        while open_levels and not open_levels[-1][0]:
            open_levels.pop()
        if not open_levels:
            break
    if at != len(wkb):
        raise DamagedError("a geometry of another length than its bytes")


def _header(wkb: bytes, at: int, *, is_part: bool) -> tuple[int, int, int]:
    """Return the type, the bytes of one position, and where the rest begins."""
    order, code = struct.unpack_from("<BI", wkb, at)
    kind = code & ~(_Z | _M | _SRID)
    if order != 1 or not _POINT <= kind <= _COLLECTION or (is_part and code & _SRID):
        raise DamagedError("a geometry of a kind that is not kept")
    size = 8 * (2 + bool(code & _Z) + bool(code & _M))
    return kind, size, at + (9 if code & _SRID else 5)


def _end(wkb: bytes, at: int, kind: int, size: int) -> int:
    if kind == _POINT:
        return at + size
    (count,) = struct.unpack_from("<I", wkb, at)
    at += 4
    if kind == _LINE:
        return at + int(count) * size
    for _ in range(count):
        (points,) = struct.unpack_from("<I", wkb, at)
        at += 4 + points * size
    return at


def _is_old(shapely: Any) -> bool:
    version = tuple(map(int, shapely.__version__.split(".")[:2]))
    return version < _LOWEST or shapely.geos_version < _LOWEST_GEOS


def _lowest() -> str:
    return ".".join(map(str, _LOWEST))
