"""Bindings: keys of `st.session_state` that are durable, widgets or not.

Between `persist`, which names them, and the state, which keeps them. At `persist` the two are
brought in line: what is stored goes into `st.session_state`, where this tab has changed nothing;
at the run's end what this tab has changed goes into the state, in one statement.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from streamlit_pgstate import codecs, component
from streamlit_pgstate.component import RunListener, UnfitError, Widget
from streamlit_pgstate.errors import ConfigError, DecodeError, PgStateError, UnknownToken
from streamlit_pgstate.state import State, check_key

_LOG = logging.getLogger(__name__)

_KEPT_MARK: Final = 1024
"""Bytes of a body up to which a mark holds it, and not its hash."""

_NOTHING: Final = object()

_Mark: TypeAlias = tuple[str, bytes]
"""What tells one value from another: its kind, and its body or the hash of that."""


@dataclass(slots=True)
class _Binding:
    """What one tab knows of one key, over all its runs."""

    key: str
    default: Any = _NOTHING
    version: int = 0
    """Of the entry when it and `st.session_state` were last in line; 0 for none."""
    mark: _Mark | None = None
    """Of the value that needs no saving: it is stored, or nobody's choice. None: all do."""
    is_widget: bool = False
    was_drawn: bool = False
    """Whether its widget was drawn since the last `persist`."""
    widget_default: Any = None
    unfit: int = 0
    """The version that did not fit the widget, as was said in the log."""


@dataclass(slots=True, eq=False)
class _Bound:
    """One key in one run, from `persist` on."""

    binding: _Binding
    is_ours: bool = False
    """Whether `st.session_state` holds what `persist` has put there."""
    is_there: bool = False
    """Whether it held anything then."""
    appears: bool = False
    """Whether its widget, if there is one, comes into the page with this run."""


class Bindings:
    """All bound keys of one tab, over one state."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.lock = threading.RLock()
        """Runs of a tab may overlap: the one that was overtaken ends while the next begins."""
        self.postpones: Callable[[str], bool] = _never
        """Whether what others have changed under a key is not to be shown yet."""
        self._all: dict[str, _Binding] = {}
        self._is_closed = False

    @property
    def keys(self) -> Set[str]:
        return self._all.keys()

    def bind(self, keys: Sequence[str], defaults: Mapping[str, Any]) -> None:
        """Bring `st.session_state` in line with what is stored; save its changes at the run's end.

        Raises:
            InvalidKey: one of them cannot be a key.
            UnsupportedType: a default cannot be kept.
            ConfigError: the widget of a key was drawn already.
        """
        for key in (*keys, *defaults):
            check_key(key)
        with self.lock:
            run = component.listener(_Run) or component.listen(_Run(self))
            for key in (*keys, *defaults):
                binding = self._all.setdefault(key, _Binding(key))
                binding.default = defaults.get(key, _NOTHING)
                if key not in run.bound:
                    run.bound[key] = self._brought_in_line(binding)

    def _brought_in_line(self, binding: _Binding) -> _Bound:
        bound = _Bound(binding)
        version = self.state.version_of(binding.key)
        is_first = binding.mark is None and not binding.version
        was_drawn, binding.was_drawn = binding.was_drawn, False
        bound.appears = not was_drawn
        if not self._has_own_value(binding, was_drawn=was_drawn) or (is_first and version):
            self._restore(bound, version)
        elif version != binding.version and not self._is_changed(binding):
            if not self.postpones(binding.key):
                self._restore(bound, version)  # by another tab, another device or a job
        elif not was_drawn and not component.is_set_in_this_run(binding.key):
            # A widget drawn for the first time shows a value only if it was set in this run.
            self._put(bound, component.take_value(binding.key))
        bound.is_there = component.has_value(binding.key)
        return bound

    def _has_own_value(self, binding: _Binding, *, was_drawn: bool) -> bool:
        """Whether `st.session_state` holds a value of this tab's.

        For a widget that was not drawn it may hold one that is older than the last.
        """
        if not component.has_value(binding.key):
            return False
        return not binding.is_widget or was_drawn or component.is_set_in_this_run(binding.key)

    def _restore(self, bound: _Bound, version: int) -> None:
        binding = bound.binding
        binding.version = version
        stored = self._stored(binding) if version else _NOTHING
        if stored is not _NOTHING:
            self._put(bound, stored)
            binding.mark = _mark(binding.key, stored)
        elif binding.default is not _NOTHING:
            payload = codecs.encode(binding.default, key=binding.key)
            binding.mark = _mark_of(payload)
            # A copy: what the script changes in it must show as a change.
            self._put(bound, codecs.decode(payload, key=binding.key))
        elif not binding.is_widget:
            binding.mark = None
            component.drop_value(binding.key)
        elif component.has_value(binding.key):  # it was deleted elsewhere
            binding.mark = _mark_if_kept(binding.key, binding.widget_default)
            self._put(bound, binding.widget_default)

    def _stored(self, binding: _Binding) -> Any:
        try:
            return self.state.get(binding.key, _NOTHING)
        except DecodeError as error:
            self.say_unfit(binding, str(error))
            return _NOTHING

    def _put(self, bound: _Bound, value: Any) -> None:
        component.put_value(bound.binding.key, value)
        bound.is_ours = True

    def _is_changed(self, binding: _Binding) -> bool:
        value = component.take_value(binding.key)
        return _mark_if_kept(binding.key, value) != binding.mark

    def save(self, changes: Mapping[str, Any], deleted: Sequence[str]) -> None:
        """Store what one run has changed: in one statement, none if there is nothing."""
        if self._is_closed:
            return
        try:
            if changes:
                self.state.update(changes)
            for key in deleted:
                self.state.delete(key)
        except UnknownToken:
            _LOG.debug("The session was forgotten during a run; its changes went with it.")
            return
        except PgStateError as error:
            self.say_unsaved(error)
            return
        for key in (*changes, *deleted):
            binding = self._all[key]
            binding.mark = _mark(key, changes[key]) if key in changes else None
            binding.version = self.state.version_of(key)

    def say_unsaved(self, error: PgStateError) -> None:
        """The run is over, so nothing can be raised; each further run tries again."""
        _LOG.error("persist() could not save: %s", error)
        component.show_error(f"Not saved: {error}")

    def say_unfit(self, binding: _Binding, why: str) -> None:
        """Once for each version of the entry: what is shown is not what is stored."""
        if binding.unfit == binding.version:
            return
        binding.unfit = binding.version
        _LOG.warning(
            "%r: %s. The default is shown; what is stored stays until the visitor chooses anew.",
            binding.key,
            why,
        )

    def go_on_over(self, state: State) -> Bindings:
        """The same bindings over another state: the same session's, or a new and empty one.

        What the page shows is not saved there until somebody changes it.
        """
        bindings = Bindings(state)
        with self.lock:
            self.close()
            bindings._all = self._all
        if state.id != self.state.id:
            for binding in bindings._all.values():
                binding.version = binding.unfit = 0
        return bindings

    def close(self) -> None:
        """Save nothing any more: the state is no longer this tab's."""
        self._is_closed = True


