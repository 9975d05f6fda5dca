"""What a `Form` is: a marker, and the two functions that take a value apart and make it again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["Form", "expect"]


@dataclass(frozen=True, slots=True)
class Form:
    """How values of a class are written as a simpler value; `forms` says how it is used.

    Attributes:
        marker: the marker, such as ``$deque``. It is written into rows, so it is for ever.
        take_apart: returns the content and then the notes of a value. Raises `RefusedError` for
            what cannot be kept exactly.
        put_together: makes the value from the content and the notes. May raise any exception if
            they are damaged.
        notes: how many notes there are.
        is_leaf: the value holds no others, so that its content adds no level of depth.
        size: a lower bound of the size of the content in bytes, known before it is copied.
    """

    marker: str
    take_apart: Callable[[Any], tuple[Any, ...]]
    put_together: Callable[..., Any]
    notes: int = 0
    is_leaf: bool = False
    size: Callable[[Any], int] | None = None


def expect(content: Any, *kinds: type) -> Any:
    """Return the content if it is of exactly one of the classes.

    Raises:
        TypeError: it is of another class.
    """
    if type(content) not in kinds:
        raise TypeError
    return content
