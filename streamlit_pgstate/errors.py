"""What can go wrong, and what to do about it.

Every error of this package is a :class:`PgStateError`. A message says what happened, to which key,
with which numbers, and what to do. It never holds a password, a token or a value.

Streamlit shows visitors the messages of errors and of their causes. Therefore the place of the
database, its user and its schema are in `PgStateError.detail`, which only the log and the command
`pgstate` show.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from enum import Enum
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
_SEE_LOG = " The log says what to run."
_OF_THIS_PROCESS = {"cause", "ask_again", "database"}


class PgStateError(Exception):
    """Base of every error that streamlit-pgstate raises."""

    detail: str = ""
    """For the log and the operator: the database, schema and user, and the command that helps."""

    cause: BaseException | None = None
    """What psycopg raised, if it raised anything. This is not `__cause__`, because Streamlit shows
    visitors its message, and psycopg's messages name the host, port, user and database."""

    advises: bool = False
    """Whether `detail` says what to run."""

    is_logged: bool = False
    """Whether `detail` has been logged."""

    @property
    def in_full(self) -> str:
        """The message and `detail`. Not for a page that visitors see."""
        if not self.detail:
            return str(self)
        message = str(self)
        end = "" if message.endswith((".", "?")) else "."
        return f"{message}{end} {self.detail}"

    def __reduce__(self) -> tuple[Any, ...]:
        """Leave out what cannot be pickled, so that another process can get the error."""
        kept = {name: of for name, of in vars(self).items() if name not in _OF_THIS_PROCESS}
        return type(self), self.args, kept

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.__module__ = "streamlit_pgstate"  # a traceback prints the name that users import


PgStateError.__module__ = "streamlit_pgstate"


class ConfigError(PgStateError, ValueError):
    """A setting is missing or wrong, or a call is not allowed. The call has changed nothing.

    Raised, for example, for a misspelt setting, a user or a right that the server refuses, a
    ``ttl`` of 0, and ``forget()`` of the app's state.
    """


class NoSessionError(PgStateError, RuntimeError):
    """A call needs a visitor's session, and there is none, or its value would be shared by all."""


class MigrationRequired(PgStateError):
    """The tables in the database do not have the layout that this version of the package needs."""


class StoreUnavailable(PgStateError, ConnectionError):
    """PostgreSQL could not be reached, or did not answer within ``timeout``, or could not write.

    Also raised if other writers were faster 100 times: then `is_outage` is False. For a write the
    message says whether nothing was stored, or nobody knows: its answer was lost, and could not be
    asked for within ``timeout``.
    """

    waited: float = 0.0
    """How many seconds the statement had waited."""

    ask_again: Callable[[], None] | None = None
    """Asks the database whether it is available again. Raises this error if it is not."""

    database: object = None
    """The `Database` that was asked, to be compared by identity."""

    is_silence: bool = False
    """Whether there was no connection, or no answer within ``timeout``."""

    was_reached: bool = True
    """Whether that database has ever answered this process."""

    is_outage: bool = True
    """Whether it ends when the database is back. False if other writers were faster each time."""


class Refusal(Enum):
    """Why a token opens nothing here: whether it may open something elsewhere.

    A server can have the wrong signing key, clock or database. Then its refusal says nothing about
    the token, and the browser has to keep that.
    """

    FINAL = "final"
    """It opens nothing anywhere: it is no token, or it was forgotten or replaced."""
    KEY = "key"
    """It has the signature of another key or app, or a forged one."""
    TIME = "time"
    """By this server's clock it is too old, or from the future."""
    DATABASE = "database"
    """This database has no such session, or only one that has expired or has another token."""
    LOGIN = "login"
    """Somebody has just logged in with it, so it was replaced. If that was in this browser, the
    browser gets the other one in a moment: what it has must stay where it is until then."""


class UnknownToken(PgStateError, LookupError):
    """A token is not of this app, is too old, or its session was forgotten or has expired."""

    session_id: UUID | None = None
    """The session that was refused; None if the token itself was refused."""

    refusal: Refusal = Refusal.FINAL
    """Whether the token may be good elsewhere."""


class InvalidKey(PgStateError, ValueError, KeyError):
    """A key is not text of 1 to 255 characters without NUL and lone surrogates.

    Also a `KeyError`, so that ``state.pop(5, None)`` returns None, as it does for a `dict`.
    """

    __str__ = Exception.__str__  # KeyError's shows the `repr` of the message


class UnsupportedType(PgStateError, TypeError):
    """A value holds something that cannot be stored exactly. The former value stays."""


class LimitExceeded(PgStateError, ValueError):
    """A value, or a session, would grow over a limit that ``configure`` sets."""


class VersionGone(PgStateError, LookupError):
    """A former version of a key is no longer in the history, or never was. Nothing was changed."""


class DecodeError(PgStateError, ValueError):
    """This version cannot read a stored row. The row is left as it is."""


def shown(
    error: PgStateError, verb: str, raised: Callable[[PgStateError], PgStateError]
) -> PgStateError:
    """Return the error that a public call raises: its message, and the line of the caller's script.

    Streamlit shows an error with its whole traceback and those of its causes: fifty lines of this
    package, SQLAlchemy and psycopg. These are logged instead, at level DEBUG. The error's `detail`
    is logged once, too.

    Args:
        error: what has happened.
        verb: the name of the function that was called.
        raised: returns the error to raise instead. In a script it is another one than in a thread.
    """
    _LOG.debug("%s failed", verb, exc_info=error)
    if error.cause is not None:
        _LOG.debug("%s failed because of this", verb, exc_info=error.cause)
    if error.detail and not error.is_logged:  # an outage is in the log already
        error.is_logged = True
        _LOG.error("%s", error.in_full)
    if error.advises and not str(error).endswith(_SEE_LOG):
        error.args = (f"{error}{_SEE_LOG}",)
    return _without_traceback(raised(error))


def _without_traceback(error: PgStateError) -> PgStateError:
    cause: BaseException | None = error
    while cause is not None:
        cause.__traceback__ = None
        cause.__suppress_context__ = True
        cause = cause.__cause__ or getattr(cause, "cause", None)
    return error
