"""A binding: one key of `st.session_state` that is durable, a widget's or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from streamlit_pgstate import codecs
from streamlit_pgstate.component import runs, session_state
from streamlit_pgstate.errors import PgStateError

_KEPT_MARK: Final = 1024
"""Bytes of a body up to which a mark holds it, and not its hash."""

NOTHING: Final = object()
"""In place of a value where there is none."""

Mark: TypeAlias = tuple[str, bytes]
"""What tells one value from another: its kind, and its body or the hash of that."""


@dataclass(slots=True)
class Binding:
    """What one tab knows of one key, over all its runs."""

    key: str
    default: Any = NOTHING
    version: int = 0
    """Of the entry when it and `st.session_state` were last in line; 0 for none."""
    mark: Mark | None = None
    """Of the value that needs no saving: it is stored, or nobody's choice. None: all do."""
    widget_id: str | None = None
    """Of the widget that was last drawn with it; it changes with the widget's parameters."""
    widget_default: Any = None
    held: Any = NOTHING
    """What the visitor chose with a run that could not reach the database, and so drew nothing."""
    overruled: Any = NOTHING
    """What the page has sent of a widget that this server did not know, and which was given what
    is stored: perhaps the visitor's choice, as the page may say with the next run."""
    unfit: int = -1
    """The version that did not fit the widget, as was said in the log."""
    says_default: bool = False
    """Whether the log has said that the default does not fit."""
    unsaved: str = ""
    """Why it could not be saved, as was said in the log."""

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

    def lacks(self, version: int) -> bool:
        """Whether what is stored in that version, 0 for nothing, is not what the page shows.

        Nor does it where the widget could not show it.
        """
        return version > self.version or 0 < version == self.unfit

    @property
    def was_deleted(self) -> bool:
        """Whether the script or a callback has deleted it: Streamlit itself keeps the id."""
        return (
            self.widget_id is not None
            and runs.widget_of(self.key) is None
            and not session_state.has(self.key)
        )

    @property
    def is_changed(self) -> bool:
        """Whether `st.session_state` holds what is not saved yet."""
        return mark_if_kept(self.key, session_state.take(self.key)) != self.mark


@dataclass(slots=True, eq=False)
class Bound:
    """One key in one run, from `persist` on."""

    binding: Binding
    put: Any = NOTHING
    """What `persist` has put into `st.session_state`."""
    is_restored: bool = False
    """Whether that was what is stored, or the default."""
    is_there: bool = False
    """Whether `st.session_state` held anything then."""
    is_deleted: bool = False
    """Whether the script had deleted it."""
    is_unreadable: bool = False
    """Whether a row is there that cannot be read: nothing else takes its place unasked."""
    appears: bool = False
    """Whether its widget, if there is one, comes into the page with this run."""
    chosen: codecs.Payload | None = None
    """What the visitor has changed its widget to with this run."""

    @property
    def is_ours(self) -> bool:
        """Whether `st.session_state` still holds what `persist` has put there."""
        if self.put is NOTHING or not session_state.has(self.binding.key):
            return False
        return session_state.take(self.binding.key) is self.put


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
