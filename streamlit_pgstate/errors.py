"""What can go wrong, and what to do about it.

Every error of this package is a :class:`PgStateError`. A message says what happened, to
which key, with which numbers, and what to do; it never holds a password, a token or a value.
Streamlit shows messages to visitors, and those of causes too. So where the database is, its user
and its schema stand in `PgStateError.detail`, which only the log and the command `pgstate` show.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any
from uuid import UUID

__all__ = [
    "ConfigError",
    "DecodeError",
    "InvalidKey",
    "LimitExceeded",
    "MigrationRequired",
    "NoSessionError",
    "PgStateError",
    "StoreUnavailable",
    "UnknownToken",
    "UnsupportedType",
    "shown",
]

_LOG = logging.getLogger(__name__)
_OF_THIS_PROCESS = {"cause", "ask_again", "database"}


class PgStateError(Exception):
    """Base of every error that streamlit-pgstate raises."""

    detail: str = ""
    """For the log and the operator: which database, schema and user, and what to type there."""

    cause: BaseException | None = None
    """What psycopg raised, where it came to that. Not `__cause__`: Streamlit shows visitors the
    messages of that, and psycopg's name host, port, user and database."""

    is_logged: bool = False
    """Whether the log has `detail` already."""

    @property
    def in_full(self) -> str:
        """The message and `detail`: not for a page that visitors see."""
        return f"{str(self).removesuffix('.')}. {self.detail}" if self.detail else str(self)

    def __reduce__(self) -> tuple[Any, ...]:
        """For another process: without what cannot be pickled."""
        kept = {name: of for name, of in vars(self).items() if name not in _OF_THIS_PROCESS}
        return type(self), self.args, kept

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.__module__ = "streamlit_pgstate"  # a traceback prints the name that users import


PgStateError.__module__ = "streamlit_pgstate"


class ConfigError(PgStateError, ValueError):
    """A setting is missing, misspelt or does not fit; nothing was connected or stored."""


class NoSessionError(PgStateError, RuntimeError):
    """A verb was called where there is no visitor, or where its value would be that of all."""


class MigrationRequired(PgStateError):
    """The tables in the database are not those that this version of the package works with."""


class StoreUnavailable(PgStateError, ConnectionError):
    """PostgreSQL could not be reached, or did not answer within ``timeout``."""

    waited: float = 0.0
    """Seconds after which the statement was given up."""

    ask_again: Callable[[], None] | None = None
    """Asks the database whether it is available by now; raises this error where it is not."""

    database: object = None
    """Which one was asked: the engine's, compared by identity."""

    is_silence: bool = False
    """Whether there was no connection, or no answer within ``timeout``."""

    is_outage: bool = True
    """Whether it passes when the database is back. It is not where others were faster."""


class UnknownToken(PgStateError, LookupError):
    """A token is not ours, no longer valid, or its session was forgotten or has expired."""

    session_id: UUID | None = None
    """The session that was refused, where it came to that."""


class InvalidKey(PgStateError, ValueError):
    """A key is not text of 1 to 255 characters without NUL and lone surrogates."""


class UnsupportedType(PgStateError, TypeError):
    """A value holds something that cannot be kept exactly; what was stored before stays."""


class LimitExceeded(PgStateError, ValueError):
    """A value, or a session, would grow over a limit that ``configure`` sets."""


class DecodeError(PgStateError, ValueError):
    """A stored row cannot be read by this version; the row is left as it is."""


def shown(
    error: PgStateError, verb: str, raised: Callable[[PgStateError], PgStateError]
) -> PgStateError:
    """The error that a verb shows its caller: the message, and the line of the caller's script.

    Streamlit draws an error with all of its traceback, and with those of its causes: fifty
    lines of this package, SQLAlchemy and psycopg. They go to the log, at level DEBUG. What the
    message leaves out for visitors goes there, too, once an error.

    Args:
        error: what has happened.
        verb: the name of the verb.
        raised: gives the error to raise in place of it; in a script it is another than in a thread.
    """
    _LOG.debug("%s failed", verb, exc_info=error)
    if error.cause is not None:
        _LOG.debug("%s failed because of this", verb, exc_info=error.cause)
    if error.detail and not error.is_logged:  # an outage is in the log already
        error.is_logged = True
        _LOG.error("%s", error.in_full)
    return _without_traceback(raised(error))


def _without_traceback(error: PgStateError) -> PgStateError:
    cause: BaseException | None = error
    while cause is not None:
        cause.__traceback__ = None
        cause.__suppress_context__ = True
        cause = cause.__cause__ or getattr(cause, "cause", None)
    return error
