"""Callbacks of widgets in forms, for which Streamlit accepts none."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable
from typing import Any

from streamlit.runtime.scriptrunner import get_script_run_ctx


def attach(key: str, callback: Callable[[], None]) -> None:
    """Call `callback` when the value of the widget drawn under `key` in this run has changed.

    Streamlit refuses callbacks in forms because it could not call them at once. Here the callback
    comes when the form is submitted, which is what this package needs.

    Private part: `callback` of the `WidgetMetadata` in `_state` of the script's `session_state`,
    seen in 1.51 to 1.67. Without it the callback is never called, and the change is seen only when
    the script draws the widget.
    """
    context: Any = get_script_run_ctx(suppress_warning=True)
    with contextlib.suppress(AttributeError, KeyError, TypeError):
        state = context.session_state._state
        known = state._new_widget_state.widget_metadata
        widget = state._key_id_mapper._key_id_mapping[key]
        known[widget] = dataclasses.replace(known[widget], callback=callback)
