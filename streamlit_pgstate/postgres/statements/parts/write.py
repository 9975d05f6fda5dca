"""Parts of the statements that write: the lock, the record of the write, and the limits."""

# ruff: noqa: S608 - statements are joined from constants; only a checked schema name is inserted

from __future__ import annotations

from typing import Final

from streamlit_pgstate.postgres.statements.parts import dialect, session

# Each write has an id of two numbers, see `writes`: a slot, and how many writes it had before. The
# session's row records the last write of each slot as four numbers in `writes`: slot, number, the
# version after it, and how many values it deleted. The record of the latest write comes first. The
# version is negative for a number that SETTLE has ruled out.
SLOTS: Final = 24
"""How many slots a session's row remembers. A process writes by as many slots as it has writes
under way at once: one or two mostly, and 20 at most, as many as it has connections."""

RECORD: Final = 4
FULL: Final = SLOTS * RECORD
PLACE: Final = "array_position(writes, %(slot)s::bigint)"
IS_RECORDED: Final = f"coalesce(writes[{PLACE} + 1] >= %(number)s::bigint, false)"

# It tells servers apart, and a server from itself before a restart.
_SERVER: Final = dialect.server()

# Whether a record of this write, if there was one, is still there: the slot is listed, or there is
# room, or the oldest record is not newer than %(reached)s. That is a version from before the write
# was sent, so a record of the write would be newer. Versions of records decrease from the first to
# the last, and no two are equal: if the oldest is not newer, nothing newer was pushed out. A
# version that was met on another server proves nothing here: a standby that was promoted may lack
# it (decision 15).
NONE_PUSHED_OUT: Final = f"""({PLACE} IS NOT NULL OR cardinality(writes) < {FULL}
    OR (%(server)s::float8 IN ('Infinity', {_SERVER})
        AND abs(writes[{FULL - RECORD + 3}]) <= %(reached)s::bigint))"""

PUSHED_OUT: Final = "this write is not recorded, and perhaps no longer; version and server: "
"""A part of the message of the error that `IS_NEW` raises. The session's version and when the
server was started follow."""

# A write does nothing if it is recorded, or ruled out. If more than `SLOTS` others have written
# meanwhile, nobody can tell: then it is undone, and sent again with the version that it has met.
# A large write may arrive seconds after SETTLE has ruled it out, see `writes`.
_MANY_WROTE: Final = dialect.refused(
    f"'{PUSHED_OUT}' || session.version::text || ' '", of=_SERVER, to="boolean"
)
IS_NEW: Final = f"""CASE WHEN {NONE_PUSHED_OUT} THEN NOT {IS_RECORDED}
    ELSE {_MANY_WROTE} END"""


def recorded(version: str, deleted: str = "0") -> str:
    """`session.writes` with the record of the write.

    Citus 13.2 ends with a segmentation fault where what a column is set to is a slice, not CASE.
    """
    record = f"ARRAY[%(slot)s::bigint, %(number)s::bigint, {version}, {deleted}]"
    return f"""CASE WHEN {PLACE} IS NULL THEN ({record} || writes)[:{FULL}]
        ELSE {record} || writes[:{PLACE} - 1] || writes[{PLACE} + {RECORD}:] END"""


# The limit for locks holds for this transaction alone. It is set before the first row is locked. A
# backend whose client has gone gives up, too.
IS_PATIENT: Final = dialect.patience()
IS_PATIENT_WITHOUT_ROW: Final = dialect.patience("")

TOO_LATE: Final = "this write came after its deadline"
"""A part of the message of the error that `IN_TIME` raises."""

# `IN_TIME` is evaluated when the session's row is locked already. So a write that is late because
# its backend was frozen, or waited for the lock, is undone. If it is frozen later than here, it
# holds the lock: nobody else can write to the session before it commits. A condition in a WHERE
# would be evaluated before the lock, and not again if the one who held the lock has not changed the
# row.
_IS_LATE: Final = dialect.refused(f"'{TOO_LATE}; version '", of="session.version", to="bigint")
IN_TIME: Final = f"""CASE WHEN {dialect.clock()} < to_timestamp(%(deadline)s::float8)
    THEN session.version ELSE {_IS_LATE} END"""

