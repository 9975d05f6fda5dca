"""What happens in a run of the script: widgets that are drawn, and its end."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any, ClassVar, Final, TypeVar

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from streamlit_pgstate.component.widget import Widget
from streamlit_pgstate.errors import ConfigError

_LOG = logging.getLogger(__name__)

_HOOKS: Final = "_streamlit_pgstate_hooks"


class RunListener:
    """Who wants to know what happens in one run of the script: nothing, if nothing is said."""

    comes_last: ClassVar[bool] = False
    """Whether the end of the run is told after all others have done what they do there."""

    def before_widget(self, widget: Widget) -> None:
        """Its value may still be set: Streamlit looks it up next."""

    def after_widget(self, widget: Widget) -> None:
        """It has its value for this run, unless the widget itself corrects it."""

    def on_correction(self, key: str, value: Any) -> None:
        """The widget could not show its value, and has another one now."""

    def has_set(self, key: str) -> bool:
        """Whether `st.session_state[key]` is the listener's doing, not the script's."""
        return False

    def at_end(self, *, is_followed: bool) -> None:
        """The run is over: its last line, `st.stop`, `st.rerun` or an error.

        `is_followed`: another takes its place, by `st.rerun` or by what the visitor has done.
        """


_Listener = TypeVar("_Listener", bound=RunListener)


def listen(listener: _Listener) -> _Listener:
    """Tell `listener` of the present run, up to its end; returns it.

    Raises:
        ConfigError: this version of Streamlit shows neither its runs nor its widgets.
    """
    _hooks().listeners.append(listener)
    return listener


def listen_to_next(listener: RunListener) -> None:
    """Tell `listener` of the run that follows the present one at once, on the same thread."""
    _hooks().next_listeners.append(listener)


def listener(kind: type[_Listener]) -> _Listener | None:
    """The last listener of this kind in the present run; None where it has none yet."""
    return next((found for found in reversed(_hooks().listeners) if isinstance(found, kind)), None)


def ended(kind: type[_Listener]) -> _Listener | None:
    """The last listener of this kind in the run that has just ended; None where it had none."""
    return next((found for found in reversed(_hooks().ended) if isinstance(found, kind)), None)


def is_ending() -> bool:
    """Whether the listeners of the present run are being told of its end."""
    hooks: _Hooks | None = getattr(_runner(), _HOOKS, None)
    return hooks is not None and hooks.is_ending


def _hooks() -> _Hooks:
    """The hooks of the thread that runs the script.

    `ScriptRunContext._enqueue`, a method of the thread's `ScriptRunner`, and that one's
    `_on_script_finished`, called after each run, whatever ended it; `register_widget`,
    `is_new_state_value` and `reset_state_value` of the context's `session_state`, and in its
    `_state` `_key_id_mapper` and `_new_widget_state` (`get_serialized`,
    `set_widget_metadata`): seen in 1.51 to 1.67.
    """
    context = get_script_run_ctx(suppress_warning=True)
    runner = _runner()
    hooks: _Hooks | None = getattr(runner, _HOOKS, None)
    if hooks is None:
        try:
            hooks = _Hooks(runner, context.session_state)  # type: ignore[union-attr]
        except AttributeError as error:
            raise ConfigError(
                f"persist() cannot see widgets and the end of a run in Streamlit {st.__version__}. "
                "Use pgstate.get and pgstate.set, or another version of Streamlit or of this "
                "package."
            ) from error
        setattr(runner, _HOOKS, hooks)
    return hooks


def _runner() -> Any:
    context = get_script_run_ctx(suppress_warning=True)
    return getattr(getattr(context, "_enqueue", None), "__self__", None)


def runner_kind() -> type:
    """The class of what runs the present script: `ScriptRunner`, or AppTest's own."""
    return type(_runner())


def is_followed(runner: Any, told: Iterable[Any]) -> bool:
    """Whether a run that ends is followed at once by another, for which the page waits.

    Args:
        runner: the run's `ScriptRunner`.
        told: what its `_on_script_finished` was called with.

    By `st.rerun` it says so. For the visitor's next click Streamlit stops the run and begins the
    next on another thread: `ScriptRunner._requests._state`, seen in 1.51 to 1.67. A run that
    `st.stop` has ended looks the same. Without it an overtaken run looks like one that has ended.
    """
    if "SCRIPT_STOPPED_FOR_RERUN" in [getattr(part, "name", "") for part in told]:
        return True
    requests = getattr(runner, "_requests", None)
    return getattr(getattr(requests, "_state", None), "name", "") == "STOP"


