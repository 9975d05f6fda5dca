"""Attributes that a user has set on an object of a library, such as ``frame.note = "twice"``."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from .payload import DamagedError, RefusedError, UnreadableError
from .refusals import class_name

__all__ = ["check_none", "own_attributes", "set_own_attributes"]


def own_attributes(value: Any, known: Collection[str] = ()) -> dict[str, Any]:
    """Return the attributes of an object that its class does not know.

    Names that begin with an underscore are the library's. So are those that the class has: pandas
    puts an accessor such as ``.str`` into the object when it is first used.

    Args:
        value: the object.
        known: names of attributes that are part of the value.
    """
    cls = type(value)
    return {
        name: item
        for name, item in vars(value).copy().items()  # another thread may add an accessor
        if name not in known and not name.startswith("_") and not hasattr(cls, name)
    }


def set_own_attributes(value: Any, own: Any) -> None:
    """Set what `own_attributes` has returned.

    Raises:
        DamagedError: a name is one of the library's.
        UnreadableError: the class has such an attribute by now.
    """
    held = vars(value)
    for name, item in own.items():
        if type(name) is not str or name.startswith("_") or name in held:
            raise DamagedError("an attribute that cannot be a user's own")
        if hasattr(type(value), name):
            raise UnreadableError(
                f"and has an attribute of its user's own that {class_name(type(value))} here has "
                "itself. Run the version of the library that wrote it"
            )
        held[name] = item


def check_none(value: Any, known: Collection[str] = ()) -> None:
    """Check that an object has no attributes of its own, where these are not kept.

    Raises:
        RefusedError: it has some.
    """
    if own := own_attributes(value, known):
        name = min(own)
        raise RefusedError(
            f"a {class_name(type(value))} with the attribute {name!r} of your own, which is not "
            f"kept. Keep it beside the value, and take it off: del value.{name}"
        )
