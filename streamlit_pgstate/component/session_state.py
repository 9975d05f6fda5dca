"""`st.session_state`: values of widgets and of the script's own."""

from __future__ import annotations

import contextlib
from collections.abc import Container
from typing import Any, Final

import streamlit as st
from streamlit.errors import StreamlitAPIException
from streamlit.runtime.scriptrunner import get_script_run_ctx

from streamlit_pgstate.component import KEY
from streamlit_pgstate.errors import ConfigError

_LEFT_ALONE: Final = f"$$STREAMLIT_INTERNAL_KEY_{KEY}"
"""A key that `st.session_state` does not show, so that no script deletes it, not by `clear()`."""


def was_emptied_by_streamlit() -> bool:
    """Whether Streamlit itself has emptied `st.session_state` since this was asked last.

    The server's session is new, or a developer has chosen «Clear cache» in the page's menu: no
    script has deleted what is gone. By a key of Streamlit's internal ones, which
    `SessionState.filtered_state` leaves out, seen in 1.51 to 1.67. If it no longer does,
    `st.session_state.clear()` counts as Streamlit's doing too, and what it deletes comes back.
    """
    context = get_script_run_ctx(suppress_warning=True)
    if context is None or _LEFT_ALONE in context.session_state:
        return False
    context.session_state[_LEFT_ALONE] = True
    return True


def has(key: str) -> bool:
    """Whether `st.session_state` has a value under `key`."""
    return key in st.session_state


def put(key: str, value: Any) -> None:
    """Set `st.session_state[key]`, which a widget that is drawn later in this run will show.

    Raises:
        ConfigError: the widget was drawn already.
    """
    try:
        st.session_state[key] = value
    except StreamlitAPIException as error:
        raise ConfigError(
            f"persist({key!r}) must stand above the widget with this key: Streamlit lets nobody "
            "set a widget that was drawn."
        ) from error


def get(key: str) -> Any:
    """`st.session_state[key]`; a selection as the plain dictionary that it is."""
    value = st.session_state[key]
    return plain(value) if isinstance(value, dict) and type(value) is not dict else value


def plain(value: Any) -> Any:
    if type(value).__module__.startswith("streamlit") and isinstance(value, dict):
        return {name: plain(part) for name, part in value.items()}
    return value


def drop(key: str) -> None:
    """Remove `key` from `st.session_state`."""
    st.session_state.pop(key, None)


def of_widgets() -> set[str]:
    """The keys of `st.session_state` under which the page has sent a widget's value.

    `_key_id_mapper` and `_new_widget_state` of the state behind it, seen in 1.51 to 1.67; without
    them none: the widgets begin at what is stored.
    """
    context: Any = get_script_run_ctx(suppress_warning=True)
    try:
        state = context.session_state._state
        sent, ids = state._new_widget_state, state._key_id_mapper
        return {key for key in state.filtered_state if ids.get_id_from_key(key, "") in sent}
    except AttributeError:
        return set()


def clear(*, keep: Container[str]) -> None:
    """Empty `st.session_state`, but for the keys of `keep` and what is ours: all of it or nothing.

    It was filled from another state: what `setdefault` has put there would hide the values that
    the present one has. Each access of a script's is a place where Streamlit ends a run that was
    overtaken; the `_lock` and `_state` behind it are not, seen in 1.51 to 1.67.
    """
    context = get_script_run_ctx(suppress_warning=True)
    safe = context.session_state if context is not None else None
    state, lock = getattr(safe, "_state", st.session_state), getattr(safe, "_lock", None)
    with lock or contextlib.nullcontext():
        for key in list(st.session_state if state is st.session_state else state.filtered_state):
            if str(key) not in keep and not str(key).startswith(KEY):
                del state[key]
