"""The SQL statements of the store: their shared parts once, then each under its name.

`store` runs them. Each hot statement names one session and finds its rows by primary key. Each
write locks the row of its session first, so the order of versions is the order of commits.
"""

# ruff: noqa: S608 - statements are put together from constants; only a checked name goes in

from __future__ import annotations

from typing import Final

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

_NEW_SESSION: Final = """
INSERT INTO {schema}.session
    (id, app, scope, version, token_hash, created_at, seen_at, expires_at)"""

# A session that is handed to a job has its row from then on: the job has no token to make it by.
MAKE: Final = f"""{_NEW_SESSION}
VALUES (%(id)s, %(app)s, %(scope)s, 1, %(hash)s, now(), now(), now() + {_LIFE_OF_NEW})
ON CONFLICT (id) DO NOTHING"""

# No row yet: the first write makes it, if no other tab just did.
_MADE: Final = f"moved AS ({MAKE} RETURNING version)"

_ONE: Final = """(SELECT %(key)s::text AS key, %(kind)s::text AS kind, %(size)s::bigint AS size,
    %(text)s::text AS text, %(body)s::bytea AS body, %(digest)s::bytea AS digest,
    %(ttl)s::float8 AS ttl)"""
_MANY: Final = """unnest(%(key)s::text[], %(kind)s::text[], %(size)s::bigint[], %(text)s::text[],
    %(body)b::bytea[], %(digest)s::bytea[], %(ttl)s::float8[])"""

_NEW_ENTRY: Final = """
INSERT INTO {schema}.entry AS e (session_id, key, version, kind, size, changed_at, expires_at,
    ttl, value, body, digest)"""

# `excluded` and the row itself only, no now(): so it may be sent to a shard as it is.
_OVER_THE_OLD: Final = """
ON CONFLICT (session_id, key) DO UPDATE SET version = excluded.version, kind = excluded.kind,
    size = excluded.size, changed_at = excluded.changed_at, expires_at = excluded.expires_at,
    ttl = excluded.ttl, value = excluded.value, body = excluded.body, digest = excluded.digest"""
_OLD_HOLDS_NOTHING: Final = "(e.kind IS NULL OR e.expires_at <= excluded.changed_at)"

# A deleted entry stays as an empty row, so that other caches learn of it.
_TOMBSTONE: Final = """kind = NULL, size = 0, changed_at = now(), expires_at = NULL, ttl = NULL,
    value = NULL, body = NULL, digest = NULL"""
_HAS_NOT_EXPIRED: Final = "(expires_at IS NULL OR expires_at > now())"
_HOLDS_A_VALUE: Final = f"kind IS NOT NULL AND {_HAS_NOT_EXPIRED}"

_ENTRIES: Final = f"""{_NEW_ENTRY}
SELECT %(id)s, new.key, moved.version, new.kind, new.size, now(),
    now() + make_interval(secs => new.ttl), new.ttl, new.text::json, new.body, new.digest
FROM moved, {{new}} AS new(key, kind, size, text, body, digest, ttl){_OVER_THE_OLD}
{{where}} RETURNING version"""

# The version that a modify() started from; 0 for none.
_IF_EXPECTED: Final = f"""WHERE %(expected)s = CASE
    WHEN {_OLD_HOLDS_NOTHING} THEN 0 ELSE e.version END"""

# The same, asked before bodies are dropped: that must not be done for a write that is not.
_AS_EXPECTED: Final = f"""AND %(expected)s = coalesce((
    SELECT version FROM {{schema}}.entry WHERE session_id = %(id)s AND key = ANY (%(key)s::text[])
        AND {_HOLDS_A_VALUE}), 0)"""

_NEW_BODY: Final = "INSERT INTO {schema}.body (session_id, digest, part, data)"
_IF_NEW: Final = "ON CONFLICT (session_id, digest, part) DO NOTHING"

# %b: psycopg sends lists as text otherwise, which is twice as long for bytes: 40 MB in 1.4 s,
# where this takes 0.4 s.
_SENT_BODIES: Final = """
    unnest(%(body_digest)s::bytea[], %(body_part)s::int[], %(body_data)b::bytea[])
    AS b(digest, part, data)"""

# Joined with `moved`, so that the session is locked before.
_BODIES: Final = f"""bodies AS (
    {_NEW_BODY}
    SELECT %(id)s, b.digest, b.part, b.data FROM moved, {_SENT_BODIES}
    {_IF_NEW}
)"""

_NO_OTHER_KEY_HOLDS_IT: Final = """NOT EXISTS (
    SELECT FROM {schema}.entry o WHERE o.session_id = %(id)s
        AND o.digest = b.digest AND o.key <> ALL (%(key)s::text[]))"""

# Not when somebody else wrote meanwhile, who may hold them by now: then they stay behind, as
# garbage.
_DROPPED: Final = f"""dropped AS (
    DELETE FROM {{schema}}.body b USING moved
    WHERE b.session_id = %(id)s AND b.digest = ANY (%(dropping)s::bytea[])
        AND moved.version = %(known)s::bigint + 1 AND {_NO_OTHER_KEY_HOLDS_IT}
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
_HELD: Final = f"""AND EXISTS (SELECT FROM {{schema}}.entry
    WHERE session_id = %(id)s AND key = %(key)s AND version = %(expected)s
        AND digest = %(digest)s AND {_HAS_NOT_EXPIRED})"""
RENEW: Final = f"""WITH {_moved(_HELD)}
UPDATE {{schema}}.entry AS e SET version = moved.version, changed_at = now(),
    expires_at = now() + make_interval(secs => %(ttl)s::float8), ttl = %(ttl)s::float8
