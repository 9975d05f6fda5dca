"""What one tab knows of one of these widgets, over all its runs.

Stands between Streamlit's own widget, which holds what the visitor has done since it was begun,
and the state, which holds the rest. Streamlit's widget has a key of its own. Once the page has
dropped what was in it, it begins under a new one: so what comes from it is the visitor's doing.
"""

from __future__ import annotations

import secrets
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, Self

import streamlit as st

from streamlit_pgstate.component import drawn_widgets
from streamlit_pgstate.errors import PgStateError
from streamlit_pgstate.page import tab as _tab
from streamlit_pgstate.page.tab import Tab
from streamlit_pgstate.state.mapping import State
from streamlit_pgstate.state.session import Session


@dataclass(slots=True, kw_only=True)
class Known(ABC):
    """One widget, and its value as this tab has it."""

    key: str
    state_id: object
    version: int
    """Of what is stored, as this tab has read or written it."""
    widget_key: str = field(init=False)
    is_stored: bool = True
    """Whether what the visitor has done is in the database; else the next run tries again."""
    failure: PgStateError | None = None
    """Why it is not; raised below the widget, where the visitor can undo what cannot be stored."""

    @abstractmethod
    def notice(self) -> bool:
        """Look at what Streamlit's widget holds; whether the visitor has changed it."""

    @property
    @abstractmethod
    def entry(self) -> Any:
        """What is to be stored; None for nothing."""

    @property
    @abstractmethod
    def value(self) -> Any:
        """What `st.session_state` would have under the script's own key without a reload."""

    @property
    @abstractmethod
    def is_filled(self) -> bool:
        """Whether the visitor has put something into Streamlit's widget as it is now."""

    @abstractmethod
    def begin_anew(self) -> None:
        """Have Streamlit's widget begin empty, beside what there is, under a new key."""

    @classmethod
    def known(cls, key: str) -> Self | None:
        """What the tab knows of the widget under `key`, if anything."""
        known = st.session_state.get(_slot(key))
        return known if isinstance(known, cls) else None

    @classmethod
    def find(cls, key: str, tab: Tab) -> Self | None:
        """The same as of now; None, too, where it is of another state."""
        known = cls.known(key)
        if known is None or known.state_id != tab.browser.session.id:
            return None
        known.take()
        return known

    def keep(self) -> Self:
        """Have `find` find it, up to the tab's end."""
        st.session_state[_slot(self.key)] = self
        return self

    def take(self) -> None:
        """Store what the visitor has changed since the last call: what this tab changed, wins."""
        if self.notice():
            self.is_stored = False
        if not self.is_stored:
            self.store()

    def store(self) -> None:
        """Store all of it; not in another state than it is of, where it was forgotten, say."""
        self.is_stored, self.failure = False, None
        try:
            tab = _tab.current()
            if tab.browser.session.id != self.state_id:
                st.session_state.pop(_slot(self.key), None)
                return
            self.mirror()
            self.version = tab.browser.call(lambda state: self._store(state, tab.browser.session))
        except PgStateError as error:
            self.mirror()
            self.failure = error
        else:
            self.is_stored = True

    def _store(self, state: State, session: Session) -> int:
        entry = self.entry
        if entry is not None:
            state.set(self.key, entry)
        elif session.version_of(self.key):
            state.delete(self.key)
        return session.version_of(self.key)

    def mirror(self) -> None:
        st.session_state[self.key] = self.value

    def is_outdated(self, session: Session) -> bool:
        """Whether another tab, or the script, has stored something else."""
        return self.is_stored and self.version != session.version_of(self.key)

    def is_on_the_page(self) -> bool:
        """Whether Streamlit's widget is there, with all that was put into it."""
        if self.widget_key not in st.session_state:
            return False
        return not self.is_filled or drawn_widgets.still_holds(self.widget_key)

    def new_widget_key(self) -> str:
        """A key that no widget had before."""
        return f"{self.key}-{secrets.token_hex(4)}"


def changed(key: str) -> None:
    """The visitor has changed the widget under `key`."""
    known = Known.known(key)
    if known is not None:
        known.take()


def _slot(key: str) -> str:
    """Where in `st.session_state` a tab keeps what it knows of the widget under `key`."""
    return f"pgstate.{key}"
