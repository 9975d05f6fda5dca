"""PersistedRun: the durable keys of one run, from the call of `persist` to the run's end.

Between Streamlit and `merge`: listens to what happens in the run, asks `merge` what to do before
each widget and at the end, and does it.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

from streamlit_pgstate import codecs
from streamlit_pgstate.component import runs, script, session_state
from streamlit_pgstate.component.runs import RunListener
from streamlit_pgstate.component.widget import Widget
from streamlit_pgstate.errors import ConfigError, DecodeError, PgStateError
from streamlit_pgstate.persistence.fingerprint import fingerprint_of
from streamlit_pgstate.persistence.fitting import Fit, fitting
from streamlit_pgstate.persistence.key import NOTHING, PersistedKey
from streamlit_pgstate.persistence.key_in_run import KeyInRun
from streamlit_pgstate.persistence.merge import (
    AtEnd,
    AtWidget,
    Drawn,
    Mine,
    OnSentValue,
    Source,
    decide_at_end,
    decide_at_widget,
    decide_on_sent_value,
    reads_sent_value,
)
from streamlit_pgstate.persistence.stored import StoredKeys

_SAVE_AFTER: Final = 1.0
"""Seconds after which a run that is not over saves the visitor's choices. Most runs are over by
then, and need no extra statement."""


@dataclass(slots=True, eq=False)
class PersistedRun(RunListener):
    """The durable keys of one run; listens to what happens in it: see `RunListener`."""

    stored: StoredKeys
    former: Mapping[str, KeyInRun] = field(default_factory=dict)
    """The keys that the same run persisted in another state, before it left that state."""
    keys: dict[str, KeyInRun] = field(default_factory=dict)
    is_over: bool = False
    timer: threading.Timer | None = None

    def start_timer(self) -> None:
        """Save the visitor's choices after `_SAVE_AFTER` seconds if the run is not over by then.

        A page that F5 loads then shows them, although this run is not over. Saved only at the end
        of this run, they would overwrite what the visitor chooses next in that page.
        """
        if self.timer is None and any(in_run.chosen for in_run in self.keys.values()):
            run = contextvars.copy_context().run  # so the write counts as this run's, not a job's
            self.timer = threading.Timer(_SAVE_AFTER, run, [self._save_choices])
            self.timer.daemon = True
            self.timer.start()

    def _save_choices(self) -> None:
        with self.stored.lock:
            choices = {
                key: in_run.chosen
                for key, in_run in self.keys.items()
                if in_run.chosen and not in_run.is_ruled_out
            }
            if not self.is_over:
                self.stored.save_early(choices)

    def has_set(self, key: str) -> bool:
        return key in self.keys and self.keys[key].is_ours

    def before_widget(self, widget: Widget) -> None:
        in_run = self._find(widget.key)
        if in_run is None:
            return
        if not widget.is_settable:
            self._refuse(in_run, widget)
        persisted = in_run.persisted
        source, drawn = in_run.source, persisted.drawn(widget)
        mine = self._mine_at(persisted, source, drawn)
        match decide_at_widget(source, drawn, mine, is_unfit=persisted.is_unfit):
            case AtWidget.LEAVE:
                pass
            case AtWidget.FIT_MINE:
                self._fit(in_run, widget, session_state.get(widget.key), is_theirs=False)
            case AtWidget.FIT_THEIRS:
                self._fit(in_run, widget, self._theirs_at(in_run, source), is_theirs=True)
            case AtWidget.TRY_THEIRS:
                self._try_theirs(in_run, widget)
            case AtWidget.DELETE:
                in_run.delete()
                if in_run.is_ours:
                    self._fit(in_run, widget, in_run.value_put, is_theirs=True)
        if reads_sent_value(source, drawn, mine):
            self._read_sent_value(in_run, widget)

    def _find(self, key: str) -> KeyInRun | None:
        """None also after the run has gone to another state: it has another listener then."""
        return None if self.stored.is_closed else self.keys.get(key)

    def _refuse(self, in_run: KeyInRun, widget: Widget) -> NoReturn:
        del self.keys[widget.key]
        session_state.drop(widget.key)
        in_run.persisted.was_there = False
        raise ConfigError(
            f"persist({widget.key!r}) cannot keep this widget: Streamlit does not allow setting "
            "the value of a button, an upload, a data editor or a chart. Instead of "
            "st.data_editor, st.file_uploader, st.camera_input and st.audio_input, use the "
            "functions of the same names in pgstate."
        )

    def _mine_at(self, persisted: PersistedKey, source: Source, drawn: Drawn) -> Mine:
        """Compare mine only where the decision needs it, which few widgets do."""
        if persisted.was_deleted:
            return Mine.DELETED
        is_first = source is Source.PUT_BACK and drawn is Drawn.NEVER
        is_carried = source is Source.PAGE and (drawn is Drawn.OTHERWISE or persisted.is_unfit)
        return persisted.compared if is_first or is_carried else Mine.UNCOMPARED

    def _theirs_at(self, in_run: KeyInRun, source: Source) -> Any:
        """Return what a widget is to show if its visitor has chosen nothing with this run."""
        if source is Source.RESTORED:
            return in_run.value_put
        theirs = self._theirs(in_run.persisted)
        return session_state.get(in_run.key) if theirs is NOTHING else theirs

    def _theirs(self, persisted: PersistedKey) -> Any:
        """Return the stored value; if there is none, the default that did not fit, or NOTHING."""
        if not persisted.version:
            return persisted.default if persisted.is_unfit else NOTHING
        try:
            return self.stored.value_of(persisted.key)
        except DecodeError:
            return NOTHING

    def _read_sent_value(self, in_run: KeyInRun, widget: Widget) -> None:
        """Decide on the value that the page has sent for a widget that this server did not draw.

        The page has shown the widget before the server was restarted.
        """
        persisted = in_run.persisted
        try:
            sent = widget.fitted(session_state.plain(runs.sent_value(widget)))
        except Exception:  # noqa: BLE001  # nothing was sent, or the value no longer fits
            return
        sent_fingerprint = persisted.fingerprint_of(session_state.plain(sent))
        decision = decide_on_sent_value(
            is_another=sent_fingerprint not in (None, persisted.fingerprint),
            page_showed_theirs=self.stored.has_shown(persisted.key),
        )
        match decision:
            case OnSentValue.IGNORE:
                pass
            case OnSentValue.TAKE:
                in_run.correct(sent)
            case OnSentValue.REMEMBER:
                persisted.unconfirmed_choice = session_state.plain(sent)

    def _fit(self, in_run: KeyInRun, widget: Widget, value: Any, *, is_theirs: bool) -> None:
        """Have the widget show `value`, as far as it fits."""
        persisted = in_run.persisted
        fitted = fitting(widget, value, persisted.default)
        in_run.correct(fitted.value)
        if fitted.fit is not Fit.WHOLE:
            self._note_misfit(in_run, in_run.value_put)
        elif is_theirs:
            persisted.fingerprint = persisted.fingerprint_of(in_run.value_put)
            persisted.is_unfit = False
        if fitted.fit is Fit.OWN and persisted.default is not NOTHING:
            self.stored.warn_unfit_default(persisted)

    def _try_theirs(self, in_run: KeyInRun, widget: Widget) -> None:
        """Show what did not fit in an earlier run, if it fits now, or if more of it does."""
        persisted = in_run.persisted
        theirs = self._theirs(persisted)
        fitted = fitting(widget, theirs)
        if theirs is NOTHING or fitted.fit not in (Fit.WHOLE, Fit.PART):
            return
        fingerprint = persisted.fingerprint_of(session_state.plain(fitted.value))
        if fingerprint != persisted.fingerprint:
            in_run.correct(fitted.value)
            persisted.fingerprint = persisted.fingerprint_of(in_run.value_put)
        persisted.is_unfit = fitted.fit is Fit.PART

    def _note_misfit(self, in_run: KeyInRun, shown: Any) -> None:
        """Note that the widget shows another value, which nobody has chosen."""
        persisted = in_run.persisted
        self.stored.warn_unfit(persisted, "the stored value no longer fits the widget")
        persisted.fingerprint = persisted.fingerprint_of(shown)
        persisted.is_unfit = persisted.version > 0 or persisted.default is not NOTHING
        in_run.is_ruled_out = in_run.chosen is not None

    def after_widget(self, widget: Widget) -> None:
        in_run = self._find(widget.key)
        if in_run is None:
            return
        persisted = in_run.persisted
        value = session_state.get(widget.key)
        if in_run.appears or persisted.widget_id != widget.id:
            widget.begin_with(value)
        persisted.widget_id = widget.id
        persisted.drawn_in = script.run(), script.fragment()
        persisted.widget_default = widget.default()
        persisted.was_there = True
        if persisted.fingerprint is None:
            default = persisted.fingerprint_of(persisted.widget_default)
            if default == persisted.fingerprint_of(value):
                persisted.fingerprint = default  # nobody has chosen it

    def on_correction(self, key: str, value: Any) -> None:
        in_run = self._find(key)
        if in_run is not None:
            self._note_misfit(in_run, value)

    def at_end(self, *, is_followed: bool) -> None:
        with self.stored.lock:
            self.is_over = True
            if self.timer is not None:
                self.timer.cancel()
            self.save()

    def save(self) -> None:
        """Save what has changed so far, in one statement. Called under the lock of `stored`."""
        if self.stored.is_closed:
            return
        changes: dict[str, codecs.Payload] = {}
        deleted: list[str] = []
        for in_run in self.keys.values():
            self._end(in_run, changes, deleted)
        shown = {key: self.keys[key].persisted.fingerprint for key in changes}
        self.stored.save(changes, deleted)
        for key in changes:
            in_run = self.keys[key]
            if changes[key] is in_run.chosen and in_run.is_ruled_out:
                # The page does not show the choice that was saved, but another value.
                in_run.persisted.fingerprint = shown[key]
                in_run.persisted.is_unfit = True

    def _end(
        self, in_run: KeyInRun, changes: dict[str, codecs.Payload], deleted: list[str]
    ) -> None:
        """Add what is to be saved of a key to `changes`, or the key to `deleted`."""
        persisted = in_run.persisted
        try:
            payload = self.stored.encode(persisted.key)
        except PgStateError as error:
            self.stored.report_unsaved(persisted, error)
            return
        action = self._decide_at_end(in_run, payload)
        persisted.was_there = payload is not None
        persisted.was_missing |= payload is None
        match action:
            case AtEnd.LEAVE:
                pass
            case AtEnd.SAVE if payload is not None:
                changes[persisted.key] = payload
            case AtEnd.SAVE_CHOICE if in_run.chosen is not None:
                changes[persisted.key] = in_run.chosen
            case AtEnd.DELETE:
                deleted.append(persisted.key)
                persisted.is_deleted = True
                if payload is None:
                    persisted.fingerprint = None
            case AtEnd.REBASE if payload is not None:
                persisted.fingerprint = fingerprint_of(payload)

    def _decide_at_end(self, in_run: KeyInRun, payload: codecs.Payload | None) -> AtEnd:
        persisted = in_run.persisted
        if payload is None:
            mine = Mine.DELETED if persisted.was_deleted else Mine.MISSING
        else:
            is_same = fingerprint_of(payload) == persisted.fingerprint
            mine = Mine.SAME if is_same else Mine.CHANGED
        return decide_at_end(
            mine,
            is_stored=persisted.version > 0,
            is_deleted=persisted.is_deleted,
            is_unreadable=in_run.is_unreadable,
            is_ruled_out=in_run.is_ruled_out,
        )
