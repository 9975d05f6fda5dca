"""Geometries, alone and in frames, come back as they were."""

from __future__ import annotations

import struct
import warnings

import numpy as np
import pandas as pd
import pytest
from fingerprint import fingerprint
from hypothesis import given
from hypothesis import strategies as st
from libraries import gpd, only_with, pyproj, shapely
from own_types import Point
from strategies import places

from streamlit_pgstate.codecs import Payload, decode, encode, plain
from streamlit_pgstate.errors import DecodeError, UnsupportedType

EMPTY = ("POINT", "LINESTRING", "LINEARRING", "POLYGON")
TEXTS = (
    *(" ".join((kind, *letters, "EMPTY")) for kind in EMPTY for letters in ((), "Z", "M", ["ZM"])),
    "POINT (1 2)", "POINT (0.1 -0.0)", "POINT Z (1 2 3)", "POINT M (1 2 3)", "POINT ZM (1 2 3 4)",
    "POINT (1 nan)", "POINT Z (1 2 nan)", "POINT (1e-320 inf)",
    "LINESTRING (0 0, 1 1)", "LINESTRING ZM (0 0 1 2, 1 1 3 4)", "LINESTRING (nan nan, 1 1)",
    "LINEARRING (0 0, 1 0, 1 1, 0 0)", "LINEARRING Z (0 0 1, 1 0 2, 1 1 3, 0 0 1)",
    "LINEARRING M (0 0 1, 1 0 2, 1 1 3, 0 0 1)",
    "LINEARRING ZM (0 0 1 0.1, 1 0 2 nan, 1 1 3 1e-300, 0 0 1 0.1)",
    "POLYGON ((0 0, 1 0, 1 1, 0 0))", "POLYGON ((0 0, 9 0, 9 9, 0 0), (1 1, 2 1, 2 2, 1 1))",
    "POLYGON Z ((0 0 1, 1 0 1, 1 1 1, 0 0 1))",
    "MULTIPOINT EMPTY", "MULTIPOINT (EMPTY)", "MULTIPOINT (0 0, 1 1)", "MULTIPOINT Z (0 0 5)",
    "MULTILINESTRING ((0 0, 1 1), EMPTY)", "MULTIPOLYGON (((0 0, 1 0, 1 1, 0 0)), EMPTY)",
    "GEOMETRYCOLLECTION EMPTY", "GEOMETRYCOLLECTION (POINT (1 2), POINT Z (1 2 3))",
    "GEOMETRYCOLLECTION (GEOMETRYCOLLECTION (MULTIPOINT (0 0)), LINESTRING (0 0, 1 1))",
)  # fmt: skip


def again(value):
    return decode(encode(value, key="k"), key="k")


# --- the values ---------------------------------------------------------------------------


def geometries():
    found = {text: shapely.from_wkt(text) for text in TEXTS}
    found |= {
        f"{text} with an SRID": shapely.set_srid(found[text], 4326)
        for text in ("POINT (1 2)", "LINEARRING (0 0, 1 0, 1 1, 0 0)", "POINT EMPTY")
    }
    large = shapely.Point(0, 0).buffer(1, quad_segs=1000)
    return {
        **found,
        "a large geometry": large,
        "a large geometry in a list": [large, 1],
        "geometries as keys": {found["POINT (1 2)"]: 1, found["POINT EMPTY"]: found["POINT (1 2)"]},
        "a set of geometries": set(map(shapely.Point, range(9), range(9))),
        "an array of geometries": shapely.points(np.arange(6.0).reshape(3, 2)),
        "a column of objects": pd.DataFrame({"a": pd.Series([large, None], dtype=object)}),
        "a registered type": Point(1, large),
    }


