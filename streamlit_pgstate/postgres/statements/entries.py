"""Statements about the entries of a session: read, written, deleted, counted."""

# ruff: noqa: S608 - statements are joined from constants; only a checked schema name is inserted

from __future__ import annotations

from typing import Final

from streamlit_pgstate.postgres.statements.parts import body, dialect, entry, session, write

_FOUND: Final = f"""found AS MATERIALIZED (
    SELECT version, epoch, {session.USABLE} AS usable, {session.STALE} AS is_stale,
        (pending_hash = %(hash)s) IS TRUE AS is_pending, {session.FORGOTTEN} AS is_forgotten,
        (previous_hash = %(hash)s AND previous_login IS NOT NULL) IS TRUE AS is_replaced,
        revoked_at IS NULL AND {session.IN_GRACE} AS is_recent, login_hash,
        expires_at <= now() AS is_expired, coalesce(shape, 1) AS shape
    FROM {{schema}}.session WHERE id = %(id)s
)"""

# A page load (%(since)s is -1) or a later run: the session as one row, then its entries that are
# newer than %(since)s. In the first row the key is NULL, and its epoch, its shape, its login, the
# server and its clock stand where entries have size, text, body, ttl and the seconds that are left.
# The entries are not read at all if the session's version is still %(since)s. One round trip, which
# writes nothing and takes no lock: it works on a read-only server, and beside a writer that holds
# the session's row.
READ: Final = f"""WITH {_FOUND}
SELECT NULL::text, version,
    CASE WHEN NOT usable THEN CASE WHEN is_forgotten THEN 'forgotten'
            WHEN is_replaced AND is_recent THEN 'replaced at a login'
            WHEN is_expired THEN 'expired' ELSE 'refused' END
        ELSE CASE WHEN is_replaced THEN 'replaced ' ELSE '' END
            || CASE WHEN is_stale THEN 'stale ' ELSE '' END
            || CASE WHEN is_pending THEN 'pending' ELSE '' END
    END, epoch, shape::text, login_hash, NULL::bytea, {dialect.server("found.version")}::float8,
    extract(epoch FROM now())::float8
FROM found
UNION ALL
SELECT e.key, e.version, e.kind, e.size, e.value::text, e.body, e.digest, e.ttl,
    extract(epoch FROM e.expires_at - now())::float8
FROM found, {{schema}}.entry e
WHERE found.usable AND found.version > %(since)s
    AND e.session_id = %(id)s AND e.version > %(since)s
    AND (e.kind IS NOT NULL OR %(since)s >= 0)"""


def refresh(newer: str) -> str:
    """Return the statement of a later run, as nearly all are: REFRESH.

    Each row has the session and one of its entries that are newer than ``%(since)s``, or NULLs if
    there is none. There is no row at all where the session is refused, or something about it is to
    be noted: then READ follows. This takes 24 µs of the server where READ takes 35, and a bare
    SELECT 1 takes 9.

    OFFSET 0 has the planner look the session up by its id: of a table with few rows it would take
    any index whose condition the rest implies. date_part() gives a double; extract() gives a
    numeric, which takes a µs more.

    Args:
        newer: which entries are those of the session, if its version has moved.
    """
    return f"""
SELECT s.version, s.epoch, coalesce(s.shape, 1), s.login_hash,
    {dialect.server("s.version")}::float8, date_part('epoch', now()),
    e.key, e.version, e.kind, e.size, e.value::text, e.body, e.digest, e.ttl,
    date_part('epoch', e.expires_at - now())
FROM (SELECT * FROM {{schema}}.session WHERE id = %(id)s OFFSET 0) s
    LEFT JOIN {{schema}}.entry e ON {newer} AND e.version > %(since)s
WHERE s.revoked_at IS NULL AND s.expires_at > now() AND NOT {session.STALE}
    AND (%(hash)s::bytea IS NULL OR s.token_hash = %(hash)s) AND {session.SAME_EPOCH}"""


