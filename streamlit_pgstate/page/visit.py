"""A visit: the runs of one tab, and the session that they all work with.

The first verb of a run refreshes the session, acts upon what the browser has replied, and asks the
browser. `held_session` has the session and its token, `questions` asks, and `replies` acts. A tab
has one `Visit` for each transport, and keeps it over all of its runs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Set
from typing import Final, TypeVar

import streamlit as st

from streamlit_pgstate.component import script
from streamlit_pgstate.component.handshake import Standing
from streamlit_pgstate.component.transport import Transport
from streamlit_pgstate.errors import PgStateError, Refusal, UnknownToken
from streamlit_pgstate.page.held_session import HeldSession
from streamlit_pgstate.page.page_cookie import PageCookie
from streamlit_pgstate.page.page_login import PageLogin
from streamlit_pgstate.page.page_sessions import PageSessions
from streamlit_pgstate.page.questions import Questions
from streamlit_pgstate.page.replies import Replies
from streamlit_pgstate.page.visit_run import VisitRun, VisitRuns
from streamlit_pgstate.postgres import counters
from streamlit_pgstate.postgres.tables import Tables
from streamlit_pgstate.postgres.token import Token
from streamlit_pgstate.state.mapping import State
from streamlit_pgstate.state.session import Session

_TRIES_AT_LOGIN: Final = 2
"""How often a run tries to replace a token that other tabs or replicas replace at that moment."""

_T = TypeVar("_T")


class Visit:
    """The token and the session of one tab, for one transport.

    Runs of a tab overlap, and other threads rotate its token and follow its session. So each method
    takes the lock before it changes anything; only `leave` does without it. `HeldSession`,
    `Questions` and `Replies` have no lock of their own, and are used under this one. It is held
    while a run asks the database, and while it waits for the browser. `refreshed` asks without it.

    Args:
        tables: where sessions are stored.
        transport: how the token comes with the page.
        show: called with each session that the page shows from now on, and with a function that
            refreshes it. That function returns another session if this one has ended.
        leave_page: called when the tab changes to another session, so that what the page shows
            belongs to the former one.
        rejoin_page: called when the tab changes to the session that the page shows already. This
            happens after the server was restarted.
    """

    def __init__(
        self,
        tables: Tables,
        transport: Transport,
        *,
        show: Callable[[Session, Callable[[], Session]], None],
        leave_page: Callable[[], None],
        rejoin_page: Callable[[], None],
    ) -> None:
        self.tables = tables
        self._transport = transport
        self._show = show
        self._lock = threading.RLock()
        self._runs = VisitRuns()
        cookie = PageCookie(tables)
        self._login = PageLogin(tables, transport)
        sessions = PageSessions(tables, transport, cookie=cookie, login=self._login)
        self._held = HeldSession(
            tables,
            transport,
            sessions=sessions,
            runs=self._runs,
            cookie=cookie,
            login=self._login,
            on_use=self._on_use,
            leave_page=leave_page,
            rejoin_page=rejoin_page,
        )
        self._questions = Questions(
            tables,
            transport,
            held=self._held,
            runs=self._runs,
            cookie=cookie,
            on_answer=self._on_answer,
            on_end=self._on_end,
        )
        self._replies = Replies(
            tables,
            transport,
            sessions=sessions,
            held=self._held,
            questions=self._questions,
            runs=self._runs,
            cookie=cookie,
        )
        self._is_left = False

    @property
    def state(self) -> State:
        return self._held.state

    @property
    def session(self) -> Session:
        """The session of the state, for the package."""
        return self._held.session

    @property
    def token(self) -> Token | None:
        """The token that opens the session; None before the first run."""
        return self._held.token

    @property
    def found(self) -> tuple[int, Set[str]]:
        """The version and the keys of the session when this tab began to use it."""
        return self._held.found

    def leave(self) -> None:
        """The tab was closed. Threads that have its state keep it, without its token."""
        self._is_left = True
        self._held.release()

    # A run

    def enter_run(self, *, waits: bool = False) -> None:
        """Prepare for a verb: the first one of a run refreshes the session and asks the browser.

        Args:
            waits: whether the script waits for the browser's answer.

        Raises:
            PgStateError: the database cannot be reached or refuses.
        """
        with self._lock:
            if self._held.is_over:
                self._held.load_page_anew()
            run = self._begun_run()
            if run.is_stale:
                script.start_anew(self._runs.back_to)
            if waits:
                self._held.settle(self._held.agreed.waiting())
            self._questions.ask(run)
            if self._held.agreed.durable is None and self._held.is_left_behind:
                self._questions.await_answer()
            if self._held.agreed.durable is None and self._held.must_ask:
                self._questions.await_first_answer()

    def _begun_run(self) -> VisitRun:
        """The present run, after its first verb has refreshed the session."""
        run = self._runs.present()
        if not run.is_begun:
            self._begin(run)
        if run.failure is not None:
            raise run.failure
        return run

    def _begin(self, run: VisitRun) -> None:
        run.is_begun = True
        counters.count(("run", self._transport.scope))
        self._questions.begin_run()
        try:
            if not self._held.is_open:
                self._open()
            else:
                before = self.session
                self._replies.act_in(run)
                if self.session is before:
                    self._held.refresh()
                self._replies.note_stored()
            self._notice_login_or_end()
        except PgStateError as error:
            run.failure = error

    def _open(self) -> None:
        self._held.open()
        if self._held.agreed.standing is Standing.CANDIDATE:
            # The first run may switch at once to a page without any verb, which asks in its place.
            self._runs.note_candidate()
            self._questions.ask_at_end()

    # The verbs of a run

    def call(self, verb: Callable[[State], _T]) -> _T:
        """Run a verb on the state. If another tab has just forgotten it, the script starts anew."""
        state = self.state
        try:
            return verb(state)
        except UnknownToken as error:
            if error.session_id != state.id:
                raise  # the error is about another state, which the script has opened itself
            with self._lock:
                if self.state is state:  # and no other run of this tab has moved on already
                    self._held.end(error.refusal, error.ended)
                script.start_anew()

    def wait_for_browser(self) -> None:
        """Pause the script until the browser has answered whether it keeps the token: 5 s at most.

        A fragment does not pause but ends. The answer then starts a run of the whole page.
        """
        with self._lock:
            self._questions.await_answer()
            if self._held.agreed.durable is None and not script.is_apptest():
                st.stop()

    def rotate(self) -> None:
        """Give the session a new token. Other tabs of this browser get it from localStorage."""
        with self._lock:
            self.call(State.rotate)  # which calls `_replace_token`

    def forget(self) -> None:
        """Delete the session and its token, and continue with an empty session under a new token.

        The page keeps what it shows until its next run.
        """
        with self._lock:
            self._held.forget()
            self._questions.ask(self._runs.present())

    def forget_unseen(self) -> None:
        """As `forget`, and also forget a token of the browser that it has not reported yet."""
        with self._lock:
            self._begun_run()
            self._held.settle(self._held.agreed.forgetting())
            self.forget()

    # Who is logged in

    def _notice_login_or_end(self) -> None:
        for _ in range(_TRIES_AT_LOGIN):
            try:
                if self._notice_login():
                    return
            except UnknownToken as error:
                self._held.end(error.refusal, error.ended)
                return
        # A run under this token could be one under a planted token. If the browser has a newer one,
        # it reports it.
        self._held.end(Refusal.LOGIN)

    def _notice_login(self) -> bool:
        """Replace the browser's token, once, if another one is logged in than so far.

        Returns:
            False if that is to be tried again.

        Raises:
            UnknownToken: others have replaced the token meanwhile.
            StoreUnavailable: the token was not replaced. The next run tries it again.
        """
        if self._login.has_noticed(self.session.id):
            return True
        assert self.token is not None  # noqa: S101 - the session is open
        is_candidate = self._held.is_candidate
        followed = self._login.follow(self.session, self.token, is_candidate=is_candidate)
        if followed.is_outrun:
            return False
        if followed.keeps is not None:
            self._keep_at_login(followed.keeps)
        if followed.begins_empty:
            self._held.begin_empty()
        if not is_candidate:
            self._held.note_login()
            signed = self._held.signed_anew()
            if signed is not None:
                self._replace_token(signed)
        return True

    # Another token, and another session

    def _keep_at_login(self, token: Token) -> None:
        """As `_replace_token`, of a login. Tabs that were open before cannot go on as they are."""
        self._give(token, is_for_others=True)

    def _replace_token(self, token: Token) -> None:
        """Have the browser keep another token for the present session."""
        self._give(token, is_for_others=False)

    def _give(self, token: Token, *, is_for_others: bool) -> None:
        with self._lock:
            if token.session_id != self.session.id:
                return  # a thread has rotated a session that this tab no longer uses
            self._held.replace_token(token, is_for_others=is_for_others)
            self._questions.renew_veil()
            if script.is_script():
                self._questions.ask(self._runs.present())

    def _on_use(self, session: Session) -> None:
        """The page works with this session from now on."""
        self._questions.renew_veil()
        session.on_rotate = self._replace_token
        self._show(session, self.refreshed)

    def refreshed(self) -> Session:
        """The session after a refresh, or its successor if it has ended.

        Runs of the tab do not wait for this refresh. With a frozen database they would wait twice.
        """
        session = self.session
        try:
            session.refresh_without_lock()
        except UnknownToken as error:
            with self._lock:
                if self.session is session:
                    self._held.end(error.refusal, error.ended)
        return self.session

    # What Streamlit calls

    def _on_end(self, is_followed: bool) -> None:
        """A run ends that is to ask then: see `Questions.end_run`."""
        with self._lock:
            if not self._is_left:
                self._questions.end_run(is_followed=is_followed)

    def _on_answer(self, key: str) -> None:
        """Handle the component's answer. Streamlit calls this before the script's first line."""
        with self._lock:
            if not self._is_left and self._held.is_open:
                self._replies.act_before_the_script(key)
