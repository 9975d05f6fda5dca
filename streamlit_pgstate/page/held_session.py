"""The session that one page works with, the token that opens it, and what was agreed about both.

`handshake` decides which token the server and the browser agree on, and `page_sessions` opens what
a token opens. This module keeps the result, and takes the page from one session to another.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from typing import NoReturn

from streamlit_pgstate.component import bridge, script
from streamlit_pgstate.component.handshake import Handshake, Standing
from streamlit_pgstate.component.script import Address
from streamlit_pgstate.component.transport import Transport
from streamlit_pgstate.errors import Ending, NoSessionError, Refusal, UnknownToken
from streamlit_pgstate.page import changes
from streamlit_pgstate.page.arrival import NEW, Arrived
from streamlit_pgstate.page.changes import Change
from streamlit_pgstate.page.page_cookie import PageCookie
from streamlit_pgstate.page.page_login import PageLogin
from streamlit_pgstate.page.page_sessions import PageSessions
from streamlit_pgstate.page.visit_run import VisitRuns
from streamlit_pgstate.postgres.rows import SessionRef
from streamlit_pgstate.postgres.tables import Tables
from streamlit_pgstate.postgres.token import Token
from streamlit_pgstate.state.mapping import State
from streamlit_pgstate.state.session import Session


class HeldSession:
    """The present session of a page, and its token.

    Whoever changes anything here holds the lock of the visit: runs of a tab overlap, and threads
    rotate tokens. Only `release` and the properties are used without it.

    Args:
        tables: where sessions are stored.
        transport: how the token comes with the page.
        sessions: opens the sessions.
        runs: the runs of the tab. Those that began with another session become stale.
        cookie: the cookie of the page, if the transport has one that is HttpOnly.
        login: who is logged in.
        on_use: called with each session that the page works with from now on.
        leave_page: as in `Visit`.
        rejoin_page: as in `Visit`.
    """

    def __init__(
        self,
        tables: Tables,
        transport: Transport,
        *,
        sessions: PageSessions,
        runs: VisitRuns,
        cookie: PageCookie,
        login: PageLogin,
        on_use: Callable[[Session], None],
        leave_page: Callable[[], None],
        rejoin_page: Callable[[], None],
    ) -> None:
        self.found: tuple[int, Set[str]] = (0, frozenset())
        """The version and the keys of the session when this tab began to use it."""
        self.must_ask = False
        """Whether no token came with the page, so that its first run waits for the browser."""
        self.is_left_behind = False
        """Whether a login in another tab has replaced the token. The script waits for the new one:
        what it writes before would be dropped."""
        self.is_over = False
        """Whether the page is to be loaded anew."""
        self.arrived: Arrived = NEW
        """How the visitor came."""
        self._tables = tables
        self._transport = transport
        self._sessions = sessions
        self._runs = runs
        self._cookie = cookie
        self._login = login
        self._on_use = on_use
        self._leave_page = leave_page
        self._rejoin_page = rejoin_page
        self._handshake: Handshake | None = None
        self._token: Token | None = None
        self._session: Session | None = None
        self._state: State | None = None
        self._comes_with_page = False
        """Whether the present token came with the page, or the browser has reported it in place of
        the page's own candidate; and was not replaced yet."""

    @property
    def is_open(self) -> bool:
        """Whether the first run has opened a session."""
        return self._session is not None

    @property
    def state(self) -> State:
        if self._state is None:  # `open` has failed or was never called
            raise _no_session()
        return self._state

    @property
    def session(self) -> Session:
        if self._session is None:
            raise _no_session()
        return self._session

    @property
    def token(self) -> Token | None:
        """The token that opens the session; None before the first run."""
        return self._token

    # What the server and the browser have agreed on

    @property
    def agreed(self) -> Handshake:
        assert self._handshake is not None  # noqa: S101 - `open` has set it
        return self._handshake

    def settle(self, handshake: Handshake) -> None:
        """Note that something has happened to the handshake."""
        self._handshake = handshake
        if self._session is not None:
            self._session.durable = handshake.durable
            self._tell_arrival(self._session)

    def note_arrival(self, arrived: Arrived) -> None:
        """Note that something has happened by which the visitor came in another way."""
        self.arrived = arrived
        if self._session is not None:
            self._tell_arrival(self._session)

    def _tell_arrival(self, session: Session) -> None:
        session.arrival, session.came_by = self.arrived.arrival, self.arrived.came_by

    def alone(self, handshake: Handshake) -> Handshake:
        """The handshake, in which an HttpOnly cookie is the only place for the token."""
        return handshake.with_cookie_alone() if self._transport.is_http_only else handshake

    @property
    def is_candidate(self) -> bool:
        """Whether the token was minted for this page, so that no other one has it."""
        is_candidate = self.agreed.standing is Standing.CANDIDATE
        return is_candidate and not self._cookie.is_first_visit

    # Which session it is

    def open(self) -> None:
        """Open the session of the page's token, or of a candidate: one round trip."""
        opened = self._sessions.open()
        self._comes_with_page = not opened.is_minted
        self.must_ask = opened.handshake.waits
        self.arrived = opened.arrived
        self.settle(opened.handshake)
        self._use(opened.token, opened.session)
        self._note_opened(is_minted=opened.is_minted)

    def _note_opened(self, *, is_minted: bool) -> None:
        change, why = Change.RETURNED, "its token came with the page"
        if is_minted:
            change, why = Change.BEGUN, "no good token came with the page"
        elif not self.session.is_stored:
            change, why = Change.BEGUN, "nothing is stored under the token that came with the page"
        changes.note(change, self.session.id, self._transport.scope, why)

    def _use(self, token: Token, session: Session) -> None:
        self._token, self._session, self._state = token, session, State(session)
        self._cookie.hold(token)
        self.found = session.version, session.value_versions().keys()
        self._on_use(session)
        self.settle(self.agreed)

    def go_over(self, token: Token, session: Session, *, back_to: Address | None = None) -> None:
        """Use another session than the one that the page shows.

        Args:
            token: opens the session.
            session: what to use.
            back_to: where the script runs again; None for the present page.
        """
        self._use(token, session)
        self._runs.back_to = back_to
        self._runs.mark_stale()
        self._leave_page()

    def rejoin(self, token: Token, session: Session) -> None:
        """Use the session that the page has shown before the server was restarted."""
        self._use(token, session)
        self._runs.mark_stale()
        self._runs.back_to = None
        self._rejoin_page()

    def follow(self, token: Token, ref: SessionRef) -> None:
        """Go on under another token of the same session. Threads keep the objects that they use.

        Raises:
            UnknownToken: it is not one; nothing has changed.
        """
        self.session.follow(ref)
        self._token = token

    def begin_anew(self) -> None:
        """Go over to an empty session, because the browser keeps no token any more."""
        self._login.is_beginning = False
        self.arrived = self.arrived.begun()
        self._go_over_to_new(self.agreed.begun)

    def _go_over_to_new(self, agreed: Callable[[str], Handshake]) -> None:
        """Go over to an empty session, under a token that is minted for it.

        Args:
            agreed: returns the handshake after that. Its argument is the token's fingerprint.
        """
        token = self._tables.signer.mint()
        session = self._sessions.of_new(token)  # if this fails, the next run tries it again
        self.settle(agreed(token.fingerprint))
        self.go_over(token, session)

    def release(self) -> None:
        """The tab was closed. Threads that have its state keep it, without its token."""
        if self._session is not None:
            self._session.release()

    # Another token for the present session

    def replace_token(self, token: Token, *, is_for_others: bool) -> None:
        """Go on under a token that the browser is to keep from now on.

        Args:
            token: the new one.
            is_for_others: whether other tabs cannot go on with the former one.
        """
        self.settle(self.agreed.succeeded(token.fingerprint))
        change, why = Change.ROTATED, "another token opens it from now on"
        if is_for_others:
            change, why = Change.REPLACED, "somebody has logged in"
        changes.note(change, token.session_id, self._transport.scope, why)
        if self._token is not None and self._token.session_id != token.session_id:
            # Nothing was stored, and nobody has planted this one.
            self._login.log_in(self.session)
            self._login.note(token.session_id)
        self._token = token
        self._cookie.has_moved = is_for_others
        self._cookie.hold(token)

    def signed_anew(self) -> Token | None:
        """The token under the first signing key, so that the other keys can go.

        Only for the browser's token at the opening of the page, whether it came in a cookie or was
        reported. Two pages, at replicas with the keys in another order, would replace each other's
        for ever.

        Returns:
            What the browser is to keep in place of the token; None if the token can stay.
        """
        token, comes_with_page = self._token, self._comes_with_page
        self._comes_with_page = False
        if comes_with_page and token is not None and token.is_by_former_key:
            return self._tables.signer.signed_anew(token)
        return None

    # Who is logged in

    def note_reported(self, *, is_in_place_of_own: bool) -> None:
        """The browser has reported a token: compare its login as that of the page's token.

        Args:
            is_in_place_of_own: whether nobody has got the page's own token. Otherwise this page has
                stored its own token before.
        """
        self._login.is_beginning &= is_in_place_of_own
        self._comes_with_page = self._login.is_beginning

    def note_login(self) -> None:
        """Compare no more who is logged in: once for each page and session."""
        self._login.note(self.session.id)
        self._login.is_beginning = False

    def begin_empty(self) -> None:
        """Go on under a new token, in place of one under which nothing is stored."""
        agreed, before = self.agreed, self.session.id
        self._go_over_to_new(lambda have: self.alone(agreed.ended(have)))
        self._cookie.move()
        why = "its token could not be replaced at the login"
        changes.note(Change.REFUSED, before, self._transport.scope, why, to=self.session.id)

    # The end of the session

    def refresh(self) -> None:
        """Read what others have changed. If the session has ended, begin another one."""
        try:
            self.session.refresh()
        except UnknownToken as error:  # forgotten or rotated by another tab, or expired
            self.end(error.refusal, error.ended)

    def end(self, because: Refusal, ended: Ending | None = None) -> None:
        """Begin an empty session in place of one that has ended.

        With an HttpOnly cookie the page is loaded anew: the browser may have another token, and
        only a request brings it.

        Args:
            because: why the token opens nothing.
            ended: how the session has ended; None if that is not known.
        """
        script.end_if_overtaken()
        change, why = changes.of_refusal(because, self.session.id, ended)
        former, scope = self.session.id, self._transport.scope
        if self._transport.is_http_only:
            changes.note(change, former, scope, f"{why}; the page is loaded anew")
            self.load_page_anew()
        self._login.is_beginning = False
        self.is_left_behind = because is Refusal.LOGIN
        self.arrived = self.arrived.ended(ended)
        agreed = self.agreed
        if self.is_left_behind:
            self._go_over_to_new(agreed.left_behind)
        else:
            self._go_over_to_new(lambda have: agreed.ended(have, because))
        changes.note(change, former, scope, why, to=self.session.id)

    def forget(self) -> None:
        """Delete the session, and use an empty one. The page keeps what it shows."""
        forgotten = self.session.id
        self.session.forget()
        self._cookie.end(self.session.id)
        self._cookie.move()
        self._runs.mark_others_stale()
        self._login.is_beginning = False
        self.arrived = self.arrived.ended("forgotten")
        token = self._tables.signer.mint()
        self.settle(self.alone(self.agreed.forgotten(token.fingerprint)))
        self._use(token, self._sessions.of_new(token))
        scope = self._transport.scope
        changes.note(Change.FORGOTTEN, forgotten, scope, "by its visitor", to=token.session_id)

    def load_page_anew(self) -> NoReturn:
        """End the run, and have the browser load the page. Only a run of the page can ask it to."""
        script.end_if_overtaken()
        self.is_over = True
        if script.is_fragment_run() or script.is_parallel_fragment():
            script.start_anew()
        bridge.mount_reload()
        raise script.StopException


def _no_session() -> NoSessionError:
    return NoSessionError("This tab has no state yet. Call a verb of pgstate first.")
