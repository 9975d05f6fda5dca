"""A session: one row of the table `session` and its entries, as encoded values.

`cached_session` reads the entries, `written_session` writes them, and `revised_session` has their
former versions. This file has the token, and
the end of the session. Package code that needs more of a state than its users works with this.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
from collections.abc import Callable, Iterable

from streamlit_pgstate.errors import ConfigError, PgStateError, UnknownToken
from streamlit_pgstate.postgres.rows import Rotation, SessionRef
from streamlit_pgstate.postgres.tables import Tables
from streamlit_pgstate.postgres.token import Token
from streamlit_pgstate.state.handover import Arrival, Handover
from streamlit_pgstate.state.revised_session import RevisedSession
from streamlit_pgstate.state.session_info import Arrival as ArrivalOfVisitor
from streamlit_pgstate.state.session_info import CameBy
from streamlit_pgstate.state.surroundings import Surroundings

_LOG = logging.getLogger(__name__)


class Session(RevisedSession):
    """One session, its cache and its token.

    Args:
        source: as in `CachedSession`.
        ref: as in `CachedSession`.
        surroundings: as in `CachedSession`.
        cache: as in `CachedSession`.
    """

    def __init__(
        self,
        source: Tables | Arrival,
        ref: SessionRef,
        *,
        surroundings: Surroundings,
        cache: bool = True,
    ) -> None:
        super().__init__(source, ref, surroundings=surroundings, cache=cache)
        self.on_rotate: Callable[[Token], object] = _ignore
        """Called with the new token: whoever keeps the old one has to keep this one."""
        self.durable: bool | None = True if ref.has_tokenless_scope else None
        """Whether the visitor can come back to it: where the browser keeps the token, or where it
        needs none. None where that is not known."""
        self.arrival: ArrivalOfVisitor | None = None
        """How the visitor of a page came; None where no page has the session."""
        self.came_by: CameBy | None = None
        """As in `SessionInfo`."""

    def after_fork(self) -> None:
        super().after_fork()
        self._minted: Token | None = None
        """A new token that `rotate` may have stored already: its answer was lost. The next `rotate`
        sends the same token again."""
        self._waiting: Token | None = None
        """The new token that this session works with, until a browser has presented it."""

    def hand_over(self) -> tuple[Handover, bool]:
        """What is pickled: the session, whose row is created here, and whether it keeps a cache."""
        if isinstance(self._source, Arrival):
            return self._source.handover, self._keeps
        with self.lock:
            if not self.is_stored:
                self.load()
            if not self.is_stored:
                self._source.sessions.create(self._ref)
                self.load()
            return Handover.of(self._ref, self._source), self._keeps

    # The token

    def rotate(self) -> Token | None:
        """Give the session a new token, which replaces the old one once a browser presents it.

        Returns:
            The new token; until a browser has presented it, the same one each time. None if the new
            token of another rotation waits for its browser.

        Raises:
            ConfigError: the session is a user's, the app's or a tab's.
            UnknownToken: it was opened by its id, without a token.
        """
        with self.lock:
            if self._ref.has_tokenless_scope:
                raise ConfigError(f"The state of scope {self.scope!r} has no token to rotate.")
            if self.scope == "tab":
                raise ConfigError("The token of a tab is not rotated: no other tab has it.")
            if self._ref.token_hash is None:
                raise UnknownToken(
                    "A state that was opened by its id has no token to rotate. "
                    "Open it with Store.state(token)."
                )
            if self._minted is None:
                self._minted = self.tables.signer.mint(self.id)
            rotation = self.tables.session_tokens.rotate(self._ref, self._minted)
            token, self._minted = self._minted, None
            if rotation is Rotation.BY_ANOTHER:
                return self._waiting
            if rotation is Rotation.NO_ROW:
                token = self.tables.signer.mint()  # nothing is kept: another session
                self._ref = dataclasses.replace(
                    SessionRef.of(token), is_of_page=self._ref.is_of_page
                )
            else:
                self._wait_for(token)
        self.on_rotate(token)
        return token

    def rotate_at_logout(self) -> None:
        """As `rotate`, at a logout. If another rotation waits, note the logout alone."""
        with self.lock:
            token = self.tables.signer.mint(self.id)
            is_rotated = self.tables.session_tokens.rotate_at_logout(self._ref, token)
            self.login = None
            if not is_rotated:
                return
            self._wait_for(token)
        self.on_rotate(token)

    def _wait_for(self, token: Token) -> None:
        """Work with a new token that the browser has not presented yet."""
        self._ref = dataclasses.replace(self._under(token), is_presented=False)
        self._waiting = token

    def _under(self, token: Token) -> SessionRef:
        """The same session, opened by another of its tokens."""
        return dataclasses.replace(
            self._ref, token_hash=token.secret_hash, issued_at=token.issued_at, is_presented=True
        )

    def log_in(self, logins: tuple[bytes, ...], users: tuple[bytes, ...]) -> None:
        """Note who is logged in, for a token that nobody has planted: a first write notes it.

        Args:
            logins: as in `SessionRef`; empty for nobody.
            users: as in `SessionRef`.
        """
        with self.lock:
            login = next(iter(logins), None)
            self._ref = dataclasses.replace(self._ref, logins=logins, users=users, login=login)

    def replace_at_login(self, token: Token) -> bool:
        """Work with `token`, and with no other one any more: somebody has logged in.

        The caller keeps the token, so `on_rotate` is not called.

        Returns:
            False if the token was changed by others meanwhile. Then the session is up to date.

        Raises:
            UnknownToken: others have logged in with it.
            LimitExceeded: too many sessions are created.
        """
        with self.lock:
            has_row = self.is_stored
            if not self.tables.session_tokens.replace_at_login(self._ref, token, has_row=has_row):
                self.refresh()
                return False
            self._ref, self.login, self._waiting = self._under(token), self._ref.logins[0], None
            self.is_replaced = False
            if not has_row:
                self.load()
        return True

    def catch_up(self, tokens: Iterable[Token]) -> Token | None:
        """Work with that one of `tokens` that has replaced this session's own at the login."""
        for token in tokens:
            with contextlib.suppress(UnknownToken):
                self.follow(self._under(token))
                return token
        return None

    @property
    def awaits_browser(self) -> bool:
        """Whether this session works with a new token that no browser has presented yet."""
        return self._waiting is not None

    def present(self) -> None:
        """Note that the browser keeps the token. One that has waited for it ends the one before."""
        with self.lock:
            self._ref = dataclasses.replace(self._ref, is_presented=True)
            if self._waiting is not None:
                self._waiting = None
                self.tables.session_tokens.present(self._ref)

    def follow(self, ref: SessionRef) -> None:
        """Go on under another token of the same session, and refresh.

        Raises:
            UnknownToken: it is not one; nothing has changed.
        """
        with self.lock:
            before = self._ref
            self._ref = dataclasses.replace(ref, epoch=before.epoch)
            try:
                self.refresh()
            except UnknownToken:
                self._ref = before
                raise
            self._waiting = None

    def release(self) -> None:
        """Go on by the session's id alone. Called when the tab is closed.

        Threads that still use the session do not get a token that another tab rotates, so with
        theirs they would be locked out two minutes later.
        """
        if self.is_stored:
            self._ref = SessionRef(
                self.id,
                scope=self._ref.scope,
                epoch=self._ref.epoch,
                is_of_page=self._ref.is_of_page,
            )

    # The end

    def forget(self) -> Session:
        """Delete all values and the token. Nothing that uses this session can write any more.

        Returns:
            For a user's session a new object, which loads the new epoch. Threads and former runs
            keep the old object, which is refused. For other sessions this object.

        Raises:
            ConfigError: the session is the app's.
        """
        if self.scope == "app":
            raise ConfigError(
                "The state of scope 'app' belongs to all visitors, so none can forget it. "
                "To empty it, call clear()."
            )
        with self.lock:
            self._walk.end()
            if self._ref.has_tokenless_scope:
                if self._ref.epoch is None:
                    self.load()  # otherwise this object would not know which epoch ends
                self.tables.sessions.empty(self._ref, had_row=self.is_stored)
                self._cache.clear()
                self._let_go()
                return self._of_next_epoch()
            self.tables.sessions.forget(self._ref)
            self._cache.clear()
            self._let_go()
            return self

    def _of_next_epoch(self) -> Session:
        ref = dataclasses.replace(self._ref, epoch=None)
        begun = Session(self._source, ref, surroundings=self.surroundings, cache=self._keeps)
        if self.arrival is not None:
            begun.arrival, begun.came_by = "forgotten", self.came_by
        return begun

    def discard(self) -> None:
        """Forget a session that nobody needs: should that fail, it expires by itself."""
        try:
            self.forget()
        except PgStateError as error:
            _LOG.debug("What nobody needs any more was not deleted: %s", error)


def _ignore(token: Token) -> None:
    """Nobody keeps it but the caller."""
