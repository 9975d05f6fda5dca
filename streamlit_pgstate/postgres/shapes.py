"""Shapes: which of them a process may read and write. Pure: no I/O.

A deploy of an app gives the shape of what it stores a number, by the setting `shape`. The row of a
session says which shape its values have.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from streamlit_pgstate.errors import ShapeError
from streamlit_pgstate.postgres.rows import SessionRef
from streamlit_pgstate.settings import Settings

FIRST: Final = 1
"""The shape of values that an app without the setting has stored. Their rows have NULL."""


class Fit(Enum):
    """How stored values fit to a process."""

    SAME = "same"
    """It reads and writes them as they are."""
    OLDER = "older"
    """They are to be upgraded before anybody reads them."""
    NEWER = "newer"
    """A newer deploy has stored them: they are neither read nor written."""


def fit(stored: int, known: int | None) -> Fit:
    """Compare the shape of stored values with the one that a process knows.

    Args:
        stored: 0 if nothing is stored.
        known: None if the process minds no shape.
    """
    if known is None or stored in (0, known):
        return Fit.SAME
    return Fit.NEWER if stored > known else Fit.OLDER


def known_to(settings: Settings, ref: SessionRef) -> int | None:
    """The shape that this process knows of a session; None if it minds no shape."""
    if settings.shape is not None:
        return settings.shape
    return FIRST if ref.is_of_page else None


def newer(stored: int, known: int) -> ShapeError:
    """The error that refuses values which a newer deploy has stored."""
    error = ShapeError(
        f"This state was stored by a newer deploy of the app: it has shape {stored}, and this "
        f"process knows shape {known}. Nothing was read or changed. Reload the page once this "
        f"server runs the newer app. If the newer app is not to come back, set shape={stored} "
        "here, too."
    )
    error.stored, error.known = stored, known
    return error
