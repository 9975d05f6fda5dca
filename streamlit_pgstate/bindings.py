"""Bindings: keys of `st.session_state` that are durable, widgets or not.

Between `persist`, which names them, and the state, which keeps them. At `persist` the two are
brought in line: what is stored goes into `st.session_state`, where this tab has changed nothing;
at the run's end what this tab has changed goes into the state, in one statement.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any, Final

from streamlit_pgstate import codecs
from streamlit_pgstate.binding import NOTHING, Binding, Bound, mark, mark_if_kept, mark_of
from streamlit_pgstate.component import page, runs, script, session_state
from streamlit_pgstate.component.runs import RunListener
from streamlit_pgstate.component.widget import UnfitError, Widget
from streamlit_pgstate.errors import (
    ConfigError,
    DecodeError,
    LimitExceeded,
    PgStateError,
    StoreUnavailable,
    UnknownToken,
)
from streamlit_pgstate.state import State, check_key

_LOG = logging.getLogger(__name__)

_SOON: Final = 1.0
"""Seconds after which a run that is not over saves what the visitor has changed with it: most runs
are over by then, and need no statement for that."""


class Bindings:
    """All bound keys of one tab, over one state."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.lock = threading.RLock()
        """Runs of a tab may overlap: the one that was overtaken ends while the next begins."""
        self.postpones: Callable[[str], bool] = _never
        """Whether what others have changed under a key is not to be shown yet."""
        self.page_showed: int | None = None
        """The version that the page showed when it found its server again; for its first run."""
        self.page_lacked: Callable[[str], bool] = _never
        """Whether nothing was stored under a key in the version that the page showed."""
        self._all: dict[str, Binding] = {}
        self._in_page: set[str] = set()
        """Keys that were bound in the last run of the whole page, and in its fragments since."""
        self._is_closed = False

    @property
    def keys(self) -> Set[str]:
        """All keys that were ever bound in this tab."""
        return self._all.keys()

    @property
    def version_shown(self) -> int:
        """Up to which version the page shows all keys bound in it, at the end of a run."""
        with self.lock:
            found = [(self.state.version_of(key), self._all[key]) for key in self._in_page]
            return min([self.state.version, *(at - 1 for at, it in found if it.lacks(at))])

    def has_shown(self, binding: Binding) -> bool:
        """Whether the page showed what is stored: then another value is its visitor's choice."""
        if self.page_showed is None:
            return False
        stored = self.state.version_of(binding.key)
        return stored <= self.page_showed if stored else self.page_lacked(binding.key)

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
            run = runs.listener(_Run)
            if run is None:
                run = runs.listen(_Run(self))
                if not script.is_fragment_run():
                    self._in_page.clear()
            for key in (*keys, *defaults):
                binding = self._all.setdefault(key, Binding(key))
                self._in_page.add(key)
                if key in defaults:
                    binding.default = defaults[key]
                if key not in run.bound:
                    run.bound[key] = self._brought_in_line(binding)
                elif key in defaults and not session_state.has(key):
                    self._put_default(run.bound[key])  # `persist` without one came before
            run.save_soon()

    def hold(self) -> None:
        """Keep what the visitor has changed with a run that ends here, above all widgets.

        Streamlit forgets widgets that a run has not drawn.
        """
        with self.lock:
            for binding in self._all.values():
                if binding.widget_id and binding.has_own_value and binding.is_changed:
                    binding.held = session_state.take(binding.key)

    def _brought_in_line(self, binding: Binding) -> Bound:
        bound = Bound(binding)
        version = self.state.version_of(binding.key)
        is_first = binding.mark is None and not binding.version
        has_own_value = binding.has_own_value
        bound.appears = not has_own_value or binding.widget_id is None
        held, binding.held = binding.held, NOTHING
        overruled, binding.overruled = binding.overruled, NOTHING
        if binding.must_restore:
            binding.must_restore = False
            self._restore(bound, version)
        elif binding.was_deleted:
            bound.is_deleted = version > 0
            binding.version, binding.mark = version, None
            self._put_default(bound)
        elif not has_own_value and held is not NOTHING:
            self._put(bound, held)
            binding.version = version
        elif not has_own_value or (is_first and version):
            self._restore(bound, version)
        elif overruled is not NOTHING and self.has_shown(binding) and not binding.is_changed:
            self._put(bound, overruled)
        elif version != binding.version and not binding.is_changed:
            if not self.postpones(binding.key):
                self._restore(bound, version)  # by another tab, another device or a job
        elif self._may_be_new_to_the_browser(binding):
            self._put(bound, session_state.take(binding.key))
        if has_own_value and bound.put is NOTHING and binding.widget_id is not None:
            bound.chosen = self._chosen(binding)
        bound.is_there = session_state.has(binding.key)
        return bound

    def _chosen(self, binding: Binding) -> codecs.Payload | None:
        """Which another thread may store while the script changes the value."""
        try:
            payload = self.state.encode(binding.key, session_state.take(binding.key))
        except PgStateError:
            return None  # the run's end says why
        return None if mark_of(payload) == binding.mark else payload

    def _may_be_new_to_the_browser(self, binding: Binding) -> bool:
        """A widget that is drawn for the first time shows only what was set in this run."""
        if binding.widget_id is not None or runs.is_set_in_this_run(binding.key):
            return False
        widget_id = runs.widget_of(binding.key)
        return widget_id is None or not runs.has_widget_value(widget_id)

    def _restore(self, bound: Bound, version: int) -> None:
        binding = bound.binding
        stored = self._stored(bound, version) if version else NOTHING
        is_lost = binding.version > 0 and not version
        if stored is not NOTHING:
            self._put(bound, stored)
            bound.is_restored = True
            binding.mark = mark(binding.key, stored)
        elif is_lost or not session_state.has(binding.key) or binding.widget_id is not None:
            binding.mark = None
            self._put_default(bound)
        binding.version = version  # not where the put was refused: it is refused in each run

    def _put_default(self, bound: Bound) -> None:
        binding = bound.binding
        if binding.default is not NOTHING:
            payload = codecs.encode(binding.default, key=binding.key)
            # A copy: what the script changes in it must show as a change.
            self._put(bound, codecs.decode(payload, key=binding.key))
            bound.is_restored = True
            binding.mark = mark_of(payload)
        elif binding.widget_id is not None:
            self._put(bound, binding.widget_default)
            bound.is_restored = True
            binding.mark = mark_if_kept(binding.key, binding.widget_default)
        else:
            session_state.drop(binding.key)

    def _stored(self, bound: Bound, version: int) -> Any:
        try:
            return self.state.get(bound.binding.key, NOTHING)
        except DecodeError as error:
            bound.is_unreadable = True
            bound.binding.version = version
            self.say_unfit(bound.binding, str(error).rstrip("."))
            return NOTHING

    def _put(self, bound: Bound, value: Any) -> None:
        session_state.put(bound.binding.key, value)
        bound.put = session_state.take(bound.binding.key)

    def save(self, changes: Mapping[str, codecs.Payload], deleted: Sequence[str]) -> None:
        """Store what one run has changed: in one statement, none if there is nothing.

        Args:
            changes: the encoded values.
            deleted: keys whose entries go.
        """
        if self._is_closed or not (changes or deleted):
            return
        try:
            self.state.amend(changes, deleted)
        except UnknownToken:
            _LOG.debug("The session was forgotten during a run; its changes went with it.")
            return
        except LimitExceeded as error:
            self._save_each(changes, deleted, error)
            return
        except StoreUnavailable:
            return  # the page says so, and runs again, which saves it
        except PgStateError as error:
            self.say_unsaved(self._all[next(iter([*changes, *deleted]))], error)
            return
        for key, payload in changes.items():
            self._all[key].mark = mark_of(payload)
        for key in (*changes, *deleted):
            self._all[key].unsaved = ""
            self._all[key].version = self.state.version_of(key)

    def save_soon(self, run: _Run) -> None:
        """What the visitor has changed with a run that goes on: F5 does not wait for its end.

        Nor does it come after what they choose next, in the page that F5 brings.
        """
        with self.lock:
            chosen = {key: bound.chosen for key, bound in run.bound.items() if bound.chosen}
            if self._is_closed or run.is_over or not chosen:
                return
            try:
                self.state.amend(chosen, ())
                self.state.attribute(chosen, run.thread)
            except PgStateError as error:
                _LOG.debug("Not saved in the midst of a run: %s", error)  # its end tries again
                return
            for key, payload in chosen.items():
                self._all[key].mark = mark_of(payload)
                self._all[key].version = self.state.version_of(key)

    def _save_each(
        self,
        changes: Mapping[str, codecs.Payload],
        deleted: Sequence[str],
        error: LimitExceeded,
    ) -> None:
        """One of them is too much for the session: the others are saved all the same."""
        self.save({}, deleted)
        if len(changes) == 1:
            self.say_unsaved(self._all[next(iter(changes))], error)
            return
        for key, payload in changes.items():
            self.save({key: payload}, [])

    def say_unsaved(self, binding: Binding, error: PgStateError) -> None:
        """The run is over, so nothing can be raised; each further run tries again."""
        if binding.unsaved != str(error):
            binding.unsaved = str(error)
            _LOG.error("persist() could not save: %s", error)
        page.show_error(f"Not saved: {error}")

    def say_unfit(self, binding: Binding, why: str) -> None:
        """Once for each version of the entry: what is shown is not what is stored."""
        if not binding.version or binding.unfit == binding.version:
            return
        binding.unfit = binding.version
        _LOG.warning(
            "%r: %s. The default is shown; what is stored stays until the visitor chooses anew.",
            binding.key,
            why,
        )

    def say_unfit_default(self, binding: Binding) -> None:
        if not binding.says_default:
            binding.says_default = True
            _LOG.warning("%r: the default given to persist() does not fit the widget.", binding.key)

    def go_on_over(self, state: State) -> Bindings:
        """The same bindings over another state: the same session's, or a new and empty one.

        What the page shows is not saved there until somebody changes it.
        """
        bindings = self._moved_to(state)
        if state.id != self.state.id:
            for binding in bindings._all.values():
                binding.version, binding.unfit = 0, -1
        return bindings

    def begin_anew_over(self, state: State) -> Bindings:
        """The same bindings over another state, which the page has shown nothing of so far.

        Its widgets still show what was of the former: a browser sends that with its next message,
        as if it had been chosen. So each of them is given its value, or its default.
        """
        bindings = self._moved_to(state)
        bindings._all = {key: known for key, known in self._all.items() if known.widget_id}
        for binding in bindings._all.values():
            binding.version, binding.unfit, binding.mark = 0, -1, None
            binding.must_restore = True
        return bindings

    def _moved_to(self, state: State) -> Bindings:
        bindings = Bindings(state)
        with self.lock:
            self._is_closed = True  # a run that is not over yet saves nothing any more
            bindings._all = self._all
        return bindings


