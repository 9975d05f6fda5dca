"""The HttpOnly cookie of one page under `pgstate.App`, as far as its script knows it.

A script can neither read the cookie as it is now nor set it. It knows the token that came with the
page, and the tokens that it has given tickets for. `cookie_keeper` is the other end: it sets the
cookie with the page, and where the page presents a ticket.
"""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from streamlit_pgstate.component.handshake import Handshake, Question
from streamlit_pgstate.errors import Refusal, UnknownToken
from streamlit_pgstate.page import changes
from streamlit_pgstate.page.arrival import NEW, Arrived
from streamlit_pgstate.postgres.tables import Tables
from streamlit_pgstate.postgres.ticket import Ticket, mark_of, mark_of_session
from streamlit_pgstate.postgres.token import Token, fingerprint
from streamlit_pgstate.state.session import Session

_KEPT_MARKS: Final = 8
"""How many cookies a ticket may replace, and the tokens of how many forgotten sessions. A page that
gives its browser more tokens than that, while the network fails, loses the way to the first."""

_RETURNING: Final = Arrived.opened("cookie", is_stored=True)


@dataclass(frozen=True, slots=True)
class Opened:
    """The session that the first run of a page works with."""

    token: Token
    session: Session
    handshake: Handshake
    is_minted: bool = False
    """Whether the token was minted just now, because nothing that came with the page is good."""
    arrived: Arrived = NEW
    """How the visitor came."""


class PageCookie:
    """The cookie of one page.

    Args:
        tables: where sessions are stored.
    """

    def __init__(self, tables: Tables) -> None:
        self.is_first_visit = False
        """Whether the browser's token has opened nothing, so that it may have had another one."""
        self.has_moved = True
        """Whether the browser's cookie got, or gets, a token without which other tabs cannot go on:
        that of another state than before, or of a login."""
        self._tables = tables
        self._held: tuple[str, ...] = ()
        """Marks of the cookies that the browser may have: the one that came with the page, and
        those that it was given tickets for."""
        self._ended: tuple[str, ...] = ()
        """Marks of the sessions that this page has forgotten."""
        self._ticket: tuple[Question, str] | None = None
        """The last ticket, and its question. The component is drawn anew if its data change."""

    # What came with the page

    def note_held(self, text: str | None) -> None:
        """Note the cookie that came with the page; None for none."""
        self._held = () if text is None else (mark_of(text),)

    def open(
        self, text: str, aside: Sequence[str], session_of: Callable[[Token], Session]
    ) -> Opened | UnknownToken:
        """Open the session of the cookie's token, or of one that lies aside.

        A token without a row is good. It belongs to a first visit, or it stands in for one that
        lies aside: then that one comes before it.

        Args:
            text: the cookie's token, unchecked.
            aside: the tokens that lie aside, unchecked.
            session_of: loads the session of a token.

        Returns:
            What was opened, or why the cookie's token opens nothing.
        """
        signer = self._tables.signer
        first: Opened | None = None
        refused: UnknownToken | None = None
        try:
            token = signer.check(text)
            session = session_of(token)
            first = Opened(token, session, Handshake.of_first_visit(token.fingerprint))
        except UnknownToken as error:
            changes.note_refusal(error, "browser")
            refused = error
        if refused is not None and refused.refusal is Refusal.FINAL:
            return refused  # forgotten: what lies aside must not take its place
        if first is not None and first.session.is_stored:
            self.has_moved = False
            known = Handshake.of_known(first.token.fingerprint).with_cookie_alone()
            return Opened(first.token, first.session, known, arrived=_RETURNING)
        for other in aside:
            with contextlib.suppress(UnknownToken):
                token = signer.check(other)
                session = session_of(token)
                if session.is_stored:
                    known = Handshake.of_known(token.fingerprint).with_cookie_alone()
                    because = Refusal.DATABASE if refused is None else refused.refusal
                    brought_back = known.brought_back(fingerprint(text), because)
                    return Opened(token, session, brought_back, arrived=_RETURNING)
        if refused is not None:
            return refused
        assert first is not None  # noqa: S101 - it was opened, or refused
        self.is_first_visit = True
        return first

    # Tickets

    def hold(self, token: Token) -> None:
        """Note the token for tickets. A browser that has brought no cookie gets no ticket."""
        if self._held and (mark := mark_of(token.text)) not in self._held:
            self._held = (*self._held, mark)[-_KEPT_MARKS:]

    def move(self) -> None:
        """The cookie gets the token of another state than before."""
        self.is_first_visit, self.has_moved = False, True

    def end(self, session_id: uuid.UUID) -> None:
        """The session was forgotten: tickets may replace all of its tokens from now on."""
        self._ended = (*self._ended, mark_of_session(session_id))[-_KEPT_MARKS:]

    def ticket_for(self, question: Question, token: Token) -> str | None:
        """A ticket for the cookie; None if it is as it should be, or if the browser keeps none."""
        mark = mark_of(token.text)
        after = tuple(held for held in self._held if held != mark)
        if question.replaces is None or not after:
            return None
        if self._ticket is None or self._ticket[0] != question:
            ticket = Ticket(
                token.text,
                after,
                sets_aside=question.because is not Refusal.FINAL,
                ended=self._ended,
                clears=question.clears,
            )
            text = self._tables.ticket_sealer.seal(ticket, now=time.time())
            self._ticket = question, text
        return self._ticket[1]
