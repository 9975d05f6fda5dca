"""How messages speak of what is not kept: what it is, and what to keep instead; never its value."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from enum import Enum

from .kinds import PLAIN
from .payload import RefusedError

__all__ = ["class_name", "classes", "describe", "shown", "unhashable"]

_KEY_IN_MESSAGE = 40  # characters


def shown(key: object) -> str:
    """A key or label as messages show it."""
    text = repr(key) if type(key) in PLAIN else class_name(type(key))
    return text if len(text) <= _KEY_IN_MESSAGE else text[: _KEY_IN_MESSAGE - 1] + "…"


def describe(value: object) -> str:
    """What a value that is not taken is, and what to keep instead; never what it holds."""
    name = class_name(type(value))
    article = "an" if name[0].lower() in "aeiou" else "a"
    return f"{article} {name}, which cannot be kept exactly. {_advice(value)}"


def class_name(kind: type) -> str:
    """The name of a class for messages: with its module, unless it is built in."""
    if kind.__module__ == "builtins":
        return kind.__qualname__
    return f"{kind.__module__}.{kind.__qualname__}"


def _advice(value: object) -> str:
    if issubclass(type(value), Enum):  # isinstance asks the value, too: some lazy ones raise
        return "Keep its .value instead, or pgstate.register its class"
    if callable(value):
        return "Keep the data that it works on instead"
    if issubclass(type(value), dt.datetime):
        return "Keep a datetime.datetime instead"
    base = next((base for base in type(value).__mro__ if base in PLAIN), None)
    if base is not None:
        return f"Keep {base.__name__}(…) of it instead, or pgstate.register its class"
    if found := next(
        (way for way in map(_WAYS.get, map(class_name, type(value).__mro__)) if way), ""
    ):
        return f"Keep {found} of it instead"
    return (
        "Keep its data instead, as plain values of Python, arrays or frames, "
        "or pgstate.register its class"
    )


# What makes of a value of a subclass one that is kept, where the name of the class is not it.
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
}


def classes(values: Sequence[object]) -> set[type]:
    """The classes of these values."""
    try:
        return set(map(type, values))
    except TypeError:  # over a class without a hash, for which somebody else has words
        return {object, type}


def unhashable(value: object) -> RefusedError | None:
    """What to raise for a value whose class cannot be looked up; None for any other."""
    try:
        hash(type(value))
    except TypeError:
        name = class_name(type(value))
        return RefusedError(
            f"of the class {name}, which has no hash, by its metaclass "
            f"{type(type(value)).__name__}. Keep its data as plain values, arrays or frames"
        )
    return None
