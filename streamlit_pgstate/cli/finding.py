"""A finding of `doctor`: what was tried, and how it is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was tried."""

    what: str
    said: str
    is_bad: bool | None = False
    """None where it could not be tried, or where neither answer is wrong."""
    advice: str = ""
    """What to do."""
