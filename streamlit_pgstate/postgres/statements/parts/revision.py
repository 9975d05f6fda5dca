"""Parts about revisions: the versions of a key that are kept, where the setting `history` is on.

A write stores its new row a second time, in `revision`, within its own statement. The row that it
replaces is never read: what a statement reads may be older than its lock, so a version that others
have just written would be missing.
"""

# ruff: noqa: S608 - statements are joined from constants; only a checked schema name is inserted

from __future__ import annotations

from typing import Final

from streamlit_pgstate.postgres.statements.parts import dialect, entry

# `session.history_at` is the version up to which `revision` has every version of every key. It
# falls behind where a process without history writes, or entries are moved. Then a write raises an
# error, and `history.History.complete` comes first.
INCOMPLETE: Final = "the history of this session lacks versions"
"""A part of the message of that error."""

_IS_INCOMPLETE: Final = dialect.refused(
    f"'{INCOMPLETE}; version '", of="session.version", to="boolean"
)
IS_COMPLETE: Final = f"""AND CASE WHEN history_at = version THEN true
    ELSE {_IS_INCOMPLETE} END"""

# A run is known by the first version that it has written. If others have written since, it goes on
# as another run: what it writes then is undone by itself.
OF_RUN: Final = """,
        CASE WHEN run = %(run)s::bigint THEN undo[1] ELSE version + 1 END AS run"""

_COLUMNS: Final = """key, version, changed_at, kind, size, value, body, digest, expires_at, ttl,
    old_size, old_version"""
ANSWER: Final = _COLUMNS
"""What a write of entries has to return, as the part `done`."""

NEW_REVISION: Final = """
    INSERT INTO {schema}.revision (session_id, key, version, changed_at, kind, size, value, body,
        digest, expires_at, ttl, old_size, old_version, operation, run, undone)"""

# Also to delete what was deleted before is a version: of each version of an entry there is one.
KEPT: Final = f"""kept AS ({NEW_REVISION}
    SELECT %(id)s, done.*, CASE WHEN done.kind IS NULL THEN 'delete' ELSE %(operation)s::text END,
        locked.run, NULL
    FROM done, locked
    ON CONFLICT (session_id, key, version) DO NOTHING RETURNING key
)"""

# %(older)s of the revisions that the statement has found stay, beside the one that it adds, which
# it sees on a distributed engine only. It does not see one that a writer just before it has added:
# so there may be one more until the next write.
TRIMMED: Final = """trimmed AS (
    DELETE FROM {schema}.revision r USING done
    WHERE r.session_id = %(id)s AND r.key = done.key AND r.version <= (
        SELECT o.version FROM {schema}.revision o
        WHERE o.session_id = %(id)s AND o.key = done.key AND o.version < done.version
        ORDER BY o.version DESC OFFSET %(older)s LIMIT 1)
    RETURNING r.size, r.digest
)"""
GROWN: Final = """history AS (
    SELECT EXISTS (SELECT FROM kept) AS has_changed,
        ((SELECT coalesce(sum(size), 0) FROM done) - coalesce(sum(size), 0))::bigint AS bytes,
        array_agg(digest) FILTER (WHERE digest IS NOT NULL) AS digests FROM trimmed
)"""
STEPS: Final = f"{KEPT}, {TRIMMED}, {GROWN}"

UNDOABLE: Final = 64
"""How many runs a session remembers, for undo: half a KiB in its row."""

# After a new change nothing is there to be made again.
NOTED: Final = f"""history_at = session.version + 1,
    history_bytes = session.history_bytes + history.bytes,
    run = CASE WHEN has_changed THEN %(run)s::bigint ELSE session.run END,
    undo = CASE WHEN has_changed AND session.run IS DISTINCT FROM %(run)s::bigint
        THEN (ARRAY[session.version + 1] || session.undo)[:{UNDOABLE}] ELSE session.undo END,
    redo = CASE WHEN has_changed THEN '{{}}' ELSE session.redo END"""

# The digests of large values that the write has taken out of the history, whose bodies nothing may
# refer to any more; and whether the history is too large.
LEFT: Final = "history.digests, session.history_bytes > %(max_bytes)s::bigint"

HAS_EXPIRED: Final = f"({entry.EXPIRED}) IS TRUE"
HAS_NOT_EXPIRED: Final = f"({entry.EXPIRED}) IS NOT TRUE"

# The versions of a key: those that are kept, and the present one, if no write has kept it. What has
# expired is shown as what it was, without a value.
_VALUE: Final = """key, version, changed_at, expires_at, kind, size, value, body, digest"""
ALL_OF_KEY: Final = f"""
    SELECT {_VALUE}, operation
    FROM {{schema}}.revision WHERE session_id = %(id)s AND key = %(key)s
    UNION ALL
    SELECT {_VALUE}, CASE WHEN kind IS NULL THEN 'delete' ELSE 'set' END
    FROM {{schema}}.entry e WHERE e.session_id = %(id)s AND e.key = %(key)s
        AND NOT EXISTS (SELECT FROM {{schema}}.revision r
            WHERE r.session_id = %(id)s AND r.key = e.key AND r.version = e.version)"""

SIZES: Final = """(SELECT coalesce(sum(size), 0)::bigint FROM {schema}.revision
    WHERE session_id = %(id)s)"""
