"""Faults: what psycopg's errors mean, in our words, with what to type.

`engine` runs statements and asks here. Nothing here speaks to a server.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import psycopg
from sqlalchemy.engine import URL
from sqlalchemy.exc import TimeoutError as PoolTimeout

from streamlit_pgstate.errors import (
    ConfigError,
    MigrationRequired,
    PgStateError,
    StoreUnavailable,
)

_PERMISSION_DENIED = "42501"
_READ_ONLY = "25006"
_MISSING_TABLE = {"42P01", "3F000", "42703"}
_DISK_FULL = "53100"
_ROLLED_BACK = {"40001", "40P01"}
_ENCODING = {"22021", "22P05"}
_PASSING = ("08", "40", "53", "57")
"""SQLSTATE classes that another try may not meet: connection, rollback, resources, operator."""

_REFUSED = re.compile(r"FATAL:\s+(?P<why>[^\n]+)")
_PASSING_REFUSAL = re.compile(
    r"starting up|shutting down|recovery mode|not yet accepting|too many|remaining connection"
    r"|server login|no more connections"
)


@dataclass(frozen=True)
class Place:
    """A database, as messages name it.

    Args:
        url: of the database; None for the embedded one.
        schema: of the tables.
        timeout: seconds for one statement.
    """

    url: URL | None
    schema: str
    timeout: float

    def __str__(self) -> str:
        """Host, port and database; never user or password."""
        url = self.url
        if url is None:
            return "the embedded PostgreSQL"
        host = url.host or url.query.get("host") or "the local socket"
        host = host if isinstance(host, str) else ",".join(host)
        port = f":{url.port}" if url.port else ""
        return f"{host}{port}/{url.database}"

    @property
    def migration(self) -> str:
        """What an operator types to make the tables, or to upgrade them."""
        return "pgstate migrate --embedded" if self.url is None else "pgstate migrate"

    @property
    def grant(self) -> str:
        """The SQL that lets our user make its tables."""
        user = self.url.username if self.url is not None else None
        owner = user or "the user in `url`"
        return f'CREATE SCHEMA "{self.schema}" AUTHORIZATION "{owner}"'

    @property
    def grant_use(self) -> str:
        """The SQL that lets our user use tables that another made."""
        user = self.url.username if self.url is not None else None
        schema, owner = f'"{self.schema}"', user or "the user in `url`"
        return (
            f'GRANT USAGE ON SCHEMA {schema} TO "{owner}"; GRANT SELECT, INSERT, UPDATE, DELETE '
            f'ON ALL TABLES IN SCHEMA {schema} TO "{owner}"'
        )

    @property
    def user(self) -> str:
        user = self.url.username if self.url is not None else None
        return f"user {user!r}" if user else "the present user"

    def redacted(self, text: str) -> str:
        password = self.url.password if self.url is not None else None
        return text.replace(str(password), "***") if password else text


def translate(error: psycopg.Error, place: Place) -> PgStateError:
    """The error of ours for one of psycopg's: what happened, where, and the cure.

    `ConfigError` for a refused user, a missing database, a missing right, an encoding;
    `MigrationRequired` for missing tables; `StoreUnavailable` for what may pass.
    """
    state = error.sqlstate
    if state == _PERMISSION_DENIED:
        return ConfigError(
            f"{place.user} may not use schema {place.schema!r} in {place}. "
            f"As its owner, run: {place.grant_use}"
        )
    if state in _MISSING_TABLE:
        return MigrationRequired(
            f"Tables are missing in schema {place.schema!r} of {place}. Run: {place.migration}"
        )
    if state in _ENCODING:
        return ConfigError(
            f"{place} cannot hold this text: its encoding is not UTF8. Create one "
            "that can: CREATE DATABASE name ENCODING 'UTF8' TEMPLATE template0"
        )
    if isinstance(error, psycopg.errors.QueryCanceled):
        return StoreUnavailable(
            f"{place} did not answer within {place.timeout:g} s. Try again; if the "
            "work needs longer, raise the setting `timeout`."
        )
    refused = _REFUSED.search(str(error)) if state is None else None
    if refused and not _PASSING_REFUSAL.search(refused["why"]):
        return _refusal(refused["why"], place)
    if state is None and isinstance(error, psycopg.ProgrammingError):
        return ConfigError(f"`url` is not as libpq needs it: {place.redacted(str(error))}")
    if state == _READ_ONLY:
        return StoreUnavailable(
            f"{place} is read-only: a standby, or the old primary after a failover. "
            "Point `url` to the primary (several hosts: add ?target_session_attrs=read-write)."
        )
    if state == _DISK_FULL:
        return StoreUnavailable(
            f"The disk of {place} is full: nothing was stored. Make room there, then try again."
        )
    if state in _ROLLED_BACK:
        return StoreUnavailable(
            f"{place} gave up this statement in favour of another (SQLSTATE {state}). "
            "Nothing was stored; try again."
        )
    if state is None or is_passing(error):
        return StoreUnavailable(
            f"{place} cannot be reached ({_reason(error)}). Is the server running, "
            "and is the host and port in `url` right? The app goes on when it is back."
        )
    return PgStateError(
        f"{place} refused a statement of streamlit-pgstate (SQLSTATE {state}). "
        "Please report it with the server's log of this moment."
    )


def _refusal(why: str, place: Place) -> ConfigError:
    """The server is there and says no to a new connection."""
    database = place.url.database if place.url is not None else "pgstate"
    if f'database "{database}" does not exist' in why:
        return ConfigError(
            f"There is no database {database!r} at {place}. Create it "
            f"(createdb {database}), or name another in `url`."
        )
    return ConfigError(
        f"{place} refused {place.user}: {place.redacted(why)}. Check user, password "
        "and database in `url`."
    )


def is_passing(error: psycopg.Error) -> bool:
    """Whether the same statement may succeed on another connection."""
    if isinstance(error, psycopg.errors.QueryCanceled):
        return False  # it had all of its time
    state = error.sqlstate
    if state is None:
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return state == _READ_ONLY or state.startswith(_PASSING)


def _reason(error: psycopg.Error) -> str:
    """The kind of trouble in a few words; the whole of it is the cause of our error."""
    text = str(error)
    for known in (
        "Connection refused",
        "Name or service not known",
        "could not translate host name",
        "failed to resolve host",
        "No such file or directory",
        "Network is unreachable",
        "No route to host",
        "timeout expired",
        "too many clients already",
        "starting up",
        "shutting down",
        "SSL",
    ):
        if known in text:
            return known
    return error.sqlstate or "the connection broke"


def is_answer(error: StoreUnavailable) -> bool:
    cause = error.__cause__
    if isinstance(cause, psycopg.errors.QueryCanceled | PoolTimeout):
        return True
    state = getattr(cause, "sqlstate", None)
    return state in {_READ_ONLY, _DISK_FULL, *_ROLLED_BACK}


def is_silence(error: StoreUnavailable) -> bool:
    """Whether nobody has answered: neither with a refusal, nor with what is wrong."""
    cause = error.__cause__
    if isinstance(cause, psycopg.errors.QueryCanceled | PoolTimeout):
        return True
    return getattr(cause, "sqlstate", None) is None
