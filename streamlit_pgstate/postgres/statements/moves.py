"""Statements that move entries to another session, copy a session, or give it another id."""

# ruff: noqa: S608 - statements are joined from constants; only a checked schema name is inserted

from __future__ import annotations

from typing import Final

from streamlit_pgstate.postgres.statements.parts import body, entry, session, write

# Move entries from one session to another, in one transaction. Both sessions are locked by adding
# one to their versions, in the order of their ids. No value leaves the server.
LOCK_SESSION: Final = f"WITH {write.locked()} SELECT version FROM locked"
_DIGESTS_OF_MOVED: Final = """(
    SELECT digest FROM {schema}.entry WHERE session_id = %(id)s AND key = ANY (%(key)b::text[]))"""
# The two sessions may be on two servers: their rows are not joined.
FREE_KEYS: Final = f"""
WITH taken AS MATERIALIZED (
    SELECT key FROM {{schema}}.entry
    WHERE session_id = %(to)s AND key = ANY (%(key)b::text[]) AND {entry.HOLDS_A_VALUE}
)
SELECT key FROM {{schema}}.entry
WHERE session_id = %(id)s AND key = ANY (%(key)b::text[]) AND {entry.HOLDS_A_VALUE}
    AND key NOT IN (SELECT key FROM taken)"""
# What the other session held under these keys has expired.
DROP_EXPIRED_BODIES: Final = f"""
DELETE FROM {{schema}}.body b WHERE b.session_id = %(to)s AND b.digest IN (
        SELECT digest FROM {{schema}}.entry
        WHERE session_id = %(to)s AND key = ANY (%(key)b::text[]))
    AND NOT EXISTS (SELECT FROM {{schema}}.entry o WHERE o.session_id = %(to)s
        AND o.digest = b.digest AND o.key <> ALL (%(key)b::text[]))
    AND {body.NO_REVISION_THERE_HOLDS_IT}"""
MOVE_BODIES: Final = f"""
{body.NEW_BODY}
SELECT %(to)s, b.digest, b.part, b.data FROM {{schema}}.body b
WHERE b.session_id = %(id)s AND b.digest IN (
    SELECT digest FROM {{schema}}.entry WHERE session_id = %(id)s AND key = ANY (%(key)b::text[])
        AND NOT {entry.IS_SEALED})
{body.IF_NEW}"""
_MOVED_IN: Final = f"""{write.GROWN},
counted AS (
    UPDATE {{schema}}.session SET {write.COUNTED}
    FROM grown WHERE id = %(to)s RETURNING {write.fits("1")}
)
SELECT key FROM done, counted"""
MOVE_ENTRIES: Final = f"""WITH done AS ({entry.NEW_ENTRY}
    SELECT %(to)s, key, %(version)s, kind, size, now(), expires_at, ttl, value, body, digest
    FROM {{schema}}.entry
    WHERE session_id = %(id)s AND key = ANY (%(key)b::text[]) AND {entry.HOLDS_A_VALUE}
        AND NOT {entry.IS_SEALED}{entry.OVER_THE_OLD}
    WHERE {entry.OLD_HOLDS_NOTHING} RETURNING key, kind, size, old_size
), {_MOVED_IN}"""
DROP_MOVED_BODIES: Final = f"""
DELETE FROM {{schema}}.body b
WHERE b.session_id = %(id)s AND b.digest IN {_DIGESTS_OF_MOVED} AND {body.NO_OTHER_KEY_HOLDS_IT}"""
DROP_MOVED_ENTRIES: Final = f"""
WITH moved AS (
    UPDATE {{schema}}.entry SET version = %(version)s, {entry.TOMBSTONE}
    WHERE session_id = %(id)s AND key = ANY (%(key)b::text[]) AND kind IS NOT NULL
    RETURNING old_size
)
UPDATE {{schema}}.session SET {write.COUNTED_DOWN}
FROM (SELECT {write.GONE} FROM moved) AS gone WHERE id = %(id)s"""

# The history of what is moved goes: it begins anew in the other session. This comes before
# DROP_MOVED_BODIES, and DISCARD_SENT deletes the bodies that former versions alone have held.
DROP_MOVED_REVISIONS: Final = """
DELETE FROM {schema}.revision WHERE session_id = %(id)s AND key = ANY (%(key)b::text[])
RETURNING digest"""

# A user's session has an id by a signing key. If that is another key now, the session moves to its
# new id, in one transaction. The row under the former id stays, revoked, so that whoever has it
# open is refused, and so that no replica with the keys in another order takes it for the session.
# The ERASE statements follow: nothing that it held stays under the former id.
HOMES: Final = """
SELECT id, revoked_at IS NULL AND expires_at > now(), epoch FROM {schema}.session
WHERE id = ANY (%(ids)b::uuid[])"""
LEAVE_HOME: Final = f"""
UPDATE {{schema}}.session SET version = version + 1, revoked_at = now(),
    writes = {write.recorded("version + 1")}, {write.HOLDS_NOTHING}
WHERE id = %(id)s AND {write.IS_PATIENT} AND {session.USABLE} AND {write.IS_NEW}
RETURNING {write.IN_TIME}"""
NEW_HOME: Final = f"""
INSERT INTO {{schema}}.session (id, app, scope, version, created_at, seen_at, expires_at, epoch,
    shape)
SELECT %(to)s, app, scope, 1, created_at, seen_at, expires_at, {session.FIRST_EPOCH}, shape
FROM {{schema}}.session WHERE id = %(id)s ON CONFLICT (id) DO NOTHING RETURNING version"""
HELD_KEYS: Final = f"""
SELECT key FROM {{schema}}.entry WHERE session_id = %(id)s AND {entry.HOLDS_A_VALUE}"""

