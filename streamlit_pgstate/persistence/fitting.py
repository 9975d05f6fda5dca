"""Fitting: the value that a widget shows if it cannot show the value that `persist` gives it.

`persist` may restore a value from long ago. The options or the range of the widget may have
changed since then.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from streamlit_pgstate.component.widget import UnfitError, Widget
from streamlit_pgstate.persistence.key import NOTHING


class Fit(Enum):
    """How much of the given value a widget shows."""

    WHOLE = auto()
    PART = auto()
    """Of several chosen options, the widget shows those that it still has."""
    DEFAULT = auto()
    """The widget shows the default that was given to `persist`."""
    OWN = auto()
    """The widget shows its own default."""


@dataclass(frozen=True, slots=True)
class Fitting:
    """The value that a widget shows, in the widget's own type."""

    value: Any
    fit: Fit


def fitting(widget: Widget, value: Any, default: Any = NOTHING) -> Fitting:
    """Return what `widget` shows for `value`; `default` is the one given to `persist`."""
    with contextlib.suppress(UnfitError):
        return Fitting(widget.fitted(value), Fit.WHOLE)
    for candidate, fit in ((_part(widget, value), Fit.PART), (default, Fit.DEFAULT)):
        if candidate is not NOTHING:
            with contextlib.suppress(UnfitError):
                return Fitting(widget.fitted(candidate), fit)
    return Fitting(widget.initial(), Fit.OWN)


def _part(widget: Widget, value: Any) -> Any:
    """Return the options in `value` that the widget has; NOTHING if it has none of them."""
    if not isinstance(value, list):
        return NOTHING
    return [option for option in value if _has(widget, option)] or NOTHING


def _has(widget: Widget, option: Any) -> bool:
    try:
        widget.fitted([option])
    except UnfitError:
        return False
    return True
