"""Rows: what the parts of `Tables` take and return.

Entries, sessions and writes as plain tuples and dataclasses. They hold encoded bytes, never
Python values. Nothing here does I/O.
"""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from types import MappingProxyType
from typing import Final, NamedTuple

from streamlit_pgstate.codecs import Payload
from streamlit_pgstate.postgres.statements.parts.session import TOKENLESS_SCOPES
from streamlit_pgstate.postgres.token import Token

SMALL: Final = 32 * 2**10
"""Up to this many bytes a value is stored in its entry, and each page load reads it. To read 32 KiB
that nobody asks for takes 40-100 µs on one machine; a round trip over a network takes 500 µs and
more."""

ROWLESS_TOKEN_LIFE: Final = timedelta(hours=24)
"""How long a token is valid while its session has no row. The tombstone of a forgotten session is
kept for longer: a cleanup deletes it after 48 h (`cleanup.TOMBSTONES_KEPT_FOR`). So a token that is
younger than this and has no row was never forgotten."""


@dataclass(frozen=True, slots=True)
class SessionRef:
    """Which session a statement is about, and the token that gives access to it.

    `token_hash` is None where there is no token: the session was opened by its id, as by a job, or
    its scope has no tokens.
    """

    id: uuid.UUID
    token_hash: bytes | None = None
    issued_at: float | None = None
    """Seconds since 1970, from the token; None without a token."""
    scope: str = "browser"
    is_presented: bool = True
    """Whether the token came from a browser or a caller. False for one that `rotate` has just made:
    until a browser presents it, the token before it goes on to work."""
    epoch: int | None = None
    """The epoch that was loaded; 0 if the session had no row, None if nothing was loaded yet."""
    logins: tuple[bytes, ...] = ()
    """Hashes of the present login, by each signing key: see `TokenSigner.login_hashes`."""
    users: tuple[bytes, ...] = ()
    """Hashes of who is logged in, by each signing key: see `TokenSigner.user_hashes`."""
    login: bytes | None = None
    """The login that a first write notes. Only for a token that nobody else can know."""
    is_of_page: bool = False
    """Whether a page of the app works with it, and not a job or a tool. If the app sets no `shape`,
    its pages know the first one alone, and a job or a tool minds none."""

    @classmethod
    def of(cls, token: Token, scope: str = "browser", *, is_presented: bool = True) -> SessionRef:
        """The session that `token` opens."""
        return cls(token.session_id, token.secret_hash, token.issued_at, scope, is_presented)

    @property
    def has_tokenless_scope(self) -> bool:
        """Whether no session of this scope has a token: the app's, or a user's.

        False for a browser's session that was opened by its id. That one has a token elsewhere.
        """
        return self.scope in TOKENLESS_SCOPES

    @property
    def may_create(self) -> bool:
        """Whether a first write may create the row. A token that is too old creates none."""
        if self.has_tokenless_scope:
            return True
        if self.issued_at is None:
            return False
        return not self.is_older_than(ROWLESS_TOKEN_LIFE)

    def is_older_than(self, age: timedelta) -> bool:
        """Whether there is a token, and it was made so long ago."""
        return self.issued_at is not None and time.time() - self.issued_at >= age.total_seconds()


@dataclass(frozen=True, slots=True)
class Identity:
    """Which database the tables are in, for the names and notes that browsers keep."""

    name: str
    """Random, made by the migration. Copies of the database have the same one, so that browsers
    find their tokens after a move."""
    mark: str
    """As `name`, but different in each copy. It tells the copies apart in which a browser's token
    was refused."""


@dataclass(frozen=True, slots=True)
class SessionTimes:
    """What the statement `SESSION` reads: for people, not for the cache."""

    app: str
    scope: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Totals:
    """What the statement `TOTALS` reads: how much all apps of the schema hold."""

    sessions: int
    entries: int
    bytes: int
    bytes_on_disk: int
    """Including indexes and the space that vacuum has not yet reclaimed."""


