"""A binding: one key of `st.session_state` that is durable, a widget's or not.

What the merge has to know of it: see `merge`, whose words these are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from streamlit_pgstate import codecs
from streamlit_pgstate.component import runs, script, session_state
from streamlit_pgstate.component.widget import Widget
from streamlit_pgstate.errors import PgStateError
from streamlit_pgstate.persistence.merge import Base, Drawn, Mine, Theirs

_KEPT_MARK: Final = 1024
"""Bytes of a body up to which a mark holds it, and not its hash."""

NOTHING: Final = object()
"""In place of a value where there is none."""

Mark: TypeAlias = tuple[str, bytes]
"""What tells one value from another: its kind, and its body or the hash of that."""


@dataclass(slots=True)
class PersistedKey:
    """What one tab knows of one key, over all its runs."""

    key: str
    default: Any = NOTHING
    """As given to `persist`."""
    version: int = 0
    """Of the base, as it is stored; 0 where it is not."""
    mark: Mark | None = None
    """Of the base, as `st.session_state` has it; None where there is no base."""
    widget_id: str | None = None
    """Of the widget that was last drawn with it; it changes with the widget's parameters."""
    widget_default: Any = None
    drawn_in: tuple[object, str] = (None, "")
    """The run that has drawn that widget last, and the fragment that it is in; "" for none."""
    held: Any = NOTHING
    """What the visitor chose with a run that has neither saved it nor drawn its widget."""
    overruled: Any = NOTHING
    """What the page has sent of a widget that this server did not know, and which was given what
    is stored: perhaps the visitor's choice, as the page may say with the next run."""
    was_there: bool = False
    """Whether `st.session_state` has had it, and nobody but the script can have deleted it since:
    the session of a new server has had nothing, and what Streamlit or we have removed counts no
    longer."""
    was_missing: bool = False
    """Whether a run has ended without a value of it, since it was bound to this state."""
    is_deleted: bool = False
    """Whether the script has deleted it, and what is stored is still to be deleted."""
    is_unfit: bool = False
    """Whether what is stored, or else the default, did not fit the widget, so that the page shows
    something else."""

    @property
    def base(self) -> Base:
        if self.version:
            return Base.STORED
        if self.mark is not None:
            return Base.UNSTORED
        return Base.EMPTY if self.was_missing else Base.NONE

    @property
    def mine(self) -> Mine:
        """What `st.session_state` holds of this tab's: not compared yet."""
        if self.has_own_value:
            return Mine.UNCOMPARED
        if self.is_deleted or self.was_deleted:
            return Mine.DELETED
        return Mine.MISSING if self.held is NOTHING else Mine.HELD

    @property
    def compared(self) -> Mine:
        """The same of a value that is there, compared with the base: this encodes it."""
        value = session_state.get(self.key)
        return Mine.SAME if mark_if_kept(self.key, value) == self.mark else Mine.CHANGED

    def theirs(self, version: int) -> Theirs:
        """What is stored, in that version; 0 for nothing."""
        if not version:
            return Theirs.NOTHING
        return Theirs.SAME if version == self.version else Theirs.CHANGED

    def drawn(self, widget: Widget) -> Drawn:
        """How its widget was drawn before."""
        if self.widget_id is None:
            return Drawn.NEVER
        return Drawn.ALIKE if self.widget_id == widget.id else Drawn.OTHERWISE

    @property
    def has_own_value(self) -> bool:
        """Whether `st.session_state` holds a value of this tab's.

        For a widget that was not drawn in the last run, or that has given its key to another one,
        it may hold one that is older than the last.
        """
        if not session_state.has(self.key):
            return False
        if self.widget_id is None or runs.is_set_in_this_run(self.key):
            return True
        is_its_own = runs.widget_of(self.key) == self.widget_id
        return is_its_own and runs.has_widget_value(self.widget_id)

    @property
    def leaves_the_page(self) -> bool:
        """At the end of a run: whether the page drops its widget, as this run has not drawn it."""
        run, fragment = self.drawn_in
        return self.widget_id is not None and run is not script.run() and script.covers(fragment)

    @property
    def was_deleted(self) -> bool:
        """Whether the script or a callback has deleted it, which nobody has seen to yet.

        Streamlit itself drops the values of widgets that are not drawn, but keeps their ids.
        """
        is_gone = self.was_there and not session_state.has(self.key)
        return is_gone and runs.widget_of(self.key) is None

    @property
    def may_be_new_to_the_page(self) -> bool:
        """Whether a widget of this key would be a new one, and its value was set before this run:
        the page shows of a new widget only what was set in the same run."""
        if self.widget_id is not None or runs.is_set_in_this_run(self.key):
            return False
        widget_id = runs.widget_of(self.key)
        return widget_id is None or not runs.has_widget_value(widget_id)

    def leave_state(self) -> None:
        """The state is another one: nothing is known of what that holds.

        Nor has anybody deleted anything there: what is gone was of the former.
        """
        self.version = 0
        self.held = self.overruled = NOTHING
        self.was_there = self.was_missing = self.is_deleted = self.is_unfit = False

    def lacks(self, version: int) -> bool:
        """Whether what is stored in that version, 0 for nothing, is not what the page shows.

        Nor does it where the widget could not show it.
        """
        return version > self.version or (version > 0 and self.is_unfit)


def mark(key: str, value: Any) -> Mark:
    """What tells a value from others.

    Raises:
        UnsupportedType: it cannot be kept.
    """
    return mark_of(codecs.encode(value, key=key))


def mark_of(payload: codecs.Payload) -> Mark:
    """The same, of a value that is encoded already."""
    return payload.kind, payload.body if payload.size <= _KEPT_MARK else payload.digest


def mark_if_kept(key: str, value: Any) -> Mark | None:
    """The same; None for what cannot be kept, which the run's end says."""
    try:
        return mark(key, value)
    except PgStateError:
        return None
