"""The events of a script run, for listeners: a widget is drawn, and the run ends."""

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
    """Is called at the events of one run. Subclasses override the methods for what they need."""

    comes_last: ClassVar[bool] = False
    """Whether `at_end` is called after that of all listeners without this mark."""

    def before_widget(self, widget: Widget) -> None:
        """A widget is about to be drawn. Its value may still be set: Streamlit reads it next."""

    def after_widget(self, widget: Widget) -> None:
        """A widget has its value for this run, unless the widget itself corrects it."""

    def on_correction(self, key: str, value: Any) -> None:
        """The widget under `key` could not show its value, and has set `value` instead."""

    def has_set(self, key: str) -> bool:
        """Whether this listener has set `st.session_state[key]`, and not the script."""
        return False

    def at_end(self, *, is_followed: bool) -> None:
        """The run is over: by its last line, `st.stop`, `st.rerun` or an error.

        Args:
            is_followed: whether another run takes its place at once, because of `st.rerun` or of
                something that the visitor has done.
        """


_Listener = TypeVar("_Listener", bound=RunListener)


def listen(listener: _Listener) -> _Listener:
    """Call `listener` at the events of the present run, up to its end. Return the listener.

    Raises:
        ConfigError: this version of Streamlit lacks the private parts that this needs.
    """
    _hooks().listeners.append(listener)
    return listener


def listen_to_next(listener: RunListener) -> None:
    """Call `listener` at the events of the run that follows at once on the same thread."""
    _hooks().next_listeners.append(listener)


def listener(kind: type[_Listener]) -> _Listener | None:
    """The last listener of this class in the present run; None if there is none yet."""
    return next((found for found in reversed(_hooks().listeners) if isinstance(found, kind)), None)


def ended(kind: type[_Listener]) -> _Listener | None:
    """The last listener of this class in the run that has just ended; None if it had none."""
    return next((found for found in reversed(_hooks().ended) if isinstance(found, kind)), None)


def is_ending() -> bool:
    """Whether the present run's listeners are being called for its end."""
    hooks: _Hooks | None = getattr(_runner(), _HOOKS, None)
    return hooks is not None and hooks.is_ending


def _hooks() -> _Hooks:
    """The hooks of the thread that runs the script.

    Private parts, seen in 1.51 to 1.67. Without one of them this raises `ConfigError`.

    - `ScriptRunContext._enqueue`, a method of the thread's `ScriptRunner`, which leads to it.
    - `ScriptRunner._on_script_finished`, called after each run, whatever ended it.
    - `register_widget`, `is_new_state_value` and `reset_state_value` of the context's
      `session_state`.
    - `_key_id_mapper` and `_new_widget_state` (`get_serialized`, `set_widget_metadata`) in its
      `_state`.
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
                "Use pgstate.get and pgstate.set, or another version of Streamlit or of "
                "streamlit-pgstate."
            ) from error
        setattr(runner, _HOOKS, hooks)
    return hooks


def _runner() -> Any:
    context = get_script_run_ctx(suppress_warning=True)
    return getattr(getattr(context, "_enqueue", None), "__self__", None)


def runner_kind() -> type:
    """The class that runs the present script: `ScriptRunner`, or AppTest's subclass of it."""
    return type(_runner())


def is_followed(runner: Any, arguments: Iterable[Any]) -> bool:
    """Whether a run that ends is followed at once by another, for which the page waits.

    After `st.rerun` the event among `arguments` says so. For the visitor's next click Streamlit
    stops the run and begins the next one on another thread.

    Private part for such a click: `ScriptRunner._requests._state`, seen in 1.51 to 1.67. A run that
    `st.stop` has ended looks the same. Without this part a run that a click has stopped looks like
    one that has ended by itself.

    Args:
        runner: the run's `ScriptRunner`.
        arguments: what its `_on_script_finished` was called with.
    """
    if "SCRIPT_STOPPED_FOR_RERUN" in [getattr(it, "name", "") for it in arguments]:
        return True
    requests = getattr(runner, "_requests", None)
    return getattr(getattr(requests, "_state", None), "name", "") == "STOP"


