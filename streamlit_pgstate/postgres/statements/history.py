"""Statements about the history of a session: read, completed, shortened, and put back."""

# ruff: noqa: S608 - statements are joined from constants; only a checked schema name is inserted

from __future__ import annotations

from typing import Final

from streamlit_pgstate.postgres.statements.parts import entry, revision, session, write

# One round trip each, also for the access: a session that is refused has no rows.
REVISIONS: Final = f"""
SELECT found.version, found.changed_at, operation,
    CASE WHEN found.has_expired THEN NULL ELSE kind END,
    CASE WHEN found.has_expired THEN 0 ELSE size END
FROM {{schema}}.session, LATERAL (
    SELECT version, changed_at, operation, kind, size, {revision.HAS_EXPIRED} AS has_expired
    FROM ({revision.ALL_OF_KEY}) AS versions ORDER BY version DESC LIMIT %(limit)s
) AS found
WHERE id = %(id)s AND {session.USABLE} ORDER BY found.version DESC"""
REVISION: Final = f"""
SELECT found.kind, found.size, found.value::text, found.body, found.digest
FROM {{schema}}.session, LATERAL (
    SELECT kind, size, value, body, digest FROM ({revision.ALL_OF_KEY}) AS versions
    WHERE version = %(version)s AND kind IS NOT NULL AND {revision.HAS_NOT_EXPIRED}
) AS found
WHERE id = %(id)s AND {session.USABLE}"""

# A history is completed in short transactions, so that no writer waits for long: LOCK_HISTORY, then
# BEGIN_HISTORY where there was none, so that what is there is of a former row of the session; then
# FILL_HISTORY, and in the last one NOTE_HISTORY. The tombstone of a key without a history tells
# nothing. LOCK_HISTORY raises the version, as LOCK_FOR_SWEEP does: a write that waits for the lock
# does not see the new revisions, so it must not delete the bodies that they refer to.
LOCK_HISTORY: Final = """
UPDATE {schema}.session SET version = version + 1
WHERE id = %(id)s AND history_at IS DISTINCT FROM version RETURNING history_at"""
BEGIN_HISTORY: Final = """
WITH begun AS (
    UPDATE {schema}.session SET history_at = 0, undo = '{}', redo = '{}', run = NULL
    WHERE id = %(id)s
)
DELETE FROM {schema}.revision WHERE session_id = %(id)s"""
FILL_HISTORY: Final = f"""{revision.NEW_REVISION}
SELECT session_id, key, version, changed_at, kind, size, value, body, digest, expires_at, ttl,
    old_size, NULL, CASE WHEN kind IS NULL THEN 'delete' ELSE 'set' END, NULL, NULL
FROM {{schema}}.entry e WHERE session_id = %(id)s
    AND NOT EXISTS (SELECT FROM {{schema}}.revision r
        WHERE r.session_id = %(id)s AND r.key = e.key AND r.version = e.version)
    AND (kind IS NOT NULL OR EXISTS (SELECT FROM {{schema}}.revision r
        WHERE r.session_id = %(id)s AND r.key = e.key))
LIMIT %(batch)s
ON CONFLICT (session_id, key, version) DO NOTHING RETURNING true"""
# Before `restore`, where others may have written without history: the present version of one key.
FILL_KEY: Final = f"""WITH kept AS ({revision.NEW_REVISION}
    SELECT session_id, key, version, changed_at, kind, size, value, body, digest, expires_at, ttl,
        old_size, NULL, CASE WHEN kind IS NULL THEN 'delete' ELSE 'set' END, NULL, NULL
    FROM {{schema}}.entry WHERE session_id = %(id)s AND key = %(key)s
    ON CONFLICT (session_id, key, version) DO NOTHING RETURNING size
)
UPDATE {{schema}}.session SET history_bytes = session.history_bytes + kept.size
FROM kept WHERE id = %(id)s"""
NOTE_HISTORY: Final = f"""
UPDATE {{schema}}.session SET history_at = version, history_bytes = {revision.SIZES}
WHERE id = %(id)s"""

