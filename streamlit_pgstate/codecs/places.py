"""Where a class is defined: its module and its name there, by which it is known again.

Streamlit runs the user's modules again, which makes new classes at the same places.
"""

from __future__ import annotations

import re
import sys
from typing import Any

__all__ = ["full_name", "is_there", "line_name", "place", "short_name"]


def place(cls: type) -> tuple[str, str]:
    """Return the module of a class and its qualified name, with what its parameters are.

    pydantic calls ``Box[a.Item]`` and ``Box[b.Item]`` both "Box[Item]".
    """
    name = cls.__qualname__
    return str(cls.__module__), _with_parameters(cls, name) if name.endswith("]") else name


def full_name(cls: type) -> str:
    """Return the place of a class as text, such as ``mymodels.messages.HumanMessage``."""
    return ".".join(place(cls))


def line_name(cls: type) -> str:
    """Return what a line of code calls a class, such as ``Outer.Inner`` or ``Box[int]``."""
    return cls.__qualname__.rpartition("<locals>.")[2]


def short_name(cls: type) -> str:
    """Return a name to register a class under, such as ``human_message`` for HumanMessage."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", line_name(cls))
    return re.sub(r"\W+", "_", words).strip("_").lower()


def is_there(cls: type) -> bool:
    """Whether the module of the class still has a class of this name: not moved or renamed."""
    found: object = sys.modules.get(str(cls.__module__))
    for step in cls.__qualname__.partition("[")[0].split("."):
        if step == "<locals>":
            return True
        found = getattr(found, step, None)
    return found is not None


def _with_parameters(cls: Any, name: str) -> str:
    parameters = getattr(cls, "__pydantic_generic_metadata__", {}).get("args", ())
    if not parameters:
        return name
    return f"{name.partition('[')[0]}[{', '.join(map(_parameter, parameters))}]"


def _parameter(parameter: object) -> str:
    if type(parameter) is type and parameter.__module__ == "builtins":
        return parameter.__qualname__
    return full_name(parameter) if isinstance(parameter, type) else repr(parameter)
