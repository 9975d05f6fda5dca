"""The sessions of one page: the one that its first run opens, and those that it opens later.

Only the database says whether a token opens a session. Which of them the page then works with is
not decided here: see `held_session`.
"""

from __future__ import annotations

import dataclasses

from streamlit_pgstate.component.cookies import label
from streamlit_pgstate.component.handshake import Handshake
from streamlit_pgstate.component.transport import BROWSER, Transport
from streamlit_pgstate.errors import ConfigError, Refusal, UnknownToken
from streamlit_pgstate.page import changes
from streamlit_pgstate.page.arrival import NEW, Arrived
from streamlit_pgstate.page.page_cookie import Opened, PageCookie
from streamlit_pgstate.page.page_login import PageLogin
from streamlit_pgstate.page.surroundings import SURROUNDINGS
from streamlit_pgstate.postgres.rows import SessionRef
from streamlit_pgstate.postgres.tables import Tables
from streamlit_pgstate.postgres.token import Token, fingerprint
from streamlit_pgstate.state.session import Session


class PageSessions:
    """The sessions that one page opens by their tokens.

    Args:
        tables: where sessions are stored.
        transport: how the token comes with the page.
        cookie: the cookie of the page, if the transport has one that is HttpOnly.
        login: who is logged in, to whom these sessions belong.
    """

    def __init__(
        self, tables: Tables, transport: Transport, *, cookie: PageCookie, login: PageLogin
    ) -> None:
        self._tables = tables
        self._transport = transport
        self._cookie = cookie
        self._login = login

    # Any session

    def of(self, token: Token) -> Session:
        """The session that a token opens.

        Raises:
            UnknownToken: it opens none.
        """
        session = Session(self._tables, self.ref_of(token), surroundings=SURROUNDINGS)
        session.load()
        return session

    def of_new(self, token: Token) -> Session:
        """The session of a token that was minted just now: nobody has planted it."""
        session = self.of(token)
        self._login.log_in(session)
        return session

    def copy_of(self, source: Token) -> tuple[Token, Session]:
        """A copy of the session that a token opens, and the token of the copy."""
        token = self._tables.signer.mint()
        self._tables.moves.copy(SessionRef.of(source, self._transport.scope), token)
        return token, self.of(token)

    def ref_of(self, token: Token) -> SessionRef:
        ref = SessionRef.of(token, self._transport.scope)
        logins, users = self._login.logins(ref.id), self._login.users(ref.id)
        return dataclasses.replace(ref, logins=logins, users=users, is_of_page=True)

    # The first session of the page

    def open(self) -> Opened:
        """Open the session of the page's token, or of a candidate: one round trip.

        Raises:
            ConfigError: the app needs `pgstate.App`, and runs without it.
            UnknownToken: the token is refused, and the transport is strict.
        """
        if self._transport is BROWSER and self._tables.needs_app():
            raise _without_app()
        place = label(self._tables.settings.app, self._tables.identity.name)
        text = self._transport.read(place)
        if text is None:
            return self._candidate(None, because=Refusal.FINAL, arrived=NEW)
        if self._transport.is_http_only:
            opened = self._of_http_cookie(text, place)
        else:
            opened = self._of_text(text)
        if isinstance(opened, Opened):
            return opened
        # After a login on another page the browser gets the new token in a moment.
        because = opened.refusal
        refused = None if because is Refusal.LOGIN else text
        arrived = Arrived.refused("cookie", opened.ended)
        return self._candidate(refused, because=because, arrived=arrived)

    def _of_http_cookie(self, text: str, place: str) -> Opened | UnknownToken:
        self._cookie.note_held(text)
        opened = self._cookie.open(text, self._transport.read_aside(place), self.of)
        if isinstance(opened, UnknownToken) and opened.refusal is Refusal.LOGIN:
            self._cookie.note_held(None)  # another page has logged in: its cookie is on its way
        return opened

    def _of_text(self, text: str) -> Opened | UnknownToken:
        try:
            token = self._tables.signer.check(text)
            session = self.of(token)
        except UnknownToken as error:
            if self._transport.is_strict:
                raise self._of_another_store(error) from error
            changes.note_refusal(error, self._transport.scope)
            return error
        known = Handshake.of_known(token.fingerprint, may_copy=self._transport.may_copy)
        arrived = Arrived.opened("cookie", is_stored=session.is_stored)
        return Opened(token, session, known, arrived=arrived)

    def _candidate(self, refused: str | None, *, because: Refusal, arrived: Arrived) -> Opened:
        """A new session, until the browser says which token it has.

        Args:
            refused: the token that has come with the page; None if the browser is to keep it, or if
                none came.
            because: why it was refused.
            arrived: how the visitor came.
        """
        token = self._tables.signer.mint()
        handshake = Handshake.of_candidate(
            token.fingerprint,
            refused=None if refused is None else fingerprint(refused),
            because=because,
            may_copy=self._transport.may_copy,
        )
        if self._transport.is_http_only:
            handshake = handshake.with_cookie_alone()
        has_none = self._transport.is_http_only and refused is None
        if has_none or not self._tables.settings.cookie:
            handshake = handshake.waiting()
        return Opened(token, self.of_new(token), handshake, is_minted=True, arrived=arrived)

    def _of_another_store(self, error: UnknownToken) -> UnknownToken:
        return UnknownToken(
            f"{error} In a test: the store that testing.visit() was given may be over another "
            "database, schema or app name than the app, which works with "
            f"{self._tables.place}, app {self._tables.settings.app!r}. Give it the test's own as "
            'app.secrets["connections"] = {"pgstate": {"url": …}}: secrets.toml wins over '
            "PGSTATE_URL."
        )


def _without_app() -> ConfigError:
    return ConfigError(
        "This app is made for pgstate.App, which keeps the token in an HttpOnly cookie, and it was "
        "started without it: scripts in the page could read the token. Start the module with the "
        "App, for instance: uvicorn serve:app. Or, to keep the token in localStorage from now on, "
        "set http_only = false."
    )
