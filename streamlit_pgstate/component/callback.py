"""Callbacks of widgets in forms, for which Streamlit accepts none."""

from __future__ import annotations

from collections.abc import Callable

from streamlit_pgstate.component import session_state


def attach(key: str, callback: Callable[[], None]) -> None:
    """Call `callback` when the value of the widget drawn under `key` in this run has changed.

    Streamlit refuses callbacks in forms because it could not call them at once. Here the callback
    comes when the form is submitted, which is what this package needs.

    Where a Streamlit does not allow it, the change is seen only when the script draws the widget.
    """
    session_state.amend_metadata(key, callback=callback)
