"""The classes of a module that can be registered without functions, for `register(module)`."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from types import ModuleType

from .fields import is_registrable

__all__ = ["classes_of"]


def classes_of(module: ModuleType) -> list[type]:
    """Return the classes that a module shows and that can be registered without functions.

    A module that has ``__all__`` shows the names in it, wherever they come from. Any other shows
    the classes with public names that are defined in it, and if it is a package, also those that
    it takes from modules within itself. Modules within it that nothing has imported stay so.
    """
    return [cls for cls in dict.fromkeys(_shown(module)) if is_registrable(cls)]


def _shown(module: ModuleType) -> Iterator[type]:
    names = getattr(module, "__all__", None)
    for name in [*vars(module)] if names is None else names:
        found = _get(module, name)
        if not inspect.isclass(found) or type(found).__hash__ is None:
            continue
        if names is not None or (not name.startswith("_") and _is_of(found, module)):
            yield found


def _get(module: ModuleType, name: str) -> object:
    try:
        return getattr(module, name, None)
    except ImportError:  # it is imported when it is asked for, and needs what is not installed
        return None


def _is_of(cls: type, module: ModuleType) -> bool:
    return f"{cls.__module__}.".startswith(f"{module.__name__}.")
