"""Fitting: which value a widget shows where it cannot show the one that it is to show.

`persist` may have a value from long ago. The widget's options or its range may be others by now.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from streamlit_pgstate.component.widget import UnfitError, Widget
from streamlit_pgstate.persistence.key import NOTHING


class Fit(Enum):
    """What a widget shows of the value that it is to show."""

    WHOLE = auto()
    PART = auto()
    """Of a choice of several options those that are still there."""
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
    with contextlib.suppress(UnfitError):
        return Fitting(widget.fitted(value), Fit.WHOLE)
    for candidate, fit in ((_part(widget, value), Fit.PART), (default, Fit.DEFAULT)):
        if candidate is not NOTHING:
            with contextlib.suppress(UnfitError):
                return Fitting(widget.fitted(candidate), fit)
    return Fitting(widget.initial(), Fit.OWN)


def _part(widget: Widget, value: Any) -> Any:
    """The options in `value` that the widget has; NOTHING where there are none."""
    if not isinstance(value, list):
        return NOTHING
    return [option for option in value if _has(widget, option)] or NOTHING


def _has(widget: Widget, option: Any) -> bool:
    try:
        widget.fitted([option])
    except UnfitError:
        return False
    return True
