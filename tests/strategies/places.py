"""Geometries of shapely, and the frames, Series and arrays of geopandas."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import strategies as st
from libraries import gpd, shapely

from strategies import frames
from strategies.once import once


def _numbers():
    return st.floats(allow_nan=False) | st.floats(-180, 180, width=32)


def _dimensions():
    return st.sampled_from(["", "Z", "M", "ZM"])


def _text(kind, letters, body):
    return f"{kind} {letters} {body}"


def _position(numbers):
    return " ".join(map(repr, numbers))


@st.composite
def _positions(draw, letters, least):
    size = 2 + len(letters)
    found = draw(st.lists(st.lists(_numbers(), min_size=size, max_size=size), max_size=5))
    return found if len(found) >= least else []


@st.composite
def _simple(draw):
    letters = draw(_dimensions())
    kind = draw(st.sampled_from(["POINT", "LINESTRING", "LINEARRING", "POLYGON"]))
    positions = draw(_positions(letters, {"POINT": 1, "LINESTRING": 2}.get(kind, 3)))
    if not positions:
        return shapely.from_wkt(_text(kind, letters, "EMPTY"))
    if kind == "POINT":
        positions = positions[:1]
    if kind in ("LINEARRING", "POLYGON"):
        positions = [*positions, positions[0]]
    body = f"({', '.join(map(_position, positions))})"
    return shapely.from_wkt(_text(kind, letters, f"({body})" if kind == "POLYGON" else body))


def _several(inner):
    """Collections, of one class where they can be, without rings, which they cannot keep."""
    parts = st.lists(inner.filter(lambda part: part.geom_type != "LinearRing"), max_size=3)
    return parts.map(_collected)


def _collected(parts):
    classes = {type(part).__name__ for part in parts}
    is_simple = classes < {"Point", "LineString", "Polygon"}
    if len(classes) == 1 and is_simple and not any(part.is_empty for part in parts):
        return getattr(shapely, f"Multi{classes.pop()}")(parts)
    return shapely.GeometryCollection(parts)


@once
def geometries():
    found = st.recursive(_simple(), _several, max_leaves=4)
    numbered = st.builds(shapely.set_srid, found, st.sampled_from([0, 4326, 2**31 - 1]))
    return found | numbered


_SYSTEMS = (None, "EPSG:4326", "EPSG:25832", "OGC:CRS84", "+proj=utm +zone=33 +ellps=intl")


@st.composite
def geo_arrays(draw, size=None):
    size = draw(st.integers(0, 3)) if size is None else size
    found = np.empty(size, object)
    found[:] = draw(st.lists(st.none() | geometries(), min_size=size, max_size=size))
    return gpd.array.GeometryArray(found, draw(st.sampled_from(_SYSTEMS)))


@st.composite
def geo_series(draw):
    array = draw(geo_arrays())
    index = draw(frames.indexes(len(array)))
    found = gpd.GeoSeries(array, index, name=draw(frames.names()))
    found.attrs = draw(st.sampled_from([{}, {"unit": "m"}]))
    return found


@st.composite
def geo_frames(draw):
    size = draw(st.integers(0, 3))
    other = pd.Series(draw(st.lists(st.floats(), min_size=size, max_size=size)), dtype=float)
    columns = {"a": other, "g": draw(geo_arrays(size=size)), "h": draw(geo_arrays(size=size))}
    order = draw(st.permutations(sorted(columns)))
    found = gpd.GeoDataFrame({name: columns[name] for name in order})
    found.index = draw(frames.indexes(size))
    active = draw(st.sampled_from([None, "g", "h"]))
    found = found if active is None else found.set_geometry(active)
    found.attrs = draw(st.sampled_from([{}, {"unit": "m"}]))
    return found


@once
def places():
    library = st.one_of(geo_arrays(), geo_series(), geo_frames()) if gpd else st.nothing()
    return geometries() | library
