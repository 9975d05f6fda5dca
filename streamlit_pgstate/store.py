"""The store: every SQL statement, and the verbs that run them.

Speaks rows and payloads; what they mean to a script is `state`'s. Each hot statement names
one session and finds its rows by primary key; each write takes the row lock of its session
first, so the order of versions is the order of commits.
"""

# ruff: noqa: S608 - statements are put together from constants; only a checked name goes in

from __future__ import annotations

import io
import itertools
import time
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn, TypeAlias

from streamlit_pgstate import engine, migrate
from streamlit_pgstate.codecs import Payload
from streamlit_pgstate.errors import MigrationRequired, UnknownToken
from streamlit_pgstate.migrate import Layout
from streamlit_pgstate.settings import Settings
from streamlit_pgstate.token import Token, TokenSigner

if TYPE_CHECKING:
    from streamlit_pgstate.state import State

SMALL: Final = 32 * 2**10
"""Bytes up to which a value lies in its entry and comes with the page: fetching 32 KiB that
nobody asks for takes 40-100 µs on one machine, a round trip over a network 500 µs and more."""

CHUNK: Final = 2**20
"""Bytes of a large value per row: 256 KiB to 1 MiB were fastest both ways (80 MB: 0.5 s to
write and 0.25 s to read; as one value 1.9 s and 0.44 s)."""

IN_ONE_STATEMENT: Final = 4 * CHUNK
"""Bytes of new bodies that still travel inside the write itself, in its one round trip."""

ROTATION_GRACE: Final = timedelta(minutes=2)
"""How long the token before the last rotate still works: another tab may be on its way."""

_SLIDES_EVERY: Final = timedelta(hours=1)
"""How long the expiry stays where it is, at most: a tenth of a shorter session_ttl."""

ROWLESS_TOKEN_LIFE: Final = timedelta(hours=24)
"""How long a token is good before anything was stored under it. A forgotten session keeps its
row for longer (48 h), so a token without a row and younger than this was never forgotten."""

OnProgress: TypeAlias = Callable[[int, int], object]
"""Called with the bytes that have travelled, and all that there are to travel."""

# A session's row is usable. %(hash)s is NULL for a job that was handed the session itself;
# token_hash is NULL for a session that is known by its id, which no token opens.
_USABLE: Final = """revoked_at IS NULL AND expires_at > now() AND (%(hash)s::bytea IS NULL
    OR token_hash = %(hash)s
    OR previous_hash = %(hash)s AND rotated_at > now() - make_interval(secs => %(grace)s)
    ) IS TRUE"""

KNOWN_BY_ID: Final = ("app", "user")
"""Scopes whose session has no token: its id follows from the app's or the user's name."""

# Such a session is nobody's browser's: it lives as long as a token may, not as a browser's state.
_LIFE: Final = f"""make_interval(secs => CASE WHEN {{scope}} IN {KNOWN_BY_ID}
    THEN %(session_max_age)s ELSE %(session_ttl)s END)"""
_LIFE_OF_ROW: Final = _LIFE.replace("{scope}", "session.scope")
_LIFE_OF_NEW: Final = _LIFE.replace("{scope}", "%(scope)s::text")

_DUE: Final = "seen_at < now() - make_interval(secs => %(slide)s)"

# Both move together, at most once an hour, with a read or a write.
_SLIDE: Final = f"""seen_at = CASE WHEN {_DUE} THEN now() ELSE seen_at END,
    expires_at = CASE WHEN {_DUE} THEN now() + {_LIFE_OF_ROW} ELSE expires_at END"""

_FOUND: Final = f"""found AS MATERIALIZED (
    SELECT version, {_USABLE} AS usable, {_DUE} AS due FROM {{schema}}.session WHERE id = %(id)s
)"""

# The session as one row (key NULL), then its entries that are newer than %(since)s. Entries
# are not even looked at when the session's version has not moved.
_CHANGES: Final = """
SELECT NULL::text, version, CASE WHEN NOT usable THEN 'refused' WHEN due THEN 'due' ELSE '' END,
    NULL::bigint, NULL::text, NULL::bytea, NULL::bytea, NULL::float8, NULL::float8
FROM found
UNION ALL
SELECT e.key, e.version, e.kind, e.size, e.value::text, e.body, e.digest, e.ttl,
    extract(epoch FROM e.expires_at - now())::float8
FROM found, {schema}.entry e
WHERE found.usable AND found.version > %(since)s
    AND e.session_id = %(id)s AND e.version > %(since)s
    AND (e.kind IS NOT NULL OR %(since)s >= 0)"""

# A later run: what changed since. One round trip.
REFRESH: Final = f"WITH {_FOUND} {_CHANGES}"

# A page load: token, session and all small values; the sliding expiry moves with it. One
# round trip.
LOAD: Final = f"""WITH {_FOUND},
touched AS (
    UPDATE {{schema}}.session SET {_SLIDE} WHERE id = %(id)s AND {_DUE} AND {_USABLE}
) {_CHANGES}"""

