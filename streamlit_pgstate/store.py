"""The store: every SQL statement, and the verbs that run them.

Speaks rows and payloads; what they mean to a script is `state`'s. Each hot statement names
one session and finds its rows by primary key; each write takes the row lock of its session
first, so the order of versions is the order of commits.
"""

from __future__ import annotations

import enum
import itertools
import json
import threading
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from streamlit_pgstate import engine, migrate
from streamlit_pgstate.codecs import Payload
from streamlit_pgstate.errors import MigrationRequired, StoreUnavailable, UnknownToken
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

ROWLESS_TOKEN_LIFE: Final = timedelta(hours=24)
"""How long a token is good before anything was stored under it. A forgotten session keeps its
row for longer (48 h), so a token without a row and younger than this was never forgotten."""

_MAX_ATTEMPTS = 50
"""Writes that met another writer of the same session; each meeting means that one got through."""

# A session's row is usable: %(hash)s is NULL for a job that was handed the session itself.
_VALID: Final = """revoked_at IS NULL AND expires_at > now() AND (%(hash)s::bytea IS NULL
    OR token_hash = %(hash)s
    OR previous_hash = %(hash)s AND rotated_at > now() - make_interval(secs => %(grace)s))"""

# Both move together, at most once an hour, on reads and on writes.
_SLIDE: Final = """
    seen_at = CASE WHEN seen_at < now() - interval '1 hour' THEN now() ELSE seen_at END,
    expires_at = CASE WHEN seen_at < now() - interval '1 hour'
        THEN now() + make_interval(secs => %(session_ttl)s) ELSE expires_at END"""

# The session as one row (key NULL), then its entries that are newer than %(since)s. Entries
# are not even looked at when the session's version has not moved.
_CHANGES: Final = """
SELECT NULL::text, version, CASE WHEN usable THEN 'usable' ELSE 'refused' END, bytes,
       json_build_array(extract(epoch FROM created_at), extract(epoch FROM seen_at),
           extract(epoch FROM expires_at), app, scope, keys,
           seen_at < now() - interval '1 hour')::text,
       NULL::bytea, NULL::bytea, NULL::float8, NULL::float8
FROM found
UNION ALL
SELECT e.key, e.version, e.kind, e.size, e.value::text, e.body, e.digest, e.ttl,
       extract(epoch FROM e.expires_at - now())::float8
FROM found, {schema}.entry e
WHERE found.usable AND found.version > %(since)s
  AND e.session_id = %(id)s AND e.version > %(since)s
  AND (e.kind IS NOT NULL OR %(since)s >= 0)"""

# One round trip of a page load: token, session, all small values; the sliding expiry moves too.
LOAD: Final = (
    "WITH found AS MATERIALIZED (SELECT *, ("
    + _VALID
    + """) AS usable FROM {schema}.session WHERE id = %(id)s),
touched AS (UPDATE {schema}.session SET"""
    + _SLIDE
    + """
    WHERE id = %(id)s AND seen_at < now() - interval '1 hour' AND """
    + _VALID
    + ")"
    + _CHANGES
)

# One round trip of a later run: what changed since.
REFRESH: Final = (
    "WITH found AS MATERIALIZED (SELECT *, ("
    + _VALID
    + ") AS usable FROM {schema}.session WHERE id = %(id)s)"
    + _CHANGES
)

READ_BODY: Final = """
SELECT data FROM {schema}.body WHERE session_id = %(id)s AND digest = %(digest)s ORDER BY part"""

_NEW: Final = """
new AS MATERIALIZED (
    SELECT * FROM unnest(%(keys)s::text[], %(kinds)s::text[], %(sizes)s::bigint[],
        %(values)s::text[], %(bodies)s::bytea[], %(digests)s::bytea[], %(expected)s::bigint[])
        AS new(key, kind, size, value, body, digest, expected)
)"""

_STORE_ENTRIES: Final = """
INSERT INTO {schema}.entry AS e (session_id, key, version, kind, size, changed_at, expires_at,
    ttl, value, body, digest)
SELECT %(id)s, new.key, moved.version, new.kind, new.size, now(),
    now() + make_interval(secs => %(ttl)s), %(ttl)s, new.value::json, new.body, new.digest
FROM moved, new WHERE new.kind IS NOT NULL OR EXISTS (SELECT FROM old WHERE old.key = new.key)
ON CONFLICT (session_id, key) DO UPDATE SET version = excluded.version, kind = excluded.kind,
    size = excluded.size, changed_at = excluded.changed_at, expires_at = excluded.expires_at,
    ttl = excluded.ttl, value = excluded.value, body = excluded.body, digest = excluded.digest"""

