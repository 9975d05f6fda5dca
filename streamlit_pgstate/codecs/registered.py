"""Types that the user has registered: each has a name, and functions `dump` and `load`.

A row holds the name and the value that `dump` returned. Reading calls only what was registered in
this process. No class is imported because a row names it.
"""

from __future__ import annotations

import dataclasses
import sys
import threading
from collections.abc import Callable, Iterator
from enum import Enum, Flag
from inspect import Parameter, isabstract, signature
from pathlib import PurePath
from typing import Any, TypeVar

from streamlit_pgstate.errors import ConfigError

from . import kinds
from .payload import DamagedError, RefusedError, UnreadableError

__all__ = ["Registered", "find", "load", "register"]

T = TypeVar("T")

_MAX_NAME = 100  # characters


@dataclasses.dataclass(frozen=True, slots=True)
class Registered:
    """A registered type: its class, its name in rows, and its two functions."""

    cls: type
    name: str
    dump: Callable[[Any], object]
    load: Callable[[Any], Any]


_lock = threading.Lock()
_by_name: dict[str, Registered] = {}
_by_class: dict[tuple[str, str], Registered] = {}


class _Own(threading.local):
    """The types that this thread has registered itself.

    A Streamlit script that defines a class makes a new class at every run, and runs of several
    visitors overlap. Each run reads values of the class that it registered itself, so that
    `isinstance` and `==` work with them.
    """

    def __init__(self) -> None:
        self.by_name: dict[str, Registered] = {}


_own = _Own()


def register(
    cls: type[T],
    *,
    name: str,
    dump: Callable[[T], object] | None = None,
    load: Callable[[Any], T] | None = None,
) -> None:
    """Register a type of your own, so that its values can be stored.

    Scripts may call this at every run, as registering again costs nothing. Dataclasses, enums,
    NamedTuples and pydantic models need no `dump` and `load`.

    Args:
        cls: the class. Subclasses are not included.
        name: the name of the type in rows: printable text of 1 to 100 characters. Never change
            it. The class may be renamed or moved.
        dump: turns a value into one that can be stored, which may hold registered values.
        load: makes the value again from what `dump` returned.

    Raises:
        ConfigError: the name is not valid or belongs to another class, the type can be stored
            without being registered, or the type needs `dump` and `load`.

    Example:
        >>> from string import Template
        >>> register(Template, name="template", dump=vars, load=lambda found: Template(**found))
    """
    _check_name(name)
    _check_class(cls, name)
    if (dump is None) != (load is None):
        raise ConfigError(f"register(…, name={name!r}) needs both dump and load, or neither.")
    if dump is None or load is None:
        dump, load = _default(cls, name)
    elif not callable(dump) or not callable(load):
        raise ConfigError(f"register(…, name={name!r}) needs functions for dump and load.")
    entry = Registered(cls, name, dump, load)
    with _lock:
        old = _by_name.get(name)
        if old is not None and _place(old.cls) != _place(cls) and _is_there(old.cls):
            raise ConfigError(
                f"{name!r} is the name of {_full_name(old.cls)} already. "
                f"Register {_full_name(cls)} under another one."
            )
        if old is not None:
            _by_class.pop(_place(old.cls), None)
        _by_name[name] = _by_class[_place(cls)] = entry
    _own.by_name[name] = entry


def find(cls: type) -> Registered | None:
    """Find the registered type of a class, by the module and name of the class; else None.

    The class itself is not compared: Streamlit runs the user's modules again, which makes new
    classes of the same name while values of the old classes still exist.
    """
    return _by_class.get(_place(cls)) if _by_class else None


