"""Inspection: how an operator looks at sessions, their keys and their values. It changes nothing.

The command line and other tools read by it. Lists come in pages, so that a database of any size can
be looked at, and no read takes a lock that a writer waits for.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Final

from streamlit_pgstate.codecs import Payload
from streamlit_pgstate.errors import ConfigError, DecodeError, UnknownToken
from streamlit_pgstate.postgres.access import Access
from streamlit_pgstate.postgres.bodies import Bodies, OnProgress
from streamlit_pgstate.postgres.cipher import Large, UnopenedError
from streamlit_pgstate.postgres.cleanup import TOMBSTONES_KEPT_FOR
from streamlit_pgstate.postgres.connection import Row, Steps
from streamlit_pgstate.postgres.engine import Database
from streamlit_pgstate.postgres.rows import SessionRef
from streamlit_pgstate.postgres.statements.inspection import SERVER_NOW

_HEX: Final = re.compile(r"[0-9a-f]{4,32}")
_ID_LENGTH: Final = 32

_PATIENCE: Final = 600.0
"""Seconds for a statement that reads all sessions."""

_KEYS_AT_ONCE: Final = 500
"""How many entries one statement reads: of 32 KiB each they take 16 MiB."""

_COUNTED: Final = 10_000
"""How many sessions that wait for a cleanup are counted at most."""

_LOWEST, _HIGHEST = uuid.UUID(int=0), uuid.UUID(int=2**128 - 1)


class Order(Enum):
    """In which order sessions are listed."""

    EXPIRY = "expiry"
    """Those that expire last come first: mostly those seen last."""
    BYTES = "bytes"
    """The largest come first."""
    AGE = "age"
    """The oldest come first."""
    NEWEST = "newest"
    """Those made last come first."""


_STATEMENTS: Final = {
    Order.EXPIRY: "SESSIONS_BY_EXPIRY",
    Order.BYTES: "SESSIONS_BY_BYTES",
    Order.AGE: "SESSIONS_BY_AGE",
    Order.NEWEST: "SESSIONS_BY_NEWNESS",
}
_STARTS: Final = {
    Order.EXPIRY: ("infinity", _HIGHEST),
    Order.BYTES: (str(2**63 - 1), _HIGHEST),
    Order.AGE: ("-infinity", _LOWEST),
    Order.NEWEST: ("infinity", _HIGHEST),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """One session, as its row has it."""

    id: uuid.UUID
    app: str
    scope: str
    keys: int
    """How many values it holds, those included whose ttl is over and that are not deleted yet."""
    bytes: int
    """How many bytes these have, as encoded."""
    created_at: datetime
    seen_at: datetime
    """When it was seen last; this moves at most once an hour."""
    expires_at: datetime
    revoked_at: datetime | None
    copy_of: uuid.UUID | None
    shape: int
    """The shape of its values, by the setting `shape`; 1 without it."""

    @property
    def ended(self) -> str | None:
        """Why it is no longer used, for people; None for a session in use."""
        if self.revoked_at is not None:
            return "forgotten" if self.revoked_at < self.expires_at else "expired"
        return "expired" if self.expires_at <= datetime.now(self.expires_at.tzinfo) else None


@dataclass(frozen=True, slots=True)
class SessionPage:
    """Some sessions, and where the next page begins."""

    sessions: tuple[SessionRow, ...]
    next: str | None
    """What `Inspection.sessions` takes as `after`; None if there are no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRow:
    """One key of a session, and what its row holds of the value, which may be encrypted."""

    session_id: uuid.UUID
    key: str
    version: int
    kind: str
    size: int
    """Bytes as encoded."""
    changed_at: datetime
    expires_at: datetime | None
    ttl: float | None
    """Seconds, as `set` was given them."""
    text: str | None = field(repr=False)
    body: bytes | None = field(repr=False)
    digest: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """How much all apps of the schema hold, by the counters of the sessions."""

    sessions: int
    values: int
    bytes: int
    oldest: datetime | None
    """When the oldest session was made."""
    on_disk: tuple[tuple[str, int], ...]
    """Tables, and the bytes that each takes with its indexes."""

    @property
    def bytes_on_disk(self) -> int:
        """The sizes of all tables added up."""
        return sum(size for _, size in self.on_disk)