# Where the version has not moved, the entries are those of NULL: an index has none to look at.
REFRESH: Final = refresh("e.session_id = CASE WHEN s.version > %(since)s THEN s.id END")

# After a read that found the session stale: `seen_at` and the sliding `expires_at` move together.
# Another reader may be doing the same, or a writer may hold the row: then it is left to the next
# read. A write moves neither.
SLIDE: Final = f"""
UPDATE {{schema}}.session SET seen_at = now(),
    expires_at = least({session.EXPIRY_OF_ROW}, {session.AT_THE_LATEST})
WHERE id = %(id)s AND (
    SELECT true FROM {{schema}}.session WHERE id = %(id)s AND {session.STALE} AND {session.USABLE}
    FOR UPDATE SKIP LOCKED
)"""

ROWS: Final = """
SELECT key, version, kind, size, changed_at, expires_at, value::text AS value
FROM {schema}.entry WHERE session_id = %(id)s AND kind IS NOT NULL ORDER BY key"""

# The writes: one statement each, in one round trip and in autocommit. PUT takes 15 µs more than
# PUT_AS_KNOWN on the server, as it finds the session's row twice, and unnest() takes another 20 µs.
PUT: Final = f"""WITH {write.locked_first()},
done AS ({entry.written(entry.ONE)}), {write.GROWN_BY_ONE} {write.RECORDED_LAST}"""
PUT_AS_KNOWN: Final = (
    f"WITH {write.locked(write.COUNTED_AS_KNOWN, write.FITS_AS_KNOWN)} "
    f"{entry.written(entry.ONE, answer=write.was_as_known('e'))}"
)
PUT_IF: Final = f"""WITH {write.locked_first()},
done AS ({entry.written(entry.ONE, entry.IF_EXPECTED)}), {write.GROWN_BY_ONE}
{write.RECORDED_LAST}"""
# As PUT_IF, for a key without a value. On a distributed engine that is another statement.
PUT_NEW: Final = PUT_IF
PUT_MANY: Final = f"""WITH {write.locked_first()},
done AS ({entry.written(entry.MANY)}), {write.GROWN} {write.RECORDED_LAST}"""
PUT_LARGE: Final = f"""WITH {write.locked_first()}, {body.BODIES}, {body.DROPPED},
done AS ({entry.written(entry.MANY)}), {write.GROWN} {write.RECORDED_LAST}"""
PUT_LARGE_IF: Final = f"""WITH {write.locked_first(entry.AS_EXPECTED)},
{body.BODIES}, {body.DROPPED},
done AS ({entry.written(entry.MANY, entry.IF_EXPECTED)}), {write.GROWN} {write.RECORDED_LAST}"""
PUT_AHEAD: Final = f"""WITH {write.locked_first(body.COMPLETE)}, {body.DROPPED},
done AS ({entry.written(entry.MANY)}), {write.GROWN} {write.RECORDED_LAST}"""
CREATE_AND_PUT: Final = f"""WITH {write.CREATED_WITH_ENTRIES}, {body.BODIES},
former AS ({entry.FORMER_ENTRIES} AND key <> ALL (%(key)b::text[])),
done AS ({entry.written(entry.MANY)}) SELECT locked.version FROM locked"""