def geo_frames():
    points = gpd.GeoSeries.from_xy([1, 2, 3], [4, 5, 6], crs="EPSG:4326", name="p")
    rings = gpd.GeoSeries([shapely.LinearRing([(0, 0), (1, 0), (1, 1)]), None, shapely.Point()])
    frame = gpd.GeoDataFrame(
        {"a": [1, 2, 3], "ring": rings, "b": list("xyz")}, geometry=points, index=[5, 6, 7]
    )
    other = gpd.GeoDataFrame({"n": [1.5], "g": gpd.GeoSeries([shapely.Point(1, 2)], crs=3857)})
    two = frame.assign(q=points.to_crs(3857).values)
    noted = frame.copy()
    noted.attrs = {"source": np.arange(2)}
    repeated = pd.concat(
        [frame[["a", "geometry"]], frame[["b"]].rename(columns={"b": "a"})], axis=1
    )
    levels = frame[["a", "geometry"]].copy()
    levels.columns = pd.MultiIndex.from_tuples([("x", 1), ("y", 2)], names=["u", "v"])
    lost = frame.copy()
    lost._geometry_column_name = "is gone"
    utm = pyproj.CRS("+proj=utm +zone=33 +ellps=intl +towgs84=1,2,3")
    return {
        "GeoDataFrame": frame,
        "GeoDataFrame, another active geometry": other.set_geometry("g"),
        "GeoDataFrame, two geometries": two.set_geometry("q"),
        "GeoDataFrame without an active geometry": other,
        "GeoDataFrame whose active geometry is gone": lost,
        "GeoDataFrame without geometries": gpd.GeoDataFrame({"a": [1]}),
        "GeoDataFrame, empty": gpd.GeoDataFrame(),
        "GeoDataFrame without rows": frame.iloc[:0],
        "GeoDataFrame with attrs": noted,
        "GeoDataFrame with flags": frame.set_flags(allows_duplicate_labels=False),
        "GeoDataFrame with repeated labels": repeated,
        "GeoDataFrame with labels in levels": levels.set_geometry(("y", 2)),
        "GeoDataFrame in levels": frame.set_index(["a", "b"]),
        "GeoDataFrame, filtered": frame[frame["a"] > 1],
        "GeoSeries": points,
        "GeoSeries without a system": rings,
        "GeoSeries, empty": gpd.GeoSeries([]),
        "GeoSeries with a name of pandas": gpd.GeoSeries([None], name=pd.Timestamp(0)),
        "GeoSeries with an SRID": gpd.GeoSeries([shapely.set_srid(shapely.Point(1, 2), 5)]),
        "GeoSeries of a system without a code": gpd.GeoSeries([None], crs=utm),
        "GeometryArray": points.values,
        "a frame in a dict": {"a": [frame, 1], "b": Point(1, points)},
        "a frame in a frame's attrs": _with_attrs(frame),
        "CRS": pyproj.CRS(25832),
        "CRS of two": pyproj.CRS("EPSG:4326+3855"),
        "CRS by its URN": pyproj.CRS("urn:ogc:def:crs:OGC:1.3:CRS84"),
        "CRS in a dict": {"crs": pyproj.CRS("EPSG:4326"), pyproj.CRS("EPSG:3857"): 1},
    }  # fmt: skip


def _with_attrs(frame):
    found = pd.DataFrame({"a": [1]})
    found.attrs = {"frame": frame}
    return found


PLACES = {
    **(geometries() if shapely else {}),
    **(geo_frames() if gpd else {}),
}


# --- tests --------------------------------------------------------------------------------


@only_with(PLACES)
@pytest.mark.parametrize("value", PLACES.values(), ids=PLACES)
def test_what_has_a_place_comes_back_as_it_was(value):
    before = fingerprint(value)
    payload = encode(value, key="k")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = decode(payload, key="k")
    assert fingerprint(found) == before == fingerprint(value)
    assert encode(found, key="k").digest == payload.digest


@only_with(shapely)
@given(places.places() if shapely else st.nothing())
def test_any_value_with_a_place_comes_back_as_it_was(value):
    assert fingerprint(again(value)) == fingerprint(value)


@only_with(shapely)
def test_what_wkb_does_not_keep_is_refused_and_the_advice_works():
    nan = float("nan")
    ring = shapely.LinearRing([(0, 0), (1, 0), (1, 1)])
    for value in (shapely.Point(nan, nan), shapely.MultiPoint([(nan, nan), (1, 2)])):
        with pytest.raises(UnsupportedType, match=r"^'k' → \[1\] is a .* with a point of nan"):
            encode([1, value], key="k")
        assert again(shapely.get_coordinates(value, include_z=True)).shape[1] == 3
    deep = ring
    for _ in range(70):
        deep = shapely.GeometryCollection([deep])
    with pytest.raises(UnsupportedType, match=r"LinearRing.*Keep list\(geometry.geoms\)"):
        encode({"a": shapely.GeometryCollection([ring])}, key="k")
    with pytest.raises(UnsupportedType, match=r"levels deep. Keep geometry.wkb of it"):
        encode({"a": deep}, key="k")
    assert again(deep.wkb) == deep.wkb
    assert again(list(shapely.GeometryCollection([ring]).geoms)) == [ring]


