"""Faults: translates psycopg's errors into ours, which say what to do.

`engine` runs statements and calls this module, which sends nothing to a server.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import psycopg
from sqlalchemy.engine import URL

from streamlit_pgstate.errors import (
    ConfigError,
    MigrationRequired,
    PgStateError,
    StoreUnavailable,
)
from streamlit_pgstate.postgres.pool import Exhausted

_E = TypeVar("_E", bound=PgStateError)

_PERMISSION_DENIED = "42501"
_READ_ONLY = "25006"
_MISSING_TABLE = {"42P01", "3F000", "42703"}
_DISK_FULL = "53100"
_ROLLED_BACK = {"40001", "40P01"}
_LOCK_NOT_AVAILABLE = "55P03"
_ENCODING = {"22021", "22P05"}
_ENDED_IN_TRANSACTION = ("25P03", "25P04")
"""The server has ended the connection, by a limit of the user in `url` for transactions."""

_PASSING = ("08", "40", "53", "57", *_ENDED_IN_TRANSACTION)
"""SQLSTATE classes after which another try may succeed: connection errors, rollbacks, a lack of
resources, an operator's intervention."""

NOTHING_STORED = "Nothing was stored."
PERHAPS_STORED = (
    "Nobody knows whether this change was stored: read what is there before you make it again."
)


def saying(error: StoreUnavailable, sentence: str) -> StoreUnavailable:
    """The error, whose message says this, too."""
    if sentence.rstrip(".").lower() not in str(error).lower():
        error.args = (f"{error} {sentence}",)
    return error


def unsaid(message: str) -> str:
    """The message of an error without what it says of a change."""
    for sentence in (PERHAPS_STORED, NOTHING_STORED):
        message = message.replace(f" {sentence}", "")
    return message


class NothingStored:
    """A block that stores nothing, or whose writes say what they have stored.

    Its errors say so: a `StoreUnavailable` that says nothing of it comes from a read before the
    write. A generator would take 1 µs longer.
    """

    __slots__ = ()

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, StoreUnavailable) and PERHAPS_STORED not in str(error):
            saying(error, NOTHING_STORED)


class LockHeld(psycopg.errors.QueryCanceled):
    """Another transaction held a lock until the statement's time was over. It changed nothing."""


class CameTooLate(psycopg.errors.QueryCanceled):
    """The statement reached the server, or got its lock, after its deadline. It changed nothing."""


_LOST = ("08", "57P", *_ENDED_IN_TRANSACTION)
"""SQLSTATE classes of connections that were lost: broken, or ended by an operator."""

_REFUSED = re.compile(r"(?:FATAL:\s+|failed: [^\s:]+:  )(?P<why>[^\n]+)")
"""The server's reason. Before it stands how severe it is, in the server's language."""

_REFUSALS = {
    "password authentication failed": "password authentication failed",
    "authentication failed": "authentication failed",
    "pg_hba.conf": "its pg_hba.conf does not let this user in from this machine",
    "permission denied": "the user may not connect to the database",
    "not permitted to log in": "the user is not permitted to log in",
    "not currently accepting connections": "the database accepts no connections",
    "does not exist": "the user or the database does not exist",
    "no such user": "the user does not exist",
    "no such database": "the database does not exist",
}
"""Why PostgreSQL or pgbouncer refuses a connection: a part of its message, and what our message
says instead. Theirs names the user, the database and this machine; ours does not."""

_WRONG_HERE = {
    "no password supplied": "The database server asks for a password. Add one to `url`, set "
    "PGPASSWORD, or write a line into ~/.pgpass (mode 600).",
    "definition of service": "The service in `url` is not in pg_service.conf.",
    "root certificate file": "The certificate in sslrootcert cannot be read. Name a file that has "
    "the authority of the server's certificate.",
    "certificate verify failed": "The certificate of the database server is not signed by the "
    "authority in sslrootcert.",
    "does not match host name": "The certificate of the database server is for another host than "
    "the one in `url`.",
    "server does not support SSL": "The database server has no TLS, and sslmode in `url` asks for "
    "it.",
}
"""What libpq itself refuses, by a part of its words. Another try meets it again."""