OVER_KEYS: Final = "over max_keys: "
OVER_BYTES: Final = "over max_session_bytes: "
"""Parts of the messages of the errors that `_FITS` raises. What the session would hold follows."""

# `session.keys` and `session.bytes` count the rows in `entry` that hold a value, and their sizes,
# those included whose ttl is over. A write changes them in its own transaction, and `_FITS` is
# evaluated after that change. A write that has added something, and comes over a limit, raises an
# error, and so is undone. A write that takes something away is stored, also if the limit was
# lowered since.
_IS_OVER_KEYS: Final = dialect.refused(f"'{OVER_KEYS}'", of="session.keys", to="bigint")
_IS_OVER_BYTES: Final = dialect.refused(f"'{OVER_BYTES}'", of="session.bytes", to="bigint")
_FITS: Final = f"""CASE WHEN {{keys}} > 0 AND session.keys > %(max_keys)s::bigint
    THEN {_IS_OVER_KEYS}
    WHEN {{bytes}} > 0 AND session.bytes > %(max_bytes)s::bigint
    THEN {_IS_OVER_BYTES}
    ELSE {{otherwise}} END"""


def fits(otherwise: str, *, of: str = "grown") -> str:
    """The value `otherwise`, unless the session comes over a limit by what `of` adds."""
    fits = _FITS.replace("{keys}", f"{of}.keys").replace("{bytes}", f"{of}.bytes")
    return fits.replace("{otherwise}", otherwise)


# Every write locks the session's row first. So versions are in the order of commits. If the new
# version is %(known)s plus one, nobody else has written since the caller's cache was read.
_LOCKED: Final = f"""locked AS (
    UPDATE {{schema}}.session
    SET version = version + 1, writes = {recorded("version + 1")}{{grown}}
    WHERE id = %(id)s AND {IS_PATIENT} AND {session.USABLE} AND {session.HAS_SHAPE} AND {IS_NEW}
    RETURNING {{answer}} AS version
)"""

# A write that may change nothing, or counts what it changes, locks the session's row first and
# writes it last: what is recorded has been done.
_LOCKED_FIRST: Final = f"""locked AS MATERIALIZED (
    SELECT version + 1 AS version{{more}} FROM {{schema}}.session
    WHERE id = %(id)s AND {IS_PATIENT} AND {session.USABLE} AND {session.HAS_SHAPE} AND {IS_NEW}
        {{only_if}}
    FOR NO KEY UPDATE
)"""
RECORDED: Final = f"""
UPDATE {{schema}}.session SET version = version + 1, writes = {recorded("version + 1")}"""
COUNTED: Final = "keys = session.keys + grown.keys, bytes = session.bytes + grown.bytes"
RECORDED_LAST: Final = f"""{RECORDED}, {COUNTED}
FROM grown WHERE id = %(id)s RETURNING {fits(IN_TIME)}"""

# What a write adds to the counters. `entry.old_size` is the size of the value that it has replaced,
# NULL for none. RETURNING knows no old values before PostgreSQL 18, and what a SELECT reads may be
# older than the lock. No row comes where nothing was written. An aggregate takes 3 µs longer than
# the first of these, which is for one row.
GROWN_BY_ONE: Final = """grown AS (
    SELECT (kind IS NOT NULL)::int - (old_size IS NOT NULL)::int AS keys,
        size - coalesce(old_size, 0) AS bytes FROM done
)"""
GROWN: Final = """grown AS (
    SELECT count(kind) - count(old_size) AS keys,
        (sum(size) - coalesce(sum(old_size), 0))::bigint AS bytes FROM done HAVING count(*) > 0
)"""
# What holds no value has no history either.
HAS_NO_HISTORY: Final = """history_at = NULL, history_bytes = 0, run = NULL, undo = '{}',
    redo = '{}'"""
