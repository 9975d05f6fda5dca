"""Callbacks of widgets for which Streamlit takes none: those in forms."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable
from typing import Any

from streamlit.runtime.scriptrunner import get_script_run_ctx


def attach(key: str, callback: Callable[[], None]) -> None:
    """Have the widget that was drawn under `key` in this run call back when its value has changed.

    Streamlit refuses that in forms only because it could not be at once: with the form, it is.
    `callback` of the `WidgetMetadata` in `_state` of the script's `session_state`, seen in 1.51 to
    1.67. Without it nothing calls back, and the script has to come by the widget.
    """
    context: Any = get_script_run_ctx(suppress_warning=True)
    with contextlib.suppress(AttributeError, KeyError, TypeError):
        state = context.session_state._state
        known = state._new_widget_state.widget_metadata
        widget = state._key_id_mapper._key_id_mapping[key]
        known[widget] = dataclasses.replace(known[widget], callback=callback)
