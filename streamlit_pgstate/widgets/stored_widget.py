"""A widget whose value is stored, as one tab knows it over all of its runs.

The base of `editor` and `uploads`. It works with two sources: Streamlit's own widget holds what the
visitor has done since that widget was created, and the state holds everything before. Streamlit's
widget has a key of its own, and gets another key once the page has dropped its content. So
whatever the widget holds was put there by the visitor.
"""

from __future__ import annotations

import functools
import logging
import secrets
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Final, Self
from uuid import UUID

import streamlit as st

from streamlit_pgstate.component import drawn_widgets
from streamlit_pgstate.errors import DecodeError, PgStateError
from streamlit_pgstate.page import tab as _tab
from streamlit_pgstate.page.tab import Tab
from streamlit_pgstate.state.mapping import State
from streamlit_pgstate.state.session import Session
from streamlit_pgstate.widgets.call import Call

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StoredValue:
    """What the state holds under a key."""

    key: str
    session_id: UUID
    version: int
    """The version that wrote the value; 0 if there is none."""
    value: Any
    """None if there is none, or if this version of the package cannot read it."""

    @classmethod
    def read(cls, key: str, tab: Tab) -> Self:
        """Read the value from the browser's state. A value that cannot be decoded is logged."""
        session = tab.browser.session
        version = session.entry_version(key)
        try:
            value = tab.browser.call(lambda state: state.get(key))
        except DecodeError as error:
            _LOG.warning("%s", error)
            value = None
        return cls(key, session.id, version, value)


class StoredWidget(ABC):
    """One widget and its value, as this tab knows them."""

    def __init__(self, stored: StoredValue) -> None:
        self.key = stored.key
        """The script's own key."""
        self.widget_key = self._new_widget_key()
        """The key of Streamlit's widget."""
        self.session_id = stored.session_id
        self.version = stored.version
        """The version of the stored value that this tab has last read or written."""
        self.is_stored = True
        """Whether all changes by the visitor are stored. If not, the next run tries again."""
        self.failure: PgStateError | None = None
        """Why they are not stored. It is raised below the widget, so that the visitor can still
        undo what cannot be stored."""

    # What a subclass defines

    @property
    @abstractmethod
    def value(self) -> Any:
        """What `st.session_state[key]` would be if there had been no reload."""

    @property
    @abstractmethod
    def value_to_store(self) -> Any:
        """The value for the state; None if nothing is to be stored."""

    @property
    @abstractmethod
    def has_input(self) -> bool:
        """Whether Streamlit's present widget holds something that the visitor has put into it."""

    @abstractmethod
    def collect_changes(self) -> bool:
        """Take over what the visitor has changed since the last call; whether there was a change.

        The changes come from `st.session_state`, where Streamlit's widget has its value.
        """

    @abstractmethod
    def restart_widget(self) -> None:
        """Replace Streamlit's widget by an empty one under a new key, and keep the value."""

    # A run

    @classmethod
    def find(cls, key: str) -> Self | None:
        """The widget that this tab has under `key`; None if it has none of this class."""
        found = st.session_state.get(_slot(key))
        return found if isinstance(found, cls) else None

    @classmethod
    def resume(cls, key: str, tab: Tab) -> Self | None:
        """As `find`, after the visitor's changes were stored. None, too, if the session changed."""
        found = cls.find(key)
        if found is None or found.session_id != tab.browser.session.id:
            return None
        found.store_changes()
        return found

    def remember(self) -> Self:
        """Have `find` return this object for as long as the tab is open."""
        st.session_state[_slot(self.key)] = self
        return self

    def is_outdated(self, tab: Tab) -> bool:
        """Whether another tab, or the script, has stored another value meanwhile."""
        return self.is_stored and self.version != tab.browser.session.entry_version(self.key)

    def is_intact(self) -> bool:
        """Whether Streamlit's widget still exists, with all that the visitor has put into it."""
        if self.widget_key not in st.session_state:
            return False
        return not self.has_input or drawn_widgets.still_holds(self.widget_key)

    def draw(self, call: Call, **arguments: Any) -> Any:
        """Draw Streamlit's widget and return its value. Changes are stored by its callback.

        Args:
            call: the script's call.
            **arguments: replace those of the script.
        """
        store = functools.partial(store_changes, self.key)
        return call.draw(self.widget_key, store, **arguments)

    def finish(self) -> None:
        """Put the value into `st.session_state`; raise the error if it could not be stored."""
        if self.failure is not None:
            raise self.failure
        self._update_session_state()

    # Storing

    def store_changes(self) -> None:
        """Store what the visitor has changed since the last call.

        It replaces what another tab has stored meanwhile.
        """
        if self.collect_changes():
            self.is_stored = False
        if not self.is_stored:
            self.store()

    def store(self) -> None:
        """Store the value. Nothing is stored if the tab has another session by now.

        That is so after `forget`, for instance. The value belongs to the former session.
        """
        self.is_stored, self.failure = False, None
        try:
            tab = _tab.current()
            if tab.browser.session.id != self.session_id:
                st.session_state.pop(_slot(self.key), None)
                return
            self._update_session_state()
            self.version = tab.browser.call(lambda state: self._store(state, tab.browser.session))
        except PgStateError as error:
            self._update_session_state()
            self.failure = error
        else:
            self.is_stored = True

    def _store(self, state: State, session: Session) -> int:
        value = self.value_to_store
        if value is not None:
            state.set(self.key, value)
        elif session.entry_version(self.key):
            state.delete(self.key)
        return session.entry_version(self.key)

    def _update_session_state(self) -> None:
        st.session_state[self.key] = self.value

    def _new_widget_key(self) -> str:
        """A key that no widget had before."""
        return f"{self.key}-{secrets.token_hex(4)}"


def enter_run() -> Tab:
    """The tab whose script runs now, prepared for one of these widgets.

    The page also runs the script again as soon as it has found its server again after a break.
    """
    tab = _tab.current()
    tab.notice_reconnect()
    return tab


def store_changes(key: str) -> None:
    """Store what the visitor has changed in the widget under `key`: a callback."""
    found = StoredWidget.find(key)
    if found is not None:
        found.store_changes()


def _slot(key: str) -> str:
    """The key of `st.session_state` under which a tab has the `StoredWidget` for `key`."""
    return f"pgstate.{key}"