# What was moved, where the answer to COMMIT was lost: the entries that have the version of the
# move, in one session or as tombstones in the other. Others may have written over them since.
MOVED: Final = f"""
SELECT key FROM {{schema}}.entry WHERE session_id = %(to)s AND key = ANY (%(key)b::text[])
    AND version = %(version)s
UNION
SELECT key FROM {{schema}}.entry WHERE session_id = %(id)s AND key = ANY (%(key)b::text[])
    AND kind IS NULL AND version = (
        SELECT writes[{write.PLACE} + 2] FROM {{schema}}.session WHERE id = %(id)s)"""

# Copies everything that a session holds into a new session. One statement, so one snapshot.
# A browser says that it needs a copy, and may say so again and again. So all copies of one tab,
# and copies of these, are counted together. Copies that are made at the same moment do not see each
# other: there may be as many more as there are connections. A copy is as old as what was copied, so
# no session lives on by copies for longer than `session_max_age`.
_COPY_CREATED: Final = f"""source AS (
    SELECT app, scope, created_at, coalesce(copy_of, id) AS origin, shape, held.keys, held.bytes
    FROM {{schema}}.session, (
        SELECT {write.HELD} FROM {{schema}}.entry
        WHERE session_id = %(id)s AND kind IS NOT NULL{{only_if}}
    ) AS held WHERE id = %(id)s AND {session.USABLE}
),
copies AS (
    SELECT count(DISTINCT c.id) AS number, coalesce(sum(e.size), 0) AS bytes
    FROM source JOIN {{schema}}.session c ON c.copy_of = source.origin
        LEFT JOIN {{schema}}.entry e ON e.session_id = c.id
    WHERE c.revoked_at IS NULL AND c.expires_at > now()
),
created AS (
    INSERT INTO {{schema}}.session (id, app, scope, version, token_hash, created_at, seen_at,
        expires_at, copy_of, shape, keys, bytes)
    SELECT %(to)s, app, scope, 1, %(new_hash)s, created_at, now(),
        least({session.EXPIRY_OF_COPY}, {session.AT_THE_LATEST}), origin, shape,
        {{counters}}
    FROM source, copies
    WHERE copies.number < %(max_copies)s AND copies.bytes + source.bytes <= %(max_bytes)s
        AND source.keys <= %(max_keys)s
    ON CONFLICT (id) DO NOTHING RETURNING version
)"""
_COPY_CREATED_FULL: Final = _COPY_CREATED.replace(
    "{counters}", "source.keys, source.bytes"
).replace("{only_if}", f"\n            AND NOT {entry.IS_SEALED}")
_COPY_CREATED_EMPTY: Final = _COPY_CREATED.replace("{counters}", "0, 0").replace("{only_if}", "")
COPY: Final = f"""WITH {_COPY_CREATED_FULL},
bodies AS (
    {body.NEW_BODY}
    SELECT %(to)s, b.digest, b.part, b.data FROM created, {{schema}}.body b
    WHERE b.session_id = %(id)s AND b.digest IN (SELECT digest FROM {{schema}}.entry
        WHERE session_id = %(id)s AND kind IS NOT NULL AND NOT {entry.IS_SEALED})
)
{entry.NEW_ENTRY}
SELECT %(to)s, old.key, created.version, old.kind, old.size, old.changed_at, old.expires_at,
    old.ttl, old.value, old.body, old.digest
FROM created, {{schema}}.entry old
WHERE old.session_id = %(id)s AND old.kind IS NOT NULL AND NOT {entry.IS_SEALED}"""

# Sealed values open in their own session only, and under their own key. So the app opens them and
# seals them anew where others are moved or copied within the server.
SEALED_OF: Final = f"""
SELECT key, version, kind, size, value::text, body, digest FROM {{schema}}.entry
WHERE session_id = %(id)s AND {entry.HOLDS_A_VALUE}
    AND (%(key)b::text[] IS NULL OR key = ANY (%(key)b::text[]))
ORDER BY key"""

MOVE_SEALED: Final = f"""WITH done AS ({entry.NEW_ENTRY}
    SELECT %(to)s, old.key, %(version)s, old.kind, old.size, now(), old.expires_at, old.ttl,
        NULL, new.body, new.digest
    FROM {{schema}}.entry old, {entry.SEALED_ANEW}
    WHERE old.session_id = %(id)s AND old.key = new.key
        AND {entry.HOLDS_A_VALUE}{entry.OVER_THE_OLD}
    WHERE {entry.OLD_HOLDS_NOTHING} RETURNING key, kind, size, old_size
), {_MOVED_IN}"""
# A statement has one snapshot, and REPEATABLE READ gives several statements one. Over several
# servers neither does: there the session that is copied is locked, so that nobody writes to it.
LOCK_TO_COPY: Final = "SELECT version FROM {schema}.session WHERE id = %(id)s FOR SHARE"
ONE_SNAPSHOT: Final = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"
COPY_SESSION: Final = f"WITH {_COPY_CREATED_EMPTY} SELECT version FROM created"
COPY_SEALED: Final = f"""WITH copied AS ({entry.NEW_ENTRY}
    SELECT %(to)s, old.key, 1, old.kind, old.size, old.changed_at, old.expires_at, old.ttl,
        NULL, new.body, new.digest
    FROM {{schema}}.entry old, {entry.SEALED_ANEW}
    WHERE old.session_id = %(id)s AND old.key = new.key RETURNING size
)
UPDATE {{schema}}.session SET {write.COUNTED}
FROM (SELECT {write.HELD} FROM copied) AS grown WHERE id = %(to)s"""
