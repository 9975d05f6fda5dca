"""KeyInRun: one durable key in one run, from the call of `persist` to the run's end.

Between the decisions of `merge` and `st.session_state`: sets the values that were decided on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from streamlit_pgstate import codecs
from streamlit_pgstate.component import runs, session_state
from streamlit_pgstate.persistence.fingerprint import fingerprint_of
from streamlit_pgstate.persistence.key import NOTHING, PersistedKey
from streamlit_pgstate.persistence.merge import Source


@dataclass(slots=True, eq=False)
class KeyInRun:
    """One key in one run."""

    persisted: PersistedKey
    value_put: Any = NOTHING
    """The value that `persist` has put into `st.session_state`."""
    is_restored: bool = False
    """Whether that was the stored value, or the default."""
    is_unreadable: bool = False
    """Whether the stored row cannot be read. No value of this run overwrites such a row."""
    appears: bool = False
    """Whether the widget, if there is one, is new on the page in this run."""
    chosen: codecs.Payload | None = None
    """What the visitor has chosen in the widget with this run."""
    is_ruled_out: bool = False
    """Whether the widget, as this run draws it, could not show that choice."""

    @property
    def key(self) -> str:
        """The key in `st.session_state`."""
        return self.persisted.key

    @property
    def is_ours(self) -> bool:
        """Whether `st.session_state` still holds what `persist` has put there."""
        if self.value_put is NOTHING or not session_state.has(self.key):
            return False
        return session_state.get(self.key) is self.value_put

    @property
    def source(self) -> Source:
        """Where the value comes from that a widget with this key would show now."""
        if self.is_ours:
            return Source.RESTORED if self.is_restored else Source.PUT_BACK
        if not session_state.has(self.key) or runs.is_set_in_this_run(self.key):
            return Source.SCRIPT
        return Source.PAGE

    def put(self, value: Any) -> None:
        """Put a value of this tab into `st.session_state`."""
        session_state.put(self.key, value)
        self.value_put = session_state.get(self.key)

    def correct(self, value: Any) -> None:
        """Replace the value of the widget that is being drawn."""
        runs.correct_value(self.key, value)
        self.value_put = session_state.get(self.key)

    def put_stored(self, value: Any) -> None:
        """Put the stored value, which is the new base."""
        self.put(value)
        self.is_restored = True
        self.persisted.fingerprint = fingerprint_of(self.persisted.encode(value))
        self.persisted.is_unfit = self.persisted.is_deleted = False

    def put_default(self) -> None:
        """Put the default, which is the new base, so it is not saved. Without one, drop the key."""
        persisted = self.persisted
        if persisted.default is not NOTHING:
            payload = persisted.encode(persisted.default)
            # A copy: otherwise a change that the script makes inside the value would also change
            # the default, and go unnoticed.
            self.put(codecs.decode(payload, key=self.key))
            self.is_restored = True
            persisted.fingerprint = fingerprint_of(payload)
        elif persisted.widget_id is not None:
            self.put(persisted.widget_default)
            self.is_restored = True
            persisted.fingerprint = persisted.fingerprint_of(persisted.widget_default)
        else:
            session_state.drop(self.key)
            persisted.fingerprint = None
            persisted.was_there = False
        persisted.is_unfit = self.is_unreadable

    def delete(self) -> None:
        """Put the default, and have the end of the run delete the stored value."""
        self.persisted.is_deleted = self.persisted.version > 0
        self.put_default()

    def continue_from(self, former: KeyInRun) -> None:
        """Continue what this run began in the state that it has left, mostly by `forget`.

        The value that the key has now came from the former state. It becomes the base: it is not
        saved until somebody changes it.
        """
        if session_state.has(self.key):
            value = session_state.get(self.key)
            self.persisted.fingerprint = self.persisted.fingerprint_of(value)
        if former.is_ours:
            self.value_put, self.is_restored = former.value_put, True