@dataclass(frozen=True, slots=True, kw_only=True)
class Overdue:
    """What waits for a cleanup."""

    sessions: int
    """Expired sessions that still hold what they held; 10,000 stands for that many or more."""
    since: datetime | None
    """When the first of these sessions and values expired."""
    cleaned_at: datetime | None
    """When a cleanup of an app began last. `pgstate gc` is not noted."""
    now: datetime
    """The server's time."""

    def is_behind(self, interval: timedelta) -> bool:
        """Whether no cleanup has run when one was due.

        Args:
            interval: the setting `gc_interval`; 0 where `pgstate gc` runs from cron, once a day.
        """
        return self.since is not None and self.now - self.since > _is_due_within(interval)


def _is_due_within(interval: timedelta) -> timedelta:
    """An app that nobody visits cleans nothing up, and it need not: a day passes without one."""
    return max(2 * interval, timedelta(days=2))


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerNow:
    """A server as one connection finds it."""

    version: str
    is_pooled: bool
    """Whether a pooler is in between: it reports another process than the one that answers."""
    is_read_only: bool
    """Whether it is a standby, or takes no writes of this user."""
    clock_differs: float
    """Seconds by which its clock is ahead of this machine's."""
    connections: int
    """How many clients are connected to it, this one included."""
    may_connect: int
    """How many may be, of this role and to this database."""


def ask_server(database: Database) -> ServerNow:
    """Ask a server what it is like. It needs no tables."""
    with database.connection() as connection:
        asked = time.time()
        [(process, is_read_only, server_time, connections, *limits)] = connection.rows_of(
            SERVER_NOW, {}
        )
        now = (asked + time.time()) / 2
        info = connection.info
        return ServerNow(
            version=info.parameter_status("server_version") or "",
            is_pooled=process != info.backend_pid,
            is_read_only=is_read_only,
            clock_differs=server_time - now,
            connections=connections,
            may_connect=min(limit for limit in limits if limit >= 0),  # -1 is no limit
        )


