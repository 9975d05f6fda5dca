"""Types of the user's own: a name for the row, and two functions that the user gives.

A row holds the name and what `dump` gave. Only what was registered in this process is ever
called; no class is imported because a row names it.
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
    """One type, its name in rows, and how it becomes a value that can be kept."""

    cls: type
    name: str
    dump: Callable[[Any], object]
    load: Callable[[Any], Any]


_lock = threading.Lock()
_by_name: dict[str, Registered] = {}
_by_class: dict[tuple[str, str], Registered] = {}


class _Own(threading.local):
    """What this thread has registered itself.

    A Streamlit script that defines a class makes a new one at every run, and runs of several
    visitors overlap. What a run reads is of its own class, which `isinstance` and `==` know.
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
    """Teach how to keep a type of your own. Call it again at every run, it costs nothing.

    `dump` and `load` may be left out for dataclasses, enums, NamedTuples and pydantic models.

    Args:
        cls: the class; values of its subclasses are not meant.
        name: what rows call it, for ever: renaming the class then changes nothing.
        dump: makes of a value one that can be kept, with registered values in it, too.
        load: makes the value again of what `dump` gave.

    Raises:
        ConfigError: the name is taken or no text of 1 to 100 characters, the type is kept
            already, or `dump` and `load` are needed for it.

    Example:
        >>> from fractions import Fraction
        >>> register(Fraction, name="fraction", dump=str, load=Fraction)
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
    """How to keep values of a class; found by its module and name.

    Streamlit runs the user's modules again, which makes new classes of the same name, while
    values of the old ones are still about.
    """
    return _by_class.get(_place(cls)) if _by_class else None


def load(content: Any) -> Any:
    """Make a value of the name and the content that a row holds.

    Raises:
        UnreadableError: nothing is registered under the name.
        DamagedError: the user's `load` raised an error, which is the cause.
    """
    name, dumped = content
    if type(name) is not str:
        raise DamagedError("a registered value without a name")
    entry = _own.by_name.get(name) or _by_name.get(name)
    if entry is None:
        shown = repr(name)[: _MAX_NAME + 2]
        raise UnreadableError(
            f"and holds a value of a type that was registered as {shown}, which it is not here. "
            f"Call pgstate.register(…, name={shown}) before reading it"
        )
    try:
        return entry.load(dumped)
    except Exception as cause:  # the user's own code raises what it likes
        raise DamagedError(
            f"a value registered as {name!r}, of which its load made a {type(cause).__name__}"
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
            f"register(…, name={name!r}): {_full_name(cls)} is abstract, no value is of this "
            "class itself. Register the classes below it."
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
    """Whether the class is still what its module has under its name: not moved or renamed."""
    module, qualname = _place(cls)
    found: object = sys.modules.get(module)
    for step in qualname.split("."):
        found = True if step == "<locals>" else getattr(found, step, None)
        if found is True:
            return True
    return found is not None


# --- what needs no functions -------------------------------------------------------------


def _default(cls: Any, name: str) -> tuple[Callable[[Any], object], Callable[[Any], Any]]:
    if issubclass(cls, Enum):
        # Not cls.__getitem__, which is that of str where the members are text.
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
        f"register(…, name={name!r}) needs dump and load: {_full_name(cls)} is no dataclass, "
        "enum, NamedTuple or pydantic model."
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
        return cls._make(every[name] for name in cls._fields)  # whatever its __new__ takes

    return load


# --- dataclasses -------------------------------------------------------------------------


def _obstacle(cls: Any) -> str | None:
    """Why values of a dataclass cannot be made of their fields alone; None if they can."""
    for base in cls.__mro__:
        if base in kinds.PLAIN:
            return f"{_full_name(cls)} is a {base.__name__}, too, whose content is in no field"
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
    # Not dataclasses.asdict: dataclasses in it would become dicts, and stay so.
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
        for name, item in found.items():  # as they were, whatever __post_init__ has made of them
            object.__setattr__(value, name, item)
        return value

    return load


# --- pydantic ----------------------------------------------------------------------------


def _model_functions(cls: Any) -> tuple[Callable[[Any], object], Callable[[Any], Any]]:
    # By the names of the fields, which rows hold; pydantic before 2.11 knows only the model's own
    # setting for that.
    by_name = {"by_name": True} if "by_name" in signature(cls.model_validate).parameters else {}

    def dump(model: Any) -> object:
        """What model_dump gives, if it is all.

        It leaves out what a subclass adds to the type of a field, private attributes, what is
        excluded, and the classes of what lies in fields of any type.
        """
        found, different = None, None
        try:
            found = model.model_dump(round_trip=True, warnings=False)
            # Of its own class, which may be that of the script's run before.
            again = type(model).model_validate(found, **by_name)
            different = next(_differences(model, again), None)
        except Exception as cause:  # noqa: BLE001  # validators raise what they like
            different = f"there was a {type(cause).__name__}"
        if different is not None:
            raise RefusedError(
                f"a {_full_name(type(model))}, of whose model_dump its model_validate does not "
                f"make the same again: {different}. Give pgstate.register a dump and a load for it"
            )
        return found

    return dump, lambda found: cls.model_validate(found, **by_name)


def _differences(one: Any, other: Any) -> Iterator[str]:
    """In which fields and private attributes two models are not the same."""
    names = type(one).model_fields
    for name, item, again in (
        *((name, getattr(one, name), getattr(other, name)) for name in names),
        ("model_extra", one.model_extra, other.model_extra),
        ("private", one.__pydantic_private__, other.__pydantic_private__),
    ):
        if not _is_same(item, again):
            yield f"{name!r} would be another"


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
    return bool(one == other) or (one != one and other != other)  # nan