class _Hooks:
    """Stand before methods of one script thread, and tell the listeners of its present run."""

    def __init__(self, runner: Any, session_state: Any) -> None:
        self.listeners: list[RunListener] = []
        self.next_listeners: list[RunListener] = []
        self.is_ending = False
        self.ended: list[RunListener] = []
        """Those of the run whose end was told last, up to the end of `_on_script_finished`."""
        self._runner = runner
        self._finish = runner._on_script_finished
        self._register = session_state.register_widget
        self._is_new = session_state.is_new_state_value
        self._reset = session_state.reset_state_value
        self._state = session_state._state
        self.has_value("")  # fails here, and not later, where a part is missing
        self.widget_of("")
        runner._on_script_finished = self.finish
        # Past its own __setattr__, which would make them keys of the state.
        object.__setattr__(session_state, "register_widget", self.register)
        object.__setattr__(session_state, "is_new_state_value", self.is_new)
        object.__setattr__(session_state, "reset_state_value", self.reset)

    def finish(self, *args: Any, **kwargs: Any) -> Any:
        followed = is_followed(self._runner, [*args, *kwargs.values()])
        self.is_ending = True
        while self.listeners:  # one may have others listen
            listener = min(self.listeners, key=lambda listener: listener.comes_last)
            self.listeners.remove(listener)
            self.ended.append(listener)
            try:
                listener.at_end(is_followed=followed)
            except Exception:  # noqa: BLE001 - it would end the script's thread, and so the visitor's page
                _LOG.exception("The end of a script run could not be handled.")
        self.listeners, self.next_listeners = self.next_listeners, []
        try:
            return self._finish(*args, **kwargs)
        finally:
            self.is_ending, self.ended = False, []

    def register(self, metadata: Any, user_key: str | None) -> Any:
        if user_key is None or not self.listeners:
            return self._register(metadata, user_key)
        widget = Widget(user_key, metadata)
        for listener in self.listeners:
            listener.before_widget(widget)
        result = self._register(metadata, user_key)
        for listener in self.listeners:
            listener.after_widget(widget)
        return result

    def is_new(self, user_key: str) -> bool:
        """What a listener has set counts as the widget's own, not as set by the script.

        So Streamlit does not warn of two values where the widget has a default too.
        """
        if any(listener.has_set(user_key) for listener in self.listeners):
            return False
        is_new: bool = self._is_new(user_key)
        return is_new

    def sent(self, widget: Widget) -> Any:
        """What the browser has sent as the value of a widget that is about to be drawn.

        Some widgets read as their default what is out of their range: that was not sent.
        """
        states = self._state._new_widget_state
        message = states.get_serialized(widget.id)
        states.set_widget_metadata(widget.metadata)
        value = states[widget.id]
        # A selection is JSON's text, which may be written in several ways.
        is_default = not isinstance(value, dict) and value == widget.initial()
        if is_default and message != states.get_serialized(widget.id):
            raise KeyError(widget.id)
        return value

    def set(self, user_key: str, value: Any) -> None:
        self._reset(user_key, value)

    def widget_of(self, user_key: str) -> str | None:
        """The id of the widget that was last drawn under a key; None once the key was deleted."""
        found: str | None = self._state._key_id_mapper.get_id_from_key(user_key, None)
        return found

    def has_value(self, widget_id: str) -> bool:
        """Whether the browser has sent a value of the widget, as it does for all that it shows.

        What else Streamlit holds for a widget may be from long ago, set under its key.
        """
        return widget_id in self._state._new_widget_state

    def reset(self, user_key: str, value: Any) -> None:
        self._reset(user_key, value)
        for listener in self.listeners:
            listener.on_correction(user_key, value)


def widget_of(key: str) -> str | None:
    """The id of the widget that was last drawn under `key`; None for none, or if it was deleted."""
    return _hooks().widget_of(key)


def has_widget_value(widget_id: str) -> bool:
    """Whether the browser shows the widget with this id, and has sent its value."""
    return _hooks().has_value(widget_id)


def sent_value(widget: Widget) -> Any:
    """What the browser has sent as the value of a widget that is about to be drawn.

    Raises:
        KeyError: nothing that it could show.
    """
    return _hooks().sent(widget)


def is_set_in_this_run(key: str) -> bool:
    """Whether the script or a callback has set `st.session_state[key]`, rather than a widget."""
    return _hooks().is_new(key)


def correct_value(key: str, value: Any) -> None:
    """Set `st.session_state[key]` of a widget that is being drawn."""
    _hooks().set(key, value)
