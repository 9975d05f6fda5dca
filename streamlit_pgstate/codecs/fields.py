"""Classes that need no functions of the user: what their values hold, and how they are made again.

Values of dataclasses, attrs classes and pydantic models are taken apart into their *fields* and the
*rest*: other attributes, and what pydantic keeps beside the fields. They are made again without
calling the class, as `copy` and `pickle` do. So no converter, validator or `__post_init__` changes
a value on its way, and none refuses to read what was stored.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Set
from enum import Enum, Flag
from functools import cached_property
from inspect import getattr_static, isabstract
from types import MemberDescriptorType
from typing import Any

from . import kinds, models
from .payload import DamagedError, RefusedError
from .places import full_name

__all__ = ["Way", "is_again", "is_registrable", "obstacle", "way_of"]

# What typing writes into values of generic classes (`Box[int](1)`), and attrs' cache of a hash,
# which another process computes anew.
_ALIAS, _HASH = "__orig_class__", "_attrs_cached_hash"

_NONE = object()


@dataclasses.dataclass(frozen=True, slots=True)
class Way:
    """How values of a class are taken apart, and made again.

    Attributes:
        dump: returns the content of a value; if there is `make`, the pair of fields and rest.
        load: makes a value of the content, or of the fields that an earlier version wrote.
        make: makes a value of fields and rest. None if the content is one value.
    """

    dump: Callable[[Any], Any]
    load: Callable[[Any], Any]
    make: Callable[[dict[str, Any], dict[str, Any]], Any] | None = None


def is_registrable(cls: type) -> bool:
    """Whether `register` takes the class without functions, and its values need that."""
    return obstacle(cls) is None and not kinds.is_kept(cls) and not isabstract(cls)


def obstacle(cls: Any) -> str | None:
    """Say why a class can be registered only with `dump` and `load`; None if it needs neither."""
    if issubclass(cls, Enum) or _is_named_tuple(cls):
        return None
    if not (dataclasses.is_dataclass(cls) or models.is_model(cls) or _is_attrs(cls)):
        return (
            f"{full_name(cls)} is not a dataclass, enum, NamedTuple, pydantic model or attrs class"
        )
    if hasattr(cls, "_sa_class_manager"):
        return f"{full_name(cls)} is mapped by SQLAlchemy, whose session its values belong to"
    if base := _other_base(cls):
        return f"{full_name(cls)} is a {base.__name__}, too, whose content is not in a field"
    return None


def _other_base(cls: Any) -> type | None:
    """Find the class, such as dict or Exception, whose values hold more than attributes."""
    bases: list[type] = [base for base in reversed(cls.__mro__) if base is not object]
    for base in bases:
        if base in kinds.PLAIN or not _is_made_of_attributes(base):
            return base
    return None


def _is_made_of_attributes(base: type) -> bool:
    if hasattr(base, "__del__") or isabstract(base):
        return True
    try:
        object.__new__(base)
    except TypeError:
        return False
    return True


def way_of(cls: Any) -> Way:
    """Return the way of a class for which `obstacle` says nothing."""
    if issubclass(cls, Flag):
        return Way(lambda member: member._value_, cls)
    if issubclass(cls, Enum):
        # Not cls.__getitem__, which is str's own if the members are text.
        return Way(_dump_member, lambda name: cls[name])
    of_object: type = cls
    if dataclasses.is_dataclass(cls):
        return _way_of_object(of_object, _dataclass_fields, _dataclass_loader(cls))
    if _is_named_tuple(cls):
        return Way(_dump_tuple, _tuple_loader(cls))
    if models.is_model(cls):
        return Way(
            lambda model: models.dump(model, _is_made_anew),
            models.loader(cls),
            models.maker(cls),
        )
    return _way_of_object(cls, _attrs_fields, lambda found: cls(**found))


def is_again(cls: Any, known: Any) -> bool:
    """Whether a class is another one at the same place again, so that its values are read by it.

    Streamlit makes a script's classes anew in each run, and the script may have got further fields
    since. Another class may be at the same place: that of another page, or of another call of
    `namedtuple`, `make_dataclass` or `DataFrame.itertuples`.
    """
    (sort, names), (known_sort, known_names) = _form_of(cls), _form_of(known)
    if sort != known_sort:
        return False
    if sort == "NamedTuple":
        return known_names[: len(names)] == names
    return set(names) <= set(known_names)


def _form_of(cls: Any) -> tuple[str, list[str]]:
    """Return what sort of class it is, and the names of its members or fields."""
    if issubclass(cls, Enum):
        return "enum", list(cls.__members__)
    if dataclasses.is_dataclass(cls):
        return "dataclass", [field.name for field in dataclasses.fields(cls)]
    if _is_named_tuple(cls):
        return "NamedTuple", list(cls._fields)
    if models.is_model(cls):
        return "model", list(cls.model_fields)
    return ("attrs", list(_attrs_fields(cls))) if _is_attrs(cls) else ("", [])


# --- enums -------------------------------------------------------------------------------


def _dump_member(member: Any) -> str:
    name: str = member._name_
    if type(member)._member_map_.get(name) is not member:
        raise RefusedError(
            f"a {full_name(type(member))} that `_missing_` has made, which is no member of the "
            "class. Keep `value.value` instead, or register the class with dump and load"
        )
    return name


# --- NamedTuples -------------------------------------------------------------------------


def _is_named_tuple(cls: Any) -> bool:
    return issubclass(cls, tuple) and hasattr(cls, "_fields")


def _dump_tuple(value: Any) -> dict[str, object]:
    for name in getattr(value, "__dict__", ()):
        raise RefusedError(
            f"a {full_name(type(value))} with the attribute {name!r}, which is none of its fields. "
            "Keep `{**value._asdict(), **vars(value)}` instead, or register the class with dump "
            "and load"
        )
    return dict(zip(value._fields, value, strict=True))


def _tuple_loader(cls: Any) -> Callable[[dict[str, Any]], Any]:
    def load(found: dict[str, Any]) -> Any:
        if not found.keys() <= set(cls._fields):
            raise TypeError
        every = {**cls._field_defaults, **found}
        # Not cls(…), which calls the class's own __new__, whatever arguments that takes.
        return tuple.__new__(cls, [every[name] for name in cls._fields])

    return load


# --- dataclasses and attrs ---------------------------------------------------------------

# name of a field: the function that makes its default, or None
_Fields = Mapping[str, Callable[[], object] | None]


def _dataclass_fields(cls: Any) -> _Fields:
    return {field.name: _default_of(field) for field in dataclasses.fields(cls)}


def _default_of(field: dataclasses.Field[Any]) -> Callable[[], object] | None:
    if field.default is not dataclasses.MISSING:
        return lambda: field.default
    return None if field.default_factory is dataclasses.MISSING else field.default_factory


def _is_attrs(cls: Any) -> bool:
    return isinstance(getattr(cls, "__attrs_attrs__", None), tuple)


def _attrs_fields(cls: Any) -> _Fields:
    return {field.name: _attrs_default_of(field) for field in cls.__attrs_attrs__}


def _attrs_default_of(field: Any) -> Callable[[], object] | None:
    default = field.default
    if type(default).__name__ == "_Nothing":
        return None
    if type(default).__name__ != "Factory":
        return lambda: default
    factory: Callable[[], object] = default.factory
    return None if default.takes_self else factory


def _dataclass_loader(cls: Any) -> Callable[[dict[str, Any]], Any]:
    own = [field.name for field in dataclasses.fields(cls) if not field.init]

    def load(found: dict[str, Any]) -> Any:
        value = cls(**{name: item for name, item in found.items() if name not in own})
        for name, item in found.items():  # restores fields that __post_init__ changed
            object.__setattr__(value, name, item)
        return value

    return load


def _way_of_object(
    cls: type, fields_of: Callable[[type], _Fields], load: Callable[[dict[str, Any]], Any]
) -> Way:
    known, slots = fields_of(cls), _slots(cls)

    def dump(value: Any) -> tuple[dict[str, object], dict[str, object]]:
        found = type(value)
        if found is cls:
            return _taken_apart(value, known.keys(), slots)
        return _taken_apart(value, fields_of(found).keys(), _slots(found))  # of an earlier run

    def make(fields: dict[str, Any], rest: dict[str, Any]) -> Any:
        if fields.keys() == known.keys():
            return _restored(object.__new__(cls), {**fields, **rest} if rest else fields, slots)
        _check_names(cls, fields, known)
        makers = {
            name: maker
            for name, maker in known.items()
            if name not in fields and not _is_descriptor(cls, name)
        }
        if None in makers.values():  # the class has more fields by now, which only __init__ makes
            return _restored(load(fields), rest, slots)
        added = {name: maker() for name, maker in makers.items() if maker is not None}
        return _restored(object.__new__(cls), {**fields, **added, **rest}, slots)

    return Way(dump, load, make)


def _taken_apart(
    value: Any, names: Set[str], slots: dict[str, Any]
) -> tuple[dict[str, object], dict[str, object]]:
    held = getattr(value, "__dict__", {})
    fields = {name: held[name] for name in names if name in held}
    if len(fields) == len(names) == len(held) and not slots:
        return fields, {}
    found = _in_slots(value, slots)
    if found.keys() == slots.keys() == names and not held:
        return found, {}
    found |= held
    fields = {}
    for name in names:
        # A default that the value itself does not hold is an attribute of its class.
        item = found.get(name, _NONE)
        if item is _NONE and _is_descriptor(type(value), name):
            continue  # a property, whose content is in other attributes
        if item is _NONE and name not in slots:
            item = getattr_static(type(value), name, _NONE)
        if item is _NONE:
            raise RefusedError(
                f"a {full_name(type(value))} whose field {name!r} was never set. "
                f"Set it before: `value.{name} = None`"
            )
        fields[name] = item
    rest = {
        name: item
        for name, item in found.items()
        if name not in fields and not _is_made_anew(type(value), name)
    }
    if _HASH in rest:
        rest[_HASH] = None
    return fields, rest


def _restored(value: Any, found: dict[str, Any], slots: dict[str, Any]) -> Any:
    """Set the attributes, past every property and `__setattr__` of the class."""
    for name, item in found.items():
        if type(name) is not str:
            raise DamagedError("an attribute without a name")
        if name in slots:
            slots[name].__set__(value, item)
        else:
            value.__dict__[name] = item
    return value


def _in_slots(value: Any, slots: dict[str, Any]) -> dict[str, Any]:
    found = {}
    for name, slot in slots.items():
        try:
            found[name] = slot.__get__(value)
        except AttributeError:  # the slot is empty
            continue
    return found


def _slots(cls: type) -> dict[str, Any]:
    return {
        name: found
        for base in reversed(cls.__mro__)
        for name, found in vars(base).items()
        if type(found) is MemberDescriptorType
    }


def _is_descriptor(cls: type, name: str) -> bool:
    found = getattr_static(cls, name, None)
    return hasattr(type(found), "__set__") and type(found) is not MemberDescriptorType


def _is_made_anew(cls: type, name: str) -> bool:
    """Whether an attribute need not be stored, because Python makes it again by itself."""
    found = getattr_static(cls, name, None)
    return name == _ALIAS or isinstance(getattr(found, "wrapped", found), cached_property)


def _check_names(cls: type, fields: dict[str, Any], known: Iterable[str]) -> None:
    for name in fields.keys() - set(known):
        raise DamagedError(
            f"the field {str(name)[:40]!r} of a {full_name(cls)}, which this class does not have. "
            "Read it with a class that has the field, too"
        )
