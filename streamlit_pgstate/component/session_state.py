"""Access to `st.session_state`, which holds the values of widgets and the script's own values."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Container
from typing import Any, Final

import streamlit as st
from streamlit.errors import StreamlitAPIException
from streamlit.runtime.scriptrunner import get_script_run_ctx

from streamlit_pgstate.component import KEY
from streamlit_pgstate.errors import ConfigError

_SENTINEL: Final = f"$$STREAMLIT_INTERNAL_KEY_{KEY}"
"""A key that `st.session_state` hides, so that no script deletes it, not even by `clear()`."""


def was_emptied_by_streamlit() -> bool:
    """Whether Streamlit itself has emptied `st.session_state` since this was last called.

    It does so when the server's session is new, and when a developer chooses «Clear cache» in the
    page's menu. Then the script has not deleted the values that are gone.

    Private part: `SessionState.filtered_state`, which leaves out Streamlit's internal keys and so
    the sentinel, seen in 1.51 to 1.67. In a version that does not, `st.session_state.clear()` looks
    the same as if Streamlit had emptied it, and what it deletes comes back.
    """
    context = get_script_run_ctx(suppress_warning=True)
    if context is None or _SENTINEL in context.session_state:
        return False
    context.session_state[_SENTINEL] = True
    return True


def has(key: str) -> bool:
    """Whether `st.session_state` has a value under `key`."""
    return key in _behind()


def _behind() -> Any:
    """The state behind `st.session_state`, which takes twice as long to answer.

    A run with twenty persisted widgets asks some hundred times.
    """
    context = get_script_run_ctx(suppress_warning=True)
    return st.session_state if context is None else context.session_state


def refuse_below_widget(key: str) -> None:
    """Refuse `persist` of a key whose widget was drawn in this run, and not only once it matters.

    Private part: `widget_user_keys_this_run` of the script's context, or of its `shared` part, seen
    in 1.51 to 1.67. Without it, `put` refuses as soon as something is stored.

    Raises:
        ConfigError: the widget was drawn already.
    """
    context: Any = get_script_run_ctx(suppress_warning=True)
    drawn = getattr(getattr(context, "shared", context), "widget_user_keys_this_run", ())
    if key in drawn:
        raise _below_widget(key)


def put(key: str, value: Any) -> None:
    """Set `st.session_state[key]`. A widget that is drawn later in this run will show it.

    Raises:
        ConfigError: the widget was drawn already.
    """
    try:
        st.session_state[key] = value
    except StreamlitAPIException as error:
        raise _below_widget(key) from error


def _below_widget(key: str) -> ConfigError:
    return ConfigError(
        f"persist({key!r}) must stand above the widget with this key: Streamlit does not "
        "allow a widget to be set after it was drawn."
    )


def get(key: str) -> Any:
    """`st.session_state[key]`; a selection as the plain dictionary that it is."""
    value = _behind()[key]
    return plain(value) if isinstance(value, dict) and type(value) is not dict else value


def plain(value: Any) -> Any:
    """`value`, as a plain dictionary if it is a selection, for which Streamlit has a class."""
    if type(value).__module__.startswith("streamlit") and isinstance(value, dict):
        return {name: plain(part) for name, part in value.items()}
    return value


def drop_presenter(key: str) -> None:
    """Have `st.session_state` give the plain values of a component, as this package reads them.

    Streamlit makes a class of its own each time that anybody looks at all values, as each text
    input does. With twenty of them and three instances of our component that were 60 classes a run:
    3 of its 20 ms, and 2,400 objects for the garbage collection.

    Args:
        key: of the component, which this run has mounted.
    """
    amend_metadata(key, presenter=None)


def amend_metadata(key: str, **changes: Any) -> None:
    """Change what Streamlit knows of the widget drawn under `key` in this run.

    Private part: the `WidgetMetadata` in `_state` of the script's `session_state`, with `callback`
    and `presenter`, seen in 1.51 to 1.67. Without it nothing changes: callbacks in forms are never
    called, and a class is made for each look at a component's values.
    """
    context: Any = get_script_run_ctx(suppress_warning=True)
    with contextlib.suppress(AttributeError, KeyError, TypeError):
        state = context.session_state._state
        known = state._new_widget_state.widget_metadata
        widget = state._key_id_mapper._key_id_mapping[key]
        known[widget] = dataclasses.replace(known[widget], **changes)


def drop(key: str) -> None:
    """Remove `key` from `st.session_state`."""
    st.session_state.pop(key, None)


def of_widgets() -> set[str]:
    """The keys of `st.session_state` for which the page has sent a widget's value.

    Private parts: `_key_id_mapper` and `_new_widget_state` of the state behind it, seen in 1.51 to
    1.67. Without them the result is empty, and the widgets begin with the stored values.
    """
    context: Any = get_script_run_ctx(suppress_warning=True)
    try:
        state = context.session_state._state
        sent, ids = state._new_widget_state, state._key_id_mapper
        return {key for key in state.filtered_state if ids.get_id_from_key(key, "") in sent}
    except AttributeError:
        return set()


def clear(*, keep: Container[str]) -> None:
    """Empty `st.session_state`, except for this package's keys and those in `keep`.

    It was filled from another state. What `setdefault` has put there would hide the values of the
    present state.

    Private parts: the `_lock` and `_state` behind it, seen in 1.51 to 1.67. Streamlit may end an
    overtaken run at any access to `st.session_state` itself, but not at these. So either all is
    deleted or nothing. Without them a run may end halfway.
    """
    context = get_script_run_ctx(suppress_warning=True)
    safe = context.session_state if context is not None else None
    state, lock = getattr(safe, "_state", st.session_state), getattr(safe, "_lock", None)
    with lock or contextlib.nullcontext():
        for key in list(st.session_state if state is st.session_state else state.filtered_state):
            if str(key) not in keep and not str(key).startswith(KEY):
                del state[key]