# What an older deploy has stored, in the shape of this one: changed, new and deleted entries, and
# the shape, all or none. Nothing is written if anybody has written since the caller has read what
# it has computed these from. %(shape)s is NULL here. The last one is for values that stay. Former
# versions have the old shape, so the history begins anew.
_IS_AS_READ: Final = "AND version = %(known)s AND coalesce(shape, 1) = %(old_shape)s"
_WITHOUT_HISTORY: Final = """without_history AS (
    DELETE FROM {schema}.revision r USING locked WHERE r.session_id = %(id)s
)"""
_IN_NEW_SHAPE: Final = f"{write.RECORDED}, shape = %(new_shape)s, {write.HAS_NO_HISTORY}"
_UPGRADED: Final = f"""done AS ({entry.written(entry.MANY)}), {write.GROWN}
{_IN_NEW_SHAPE}, {write.COUNTED}
FROM grown WHERE id = %(id)s RETURNING {write.fits(write.IN_TIME)}"""
UPGRADE: Final = f"""WITH {write.locked_first(_IS_AS_READ)}, {body.BODIES}, {body.DROPPED},
{_WITHOUT_HISTORY}, {_UPGRADED}"""
UPGRADE_AHEAD: Final = f"""WITH {write.locked_first(f"{_IS_AS_READ} {body.COMPLETE}")},
{body.DROPPED}, {_WITHOUT_HISTORY}, {_UPGRADED}"""
UPGRADE_SHAPE: Final = f"""WITH {write.locked_first(_IS_AS_READ)}, {_WITHOUT_HISTORY}
{_IN_NEW_SHAPE} WHERE id = %(id)s AND EXISTS (SELECT FROM locked) RETURNING {write.IN_TIME}"""

# Sets a new expiry of a large value that the entry holds already. Its bytes are not sent again.
RENEW: Final = f"""WITH {write.locked_first(entry.HOLDS_IT)},
done AS (
    UPDATE {{schema}}.entry AS e SET {entry.RENEWED}
    FROM locked
    WHERE e.session_id = %(id)s AND e.key = %(key)s AND e.version = %(expected)s::bigint
    RETURNING e.version
)
{write.RECORDED} WHERE id = %(id)s AND EXISTS (SELECT FROM done) RETURNING {write.IN_TIME}"""

# If the ttl of a value was over, its tombstone gets the ttl 0, and the value is not counted as
# deleted. This is noted in the row, because RETURNING knows no old values before PostgreSQL 18, and
# what a SELECT reads may be older than the lock.
DELETE: Final = f"""WITH {write.locked_first()}, {body.DROPPED},
deleted AS (
    UPDATE {{schema}}.entry SET version = locked.version, {entry.EMPTIED},
        ttl = {entry.TTL_OF_TOMBSTONE}
    FROM locked WHERE session_id = %(id)s AND key = ANY (%(key)b::text[]) AND kind IS NOT NULL
    RETURNING entry.ttl, old_size
),
gone AS MATERIALIZED (
    SELECT count(*) FILTER (WHERE ttl IS NULL) AS deleted, {write.GONE} FROM deleted
)
UPDATE {{schema}}.session SET version = locked.version,
    writes = {write.recorded("locked.version", "gone.deleted")}, {write.COUNTED_DOWN}
FROM locked, gone WHERE id = %(id)s
RETURNING {write.IN_TIME}, gone.deleted"""

# Before a write is refused that would come over a limit, after LOCK_FOR_SWEEP. What has expired
# counts until it is deleted. Somebody may have deleted entries by hand: then the counters were too
# high.
RECOUNT: Final = f"""WITH dropped AS (
    DELETE FROM {{schema}}.body b WHERE b.session_id = %(id)s AND b.digest IN (
            SELECT digest FROM {{schema}}.entry WHERE session_id = %(id)s AND {entry.EXPIRED})
        AND NOT EXISTS (SELECT FROM {{schema}}.entry e
            WHERE e.session_id = %(id)s AND e.digest = b.digest AND {entry.HAS_NOT_EXPIRED})
        AND {body.NO_REVISION_HOLDS_IT}
),
emptied AS (
    UPDATE {{schema}}.entry SET {entry.TOMBSTONE} WHERE session_id = %(id)s AND {entry.EXPIRED}
)
UPDATE {{schema}}.session SET keys = held.keys, bytes = held.bytes
FROM (
    SELECT {write.HELD} FROM {{schema}}.entry WHERE session_id = %(id)s AND {entry.HOLDS_A_VALUE}
) AS held
WHERE id = %(id)s RETURNING version"""
