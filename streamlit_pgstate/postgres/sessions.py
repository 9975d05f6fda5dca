"""Sessions: made, and ended. What is done with a row of the table `session` as a whole."""

from __future__ import annotations

from typing import Final

from streamlit_pgstate.errors import Ending, Refusal, UnknownToken
from streamlit_pgstate.postgres.access import Access
from streamlit_pgstate.postgres.rows import Reached, SessionRef, SessionTimes
from streamlit_pgstate.postgres.writes import Run

ERASE: Final = ("ERASE_ENTRIES", "ERASE_BODIES", "ERASE_REVISIONS")
"""The statements that delete all that a session holds."""


class Sessions:
    """The sessions of one schema.

    Args:
        access: to their tables.
    """

    def __init__(self, access: Access) -> None:
        self._access = access

    def create(self, ref: SessionRef) -> None:
        """Create the session's row if it has none, so that somebody without its token can write.

        Raises:
            UnknownToken: the session's token is too old to create a row.
        """
        if not ref.may_create:
            raise unknown_session(ref)
        self._access.admit(ref)
        parameters = dict(self._access.parameters.of(ref))
        self._access.writer.run("CREATE_SESSION", parameters, reached=Reached(), creates=True)

    def times(self, ref: SessionRef) -> SessionTimes | None:
        """Return when the session was created and seen and will expire; None if it has no row."""
        rows = self._access.run("SESSION", {"id": ref.id})
        return SessionTimes(*rows[0]) if rows else None

    def forget(self, ref: SessionRef) -> None:
        """Delete everything that the session holds. No token and no open tab can restore it.

        Raises:
            UnknownToken: the token was replaced by rotate(), or it is a user's session that was
                forgotten or moved before; nothing was deleted.
        """
        parameters = self._access.parameters.of(ref)
        tries = 0

        def revoke(run: Run) -> bool:
            nonlocal tries
            tries += 1  # after the first one it may be ourselves who have forgotten it
            if not run("REVOKE", {**parameters, "again": tries > 1}):
                return False
            for step in ERASE:
                run(step, parameters)
            return True

        if not self._access.writer.repeat(revoke):
            raise unknown_session(ref)

    def empty(self, ref: SessionRef, *, had_row: bool = False, only_if_dead: bool = False) -> None:
        """Delete everything that a session of a tokenless scope holds, and begin another epoch.

        A session without a row gets one, so that a first write that was under way is refused.

        Args:
            ref: the session.
            had_row: whether the caller has seen a row of it. If that is gone, the session was
                forgotten or moved days ago.
            only_if_dead: do nothing unless the session was forgotten or has expired.

        Raises:
            UnknownToken: it has moved to its id by another signing key, or an operator has
                forgotten it, since `ref` was loaded. Nothing was deleted.
        """
        parameters = {**self._access.parameters.of(ref), "always": not only_if_dead}

        def empty(run: Run) -> bool:
            locked = run("LOCK_TO_EMPTY", parameters)
            for (version,) in locked:
                run("EMPTY_ENTRIES", {**parameters, "version": version})
                run("ERASE_BODIES", parameters)
                run("ERASE_REVISIONS", parameters)
            return bool(locked)

        def has_emptied() -> bool:
            return self._access.writer.transact(empty, session_id=ref.id, recall=lambda _: True)

        if has_emptied() or only_if_dead:
            return
        if not had_row:
            self.create(ref)
            if has_emptied():
                return
        raise unknown_session(ref)


def unknown_session(
    ref: SessionRef, refusal: Refusal = Refusal.DATABASE, *, ended: Ending | None = None
) -> UnknownToken:
    """The error that refuses a session. It says what to do; `refusal` is for the browser."""
    if ref.has_tokenless_scope:
        message = (
            f"This state of scope {ref.scope!r} was forgotten or has expired. "
            f"pgstate.scope({ref.scope!r}) returns the present one, which is empty. In an app, "
            "reload the page. A job should stop."
        )
    elif ref.token_hash is None:
        message = (
            f"Session {ref.id} was forgotten, has expired, or is stored in another database or "
            "schema than this process uses. Compare its settings `url` and `schema` with the app's."
        )
    else:
        message = (
            "This session was forgotten, has expired, or its token was replaced by rotate(). In an "
            "app, reload the page. Elsewhere, make a new token with Store.new_token()."
        )
    error = UnknownToken(message)
    error.session_id, error.refusal, error.ended = ref.id, refusal, ended
    return error
