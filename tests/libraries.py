"""The libraries that one may have or not, each as it is here; None where it is not.

Tests make their values of those that are here. What needs one that is not is tested by the
stored bodies, which are here whatever is installed.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

__all__ = ["NEEDED", "PIL", "pl", "pydantic", "scipy"]


def _found(name, *modules):
    """The library with these modules of it; one that is here and broken is an error."""
    if find_spec(name) is None:
        return None
    for module in modules:
        import_module(f"{name}.{module}")
    return import_module(name)


PIL = _found("PIL", "Image")
pl = _found("polars")
pydantic = _found("pydantic")
scipy = _found("scipy", "sparse")

NEEDED = {"PIL": (PIL, "pillow"), "polars": (pl, "polars"), "scipy": (scipy, "scipy")}
"""The first part of a kind: the library that it needs, and what pip calls it."""
