"""Statements about sealed values: sealed anew, and whether plain ones may be read."""

# ruff: noqa: S608 - statements are joined from constants; only a checked schema name is inserted

from __future__ import annotations

from typing import Final

from streamlit_pgstate.postgres.cipher import KEY_ID_BYTES, MAGIC
from streamlit_pgstate.postgres.statements import bodies
from streamlit_pgstate.postgres.statements.parts import body, entry

KEEP_BODIES: Final = f"""
{body.SENT_BODY}
SELECT %(to)s, b.digest, b.part, b.data, now() FROM {body.SENT_BODIES}
ON CONFLICT (session_id, digest, part)
DO UPDATE SET data = excluded.data, sent_at = excluded.sent_at"""

# `pgstate rekey`. %(prefix)s is what begins all that the first key has sealed.
_PREFIX_BYTES: Final = len(MAGIC) + KEY_ID_BYTES
_OTHER_KEY: Final = f"""kind IS NOT NULL AND (value IS NOT NULL OR body IS NULL
    OR substr(body, 1, {_PREFIX_BYTES}) <> %(prefix)s)"""
_VALUES: Final = """
    SELECT session_id, key, version, kind, size, value, body, digest FROM {schema}.entry
    UNION ALL
    SELECT session_id, key, version, kind, size, value, body, digest FROM {schema}.revision"""
_BODY_OF_OTHER_KEY: Final = f"substr(data, 1, {_PREFIX_BYTES}) <> %(prefix)s"
REKEY_SESSIONS: Final = f"""
SELECT session_id FROM (
    (SELECT DISTINCT session_id FROM {{schema}}.entry
    WHERE session_id > %(after)s AND {_OTHER_KEY} ORDER BY session_id LIMIT %(batch)s)
    UNION
    (SELECT DISTINCT session_id FROM {{schema}}.revision
    WHERE session_id > %(after)s AND {_OTHER_KEY} ORDER BY session_id LIMIT %(batch)s)
    UNION
    (SELECT DISTINCT session_id FROM {{schema}}.body
    WHERE session_id > %(after)s AND {_BODY_OF_OTHER_KEY} ORDER BY session_id LIMIT %(batch)s)
) AS found ORDER BY session_id LIMIT %(batch)s"""
REKEY_COUNTS: Final = f"""
SELECT count(*) FILTER (WHERE {_OTHER_KEY}), count(*) FILTER (WHERE NOT ({_OTHER_KEY})),
    count(DISTINCT session_id) FILTER (WHERE {_OTHER_KEY})
FROM ({_VALUES}) AS stored WHERE kind IS NOT NULL"""
LOCK_FOR_REKEY: Final = f"{bodies.LOCK_FOR_SWEEP} RETURNING version"
REKEY_LARGE: Final = f"""
SELECT DISTINCT ON (digest) key, version, kind, size, value::text, body, digest
FROM ({_VALUES}) AS stored
WHERE session_id = %(id)s AND digest IS NOT NULL AND {_OTHER_KEY} ORDER BY digest"""
REKEY_NEXT: Final = f"""
SELECT key, version, kind, size, value::text, body, digest FROM {{schema}}.entry
WHERE session_id = %(id)s AND key > %(after)s AND {_OTHER_KEY}
ORDER BY key LIMIT %(batch)s FOR UPDATE"""
# The entry of a large value gets a new version, so that caches hear of its new digest. The value of
# another entry is the same in all caches.
REKEY: Final = f"""
UPDATE {{schema}}.entry AS e SET value = NULL, body = new.body, digest = new.digest,
    version = CASE WHEN new.digest IS NULL THEN e.version
        ELSE coalesce(%(version)s::bigint, e.version) END
FROM {entry.SEALED_ANEW}
WHERE e.session_id = %(id)s AND e.key = new.key"""
# The version of an entry is that of its last revision.
FOLLOW_REKEYED: Final = """
UPDATE {schema}.revision AS r SET version = %(version)s
FROM unnest(%(key)b::text[], %(of_version)b::bigint[], %(digest)b::bytea[])
    AS new(key, version, digest)
WHERE r.session_id = %(id)s AND r.key = new.key AND r.version = new.version
    AND new.digest IS NOT NULL"""
REKEY_NEXT_REVISIONS: Final = f"""
SELECT key, version, kind, size, value::text, body, digest FROM {{schema}}.revision
WHERE session_id = %(id)s AND (key, version) > (%(after)s, %(after_version)s) AND {_OTHER_KEY}
ORDER BY key, version LIMIT %(batch)s FOR UPDATE"""
REKEY_REVISIONS: Final = """
UPDATE {schema}.revision AS r SET value = NULL, body = new.body, digest = new.digest
FROM unnest(%(key)b::text[], %(of_version)b::bigint[], %(body)b::bytea[], %(digest)b::bytea[])
    AS new(key, version, body, digest)
WHERE r.session_id = %(id)s AND r.key = new.key AND r.version = new.version"""
COUNT_PARTS: Final = """
SELECT count(*) FROM {schema}.body WHERE session_id = %(id)s AND digest = %(digest)s"""
# No entry refers to what is left of other keys, nor to what was sealed for an entry that has
# changed since. If a write has sent it ahead, that write finds another version of the session, and
# sends it again.
REKEY_SWEEP: Final = f"""
DELETE FROM {{schema}}.body b WHERE b.session_id = %(id)s
    AND ({_BODY_OF_OTHER_KEY} OR b.digest = ANY (%(digest)b::bytea[]))
    AND {body.NOTHING_HOLDS_IT}"""

# Whether values that are not sealed may be read is noted in `setting`. A permit has a signature, so
# whoever has no key can make none. It is due where values were stored before there was a key.
PLAIN_PERMIT: Final = f"""
SELECT noted.value, noted.value IS NULL AND EXISTS (
    SELECT 1 FROM {{schema}}.entry WHERE kind IS NOT NULL
) AND NOT EXISTS (SELECT 1 FROM {{schema}}.entry WHERE {entry.IS_SEALED})
FROM (SELECT (SELECT value FROM {{schema}}.setting WHERE name = 'plain_values')) AS noted(value)"""
SEALED_ONLY: Final = """
SELECT FROM {schema}.setting WHERE name = 'plain_values' AND value = %(permit)s"""
PERMIT_PLAIN: Final = """
INSERT INTO {schema}.setting (name, value) VALUES ('plain_values', %(permit)s)
ON CONFLICT (name) DO NOTHING"""
FORBID_PLAIN: Final = f"""
UPDATE {{schema}}.setting SET value = %(permit)s WHERE name = 'plain_values' AND NOT EXISTS (
    SELECT 1 FROM {{schema}}.entry WHERE kind IS NOT NULL AND NOT {entry.IS_SEALED}
    UNION ALL
    SELECT 1 FROM {{schema}}.revision WHERE kind IS NOT NULL AND NOT {entry.IS_SEALED})"""