@dataclass(slots=True, eq=False)
class _Run(RunListener):
    """The bound keys of one run; listens to what happens in it: see `RunListener`."""

    bindings: Bindings
    bound: dict[str, Bound] = field(default_factory=dict)
    thread: int = field(default_factory=threading.get_ident)
    is_over: bool = False
    timer: threading.Timer | None = None

    def save_soon(self) -> None:
        if self.timer is None and any(bound.chosen for bound in self.bound.values()):
            self.timer = threading.Timer(_SOON, self.bindings.save_soon, [self])
            self.timer.daemon = True
            self.timer.start()

    def has_set(self, key: str) -> bool:
        return key in self.bound and self.bound[key].is_ours

    def before_widget(self, widget: Widget) -> None:
        bound = self.bound.get(widget.key)
        if bound is None:
            return
        if not widget.is_settable:
            del self.bound[widget.key]
            session_state.drop(widget.key)
            raise ConfigError(
                f"persist({widget.key!r}) cannot keep this widget: Streamlit lets nobody set "
                "buttons, uploads, data editors and charts. For data_editor, file_uploader, "
                "camera_input and audio_input there are functions of the same name in pgstate."
            )
        if bound.is_ours:
            # An overtaken run may have restored it, and not come to the widget.
            is_new = bound.binding.widget_id is None
            is_choice_of_nobody = bound.is_restored or (is_new and not bound.binding.is_changed)
            self._fit(bound, widget, bound.put, is_known=bound.is_restored)
            if is_new and is_choice_of_nobody:
                self._hear_page(bound, widget)
        elif bound.binding.widget_id not in (None, widget.id) and not self._is_chosen(bound):
            self._carry_over(bound, widget)

    def _hear_page(self, bound: Bound, widget: Widget) -> None:
        """A server that was restarted does not know the widget, which the page has shown."""
        binding = bound.binding
        try:
            sent = widget.fitted(session_state.plain(runs.sent_value(widget)))
        except Exception:  # noqa: BLE001  # nothing, or what no longer fits
            return
        if mark_if_kept(widget.key, session_state.plain(sent)) in (None, binding.mark):
            return
        if self.bindings.has_shown(binding):
            self._correct(bound, sent)
        else:
            binding.overruled = session_state.plain(sent)

    def _is_chosen(self, bound: Bound) -> bool:
        key = bound.binding.key
        return not session_state.has(key) or runs.is_set_in_this_run(key)

    def _carry_over(self, bound: Bound, widget: Widget) -> None:
        """Its parameters have changed, so that to Streamlit it is a new widget, at its default."""
        binding = bound.binding
        if binding.is_changed:  # by the visitor, with this very run
            self._fit(bound, widget, session_state.take(widget.key), is_known=False)
            return
        stored = self.bindings.state.get(widget.key, NOTHING) if binding.version else NOTHING
        value = session_state.take(widget.key) if stored is NOTHING else stored
        self._fit(bound, widget, value, is_known=True)

    def _fit(self, bound: Bound, widget: Widget, value: Any, *, is_known: bool) -> None:
        try:
            fitted = widget.fitted(value)
        except UnfitError:
            self._fall_back(bound, widget)
            return
        self._correct(bound, fitted)
        if is_known:
            bound.binding.mark = mark_if_kept(widget.key, bound.put)

    def _correct(self, bound: Bound, value: Any) -> None:
        runs.correct_value(bound.binding.key, value)
        bound.put = session_state.take(bound.binding.key)

    def _fall_back(self, bound: Bound, widget: Widget) -> None:
        binding = bound.binding
        self.bindings.say_unfit(binding, "what is stored no longer fits the widget")
        value = widget.initial()
        if binding.default is not NOTHING:
            try:
                value = widget.fitted(binding.default)
            except UnfitError:
                self.bindings.say_unfit_default(binding)
        self._correct(bound, value)
        binding.mark = mark_if_kept(binding.key, bound.put)

    def after_widget(self, widget: Widget) -> None:
        bound = self.bound.get(widget.key)
        if bound is None:
            return
        binding = bound.binding
        value = session_state.take(widget.key)
        if bound.appears or binding.widget_id != widget.id:
            widget.begin_with(value)
        binding.widget_id = widget.id
        binding.widget_default = widget.default()
        if binding.mark is None:
            default = mark_if_kept(widget.key, binding.widget_default)
            if default == mark_if_kept(widget.key, value):
                binding.mark = default  # nobody has chosen it

    def on_correction(self, key: str, value: Any) -> None:
        bound = self.bound.get(key)
        if bound is not None:
            self.bindings.say_unfit(bound.binding, "what is stored no longer fits the widget")
            bound.binding.mark = mark_if_kept(key, value)

    def at_end(self, *, is_followed: bool) -> None:
        with self.bindings.lock:
            self.is_over = True
            if self.timer is not None:
                self.timer.cancel()
            changes: dict[str, codecs.Payload] = {}
            deleted: list[str] = []
            for key, bound in self.bound.items():
                binding = bound.binding
                if not session_state.has(key):
                    if bound.is_there and binding.widget_id is None and binding.version:
                        deleted.append(key)
                        binding.mark = None
                    continue
                try:
                    payload = self.bindings.state.encode(key, session_state.take(key))
                except PgStateError as error:
                    self.bindings.say_unsaved(binding, error)
                    continue
                if bound.is_unreadable:
                    binding.mark = mark_of(payload)
                elif mark_of(payload) != binding.mark:
                    changes[key] = payload
                elif bound.is_deleted:
                    deleted.append(key)
            self.bindings.save(changes, deleted)


def _never(key: str) -> bool:
    return False
