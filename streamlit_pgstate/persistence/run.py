"""KeyInRun: keys of `st.session_state` that are bound in one run, from `persist` to the run's end.

Listens to what Streamlit does in the run, asks `merge` what is to be done at each widget and at the
end, and does it.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NoReturn

from streamlit_pgstate import codecs
from streamlit_pgstate.component import runs, script, session_state
from streamlit_pgstate.component.runs import RunListener
from streamlit_pgstate.component.widget import Widget
from streamlit_pgstate.errors import ConfigError, DecodeError, PgStateError
from streamlit_pgstate.persistence.fitting import Fit, fitting
from streamlit_pgstate.persistence.key import NOTHING, PersistedKey, mark_if_kept, mark_of
from streamlit_pgstate.persistence.merge import (
    AtEnd,
    AtWidget,
    Drawn,
    Hearing,
    Mine,
    Source,
    decide_at_end,
    decide_at_widget,
    decide_on_hearing,
    hears_page,
)

if TYPE_CHECKING:
    from streamlit_pgstate.persistence.keys import PersistedKeys

_SOON: Final = 1.0
"""Seconds after which a run that is not over saves what the visitor has changed with it: most runs
are over by then, and need no statement for that."""


@dataclass(slots=True, eq=False)
class KeyInRun:
    """One key in one run, from `persist` on."""

    binding: PersistedKey
    put: Any = NOTHING
    """What `persist` has put into `st.session_state`."""
    is_restored: bool = False
    """Whether that was what is stored, or the default."""
    is_unreadable: bool = False
    """Whether a row is there that cannot be read: nothing else takes its place unasked."""
    appears: bool = False
    """Whether its widget, if there is one, comes into the page with this run."""
    chosen: codecs.Payload | None = None
    """What the visitor has changed its widget to with this run."""
    is_ruled_out: bool = False
    """Whether the widget, as this run draws it, could not show that."""

    @property
    def is_ours(self) -> bool:
        """Whether `st.session_state` still holds what `persist` has put there."""
        if self.put is NOTHING or not session_state.has(self.binding.key):
            return False
        return session_state.get(self.binding.key) is self.put

    @property
    def source(self) -> Source:
        """Where the value comes from that a widget with this key would show now."""
        key = self.binding.key
        if self.is_ours:
            return Source.RESTORED if self.is_restored else Source.PUT_BACK
        if not session_state.has(key) or runs.is_set_in_this_run(key):
            return Source.SCRIPT
        return Source.PAGE


@dataclass(slots=True, eq=False)
class PersistedRun(RunListener):
    """The bound keys of one run; listens to what happens in it: see `RunListener`."""

    bindings: PersistedKeys
    former: Mapping[str, KeyInRun] = field(default_factory=dict)
    """The keys that the same run had bound to another state, which it has left since."""
    bound: dict[str, KeyInRun] = field(default_factory=dict)
    is_over: bool = False
    timer: threading.Timer | None = None

    def save_soon(self) -> None:
        if self.timer is None and any(bound.chosen for bound in self.bound.values()):
            save = contextvars.copy_context().run  # what it saves is this run's, not a job's
            self.timer = threading.Timer(_SOON, save, [self.bindings.save_soon, self])
            self.timer.daemon = True
            self.timer.start()

    def has_set(self, key: str) -> bool:
        return key in self.bound and self.bound[key].is_ours

    def before_widget(self, widget: Widget) -> None:
        bound = self._bound(widget.key)
        if bound is None:
            return
        if not widget.is_settable:
            self._refuse(bound, widget)
        binding = bound.binding
        source, drawn = bound.source, binding.drawn(widget)
        mine = self._mine_at(binding, source, drawn)
        match decide_at_widget(source, drawn, mine, is_unfit=binding.is_unfit):
            case AtWidget.LEAVE:
                pass
            case AtWidget.FIT_MINE:
                self._fit(bound, widget, session_state.get(widget.key), is_theirs=False)
            case AtWidget.FIT_THEIRS:
                self._fit(bound, widget, self._theirs_at(bound, source), is_theirs=True)
            case AtWidget.TRY_THEIRS:
                self._try(bound, widget)
            case AtWidget.BEGIN:
                self.bindings.delete(bound)
                if bound.is_ours:
                    self._fit(bound, widget, bound.put, is_theirs=True)
        if hears_page(source, drawn, mine):
            self._hear_page(bound, widget)

    def _bound(self, key: str) -> KeyInRun | None:
        """None also once the state has become another one: the run has another listener then."""
        return None if self.bindings.is_closed else self.bound.get(key)

    def _refuse(self, bound: KeyInRun, widget: Widget) -> NoReturn:
        del self.bound[widget.key]
        session_state.drop(widget.key)
        bound.binding.was_there = False
        raise ConfigError(
            f"persist({widget.key!r}) cannot keep this widget: Streamlit lets nobody set "
            "buttons, uploads, data editors and charts. For data_editor, file_uploader, "
            "camera_input and audio_input there are functions of the same name in pgstate."
        )

    def _mine_at(self, binding: PersistedKey, source: Source, drawn: Drawn) -> Mine:
        """Compared where it matters, which is at few widgets."""
        if binding.was_deleted:
            return Mine.DELETED
        is_first = source is Source.PUT_BACK and drawn is Drawn.NEVER
        is_carried = source is Source.PAGE and (drawn is Drawn.OTHERWISE or binding.is_unfit)
        return binding.compared if is_first or is_carried else Mine.UNCOMPARED

    def _theirs_at(self, bound: KeyInRun, source: Source) -> Any:
        """What a widget is to show where its visitor has chosen nothing with this run."""
        if source is Source.RESTORED:
            return bound.put
        theirs = self._theirs(bound.binding)
        return session_state.get(bound.binding.key) if theirs is NOTHING else theirs

    def _theirs(self, binding: PersistedKey) -> Any:
        """What is stored; the default, where that is what did not fit; NOTHING without either."""
        if not binding.version:
            return binding.default if binding.is_unfit else NOTHING
        try:
            return self.bindings.value_of(binding.key)
        except DecodeError:
            return NOTHING

    def _hear_page(self, bound: KeyInRun, widget: Widget) -> None:
        """A server that was restarted does not know the widget, which the page has shown."""
        binding = bound.binding
        try:
            sent = widget.fitted(session_state.plain(runs.sent_value(widget)))
        except Exception:  # noqa: BLE001  # nothing, or what no longer fits
            return
        heard = mark_if_kept(widget.key, session_state.plain(sent))
        hearing = decide_on_hearing(
            is_another=heard not in (None, binding.mark),
            says_it_showed_theirs=self.bindings.has_shown(binding),
        )
        match hearing:
            case Hearing.IGNORE:
                pass
            case Hearing.CHOICE:
                self._correct(bound, sent)
            case Hearing.REMEMBER:
                binding.overruled = session_state.plain(sent)

    def _fit(self, bound: KeyInRun, widget: Widget, value: Any, *, is_theirs: bool) -> None:
        binding = bound.binding
        fitted = fitting(widget, value, binding.default)
        self._correct(bound, fitted.value)
        if fitted.fit is not Fit.WHOLE:
            self._note_misfit(bound, bound.put)
        elif is_theirs:
            binding.mark = mark_if_kept(widget.key, bound.put)
            binding.is_unfit = False
        if fitted.fit is Fit.OWN and binding.default is not NOTHING:
            self.bindings.say_unfit_default(binding)

    def _try(self, bound: KeyInRun, widget: Widget) -> None:
        """What did not fit may fit by now, or more of it."""
        binding = bound.binding
        theirs = self._theirs(binding)
        fitted = fitting(widget, theirs)
        if theirs is NOTHING or fitted.fit not in (Fit.WHOLE, Fit.PART):
            return
        if mark_if_kept(widget.key, session_state.plain(fitted.value)) != binding.mark:
            self._correct(bound, fitted.value)
            binding.mark = mark_if_kept(widget.key, bound.put)
        binding.is_unfit = fitted.fit is Fit.PART

    def _note_misfit(self, bound: KeyInRun, shown: Any) -> None:
        """Its widget shows something else, which nobody has chosen."""
        binding = bound.binding
        self.bindings.say_unfit(binding, "what is stored no longer fits the widget")
        binding.mark = mark_if_kept(binding.key, shown)
        binding.is_unfit = binding.version > 0 or binding.default is not NOTHING
        bound.is_ruled_out = bound.chosen is not None

    def _correct(self, bound: KeyInRun, value: Any) -> None:
        runs.correct_value(bound.binding.key, value)
        bound.put = session_state.get(bound.binding.key)

    def after_widget(self, widget: Widget) -> None:
        bound = self._bound(widget.key)
        if bound is None:
            return
        binding = bound.binding
        value = session_state.get(widget.key)
        if bound.appears or binding.widget_id != widget.id:
            widget.begin_with(value)
        binding.widget_id = widget.id
        binding.drawn_in = script.run(), script.fragment()
        binding.widget_default = widget.default()
        binding.was_there = True
        if binding.mark is None:
            default = mark_if_kept(widget.key, binding.widget_default)
            if default == mark_if_kept(widget.key, value):
                binding.mark = default  # nobody has chosen it

    def on_correction(self, key: str, value: Any) -> None:
        bound = self._bound(key)
        if bound is not None:
            self._note_misfit(bound, value)

    def at_end(self, *, is_followed: bool) -> None:
        with self.bindings.lock:
            self.is_over = True
            if self.timer is not None:
                self.timer.cancel()
            if self.bindings.is_closed:
                return
            changes: dict[str, codecs.Payload] = {}
            deleted: list[str] = []
            for bound in self.bound.values():
                self._end(bound, changes, deleted)
            marks = {key: self.bound[key].binding.mark for key in changes}
            self.bindings.save(changes, deleted)
            for key in changes:
                if changes[key] is self.bound[key].chosen and self.bound[key].is_ruled_out:
                    self.bound[key].binding.mark = marks[key]  # of what is shown in its place
                    self.bound[key].binding.is_unfit = True

    def _end(self, bound: KeyInRun, changes: dict[str, codecs.Payload], deleted: list[str]) -> None:
        binding = bound.binding
        try:
            payload = self._payload(binding.key)
        except PgStateError as error:
            self.bindings.say_unsaved(binding, error)
            return
        action = self._decide_at_end(bound, payload)
        binding.was_there = payload is not None
        binding.was_missing |= payload is None
        match action:
            case AtEnd.LEAVE:
                pass
            case AtEnd.SAVE if payload is not None:
                changes[binding.key] = payload
            case AtEnd.SAVE_CHOICE if bound.chosen is not None:
                changes[binding.key] = bound.chosen
            case AtEnd.DELETE:
                deleted.append(binding.key)
                binding.is_deleted = True
                if payload is None:
                    binding.mark = None
            case AtEnd.REBASE if payload is not None:
                binding.mark = mark_of(payload)

    def _payload(self, key: str) -> codecs.Payload | None:
        """What `st.session_state` holds, encoded once: to compare it, and to store it."""
        if not session_state.has(key):
            return None
        return self.bindings.session.encode(key, session_state.get(key))

    def _decide_at_end(self, bound: KeyInRun, payload: codecs.Payload | None) -> AtEnd:
        binding = bound.binding
        if payload is None:
            mine = Mine.DELETED if binding.was_deleted else Mine.MISSING
        else:
            mine = Mine.SAME if mark_of(payload) == binding.mark else Mine.CHANGED
        return decide_at_end(
            mine,
            is_stored=binding.version > 0,
            is_deleted=binding.is_deleted,
            is_unreadable=bound.is_unreadable,
            is_ruled_out=bound.is_ruled_out,
        )
