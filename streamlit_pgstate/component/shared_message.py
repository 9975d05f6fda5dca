"""Messages of the browser that bring an answer of this package's and the visitor's input together.

Streamlit's page gathers all that happens within one turn of its event loop into one message. The
message names one fragment to run: that of whatever came from a fragment. So when the visitor
clicked in the same turn in which a live page asked for changes, only the fragment of the live page
ran. The page went on without the click. On a busy machine that was one input of 500.

Here such a message runs what the input alone would have run: the whole page, or the fragment of the
app that the input is in.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, Final

from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.state import SessionState

from streamlit_pgstate.component import KEY, script

_OWN: Final = f"_{KEY}_fragments"
"""The attribute in which a tab keeps the ids of the fragments of this package."""

_LAST: Final = f"_{KEY}_message"
"""The attribute in which a tab keeps the last message of its page."""

_TRIGGERS: Final = frozenset(
    {"trigger_value", "string_trigger_value", "chat_input_value", "json_trigger_value"}
)


def note_own_fragment() -> None:
    """Note that the fragment that this thread is in is one of this package.

    Nothing of the app is in it, so the input of a visitor is never meant for it.
    """
    _watch()
    tab = script.tab()
    setattr(tab, _OWN, getattr(tab, _OWN, frozenset()) | {script.fragment()})


@functools.cache
def _watch() -> None:
    """Look at each message of each page, from now on in this process.

    Private part: `SessionState.on_script_will_rerun`, which is called with the values of all
    widgets of the page, before the callbacks, seen in 1.51 to 1.67. Without it such an input is
    seen in the next run of the page.
    """
    begin: Any = getattr(SessionState, "on_script_will_rerun", None)
    if begin is None:
        return

    @functools.wraps(begin)
    def look_and_begin(state: SessionState, message: Any, *args: Any, **kwargs: Any) -> Any:
        _run_what_was_meant(state, message)
        return begin(state, message, *args, **kwargs)

    # mypy takes a method for what nobody replaces.
    SessionState.on_script_will_rerun = look_and_begin  # type: ignore[method-assign,assignment]


def _run_what_was_meant(state: SessionState, message: Any) -> None:
    """If the visitor did something outside of the fragments that are about to run, run that part.

    Only where a fragment of this package is among these. Where all was done in one fragment of the
    app, that one runs too: a run of the page would close a dialog.
    """
    context: Any = get_script_run_ctx(suppress_warning=True)
    if context is None or message is None or script.is_apptest():
        return
    tab = script.tab()
    own: frozenset[str] = getattr(tab, _OWN, frozenset())
    if not own:
        return
    last = getattr(tab, _LAST, None)
    setattr(tab, _LAST, message)
    running = list(getattr(context, "fragment_ids_this_run", None) or ())
    if own.isdisjoint(running):
        return
    before = {widget.id: widget for widget in last.widgets} if last is not None else {}
    inputs = [widget.id for widget in message.widgets if _is_input(widget, before, state)]
    meant = {_fragment_of(widget_id, state) for widget_id in inputs}
    if not meant <= set(running):
        fragment = meant.pop() if len(meant) == 1 else None
        script.run_with(message, fragments=[*running, fragment] if fragment else [])


def _fragment_of(widget_id: str, state: SessionState) -> str | None:
    """The fragment that a widget was drawn in; None for the page.

    Private part: `fragment_id` of its `WidgetMetadata` in `SessionState._new_widget_state`, seen in
    1.51 to 1.67. Without it the page runs.
    """
    metadata = state._new_widget_state.widget_metadata.get(widget_id)
    return getattr(metadata, "fragment_id", None)


def _is_input(widget: Any, before: Mapping[str, Any], state: SessionState) -> bool:
    """Whether the visitor has given a widget of the app another value, or has clicked it.

    The page also sends what the script itself has set. So a value is an input if it is another one
    than the page has sent before, and another one than the script has. Both, because values of some
    widgets are never equal to a copy.

    Args:
        widget: a widget in the message.
        before: the widgets of the last message, by their ids.
        state: Streamlit's, as the last run has left it.
    """
    if f"-{KEY}" in widget.id:
        return False
    kind = widget.WhichOneof("value")
    if kind in _TRIGGERS:
        return _is_set(getattr(widget, kind))
    if before.get(widget.id) == widget:
        return False
    try:
        return bool(_value_of(widget, state) != state[widget.id])
    except Exception:  # noqa: BLE001 - the widget is unknown, or its values cannot be compared
        return False


def _is_set(trigger: Any) -> bool:
    """Whether a trigger says that something has happened; Streamlit may send others, too."""
    return bool(trigger.ListFields()) if hasattr(trigger, "ListFields") else bool(trigger)


def _value_of(widget: Any, state: SessionState) -> Any:
    """The value of a widget in a message, as the script would get it.

    Private part: `SessionState._new_widget_state`, seen in 1.51 to 1.67. Without it no input is
    found.
    """
    widgets = state._new_widget_state
    copy = type(widgets)(widget_metadata=dict(widgets.widget_metadata))
    copy.set_widget_from_proto(widget)
    return copy[widget.id]
