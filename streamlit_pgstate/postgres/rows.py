"""Rows: what the verbs of `tables` take and give.

Entries, sessions and writes as plain tuples and dataclasses. They hold encoded bytes, never
Python values, and nothing here does I/O.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from streamlit_pgstate.codecs import Payload
from streamlit_pgstate.postgres import statements
from streamlit_pgstate.postgres.token import Token

SMALL: Final = 32 * 2**10
"""Bytes up to which a value lies in its entry and comes with the page: fetching 32 KiB that
nobody asks for takes 40-100 µs on one machine, a round trip over a network 500 µs and more."""

ROWLESS_TOKEN_LIFE: Final = timedelta(hours=24)
"""How long a token is good before anything was stored under it. A forgotten session keeps its
row for longer (48 h), so a token without a row and younger than this was never forgotten."""


@dataclass(frozen=True, slots=True)
class SessionRef:
    """Which session a statement is about, and by what right.

    `token_hash` is None where the session was handed over by the app itself, to a job.
    """

    id: uuid.UUID
    token_hash: bytes | None = None
    issued_at: float | None = None
    """Seconds since 1970, from the token; None where there is none."""
    scope: str = "browser"

    @classmethod
    def of(cls, token: Token, scope: str = "browser") -> SessionRef:
        return cls(token.session_id, token.secret_hash, token.issued_at, scope)

    @property
    def is_known_by_id(self) -> bool:
        return self.scope in statements.KNOWN_BY_ID

    @property
    def may_create(self) -> bool:
        """Whether a first write may make the row: only while the token is young."""
        if self.is_known_by_id:
            return True
        if self.issued_at is None:
            return False
        return time.time() - self.issued_at < ROWLESS_TOKEN_LIFE.total_seconds()


@dataclass(frozen=True, slots=True)
class SessionTimes:
    """What `SESSION` reads: for people, not for the cache."""

    app: str
    scope: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Totals:
    """What `TOTALS` reads: how much all apps of the schema hold."""

    sessions: int
    entries: int
    bytes: int
    bytes_on_disk: int
    """With indexes and what vacuum has not yet reclaimed."""


class EntryRow(NamedTuple):
    """One entry: current, deleted (`kind` is None), small (`body`) or large (`digest`).

    A tuple, as a page load makes one for each key: 0.3 µs beside 1.5 µs for a frozen dataclass.
    """

    key: str
    version: int
    kind: str | None
    size: int
    body: bytes | None
    digest: bytes | None
    ttl: float | None
    seconds_left: float | None


class Changes(NamedTuple):
    """What a load or refresh brought."""

    version: int
    """The session's; 0 where it has no row yet."""
    due: bool
    """Whether the sliding expiry is due: the next read is to move it."""
    entries: list[EntryRow]


@dataclass(frozen=True, slots=True)
class Write:
    """A value on its way to the entry `key`; without a payload, the entry is deleted."""

    key: str
    payload: Payload | None
    ttl: float | None = None
    """Seconds until it expires; None for never."""
    digest: bytes | None = None
    """Of a large value, whose body lies beside its entry; None for a small one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What the cache says of the session at the moment that the caller decides to write."""

    version: int
    """0 where it has no row yet."""
    dropping: Collection[bytes] = ()
    """Digests of the large values that the written keys hold now."""
