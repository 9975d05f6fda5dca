"""Find the kind that stores a class, and the codec of that kind.

Recognising a value imports nothing. If there is a value of a library's class, the library is
loaded already, so `kind_of` compares the class with what `sys.modules` has under its name. A
library that is not installed is therefore not needed until a codec imports it.
"""

from __future__ import annotations

import datetime as dt
import sys
from decimal import Decimal
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any
from uuid import UUID

from .payload import Body, Codec, DamagedError, UnreadableError

__all__ = [
    "CONTAINERS",
    "KINDS",
    "LEAVES",
    "PLAIN",
    "dump",
    "is_kept",
    "is_part",
    "kind_of",
    "load",
    "scalars",
    "scalars_of",
]

CONTAINERS = frozenset({list, tuple, dict, set, frozenset})

LEAVES = frozenset(
    {
        *(type(None), bool, int, float, complex, str, bytes, bytearray, range, Decimal, UUID),
        *(dt.date, dt.time, dt.datetime, dt.timedelta),
    }
)

PLAIN = CONTAINERS | LEAVES
"""The exact types that are written as JSON text; containers only if all that they hold is, too."""

# library: the module of this package that writes its scalars as markers in JSON text
_SCALARS = {
    "numpy": "numpy_scalars",
    "pandas": "pandas_scalars",
    "shapely": "geometry",
    "pyproj": "crs",
    "pydantic": "pydantic_scalars",
    "pydantic_core": "pydantic_scalars",
}

# kind: the module of this package whose CODECS has its codec
_HOMES = {
    "bytes": "file",
    "io.BytesIO": "file",
    "io.StringIO": "file",
    "file": "file",
    "numpy.array": "ndarray",
    "numpy.masked": "ndarray",
    "pandas.frame": "frame",
    "pandas.series": "series",
    "pandas.index": "series",
    "pandas.array": "series",
    "scipy.sparse": "sparse",
    "pyarrow.table": "arrow_table",
    "pyarrow.batch": "arrow_table",
    "pyarrow.array": "arrow_table",
    "pyarrow.chunks": "arrow_table",
    "polars.frame": "polars_frame",
    "polars.series": "polars_frame",
    "PIL.image": "image",
    "plotly.figure": "plotly_figure",
    "altair.chart": "altair_chart",
    "geopandas.frame": "geo_frame",
    "geopandas.series": "geo_frame",
    "geopandas.array": "geo_frame",
}

KINDS = frozenset(_HOMES)
"""All kinds except ``json`` and ``bundle``."""

_INDEXES = (
    *("Index", "RangeIndex", "DatetimeIndex", "TimedeltaIndex", "PeriodIndex"),
    *("IntervalIndex", "CategoricalIndex", "MultiIndex"),
)
_SPARSE = [
    f"{layout}_{shape}"
    for layout in ("bsr", "coo", "csc", "csr", "dia", "dok", "lil")
    for shape in ("array", "matrix")
]

# first part of a class's __module__: {name of the class: (public module that has it, kind)}
_CLASSES: dict[str, dict[str, tuple[str, str]]] = {
    "_io": {"BytesIO": ("io", "io.BytesIO"), "StringIO": ("io", "io.StringIO")},
    "streamlit": {"UploadedFile": ("streamlit.runtime.uploaded_file_manager", "file")},
    "streamlit_pgstate": {"StoredFile": ("streamlit_pgstate.codecs.file", "file")},
    "numpy": {
        "ndarray": ("numpy", "numpy.array"),
        "MaskedArray": ("numpy.ma", "numpy.masked"),
    },
    "pandas": {
        "DataFrame": ("pandas", "pandas.frame"),
        "Series": ("pandas", "pandas.series"),
        **dict.fromkeys(_INDEXES, ("pandas", "pandas.index")),
    },
    "scipy": dict.fromkeys(_SPARSE, ("scipy.sparse", "scipy.sparse")),
    "pyarrow": {
        "Table": ("pyarrow", "pyarrow.table"),
        "RecordBatch": ("pyarrow", "pyarrow.batch"),
        "ChunkedArray": ("pyarrow", "pyarrow.chunks"),
    },
    "polars": {
        "DataFrame": ("polars", "polars.frame"),
        "Series": ("polars", "polars.series"),
    },
    "plotly": {"Figure": ("plotly.graph_objects", "plotly.figure")},
    "geopandas": {
        "GeoDataFrame": ("geopandas", "geopandas.frame"),
        "GeoSeries": ("geopandas", "geopandas.series"),
        "GeometryArray": ("geopandas.array", "geopandas.array"),
    },
}

# the same for all subclasses of a base that the library itself defines:
# (public module that has the base, base, kind)
_FAMILIES = {
    "pandas": ("pandas.api.extensions", "ExtensionArray", "pandas.array"),
    "pyarrow": ("pyarrow", "Array", "pyarrow.array"),
    "PIL": ("PIL.Image", "Image", "PIL.image"),
    "altair": ("altair", "TopLevelMixin", "altair.chart"),
}


def kind_of(cls: type) -> str | None:
    """Find the kind with a codec of its own that stores values of exactly this class.

    None if there is none. Of the plain types, only `bytes` has such a kind.
    """
    if cls is bytes:
        return "bytes"
    root = str(cls.__module__).partition(".")[0]
    home, kind = _CLASSES.get(root, {}).get(cls.__name__, ("", ""))
    if kind and _shown(home, cls.__name__) is cls:
        return kind
    if root in _FAMILIES:
        home, name, kind = _FAMILIES[root]
        base = _shown(home, name)
        return kind if isinstance(base, type) and issubclass(cls, base) else None
    return None


def scalars_of(cls: type) -> ModuleType | None:
    """Find the module that writes the scalars of the library that defines a class, else None."""
    root = str(cls.__module__).partition(".")[0]
    return scalars(root) if root in _SCALARS and root in sys.modules else None


@cache
def scalars(library: str) -> ModuleType:
    """Import the module that writes the scalars of a library, which imports the library."""
    return import_module(f".{_SCALARS[library]}", __package__)


def is_kept(cls: type) -> bool:
    """Whether values of exactly this class can be stored without being registered."""
    if cls in PLAIN or kind_of(cls) is not None:
        return True
    found = scalars_of(cls)
    return found is not None and bool(found.is_kept(cls))


def _shown(module: str, name: str) -> object:
    return getattr(sys.modules.get(module), name, None)


def is_known(kind: str) -> bool:
    """Whether this version can read values of this kind, which is not compressed."""
    return kind in _HOMES or kind in {"json", "bundle"}


def is_part(kind: object) -> bool:
    """Whether values of this kind may be parts of a bundle."""
    return kind in _HOMES


def dump(kind: str, value: Any) -> bytes:
    """Write a value as a body, with the codec of the kind that `kind_of` gave.

    Raises:
        RefusedError: the value, or something in it, cannot be kept exactly.
    """
    return _codec(kind).dump(value)


def load(kind: str, body: Body) -> Any:
    """Read a body that `dump` wrote. The caller may change the value.

    Raises:
        DamagedError: the kind is unknown, or the body is not of this kind.
    """
    try:
        return _codec(kind).load(body)
    except DamagedError:
        raise
    except Exception as cause:  # any error of Arrow, NumPy or pandas means a damaged body
        raise DamagedError("no well-formed body of this kind") from cause


def _codec(kind: str) -> Codec:
    if kind not in _HOMES:
        raise UnreadableError(
            "which this version cannot read. Run the version that wrote it, or a newer one"
        )
    codecs: dict[str, Codec] = import_module(f".{_HOMES[kind]}", __package__).CODECS
    return codecs[kind]