SESSION: Final = """
SELECT app, scope, created_at, seen_at, expires_at FROM {schema}.session WHERE id = %(id)s"""

ROWS: Final = """
SELECT key, version, kind, size, changed_at, expires_at, value::text AS value
FROM {schema}.entry WHERE session_id = %(id)s AND kind IS NOT NULL ORDER BY key"""

READ_BODY: Final = """
SELECT data FROM {schema}.body WHERE session_id = %(id)s AND digest = %(digest)s ORDER BY part"""

# Every write locks the session's row first, by counting up its version: so versions are in
# the order of commits, and a version that is %(known)s plus one says that nobody else wrote
# since the cache that the caller decided upon.
_MOVED: Final = f"""moved AS (
    UPDATE {{schema}}.session SET version = version + 1, {_SLIDE}
    WHERE id = %(id)s AND {_USABLE} {{only_if}} RETURNING version
)"""

# A session that is handed to a job has its row from then on: the job has no token to make it by.
MAKE: Final = f"""
INSERT INTO {{schema}}.session
    (id, app, scope, version, token_hash, created_at, seen_at, expires_at)
VALUES (%(id)s, %(app)s, %(scope)s, 1, %(hash)s, now(), now(), now() + {_LIFE_OF_NEW})
ON CONFLICT (id) DO NOTHING"""

# No row yet: the first write makes it, if no other tab just did.
_MADE: Final = f"""moved AS (
    INSERT INTO {{schema}}.session
        (id, app, scope, version, token_hash, created_at, seen_at, expires_at)
    VALUES (%(id)s, %(app)s, %(scope)s, 1, %(hash)s, now(), now(), now() + {_LIFE_OF_NEW})
    ON CONFLICT (id) DO NOTHING RETURNING version
)"""

_ONE: Final = """(SELECT %(key)s::text AS key, %(kind)s::text AS kind, %(size)s::bigint AS size,
    %(text)s::text AS text, %(body)s::bytea AS body, %(digest)s::bytea AS digest,
    %(ttl)s::float8 AS ttl)"""
_MANY: Final = """unnest(%(key)s::text[], %(kind)s::text[], %(size)s::bigint[], %(text)s::text[],
    %(body)b::bytea[], %(digest)s::bytea[], %(ttl)s::float8[])"""

# `excluded` and the row itself only, no now(): so it may be sent to a shard as it is.
_ENTRIES: Final = """
INSERT INTO {schema}.entry AS e (session_id, key, version, kind, size, changed_at, expires_at,
    ttl, value, body, digest)
SELECT %(id)s, new.key, moved.version, new.kind, new.size, now(),
    now() + make_interval(secs => new.ttl), new.ttl, new.text::json, new.body, new.digest
FROM moved, {new} AS new(key, kind, size, text, body, digest, ttl)
ON CONFLICT (session_id, key) DO UPDATE SET version = excluded.version, kind = excluded.kind,
    size = excluded.size, changed_at = excluded.changed_at, expires_at = excluded.expires_at,
    ttl = excluded.ttl, value = excluded.value, body = excluded.body, digest = excluded.digest
{where} RETURNING version"""

# The version that a modify() started from; 0 for none.
_IF_EXPECTED: Final = """WHERE %(expected)s = CASE
    WHEN e.kind IS NULL OR e.expires_at <= excluded.changed_at THEN 0 ELSE e.version END"""

# The same, asked before bodies are dropped: that must not be done for a write that is not.
_AS_EXPECTED: Final = """AND %(expected)s = coalesce((
    SELECT version FROM {schema}.entry WHERE session_id = %(id)s AND key = ANY (%(key)s::text[])
        AND kind IS NOT NULL AND (expires_at IS NULL OR expires_at > now())), 0)"""

# Joined with `moved`, so that the session is locked before. %b: psycopg sends lists as text
# otherwise, which is twice as long for bytes: 40 MB in 1.4 s, where this takes 0.4 s.
_BODIES: Final = """bodies AS (
    INSERT INTO {schema}.body (session_id, digest, part, data)
    SELECT %(id)s, b.digest, b.part, b.data
    FROM moved, unnest(%(body_digest)s::bytea[], %(body_part)s::int[], %(body_data)b::bytea[])
        AS b(digest, part, data)
    ON CONFLICT (session_id, digest, part) DO NOTHING
)"""

# Bodies that no other key holds; not when somebody else wrote meanwhile, who may hold them by
# now: then they stay behind, as garbage.
_DROPPED: Final = """dropped AS (
    DELETE FROM {schema}.body b USING moved
    WHERE b.session_id = %(id)s AND b.digest = ANY (%(dropping)s::bytea[])
        AND moved.version = %(known)s::bigint + 1
        AND NOT EXISTS (SELECT FROM {schema}.entry o WHERE o.session_id = %(id)s
            AND o.digest = b.digest AND o.key <> ALL (%(key)s::text[]))
)"""

