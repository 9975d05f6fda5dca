"""The libraries that one may have or not, each as it is here; None where it is not.

Tests make their values of those that are here. What needs one that is not is tested by the
stored bodies, which are here whatever is installed.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

import numpy as np

__all__ = [
    "NEEDED",
    "PIL",
    "alt",
    "gpd",
    "matplotlib",
    "only_with",
    "pl",
    "plotly",
    "pydantic",
    "pyproj",
    "scipy",
    "shapely",
    "what_is_missing",
]


def _found(name, *modules):
    """The library with these modules of it; one that is here and broken is an error."""
    if find_spec(name) is None:
        return None
    for module in modules:
        import_module(f"{name}.{module}")
    return import_module(name)


PIL = _found("PIL", "Image")
pl = _found("polars")
pydantic = _found("pydantic", "networks")
scipy = _found("scipy", "sparse")
plotly = _found("plotly", "graph_objects", "subplots", "express")
alt = _found("altair")
matplotlib = _found("matplotlib", "figure")
shapely = _found("shapely", "strtree", "prepared")
gpd = _found("geopandas")
pyproj = _found("pyproj", "database")

NEEDED = {
    "PIL": (PIL, "pillow"),
    "polars": (pl, "polars"),
    "scipy": (scipy, "scipy"),
    "plotly": (plotly, "plotly"),
    "altair": (alt, "altair"),
    "geopandas": (gpd, "geopandas"),
}
"""The first part of a kind: the library that it needs, and what pip calls it."""


def only_with(library):
    """Takes a test out where a library that it needs is not here."""
    return (lambda test: test) if library else (lambda test: None)


def what_is_missing(entry):
    """What the error says that a stored body's entry in the manifest gives here; None if none."""
    library, name = NEEDED.get(entry["kind"].partition(".")[0], ("none", ""))
    if library is None:
        return f"pip install {name}"
    if shapely is None and "shapely." in entry["value"]:
        return "pip install shapely"
    if pyproj is None and "pyproj." in entry["value"]:
        return "pip install pyproj"
    if "Settings(" in entry["value"] and not hasattr(pydantic, "networks"):
        return r"pgstate\.register\(…, name=|pip install -U pydantic"
    if "Settings(" in entry["value"] and not hasattr(pydantic.networks, "_BaseUrl"):
        return "pip install -U pydantic"
    if "StringDType" in entry["value"] and np.__version__ < "2":
        return "needs NumPy 2 .* pip install -U numpy"
    if "sparse.coo_array([" in entry["value"] and not hasattr(scipy.sparse, "swapaxes"):
        return "needs SciPy from 1.15 on .* pip install -U scipy"
    return None
