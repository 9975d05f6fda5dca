"""The types that the fields of a registered class declare: they are kept inside its values.

A row names such a type by the registered class and the type's own place. Reading looks it up among
what the class declares, so that no class is imported because a row names it. Annotations are text
of the user's code. They are resolved once for each registered class, when they are first needed.
"""

from __future__ import annotations

import inspect
import sys
import types
import typing
from collections.abc import Iterator
from typing import Any

from .fields import is_registrable
from .places import full_name

__all__ = ["declared"]


def declared(cls: type) -> dict[str, type]:
    """Return the types that fields of a class declare, and the fields of those, by full name.

    Only types that need no functions of the user are among them. Annotations that cannot be
    resolved, as what is imported for type checkers only, declare nothing.
    """
    found: dict[str, type] = {}
    met, rest = {cls}, [cls]
    while rest:
        for kind in _types_in(_annotations(rest.pop())):
            if kind in met:
                continue
            met.add(kind)
            is_own = type(kind).__hash__ is not None and is_registrable(kind)
            if is_own:
                found[full_name(kind)] = kind
            if is_own or typing.is_typeddict(kind):
                rest.append(kind)
    return found


def _annotations(cls: Any) -> Iterator[object]:
    for field in getattr(cls, "model_fields", {}).values():  # pydantic has resolved them
        yield field.annotation
    for base in cls.__mro__[:-1] if not typing.is_typeddict(cls) else [cls]:
        if base.__module__.partition(".")[0] in ("pydantic", "typing", "abc"):
            continue
        names = _names_around(base)
        try:
            annotations = inspect.get_annotations(base)
        except NameError:  # from Python 3.14 on, of a name that only type checkers know
            continue
        for name, annotation in annotations.items():
            yield _resolved(name, annotation, names, dict(vars(base)))


def _names_around(cls: type) -> dict[str, Any]:
    """Return the names of the module of a class, of that run of it that has defined the class.

    Of a script, `sys.modules` may have another visitor's run by now. A function of the class,
    such as the __init__ of a dataclass, has those of its own.
    """
    names = {**vars(sys.modules.get(cls.__module__, types))}
    for function in vars(cls).values():
        if inspect.isfunction(function):
            names.update(function.__globals__)
    return names


def _resolved(name: str, annotation: Any, names: dict[str, Any], inner: dict[str, Any]) -> object:
    holder = types.SimpleNamespace(__annotations__={name: annotation})
    try:
        return typing.get_type_hints(holder, names, inner, include_extras=True)[name]
    except Exception:  # noqa: BLE001  # text of any form, and names that only type checkers know
        return None


def _types_in(annotations: Iterator[object]) -> Iterator[type]:
    """Find the classes in annotations, such as A, B and C in ``dict[A, Annotated[B | C, …]]``."""
    rest = list(annotations)
    seen: dict[int, object] = {}  # holding a part keeps its id from being used again
    while rest:
        part: Any = rest.pop()
        if id(part) in seen:
            continue
        seen[id(part)] = part
        origin = typing.get_origin(part)
        if origin is typing.Literal:
            rest += map(type, typing.get_args(part))
        elif origin is not None:
            rest += [origin, *typing.get_args(part)]
        elif isinstance(part, type):
            yield part
        elif isinstance(part, list | tuple):  # the parameters of a Callable
            rest += part
        else:  # a type alias, a type variable, an InitVar
            names = ("__value__", "__bound__", "__constraints__", "type")
            rest += [getattr(part, name, None) for name in names]
