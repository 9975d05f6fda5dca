"""Statements by which an operator looks at sessions. They lock nothing and change nothing."""

# ruff: noqa: S608 - statements are joined from constants; only a checked schema name is inserted

from __future__ import annotations

from typing import Final

from streamlit_pgstate.postgres.statements.cleanup import ENDED
from streamlit_pgstate.postgres.statements.parts import dialect, entry

_IS_LIVE: Final = "revoked_at IS NULL AND expires_at > now()"

# The counters are in the session's row, so `entry` is not read. A page begins after the last row of
# the page before, so pages are of one order though rows move meanwhile.
_SESSIONS: Final = """
SELECT id, app, scope, keys, bytes, created_at, seen_at, expires_at, revoked_at, copy_of,
    coalesce(shape, 1)
FROM {schema}.session"""
_OF_APP: Final = "(%(app)s::text IS NULL OR app = %(app)s::text)"

# By the index on the expiry. A visit moves the expiry, so those seen last mostly come first.
SESSIONS_BY_EXPIRY: Final = f"""{_SESSIONS}
WHERE {_IS_LIVE} AND (expires_at, id) < (%(at)s::text::timestamptz, %(after)s::uuid) AND {_OF_APP}
ORDER BY expires_at DESC, id DESC LIMIT %(limit)s"""
# By the index on the time of creation, from either end.
SESSIONS_BY_AGE: Final = f"""{_SESSIONS}
WHERE {_IS_LIVE} AND (created_at, id) > (%(at)s::text::timestamptz, %(after)s::uuid) AND {_OF_APP}
ORDER BY created_at, id LIMIT %(limit)s"""
SESSIONS_BY_NEWNESS: Final = f"""{_SESSIONS}
WHERE {_IS_LIVE} AND (created_at, id) < (%(at)s::text::timestamptz, %(after)s::uuid) AND {_OF_APP}
ORDER BY created_at DESC, id DESC LIMIT %(limit)s"""
# No index covers the counters: with one, a write would not stay HOT. So this reads all rows of
# `session`, once, and none of `entry`.
SESSIONS_BY_BYTES: Final = f"""{_SESSIONS}
WHERE {_IS_LIVE} AND (bytes, id) < (%(at)s::text::bigint, %(after)s::uuid) AND {_OF_APP}
ORDER BY bytes DESC, id DESC LIMIT %(limit)s"""
SESSIONS_OF: Final = f"""{_SESSIONS}
WHERE id = ANY (%(ids)b::uuid[]) AND {_IS_LIVE} ORDER BY bytes DESC, id DESC"""

# What an id begins with is a range of ids. The third tells that there are too many.
SESSIONS_BETWEEN: Final = f"""{_SESSIONS}
WHERE id BETWEEN %(first)s AND %(last)s
ORDER BY NOT ({_IS_LIVE}), id LIMIT 3"""

ENTRIES_AFTER: Final = f"""
SELECT key, version, kind, size, changed_at, expires_at, ttl, value::text, body, digest
FROM {{schema}}.entry
WHERE session_id = %(id)s AND key > %(after_key)s AND {entry.HOLDS_A_VALUE}
ORDER BY key LIMIT %(limit)s"""
ENTRY: Final = f"""
SELECT key, version, kind, size, changed_at, expires_at, ttl, value::text, body, digest
FROM {{schema}}.entry
WHERE session_id = %(id)s AND key = %(name)s AND {entry.HOLDS_A_VALUE}"""

# Reads all rows of `session` once, and none of `entry`: the sessions count what they hold.
OVERVIEW: Final = f"""
SELECT count(*), coalesce(sum(keys), 0)::bigint, coalesce(sum(bytes), 0)::bigint, min(created_at)
FROM {{schema}}.session WHERE {_IS_LIVE}"""
SIZES: Final = f"""
SELECT name, {dialect.size_of("'{schema}.' || name")}
FROM unnest(ARRAY['session', 'entry', 'body', 'revision']) WITH ORDINALITY AS tables(name, number)
ORDER BY number"""
# By the indexes that the cleanup has: how many sessions wait for it, at most %(limit)s of them, and
# since when sessions and values do.
OVERDUE: Final = f"""
SELECT (SELECT count(*)
        FROM (SELECT 1 FROM {{schema}}.session WHERE {ENDED} LIMIT %(limit)s) AS due),
    (SELECT min(expires_at) FROM {{schema}}.session WHERE {ENDED}),
    (SELECT min(expires_at) FROM {{schema}}.entry WHERE {entry.EXPIRED}),
    (SELECT to_timestamp(max(value::float8)) FROM {{schema}}.setting
        WHERE starts_with(name, 'cleaned_up_at ')),
    now()"""

# `pgstate doctor` removes the session that it has made. No browser has ever had its token.
REMOVE_SESSION: Final = """WITH
    entries AS (DELETE FROM {schema}.entry WHERE session_id = %(id)s),
    bodies AS (DELETE FROM {schema}.body WHERE session_id = %(id)s),
    revisions AS (DELETE FROM {schema}.revision WHERE session_id = %(id)s)
DELETE FROM {schema}.session WHERE id = %(id)s"""

# Which backend answers, whether it only reads, its clock, and how many connections there are and
# may be: of the server, of the role, and of the database. -1 is no limit.
SERVER_NOW: Final = """
SELECT pg_backend_pid(), pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean,
    extract(epoch FROM clock_timestamp())::float8,
    (SELECT sum(numbackends) FROM pg_stat_database)::int,
    current_setting('max_connections')::int
        - current_setting('superuser_reserved_connections')::int,
    (SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user),
    (SELECT datconnlimit FROM pg_database WHERE datname = current_database())"""
