"""Parts about bodies: the rows of large values."""

# ruff: noqa: S608 - statements are joined from constants; only a checked schema name is inserted

from __future__ import annotations

from typing import Final

NEW_BODY: Final = "INSERT INTO {schema}.body (session_id, digest, part, data)"
IF_NEW: Final = "ON CONFLICT (session_id, digest, part) DO NOTHING"

# `sent_at` keeps gc and SWEEP away from what was sent ahead of the entry that will refer to it;
# a body that comes with its entry has the year 1970 as its time, which SQL calls 'epoch'. Data that
# are there already are compared, as somebody may have damaged them. What is equal is not written
# again: the row keeps its reference to the data. Encrypted data are never equal.
NEW_OR_MENDED: Final = """ON CONFLICT (session_id, digest, part) DO UPDATE SET
    sent_at = greatest(stored.sent_at, excluded.sent_at),
    data = CASE WHEN stored.data = excluded.data THEN stored.data ELSE excluded.data END"""
SENT_BODY: Final = """
INSERT INTO {schema}.body AS stored (session_id, digest, part, data, sent_at)"""

# All chunks of a statement come as one parameter, and `substr` cuts it on the server. As a list of
# chunks 8 MB take 48 ms to write and in one piece 29 ms: psycopg copies a list of bytes twice, and
# the server builds the list again for the planner. %b sends in binary, as all statements do; text
# is twice as long for bytes, and how it is read depends on settings of the user in `url`.
SENT_BODIES: Final = """
    (SELECT c.digest, c.part, substr(%(body_data)b::bytea, c.start, c.length) AS data
    FROM unnest(%(body_digest)b::bytea[], %(body_part)b::int[], %(body_start)b::int[],
        %(body_length)b::int[]) AS c(digest, part, start, length)) AS b"""

# Joined with `locked`, so that the session is locked before bodies are inserted.
BODIES: Final = f"""bodies AS (
    {SENT_BODY}
    SELECT %(id)s, b.digest, b.part, b.data, 'epoch' FROM locked, {SENT_BODIES}
    {NEW_OR_MENDED}
)"""

# Also where this process keeps no history: another one may, or this one may have kept it before.
# As NOT EXISTS it would be joined, by reading all revisions of the session. So the index finds one.
_NO_REVISION_HOLDS_IT: Final = """(SELECT true FROM {schema}.revision r
        WHERE r.session_id = {id} AND r.digest = b.digest LIMIT 1) IS NULL"""
NO_REVISION_HOLDS_IT: Final = _NO_REVISION_HOLDS_IT.replace("{id}", "%(id)s")
NO_REVISION_THERE_HOLDS_IT: Final = _NO_REVISION_HOLDS_IT.replace("{id}", "%(to)s")
NOTHING_HOLDS_IT: Final = f"""NOT EXISTS (SELECT FROM {{schema}}.entry e
        WHERE e.session_id = %(id)s AND e.digest = b.digest)
    AND {NO_REVISION_HOLDS_IT}"""
NO_OTHER_KEY_HOLDS_IT: Final = f"""NOT EXISTS (
    SELECT FROM {{schema}}.entry o WHERE o.session_id = %(id)s
        AND o.digest = b.digest AND o.key <> ALL (%(key)b::text[]))
    AND {NO_REVISION_HOLDS_IT}"""

# Deletes nothing if somebody else has written meanwhile, because their entries may refer to these
# bodies by now. The bodies then stay as garbage.
DROPPED: Final = f"""dropped AS (
    DELETE FROM {{schema}}.body b USING locked
    WHERE b.session_id = %(id)s AND b.digest = ANY (%(old_digest)b::bytea[])
        AND locked.version = %(known)s::bigint + 1 AND {NO_OTHER_KEY_HOLDS_IT}
)"""

# Another writer may have deleted bodies that were sent ahead, by replacing the last entry that
# refers to them. If the version is unchanged, nobody has, and this count is up to date.
COMPLETE: Final = """AND version = %(known)s AND NOT EXISTS (
    SELECT FROM unnest(%(ahead_digest)b::bytea[], %(ahead_parts)b::int[]) AS a(digest, parts)
    WHERE a.parts <> (SELECT count(*) FROM {schema}.body b
        WHERE b.session_id = %(id)s AND b.digest = a.digest))"""

# What was sent just now may be about to be referred to, but not in a session that was forgotten.
_ORPHANED: Final = f"""(b.sent_at <= now() - make_interval(secs => %(sent_before)s)
        OR (SELECT revoked_at FROM {{schema}}.session s WHERE s.id = {{id}}) IS NOT NULL)
    AND NOT EXISTS (SELECT FROM {{schema}}.entry e
        WHERE e.session_id = {{id}} AND e.digest = b.digest)
    AND {_NO_REVISION_HOLDS_IT}"""
ORPHANED_OF_ALL: Final = _ORPHANED.replace("{id}", "b.session_id")
ORPHANED_OF_ONE: Final = _ORPHANED.replace("{id}", "%(id)s")
