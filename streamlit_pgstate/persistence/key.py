"""PersistedKey: what one tab knows of one durable key, over all its runs.

Between `st.session_state` and `merge`: describes the key's value in the terms of `merge`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

from streamlit_pgstate import codecs
from streamlit_pgstate.component import runs, script, session_state
from streamlit_pgstate.component.widget import Widget
from streamlit_pgstate.errors import PgStateError
from streamlit_pgstate.persistence.encoded import Encoded, remembered
from streamlit_pgstate.persistence.fingerprint import Fingerprint, fingerprint_of
from streamlit_pgstate.persistence.merge import Base, Drawn, Mine, Theirs

NOTHING: Final = object()
"""Stands for the absence of a value, because None is a value."""


@dataclass(slots=True)
class PersistedKey:
    """What one tab knows of one key of `st.session_state`, a widget's or not."""

    key: str
    default: Any = NOTHING
    """The default given to `persist`."""
    version: int = 0
    """The version in which the base is stored; 0 if the base is not stored."""
    fingerprint: Fingerprint | None = None
    """The fingerprint of the base as `st.session_state` has it; None without a base."""
    widget_id: str | None = None
    """Streamlit's id of the widget that was last drawn with this key. The id changes when the
    widget's parameters change."""
    widget_default: Any = None
    """The own default of that widget."""
    drawn_in: tuple[object, str] = (None, "")
    """The run that last drew that widget, and the fragment that contains the widget; "" if none
    does."""
    unsaved_choice: Any = NOTHING
    """What the visitor chose in a run that neither saved the choice nor drew the widget."""
    unconfirmed_choice: Any = NOTHING
    """A value that the page sent for a widget that this server had not drawn. The stored value was
    shown instead. The page may say in the next run which version it had shown; only then is it
    known whether the value was the visitor's choice."""
    was_there: bool = False
    """Whether `st.session_state` has held the key, and only the script can have deleted it since.

    False in a new session of the server, and after Streamlit or this package removed the key."""
    was_missing: bool = False
    """Whether a run has ended without a value, since the key was first persisted in this state."""
    is_deleted: bool = False
    """Whether the script has deleted the key, and the stored value is still to be deleted."""
    is_unfit: bool = False
    """Whether the page shows another value, because the stored value, or else the default, did not
    fit the widget."""
    encoded: Encoded | None = None
    """The value that was encoded last, if it can be told from all others."""

    # A value as bytes

    def encode(self, value: Any, *, limit: float = math.inf) -> codecs.Payload:
        """Encode a value, unless it is the one that was encoded last.

        Raises:
            UnsupportedType: the value cannot be stored exactly.
            LimitExceeded: it is larger than `limit` bytes.
        """
        known = self.encoded
        if known is not None and known.payload.size <= limit and known.is_of(value):
            return known.payload
        if type(value) is list:
            value = value.copy()  # another thread may change it between the next two lines
        payload = codecs.encode(value, key=self.key, limit=limit)
        self.encoded = remembered(value, payload)
        return payload

    def fingerprint_of(self, value: Any) -> Fingerprint | None:
        """Return the fingerprint of a value; None if the value cannot be stored.

        The end of the run reports a value that cannot be stored.
        """
        try:
            return fingerprint_of(self.encode(value))
        except PgStateError:
            return None

    # The terms of `merge`

    @property
    def base(self) -> Base:
        """The base, as `merge` classifies it."""
        if self.version:
            return Base.STORED
        if self.fingerprint is not None:
            return Base.UNSTORED
        return Base.EMPTY if self.was_missing else Base.NONE

    @property
    def mine(self) -> Mine:
        """What `st.session_state` holds of this tab. A value is not compared with the base."""
        if self.has_own_value:
            return Mine.UNCOMPARED
        if self.is_deleted or self.was_deleted:
            return Mine.DELETED
        return Mine.MISSING if self.unsaved_choice is NOTHING else Mine.UNSAVED

    @property
    def compared(self) -> Mine:
        """Whether the value in `st.session_state` differs from the base. Encodes the value."""
        mine = self.fingerprint_of(session_state.get(self.key))
        return Mine.SAME if mine == self.fingerprint else Mine.CHANGED

    def theirs(self, version: int) -> Theirs:
        """Compare the stored version with the base; `version` is 0 if nothing is stored."""
        if not version:
            return Theirs.NOTHING
        return Theirs.SAME if version == self.version else Theirs.CHANGED

    def drawn(self, widget: Widget) -> Drawn:
        """Compare `widget` with the widget that was last drawn with this key."""
        if self.widget_id is None:
            return Drawn.NEVER
        return Drawn.ALIKE if self.widget_id == widget.id else Drawn.OTHERWISE

    @property
    def has_own_value(self) -> bool:
        """Whether `st.session_state` holds a current value of this tab.

        `st.session_state` may hold an outdated value for a widget that was not drawn in the last
        run, and for a widget whose key another widget uses now.
        """
        if not session_state.has(self.key):
            return False
        if self.widget_id is None or runs.is_set_in_this_run(self.key):
            return True
        is_its_own = runs.widget_of(self.key) == self.widget_id
        return is_its_own and runs.has_widget_value(self.widget_id)

    @property
    def leaves_the_page(self) -> bool:
        """Whether the page drops the widget at the end of this run, which has not drawn it."""
        run, fragment = self.drawn_in
        return self.widget_id is not None and run is not script.run() and script.covers(fragment)

    @property
    def was_deleted(self) -> bool:
        """Whether the script or a callback has deleted the key, and `persist` has not reacted yet.

        Streamlit itself drops the values of widgets that are not drawn, but keeps their ids.
        """
        is_gone = self.was_there and not session_state.has(self.key)
        return is_gone and runs.widget_of(self.key) is None

    @property
    def may_be_new_to_the_page(self) -> bool:
        """Whether a widget of this key would be new, and its value was set before this run.

        The page shows the value of a new widget only if the same run has set it.
        """
        if self.widget_id is not None or runs.is_set_in_this_run(self.key):
            return False
        widget_id = runs.widget_of(self.key)
        return widget_id is None or not runs.has_widget_value(widget_id)

    def leave_state(self) -> None:
        """Forget what belongs to the former state, because the tab works with another one now.

        A key that is missing now was removed with the former state, so it does not count as
        deleted in the new one.
        """
        self.version = 0
        self.unsaved_choice = self.unconfirmed_choice = NOTHING
        self.was_there = self.was_missing = self.is_deleted = self.is_unfit = False

    def is_outdated(self, version: int) -> bool:
        """Whether the page does not show the stored version; `version` is 0 if nothing is stored.

        The page does not show a stored value that does not fit the widget either.
        """
        return version > self.version or (version > 0 and self.is_unfit)
