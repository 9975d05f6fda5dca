"""A visit: the token of one tab, and the session that it opens.

`handshake` decides which token the server and the browser agree on. A visit carries that out: it
asks the browser through the component, and opens sessions in the database. A tab has one `Visit`
for each transport, and keeps it over all of its runs.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator, Set
from typing import Final, TypeVar

import streamlit as st

from streamlit_pgstate.component import script
from streamlit_pgstate.component.bridge import TokenReply
from streamlit_pgstate.component.handshake import Action, Answer, Standing
from streamlit_pgstate.component.transport import Transport
from streamlit_pgstate.errors import (
    PgStateError,
    Refusal,
    UnknownToken,
)
from streamlit_pgstate.page.held_session import HeldSession
from streamlit_pgstate.page.page_cookie import PageCookie
from streamlit_pgstate.page.page_login import PageLogin
from streamlit_pgstate.page.page_sessions import PageSessions
from streamlit_pgstate.page.questions import Questions
from streamlit_pgstate.page.visit_run import VisitRun, VisitRuns
from streamlit_pgstate.postgres.tables import Tables
from streamlit_pgstate.postgres.token import Token, fingerprint
from streamlit_pgstate.state.mapping import State
from streamlit_pgstate.state.session import Session

_LOG = logging.getLogger(__name__)

_TRIES_AT_LOGIN: Final = 2
"""How often a run tries to replace a token that other tabs or replicas replace at that moment."""

_T = TypeVar("_T")


class Visit:
    """The token and the session of one tab, for one transport.

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
        self._cookie = PageCookie(tables)
        self._login = PageLogin(tables, transport)
        self._sessions = PageSessions(tables, transport, cookie=self._cookie, login=self._login)
        self._held = HeldSession(
            tables,
            transport,
            sessions=self._sessions,
            runs=self._runs,
            cookie=self._cookie,
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
            cookie=self._cookie,
            on_answer=self._on_answer,
            on_end=self._on_end,
        )
        self._stored_by_opening: int | None = None
        """The version of the session when the second run began; None before that."""
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
        self._questions.begin_run()
        try:
            if not self._held.is_open:
                self._open()
            else:
                before = self.session
                self._act_on_replies(run)
                if self.session is before:
                    self._held.refresh()
                if self._stored_by_opening is None:
                    self._stored_by_opening = self.session.version
            self._notice_login_or_end()
        except PgStateError as error:
            run.failure = error

    def _open(self) -> None:
        self._held.open()
        if self._held.agreed.standing is Standing.CANDIDATE:
            # The first run may switch at once to a page without any verb, which asks in its place.
            self._runs.note_candidate()
            self._questions.ask_at_end()

    def _notice_login_or_end(self) -> None:
        for _ in range(_TRIES_AT_LOGIN):
            try:
                if self._notice_login():
                    return
            except UnknownToken as error:
                self._held.end(error.refusal)
                return
        # A run under this token could be one under a planted token. If the browser has a newer one,
        # it reports it.
        self._held.end(Refusal.LOGIN)

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
                    self._held.end(error.refusal)
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
            self.call(State.rotate)  # and so `_replace_token`

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
                    self._held.end(error.refusal)
        return self.session

    # The browser

    def _on_end(self, is_followed: bool) -> None:
        """A run ends that is to ask then: see `Questions.end_run`."""
        with self._lock:
            if not self._is_left:
                self._questions.end_run(is_followed=is_followed)

    def _on_answer(self, key: str) -> None:
        """Handle the component's answer. Streamlit calls this before the script's first line."""
        with self._lock:
            if self._is_left or not self._held.is_open:
                return
            run, was_known = self._runs.present(), self._held.agreed.durable is not None
            took_over, refused = self._held.agreed.takes_over, self._held.agreed.refused
            try:
                with self._before_the_script(run):
                    self._act_on_reply(key)
            except PgStateError as error:
                # The first verb of the run tries again, and its error appears in the page.
                _LOG.debug("The browser's answer could not be acted upon: %s", error)
                return
            is_awaited = self._held.agreed.waits and not was_known
            # After a first visit's answer the page is told to give up a token that was refused.
            is_refused = took_over and self._held.agreed.refused != refused
            if run.is_stale or ((is_awaited or is_refused) and script.is_fragment_run()):
                script.start_anew(self._runs.back_to)

    def _act_on_replies(self, run: VisitRun) -> None:
        """Handle all answers. Streamlit may call a widget's callback before the component's own."""
        with self._before_the_script(run):
            for key in self._runs.mounted():
                self._act_on_reply(key)

    @contextlib.contextmanager
    def _before_the_script(self, run: VisitRun) -> Iterator[None]:
        """Let the run continue with another session if no line of the script has run yet."""
        yield
        if not script.is_callback() or script.is_fragment_run():
            return
        if self._runs.back_to is None or self._runs.back_to.page == script.address().page:
            run.is_stale = False

    def _act_on_reply(self, key: str) -> None:
        """Act upon the browser's answer. A token in it is checked before it is used."""
        reply = self._questions.reply(key)
        if reply is None:
            return
        script.end_if_overtaken()
        match self._held.agreed.action_for(reply.answer):
            case Action.CONFIRM:
                if self._held.is_candidate:
                    self._held.note_login()
                self._held.settle(self._held.alone(self._held.agreed.confirmed()))
                self.session.present()
            case Action.SETTLE:
                self._held.settle(self._held.agreed.with_cookie_alone())
            case Action.CHECK if self._held.agreed.takes_over and self._has_stored_meanwhile():
                self._held.settle(self._held.agreed.with_cookie_alone())
            case Action.GO_WITHOUT:
                self._held.settle(self._held.agreed.going_without())
            case Action.BEGIN:
                self._begin_anew(reply.answer)
            case Action.REFUSE:
                self._held.settle(self._held.agreed.refusing_again(fingerprint(reply.token or "")))
            case Action.CHECK | Action.COPY | Action.FORGET as action:
                self._try(action, reply)

    def _has_stored_meanwhile(self) -> bool:
        """Whether more is stored in the present session than its opening run has stored.

        That run could not wait for the browser. What the visitor has done since is not given up for
        a token from localStorage, neither what they have done in another tab.
        """
        known = self._stored_by_opening
        known = self.session.version if known is None else known
        self._held.refresh()
        return self.session.version > known

    def _begin_anew(self, answer: Answer) -> None:
        """Continue with an empty session: the browser keeps no token any more."""
        before, is_dropped = self.session, self._held.agreed.drops_its_state(answer)
        self._held.begin_anew()
        if is_dropped:
            self._drop(before)

    def _try(self, action: Action, reply: TokenReply) -> None:
        """Check the browser's token, then do what the handshake has decided."""
        text = reply.token or ""
        try:
            token = self.tables.signer.check(text)
            if action is Action.CHECK:
                self._adopt(token, reply.answer)
            elif action is Action.COPY:
                self._copy(token, reply.answer)
            else:
                self._sessions.of(token).forget()
                self._held.settle(self._held.agreed.refusing(token.fingerprint, Refusal.FINAL))
        except UnknownToken as error:
            if error.refusal is Refusal.LOGIN:  # the browser's other page brings the new one
                self._held.settle(self._held.alone(self._held.agreed.going_without()))
                return
            agreed = self._held.agreed.refusing(fingerprint(text), error.refusal)
            self._held.settle(self._held.alone(agreed))

    def _adopt(self, token: Token, answer: Answer) -> None:
        """Continue with the token of the browser."""
        ref = self._sessions.ref_of(token)
        before, is_dropped = self.session, self._held.agreed.drops_its_state(answer)
        self._held.note_reported(is_in_place_of_own=is_dropped)
        if before.id == ref.id:
            self._held.follow(token, ref)
            self._held.settle(self._held.agreed.adopted(token.fingerprint))
            return
        session = self._sessions.of(token)
        if self._transport.is_http_only:
            if not session.is_stored:  # it is worth nothing, and somebody may have planted it
                agreed = self._held.agreed.refusing(token.fingerprint, Refusal.FINAL)
                self._held.settle(self._held.alone(agreed))
                return
            self._take_over(token, session)
            if is_dropped:
                self._drop(before)
            return
        self._held.settle(self._held.agreed.adopted(token.fingerprint))
        if answer.shown:
            self._held.rejoin(token, session)
        else:
            self._held.go_over(token, session, back_to=self._runs.began_at if is_dropped else None)
        if is_dropped:
            self._drop(before)

    def _take_over(self, token: Token, session: Session) -> None:
        """Continue with the session of a token from localStorage.

        Scripts in the page could read that token, so the cookie gets another one. If another
        rotation of the session waits for its browser, who waits has the other token: then the
        cookie gets that of a copy.

        Raises:
            PgStateError: there is no new token. The next run tries it again.
        """
        renewed = session.rotate()
        if renewed is None:
            renewed, session = self._sessions.copy_of(token)
        taken_over = self._held.agreed.taken_over(token.fingerprint)
        self._held.settle(taken_over.succeeded(renewed.fingerprint))
        self._held.go_over(renewed, session, back_to=self._runs.began_at)
        self._cookie.move()

    def _copy(self, source: Token, answer: Answer) -> None:
        """Continue with a copy of a session that another tab uses."""
        before, is_dropped = self.session, self._held.agreed.drops_its_state(answer)
        token, session = self._sessions.copy_of(source)
        self._held.settle(self._held.agreed.copied(token.fingerprint, source.fingerprint))
        self._held.go_over(token, session)
        if is_dropped:
            self._drop(before)

    def _drop(self, candidate: Session) -> None:
        """Delete what was written under a candidate, which nobody else can have."""
        if candidate.is_stored:
            candidate.discard()