_STORE_BODIES: Final = """
INSERT INTO {schema}.body (session_id, digest, part, data)
SELECT %(id)s, b.digest, b.part, b.data
FROM unnest(%(body_digests)s::bytea[], %(body_parts)s::int[], %(body_data)s::bytea[])
    AS b(digest, part, data)
ON CONFLICT (session_id, digest, part) DO NOTHING"""

# The first write of a session makes its row; no old entries are in the way.
CREATE: Final = (
    "WITH"
    + _NEW
    + """,
moved AS (
    INSERT INTO {schema}.session (id, app, scope, version, keys, bytes, token_hash, created_at,
        seen_at, expires_at)
    VALUES (%(id)s, %(app)s, 'browser', 1,
        (SELECT count(*) FROM new WHERE kind IS NOT NULL),
        (SELECT coalesce(sum(size), 0) FROM new),
        %(hash)s, now(), now(), now() + make_interval(secs => %(session_ttl)s))
    ON CONFLICT (id) DO NOTHING RETURNING version, keys, bytes
),
old AS (SELECT NULL::text AS key WHERE false),
bodies AS ({bodies}),
written AS ("""
    + _STORE_ENTRIES
    + """)
SELECT version, keys, bytes FROM moved"""
)

# Every later write. `locked` waits for other writers of the session; if one of them committed
# since this statement's snapshot, the versions differ, nothing is written, and the caller
# tries again: what `old` holds, and so the counters and limits, is then exact.
WRITE: Final = (
    "WITH"
    + _NEW
    + """,
locked AS MATERIALIZED (
    SELECT version, keys, bytes FROM {schema}.session WHERE id = %(id)s AND """
    + _VALID
    + """ FOR UPDATE
),
old AS MATERIALIZED (
    SELECT key, kind, size, digest,
        CASE WHEN kind IS NULL OR expires_at <= now() THEN 0 ELSE version END AS version
    FROM {schema}.entry WHERE session_id = %(id)s AND key = ANY(%(keys)s)
),
grown AS MATERIALIZED (
    SELECT locked.version = (SELECT version FROM {schema}.session WHERE id = %(id)s) AS alone,
        locked.version + 1 AS version,
        locked.keys + (SELECT count(kind) FROM new)
            - (SELECT count(kind) FROM old) AS keys,
        (locked.bytes + (SELECT coalesce(sum(size), 0) FROM new)
            - (SELECT coalesce(sum(size), 0) FROM old))::bigint AS bytes,
        locked.keys AS keys_before, locked.bytes AS bytes_before,
        (SELECT count(*) FROM old WHERE version > 0) AS existed,
        NOT EXISTS (SELECT FROM new LEFT JOIN old USING (key)
            WHERE new.expected <> coalesce(old.version, 0)) AS as_expected,
        (SELECT count(kind) FROM new) + (SELECT count(kind) FROM old) = 0 AS idle,
        {complete} AS complete
    FROM locked
),
moved AS (
    UPDATE {schema}.session SET version = grown.version, keys = grown.keys,
        bytes = grown.bytes,"""
    + _SLIDE
    + """
    FROM grown WHERE id = %(id)s AND alone AND as_expected AND complete AND NOT idle
        AND (grown.keys <= %(max_keys)s OR grown.keys <= keys_before)
        AND (grown.bytes <= %(max_bytes)s OR grown.bytes <= bytes_before)
    RETURNING session.version
),
bodies AS ({bodies}),
dropped AS (
    DELETE FROM {schema}.body b USING old, moved
    WHERE b.session_id = %(id)s AND b.digest = old.digest
        AND b.digest <> ALL (%(kept_digests)s::bytea[])
        AND NOT EXISTS (SELECT FROM {schema}.entry other WHERE other.session_id = %(id)s
            AND other.digest = old.digest AND other.key <> ALL (%(keys)s))
),
written AS ("""
    + _STORE_ENTRIES
    + """)
SELECT grown.version, grown.keys, grown.bytes, alone, as_expected, complete, idle,
    existed, EXISTS (SELECT FROM moved)
FROM grown"""
)
_NO_BODIES: Final = "SELECT"
_COMPLETE: Final = "true"
# Bodies that were sent ahead may have been dropped since, by a writer that replaced their
# last entry: then they are sent again.
_COMPLETE_AHEAD: Final = """NOT EXISTS (
    SELECT FROM unnest(%(ahead_digests)s::bytea[], %(ahead_parts)s::int[]) AS a(digest, parts)
    WHERE a.parts <> (SELECT count(*) FROM {schema}.body b
        WHERE b.session_id = %(id)s AND b.digest = a.digest))"""

