"""The browser's replies: what a page does about each of them.

`handshake` decides which action follows from an answer. This module carries the action out: it
checks the token in the reply, and has the page go over to the session that the token opens.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

from streamlit_pgstate.component import script
from streamlit_pgstate.component.bridge import TokenReply
from streamlit_pgstate.component.handshake import Action, Answer
from streamlit_pgstate.component.transport import Transport
from streamlit_pgstate.errors import Ending, PgStateError, Refusal, UnknownToken
from streamlit_pgstate.page import changes
from streamlit_pgstate.page.arrival import keeper
from streamlit_pgstate.page.changes import Change
from streamlit_pgstate.page.held_session import HeldSession
from streamlit_pgstate.page.page_cookie import PageCookie
from streamlit_pgstate.page.page_sessions import PageSessions
from streamlit_pgstate.page.questions import Questions
from streamlit_pgstate.page.visit_run import VisitRun, VisitRuns
from streamlit_pgstate.postgres.tables import Tables
from streamlit_pgstate.postgres.token import Token, fingerprint
from streamlit_pgstate.state.session import Session

_LOG = logging.getLogger(__name__)


class Replies:
    """The replies of the browser to one visit. Whoever calls this holds the lock of the visit.

    Args:
        tables: where sessions are stored.
        transport: how the token comes with the page.
        sessions: opens the sessions of the tokens in the replies.
        held: the session that the page works with.
        questions: to which the browser replies.
        runs: the runs of the tab.
        cookie: the cookie of the page, if the transport has one that is HttpOnly.
    """

    def __init__(
        self,
        tables: Tables,
        transport: Transport,
        *,
        sessions: PageSessions,
        held: HeldSession,
        questions: Questions,
        runs: VisitRuns,
        cookie: PageCookie,
    ) -> None:
        self._tables = tables
        self._transport = transport
        self._sessions = sessions
        self._held = held
        self._questions = questions
        self._runs = runs
        self._cookie = cookie
        self._stored_by_opening: int | None = None
        """The version of the session when the second run began; None before that."""

    # When a reply is handled

    def act_before_the_script(self, key: str) -> None:
        """Handle the reply of one instance of the component, before the script's first line.

        Args:
            key: the key of the instance.
        """
        run, before = self._runs.present(), self._held.agreed
        try:
            with self._before_the_script(run):
                self._act_on(key)
        except PgStateError as error:
            # The first verb of the run tries again, and its error appears in the page.
            _LOG.debug("The browser's answer could not be acted upon: %s", error)
            return
        agreed = self._held.agreed
        is_awaited = agreed.waits and before.durable is None
        # After a first visit's answer the page is told to give up a token that was refused.
        is_refused = before.takes_over and agreed.refused != before.refused
        if run.is_stale or ((is_awaited or is_refused) and script.is_fragment_run()):
            script.start_anew(self._runs.back_to)

    def act_in(self, run: VisitRun) -> None:
        """Handle all replies, when the first verb of a run is called.

        Streamlit may call a widget's callback before the component's own.

        Args:
            run: the present run.
        """
        with self._before_the_script(run):
            for key in self._runs.mounted():
                self._act_on(key)

    def note_stored(self) -> None:
        """Note what the opening run has stored. Called in each later run; the first call counts."""
        if self._stored_by_opening is None:
            self._stored_by_opening = self._held.session.version

    @contextlib.contextmanager
    def _before_the_script(self, run: VisitRun) -> Iterator[None]:
        """Let the run continue with another session if no line of the script has run yet."""
        yield
        if not script.is_callback() or script.is_fragment_run():
            return
        back_to = self._runs.back_to
        if back_to is None or back_to.page == script.address().page:
            run.is_stale = False

    # What follows from it

    def _act_on(self, key: str) -> None:
        """Act upon the latest reply. A token in it is checked before it is used."""
        reply = self._questions.reply(key)
        if reply is None:
            return
        script.end_if_overtaken()
        held, agreed = self._held, self._held.agreed
        match agreed.action_for(reply.answer):
            case Action.CONFIRM:
                if held.is_candidate:
                    held.note_login()
                held.settle(held.alone(agreed.confirmed()))
                held.session.present()
            case Action.SETTLE:
                held.settle(agreed.with_cookie_alone())
            case Action.CHECK if agreed.takes_over and self._has_stored_meanwhile():
                held.settle(held.agreed.with_cookie_alone())
            case Action.GO_WITHOUT:
                held.settle(agreed.going_without())
            case Action.BEGIN:
                self._begin_anew(reply.answer)
            case Action.REFUSE:
                held.settle(agreed.refusing_again(fingerprint(reply.token or "")))
            case Action.CHECK | Action.COPY | Action.FORGET as action:
                self._try(action, reply)

    def _has_stored_meanwhile(self) -> bool:
        """Whether more is stored in the present session than its opening run has stored.

        That run could not wait for the browser. What the visitor has done since is not given up for
        a token from localStorage, neither what they have done in another tab.
        """
        known = self._stored_by_opening
        known = self._held.session.version if known is None else known
        self._held.refresh()
        return self._held.session.version > known

    def _begin_anew(self, answer: Answer) -> None:
        """Continue with an empty session: the browser keeps no token any more."""
        before, is_dropped = self._held.session, self._held.agreed.drops_its_state(answer)
        self._held.begin_anew()
        self._note(Change.BEGUN, "the browser keeps no token any more", before, is_dropped)
        if is_dropped:
            _drop(before)

    def _try(self, action: Action, reply: TokenReply) -> None:
        """Check the browser's token, then do what the handshake has decided."""
        held, text = self._held, reply.token or ""
        try:
            token = self._tables.signer.check(text)
            if action is Action.CHECK:
                self._adopt(token, reply.answer)
            elif action is Action.COPY:
                self._copy(token, reply.answer)
            else:
                self._sessions.of(token).forget()
                why = "by its visitor"
                changes.note(Change.FORGOTTEN, token.session_id, self._transport.scope, why)
                held.settle(held.agreed.refusing(token.fingerprint, Refusal.FINAL))
        except UnknownToken as error:
            changes.note_refusal(error, self._transport.scope)
            if error.refusal is Refusal.LOGIN:  # the browser's other page brings the new one
                held.settle(held.alone(held.agreed.going_without()))
                return
            by = keeper(self._transport.scope)
            held.note_arrival(held.arrived.reported_refused(by, error.ended))
            held.settle(held.alone(held.agreed.refusing(fingerprint(text), error.refusal)))

    def _adopt(self, token: Token, answer: Answer) -> None:
        """Continue with the token of the browser."""
        held, ref = self._held, self._sessions.ref_of(token)
        before, is_dropped = held.session, held.agreed.drops_its_state(answer)
        held.note_reported(is_in_place_of_own=is_dropped)
        if before.id == ref.id:
            held.follow(token, ref)
            held.settle(held.agreed.adopted(token.fingerprint))
            return
        session = self._sessions.of(token)
        ended = None if is_dropped else _ending_of(before)
        if self._transport.is_http_only:
            if not session.is_stored:  # it is worth nothing, and somebody may have planted it
                agreed = held.agreed.refusing(token.fingerprint, Refusal.FINAL)
                held.settle(held.alone(agreed))
                return
            self._note_reported(session, ended)
            self._take_over(token, session)
            why = "the cookie got a token of its own in place of the one in localStorage"
            self._note(Change.TAKEN_OVER, why, before, is_dropped)
            if is_dropped:
                _drop(before)
            return
        self._note_reported(session, ended)
        held.settle(held.agreed.adopted(token.fingerprint))
        if answer.shown:
            held.rejoin(token, session)
        else:
            held.go_over(token, session, back_to=self._runs.began_at if is_dropped else None)
        self._note(Change.ADOPTED, "the browser keeps its token", before, is_dropped)
        if is_dropped:
            _drop(before)

    def _note_reported(self, session: Session, ended: Ending | None = None) -> None:
        held, by = self._held, keeper(self._transport.scope)
        arrived = held.arrived.reported(by, is_stored=session.is_stored, ended=ended)
        held.note_arrival(arrived)

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
        before, agreed = self._held.session, self._held.agreed
        token, session = self._sessions.copy_of(source)
        self._note_reported(session)
        self._held.settle(agreed.copied(token.fingerprint, source.fingerprint))
        self._held.go_over(token, session)
        is_dropped = agreed.drops_its_state(answer)
        why = f"from session {changes.short(source.session_id)} of the tab that was duplicated"
        self._note(Change.COPIED, why, before, is_dropped)
        if is_dropped:
            _drop(before)

    def _note(self, change: Change, why: str, before: Session, is_dropped: bool) -> None:
        """Log that the tab has gone over to the present session."""
        why = f"{why}, in place of session {changes.short(before.id)}"
        if is_dropped and before.is_stored:
            why = f"{why}, which the first run has written and which is deleted"
        changes.note(change, self._held.session.id, self._transport.scope, why)


def _ending_of(session: Session) -> Ending | None:
    """How the session that the page leaves has ended; None if it has not, or nobody knows.

    One round trip, where another tab has left a state that something is stored in.
    """
    if not session.is_stored:
        return None
    try:
        session.refresh()
    except UnknownToken as error:
        return error.ended
    except PgStateError:  # only the greeting depends on it
        return None
    return None


def _drop(candidate: Session) -> None:
    """Delete what was written under a candidate, which nobody else can have."""
    if candidate.is_stored:
        candidate.discard()