# Bodies that were sent ahead may have been dropped since, by a writer that replaced their
# last entry. With the version unmoved nobody did, and what is seen here is what is there.
_COMPLETE: Final = """AND version = %(known)s AND NOT EXISTS (
    SELECT FROM unnest(%(ahead_digest)s::bytea[], %(ahead_parts)s::int[]) AS a(digest, parts)
    WHERE a.parts <> (SELECT count(*) FROM {schema}.body b
        WHERE b.session_id = %(id)s AND b.digest = a.digest))"""


def _moved(only_if: str = "") -> str:
    return _MOVED.replace("{only_if}", only_if)


def _entries(new: str, where: str = "") -> str:
    return _ENTRIES.replace("{new}", new).replace("{where}", where)


# The writes: one statement each, one round trip, autocommitted. Beside a bare upsert of the
# same row PUT takes 10 µs more on the server, unnest another 25 µs.
PUT: Final = f"WITH {_moved()} {_entries(_ONE)}"
PUT_IF: Final = f"WITH {_moved()} {_entries(_ONE, _IF_EXPECTED)}"
PUT_MANY: Final = f"WITH {_moved()} {_entries(_MANY)}"
PUT_LARGE: Final = f"WITH {_moved()}, {_BODIES}, {_DROPPED} {_entries(_MANY)}"
PUT_LARGE_IF: Final = (
    f"WITH {_moved(_AS_EXPECTED)}, {_BODIES}, {_DROPPED} {_entries(_MANY, _IF_EXPECTED)}"
)
PUT_AHEAD: Final = f"WITH {_moved(_COMPLETE)}, {_DROPPED} {_entries(_MANY)}"
CREATE: Final = f"WITH {_MADE}, {_BODIES} {_entries(_MANY)}"

# A large value that its entry holds already, with another expiry: its bytes do not travel again.
_HELD: Final = """AND EXISTS (SELECT FROM {schema}.entry
    WHERE session_id = %(id)s AND key = %(key)s AND version = %(expected)s
        AND digest = %(digest)s AND (expires_at IS NULL OR expires_at > now()))"""
RENEW: Final = f"""WITH {_moved(_HELD)}
UPDATE {{schema}}.entry AS e SET version = moved.version, changed_at = now(),
    expires_at = now() + make_interval(secs => %(ttl)s::float8), ttl = %(ttl)s::float8
FROM moved
WHERE e.session_id = %(id)s AND e.key = %(key)s AND e.version = %(expected)s
RETURNING e.version"""
SEND_BODIES: Final = f"""
INSERT INTO {{schema}}.body (session_id, digest, part, data)
SELECT %(id)s, b.digest, b.part, b.data
FROM unnest(%(body_digest)s::bytea[], %(body_part)s::int[], %(body_data)b::bytea[])
    AS b(digest, part, data)
WHERE coalesce((SELECT {_USABLE} FROM {{schema}}.session WHERE id = %(id)s), %(may_create)s)
ON CONFLICT (session_id, digest, part) DO NOTHING"""

# A deleted entry stays as an empty row, so that other caches learn of it.
# `held` may be older than the lock: what is also in `deleted` was not deleted by another before.
DELETE: Final = f"""WITH {_moved()}, {_DROPPED},
held AS (
    SELECT key FROM {{schema}}.entry WHERE session_id = %(id)s AND key = ANY (%(key)s::text[])
        AND kind IS NOT NULL AND (expires_at IS NULL OR expires_at > now())
),
deleted AS (
    UPDATE {{schema}}.entry SET version = moved.version, kind = NULL, size = 0,
        changed_at = now(), expires_at = NULL, ttl = NULL, value = NULL, body = NULL,
        digest = NULL
    FROM moved WHERE session_id = %(id)s AND key = ANY (%(key)s::text[]) AND kind IS NOT NULL
    RETURNING key
)
SELECT version, (SELECT count(*) FROM held JOIN deleted USING (key)) FROM moved"""

ROTATE: Final = f"""
UPDATE {{schema}}.session
SET previous_hash = token_hash, token_hash = %(new_hash)s, rotated_at = now()
WHERE id = %(id)s AND {_USABLE} RETURNING version"""

# A session without a row gets one, so that its token is known to be dead. After this
# statement no write of the session succeeds, so ERASE removes all that there will ever be.
REVOKE: Final = """
INSERT INTO {schema}.session (id, app, scope, version, token_hash, created_at, seen_at,
    expires_at, revoked_at)
VALUES (%(id)s, %(app)s, %(scope)s, 1, %(hash)s, now(), now(),
    now() + make_interval(secs => %(session_ttl)s), now())
ON CONFLICT (id) DO UPDATE SET version = session.version + 1,
    revoked_at = coalesce(session.revoked_at, excluded.revoked_at)
WHERE excluded.token_hash IS NULL OR excluded.token_hash = session.token_hash
    OR excluded.token_hash = session.previous_hash
        AND session.rotated_at > excluded.seen_at - make_interval(secs => %(grace)s)
RETURNING version"""
ERASE_ENTRIES: Final = "DELETE FROM {schema}.entry WHERE session_id = %(id)s"
ERASE_BODIES: Final = "DELETE FROM {schema}.body WHERE session_id = %(id)s"
ERASE_REVISIONS: Final = "DELETE FROM {schema}.revision WHERE session_id = %(id)s"

