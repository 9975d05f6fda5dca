"""The log of outages: says once for each that the database is not available, not for each try."""

from __future__ import annotations

import logging
import time

from streamlit_pgstate.errors import StoreUnavailable
from streamlit_pgstate.postgres import counters
from streamlit_pgstate.postgres.faults import is_answer

_LOG = logging.getLogger(__name__)

_NEW_OUTAGE_AFTER = 60.0
"""A failure that the server itself reports (its disk is full, or it is read-only) counts as a new
outage after this many seconds without a failure."""


class OutageLog:
    """Logs that the database is not available: once for each outage, not for each try."""

    def __init__(self) -> None:
        self._failed_at: float | None = None
        self._has_answered = False
        self.has_ever_answered = False

    def note_answer(self) -> None:
        self._has_answered = self.has_ever_answered = True

    def note(self, error: StoreUnavailable) -> None:
        now = time.monotonic()
        if is_new_outage(
            since_last=None if self._failed_at is None else now - self._failed_at,
            has_answered=self._has_answered,
            is_answer=is_answer(error),
        ):
            counters.count("outage")
            _LOG.warning("%s This is logged once for each outage.", error.in_full)
        error.is_logged = True
        self._failed_at, self._has_answered = now, False


def is_new_outage(*, since_last: float | None, has_answered: bool, is_answer: bool) -> bool:
    """Whether a failure is the first of its outage.

    Args:
        since_last: seconds since the failure before; None if this is the first.
        has_answered: whether a statement has succeeded between the two failures.
        is_answer: whether the server itself has reported the failure, so that other statements may
            succeed.
    """
    if since_last is None:
        return True
    return has_answered and (not is_answer or since_last > _NEW_OUTAGE_AFTER)
