"""Who was logged in when a page was opened, and the sessions that belong to this login.

`login` decides what follows from a login for the browser's token. This module carries it out in the
database. Then the visit has the browser keep the token that this module returns.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import uuid
from dataclasses import dataclass, field

from streamlit_pgstate.component import script
from streamlit_pgstate.component.transport import Transport
from streamlit_pgstate.errors import LimitExceeded, PgStateError
from streamlit_pgstate.page import login
from streamlit_pgstate.page.login import Login, Step
from streamlit_pgstate.postgres.tables import Tables
from streamlit_pgstate.postgres.token import Token
from streamlit_pgstate.state.session import Session

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Followed:
    """What is left to do after a login or a logout."""

    keeps: Token | None = field(default=None, repr=False)
    """The token that the browser is to keep from now on."""
    is_outrun: bool = False
    """Whether others have replaced the token meanwhile, so that this is to be tried again."""
    begins_empty: bool = False
    """Whether the token could not be replaced, and gives way to that of an empty session."""


class PageLogin:
    """The login of one page.

    Args:
        tables: where sessions are stored.
        transport: how the token comes with the page.
    """

    def __init__(self, tables: Tables, transport: Transport) -> None:
        self.is_beginning = True
        """Whether the browser's token at the opening of the page has still to be heard of."""
        self._tables = tables
        self._transport = transport
        self._noticed: uuid.UUID | None = None
        """The session of which this page has noticed who is logged in."""

    @functools.cached_property
    def _who(self) -> Login | None:
        """Who was logged in when this page was opened: a login or a logout opens it anew.

        None for a state of a tab, whose token never leaves that tab, and in an AppTest.
        """
        if self._transport.may_copy or script.is_apptest():
            return None
        return login.present()

    def logins(self, session_id: uuid.UUID) -> tuple[bytes, ...]:
        """The hashes of the present login; none for nobody."""
        who = self._who
        if who is None:
            return ()
        signer = self._tables.signer
        return signer.login_hashes(session_id, who.issuer, who.subject, who.issued_at)

    def users(self, session_id: uuid.UUID) -> tuple[bytes, ...]:
        """The hashes of who is logged in; none for nobody."""
        who = self._who
        if who is None:
            return ()
        return self._tables.signer.user_hashes(session_id, who.issuer, who.subject)

    def log_in(self, session: Session) -> None:
        """Have a session belong to the present login. Its token was minted just now."""
        session.log_in(self.logins(session.id), self.users(session.id))

    def has_noticed(self, session_id: uuid.UUID) -> bool:
        """Whether nothing is to be compared any more: once for each page and session."""
        return self._transport.may_copy or script.is_apptest() or self._noticed == session_id

    def note(self, session_id: uuid.UUID) -> None:
        """Note that who is logged in was compared with what is stored of a session."""
        self._noticed = session_id

    def follow(self, session: Session, token: Token, *, is_candidate: bool) -> Followed:
        """Replace the browser's token if another one is logged in than so far.

        Args:
            session: the session of the token.
            token: the browser's token.
            is_candidate: whether this server has minted the token for this page.

        Raises:
            UnknownToken: others have replaced the token meanwhile.
            StoreUnavailable: the token was not replaced. The next run tries it again.
        """
        step = login.step(
            noted=session.login,
            logins=self.logins(session.id),
            is_replaced=session.is_replaced,
            is_beginning=self.is_beginning,
            is_candidate=is_candidate,
        )
        who = self._who
        if step is Step.NOTHING:
            return Followed()
        if step is Step.ROTATE or who is None:
            with contextlib.suppress(PgStateError):  # nobody gains by the former one
                session.rotate_at_logout()
            return Followed()
        signer = self._tables.signer
        successors = signer.successors(token, who.issuer, who.subject, who.issued_at)
        if step is Step.CATCH_UP:
            return Followed(keeps=session.catch_up(successors))
        try:
            if not session.replace_at_login(successors[0]):
                return Followed(is_outrun=True)
        except LimitExceeded as error:
            _LOG.debug("A token that was perhaps planted gives way to a new one: %s", error)
            return Followed(begins_empty=True)
        return Followed(keeps=successors[0])