def load(content: Any) -> Any:
    """Make the value from the name and the content that a row holds.

    Raises:
        UnreadableError: no type is registered under the name.
        DamagedError: the user's `load` raised an error. Its cause is that error.
    """
    name, dumped = content
    if type(name) is not str:
        raise DamagedError("a registered value without a name")
    entry = _own.by_name.get(name) or _by_name.get(name)
    if entry is None:
        shown = repr(name)[: _MAX_NAME + 2]
        raise UnreadableError(
            f"and holds a value of a type that was registered as {shown}, which is not "
            "registered here. "
            f"Call pgstate.register(…, name={shown}) before reading it"
        )
    try:
        return entry.load(dumped)
    except Exception as cause:  # the user's code may raise any error
        raise DamagedError(
            f"a value registered as {name!r}, whose load raised a {type(cause).__name__}"
        ) from cause


# --- checks ------------------------------------------------------------------------------


def _check_name(name: object) -> None:
    if type(name) is not str or not 0 < len(name) <= _MAX_NAME or not name.isprintable():
        raise ConfigError(
            f"A registered name is printable text of 1 to {_MAX_NAME} characters, not {name!r}."
        )


def _check_class(cls: object, name: str) -> None:
    if not isinstance(cls, type):
        raise ConfigError(f"register(…, name={name!r}) needs a class.")
    if type(cls).__hash__ is None:
        raise ConfigError(f"{_full_name(cls)} cannot be registered: its metaclass has no hash.")
    if kinds.is_kept(cls):
        raise ConfigError(f"{_full_name(cls)} is kept already, without being registered.")
    if isabstract(cls):
        raise ConfigError(
            f"register(…, name={name!r}): {_full_name(cls)} is abstract, so no value is of "
            "this class itself. Register its subclasses."
        )
    if issubclass(cls, PurePath) and (made := _made_by(cls)) is not cls:
        raise ConfigError(
            f"register(…, name={name!r}): {_full_name(cls)}() gives a {_full_name(made)}. "
            f"Register type({cls.__name__}()) instead."
        )


def _made_by(cls: type) -> type:
    try:
        return type(cls())
    except Exception:  # noqa: BLE001  # a path of another system, or one that needs arguments
        return cls


def _place(cls: type) -> tuple[str, str]:
    return str(cls.__module__), cls.__qualname__


def _full_name(cls: type) -> str:
    return ".".join(_place(cls))


def _is_there(cls: type) -> bool:
    """Whether the module of the class still has a class of this name: not moved or renamed."""
    module, qualname = _place(cls)
    found: object = sys.modules.get(module)
    for step in qualname.split("."):
        found = True if step == "<locals>" else getattr(found, step, None)
        if found is True:
            return True
    return found is not None


# --- types that need no dump and load ----------------------------------------------------


def _default(cls: Any, name: str) -> tuple[Callable[[Any], object], Callable[[Any], Any]]:
    if issubclass(cls, Enum):
        # Not cls.__getitem__, which is str's own if the members are text.
        return (_value_of, cls) if issubclass(cls, Flag) else (_name_of, lambda member: cls[member])
    if dataclasses.is_dataclass(cls):
        if obstacle := _obstacle(cls):
            raise ConfigError(f"register(…, name={name!r}) needs dump and load: {obstacle}.")
        return _dump_dataclass, _dataclass_loader(cls)
    if issubclass(cls, tuple) and hasattr(cls, "_fields"):
        return cls._asdict, _tuple_loader(cls)
    if hasattr(cls, "model_dump") and hasattr(cls, "model_validate"):
        return _model_functions(cls)
    raise ConfigError(
        f"register(…, name={name!r}) needs dump and load: {_full_name(cls)} is not a "
        "dataclass, enum, NamedTuple or pydantic model."
    )


def _value_of(member: Any) -> object:
    return member.value


def _name_of(member: Any) -> object:
    return member.name


def _tuple_loader(cls: Any) -> Callable[[dict[str, Any]], Any]:
    def load(found: dict[str, Any]) -> Any:
        if not found.keys() <= set(cls._fields):
            raise TypeError
        every = {**cls._field_defaults, **found}
        # Not cls(…), which calls the class's own __new__, whatever arguments that takes.
        return cls._make(every[name] for name in cls._fields)

    return load


