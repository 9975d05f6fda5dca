"""Admission: how many sessions one process may create a minute. Does no I/O.

A page view creates no row: the first stored value does, or a login with a token that the browser
has brought. Whoever sends requests without a token could fill the database otherwise: a row and its
values for each of them.
"""

from __future__ import annotations

import math
import threading
import time

from streamlit_pgstate.errors import LimitExceeded

_MINUTE = 60.0


class Admission:
    """Counts the new sessions of one process, and refuses what is over the limit.

    A bucket that holds `limit` sessions and is filled up again within a minute. So a burst of
    `limit` is admitted, and `limit` a minute from then on. Safe for threads.

    Args:
        limit: the setting `max_new_sessions`.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._left = float(limit)
        self._at = -math.inf
        self._lock = threading.Lock()

    def admit(self, now: float | None = None) -> None:
        """Count one new session.

        Args:
            now: `time.monotonic`, by default.

        Raises:
            LimitExceeded: too many were created within the last minute.
        """
        with self._lock:
            self._require_one(now)
            self._left -= 1

    def check(self, now: float | None = None) -> None:
        """As `admit`, without counting: for what is sent ahead of the write that creates it."""
        with self._lock:
            self._require_one(now)

    def _require_one(self, now: float | None) -> None:
        now = time.monotonic() if now is None else now
        per_second = self._limit / _MINUTE
        self._left = min(self._limit, self._left + (now - self._at) * per_second)
        self._at = now
        if self._left < 1:
            wait = (1 - self._left) / per_second
            raise LimitExceeded(
                f"This process has created {self._limit:,} sessions within a minute, which is "
                f"max_new_sessions. The next one may be created in {wait:.1f} s. If so many "
                "visitors are real, raise the setting."
            )
