"""The tokens of a session: a new one beside the present one, and one that replaces it at a login.

A token itself is in `token`. Here is what the row of its session notes of it.
"""

from __future__ import annotations

from streamlit_pgstate.postgres.access import Access
from streamlit_pgstate.postgres.entries import Entries
from streamlit_pgstate.postgres.rows import Rotation, SessionRef
from streamlit_pgstate.postgres.token import Token


class SessionTokens:
    """The tokens of the sessions of one schema.

    Args:
        access: to the table `session`.
        entries: says whether a session has a row.
    """

    def __init__(self, access: Access, entries: Entries) -> None:
        self._access = access
        self._entries = entries

    def rotate(self, ref: SessionRef, token: Token) -> Rotation:
        """Give the session the new token `token`, beside the present one.

        Both open the session until a browser presents the new one. From then on the other one works
        for another `ROTATION_GRACE`.

        Returns:
            What has become of it. Asked again with the same token, the answer is the same.

        Raises:
            UnknownToken: as `Entries.load`.
        """
        parameters = {**self._access.parameters.of(ref), "new_hash": token.secret_hash}
        if self._access.run("ROTATE", parameters):
            return Rotation.DONE
        return Rotation.BY_ANOTHER if self._entries.load(ref).version else Rotation.NO_ROW

    def present(self, ref: SessionRef) -> None:
        """Note that a browser keeps the new token. If that fails, the next load does so."""
        self._access.note("PRESENT", self._access.parameters.of(ref))

    def rotate_at_logout(self, ref: SessionRef, token: Token) -> bool:
        """As `rotate`, and note that nobody is logged in; False if the token was not rotated."""
        parameters = self._access.parameters.of(ref)
        if self._access.run("ROTATE_AT_LOGOUT", {**parameters, "new_hash": token.secret_hash}):
            return True
        self._access.run("NOTE_LOGOUT", parameters)
        return False

    def replace_at_login(self, ref: SessionRef, token: Token, *, has_row: bool) -> bool:
        """Give the session another token at once, as somebody has logged in.

        Args:
            ref: the session; the first of its `logins` and of its `users` are noted.
            token: the new token.
            has_row: whether the session is known to have a row. Otherwise it gets one.

        Returns:
            False if nothing was changed: others have changed the token, or made the row, meanwhile.

        Raises:
            LimitExceeded: too many sessions are created.
        """
        if not has_row:
            self._access.admit(ref)
        login = {"new_hash": token.secret_hash, "login": ref.logins[0], "user": ref.users[0]}
        parameters = {**self._access.parameters.of(ref), **login}
        statement = "REPLACE_AT_LOGIN" if has_row else "CREATE_AT_LOGIN"
        return bool(self._access.run(statement, parameters))
