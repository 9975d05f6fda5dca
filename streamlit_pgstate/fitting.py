"""Fitting: which value a widget shows where it cannot show the one that it is to show.

Between `persist`, which has a value from long ago, and the widget, whose options or range may be
others by now.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from streamlit_pgstate.binding import NOTHING
from streamlit_pgstate.component.widget import UnfitError, Widget


class Fit(Enum):
    """What a widget shows of the value that it is to show."""

    WHOLE = auto()
    DEFAULT = auto()
    """The default that was given to `persist`."""
    OWN = auto()
    """The widget's own default."""


@dataclass(frozen=True, slots=True)
class Fitting:
    """The value that a widget shows, as the widget has it."""

    value: Any
    fit: Fit


def fitting(widget: Widget, value: Any, default: Any = NOTHING) -> Fitting:
    """What `widget` shows for `value`; `default` is the one given to `persist`."""
    try:
        return Fitting(widget.fitted(value), Fit.WHOLE)
    except UnfitError:
        pass
    if default is not NOTHING:
        try:
            return Fitting(widget.fitted(default), Fit.DEFAULT)
        except UnfitError:
            pass
    return Fitting(widget.initial(), Fit.OWN)
