"""The words of error messages about refused values: what it is, and what to keep instead.

They never show a value.
"""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Sequence
from enum import Enum
from typing import Any

from .kinds import PLAIN
from .payload import RefusedError

__all__ = ["class_name", "classes", "describe", "shown", "unhashable"]

_KEY_IN_MESSAGE = 40  # characters


def shown(key: object) -> str:
    """Return a key or a label as messages show it: at most 40 characters."""
    text = repr(key) if type(key) in PLAIN else class_name(type(key))
    return text if len(text) <= _KEY_IN_MESSAGE else text[: _KEY_IN_MESSAGE - 1] + "…"


def describe(value: object) -> str:
    """Say of what class a refused value is, and what to keep instead."""
    name = class_name(type(value))
    article = "an" if name[0].lower() in "aeiou" else "a"
    return f"{article} {name}, which cannot be kept exactly. {_advice(value)}"


def class_name(kind: type) -> str:
    """Return the name of a class for messages: with its module, unless it is built in."""
    if kind.__module__ == "builtins":
        return kind.__qualname__
    return f"{kind.__module__}.{kind.__qualname__}"


def _advice(value: object) -> str:
    # Not isinstance, which reads value.__class__: some lazy objects raise an error then.
    if issubclass(type(value), Enum):
        return "Keep its .value instead, or pgstate.register its class"
    if _is_numpy_type(value):
        return "Keep numpy.dtype(…) of it instead"
    if hasattr(type(value), "fit") and hasattr(type(value), "predict"):
        return (
            "Keep the pathlib.Path of its file, or the bytes of skops or ONNX instead: see "
            "«Fitted models» in docs/values.md"
        )
    names = [class_name(base) for base in type(value).__mro__]
    if sentence := next(filter(None, map(_SENTENCES.get, names)), ""):
        return sentence
    if callable(value):
        return "Keep the data that it works on instead"
    if issubclass(type(value), dt.datetime):
        return "Keep a datetime.datetime instead"
    base = next((base for base in type(value).__mro__ if base in PLAIN), None)
    if base is not None:
        return f"Keep {base.__name__}(…) of it instead, or pgstate.register its class"
    if found := next(filter(None, map(_WAYS.get, names)), ""):
        return f"Keep {found} of it instead"
    return (
        "Keep its data instead, as plain values of Python, arrays or frames, "
        "or pgstate.register its class"
    )


def _is_numpy_type(value: Any) -> bool:
    generic = getattr(sys.modules.get("numpy"), "generic", None)
    return generic is not None and issubclass(type(value), type) and generic in value.__mro__


# class name: the call that converts a value of it, or of a subclass, to a type that is kept
_WAYS = {
    "numpy.ndarray": "numpy.asarray(…)",
    "pandas.DataFrame": "pandas.DataFrame(…)",
    "pandas.core.frame.DataFrame": "pandas.DataFrame(…)",
    "pandas.Series": "pandas.Series(…)",
    "pandas.core.series.Series": "pandas.Series(…)",
    "polars.lazyframe.frame.LazyFrame": "collect()",
    "pyarrow.lib.Scalar": "as_py()",
    "collections.deque": "list(…)",
    "array.array": "numpy.asarray(…)",
    "memoryview": "bytes(…)",
    "pathlib.PurePath": "str(…)",
    "pathlib._local.PurePath": "str(…)",
    "collections.ChainMap": "dict(…)",
    "types.SimpleNamespace": "vars(…)",
    "fractions.Fraction": "fractions.Fraction(…)",
    "ipaddress._IPAddressBase": "str(…)",
    "zoneinfo.ZoneInfo": "the key",
    "pandas.core.dtypes.base.ExtensionDtype": "str(…)",
    "pandas.api.extensions.ExtensionDtype": "str(…)",
    # Rows hold the result that they come from, by which they are also asked for columns.
    "sqlalchemy.engine.row.Row": "_asdict(), or of all rows list(map(tuple, rows)),",
    "sqlalchemy.engine.row.RowMapping": "dict(…)",
    "streamlit.runtime.state.query_params_proxy.QueryParamsProxy": "to_dict()",
    "streamlit.runtime.state.session_state_proxy.SessionStateProxy": "to_dict()",
    "plotly.basedatatypes.BaseFigure": "plotly.graph_objects.Figure(…)",
    "plotly.basedatatypes.BasePlotlyType": "to_plotly_json()",
    "narwhals.dataframe.DataFrame": "to_native()",
    "shapely.prepared.PreparedGeometry": "context",
    "shapely.strtree.STRtree": "geometries",
}

# class name: what to do with a value of it, or of a subclass
_SENTENCES = {
    "matplotlib.figure.FigureBase": (
        "Keep its PNG: file = io.BytesIO(); figure.savefig(file, format='png'); "
        "file.getvalue() are bytes that can be kept, and st.image shows them"
    ),
    "matplotlib.artist.Artist": (
        "Keep the PNG of its figure: file = io.BytesIO(); "
        "artist.get_figure().savefig(file, format='png'); "
        "file.getvalue() are bytes that can be kept, and st.image shows them"
    ),
}


def classes(values: Sequence[object]) -> set[type]:
    """Return the set of the values' classes."""
    try:
        return set(map(type, values))
    except TypeError:  # a class without a hash, which the caller's next step refuses
        return {object, type}


def unhashable(value: object) -> RefusedError | None:
    """Return the error for a value whose class has no hash; None for any other value."""
    try:
        hash(type(value))
    except TypeError:
        name = class_name(type(value))
        return RefusedError(
            f"of the class {name}, which has no hash, by its metaclass "
            f"{type(type(value)).__name__}. Keep its data as plain values, arrays or frames"
        )
    return None