# --- dataclasses -------------------------------------------------------------------------


def _obstacle(cls: Any) -> str | None:
    """Say why a dataclass cannot be made from its fields alone; None if it can."""
    for base in cls.__mro__:
        if base in kinds.PLAIN:
            return f"{_full_name(cls)} is a {base.__name__}, too, whose content is not in a field"
    fields = {field.name for field in dataclasses.fields(cls) if field.init}
    wanted = signature(cls).parameters
    for parameter in wanted.values():
        is_needed = parameter.default is Parameter.empty and parameter.kind not in _VARIADIC
        if is_needed and parameter.name not in fields:
            return f"{_full_name(cls)} is made with {parameter.name!r}, which is none of its fields"
    if not any(parameter.kind is Parameter.VAR_KEYWORD for parameter in wanted.values()):
        for name in sorted(fields - wanted.keys()):
            return f"the __init__ of {_full_name(cls)} does not take its field {name!r}"
    return None


_VARIADIC = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)


def _dump_dataclass(value: Any) -> dict[str, object]:
    # Not dataclasses.asdict, which turns dataclasses in fields into dicts.
    fields = dataclasses.fields(value)
    try:
        return {field.name: getattr(value, field.name) for field in fields}
    except AttributeError:
        missing = next(field.name for field in fields if not hasattr(value, field.name))
        raise RefusedError(
            f"a {_full_name(type(value))} whose field {missing!r} was never set. Set it before"
        ) from None


def _dataclass_loader(cls: Any) -> Callable[[dict[str, Any]], Any]:
    own = [field.name for field in dataclasses.fields(cls) if not field.init]

    def load(found: dict[str, Any]) -> Any:
        value = cls(**{name: item for name, item in found.items() if name not in own})
        for name, item in found.items():  # restores fields that __post_init__ changed
            object.__setattr__(value, name, item)
        return value

    return load


# --- pydantic ----------------------------------------------------------------------------


def _model_functions(cls: Any) -> tuple[Callable[[Any], object], Callable[[Any], Any]]:
    # Rows hold the names of the fields, not their aliases. Before 2.11, pydantic has no argument
    # for that, only a setting of the model.
    by_name = {"by_name": True} if "by_name" in signature(cls.model_validate).parameters else {}

    def dump(model: Any) -> object:
        """Return what model_dump gives, if model_validate makes the same model from it.

        model_dump loses private attributes, excluded fields, fields that a subclass adds to the
        declared type, and the class of a value in a field of type Any.
        """
        found, different = None, None
        try:
            found = model.model_dump(round_trip=True, warnings=False)
            # type(model), not cls: the model may be of the class of an earlier run of the script.
            again = type(model).model_validate(found, **by_name)
            different = next(_differences(model, again), None)
        except Exception as cause:  # noqa: BLE001  # validators may raise any error
            different = f"there was a {type(cause).__name__}"
        if different is not None:
            raise RefusedError(
                f"a {_full_name(type(model))}, whose model_validate does not restore the same "
                f"model from its model_dump: {different}. Give pgstate.register a dump and a load"
            )
        return found

    return dump, lambda found: cls.model_validate(found, **by_name)


def _differences(one: Any, other: Any) -> Iterator[str]:
    """Name the fields and private attributes in which two models of one class differ."""
    names = type(one).model_fields
    for name, item, again in (
        *((name, getattr(one, name), getattr(other, name)) for name in names),
        ("model_extra", one.model_extra, other.model_extra),
        ("private", one.__pydantic_private__, other.__pydantic_private__),
    ):
        if not _is_same(item, again):
            yield f"{name!r} would be different"


def _is_same(one: Any, other: Any) -> bool:
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if hasattr(one, "__pydantic_private__"):
        return next(_differences(one, other), None) is None
    if isinstance(one, dict):
        return _is_same([*one, *one.values()], [*other, *other.values()])
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(_is_same, one, other))
    return bool(one == other) or (one != one and other != other)  # both are nan