class Inspection:
    """Reads of one schema for operators.

    Args:
        access: to its tables.
        bodies: reads large values.
    """

    def __init__(self, access: Access, bodies: Bodies) -> None:
        self._access = access
        self._bodies = bodies

    def sessions(
        self,
        order: Order = Order.EXPIRY,
        *,
        app: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> SessionPage:
        """Return one page of the sessions that are in use.

        Indexes find them, except by bytes: this order reads the table of sessions once.

        Args:
            order: which come first.
            app: only those of this app.
            after: `SessionPage.next` of the page before, of the same order.
            limit: how many at most.

        Raises:
            ConfigError: `after` is not of a page of this order.
        """
        at, last = _STARTS[order] if after is None else _position(order, after)
        parameters = {"at": at, "after": last, "app": app, "limit": limit + 1}
        run = self._patiently if order is Order.BYTES else self._access.run
        found = [_session(row) for row in run(_STATEMENTS[order], parameters)]
        page = tuple(found[:limit])
        return SessionPage(page, _after(order, page[-1]) if len(found) > limit else None)

    def sessions_of(self, ids: Sequence[uuid.UUID]) -> tuple[SessionRow, ...]:
        """Return those of some sessions that are in use, the largest first."""
        return tuple(_session(row) for row in self._access.run("SESSIONS_OF", {"ids": list(ids)}))

    def find(self, text: str, *, to_change: bool = False) -> SessionRow:
        """Return the session with this id, or the one whose id begins with this text.

        Args:
            text: an id, or its first digits.
            to_change: whether the session is to be changed. Then no other session may have such an
                id, not even one that has ended.

        Raises:
            ConfigError: it cannot be the beginning of an id, or several sessions have it.
            UnknownToken: no session has it.
        """
        first, last = id_range(text)
        rows = self._access.run("SESSIONS_BETWEEN", {"first": first, "last": last})
        return the_one([_session(row) for row in rows], text, to_change=to_change)

    def keys(self, session_id: uuid.UUID) -> Iterator[KeyRow]:
        """Return the keys of a session that hold a value, sorted, as they are read in pages."""
        after = ""
        while True:
            parameters = {"id": session_id, "after_key": after, "limit": _KEYS_AT_ONCE}
            rows = self._access.run("ENTRIES_AFTER", parameters)
            yield from (_key(session_id, row) for row in rows)
            if len(rows) < _KEYS_AT_ONCE:
                return
            after = rows[-1][0]

    def key(self, session_id: uuid.UUID, key: str) -> KeyRow | None:
        """Return one key of a session; None if it holds no value."""
        rows = self._access.run("ENTRY", {"id": session_id, "name": key})
        return _key(session_id, rows[0]) if rows else None

    def read(
        self, row: KeyRow, *, on_progress: OnProgress = lambda _, __: None
    ) -> tuple[KeyRow, Payload] | None:
        """Read the value of a key, or the newer one where others have written it meanwhile.

        Returns:
            The row that was read, and its value; None if it was deleted meanwhile.

        Raises:
            DecodeError: as `payload`.
        """
        while True:
            try:
                return row, self.payload(row, on_progress=on_progress)
            except DecodeError:
                newest = self.key(row.session_id, row.key)
                if newest is None:
                    return None
                if newest.version == row.version:
                    raise
                row = newest

    def payload(self, row: KeyRow, *, on_progress: OnProgress = lambda _, __: None) -> Payload:
        """Read the encoded value of a key, decrypted.

        Args:
            row: the key.
            on_progress: called with the number of bytes of a large value read so far, and of all.

        Raises:
            DecodeError: rows of it are missing or changed, or it cannot be decrypted.
        """
        cipher = self._access.sealing.cipher_of(row.session_id)
        try:
            body = cipher.open(row.key, row.kind, row.size, row.text, row.body, row.digest)
            if body is None:
                large = Large(row.kind, row.size, row.digest or b"")
                ref = SessionRef(row.session_id)
                body = self._bodies.read(ref, large, on_progress=on_progress)
        except UnopenedError as fault:
            raise DecodeError(f"{row.key!r} (kind {row.kind!r}) {fault}") from None
        return Payload(row.kind, body)

    def overview(self) -> Overview:
        """Return how much all apps hold. It reads the table of sessions once."""
        [(sessions, values, bytes_, oldest)] = self._patiently("OVERVIEW", {})
        on_disk = tuple((name, size) for name, size in self._access.run("SIZES", {}))
        return Overview(
            sessions=sessions, values=values, bytes=bytes_, oldest=oldest, on_disk=on_disk
        )

    def overdue(self) -> Overdue:
        """Return what waits for a cleanup. Indexes find it."""
        kept_for = TOMBSTONES_KEPT_FOR.total_seconds()
        parameters = {"kept_for": kept_for, "limit": _COUNTED}
        [(sessions, ended, expired, cleaned_at, now)] = self._access.run("OVERDUE", parameters)
        since = min((at for at in (ended, expired) if at is not None), default=None)
        return Overdue(sessions=sessions, since=since, cleaned_at=cleaned_at, now=now)

    def remove(self, session_id: uuid.UUID) -> None:
        """Delete the row of a session whose token no browser has ever had."""
        self._access.run("REMOVE_SESSION", {"id": session_id})

    def _patiently(self, name: str, parameters: dict[str, Any]) -> list[Row]:
        with self._access.database.connection() as connection:
            return Steps(connection, self._access.sql, timeout=_PATIENCE).run(name, parameters)


def _session(row: Row) -> SessionRow:
    id_, app, scope, keys, bytes_, created_at, seen_at, expires_at, revoked_at, *more = row
    copy_of, shape = more
    return SessionRow(
        id=id_,
        app=app,
        scope=scope,
        keys=keys,
        bytes=bytes_,
        created_at=created_at,
        seen_at=seen_at,
        expires_at=expires_at,
        revoked_at=revoked_at,
        copy_of=copy_of,
        shape=shape,
    )


def _key(session_id: uuid.UUID, row: Row) -> KeyRow:
    key, version, kind, size, changed_at, expires_at, ttl, text, body, digest = row
    return KeyRow(
        session_id=session_id,
        key=key,
        version=version,
        kind=kind,
        size=size,
        changed_at=changed_at,
        expires_at=expires_at,
        ttl=ttl,
        text=text,
        body=body,
        digest=digest,
    )


# Ids that people type


def id_range(text: str) -> tuple[uuid.UUID, uuid.UUID]:
    """Return the first and the last id that begin with a text.

    Raises:
        ConfigError: no id begins like this, or it is too short to be looked for.

    Example:
        >>> id_range("6C3f1f5e")[0]
        UUID('6c3f1f5e-0000-0000-0000-000000000000')
    """
    digits = text.strip().lower().replace("-", "")
    if not _HEX.fullmatch(digits):
        raise ConfigError(
            f"{text!r} is not the id of a session, nor its beginning. Give at least 4 of its "
            "hexadecimal digits, such as 6c3f1f5e. A page shows its visitor's id with: "
            "st.write(pgstate.session().id)"
        )
    return uuid.UUID(digits.ljust(_ID_LENGTH, "0")), uuid.UUID(digits.ljust(_ID_LENGTH, "f"))


def the_one(found: Sequence[SessionRow], text: str, *, to_change: bool = False) -> SessionRow:
    """Return the session that is meant, of those found: those in use first.

    If it is to be changed, none is preferred: who types the digits of a session that has ended must
    not change another one.

    Raises:
        UnknownToken: there is none.
        ConfigError: there are several.
    """
    if not found:
        raise UnknownToken(
            f"No session has an id that begins with {text!r}. A visitor who has stored nothing has "
            "no session here yet. A forgotten or expired one is gone after two days. Compare "
            "`url` and `schema` with the app's: pgstate status"
        )
    in_use = [row for row in found if row.ended is None]
    meant = found if to_change else in_use or found
    if len(meant) > 1:
        ids = ", ".join(str(row.id) for row in meant[:2])
        raise ConfigError(
            f"Several sessions have an id that begins with {text!r}, such as {ids}. Give more "
            "digits."
        )
    return meant[0]


# Positions in a list


def _after(order: Order, row: SessionRow) -> str:
    at = {
        Order.EXPIRY: row.expires_at.isoformat(),
        Order.BYTES: str(row.bytes),
        Order.AGE: row.created_at.isoformat(),
        Order.NEWEST: row.created_at.isoformat(),
    }[order]
    return f"{order.value},{at},{row.id}"


def _position(order: Order, after: str) -> tuple[str, uuid.UUID]:
    name, _, rest = after.partition(",")
    at, _, id_ = rest.rpartition(",")
    try:
        if name != order.value:
            raise ValueError("of another order")
        _ = _of_64_bits(at) if order is Order.BYTES else datetime.fromisoformat(at)
        return at, uuid.UUID(id_)
    except ValueError:
        raise ConfigError(
            f"{after!r} is not where a page of this order ends. Take it from the output of the "
            "page before, and give the same order."
        ) from None


def _of_64_bits(text: str) -> int:
    number = int(text)
    if not -(2**63) <= number < 2**63:
        raise ValueError("PostgreSQL's bigint does not hold it")
    return number
