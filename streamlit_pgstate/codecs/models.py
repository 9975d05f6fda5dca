"""Models of pydantic 2: fields, fields that were set, extra fields and private attributes.

What pydantic itself pickles is stored, and no serializer or validator runs. Models that earlier
versions stored are validated: they were written by `model_dump`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from inspect import signature
from typing import Any

from .payload import DamagedError, RefusedError
from .places import full_name

__all__ = ["dump", "is_model", "loader", "maker"]


def is_model(cls: Any) -> bool:
    """Whether the class is a model of pydantic 2."""
    is_of_pydantic = hasattr(cls, "model_fields") and hasattr(cls, "__pydantic_validator__")
    # BaseModel itself has no private attributes, and no values.
    return is_of_pydantic and hasattr(cls, "__private_attributes__")


def dump(
    model: Any, is_made_anew: Callable[[type, str], bool]
) -> tuple[dict[str, object], dict[str, object]]:
    """Return the fields, and the rest: what differs from a model whose fields were all set.

    Raises:
        RefusedError: a field, or a private attribute, that has a default was deleted.
    """
    cls = type(model)
    known = cls.model_fields
    held, rest = model.__dict__, dict[str, object]()
    fields = {name: item for name, item in held.items() if name in known}
    if len(fields) < len(known):
        for name, field in known.items():
            if name not in fields and not field.is_required():
                raise _deleted(cls, f"field {name!r}", name)
    others = {
        name: item
        for name, item in held.items()
        if name not in known and not is_made_anew(cls, name)
    }
    if others:
        rest["attributes"] = others
    extra = model.__pydantic_extra__
    if extra != _no_extra(cls):
        rest["extra"] = extra
    were_set = model.__pydantic_fields_set__
    if were_set != fields.keys() | (extra or {}).keys():
        rest["set"] = sorted(were_set, key=str)
    private = model.__pydantic_private__
    if private is not None or cls.__private_attributes__:
        for name in _defaults(cls).keys() - (private or {}).keys():
            raise _deleted(cls, f"private attribute {name!r}", name)
        rest["private"] = private
    return fields, rest


def _deleted(cls: type, what: str, name: str) -> RefusedError:
    return RefusedError(
        f"a {full_name(cls)} whose {what} was deleted. Set it before: `value.{name} = None`"
    )


def _no_extra(cls: Any) -> dict[str, object] | None:
    return {} if cls.model_config.get("extra") == "allow" else None


def _defaults(cls: Any) -> dict[str, Callable[[], object]]:
    nothing = sys.modules["pydantic_core"].PydanticUndefined
    return {
        name: attribute.get_default
        for name, attribute in cls.__private_attributes__.items()
        if attribute.default is not nothing or attribute.default_factory is not None
    }


def maker(cls: Any) -> Callable[[dict[str, Any], dict[str, Any]], Any]:
    """Return the function that makes a model of fields and rest."""

    known, defaults, no_extra = cls.model_fields, _defaults(cls), _no_extra(cls)
    has_private, is_root = bool(cls.__private_attributes__), bool(cls.__pydantic_root_model__)

    def make(fields: dict[str, Any], rest: dict[str, Any]) -> Any:
        held, extra = fields, rest.get("extra", None if no_extra is None else {})
        if held.keys() != known.keys():
            held, extra = _as_it_is_now(cls, fields, extra)
        were_set = rest.get("set")
        if were_set is None:
            were_set = [*(name for name in fields if name in known), *(extra or ())]
        private = rest.get("private")
        if not rest.keys() <= _REST or type(were_set) is not list:
            raise DamagedError("parts of a model that this version does not know")
        if type(extra) not in _DICTS or type(private) not in _DICTS:
            raise DamagedError("parts of a model of another form")
        if has_private and rest.get("private", defaults) is not None:
            added = {name: make() for name, make in defaults.items()}
            private = {**added, **(private or {})}
        model = object.__new__(cls)
        put = object.__setattr__
        if "attributes" in rest:
            held = {**held, **rest["attributes"]}
        put(model, "__dict__", held)
        put(model, "__pydantic_fields_set__", set(were_set))
        if not is_root:  # of which these two are attributes of the class
            put(model, "__pydantic_extra__", extra)
            put(model, "__pydantic_private__", private)
        return model

    return make


_REST = frozenset({"attributes", "extra", "set", "private"})
_DICTS = (dict, type(None))


def _as_it_is_now(
    cls: Any, fields: dict[str, Any], extra: dict[str, Any] | None
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Return the fields and extra fields of a row for a class that has got or lost fields since."""
    known = cls.model_fields
    held = {name: item for name, item in fields.items() if name in known}
    if len(held) < len(fields):
        lost = {name: item for name, item in fields.items() if name not in known}
        extra = _with_lost(cls, lost, extra)
    for name, field in known.items():
        if name not in held and not field.is_required():
            held[name] = _default(field, held)
    return held, extra


def _with_lost(
    cls: Any, lost: dict[str, Any], extra: dict[str, Any] | None
) -> dict[str, Any] | None:
    """Treat fields that the class no longer has as the model treats fields that it does not know.

    Raises:
        DamagedError: the model forbids them.
    """
    setting = cls.model_config.get("extra")
    if setting == "forbid":
        raise DamagedError(
            f"the field {str(next(iter(lost)))[:40]!r} of a {full_name(cls)}, "
            "which forbids fields that it does not have"
        )
    return {**lost, **(extra or {})} if setting == "allow" else extra


def _default(field: Any, held: dict[str, Any]) -> object:
    if getattr(field, "default_factory_takes_validated_data", False):
        return field.get_default(call_default_factory=True, validated_data=held)
    return field.get_default(call_default_factory=True)


def loader(cls: Any) -> Callable[[Any], Any]:
    """Return the function that makes a model of what `model_dump` gave to an earlier version."""
    # Rows hold the names of the fields, not their aliases. Before 2.11, pydantic has no argument
    # for that, only a setting of the model.
    by_name = {"by_name": True} if "by_name" in signature(cls.model_validate).parameters else {}
    return lambda found: cls.model_validate(found, **by_name)
