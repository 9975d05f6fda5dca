"""Limits: what one session may hold, and what an error says of a write that would pass that.

PostgreSQL compares, in the statement that writes: see `_FITS` in `statements/parts/write.py`.
Nothing here does I/O.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from typing import Final

import psycopg

from streamlit_pgstate.errors import LimitExceeded, PgStateError
from streamlit_pgstate.postgres.statements.parts.revision import INCOMPLETE
from streamlit_pgstate.postgres.statements.parts.write import NOT_AS_KNOWN, OVER_BYTES, OVER_KEYS
from streamlit_pgstate.settings import Settings


class Limit(Enum):
    """What is limited in a session. The value is the name of the setting."""

    KEYS = "max_keys"
    BYTES = "max_session_bytes"


_MARKS: Final[Mapping[Limit, str]] = {
    Limit.KEYS: OVER_KEYS,
    Limit.BYTES: OVER_BYTES,
}


class SessionFull(LimitExceeded):
    """A write was refused by the statement that would have stored it. It has changed nothing."""

    limit: Limit
    held: int
    """How much the session would hold."""
    is_first_write: bool = False
    """Whether the session holds nothing else, so that nothing can make room."""

    @classmethod
    def of(cls, limit: Limit, held: int) -> SessionFull:
        """The error for a write that would make the session hold so much."""
        error = cls(f"A write would make more than {limit.value} allows: {held:,}.")
        error.limit, error.held = limit, held
        return error


class NotAsKnown(PgStateError):
    """The value that a write was to replace is not the one that its caller knows.

    It has changed nothing, and is sent again in another way.
    """


class HistoryIncomplete(PgStateError):
    """Others have written to a session without keeping its history, which a write needs whole.

    The write has changed nothing, and is sent again once the history is whole.
    """


class HistoryLacksVersions(psycopg.errors.InvalidTextRepresentation):
    """As `HistoryIncomplete`, from the statement."""


class ReplacesAnother(psycopg.errors.InvalidTextRepresentation):
    """As `NotAsKnown`, from the statement."""


class OverLimit(psycopg.errors.InvalidTextRepresentation):
    """The statement would have made the session hold more than a limit. It changed nothing."""

    def __init__(self, limit: Limit, held: int) -> None:
        super().__init__(f"{limit.value}: {held}")
        self.limit = limit
        self.held = held


def read_refusal(message: str) -> OverLimit | ReplacesAnother | HistoryLacksVersions | None:
    """Return what PostgreSQL's message says of a limit; None if it is about something else."""
    if INCOMPLETE in message:
        return HistoryLacksVersions(message)
    if NOT_AS_KNOWN in message:
        return ReplacesAnother(message)
    for limit, mark in _MARKS.items():
        found = re.search(rf"{re.escape(mark)}(\d+)", message)
        if found:
            return OverLimit(limit, int(found[1]))
    return None


def told(error: psycopg.Error) -> PgStateError | None:
    """Return our error for one of `read_refusal`; None for another one."""
    if isinstance(error, OverLimit):
        return SessionFull.of(error.limit, error.held)
    if isinstance(error, HistoryLacksVersions):
        return HistoryIncomplete(str(error))
    if isinstance(error, ReplacesAnother):
        return NotAsKnown(str(error))
    return None


def excess(
    settings: Settings, *, keys: int, bytes: int, more_keys: int, more_bytes: int
) -> str | None:
    """What would be too much in a session; None for nothing. The statements decide in the same way.

    Args:
        settings: have the limits.
        keys: how many keys the session would hold.
        bytes: how many bytes of values it would hold.
        more_keys: by how many keys that is more than before. To take something away is allowed,
            also where a limit was lowered since.
        more_bytes: by how many bytes that is more than before.
    """
    if more_keys > 0 and keys > settings.max_keys:
        return said(settings, Limit.KEYS, keys)
    if more_bytes > 0 and bytes > settings.max_session_bytes:
        return said(settings, Limit.BYTES, bytes)
    return None


def said(settings: Settings, limit: Limit, held: int) -> str:
    """Say that a session would hold so much, and what to do. Follows «With», and a write's name."""
    if limit is Limit.KEYS:
        amount, allowed = f"{held:,} keys", settings.max_keys
    else:
        amount, allowed = f"{held:,} bytes", settings.max_session_bytes
    return (
        f"this session would hold {amount}, and {limit.value} allows {allowed:,}. "
        "Nothing was stored. Delete some keys, or raise the setting."
    )
