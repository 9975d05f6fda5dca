"""Types that the user has registered: each has a name, and functions `dump` and `load`.

A row holds the name and the value that `dump` returned. Reading calls only what was registered in
this process. No class is imported because a row names it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from inspect import isabstract
from pathlib import PurePath
from types import ModuleType
from typing import Any, TypeVar, overload

from streamlit_pgstate.errors import ConfigError

from . import kinds
from .declared import declared
from .fields import Way, is_again, obstacle, way_of
from .members import classes_of
from .payload import DamagedError, UnreadableError
from .places import full_name, is_there, line_name, place, short_name

__all__ = ["Registered", "find", "is_taken", "load", "loads", "register"]

T = TypeVar("T")

_MAX_NAME = 100  # characters, of a name that the user gives


@dataclass(frozen=True, eq=False)
class Registered:
    """A registered type, or one that a registered type declares for its fields.

    Attributes:
        cls: the class.
        name: its name in rows: a text, or the name of the registered type and the place of the
            class, if only the fields of that type make it known.
        way: its functions.
        owner: the registered type whose fields declare it; else None.
    """

    cls: type
    name: str | tuple[str, str]
    way: Way
    owner: Registered | None = None

    @cached_property
    def inner(self) -> dict[str, Registered]:
        """The types that its fields declare, by their full names."""
        if self.owner is not None:
            return self.owner.inner
        return {
            where: Registered(cls, (str(self.name), where), way_of(cls), self)
            for where, cls in declared(self.cls).items()
        }


_lock = threading.Lock()
_by_name: dict[str, Registered] = {}
_by_class: dict[tuple[str, str], Registered] = {}

# name of a module: the module, how many names it had, and its classes. Looking at the 900 names of
# anthropic.types takes 10 ms, which is too much for each run of a script.
_by_module: dict[str, tuple[ModuleType, int, list[Registered]]] = {}


class _Own(threading.local):
    """The types that this thread has registered itself.

    A Streamlit script that defines a class makes a new class at every run, and runs of several
    visitors overlap. Each run reads values of the class that it registered itself, so that
    `isinstance` and `==` work with them.
    """

    def __init__(self) -> None:
        self.by_name: dict[str, Registered] = {}
        self.by_class: dict[tuple[str, str], Registered] = {}
        self.loads = 0
        """How many values of registered types this thread has begun to read."""


_own = _Own()


@overload
def register(
    cls: type[T],
    /,
    *,
    name: str | None = None,
    dump: Callable[[T], object],
    load: Callable[[Any], T],
) -> None: ...


@overload
def register(*classes_or_module: type | ModuleType, name: str | None = None) -> None: ...


def register(
    *classes_or_module: Any,
    name: str | None = None,
    dump: Callable[[Any], object] | None = None,
    load: Callable[[Any], Any] | None = None,
) -> None:
    """Register types of your own, or of a library, so that their values can be stored.

    Scripts may call this at every run, as registering again costs nothing. Dataclasses, enums,
    NamedTuples, attrs classes and models of pydantic 2 need no `dump` and `load`.

    Args:
        *classes_or_module: classes; subclasses are not included. Or modules, of which all classes
            are taken that need no `dump` and `load`: those in ``__all__``, or else those with
            public names that are defined in the module or within it.
        name: the name of one class in rows: printable text of 1 to 100 characters. Never change
            it. The class may be renamed or moved. Without it, the name is the place of the class,
            such as ``mymodels.messages.HumanMessage``; a class of the script itself needs a name.
        dump: turns a value of one class into one that can be stored, which may hold registered
            values.
        load: makes the value again from what `dump` returned.

    Raises:
        ConfigError: the name is not valid or belongs to another class, the type can be stored
            without being registered, or the type needs a name, or `dump` and `load`. The message
            shows what to type.

    Example:
        >>> from string import Template
        >>> register(Template, name="template", dump=vars, load=lambda found: Template(**found))
    """
    if not classes_or_module:
        raise ConfigError("register() needs a class or a module.")
    is_one = len(classes_or_module) == 1 and not isinstance(classes_or_module[0], ModuleType)
    if not is_one and (name is not None or dump is not None or load is not None):
        raise ConfigError(
            "name, dump and load of register() belong to one class. Register it alone."
        )
    entries = []
    for item in classes_or_module:
        if isinstance(item, ModuleType):
            entries += [(entry, _is_named_otherwise(entry)) for entry in _members(item)]
        else:
            entries.append((_checked(item, name, dump, load), False))
    with _lock:
        for entry, _ in entries:
            _check_is_free(entry)
        for entry, is_only_read in entries:
            _put(entry, is_only_read)


def find(cls: type, owner: Registered | None = None) -> Registered | None:
    """Find the registered type of a class, by the module and name of the class; else None.

    Another class at the same place counts if it `is_again` the registered one: Streamlit runs the
    user's modules again, which makes new classes while values of the old ones still exist.

    Args:
        cls: the class.
        owner: the registered type inside whose value this is asked. A class that is not
            registered is found if the fields of that type declare it.
    """
    if not _by_class:
        return None
    where = place(cls)
    entry = _own.by_class.get(where) or _by_class.get(where)
    if entry is not None and entry.cls is not cls and not is_again(cls, entry.cls):
        entry = None
    if entry is None and owner is not None:
        return owner.inner.get(full_name(cls))
    return entry


def is_taken(name: str) -> bool:
    """Whether a type is registered under the name."""
    return name in _by_name


def load(content: Any) -> Any:
    """Make the value from the name and the content that a row holds.

    Raises:
        UnreadableError: no type is registered under the name.
        DamagedError: the user's `load` raised an error. Its cause is that error.
    """
    _own.loads += 1
    name, dumped, *rest = content
    entry = _inner_entry(*name) if type(name) is list else _entry(name)
    if rest and (type(dumped) is not dict or len(rest) > 1 or type(rest[0]) is not dict):
        raise DamagedError("fields of another form")
    try:
        if not rest or (entry.way.make is None and not rest[0]):
            return entry.way.load(dumped)
        if entry.way.make is None:
            raise TypeError  # the user's `load` cannot take attributes beside the fields
        return entry.way.make(dumped, rest[0])
    except DamagedError:
        raise
    except Exception as cause:  # the user's code may raise any error
        shown = ascii(name)[: _MAX_NAME + 2]
        raise DamagedError(
            f"a value registered as {shown}, whose load raised a {type(cause).__name__}"
        ) from cause


def loads() -> int:
    """How many values of registered types this thread has begun to read."""
    return _own.loads


def _entry(name: object) -> Registered:
    if type(name) is not str:
        raise DamagedError("a registered value without a name")
    entry = _own.by_name.get(name) or _by_name.get(name) or _declared(name)
    if entry is None:
        shown = repr(name)[: _MAX_NAME + 2]
        raise UnreadableError(
            f"and holds a value of a type that was registered as {shown}, which is not "
            "registered here. "
            f"Call pgstate.register(…, name={shown}) before reading it"
        )
    return entry


def _declared(name: str) -> Registered | None:
    """Find a class that was registered by its place when the row was written, and is not here."""
    return next((held.inner[name] for held in [*_by_name.values()] if name in held.inner), None)


def _inner_entry(name: object, where: object) -> Registered:
    """Find a type that the fields of a registered one declare, also if it has moved meanwhile."""
    if type(where) is not str:
        raise DamagedError("a registered value without a name")
    inner = _entry(name).inner
    if where in inner:
        return inner[where]
    for entry in [*_by_class.values()]:
        if full_name(entry.cls) == where:
            return entry
    moved = [entry for entry in inner.values() if _last(full_name(entry.cls)) == _last(where)]
    if len(moved) == 1:
        return moved[0]
    raise UnreadableError(
        f"and holds a value of the class {where[:_MAX_NAME]!r}, which the fields of the type "
        f"registered as {str(name)!r} do not declare here. Call pgstate.register with that class "
        "before reading it"
    )


def _last(where: str) -> str:
    return where.partition("[")[0].rpartition(".")[2]


# --- registering --------------------------------------------------------------------------


def _checked(
    cls: Any,
    name: str | None,
    dump: Callable[[Any], object] | None,
    load: Callable[[Any], Any] | None,
) -> Registered:
    if name is not None:
        _check_name(name)
    _check_class(cls, name)
    shown = name if name is not None else _name_of(cls)
    if (dump is None) != (load is None):
        raise ConfigError(f"register(…, name={shown!r}) needs both dump and load, or neither.")
    if dump is None or load is None:
        old = _by_name.get(shown)
        if old is not None and old.cls is cls and old.way.make is not None:
            return old  # the same once more
        if reason := obstacle(cls):
            raise ConfigError(f"register(…, name={shown!r}) needs dump and load: {reason}.")
        return Registered(cls, shown, way_of(cls))
    if not callable(dump) or not callable(load):
        raise ConfigError(f"register(…, name={shown!r}) needs functions for dump and load.")
    return Registered(cls, shown, Way(dump, load))


def _name_of(cls: type) -> str:
    """Return the name that follows from the place of a class.

    Raises:
        ConfigError: that place is the script, of which an app may have several, or a function.
    """
    where = full_name(cls)
    if cls.__module__ != "__main__" and "<locals>" not in where:
        return where
    raise ConfigError(
        f"{line_name(cls)} is defined in the script itself or in a function, where others may have "
        "the same name. Give it one that rows keep: "
        f"pgstate.register({line_name(cls)}, name={short_name(cls)!r})."
    )


def _members(module: ModuleType) -> list[Registered]:
    known, size, entries = _by_module.get(module.__name__, (None, 0, []))
    if known is module and size == len(vars(module)):
        return entries
    entries = []
    for cls in classes_of(module):
        name = _name_of(cls)
        old = _by_name.get(name)
        is_same = old is not None and old.cls is cls
        entries.append(old if is_same and old else Registered(cls, name, way_of(cls)))
    if entries:
        _by_module[module.__name__] = module, len(vars(module)), entries
        return entries
    raise ConfigError(
        f"{module.__name__} shows no class that can be registered without dump and load. Name the "
        f"module within it that defines them, such as pgstate.register({module.__name__}.messages)."
    )


def _is_named_otherwise(entry: Registered) -> bool:
    """Whether the class goes on to be written under a name that the user has given it."""
    written = _own.by_class.get(place(entry.cls)) or _by_class.get(place(entry.cls))
    return written is not None and written.name != entry.name


def _check_is_free(entry: Registered) -> None:
    old = _by_name.get(str(entry.name))
    if old is not None and place(old.cls) != place(entry.cls) and is_there(old.cls):
        raise ConfigError(
            f"{entry.name!r} is the name of {full_name(old.cls)} already. "
            f"Register {full_name(entry.cls)} under another one."
        )


def _put(entry: Registered, is_only_read: bool) -> None:
    name, where = str(entry.name), place(entry.cls)
    old = _by_name.get(name)
    if old is not None and _by_class.get(place(old.cls)) is old:
        del _by_class[place(old.cls)]
    _by_name[name] = _own.by_name[name] = entry
    if not is_only_read:
        _by_class[where] = _own.by_class[where] = entry


# --- checks ------------------------------------------------------------------------------


def _check_name(name: object) -> None:
    if type(name) is not str or not 0 < len(name) <= _MAX_NAME or not name.isprintable():
        raise ConfigError(
            f"A registered name is printable text of 1 to {_MAX_NAME} characters, not {name!r}."
        )


def _check_class(cls: object, name: str | None) -> None:
    if not isinstance(cls, type):
        raise ConfigError(
            f"register(…, name={name!r}) needs a class or a module, and got a {type(cls).__name__}."
        )
    if type(cls).__hash__ is None:
        raise ConfigError(f"{full_name(cls)} cannot be registered: its metaclass has no hash.")
    if kinds.is_kept(cls):
        raise ConfigError(f"{full_name(cls)} is kept already, without being registered.")
    if isabstract(cls):
        raise ConfigError(
            f"register(…, name={name!r}): {full_name(cls)} is abstract, so no value is of "
            "this class itself. Register its subclasses."
        )
    if issubclass(cls, PurePath) and (made := _made_by(cls)) is not cls:
        raise ConfigError(
            f"register(…, name={name!r}): {full_name(cls)}() gives a {full_name(made)}. "
            f"Register type({cls.__name__}()) instead."
        )


def _made_by(cls: type) -> type:
    try:
        return type(cls())
    except Exception:  # noqa: BLE001  # a path of another system, or one that needs arguments
        return cls
