"""GeoDataFrames, GeoSeries and arrays of geometries: a body of pandas, with WKB for geometries.

What lies inside is a body of kind ``pandas.frame`` or ``pandas.series``, in which each column of
geometries is an Arrow column of bytes. The header says which columns these are, the system of each,
and which column is the active one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from . import frame, sections, series
from .crs import dump_crs, load_crs
from .geometry import dump_wkb, load_wkb, rings_of
from .own_attributes import own_attributes, set_own_attributes
from .payload import Body, Codec, DamagedError, RefusedError, UnreadableError
from .refusals import shown

__all__ = ["CODECS"]

_SERIES = series.CODECS["pandas.series"]

Spec = dict[str, Any]


def _dump_frame(value: Any) -> bytes:
    bare: Any = pd.DataFrame(value)
    bare.attrs, labels = value.attrs, value.columns
    bare.columns = pd.RangeIndex(len(labels))
    specs = []
    for place, dtype in enumerate(value.dtypes):
        if not _is_geometry(dtype):
            continue
        array = value.iloc[:, place].array
        try:
            specs.append({"at": place, **_spec(array)})
            bare.isetitem(place, _as_bytes(array))
        except RefusedError as refused:
            raise refused.inside(f"column {shown(labels[place])}") from None
    bare.columns = labels
    bare.flags.allows_duplicate_labels = value.flags.allows_duplicate_labels
    set_own_attributes(bare, own_attributes(value))
    active = value._geometry_column_name
    return sections.join({"geometries": specs, "active": active}, [frame.dump(bare)])


def _load_frame(body: Body) -> Any:
    geopandas = _geopandas()
    header, (inner,) = sections.split(body)
    found = frame.load(inner)
    flag = found.flags.allows_duplicate_labels
    labels, found.columns = found.columns, pd.RangeIndex(len(found.columns))
    for spec in header["geometries"]:
        if type(spec["at"]) is not int or not 0 <= spec["at"] < len(labels):
            raise DamagedError("geometries in a column that is not there")
        found.isetitem(spec["at"], _load(geopandas, found.iloc[:, spec["at"]], spec))
    found.columns = labels
    found.flags.allows_duplicate_labels = flag
    # Not GeoDataFrame(…), which looks for a column of the name "geometry".
    found.__class__ = geopandas.GeoDataFrame
    found._geometry_column_name = header["active"]
    return found


def _dump_series(value: Any) -> bytes:
    bare: Any = pd.Series(_as_bytes(value.array), value.index, name=value.name, copy=False)
    bare.attrs = value.attrs
    bare.flags.allows_duplicate_labels = value.flags.allows_duplicate_labels
    set_own_attributes(bare, own_attributes(value))
    return sections.join({"geometries": _spec(value.array)}, [_SERIES.dump(bare)])


def _load_series(body: Body) -> Any:
    geopandas = _geopandas()
    header, (inner,) = sections.split(body)
    bare = _SERIES.load(inner)
    array = _load(geopandas, bare, header["geometries"])
    found = geopandas.GeoSeries(array, bare.index, name=bare.name)
    found.attrs = bare.attrs
    set_own_attributes(found, own_attributes(bare))
    found.flags.allows_duplicate_labels = bare.flags.allows_duplicate_labels
    return found


def _dump_array(value: Any) -> bytes:
    return sections.join({"geometries": _spec(value)}, [_SERIES.dump(pd.Series(_as_bytes(value)))])


def _load_array(body: Body) -> Any:
    header, (inner,) = sections.split(body)
    return _load(_geopandas(), _SERIES.load(inner), header["geometries"])


def _is_geometry(dtype: Any) -> bool:
    return type(dtype).__module__ == "geopandas.array"


def _spec(array: Any) -> Spec:
    spec: Spec = {"crs": None if array.crs is None else dump_crs(array.crs)}
    if rings := rings_of(np.asarray(array, object)):
        spec["rings"] = rings
    return spec


def _as_bytes(array: Any) -> Any:
    written = dump_wkb(np.asarray(array, object))
    return pd.arrays.ArrowExtensionArray(pa.array(written, pa.large_binary()))


def _load(geopandas: Any, column: Any, spec: Spec) -> Any:
    stored = pa.array(column.array)
    if isinstance(stored, pa.ChunkedArray):
        stored = stored.combine_chunks()
    if stored.type != pa.large_binary():
        raise DamagedError("geometries that are not bytes")
    found = load_wkb(stored.to_numpy(zero_copy_only=False), spec.get("rings", []))
    crs = None if spec["crs"] is None else load_crs(spec["crs"])
    return geopandas.array.GeometryArray(found, crs)


def _geopandas() -> Any:
    try:
        import geopandas
    except ImportError:
        raise UnreadableError("and needs geopandas: pip install geopandas") from None
    return geopandas


CODECS = {
    "geopandas.frame": Codec(_dump_frame, _load_frame),
    "geopandas.series": Codec(_dump_series, _load_series),
    "geopandas.array": Codec(_dump_array, _load_array),
}