ROTATE: Final = (
    """
UPDATE {schema}.session
SET previous_hash = token_hash, token_hash = %(new_hash)s, rotated_at = now()
WHERE id = %(id)s AND """
    + _VALID
    + " RETURNING version"
)

# A session without a row gets one, so that its token is known to be dead. After this
# statement no write of the session succeeds, so the next two remove all that there will be.
REVOKE: Final = """
INSERT INTO {schema}.session (id, app, scope, version, keys, bytes, token_hash, created_at,
    seen_at, expires_at, revoked_at)
VALUES (%(id)s, %(app)s, 'browser', 1, 0, 0, %(hash)s, now(), now(),
    now() + make_interval(secs => %(session_ttl)s), now())
ON CONFLICT (id) DO UPDATE SET revoked_at = excluded.revoked_at, keys = 0, bytes = 0,
    version = session.version + 1
WHERE session.revoked_at IS NULL AND (excluded.token_hash IS NULL
    OR excluded.token_hash = session.token_hash OR excluded.token_hash = session.previous_hash)
RETURNING version"""
ERASE: Final = (
    "DELETE FROM {schema}.entry WHERE session_id = %(id)s",
    "DELETE FROM {schema}.body WHERE session_id = %(id)s",
    "DELETE FROM {schema}.revision WHERE session_id = %(id)s",
)

SIGNING_KEY: Final = "SELECT value FROM {schema}.setting WHERE name = 'signing_key'"


@dataclass(frozen=True, slots=True)
class SessionRef:
    """Which session a statement is about, and by what right.

    `token_hash` is None where the session was handed over by the app itself, to a job.
    """

    id: uuid.UUID
    token_hash: bytes | None = None
    may_create: bool = False
    """Whether a first write may make the row: a young token, checked by the caller."""

    @classmethod
    def of(cls, token: Token) -> SessionRef:
        return cls(token.session_id, token.secret_hash, token.age < ROWLESS_TOKEN_LIFE)


@dataclass(frozen=True, slots=True)
class SessionRow:
    """The session itself, as a load or refresh found it."""

    version: int
    app: str
    scope: str
    created_at: float
    seen_at: float
    expires_at: float
    keys: int
    bytes: int
    due: bool
    """Whether the sliding expiry is due: the next read does it."""


@dataclass(frozen=True, slots=True)
class EntryRow:
    """One entry: current, deleted (`kind` is None), small (`body`) or large (`digest`)."""

    key: str
    version: int
    kind: str | None
    size: int
    body: bytes | None
    digest: bytes | None
    ttl: float | None
    seconds_left: float | None


@dataclass(frozen=True, slots=True)
class Changes:
    """What a load or refresh brought; `session` is None where there is no row yet."""

    session: SessionRow | None
    entries: list[EntryRow]


@dataclass(frozen=True, slots=True)
class Write:
    """One entry to store: `payload` None deletes; `expected` makes it conditional.

    `expected` is the version that the entry must have, 0 for «none»; None for any.
    """

    key: str
    payload: Payload | None
    expected: int | None = None

    @property
    def is_large(self) -> bool:
        return self.payload is not None and len(self.payload.body) > SMALL


class Refusal(enum.Enum):
    """Why a write was not done though its session is fine."""

    CONFLICT = "another writer was faster"
    TOO_MANY_KEYS = "max_keys"
    TOO_MANY_BYTES = "max_session_bytes"


