"""Parameters of the statements about a session: which one, and the app's times and limits."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from streamlit_pgstate.postgres.rows import SessionRef
from streamlit_pgstate.postgres.shapes import known_to
from streamlit_pgstate.settings import Settings

ROTATION_GRACE: Final = timedelta(minutes=2)
"""How long the former token works once a browser has presented the new one: another tab may be
using it just then."""

PENDING_FOR: Final = timedelta(hours=24)
"""How long a new token waits for a browser until another rotation may replace it. Within that time
whoever has the former token cannot replace what the visitor's browser has stored."""

_EXPIRY_MOVES_EVERY: Final = timedelta(hours=1)
"""The sliding expiry moves at most once in this time, or in a tenth of `session_ttl` if that is
shorter. Otherwise each read would write a row."""


class Parameters:
    """The parameters of the statements of one app.

    Args:
        settings: those of the app.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.expiry_moves_every = min(_EXPIRY_MOVES_EVERY, settings.session_ttl / 10)
        """After which time a read moves a session's sliding expiry."""
        self.moves_every = self.expiry_moves_every.total_seconds()
        """The same in seconds."""
        self.constants = {
            "app": settings.app,
            "grace": ROTATION_GRACE.total_seconds(),
            "pending_for": PENDING_FOR.total_seconds(),
            "session_ttl": settings.session_ttl.total_seconds(),
            "session_max_age": settings.session_max_age.total_seconds(),
            "expiry_moves_every": self.moves_every,
            "max_keys": settings.max_keys,
            "max_bytes": settings.max_session_bytes,
            "new_shape": settings.shape,
        }
        """Those that are the same for all sessions."""
        self._last: tuple[SessionRef | None, Mapping[str, Any]] = None, {}
        """Those of the last call: most calls are about the same session as the one before."""

    def of(self, ref: SessionRef) -> Mapping[str, Any]:
        """Return the constants, and those of a session and of who uses it."""
        known, parameters = self._last
        if known is not ref:
            parameters = self._made(ref)
            self._last = ref, parameters
        return parameters

    def _made(self, ref: SessionRef) -> Mapping[str, Any]:
        return {
            **self.constants,
            "id": ref.id,
            "hash": ref.token_hash,
            "scope": ref.scope,
            "epoch": ref.epoch,
            "logins": list(ref.logins) or None,  # an empty list takes psycopg 1 µs, NULL nothing
            "users": list(ref.users) or None,
            "login": ref.login,
            "shape": known_to(self._settings, ref),
        }
