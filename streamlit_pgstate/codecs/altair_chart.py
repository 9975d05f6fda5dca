"""Altair charts: the tree of altair's objects, and beside it the data as frames.

An object is written as ``{"$class": "channels.X", "shorthand": "a:Q"}``, by the names that
Vega-Lite gives to its properties. A chart's own `to_dict` is not used: it writes the data as a
table of text, the types that it has inferred from the data, and the theme of this process.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from . import bundle, sections
from .payload import Body, Codec, DamagedError, RefusedError, UnreadableError
from .refusals import describe

__all__ = ["CODECS"]

_CLASS = "$class"
_ARGUMENTS = "$args"

# What stands in a tree for altair's `Undefined`. Most properties of most objects are undefined.
_UNDEFINED = ()
_EMPTY_TUPLE = {_CLASS: "tuple"}

Node = dict[Any, Any]


def _dump(chart: Any) -> bytes:
    kind, text = bundle.write(_tree(chart))
    return sections.join({"content": kind}, [text])


def _load(body: Body) -> Any:
    try:
        import altair
    except ImportError:
        raise UnreadableError("and needs altair: pip install altair") from None
    header, (text,) = sections.split(body)
    chart = _restore(bundle.read(header["content"], text))
    if not isinstance(chart, altair.TopLevelMixin):
        raise DamagedError("something of altair that is not a chart")
    return chart


# --- writing -----------------------------------------------------------------------------


def _tree(value: Any) -> Any:
    cls = type(value)
    if cls is dict:
        return _dict(value)
    if cls is list:
        return _items(value)
    if cls is tuple:
        return tuple(_items(value)) if value else _EMPTY_TUPLE
    name = _names().get(cls)
    if name is None:
        return value  # plain, or a part; else the bundle refuses it
    return _UNDEFINED if name == "Undefined" else _object(value, name)


def _dict(value: Node) -> Node:
    if _CLASS in value:
        return {_CLASS: "dict", "items": _items([list(pair) for pair in value.items()])}
    return {name: _inside(item, repr(name)) for name, item in value.items()}


def _items(values: Any) -> list[Any]:
    return [_inside(item, f"[{place}]") for place, item in enumerate(values)]


def _inside(value: Any, step: str) -> Any:
    try:
        return _tree(value)
    except RefusedError as refused:
        raise refused.inside(step) from None


def _object(value: Any, name: str) -> Node:
    own = vars(value)
    if "_kwds" not in own:
        return {_CLASS: name, **_dict(own)}
    if own.keys() != {"_args", "_kwds"} or _CLASS in own["_kwds"]:
        raise RefusedError(describe(value))
    node = {_CLASS: name, **_dict(own["_kwds"])}
    if own["_args"]:
        node[_ARGUMENTS] = _items(own["_args"])
    return node


# --- reading -----------------------------------------------------------------------------


def _restore(tree: Any) -> Any:
    if type(tree) is list:
        return list(map(_restore, tree))
    if type(tree) is tuple:
        return tuple(map(_restore, tree)) if tree else _class("Undefined")()
    if type(tree) is not dict:
        return tree
    if _CLASS not in tree:
        return {name: _restore(item) for name, item in tree.items()}
    name, rest = tree[_CLASS], {key: item for key, item in tree.items() if key != _CLASS}
    if name == "tuple":
        return ()
    if name == "dict":
        return {key: item for key, item in _restore(rest["items"])}  # noqa: C416  # dict() takes "ab"
    return _made(_class(name), rest)


def _made(cls: type, tree: Node) -> Any:
    if not all(type(name) is str for name in tree):
        raise DamagedError("an object of altair with a property of no name")
    value: Any = object.__new__(cls)
    if not _is_schema(cls):
        vars(value).update({name: _restore(item) for name, item in tree.items()})
        return value
    arguments = tree.pop(_ARGUMENTS, [])
    if type(arguments) is not list:
        raise DamagedError("an object of altair without its arguments")
    vars(value).update(
        _args=tuple(map(_restore, arguments)),
        _kwds={name: _restore(item) for name, item in tree.items()},
    )
    return value


# --- the classes of altair ---------------------------------------------------------------


def _class(name: Any) -> type:
    cls = _classes().get(name) if type(name) is str else None
    if cls is None:
        raise UnreadableError(
            "and holds an object that this version of altair does not have. "
            "Run pip install -U altair"
        )
    return cls


@cache
def _names() -> dict[type, str]:
    return {cls: name for name, cls in _classes().items()}


@cache
def _classes() -> dict[str, type]:
    """All classes of altair whose objects a chart may hold, by the names that rows have."""
    import altair

    found: dict[str, type] = {"Undefined": type(altair.Undefined), "datum": type(altair.datum)}
    for cls in (*_subclasses(altair.SchemaBase), *_others(altair)):
        root, _, module = str(cls.__module__).rpartition(".")
        if root.partition(".")[0] == "altair":  # not those of the user
            found[f"{module}.{cls.__name__}"] = cls
    return found


def _subclasses(cls: type[Any]) -> Iterator[type]:
    found: type
    for found in cls.__subclasses__():
        yield found
        yield from _subclasses(found)


def _others(altair: Any) -> Iterator[type]:
    """Find the classes without a schema: parameters, their expressions, and conditions."""
    for name in ("Parameter", "ParameterExpression", "SelectionExpression", "Then"):
        cls = getattr(altair, name, None)
        if isinstance(cls, type):
            yield cls


def _is_schema(cls: type) -> bool:
    import altair

    return issubclass(cls, altair.SchemaBase)


CODECS = {"altair.chart": Codec(_dump, _load)}