FROM moved
WHERE e.session_id = %(id)s AND e.key = %(key)s AND e.version = %(expected)s
RETURNING e.version"""
SEND_BODIES: Final = f"""
{_NEW_BODY}
SELECT %(id)s, b.digest, b.part, b.data FROM {_SENT_BODIES}
WHERE coalesce((SELECT {_USABLE} FROM {{schema}}.session WHERE id = %(id)s), %(may_create)s)
{_IF_NEW}"""

# `held` may be older than the lock: what is also in `deleted` was not deleted by another before.
DELETE: Final = f"""WITH {_moved()}, {_DROPPED},
held AS (
    SELECT key FROM {{schema}}.entry
    WHERE session_id = %(id)s AND key = ANY (%(key)s::text[]) AND {_HOLDS_A_VALUE}
),
deleted AS (
    UPDATE {{schema}}.entry SET version = moved.version, {_TOMBSTONE}
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
UPDATE {{schema}}.entry SET version = emptied.version, {_TOMBSTONE}
FROM emptied WHERE session_id = %(id)s AND kind IS NOT NULL"""

# Entries that go from one session to another, in one transaction: both sessions are locked by
# counting up their versions, the one without a login first. No value leaves the server.
COUNT_UP: Final = f"WITH {_moved()} SELECT version FROM moved"
_DIGESTS_OF_MOVED: Final = """(
    SELECT digest FROM {schema}.entry WHERE session_id = %(id)s AND key = ANY (%(key)s::text[]))"""
MOVE_BODIES: Final = f"""
{_NEW_BODY}
SELECT %(to)s, b.digest, b.part, b.data FROM {{schema}}.body b
WHERE b.session_id = %(id)s AND b.digest IN {_DIGESTS_OF_MOVED}
{_IF_NEW}"""
MOVE_ENTRIES: Final = f"""{_NEW_ENTRY}
SELECT %(to)s, key, %(version)s, kind, size, now(), expires_at, ttl, value, body, digest
FROM {{schema}}.entry
WHERE session_id = %(id)s AND key = ANY (%(key)s::text[]) AND {_HOLDS_A_VALUE}{_OVER_THE_OLD}
WHERE {_OLD_HOLDS_NOTHING} RETURNING key"""
DROP_MOVED_BODIES: Final = f"""
DELETE FROM {{schema}}.body b
WHERE b.session_id = %(id)s AND b.digest IN {_DIGESTS_OF_MOVED} AND {_NO_OTHER_KEY_HOLDS_IT}"""
DROP_MOVED_ENTRIES: Final = f"""
UPDATE {{schema}}.entry SET version = %(version)s, {_TOMBSTONE}
WHERE session_id = %(id)s AND key = ANY (%(key)s::text[])"""

# All that a session holds, in another one that is made for it. One statement, one snapshot.
COPY: Final = f"""
WITH made AS ({_NEW_SESSION}
    SELECT %(to)s, app, scope, 1, %(new_hash)s, now(), now(), now() + {_LIFE_OF_ROW}
    FROM {{schema}}.session WHERE id = %(id)s AND {_USABLE}
    ON CONFLICT (id) DO NOTHING RETURNING version
),
bodies AS (
    {_NEW_BODY}
    SELECT %(to)s, b.digest, b.part, b.data FROM made, {{schema}}.body b
    WHERE b.session_id = %(id)s
)
{_NEW_ENTRY}
SELECT %(to)s, old.key, made.version, old.kind, old.size, old.changed_at, old.expires_at, old.ttl,
    old.value, old.body, old.digest
FROM made, {{schema}}.entry old WHERE old.session_id = %(id)s AND old.kind IS NOT NULL"""

# For operators, over all apps of the schema: reads every row of session and entry, once.
TOTALS: Final = f"""
SELECT (SELECT count(*) FROM {{schema}}.session WHERE revoked_at IS NULL AND expires_at > now()),
    count(*), coalesce(sum(size), 0)::bigint,
    (SELECT sum(pg_total_relation_size('{{schema}}.' || name))::bigint
        FROM unnest(ARRAY['session', 'entry', 'body', 'revision']) AS name)
FROM {{schema}}.entry WHERE {_HOLDS_A_VALUE}"""

SIGNING_KEY: Final = "SELECT value FROM {schema}.setting WHERE name = 'signing_key'"


def of(schema: str) -> dict[str, str]:
    """Every statement by its name, for the tables in `schema`.

    Example:
        >>> of("pgstate")["SIGNING_KEY"]
        'SELECT value FROM "pgstate".setting WHERE name = \'signing_key\''
    """
    return {
        name: sql.replace("{schema}", f'"{schema}"')
        for name, sql in globals().items()
        if name.isupper() and not name.startswith("_") and isinstance(sql, str)
    }