class EntryRow(NamedTuple):
    """One entry: small (it has a `body`), large (it has a `digest`), or deleted (`kind` is None).

    Or it cannot be opened: then it has a `fault`, and no body.

    A tuple, because a page load makes one for each key: a tuple takes 0.3 µs, a frozen dataclass
    1.5 µs.
    """

    key: str
    version: int
    kind: str | None
    size: int
    body: bytes | None
    digest: bytes | None
    ttl: float | None
    seconds_left: float | None
    """As of the read, or, of a write of our own, as of the moment before it was sent."""
    fault: str | None = None
    """Why the entry cannot be opened, for the message: see `cipher.UnopenedError`."""


class Rotation(Enum):
    """What has become of a new token."""

    DONE = "done"
    """It is pending: it opens the session, and replaces the present one once it is presented."""
    BY_ANOTHER = "by another"
    """Nothing has changed: another rotation waits for its browser, or has replaced the caller's
    token. The browser hears of that one."""
    NO_ROW = "no row"
    """The session has no row, and so nothing to protect."""


class Reached(NamedTuple):
    """A version that a session is known to have had, on one server.

    A standby that was promoted may lack it.
    """

    version: int = 0
    server: float = 0.0
    """When that server was started, in microseconds since 1970; 0 if that is not known."""


class ClockReading(NamedTuple):
    """One reading of the server's clock."""

    server_time: float
    """Seconds since 1970, at some moment between the next two."""
    asked: float
    """When it was asked for, by `time.monotonic`."""
    received: float
    """When the answer had come, by `time.monotonic`."""


class Changes(NamedTuple):
    """What a load or a refresh has read."""

    version: int
    """The session's version; 0 if it has no row yet."""
    entries: list[EntryRow]
    epoch: int = 0
    """The epoch of the session; 0 if it has no row yet."""
    login: bytes | None = None
    """The login under which the session has its token; None for nobody."""
    is_replaced: bool = False
    """Whether the caller's token was replaced at that login."""
    clock: ClockReading | None = None
    """None if the session has no row yet."""
    server: float = 0.0
    """When the server was started, in microseconds since 1970; 0 if the session has no row yet."""
    shape: int = 0
    """The shape of what is stored; 0 if the session has no row yet."""


class Write(NamedTuple):
    """A value to be written to the entry `key`. Without a payload the entry is deleted."""

    key: str
    payload: Payload | None
    ttl: float | None = None
    """Seconds until it expires; None: it does not expire."""
    digest: bytes | None = None
    """Digest of a large value, whose body is stored in the table `body`. None: a small value."""


class Change(NamedTuple):
    """What the history notes of a write."""

    operation: str
    """What has made it: set, modify, persist or another verb."""
    run: int
    """A random number for each run of a script. `undo` takes back what one run has changed."""

    @classmethod
    def alone(cls, operation: str = "set") -> Change:
        """A write that belongs to no run of a script: undone by itself."""
        return cls(operation, new_run())


def new_run() -> int:
    """Return a number for a run of a script."""
    return 2**62 + secrets.randbits(62)


class RevisionRow(NamedTuple):
    """One version of a key, as the history has it."""

    version: int
    changed_at: datetime
    operation: str
    kind: str | None
    """None if there is no value: the key was deleted, or the value's ttl is over."""
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What has become of entries that were to be moved to another session."""

    keys: list[str] = field(default_factory=list)
    """The keys that were moved."""
    refused: SessionRef | None = None
    """The session that was refused; nothing was moved."""


class Snapshot(NamedTuple):
    """What the caller's cache holds of the session when the caller decides to write."""

    version: int
    """The session's version; 0 if it has no row yet."""
    taken_at: float
    """When it was taken, by `time.monotonic`: before the write is sent."""
    reached: Reached = Reached()
    """The highest version that the session is known to have had: that of the caller's last write,
    too, even if others have written before it."""
    digests: Collection[bytes] = ()
    """Digests of the large values that the written keys hold before the write."""
    sizes: Mapping[str, int] = MappingProxyType({})
    """Sizes of all values that the written keys hold before the write."""

    @property
    def is_latest(self) -> bool:
        """Whether nobody is known to have written since."""
        return self.version == self.reached.version