_WRONG_SETTING = re.compile(
    r"SSL (connection is )?required|valid client certificate|no PostgreSQL user name"
    r"|bouncer config error"
    r"|(unrecognized|unsupported|invalid|conflicting).*(parameter|option|value|argument|name)"
)
"""What else a server says of a wrong setting, in English. libpq gives no SQLSTATE for a connection
that was refused, and the server writes in its own language (`lc_messages`)."""


@dataclass(frozen=True)
class Place:
    """Where the tables are, as the log and the operator see it.

    Args:
        url: the database's URL; None for the embedded one.
        schema: the schema of the tables.
        timeout: seconds for one statement.
    """

    url: URL | None
    schema: str
    timeout: float

    def __str__(self) -> str:
        """Return host, port and database; never the user or the password."""
        url = self.url
        if url is None:
            return "the embedded PostgreSQL"
        if service := url.query.get("service"):
            return f"service {service}/{url.database}"
        # libpq takes PGHOST where the URL names no host.
        host = url.host or url.query.get("host") or os.environ.get("PGHOST") or "the local socket"
        host = host if isinstance(host, str) else ",".join(host)
        port = f":{url.port}" if url.port else ""
        return f"{host}{port}/{url.database}"

    def error(
        self,
        kind: type[_E],
        message: str,
        *,
        advice: str = "",
        said: str = "",
        cause: BaseException | None = None,
    ) -> _E:
        """Make an error whose message visitors may see, with everything else in its `detail`.

        Args:
            kind: the error's class.
            message: must not name the host, port, user, database or schema.
            advice: what to run, for the operator; may name them.
            said: what the server has said; may name them, too.
            cause: psycopg's error.
        """
        error = kind(message)
        error.detail = " ".join(part for part in (self.described, said, advice) if part)
        error.advises = bool(advice)
        error.cause = cause
        return error

    @property
    def described(self) -> str:
        """Database, schema and user, for the log and the operator."""
        user = self.url.username if self.url is not None else None
        described = f"Database: {self}, schema {self.schema!r}"
        return f"{described}, user {user!r}." if user else f"{described}."

    @property
    def migration(self) -> str:
        """The command that creates or upgrades the tables."""
        return "pgstate migrate --embedded" if self.url is None else "pgstate migrate"

    @property
    def grant(self) -> str:
        """The SQL that lets our user create the tables."""
        user = self.url.username if self.url is not None else None
        owner = user or "the user in `url`"
        return f'CREATE SCHEMA "{self.schema}" AUTHORIZATION "{owner}"'

    @property
    def grant_use(self) -> str:
        """The SQL that lets our user use tables of another user."""
        user = self.url.username if self.url is not None else None
        schema, owner = f'"{self.schema}"', user or "the user in `url`"
        return (
            f'GRANT USAGE ON SCHEMA {schema} TO "{owner}"; GRANT SELECT, INSERT, UPDATE, DELETE '
            f'ON ALL TABLES IN SCHEMA {schema} TO "{owner}"'
        )

    def redacted(self, text: str) -> str:
        """Return `text` without the password."""
        password = self.url.password if self.url is not None else None
        return text.replace(str(password), "***") if password else text


