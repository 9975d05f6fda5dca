"""Statements of the cleanup, over all apps of a schema, in batches."""

# ruff: noqa: S608 - statements are joined from constants; only a checked schema name is inserted

from __future__ import annotations

from typing import Final

from streamlit_pgstate.postgres.statements.parts import body, entry, revision, session, write

# Cleaning up, over all apps of the schema, in batches. What a writer holds is skipped; only
# LOCK_FOR_SWEEP waits for the writers of the one session whose bodies it deletes.
_KEPT: Final = "make_interval(secs => %(kept_for)s)"
# A session of a scope without tokens may be revived by its next visit. GC_ERASE_ENTRIES leaves no
# tombstones of its keys, so it comes only when no cache is left that has loaded these keys.
ENDED: Final = f"""revoked_at IS NULL AND expires_at <= now()
    AND (scope NOT IN ({session.TOKENLESS}) OR expires_at < now() - {_KEPT})"""
_ENDED_LONG_AGO: Final = f"revoked_at < now() - {_KEPT}"
_HAS_HISTORY: Final = """EXISTS (
            SELECT FROM {schema}.revision r WHERE r.session_id = e.session_id AND r.key = e.key)"""
_OLD_TOMBSTONE: Final = f"kind IS NULL AND changed_at < now() - {_KEPT}"
# An expired session counts as forgotten from now on: its row stays, so that no token revives it.
GC_END: Final = f"""
UPDATE {{schema}}.session SET revoked_at = now(), version = version + 1, {write.HOLDS_NOTHING}
WHERE id IN (
    SELECT id FROM {{schema}}.session WHERE {ENDED} LIMIT %(batch)s FOR UPDATE SKIP LOCKED
) RETURNING id"""
GC_ERASE_ENTRIES: Final = "DELETE FROM {schema}.entry WHERE session_id = ANY (%(ids)b)"
GC_ERASE_BODIES: Final = "DELETE FROM {schema}.body WHERE session_id = ANY (%(ids)b)"
GC_ERASE_REVISIONS: Final = "DELETE FROM {schema}.revision WHERE session_id = ANY (%(ids)b)"
GC_REMOVE: Final = f"""
DELETE FROM {{schema}}.session WHERE id IN (
    SELECT id FROM {{schema}}.session WHERE {_ENDED_LONG_AGO} LIMIT %(batch)s FOR UPDATE SKIP LOCKED
) RETURNING id"""
# An expired entry becomes a tombstone, as by DELETE, so that a cache that has not seen its last
# write hears of the end. As in a write, the session's row is locked before the entry, and its
# counters are written last. A session that a writer holds is left to the next cleanup, so nobody
# waits for another here. A writer may have renewed an entry before the lock, so its expiry is
# compared again. With IS TRUE around it, PostgreSQL does not use the index on the expiry for this
# comparison: by that index each batch would read all that has expired.
GC_EXPIRED: Final = f"""WITH due AS MATERIALIZED (
    SELECT e.session_id, e.key
    FROM {{schema}}.entry e JOIN {{schema}}.session s ON s.id = e.session_id
    WHERE e.{entry.EXPIRED} AND e.digest IS NULL
    LIMIT %(batch)s FOR NO KEY UPDATE OF s SKIP LOCKED
),
emptied AS (
    UPDATE {{schema}}.entry AS e SET {entry.TOMBSTONE} FROM due
    WHERE e.session_id = due.session_id AND e.key = due.key
        AND (e.{entry.EXPIRED}) IS TRUE AND e.digest IS NULL
    RETURNING e.session_id, old_size
),
counted AS (
    UPDATE {{schema}}.session SET {write.COUNTED_DOWN}
    FROM (SELECT session_id, {write.GONE} FROM emptied GROUP BY session_id) AS gone
    WHERE id = gone.session_id
)
SELECT 1 FROM emptied"""
# If somebody has deleted the row of a session by hand, nobody counts its entries.
GC_EXPIRED_ROWLESS: Final = f"""
UPDATE {{schema}}.entry SET {entry.TOMBSTONE} WHERE (session_id, key) IN (
    SELECT session_id, key FROM {{schema}}.entry e WHERE {entry.EXPIRED} AND digest IS NULL
        AND NOT EXISTS (SELECT FROM {{schema}}.session WHERE id = e.session_id)
    LIMIT %(batch)s FOR UPDATE SKIP LOCKED
) RETURNING 1"""
GC_EXPIRED_LARGE: Final = f"""
SELECT DISTINCT session_id FROM (
    SELECT session_id FROM {{schema}}.entry WHERE {entry.EXPIRED} AND digest IS NOT NULL
    LIMIT %(batch)s
) AS found ORDER BY session_id"""
# On a distributed engine no statement locks rows of several sessions. There all is found first, and
# then done session by session. What a writer holds is skipped there, too.
GC_ENDED: Final = f"SELECT id FROM {{schema}}.session WHERE {ENDED} LIMIT %(batch)s"
_FREE: Final = "(SELECT true FROM {schema}.session WHERE id = %(id)s FOR UPDATE SKIP LOCKED)"
GC_END_OF: Final = f"""
UPDATE {{schema}}.session SET revoked_at = now(), version = version + 1, {write.HOLDS_NOTHING}
WHERE id = %(id)s AND {ENDED} AND {_FREE} RETURNING id"""
GC_ENDED_LONG_AGO: Final = f"""
SELECT id FROM {{schema}}.session WHERE {_ENDED_LONG_AGO} LIMIT %(batch)s"""
GC_REMOVE_OF: Final = f"""
DELETE FROM {{schema}}.session WHERE id = %(id)s AND {_ENDED_LONG_AGO} AND {_FREE} RETURNING id"""
GC_HELD: Final = f"SELECT true FROM {{schema}}.session WHERE id = %(id)s AND {_FREE} IS NULL"
GC_EXPIRED_ANY: Final = f"""
SELECT DISTINCT session_id FROM (
    SELECT session_id FROM {{schema}}.entry WHERE {entry.EXPIRED} LIMIT %(batch)s
) AS found ORDER BY session_id"""
GC_EXPIRED_OF: Final = f"""WITH emptied AS (
    UPDATE {{schema}}.entry SET {entry.TOMBSTONE} WHERE session_id = %(id)s AND {entry.EXPIRED}
    RETURNING old_size
),
counted AS (
    UPDATE {{schema}}.session SET {write.COUNTED_DOWN}
    FROM (SELECT {write.GONE} FROM emptied) AS gone WHERE id = %(id)s
)
SELECT 1 FROM emptied"""
GC_NAMES: Final = f"""
DELETE FROM {{schema}}.entry WHERE (session_id, key) IN (
    SELECT session_id, key FROM {{schema}}.entry e WHERE {_OLD_TOMBSTONE}
        AND NOT {_HAS_HISTORY}
    LIMIT %(batch)s FOR UPDATE SKIP LOCKED
) RETURNING 1"""
# With the name of a deleted key goes its history. As in GC_EXPIRED the session's row is locked
# first. Somebody may have set the key again before that: then the entry is not deleted.
GC_NAMES_WITH_HISTORY: Final = f"""WITH due AS MATERIALIZED (
    SELECT e.session_id, e.key
    FROM {{schema}}.entry e JOIN {{schema}}.session s ON s.id = e.session_id
    WHERE {_OLD_TOMBSTONE} AND {_HAS_HISTORY}
    LIMIT %(batch)s FOR NO KEY UPDATE OF s SKIP LOCKED
),
named AS (
    DELETE FROM {{schema}}.entry e USING due
    WHERE e.session_id = due.session_id AND e.key = due.key AND {_OLD_TOMBSTONE}
    RETURNING e.session_id, e.key
),
gone AS (
    DELETE FROM {{schema}}.revision r USING named
    WHERE r.session_id = named.session_id AND r.key = named.key RETURNING r.session_id, r.size
),
counted AS (
    UPDATE {{schema}}.session SET history_bytes = session.history_bytes - counts.bytes
    FROM (SELECT session_id, sum(size) AS bytes FROM gone GROUP BY session_id) AS counts
    WHERE id = counts.session_id
)
SELECT 1 FROM named"""
GC_OLD_NAMES: Final = f"""
SELECT DISTINCT session_id FROM (
    SELECT session_id FROM {{schema}}.entry WHERE {_OLD_TOMBSTONE} LIMIT %(batch)s
) AS found ORDER BY session_id"""
GC_NAMES_OF: Final = f"""WITH named AS (
    DELETE FROM {{schema}}.entry WHERE session_id = %(id)s AND {_OLD_TOMBSTONE} RETURNING key
),
gone AS (
    DELETE FROM {{schema}}.revision r USING named
    WHERE r.session_id = %(id)s AND r.key = named.key RETURNING r.size
),
counted AS (
    UPDATE {{schema}}.session SET history_bytes = session.history_bytes - counts.bytes
    FROM (SELECT coalesce(sum(size), 0)::bigint AS bytes FROM gone) AS counts WHERE id = %(id)s
)
SELECT 1 FROM named"""
# What a history holds of values whose ttl is over. The version stays, without its value.
GC_EXPIRED_REVISIONS: Final = f"""
SELECT DISTINCT session_id FROM (
    SELECT session_id FROM {{schema}}.revision WHERE {entry.EXPIRED} LIMIT %(batch)s
) AS found ORDER BY session_id"""
GC_EXPIRED_REVISIONS_OF: Final = f"""WITH emptied AS (
    UPDATE {{schema}}.revision SET kind = NULL, size = 0, value = NULL, body = NULL, digest = NULL,
        expires_at = NULL, ttl = NULL
    WHERE session_id = %(id)s AND {entry.EXPIRED} RETURNING 1
),
counted AS (
    UPDATE {{schema}}.session SET history_bytes = (
        SELECT coalesce(sum(size), 0) FROM {{schema}}.revision
        WHERE session_id = %(id)s AND {revision.HAS_NOT_EXPIRED})
    WHERE id = %(id)s
)
SELECT 1 FROM emptied"""
GC_ORPHANED: Final = f"""
SELECT DISTINCT session_id FROM (
    SELECT session_id FROM {{schema}}.body b WHERE {body.ORPHANED_OF_ALL} LIMIT %(batch)s
) AS found ORDER BY session_id"""
GC_COUNTS: Final = f"""
SELECT (SELECT count(*) FROM {{schema}}.session WHERE {ENDED}),
    (SELECT count(*) FROM {{schema}}.session WHERE {_ENDED_LONG_AGO}),
    (SELECT count(*) FROM {{schema}}.entry WHERE {entry.EXPIRED})
        + (SELECT count(*) FROM {{schema}}.revision WHERE {entry.EXPIRED}),
    (SELECT count(*) FROM {{schema}}.entry WHERE {_OLD_TOMBSTONE}),
    (SELECT count(*) FROM {{schema}}.body b WHERE {body.ORPHANED_OF_ALL})"""
# Whose turn it is: one process of all replicas, once in the interval. They share a role. With row
# security another role sees other rows, and so has a turn of its own.
GC_TURN: Final = """
INSERT INTO {schema}.setting AS s (name, value)
VALUES ('cleaned_up_at ' || current_user, extract(epoch FROM now())::text)
ON CONFLICT (name) DO UPDATE SET value = excluded.value
WHERE s.value::float8 <= excluded.value::float8 - %(interval)s RETURNING 1"""
