"""The scopes: the states that `pgstate.scope(name)` returns.

There is the browser's, which the verbs of the module use, and beside it the state of the tab, of
the user that `st.login` knows, and of the app. Each is opened when it is first asked for, and
refreshed once a run.
"""

from __future__ import annotations

import contextlib
import functools
import threading
import uuid
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NoReturn, TypeVar

from streamlit_pgstate.component import script
from streamlit_pgstate.errors import ConfigError, UnknownToken
from streamlit_pgstate.page import changes, login
from streamlit_pgstate.page import tab as _tab
from streamlit_pgstate.page.arrival import Arrived
from streamlit_pgstate.page.changes import Change
from streamlit_pgstate.page.surroundings import SURROUNDINGS
from streamlit_pgstate.page.tab import Tab
from streamlit_pgstate.postgres.rows import SessionRef
from streamlit_pgstate.postgres.token import session_of_app
from streamlit_pgstate.state.mapping import State
from streamlit_pgstate.state.session import Session

StateT = TypeVar("StateT", bound=State)

_TRIES_TO_LOAD: Final = 3
"""How often a user's state is looked for that other replicas move or forget meanwhile."""

_MEANINGS = {
    "browser": "all tabs of this browser",
    "tab": "this tab",
    "user": "who st.login says it is, on every device",
    "app": "all visitors of the app",
}


class UserState(State):
    """The state of a user who is logged in. It is the same on every device."""

    def adopt(self, *keys: str) -> list[str]:
        """Move what this browser's state has, and the user's lacks, to the user. For a login.

        The next person at this browser does not find it there. A key that both states have stays
        in both. Calls in later runs cost nothing when there is nothing to move.

        Args:
            *keys: which of them; all keys if none is named.

        Returns:
            The keys that were taken over, sorted.

        Raises:
            LimitExceeded: the user's state would grow over a limit; nothing was moved.

        Example:
            >>> if st.user.is_logged_in:  # doctest: +SKIP
            ...     pgstate.scope("user").adopt()
        """
        return _tab.current().browser.call(lambda state: self._adopt(state, keys))

    def _adopt(self, state: State, keys: Sequence[str]) -> list[str]:
        moved = self.take_over(state, *keys)
        if moved:
            number = "1 key" if len(moved) == 1 else f"{len(moved):,} keys"
            why = f"{number} of session {changes.short(state.id)}"
            changes.note(Change.TAKEN_OVER, self.id, "user", why)
        return moved


def browser() -> State:
    """The state of this browser, shared by all of its tabs."""
    return _tab.current().browser.state


def tab() -> State:
    """The state of this tab."""
    visit = _tab.present().own
    visit.enter_run()
    return visit.state


def user() -> UserState:
    """The state of the user that `st.login` knows.

    Raises:
        NoSessionError: nobody is logged in.
        ConfigError: the app has no login.
    """
    tab, who = _tab.present(), login.required()
    session_id, *former = tab.tables.signer.sessions_of_user(who.issuer, who.subject)
    return _opened(tab).open(
        UserState, SessionRef(session_id, scope="user", is_of_page=True), former
    )


def app() -> State:
    """The state that all visitors of the app share."""
    tab = _tab.present()
    session_id = session_of_app(tab.tables.settings.app)
    ref = SessionRef(session_id, scope="app", is_of_page=True)
    return _opened(tab).open(State, ref)


def unknown(name: object) -> NoReturn:
    meanings = ", ".join(f"{name!r} ({meaning})" for name, meaning in _MEANINGS.items())
    raise ConfigError(f"There is no scope {name!r}; there are {meanings}.")


@dataclass(frozen=True, slots=True)
class _OpenedState:
    """A state beside the browser's, as one run of a tab has it."""

    ref: SessionRef
    """What was asked for. The session may still be under a former id."""
    session: Session
    state: State
    run: object
    """The run that has refreshed it."""


class _Opened:
    """The states beside the browser's that one tab has opened, by scope.

    Each run has a state of its own over the session that all runs of the tab share. If a run
    forgets its state, that one goes on with another session. What threads of former runs have is
    of no use any more.
    """

    def __init__(self, tab: Tab) -> None:
        self._tables = tab.tables
        self._live = tab.live
        self._lock = threading.Lock()
        self._states: dict[str, _OpenedState] = {}

    def open(self, kind: type[StateT], ref: SessionRef, former: Sequence[uuid.UUID] = ()) -> StateT:
        """The state of a session, as the present run has it.

        Args:
            kind: the class of the state.
            ref: the session.
            former: ids by former signing keys, under which it may still be.
        """
        find = functools.partial(self._loaded, ref, former)
        run = script.run()
        with self._lock:
            known = self._states.get(ref.scope)
            if known is None or known.ref != ref:
                session = find()
                _note_arrival(session)
            elif known.run is run and isinstance(known.state, kind):
                return known.state
            else:
                session = _refreshed(known.session, find)
                _keep_arrival(known.session, session)
            state = kind(session)
            self._states[ref.scope] = _OpenedState(ref, session, state, run)
        self._live.follow(session, functools.partial(self._refreshed_quietly, session, find))
        return state

    def _loaded(self, ref: SessionRef, former: Sequence[uuid.UUID]) -> Session:
        if not former:
            return self._session_at(ref)
        for _ in range(_TRIES_TO_LOAD - 1):
            with contextlib.suppress(UnknownToken):  # another replica has moved it just now
                return self._session_at(self._tables.moves.home_of(ref, former))
        return self._session_at(self._tables.moves.home_of(ref, former))

    def _session_at(self, ref: SessionRef) -> Session:
        session = Session(self._tables, ref, surroundings=SURROUNDINGS)
        session.load()
        return session

    def _refreshed_quietly(self, session: Session, find: Callable[[], Session]) -> Session:
        """As `_refreshed`, beside the runs of the tab. The next run uses what this returns."""
        try:
            session.refresh_without_lock()
        except UnknownToken:
            begun = find()
            self._live.follow(begun, functools.partial(self._refreshed_quietly, begun, find))
            return begun
        return session


def _refreshed(session: Session, find: Callable[[], Session]) -> Session:
    """The session, or the one that has taken its place, if it was forgotten, expired or moved."""
    try:
        session.refresh()
    except UnknownToken as error:
        changes.note_refusal(error, session.scope)
        return find()
    return session


def _note_arrival(session: Session) -> None:
    """Note how the user came to this page. The app's state is everybody's: nobody comes to it."""
    if session.scope != "user":
        return
    is_stored = session.is_stored and not session.is_begun_anew
    _tell(session, Arrived.logged_in(is_stored=is_stored, ended=session.revived_after))


def _keep_arrival(before: Session, session: Session) -> None:
    """As `_note_arrival`, of a session that takes the place of another one in an open page.

    The former one was forgotten, unless it was moved: then this one has another id.
    """
    if session is before or session.scope != "user":
        return
    if session.id == before.id:
        _tell(session, Arrived("forgotten", "login"))
    else:
        session.arrival, session.came_by = before.arrival, before.came_by


def _tell(session: Session, arrived: Arrived) -> None:
    session.arrival, session.came_by = arrived.arrival, arrived.came_by


_known: weakref.WeakKeyDictionary[Tab, _Opened] = weakref.WeakKeyDictionary()
_lock = threading.Lock()


def _opened(tab: Tab) -> _Opened:
    with _lock:
        opened = _known.get(tab)
        if opened is None:
            opened = _known[tab] = _Opened(tab)
        return opened
