"""The writes of `entries.py`, for a process with the setting `history`: each keeps what it writes.

Each has the name of the one without history, and WITH_HISTORY behind it. It answers with the
session's version, how many values it has deleted, and `revision.LEFT`.
"""

# ruff: noqa: S608 - statements are joined from constants; only a checked schema name is inserted

from __future__ import annotations

from typing import Final

from streamlit_pgstate.postgres.statements.parts import body, entry, revision, write

# A write with history does not know what it replaces, so there is none like PUT_AS_KNOWN. And it
# leaves the bodies that it replaces: the history refers to them.


def _locked_first(only_if: str = "") -> str:
    return write.locked_first(f"{only_if} {revision.IS_COMPLETE}".lstrip(), revision.OF_RUN)


def _done(new: str, where: str = "") -> str:
    return f"done AS ({entry.written(new, where, revision.ANSWER)}), {revision.STEPS}"


_RECORDED_LAST: Final = f"""{write.RECORDED}, {write.COUNTED},
    {revision.NOTED}
FROM grown, history WHERE id = %(id)s
RETURNING {write.fits(write.IN_TIME)}, 0, {revision.LEFT}"""

PUT_WITH_HISTORY: Final = f"""WITH {_locked_first()},
{_done(entry.ONE)}, {write.GROWN_BY_ONE} {_RECORDED_LAST}"""
PUT_IF_WITH_HISTORY: Final = f"""WITH {_locked_first()},
{_done(entry.ONE, entry.IF_EXPECTED)}, {write.GROWN_BY_ONE} {_RECORDED_LAST}"""
PUT_NEW_WITH_HISTORY: Final = PUT_IF_WITH_HISTORY
PUT_MANY_WITH_HISTORY: Final = f"""WITH {_locked_first()},
{_done(entry.MANY)}, {write.GROWN} {_RECORDED_LAST}"""
PUT_LARGE_WITH_HISTORY: Final = f"""WITH {_locked_first()}, {body.BODIES},
{_done(entry.MANY)}, {write.GROWN} {_RECORDED_LAST}"""
PUT_LARGE_IF_WITH_HISTORY: Final = f"""WITH {_locked_first(entry.AS_EXPECTED)}, {body.BODIES},
{_done(entry.MANY, entry.IF_EXPECTED)}, {write.GROWN} {_RECORDED_LAST}"""
PUT_AHEAD_WITH_HISTORY: Final = f"""WITH {_locked_first(body.COMPLETE)},
{_done(entry.MANY)}, {write.GROWN} {_RECORDED_LAST}"""

# If somebody has deleted the row of a session by hand, its revisions are still there. Then the
# history counts as not begun, so the next write deletes them first.
_HISTORY_BEGINS: Final = f""",
        CASE WHEN NOT EXISTS (SELECT FROM {{schema}}.revision WHERE session_id = %(id)s)
            THEN 1 END, {write.BYTES_GIVEN}, %(run)s::bigint, ARRAY[1]"""
_CREATED: Final = write.created(
    keys=write.KEYS_GIVEN,
    bytes=write.BYTES_GIVEN,
    columns=", history_at, history_bytes, run, undo",
    values=_HISTORY_BEGINS,
    more=", 1::bigint AS run",
)
CREATE_AND_PUT_WITH_HISTORY: Final = f"""WITH {_CREATED}, {body.BODIES},
former AS ({entry.FORMER_ENTRIES} AND key <> ALL (%(key)b::text[])),
done AS ({entry.written(entry.MANY, answer=revision.ANSWER)}), {revision.KEPT}
SELECT locked.version, 0, NULL::bytea[], false FROM locked"""

# The expiry alone is new. It is a version of the key, so it is kept, too.
RENEW_WITH_HISTORY: Final = f"""WITH {_locked_first(entry.HOLDS_IT)},
done AS (
    UPDATE {{schema}}.entry AS e SET {entry.RENEWED}
    FROM locked
    WHERE e.session_id = %(id)s AND e.key = %(key)s AND e.version = %(expected)s::bigint
    RETURNING e.key, e.version, e.changed_at, e.kind, e.size, e.value, e.body, e.digest,
        e.expires_at, e.ttl, e.size AS old_size, %(expected)s::bigint
), {revision.STEPS} {write.RECORDED},
    {revision.NOTED}
FROM history WHERE id = %(id)s AND EXISTS (SELECT FROM done)
RETURNING {write.IN_TIME}, 0, {revision.LEFT}"""

DELETE_WITH_HISTORY: Final = f"""WITH {_locked_first()},
deleted AS (
    UPDATE {{schema}}.entry SET version = locked.version, {entry.EMPTIED},
        old_version = entry.version,
        ttl = {entry.TTL_OF_TOMBSTONE}
    FROM locked WHERE session_id = %(id)s AND key = ANY (%(key)b::text[]) AND kind IS NOT NULL
    RETURNING key, entry.version, changed_at, kind, size, value, body, digest, expires_at,
        entry.ttl, old_size, old_version
),
done AS (
    SELECT key, version, changed_at, kind, size, value, body, digest, expires_at,
        NULL::float8 AS ttl, old_size, old_version FROM deleted
), {revision.STEPS},
gone AS MATERIALIZED (
    SELECT count(*) FILTER (WHERE ttl IS NULL) AS deleted, {write.GONE} FROM deleted
)
UPDATE {{schema}}.session SET version = locked.version,
    writes = {write.recorded("locked.version", "gone.deleted")}, {write.COUNTED_DOWN},
    {revision.NOTED}
FROM locked, gone, history WHERE id = %(id)s
RETURNING {write.IN_TIME}, gone.deleted, {revision.LEFT}"""
