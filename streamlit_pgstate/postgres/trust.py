"""Trust: what one connection says of the others to the same server, and of what was read by them.

It does no I/O, and is told the time. `engine` asks the server, and closes connections. The table of
what is concluded from what is in docs/decisions/0038.
"""

from __future__ import annotations

import math
from enum import Enum
from typing import Final, Protocol

import psycopg

from streamlit_pgstate.postgres.faults import (
    is_lost,
    is_passing,
    is_read_only,
    is_rolled_back,
)

_ASKED_AFTER: Final = 30.0
"""A connection that was idle for so many seconds is asked whether it still works. A firewall may
have dropped it without a word, and a statement would wait for its whole `timeout`."""

_CLOCK_LASTS: Final = 600.0
"""Seconds after which a connection reads the server's clock anew. Two clocks that nobody sets drift
apart by a tenth of a second in that time, at most."""


class Known(Protocol):
    """What is known of a connection. Moments are of `time.monotonic`."""

    opened_at: float
    used_at: float
    clock_read_at: float
    is_direct: bool


class Verdict(Enum):
    """What the end of a statement says of its connection."""

    WORKS = "works"
    """The server has answered, perhaps by an error of SQL."""
    UNFIT = "unfit"
    """It is not used again, and says nothing of others."""
    SILENT = "silent"
    """No answer came within `timeout`."""
    LOST = "lost"
    """The server has ended it, or the way there is broken."""
    READ_ONLY = "read-only"
    """Its server writes no more."""


def judge(error: BaseException, *, is_closed: bool) -> Verdict:
    """Judge a connection by the exception that has ended its statement.

    Errors of SQL leave a connection in autocommit usable; anything else may not. Examples are
    Ctrl-C, an exception inside a transaction, or a reply that was read in part. After an error that
    `is_passing` names another try is to have another connection. A statement that was rolled back
    has only met another one.

    Args:
        error: the exception.
        is_closed: whether the connection is closed already, as after `timeout`.
    """
    if not isinstance(error, psycopg.Error):
        return Verdict.UNFIT
    if is_read_only(error):
        return Verdict.READ_ONLY
    if is_lost(error):
        return Verdict.LOST
    if is_closed:
        return Verdict.SILENT
    if is_passing(error) and not is_rolled_back(error):
        return Verdict.UNFIT
    return Verdict.WORKS


class Use(Enum):
    """What comes before an idle connection is used."""

    AT_ONCE = "at once"
    ONCE_ASKED = "once asked"
    """It is asked first whether it still works."""
    NEVER = "never"


class Trust:
    """What is known of the connections to one server from those that have failed."""

    def __init__(self) -> None:
        self.breaks = 0
        """How often the server may have been restarted, or was found to write no more. It may lack
        our last write, such as a standby after a failover. So caches that were read before are
        loaded again."""
        self._read_only_at = -math.inf
        """When a server was found last that writes no more. Connections that were opened before
        lead to the same one, which is a standby now."""
        self._suspected_at = -math.inf
        """When a connection was lost last, or gave no answer. Others may be as bad."""
        self._lost_at: float | None = None
        """When one was lost, as long as nobody knows whether the server was restarted."""
        self._answered_at = math.inf
        """When it had answered last. A restart was later."""

    def note(self, verdict: Verdict, connection: Known, *, at: float) -> None:
        """Note what was found of a connection.

        A restart ends all. So whether there was one shows by another that was opened before the
        last answer of a lost one, and works. A pooler goes on when the server behind it is
        restarted, so there it does not show.
        """
        if verdict in {Verdict.SILENT, Verdict.LOST}:
            self._suspected_at = at
        if verdict is Verdict.READ_ONLY:
            self.breaks += 1
            self._read_only_at = at
        elif verdict is Verdict.LOST and connection.is_direct:
            # In this order: another thread may look on meanwhile, at a connection to a new server.
            self._answered_at = min(self._answered_at, connection.used_at)
            self._lost_at = at
        elif verdict is Verdict.LOST:
            self.breaks += 1

    def use_of(self, connection: Known, *, at: float) -> Use:
        """What comes before the use of an idle connection that the server has not ended."""
        if connection.opened_at < self._read_only_at:
            return Use.NEVER
        if (
            connection.used_at <= self._suspected_at
            or at - connection.used_at > _ASKED_AFTER
            or at - connection.clock_read_at > _CLOCK_LASTS
        ):
            return Use.ONCE_ASKED
        return Use.AT_ONCE

    def note_working(self, connection: Known, *, since: float) -> None:
        """Note that a connection works, or has at a moment after `since`."""
        if (
            self._lost_at is not None
            and connection.opened_at < self._answered_at
            and self._lost_at < since
        ):
            self._lost_at, self._answered_at = None, math.inf

    def note_opened(self) -> None:
        """Note that a connection was opened, as none was left: none has shown that it works."""
        if self._lost_at is not None:
            self._lost_at, self._answered_at = None, math.inf
            self.breaks += 1