@only_with(shapely)
def test_prepared_geometries_and_trees_are_refused_and_the_advice_works():
    prepared = shapely.prepared.prep(shapely.Point(1, 2))
    tree = shapely.STRtree([shapely.Point(1, 2)])
    with pytest.raises(UnsupportedType, match=r"Keep `value\.context`"):
        encode(prepared, key="k")
    with pytest.raises(UnsupportedType, match=r"Keep `value\.geometries`"):
        encode(tree, key="k")
    assert again([prepared.context, *tree.geometries]) == [shapely.Point(1, 2)] * 2


@only_with(gpd)
def test_a_column_of_geometries_in_a_plain_frame_is_refused_and_the_advice_works():
    frame = pd.DataFrame(PLACES["GeoDataFrame"])
    with pytest.raises(
        UnsupportedType, match=r"column 'ring' is of the dtype geometry.*\(object\)"
    ):
        encode(frame, key="k")
    kept = frame.astype({"ring": object, "geometry": object})
    assert fingerprint(again(kept)) == fingerprint(kept)


@only_with(gpd)
def test_what_a_geo_frame_holds_beside_is_refused_with_its_column():
    frame = PLACES["GeoDataFrame"].assign(a=[print, 1, 2])
    with pytest.raises(UnsupportedType, match=r"^'k' → column 'a' → \[0\] is a"):
        encode(frame, key="k")
    nan = gpd.GeoDataFrame(geometry=[None, shapely.Point(float("nan"), float("nan"))])
    with pytest.raises(UnsupportedType, match=r"^'k' → column 'geometry' → \[1\] is a .*of nan"):
        encode(nan, key="k")


# --- damage -------------------------------------------------------------------------------


def wkb(kind, *counts, srid=None, order=1):
    head = struct.pack("<BI", order, kind | (0 if srid is None else 0x20000000))
    return head + b"".join(struct.pack("<I", count) for count in counts)


POINT = struct.pack("<BIdd", 1, 1, 1.0, 2.0)

DAMAGED = {
    "nothing": b"",
    "half a header": POINT[:3],
    "half a point": POINT[:-1],
    "more than a point": wkb(4, 1) + POINT + b"\0",
    "another byte order": b"\0" + POINT[1:],
    "a kind of curves": wkb(8, 0),
    "an unknown kind": wkb(99, 0),
    "a ring of two points": wkb(3, 1, 2) + bytes(32),
    "a polygon in a collection of points": wkb(4, 1) + wkb(3, 0),
    "a collection in a collection of points": wkb(4, 1) + wkb(4, 0),
    "an SRID in a collection": wkb(7, 1) + wkb(7, 7, 0, srid=7),
    "many points": wkb(2, 2**32 - 1) + bytes(160),
    "many rings": wkb(3, 2**32 - 1) + bytes(160),
    "many parts": wkb(7, 2**32 - 1) + wkb(7, 0) * 9,
    "very many levels": wkb(7, 1) * 100_000 + wkb(7, 0),
    "very many levels of points": wkb(4, 1) * 100_000 + POINT,
}


@only_with(shapely)
@pytest.mark.parametrize("body", DAMAGED.values(), ids=DAMAGED)
def test_damaged_wkb_is_a_decode_error(body):
    for name in ("Point", "LinearRing", "GeometryCollection"):
        text = plain.dump([name, body])
        with pytest.raises(DecodeError):
            decode(Payload("json", b'{"$shapely": %s}' % text), key="k")


@only_with(shapely)
@pytest.mark.parametrize("content", ["5", "[]", '["Point", 5]', '["Point", {"$bytearray": ""}]'])
def test_a_damaged_marker_of_a_geometry_is_a_decode_error(content):
    with pytest.raises(DecodeError):
        decode(Payload("json", f'{{"$shapely": {content}}}'.encode()), key="k")


@only_with(pyproj)
@pytest.mark.parametrize(
    "text",
    ["+init=/etc/hosts:key", "init=epsg:4326",
     "+proj=longlat +nadgrids=x.gsb", "+proj=tinshift +file=x",
     "EPSG:0", "{}", "", "WGS84", "/etc/hosts", "GEOGCRS[" * 50_000 + "]", "GEOGCRS[]",
     "EPSG:4326\0"],
)  # fmt: skip
def test_a_system_is_made_of_nothing_but_a_code_or_wkt(text):
    with pytest.raises(DecodeError):
        decode(Payload("json", plain.dump({"a": {"b": text}}).replace(b'"b"', b'"$crs"')), key="k")


@only_with(gpd)
def test_attributes_of_the_user_come_back_with_a_geo_frame_and_a_geo_series():
    for value in (PLACES["GeoDataFrame"].copy(), PLACES["GeoDataFrame"].geometry.copy()):
        object.__setattr__(value, "note", ["measured twice"])
        assert again({"a": value})["a"].note == ["measured twice"]