@dataclass(frozen=True, slots=True)
class Written:
    """What a write did."""

    version: int
    keys: int
    bytes: int
    existed: int
    """How many of the keys held a value before."""
    refusal: Refusal | None = None


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
        self._lock = threading.Lock()
        schema = f'"{settings.schema}"'
        self._sql = {
            name: statement.replace("{schema}", schema)
            for name, statement in _statements().items()
        }

    def __repr__(self) -> str:
        return f"<Store {self._database.place}, schema {self._settings.schema!r}>"

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

    def layout(self) -> migrate.Layout:
        """Which layout the tables have; changes nothing."""
        return migrate.layout(self._database, self._settings)

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

        return State(self, SessionRef(uuid.UUID(str(session_id))), cache=cache)

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
        rows = iter(self._run(statement, {**self._validity(ref), "since": since}))
        first = next(rows, None)
        if first is None:
            if not ref.may_create:
                raise _unknown()
            return Changes(None, [])
        if first[2] != "usable":
            raise _unknown()
        return Changes(_session_row(first), [_entry_row(row) for row in rows])

    def read_body(self, ref: SessionRef, digest: bytes) -> bytes:
        """The bytes of a large value; empty where another writer has just replaced it."""
        rows = self._run("READ_BODY", {"id": ref.id, "digest": digest})
        if len(rows) == 1:
            return bytes(rows[0][0])
        return b"".join(row[0] for row in rows)

    def write(
        self, ref: SessionRef, writes: Sequence[Write], *, ttl: float | None, exists: bool
    ) -> Written:
        """Store or delete entries: all of them, or none; in one statement, committed.

        Args:
            ref: the session.
            writes: distinct keys.
            ttl: seconds until they expire; None for never.
            exists: whether the session is known to have a row; a wrong guess costs a round trip.

        Raises:
            UnknownToken: as `load`; nothing was written.
        """
        writes = sorted(writes, key=lambda write: write.key)
        repeatable = all(write.expected is None for write in writes)
        bodies = _Bodies(writes)
        parameters = {
            **self._validity(ref),
            **_columns(writes),
            **bodies.parameters(),
            "ttl": ttl,
            "app": self._settings.app,
            "max_keys": self._settings.max_keys,
            "max_bytes": self._settings.max_session_bytes,
        }
        if bodies.go_ahead:
            self._send_ahead(ref, bodies)
        for _ in range(_MAX_ATTEMPTS):
            if not exists and ref.may_create and any(write.payload for write in writes):
                if refusal := self._refusal_of_first(writes):
                    return refusal
                rows = self._run(bodies.statement("CREATE"), parameters, repeatable=repeatable)
                if rows:
                    version, keys, size = rows[0]
                    return Written(version, keys, size, 0)
                exists = True  # it was made a moment ago, by another tab
            rows = self._run(bodies.statement("WRITE"), parameters, repeatable=repeatable)
            if not rows:
                if not exists and ref.may_create:
                    return Written(0, 0, 0, 0)  # nothing is there to be deleted
                raise _unknown()
            version, keys, size, alone, as_expected, complete, idle, existed, done = rows[0]
            if done:
                return Written(version, keys, size, existed)
            if not alone:
                continue
            if not complete:
                self._send_ahead(ref, bodies)
                continue
            if idle:
                return Written(version - 1, keys, size, 0)
            return Written(version, keys, size, existed, self._refusal(as_expected, keys))
        raise StoreUnavailable(
            f"The session was written by others {_MAX_ATTEMPTS} times while this write waited. "
            "Write less often, or with one update() for many keys."
        )

    def _send_ahead(self, ref: SessionRef, bodies: _Bodies) -> None:
        """Store bodies before the entries that will point to them: no lock is held meanwhile.

        Whatever a crash leaves behind is garbage that nothing points to.
        """
        for batch in bodies.batches():
            self._run("SEND_BODIES", {"id": ref.id, **batch})

    def _refusal(self, as_expected: bool, keys: int) -> Refusal:
        if not as_expected:
            return Refusal.CONFLICT
        if keys > self._settings.max_keys:
            return Refusal.TOO_MANY_KEYS
        return Refusal.TOO_MANY_BYTES

    def _refusal_of_first(self, writes: Sequence[Write]) -> Written | None:
        payloads = [write.payload for write in writes if write.payload is not None]
        size = sum(payload.size for payload in payloads)
        if len(payloads) <= self._settings.max_keys and size <= self._settings.max_session_bytes:
            return None
        return Written(0, len(payloads), size, 0, self._refusal(True, len(payloads)))

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
        if ref.may_create:
            return None
        raise _unknown()

    def forget(self, ref: SessionRef) -> None:
        """Delete all that the session holds; no token and no open tab can bring it back."""
        self._ready()
        parameters = {**self._validity(ref), "app": self._settings.app}
        with self._database.translated(), self._database.connection() as connection:
            with connection.transaction():
                for name in ("REVOKE", "ERASE_0", "ERASE_1", "ERASE_2"):
                    connection.execute(self._sql[name], parameters)  # type: ignore[arg-type]

    def _validity(self, ref: SessionRef) -> dict[str, Any]:
        return {
            "id": ref.id,
            "hash": ref.token_hash,
            "grace": ROTATION_GRACE.total_seconds(),
            "session_ttl": self._settings.session_ttl.total_seconds(),
        }

    def _run(
        self, name: str, parameters: Mapping[str, Any], *, repeatable: bool = True
    ) -> list[tuple[Any, ...]]:
        self._ready()
        return self._database.query(self._sql[name], parameters, repeatable=repeatable)

    def _ready(self) -> None:
        """Check the layout before the first statement: once, whatever the number of threads."""
        if self._checked:
            return
        with self._lock:
            if not self._checked:
                migrate.require_current(self._database, self._settings)
                self._checked = True