# After LOCK_FOR_SWEEP, if the history holds more than `max_session_bytes`. The oldest versions go,
# over all keys, and never the last one of a key: those are counted first. An eighth more than
# necessary goes, so that not every write comes here.
SHORTEN: Final = """
WITH ranked AS (
    SELECT key, version, is_last,
        sum(size) OVER (ORDER BY is_last DESC, version DESC, key) AS held
    FROM (
        SELECT key, version, size, version = max(version) OVER (PARTITION BY key) AS is_last
        FROM {schema}.revision WHERE session_id = %(id)s
    ) AS marked
)
DELETE FROM {schema}.revision r USING ranked
WHERE r.session_id = %(id)s AND r.key = ranked.key AND r.version = ranked.version
    AND NOT is_last AND held > %(max_bytes)s::bigint / 8 * 7
RETURNING r.digest"""
COUNT_HISTORY: Final = f"""
UPDATE {{schema}}.session SET history_bytes = {revision.SIZES} WHERE id = %(id)s"""

# Undo, redo and restore, each in one transaction, so that what is read is not older than the lock.
_RUNS: Final = "history_at, run, undo, redo, "
LOCK_TO_PUT_BACK: Final = f"""
WITH {write.locked(answer=_RUNS + write.IN_TIME)}
SELECT version, history_at, run, undo, redo FROM locked"""
OF_RUN: Final = """
SELECT key, version, run, undone, old_size IS NOT NULL, old_version FROM {schema}.revision
WHERE session_id = %(id)s AND key IN (
    SELECT key FROM {schema}.revision
    WHERE session_id = %(id)s AND (run = %(run)s OR undone = %(run)s))
ORDER BY key, version"""

# Each key gets the value of one of its revisions, or none where %(source)s is NULL or has expired.
# Returned are the keys of which a reader sees a change, as others had no value and get none; and
# those whose revision is not there: then the caller rolls back.
# What undo and redo bring back is the result of the same run as before. Only `restore` names a run.
_SHOWS: Final = "(kind IS NOT NULL OR old_size IS NOT NULL)"
_FROM_SOURCE: Final = """
    unnest(%(key)b::text[], %(source)b::bigint[]) AS new(key, source)
    LEFT JOIN {schema}.revision r ON r.session_id = %(id)s AND r.key = new.key
        AND r.version = new.source"""
PUT_BACK: Final = f"""WITH done AS ({entry.NEW_ENTRY}
    SELECT %(id)s, new.key, %(version)s, r.kind, coalesce(r.size, 0), now(), r.expires_at, r.ttl,
        r.value, r.body, r.digest
    FROM {_FROM_SOURCE} AND r.kind IS NOT NULL AND (r.expires_at <= now()) IS NOT TRUE
    {entry.OVER_THE_OLD}
    RETURNING {revision.ANSWER}
),
kept AS ({revision.NEW_REVISION}
    SELECT %(id)s, done.*, %(operation)s, coalesce(%(run)s::bigint, r.run),
        CASE WHEN %(run)s::bigint IS NULL THEN coalesce(%(undone)s::bigint, r.undone) END
    FROM done JOIN {_FROM_SOURCE.strip()} ON done.key = new.key RETURNING key
),
{revision.TRIMMED}, {revision.GROWN}, {write.GROWN},
counted AS (
    UPDATE {{schema}}.session SET {write.COUNTED},
        history_bytes = session.history_bytes + history.bytes
    FROM grown, history WHERE id = %(id)s RETURNING {write.fits("1")}
)
SELECT history.digests, ARRAY(SELECT key FROM done WHERE {_SHOWS} ORDER BY key), ARRAY(
    SELECT new.key FROM {_FROM_SOURCE} WHERE new.source IS NOT NULL AND r.version IS NULL)
FROM history, counted"""
NOTE_RUNS: Final = """
UPDATE {schema}.session SET run = %(run)s::bigint, undo = %(undo)b::bigint[],
    redo = %(redo)b::bigint[],
    history_at = CASE WHEN %(is_complete)s THEN version ELSE history_at END
WHERE id = %(id)s"""
KEYS_PUT_BACK: Final = f"""
SELECT key FROM {{schema}}.revision
WHERE session_id = %(id)s AND version = %(version)s AND {_SHOWS}"""
