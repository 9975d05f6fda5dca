"""A master: a decoded value that nobody else has, of which each caller gets a copy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

__all__ = ["FindMaster", "Master"]


@dataclass(frozen=True, slots=True)
class Master:
    """A decoded value that nobody else has. `masters.master_of` makes one.

    Attributes:
        copy: returns a copy, which is exact, and which the caller may change. Several threads may
            call it at once.
        size: how many bytes of memory the value takes.
    """

    copy: Callable[[], Any]
    size: int


FindMaster: TypeAlias = Callable[[Any], Master | None]
"""Makes the master of a value; None where copies might not be exact, or not the caller's own."""