class _Hooks:
    """Wraps methods of one script thread, and calls the listeners of its present run."""

    def __init__(self, runner: Any, session_state: Any) -> None:
        self.listeners: list[RunListener] = []
        self.next_listeners: list[RunListener] = []
        self.is_ending = False
        self.ended: list[RunListener] = []
        """The listeners that were called for the run's end. Empty again after it."""
        self._runner = runner
        self._finish = runner._on_script_finished
        self._register = session_state.register_widget
        self._is_new = session_state.is_new_state_value
        self._reset = session_state.reset_state_value
        self._state = session_state._state
        self.has_value("")  # a missing private part fails here, and not later
        self.widget_of("")
        runner._on_script_finished = self.finish
        # Not by its own __setattr__, which would make them keys of the state.
        object.__setattr__(session_state, "register_widget", self.register)
        object.__setattr__(session_state, "is_new_state_value", self.is_new)
        object.__setattr__(session_state, "reset_state_value", self.reset)

    def finish(self, *args: Any, **kwargs: Any) -> Any:
        followed = is_followed(self._runner, [*args, *kwargs.values()])
        self.is_ending = True
        while self.listeners:  # a listener may add others
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
        """A value that a listener has set counts as the widget's own, not as set by the script.

        Otherwise Streamlit would warn that a widget with a default was also given a value.
        """
        if any(listener.has_set(user_key) for listener in self.listeners):
            return False
        is_new: bool = self._is_new(user_key)
        return is_new

    def sent(self, widget: Widget) -> Any:
        """The value that the browser has sent for a widget that is about to be drawn.

        Some widgets replace a value out of their range by their default. That was not sent, so
        this raises `KeyError`.
        """
        states = self._state._new_widget_state
        message = states.get_serialized(widget.id)
        states.set_widget_metadata(widget.metadata)
        value = states[widget.id]
        # A selection is sent as JSON, and equal selections may differ as text: not compared.
        is_default = not isinstance(value, dict) and value == widget.initial()
        if is_default and message != states.get_serialized(widget.id):
            raise KeyError(widget.id)
        return value

    def set(self, user_key: str, value: Any) -> None:
        self._reset(user_key, value)

    def widget_of(self, user_key: str) -> str | None:
        """The id of the widget last drawn under a key; None if the key was deleted since."""
        found: str | None = self._state._key_id_mapper.get_id_from_key(user_key, None)
        return found

    def has_value(self, widget_id: str) -> bool:
        """Whether the browser has sent the widget's value, as it does for all that it shows.

        Other values that Streamlit holds for the widget may be old: set under its key long ago.
        """
        return widget_id in self._state._new_widget_state

    def reset(self, user_key: str, value: Any) -> None:
        self._reset(user_key, value)
        for listener in self.listeners:
            listener.on_correction(user_key, value)


def widget_of(key: str) -> str | None:
    """The id of the widget last drawn under `key`; None if there is none, or it was deleted."""
    return _hooks().widget_of(key)


def has_widget_value(widget_id: str) -> bool:
    """Whether the browser shows the widget with this id and has sent its value."""
    return _hooks().has_value(widget_id)


def sent_value(widget: Widget) -> Any:
    """The value that the browser has sent for a widget that is about to be drawn.

    Raises:
        KeyError: the browser has sent none, or one that the widget cannot show.
    """
    return _hooks().sent(widget)


def is_set_in_this_run(key: str) -> bool:
    """Whether the script or a callback has set `st.session_state[key]`, rather than a widget."""
    return _hooks().is_new(key)


def correct_value(key: str, value: Any) -> None:
    """Set `st.session_state[key]` of a widget that is being drawn."""
    _hooks().set(key, value)