# A session that is known by its id begins anew, empty, when it was forgotten or has expired: no
# other id can take its place. Its entries stay as deleted ones, so that other caches learn of it.
EMPTY: Final = f"""
WITH emptied AS (
    UPDATE {{schema}}.session SET version = version + 1, revoked_at = NULL, created_at = now(),
        seen_at = now(), expires_at = now() + {_LIFE_OF_ROW}
    WHERE id = %(id)s AND (%(always)s OR revoked_at IS NOT NULL OR expires_at <= now())
    RETURNING version
),
bodies AS (DELETE FROM {{schema}}.body USING emptied WHERE session_id = %(id)s),
revisions AS (DELETE FROM {{schema}}.revision USING emptied WHERE session_id = %(id)s)
UPDATE {{schema}}.entry SET version = emptied.version, kind = NULL, size = 0,
    changed_at = now(), expires_at = NULL, ttl = NULL, value = NULL, body = NULL, digest = NULL
FROM emptied WHERE session_id = %(id)s AND kind IS NOT NULL"""

# Entries that go from one session to another, in one transaction: both sessions are locked by
# counting up their versions, the one without a login first. No value leaves the server.
COUNT_UP: Final = f"WITH {_moved()} SELECT version FROM moved"
MOVE_BODIES: Final = """
INSERT INTO {schema}.body (session_id, digest, part, data)
SELECT %(to)s, b.digest, b.part, b.data FROM {schema}.body b
WHERE b.session_id = %(id)s AND b.digest IN (
    SELECT digest FROM {schema}.entry WHERE session_id = %(id)s AND key = ANY (%(key)s::text[]))
ON CONFLICT (session_id, digest, part) DO NOTHING"""
MOVE_ENTRIES: Final = """
INSERT INTO {schema}.entry AS e (session_id, key, version, kind, size, changed_at, expires_at,
    ttl, value, body, digest)
SELECT %(to)s, a.key, %(version)s, a.kind, a.size, now(), a.expires_at, a.ttl, a.value, a.body,
    a.digest
FROM {schema}.entry a
WHERE a.session_id = %(id)s AND a.key = ANY (%(key)s::text[]) AND a.kind IS NOT NULL
    AND (a.expires_at IS NULL OR a.expires_at > now())
ON CONFLICT (session_id, key) DO UPDATE SET version = excluded.version, kind = excluded.kind,
    size = excluded.size, changed_at = excluded.changed_at, expires_at = excluded.expires_at,
    ttl = excluded.ttl, value = excluded.value, body = excluded.body, digest = excluded.digest
WHERE e.kind IS NULL OR e.expires_at <= excluded.changed_at
RETURNING key"""
DROP_MOVED_BODIES: Final = """
DELETE FROM {schema}.body b WHERE b.session_id = %(id)s
    AND b.digest IN (SELECT digest FROM {schema}.entry
        WHERE session_id = %(id)s AND key = ANY (%(key)s::text[]))
    AND NOT EXISTS (SELECT FROM {schema}.entry o WHERE o.session_id = %(id)s
        AND o.digest = b.digest AND o.key <> ALL (%(key)s::text[]))"""
DROP_MOVED_ENTRIES: Final = """
UPDATE {schema}.entry SET version = %(version)s, kind = NULL, size = 0, changed_at = now(),
    expires_at = NULL, ttl = NULL, value = NULL, body = NULL, digest = NULL
WHERE session_id = %(id)s AND key = ANY (%(key)s::text[])"""

# All that a session holds, in another one that is made for it. One statement, one snapshot.
COPY: Final = f"""
WITH made AS (
    INSERT INTO {{schema}}.session
        (id, app, scope, version, token_hash, created_at, seen_at, expires_at)
    SELECT %(to)s, app, scope, 1, %(new_hash)s, now(), now(), now() + {_LIFE_OF_ROW}
    FROM {{schema}}.session WHERE id = %(id)s AND {_USABLE}
    ON CONFLICT (id) DO NOTHING RETURNING version
),
bodies AS (
    INSERT INTO {{schema}}.body (session_id, digest, part, data)
    SELECT %(to)s, b.digest, b.part, b.data FROM made, {{schema}}.body b
    WHERE b.session_id = %(id)s
)
INSERT INTO {{schema}}.entry (session_id, key, version, kind, size, changed_at, expires_at, ttl,
    value, body, digest)
SELECT %(to)s, e.key, made.version, e.kind, e.size, e.changed_at, e.expires_at, e.ttl, e.value,
    e.body, e.digest
FROM made, {{schema}}.entry e WHERE e.session_id = %(id)s AND e.kind IS NOT NULL"""