class _Bodies:
    """The bodies of large values in one write: inside its statement, or sent ahead of it."""

    def __init__(self, writes: Sequence[Write]) -> None:
        self._large = {
            write.payload.digest: write.payload.body
            for write in writes
            if write.payload is not None and write.is_large
        }
        self.go_ahead = sum(map(len, self._large.values())) > IN_ONE_STATEMENT

    def statement(self, verb: str) -> str:
        """The variant of CREATE or WRITE that this write needs."""
        if not self._large:
            return verb
        return f"{verb}_AHEAD" if self.go_ahead else f"{verb}_LARGE"

    def parameters(self) -> dict[str, Any]:
        digests = list(self._large)
        if not self._large:
            return {"kept_digests": digests}
        if self.go_ahead:
            parts = [-(-len(body) // CHUNK) for body in self._large.values()]
            return {"kept_digests": digests, "ahead_digests": digests, "ahead_parts": parts}
        return {"kept_digests": digests, **_body_columns(self._chunks())}

    def batches(self) -> Iterator[dict[str, Any]]:
        """The chunks in as many statements as it takes, each with a few MiB."""
        chunks = self._chunks()
        while batch := list(itertools.islice(chunks, IN_ONE_STATEMENT // CHUNK)):
            yield _body_columns(batch)

    def _chunks(self) -> Iterator[tuple[bytes, int, bytes]]:
        for digest, body in self._large.items():
            for part, start in enumerate(range(0, len(body), CHUNK)):
                yield digest, part, body[start : start + CHUNK]


def _statements() -> dict[str, str]:
    """Every statement by its name; CREATE and WRITE with, without, and after their bodies."""
    plain = {
        name: globals()[name]
        for name in ("LOAD", "REFRESH", "READ_BODY", "ROTATE", "REVOKE", "SIGNING_KEY")
    }
    variants = {
        verb + suffix: statement.replace("{bodies}", bodies).replace("{complete}", complete)
        for verb, statement in (("CREATE", CREATE), ("WRITE", WRITE))
        for suffix, bodies, complete in (
            ("", _NO_BODIES, _COMPLETE),
            ("_LARGE", _STORE_BODIES, _COMPLETE),
            ("_AHEAD", _NO_BODIES, _COMPLETE_AHEAD),
        )
    }
    erasures = {f"ERASE_{number}": statement for number, statement in enumerate(ERASE)}
    return plain | variants | erasures | {"SEND_BODIES": _STORE_BODIES}


def _columns(writes: Iterable[Write]) -> dict[str, Any]:
    """The arrays that `_NEW` unnests."""
    rows = [_column_values(write) for write in writes]
    names = ("keys", "kinds", "sizes", "values", "bodies", "digests", "expected")
    return {name: [row[index] for row in rows] for index, name in enumerate(names)}


def _column_values(write: Write) -> tuple[Any, ...]:
    payload = write.payload
    if payload is None:
        return write.key, None, 0, None, None, None, write.expected
    text = body = digest = None
    if write.is_large:
        digest = payload.digest
    elif payload.kind == "json":
        text = payload.body.decode()
    else:
        body = payload.body
    return write.key, payload.kind, payload.size, text, body, digest, write.expected


def _body_columns(chunks: Iterable[tuple[bytes, int, bytes]]) -> dict[str, Any]:
    digests, parts, data = zip(*chunks, strict=True)
    return {"body_digests": list(digests), "body_parts": list(parts), "body_data": list(data)}


def _session_row(row: tuple[Any, ...]) -> SessionRow:
    _, version, _, size, about, *_ = row
    created_at, seen_at, expires_at, app, scope, keys, due = json.loads(about)
    return SessionRow(version, app, scope, created_at, seen_at, expires_at, keys, size, due)


def _entry_row(row: tuple[Any, ...]) -> EntryRow:
    key, version, kind, size, text, body, digest, ttl, seconds_left = row
    if text is not None:
        body = text.encode()
    return EntryRow(key, version, kind, size, body, digest, ttl, seconds_left)


def _unknown() -> UnknownToken:
    return UnknownToken(
        "This session was forgotten, has expired, or its token was replaced by rotate(). "
        "Start a new one with Store.new_token()."
    )