@dataclass(slots=True, eq=False)
class _Run(RunListener):
    """The bound keys of one run; listens to what happens in it: see `component.RunListener`."""

    bindings: Bindings
    bound: dict[str, _Bound] = field(default_factory=dict)

    def has_set(self, key: str) -> bool:
        return key in self.bound and self.bound[key].is_ours

    def before_widget(self, widget: Widget) -> None:
        bound = self.bound.get(widget.key)
        if bound is None:
            return
        if not widget.is_settable:
            del self.bound[widget.key]
            component.drop_value(widget.key)
            raise ConfigError(
                f"persist({widget.key!r}) cannot keep this widget: Streamlit lets nobody set "
                "buttons, uploads, data editors and charts. For data_editor, file_uploader, "
                "camera_input and audio_input there are functions of the same name in pgstate."
            )
        if not bound.is_ours:
            return
        try:
            fitted = widget.fitted(component.take_value(widget.key))
        except UnfitError:
            self._fall_back(bound.binding, widget)
            return
        component.correct_value(widget.key, fitted)
        bound.binding.mark = _mark_if_kept(widget.key, component.take_value(widget.key))

    def _fall_back(self, binding: _Binding, widget: Widget) -> None:
        self.bindings.say_unfit(binding, "what is stored no longer fits the widget")
        component.drop_value(binding.key)
        binding.mark = None
        if binding.default is not _NOTHING:
            with contextlib.suppress(UnfitError):
                component.correct_value(binding.key, widget.fitted(binding.default))
                binding.mark = _mark(binding.key, component.take_value(binding.key))

    def after_widget(self, widget: Widget) -> None:
        bound = self.bound.get(widget.key)
        if bound is None:
            return
        binding = bound.binding
        binding.is_widget = binding.was_drawn = True
        binding.widget_default = widget.default()
        value = component.take_value(widget.key)
        if bound.appears:
            widget.begin_with(value)
        if binding.mark is None:
            default = _mark_if_kept(widget.key, binding.widget_default)
            if default == _mark_if_kept(widget.key, value):
                binding.mark = default  # nobody has chosen it

    def on_correction(self, key: str, value: Any) -> None:
        bound = self.bound.get(key)
        if bound is not None:
            self.bindings.say_unfit(bound.binding, "what is stored no longer fits the widget")
            bound.binding.mark = _mark_if_kept(key, value)

    def at_end(self) -> None:
        with self.bindings.lock:
            changes, deleted = {}, []
            for key, bound in self.bound.items():
                if not component.has_value(key):
                    if bound.is_there and not bound.binding.is_widget and bound.binding.version:
                        deleted.append(key)
                    continue
                value = component.take_value(key)
                try:
                    if _mark(key, value) != bound.binding.mark:
                        changes[key] = value
                except PgStateError as error:
                    self.bindings.say_unsaved(error)
            self.bindings.save(changes, deleted)


def _never(key: str) -> bool:
    return False


def _mark(key: str, value: Any) -> _Mark:
    return _mark_of(codecs.encode(value, key=key))


def _mark_of(payload: codecs.Payload) -> _Mark:
    return payload.kind, payload.body if payload.size <= _KEPT_MARK else payload.digest


def _mark_if_kept(key: str, value: Any) -> _Mark | None:
    """None for what cannot be kept, which the run's end says."""
    try:
        return _mark(key, value)
    except PgStateError:
        return None