# For operators, over all apps of the schema: reads every row of session and entry, once.
TOTALS: Final = """
SELECT (SELECT count(*) FROM {schema}.session WHERE revoked_at IS NULL AND expires_at > now()),
    count(*), coalesce(sum(size), 0)::bigint,
    (SELECT sum(pg_total_relation_size(name::regclass))::bigint FROM unnest(ARRAY[
        '{schema}.session', '{schema}.entry', '{schema}.body', '{schema}.revision']) AS name)
FROM {schema}.entry WHERE kind IS NOT NULL AND (expires_at IS NULL OR expires_at > now())"""

SIGNING_KEY: Final = "SELECT value FROM {schema}.setting WHERE name = 'signing_key'"


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
        return self.scope in KNOWN_BY_ID

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

    @property
    def is_large(self) -> bool:
        return self.payload is not None and len(self.payload.body) > SMALL


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What the cache says of the session at the moment that the caller decides to write."""

    version: int
    """0 where it has no row yet."""
    dropping: Collection[bytes] = ()
    """Digests of the large values that the written keys hold now."""


class Store:
    """State without Streamlit: for tests, jobs and tools; `connect` makes one.

    Opens no connection by itself; the first verb does, and then checks the layout of the
    tables, once. Safe for threads.

    Example:
        >>> store = connect("postgresql://localhost/app")  # doctest: +SKIP
        >>> state = store.state(store.new_token())  # doctest: +SKIP
        >>> state["answer"] = 42  # doctest: +SKIP
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._database = engine.open(settings)
        self._checked = False
        self._signer: TokenSigner | None = None
        self._sql = statements(settings.schema)

    def __repr__(self) -> str:
        return f"<Store {self._database.place}, schema {self._settings.schema!r}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "A store is not pickled: it holds the password. Pickle a State, or call connect() "
            "where you need one."
        )

    @property
    def settings(self) -> Settings:
        return self._settings

    @property
    def breaks(self) -> int:
        """How often a connection was found broken so far; caches from before load anew."""
        return self._database.breaks

    def migrate(self) -> None:
        """Create the tables, or bring older ones to the layout of this version.

        Raises:
            MigrationRequired: they are newer than this version of the package.
            ConfigError: the user of the URL may not create them.
        """
        migrate.upgrade(self._database, self._settings)

    def layout(self) -> Layout:
        """Which layout the tables have; changes nothing."""
        return migrate.layout(self._database, self._settings)

    def totals(self) -> Totals:
        """How much all apps of this schema hold, for operators. Changes and migrates nothing."""
        return Totals(*self._database.query(self._sql["TOTALS"], {})[0])

    def new_token(self) -> str:
        """A token for a new, empty session. Nothing is stored until its first write."""
        return self.signer.mint().text

    def state(self, token: str, *, cache: bool = True) -> State:
        """The state that a token opens.

        Args:
            token: from `new_token`, or a browser's.
            cache: False keeps nothing between calls: each asks the database.

        Raises:
            UnknownToken: it is not a token of this app, or no longer valid.
        """
        from streamlit_pgstate.state import State

        return State(self, SessionRef.of(self.signer.check(token)), cache=cache)

    def state_of(self, session_id: uuid.UUID | str, *, cache: bool = True) -> State:
        """The state of a session by its id, whatever its app: for jobs and operators.

        Raises:
            UnknownToken: there is no such session, or it was forgotten or has expired.
        """
        from streamlit_pgstate.state import State

        try:
            ref = SessionRef(uuid.UUID(str(session_id)))
        except ValueError as error:
            raise UnknownToken(
                "This is not a session's id: it looks like State.id, a UUID."
            ) from error
        return State(self, ref, cache=cache)

    def close(self) -> None:
        """Close idle connections; a later verb opens new ones."""
        self._database.close()

    @property
    def signer(self) -> TokenSigner:
        """The signer of this app's tokens; reads the key from the database once."""
        if self._signer is None:
            self._ready()
            self._signer = TokenSigner(
                self._settings.signing_key or self._stored_signing_key(),
                app=self._settings.app,
                max_age=self._settings.session_max_age,
            )
        return self._signer

    def _stored_signing_key(self) -> str:
        rows = self._run("SIGNING_KEY", {})
        if not rows:
            raise MigrationRequired(
                f"The signing key is missing in {self._settings.schema}.setting. Restore that "
                "row from a backup, or set `signing_key`: with another key all tokens are void."
            )
        return str(rows[0][0])

    def load(self, ref: SessionRef) -> Changes:
        """The session and all of its entries, small bodies included.

        Raises:
            UnknownToken: the session is forgotten, expired, or its token was replaced; or it
                has no row and the token is too old to make one.
        """
        return self._changes("LOAD", ref, since=-1)

    def refresh(self, ref: SessionRef, *, since: int, slide: bool) -> Changes:
        """The session and those entries that changed after version `since`.

        Args:
            ref: the session.
            since: the version up to which the caller knows everything.
            slide: whether the sliding expiry is due, as the last read said. Raises as `load`.
        """
        return self._changes("LOAD" if slide else "REFRESH", ref, since=since)

    def _changes(self, statement: str, ref: SessionRef, *, since: int) -> Changes:
        rows = self._run(statement, {**self._validity(ref), "since": since})
        if not rows:
            if not ref.may_create:
                raise _unknown(ref)
            return Changes(0, False, [])
        _, version, condition, *_ = rows[0]
        if condition == "refused":
            raise _unknown(ref)
        return Changes(version, condition == "due", [_entry_row(row) for row in rows[1:]])

    def times(self, ref: SessionRef) -> SessionTimes | None:
        """When the session was made, seen, and will expire; None where it has no row yet."""
        rows = self._run("SESSION", {"id": ref.id})
        return SessionTimes(*rows[0]) if rows else None

    def rows(self, session_id: uuid.UUID) -> list[dict[str, Any]]:
        """The entries of a session as they stand in PostgreSQL, for people to look at.

        `value` is the text of small plain values, and None for others.
        """
        names = ("key", "version", "kind", "size", "changed_at", "expires_at", "value")
        rows = self._run("ROWS", {"id": session_id})
        return [dict(zip(names, row, strict=True)) for row in rows]

    def read_body(
        self, ref: SessionRef, digest: bytes, *, size: int, on_progress: OnProgress
    ) -> bytes:
        """The bytes of a large value; too few where another writer has just replaced it.

        Args:
            ref: the session.
            digest: of the value.
            size: its bytes; the setting ``timeout`` is for each MiB of them.
            on_progress: called with the bytes that have come, and `size`.
        """

        def joined(rows: Iterator[tuple[bytes]]) -> bytes:
            body = io.BytesIO()  # grows in place, and gives its bytes away without a copy
            for (data,) in rows:
                body.write(data)
                on_progress(body.tell(), size)
            return body.getvalue()

        self._ready()
        parameters = {"id": ref.id, "digest": digest}
        return self._database.query_slowly(self._sql["READ_BODY"], parameters, joined)

    def write(
        self,
        ref: SessionRef,
        writes: Sequence[Write],
        basis: Basis,
        *,
        expected: int | None = None,
    ) -> int | None:
        """Store and delete: all of it or nothing, in one statement, committed when this returns.

        What is too large for one statement has to be there already: see `send_ahead`.

        Args:
            ref: the session.
            writes: with distinct keys.
            basis: what the caller knows; where it is out of date, this may do nothing.
            expected: the version that the (only) entry must have, 0 for none; None for any.

        Returns:
            The session's new version; None where nothing was done: the session is refused,
            or the basis is out of date, or the entry not as expected. A `refresh` tells which.
        """
        writes = sorted(writes, key=lambda write: write.key)  # one order: no deadlocks
        name, parameters = self._statement(ref, writes, basis, expected=expected)
        if name is None:
            return None
        parameters |= {**self._validity(ref), "expected": expected}
        rows = self._run(name, parameters, repeatable=expected is None)
        return int(rows[0][0]) if rows else None

    def renew(self, ref: SessionRef, write: Write, *, expected: int) -> int | None:
        """Have the expiry of a large value count from now, where its entry holds it already.

        Args:
            ref: the session.
            write: what the entry holds, with the ttl that it is to have.
            expected: the version of the entry.

        Returns:
            The session's new version; None where nothing was done, as `write`.
        """
        parameters = {**self._validity(ref), **_one(write), "expected": expected}
        rows = self._run("RENEW", parameters)  # sent twice, it does nothing the second time
        return int(rows[0][0]) if rows else None

    def _statement(
        self, ref: SessionRef, writes: Sequence[Write], basis: Basis, *, expected: int | None
    ) -> tuple[str | None, dict[str, Any]]:
        """The name of the leanest statement that does it, and its parameters."""
        bodies = _bodies(writes)
        is_plain = not bodies and not basis.dropping
        if basis.version and is_plain and len(writes) == 1:
            return "PUT" if expected is None else "PUT_IF", _one(writes[0])
        parameters = _many(writes)
        if basis.version and is_plain and expected is None:
            return "PUT_MANY", parameters
        parameters |= {
            "known": basis.version,
            "app": self._settings.app,
            "dropping": [digest for digest in basis.dropping if digest not in bodies],
        }
        if _go_ahead(bodies):
            parameters |= _ahead(bodies)
            bodies = {}
        parameters |= _columns_of_bodies(_chunks(bodies))
        if not basis.version:
            return "CREATE" if ref.may_create else None, parameters
        if "ahead_digest" in parameters:
            return "PUT_AHEAD", parameters
        return "PUT_LARGE" if expected is None else "PUT_LARGE_IF", parameters

    def send_ahead(
        self, ref: SessionRef, writes: Sequence[Write], *, on_progress: OnProgress
    ) -> bool:
        """Store the bodies of a `write` that is too large for one statement; whether it is.

        No lock is held meanwhile. Whatever a crash leaves behind is garbage that nothing
        points to. `on_progress` is called with the bytes that were sent, and all there are.
        """
        bodies = _bodies(writes)
        if not _go_ahead(bodies):
            return False
        parameters = {**self._validity(ref), "may_create": ref.may_create}
        chunks = _chunks(bodies)
        sent, total = 0, sum(map(len, bodies.values()))
        while batch := list(itertools.islice(chunks, IN_ONE_STATEMENT // CHUNK)):
            self._run("SEND_BODIES", {**parameters, **_columns_of_bodies(batch)})
            sent += sum(len(data) for _, _, data in batch)
            on_progress(sent, total)
        return True

    def make(self, ref: SessionRef) -> None:
        """Make the session's row, where it has none: somebody without its token is to write.

        Raises:
            UnknownToken: its token is too old to make one.
        """
        if not ref.may_create:
            raise _unknown(ref)
        self._run("MAKE", {**self._validity(ref), "app": self._settings.app})

    def delete(self, ref: SessionRef, keys: Sequence[str], basis: Basis) -> tuple[int, int]:
        """Delete entries: all of them in one statement, committed when this returns.

        Returns:
            The session's new version, and how many of `keys` held a value. (0, 0) where the
            session has no row yet.

        Raises:
            UnknownToken: as `load`; nothing was deleted.
        """
        parameters = {
            **self._validity(ref),
            "key": sorted(keys),
            "known": basis.version,
            "dropping": list(basis.dropping),
        }
        rows = self._run("DELETE", parameters)
        if rows:
            return rows[0]
        if basis.version or not ref.may_create:
            raise _unknown(ref)
        return 0, 0

    def rotate(self, ref: SessionRef) -> Token | None:
        """Give the session a new token; None where it has no row, and so nothing to protect.

        The old one goes on working for `ROTATION_GRACE`. Raises as `load`.
        """
        token = self.signer.mint(ref.id)
        parameters = {**self._validity(ref), "new_hash": token.secret_hash}
        # Not repeatable: done twice, the token that the browser has would be the one before
        # the one before.
        if self._run("ROTATE", parameters, repeatable=False):
            return token
        if self.load(ref).version:  # another tab has just made the row
            return self.rotate(ref)
        return None

    def forget(self, ref: SessionRef) -> None:
        """Delete all that the session holds; no token and no open tab can bring it back.

        Raises:
            UnknownToken: the token was replaced by rotate(); nothing was deleted.
        """
        self._ready()
        parameters = {**self._validity(ref), "app": self._settings.app}
        steps = ("ERASE_ENTRIES", "ERASE_BODIES", "ERASE_REVISIONS")
        with self._database.transaction() as connection:
            if not connection.execute(self._sql["REVOKE"], parameters).fetchone():
                raise _unknown(ref)
            for step in steps:
                connection.execute(self._sql[step], parameters)

    def empty(self, ref: SessionRef, *, only_if_dead: bool = False) -> None:
        """Delete all that a session holds which is known by its id; it can be used again.

        Args:
            ref: the session.
            only_if_dead: where it was forgotten or has expired; else do nothing.
        """
        self._run("EMPTY", {**self._validity(ref), "always": not only_if_dead})

    def copy(self, source: SessionRef, token: Token) -> None:
        """Give the session of `token` all that `source` holds; nothing where that is refused.

        A `source` without a row holds nothing, and then the copy has no row either.
        """
        parameters = {"to": token.session_id, "new_hash": token.secret_hash}
        self._run("COPY", {**self._validity(source), **parameters})

    def move(self, source: SessionRef, target: SessionRef, keys: Sequence[str]) -> list[str]:
        """Have entries go to another session, all of them in one transaction.

        Returns:
            The keys that went: not those that `target` has, or `source` has no longer.

        Raises:
            UnknownToken: one of the sessions is refused; nothing was moved.
        """
        self.make(target)
        of_source, of_target = self._validity(source), self._validity(target)
        with self._database.transaction() as connection:

            def run(name: str, parameters: Mapping[str, Any]) -> list[Any]:
                cursor = connection.execute(self._sql[name], parameters)
                return cursor.fetchall() if cursor.description else []

            versions = {}
            for ref, parameters in ((source, of_source), (target, of_target)):
                rows = run("COUNT_UP", parameters)
                if not rows:
                    raise _unknown(ref)
                versions[ref.id] = rows[0][0]
            moving = {"id": source.id, "to": target.id, "key": sorted(keys)}
            run("MOVE_BODIES", moving)
            rows = run("MOVE_ENTRIES", {**moving, "version": versions[target.id]})
            moving["key"] = moved = sorted(row[0] for row in rows)
            run("DROP_MOVED_BODIES", moving)
            run("DROP_MOVED_ENTRIES", {**moving, "version": versions[source.id]})
        return moved

    def _validity(self, ref: SessionRef) -> dict[str, Any]:
        return {
            "id": ref.id,
            "hash": ref.token_hash,
            "scope": ref.scope,
            "grace": ROTATION_GRACE.total_seconds(),
            "session_ttl": self._settings.session_ttl.total_seconds(),
            "session_max_age": self._settings.session_max_age.total_seconds(),
            "slide": min(_SLIDES_EVERY, self._settings.session_ttl / 10).total_seconds(),
        }

    def _run(
        self,
        name: str,
        parameters: Mapping[str, Any],
        *,
        repeatable: bool = True,
    ) -> list[tuple[Any, ...]]:
        self._ready()
        return self._database.query(self._sql[name], parameters, repeatable=repeatable)

    def _ready(self) -> None:
        """Check the layout before the first statement.

        Without a lock: threads that meet here check it side by side, and none waits for
        another's timeout; a migration has locks of its own.
        """
        if not self._checked:
            migrate.require_current(self._database, self._settings)
            self._checked = True


_STATEMENTS: Final = (
    *("LOAD", "REFRESH", "SESSION", "ROWS", "READ_BODY", "SIGNING_KEY", "TOTALS"),
    *("PUT", "PUT_IF", "PUT_MANY", "PUT_LARGE", "PUT_LARGE_IF", "PUT_AHEAD", "CREATE"),
    *("RENEW", "MAKE", "SEND_BODIES", "DELETE", "ROTATE", "EMPTY", "COPY"),
    *("COUNT_UP", "MOVE_BODIES", "MOVE_ENTRIES", "DROP_MOVED_BODIES", "DROP_MOVED_ENTRIES"),
    *("REVOKE", "ERASE_ENTRIES", "ERASE_BODIES", "ERASE_REVISIONS"),
)


def statements(schema: str) -> dict[str, str]:
    """Every statement by its name, for the tables in `schema`."""
    return {name: globals()[name].replace("{schema}", f'"{schema}"') for name in _STATEMENTS}


def _one(write: Write) -> dict[str, Any]:
    return dict(zip(_COLUMNS, _values(write), strict=True))


def _many(writes: Iterable[Write]) -> dict[str, Any]:
    columns = zip(*map(_values, writes), strict=True)
    return {name: list(column) for name, column in zip(_COLUMNS, columns, strict=True)}


_COLUMNS: Final = ("key", "kind", "size", "text", "body", "digest", "ttl")


def _values(write: Write) -> tuple[Any, ...]:
    """One entry as `_COLUMNS`: plain values as text, others as bytes, large ones by digest."""
    key, payload = write.key, write.payload
    if payload is None:  # it stays as an empty row, as after DELETE
        return key, None, 0, None, None, None, None
    if write.is_large:
        return key, payload.kind, payload.size, None, None, payload.digest, write.ttl
    if payload.kind == "json":
        return key, payload.kind, payload.size, payload.body.decode(), None, None, write.ttl
    return key, payload.kind, payload.size, None, payload.body, None, write.ttl


def _bodies(writes: Iterable[Write]) -> dict[bytes, bytes]:
    """The bodies of the large values by digest: the same content once."""
    large = (write.payload for write in writes if write.is_large and write.payload)
    return {payload.digest: payload.body for payload in large}


def _go_ahead(bodies: Mapping[bytes, bytes]) -> bool:
    return sum(map(len, bodies.values())) > IN_ONE_STATEMENT


def _chunks(bodies: Mapping[bytes, bytes]) -> Iterator[tuple[bytes, int, memoryview]]:
    for digest, body in bodies.items():
        view = memoryview(body)
        for part, start in enumerate(range(0, len(body), CHUNK)):
            yield digest, part, view[start : start + CHUNK]


def _columns_of_bodies(chunks: Iterable[tuple[bytes, int, memoryview]]) -> dict[str, Any]:
    columns = list(zip(*chunks, strict=True)) or [(), (), ()]
    names = ("body_digest", "body_part", "body_data")
    return {name: list(column) for name, column in zip(names, columns, strict=True)}


def _ahead(bodies: Mapping[bytes, bytes]) -> dict[str, Any]:
    parts = [-(-len(body) // CHUNK) for body in bodies.values()]
    return {"ahead_digest": list(bodies), "ahead_parts": parts}


def _entry_row(row: tuple[Any, ...]) -> EntryRow:
    key, version, kind, size, text, body, digest, ttl, seconds_left = row
    if text is not None:
        body = text.encode()
    return EntryRow(key, version, kind, size, body, digest, ttl, seconds_left)


def _unknown(ref: SessionRef) -> UnknownToken:
    error = UnknownToken(
        "This session was forgotten, has expired, or its token was replaced by rotate(). In an "
        "app, reload the page; elsewhere begin anew with Store.new_token()."
        if ref.token_hash is not None
        else f"Session {ref.id} was forgotten, has expired, or is in another database or schema "
        "than the settings of this process lead to. Compare `url` and `schema` with the app's."
    )
    error.session_id = ref.id
    return error