def translate(error: psycopg.Error, place: Place) -> PgStateError:
    """Translate psycopg's error, which becomes the `cause` of ours. Raise the result `from None`.

    The result is a `ConfigError` for a refused user, a missing database, a missing right or a wrong
    encoding; `MigrationRequired` for missing tables; `StoreUnavailable` if a later try may succeed.
    """
    make = partial(place.error, cause=error)
    state = error.sqlstate
    if state == _PERMISSION_DENIED and "row-level security" in str(error):
        return make(
            ConfigError,
            "The policies of the tables refuse this statement: a row belongs to another user of "
            "the database, or is for the owner of the tables to change. Nothing was stored. See "
            "docs/security.md, «Several apps in one database».",
        )
    if state == _PERMISSION_DENIED:
        return make(
            ConfigError,
            "The user in `url` may not use the tables. Their owner has to grant it the right.",
            advice=f"As the owner, run: {place.grant_use}",
        )
    if state in _MISSING_TABLE:
        return make(
            MigrationRequired,
            "Tables are missing in the database. The command `pgstate status` shows what to do.",
        )
    if state in _ENCODING:
        return make(
            ConfigError,
            "The database cannot hold this text: its encoding is not UTF8. Create one "
            "that can: CREATE DATABASE name ENCODING 'UTF8' TEMPLATE template0",
        )
    if state == _LOCK_NOT_AVAILABLE:
        return make(
            StoreUnavailable,
            "Another statement held a lock for longer than the `lock_timeout` of the user in "
            "`url`. Nothing was stored; try again.",
            advice="To see the limit, run as that user: SHOW lock_timeout",
        )
    if isinstance(error, LockHeld):
        return make(
            StoreUnavailable,
            f"The database did not answer within {place.timeout:g} s: another transaction held a "
            "lock. Nothing was stored; try again. If the work needs longer, raise the setting "
            "`timeout`.",
        )
    if isinstance(error, psycopg.errors.QueryCanceled) and (why := _cancelled_by_server(error)):
        return make(StoreUnavailable, why, advice="As that user: SHOW statement_timeout")
    if isinstance(error, psycopg.errors.QueryCanceled):
        return make(
            StoreUnavailable,
            f"The database did not answer within {place.timeout:g} s. If the work needs longer, "
            "raise the setting `timeout`.",
        )
    if state is None and (wrong := _wrong_here(str(error))):
        return make(ConfigError, wrong, advice=f"libpq says: {place.redacted(str(error))}")
    refused = _REFUSED.search(str(error)) if state is None else None
    if refused and _is_wrong_setting(refused["why"]):
        return _refusal(refused["why"], place, error)
    if state is None and isinstance(error, psycopg.ProgrammingError):
        return make(
            ConfigError,
            "libpq cannot use `url`. Check its options, after the question mark.",
            advice=f"libpq says: {place.redacted(str(error))}",
        )
    if state == _READ_ONLY:
        return make(
            StoreUnavailable,
            "The database is read-only: a standby, or the old primary after a failover, or "
            "`default_transaction_read_only` is on for the user in `url`. Point `url` to the "
            "primary (several hosts: add ?target_session_attrs=read-write).",
        )
    if state == _DISK_FULL:
        return make(
            StoreUnavailable,
            "The disk of the database is full: nothing was stored. Make room there, then "
            "try again.",
        )
    if state in _ROLLED_BACK:
        return make(
            StoreUnavailable,
            "The database cancelled this statement because it conflicts with another one "
            f"(SQLSTATE {state}). Nothing was stored; try again.",
        )
    if refused and _reason(error) not in refused["why"]:
        return make(
            StoreUnavailable,
            "The database server refused the connection, perhaps for a while only.",
            advice=f"The server says: {place.redacted(refused['why'])}",
        )
    if state is None or is_passing(error):
        return make(
            StoreUnavailable,
            f"The database cannot be reached ({_reason(error)}). Is the server running, "
            "and are the host and port in `url` right?",
        )
    return make(
        PgStateError,
        f"The database refused a statement of streamlit-pgstate (SQLSTATE {state}). "
        "Please report this, with the server's log from that time.",
    )


def _is_wrong_setting(why: str) -> bool:
    """Whether a server that refuses a connection for this reason will always do so.

    It must be certain: a server that starts, or is full, must not look like a wrong setting. So any
    reason in another language may pass. The log has the server's words in either case.
    """
    return any(known in why for known in _REFUSALS) or bool(_WRONG_SETTING.search(why))