HOLDS_NOTHING: Final = f"keys = 0, bytes = 0, {HAS_NO_HISTORY}"
HELD: Final = "count(*) AS keys, coalesce(sum(size), 0)::bigint AS bytes"
GONE: Final = "count(*) AS keys, coalesce(sum(old_size), 0)::bigint AS bytes"
COUNTED_DOWN: Final = "keys = session.keys - gone.keys, bytes = session.bytes - gone.bytes"

# A caller who knows the size of the value that it replaces can tell what the write adds. So the
# session's row is written once. If there was another value, or none, an error undoes the write.
# Then PUT is sent, which takes the size from the row that it replaces.
NOT_AS_KNOWN: Final = "this write replaces another value than its caller knows"
"""A part of the message of that error."""

_MORE_KEYS: Final = """((%(kind)s::text IS NOT NULL)::int
            - (%(old_size)s::bigint IS NOT NULL)::int)"""
_MORE_BYTES: Final = "(%(size)s::bigint - coalesce(%(old_size)s::bigint, 0))"
COUNTED_AS_KNOWN: Final = f""",
        keys = keys + {_MORE_KEYS}, bytes = bytes + {_MORE_BYTES}"""
FITS_AS_KNOWN: Final = (
    _FITS.replace("{keys}", _MORE_KEYS)
    .replace("{bytes}", _MORE_BYTES)
    .replace("{otherwise}", IN_TIME)
)


def was_as_known(row: str, always: str = "") -> str:
    """The version of an entry that was written, if it has replaced what its caller knows.

    Args:
        row: what was written.
        always: a part with the same version that has a row also if nothing was written.
    """
    return f"""CASE WHEN {row}.old_size IS NOT DISTINCT FROM %(old_size)s::bigint
    THEN {row}.version ELSE {unlike_known(f"{always or row}.version")} END"""


def unlike_known(of: str) -> str:
    """An error: the write replaces another value than its caller knows."""
    return dialect.refused(f"'{NOT_AS_KNOWN}; version '", of=of, to="bigint")


_NEW_SESSION: Final = """
INSERT INTO {schema}.session (id, app, scope, version, token_hash, created_at, seen_at,
    expires_at, writes, epoch, login_hash, shape, keys, bytes{columns})"""

# The first write of a session creates its row, unless another tab has just done so.
_CREATED: Final = f"""locked AS ({_NEW_SESSION}
    SELECT %(id)s::uuid, %(app)s::text, %(scope)s::text, 1, %(hash)s::bytea, now(), now(),
        now() + {session.LIFETIME_OF_NEW}, ARRAY[%(slot)s::bigint, %(number)s::bigint, 1, 0],
        {session.FIRST_EPOCH}, %(login)s::bytea, %(new_shape)s::int, {{keys}}, {{bytes}}{{values}}
    WHERE {IS_PATIENT_WITHOUT_ROW}
    ON CONFLICT (id) DO NOTHING RETURNING {fits(IN_TIME, of="session")} AS version{{more}}
)"""


def created(
    *, keys: str = "0", bytes: str = "0", columns: str = "", values: str = "", more: str = ""
) -> str:
    """The part that makes the session's row with these counters, and with further columns."""
    parts = {"keys": keys, "bytes": bytes, "columns": columns, "values": values, "more": more}
    part = _CREATED
    for name, text in parts.items():
        part = part.replace(f"{{{name}}}", text)
    return part


KEYS_GIVEN: Final = "cardinality(array_remove(%(kind)b::text[], NULL))"
BYTES_GIVEN: Final = "(SELECT sum(n) FROM unnest(%(size)b::bigint[]) AS n)"
CREATED_EMPTY: Final = created()
CREATED_WITH_ENTRIES: Final = created(keys=KEYS_GIVEN, bytes=BYTES_GIVEN)


def locked(grown: str = "", answer: str = IN_TIME) -> str:
    """The part that locks the session's row and records the write in it."""
    return _LOCKED.replace("{grown}", grown).replace("{answer}", answer)


def locked_first(only_if: str = "", more: str = "") -> str:
    """The part that locks the session's row. `RECORDED_LAST` or another one records the write."""
    return _LOCKED_FIRST.replace("{only_if}", only_if).replace("{more}", more)
