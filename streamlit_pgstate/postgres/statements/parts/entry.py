"""Parts about entries: the rows of keys and values."""

# ruff: noqa: S608 - statements are joined from constants; only a checked schema name is inserted

from __future__ import annotations

from typing import Final

from streamlit_pgstate.postgres.cipher import MAGIC, OVERHEAD
from streamlit_pgstate.postgres.statements.parts import dialect

# A deleted key leaves its row, without a value, so that other caches see the deletion. Such a row
# is called a tombstone.
EMPTIED: Final = """kind = NULL, size = 0, changed_at = now(), expires_at = NULL, value = NULL,
    body = NULL, digest = NULL, old_size = CASE WHEN kind IS NOT NULL THEN size END"""
TOMBSTONE: Final = f"{EMPTIED}, ttl = NULL"

# If somebody has deleted the row of a session by hand, its entries are still there. They do not
# come back with a new row.
FORMER_ENTRIES: Final = f"""UPDATE {{schema}}.entry SET version = locked.version, {TOMBSTONE}
    FROM locked WHERE session_id = %(id)s"""

ONE: Final = """(SELECT %(key)s::text AS key, %(kind)s::text AS kind, %(size)s::bigint AS size,
    %(text)s::text AS text, %(body)s::bytea AS body, %(digest)s::bytea AS digest,
    %(ttl)s::float8 AS ttl)"""
MANY: Final = """unnest(%(key)b::text[], %(kind)b::text[], %(size)b::bigint[], %(text)b::text[],
    %(body)b::bytea[], %(digest)b::bytea[], %(ttl)b::float8[])"""

NEW_ENTRY: Final = """
INSERT INTO {schema}.entry AS e (session_id, key, version, kind, size, changed_at, expires_at,
    ttl, value, body, digest)"""

# Refers to `excluded` and the row only, not to now(), so that it can be sent to a shard as it is.
OVER_THE_OLD: Final = """
ON CONFLICT (session_id, key) DO UPDATE SET version = excluded.version, kind = excluded.kind,
    size = excluded.size, changed_at = excluded.changed_at, expires_at = excluded.expires_at,
    ttl = excluded.ttl, value = excluded.value, body = excluded.body, digest = excluded.digest,
    old_size = CASE WHEN e.kind IS NOT NULL THEN e.size END, old_version = e.version"""
OLD_HOLDS_NOTHING: Final = "(e.kind IS NULL OR e.expires_at <= excluded.changed_at)"

EXPIRED: Final = "expires_at <= now()"

HAS_NOT_EXPIRED: Final = "(expires_at IS NULL OR expires_at > now())"
HOLDS_A_VALUE: Final = f"kind IS NOT NULL AND {HAS_NOT_EXPIRED}"
# The ttl of the tombstone of a value: 0 if its own ttl was over, else NULL. It would be CASE, in
# which a distributed engine refuses now().
TTL_OF_TOMBSTONE: Final = f"nullif({HAS_NOT_EXPIRED}::int, 1)"

# The ttl counts from when the value is written. now() would be when the transaction began, before
# it waited for the lock of the session's row.
EXPIRY: Final = dialect.later(dialect.clock("locked.version"), "make_interval(secs => {ttl})")

# The entry holds a large value already, of which only the expiry changes.
HOLDS_IT: Final = f"""AND EXISTS (SELECT FROM {{schema}}.entry
    WHERE session_id = %(id)s AND key = %(key)s AND version = %(expected)s::bigint
        AND digest = %(digest)s AND {HAS_NOT_EXPIRED})"""
RENEWED: Final = f"""version = locked.version, changed_at = now(),
        expires_at = {EXPIRY.replace("{ttl}", "%(ttl)s::float8")}, ttl = %(ttl)s::float8"""

_ENTRIES: Final = f"""{NEW_ENTRY}
SELECT %(id)s, new.key, locked.version, new.kind, new.size, now(),
    {EXPIRY.replace("{ttl}", "new.ttl")}, new.ttl, new.text::json, new.body, new.digest
FROM locked, {{new}} AS new(key, kind, size, text, body, digest, ttl){{if_there}}{OVER_THE_OLD}
{{where}} RETURNING {{answer}}"""

# The entry still has the version that modify() started from; 0 stands for no value.
IF_EXPECTED: Final = f"""WHERE %(expected)s::bigint = CASE
    WHEN {OLD_HOLDS_NOTHING} THEN 0 ELSE e.version END"""

# The condition of ON CONFLICT is not evaluated if there is no row. There may be none, though the
# caller's cache has one: a cleanup has deleted it since.
_IF_THERE: Final = """
WHERE %(expected)s::bigint = 0 OR EXISTS (SELECT FROM {schema}.entry old
    WHERE old.session_id = %(id)s AND old.key = new.key)"""

# The same condition, checked before bodies are deleted: a write that does nothing must delete
# none.
AS_EXPECTED: Final = f"""AND %(expected)s::bigint = coalesce((
    SELECT version FROM {{schema}}.entry WHERE session_id = %(id)s AND key = ANY (%(key)b::text[])
        AND {HOLDS_A_VALUE}), 0)"""


def written(new: str, where: str = "", answer: str = "kind, size, old_size") -> str:
    """The part that writes entries from `ONE` or `MANY`, if `where` holds of those before."""
    if_there = _IF_THERE if where else ""
    with_new = _ENTRIES.replace("{new}", new).replace("{where}", where)
    return with_new.replace("{if_there}", if_there).replace("{answer}", answer)


# The entry is encrypted, by whatever key: it opens in its own session only.
IS_SEALED: Final = f"""(value IS NULL AND body IS NOT NULL
    AND substr(body, 1, {len(MAGIC)}) = '\\x{MAGIC.hex()}'
    AND (digest IS NOT NULL OR octet_length(body) = size + {OVERHEAD}))"""

SEALED_ANEW: Final = """
    unnest(%(key)b::text[], %(body)b::bytea[], %(digest)b::bytea[]) AS new(key, body, digest)"""