def _cancelled_by_server(error: psycopg.errors.QueryCanceled) -> str | None:
    """Why the server itself has ended the statement; None if our own `timeout` did."""
    if error.diag.sqlstate is None:
        return None
    if "user request" in str(error):
        return "An operator of the database cancelled the statement. Nothing was stored; try again."
    if "statement timeout" not in str(error):  # in another language
        return (
            "The database ended the statement: an operator has cancelled it, or it took longer "
            "than the `statement_timeout` of the user in `url`. Nothing was stored; try again."
        )
    return (
        "The database ended the statement after the `statement_timeout` of the user in `url`, "
        "which is shorter than the setting `timeout`. Nothing was stored. Raise "
        "`statement_timeout` with ALTER ROLE … SET statement_timeout, or try again."
    )


def _wrong_here(message: str) -> str | None:
    """What to mend in `url`; None where another server of it may be back soon."""
    if "Connection refused" in message or "timeout expired" in message:
        return None
    return next((ours for theirs, ours in _WRONG_HERE.items() if theirs in message), None)


def _refusal(why: str, place: Place, cause: psycopg.Error) -> ConfigError:
    """Return the error for a server that refuses a new connection."""
    database = place.url.database if place.url is not None else "pgstate"
    user = place.url.username if place.url is not None else None
    owner = f' OWNER "{user}"' if user else ""
    if f'database "{database}" does not exist' in why:
        return place.error(
            ConfigError,
            "There is no database with the name in `url`. Create it, or name another.",
            advice="To create it, run as a superuser of that server: "
            f"CREATE DATABASE \"{database}\"{owner} ENCODING 'UTF8' TEMPLATE template0",
            cause=cause,
        )
    reason = next((f": {ours}" for theirs, ours in _REFUSALS.items() if theirs in why), "")
    return place.error(
        ConfigError,
        f"The database server refused the connection{reason}. Check user and database in "
        "`url`, and the password: there, in PGPASSWORD, in ~/.pgpass or in the service file. The "
        "log has the server's words.",
        said=f"The server says: {place.redacted(why)}",
        cause=cause,
    )


def is_passing(error: psycopg.Error) -> bool:
    """Whether the same statement may succeed on another connection."""
    if isinstance(error, psycopg.errors.QueryCanceled):
        return False  # the statement has used up its time
    state = error.sqlstate
    if state is None:
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return state == _READ_ONLY or state.startswith(_PASSING)


def is_lost(error: psycopg.Error) -> bool:
    """Whether the connection was lost, so that nobody knows what its last statement has done."""
    state = error.sqlstate
    if state is None:
        return isinstance(error, psycopg.OperationalError)
    return state.startswith(_LOST)


def is_read_only(error: psycopg.Error) -> bool:
    """Whether the server writes no more, so that other connections to it are as bad."""
    return error.sqlstate == _READ_ONLY


def is_rolled_back(error: psycopg.Error) -> bool:
    """Whether the statement has certainly stored nothing, so that even `modify` may send it again.

    It met another transaction: a deadlock, or the user's default isolation is above READ COMMITTED.
    """
    return error.sqlstate in _ROLLED_BACK


def is_lock_wait(error: psycopg.Error) -> bool:
    """Whether the statement waited too long for a lock: for us, or for the user in `url`."""
    return isinstance(error, LockHeld) or error.sqlstate == _LOCK_NOT_AVAILABLE


def _reason(error: psycopg.Error) -> str:
    """Return the reason in a few words without names. The whole message is in our error's cause."""
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
    """Whether the server is there, only slow, busy, or reporting an error: others may succeed."""
    cause = error.cause
    if isinstance(cause, psycopg.errors.QueryCanceled | Exhausted):
        return True
    state = getattr(cause, "sqlstate", None)
    return state in {_READ_ONLY, _DISK_FULL, _LOCK_NOT_AVAILABLE, *_ROLLED_BACK}


def is_silence(error: StoreUnavailable) -> bool:
    """Whether the server has not answered at all, not even to refuse or to report an error."""
    cause = error.cause
    if isinstance(cause, psycopg.errors.QueryCanceled | Exhausted):
        return True
    return getattr(cause, "sqlstate", None) is None
