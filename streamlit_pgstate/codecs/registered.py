"""Types of the user's own: a name for the row, and two functions that the user gives.

A row holds the name and what `dump` gave. Only what was registered in this process is ever
called; no class is imported because a row names it.
"""

from __future__ import annotations

import dataclasses
import sys
import threading
from collections.abc import Callable
from enum import Enum, Flag
from typing import Any, TypeVar

from streamlit_pgstate.errors import ConfigError

from . import kinds
from .payload import DamagedError, UnreadableError

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
    entry = _by_name.get(name)
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
    from . import plain

    if not isinstance(cls, type):
        raise ConfigError(f"register(…, name={name!r}) needs a class.")
    if cls in plain.TYPES or kinds.kind_of(cls) is not None:
        raise ConfigError(f"{_full_name(cls)} is kept already, without being registered.")


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
        return (_value_of, cls) if issubclass(cls, Flag) else (_name_of, cls.__getitem__)
    if dataclasses.is_dataclass(cls):
        return _dump_dataclass, _dataclass_loader(cls)
    if issubclass(cls, tuple) and hasattr(cls, "_fields"):
        return cls._asdict, lambda fields: cls(**fields)
    if hasattr(cls, "model_dump") and hasattr(cls, "model_validate"):
        return lambda model: model.model_dump(round_trip=True), cls.model_validate
    raise ConfigError(
        f"register(…, name={name!r}) needs dump and load: {_full_name(cls)} is no dataclass, "
        "enum, NamedTuple or pydantic model."
    )


def _value_of(member: Any) -> object:
    return member.value


def _name_of(member: Any) -> object:
    return member.name


def _dump_dataclass(value: Any) -> dict[str, object]:
    # Not dataclasses.asdict: dataclasses in it would become dicts, and stay so.
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}


def _dataclass_loader(cls: Any) -> Callable[[dict[str, Any]], Any]:
    own = [field.name for field in dataclasses.fields(cls) if not field.init]

    def load(found: dict[str, Any]) -> Any:
        value = cls(**{name: item for name, item in found.items() if name not in own})
        for name, item in found.items():  # as they were, whatever __post_init__ has made of them
            object.__setattr__(value, name, item)
        return value

    return load
