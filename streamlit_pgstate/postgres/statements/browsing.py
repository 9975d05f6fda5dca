"""Statements of the inspector: each reads one page, by an index, and changes nothing."""

from __future__ import annotations

from typing import Final

from streamlit_pgstate.postgres.statements.parts import entry

_KEYS: Final = """
SELECT key, version, kind, size, changed_at, expires_at FROM {schema}.entry
WHERE session_id = %(id)s"""
# A range of the primary key. Values are not read.
KEYS_BY_NAME: Final = f"""{_KEYS} AND key > %(after_key)s AND {entry.HOLDS_A_VALUE}
ORDER BY key LIMIT %(limit)s"""
# All rows of one session, of which there are at most `max_keys`.
KEYS_BY_SIZE: Final = f"""{_KEYS} AND (size, key) < (%(size)s::bigint, %(after_key)s)
    AND {entry.HOLDS_A_VALUE} ORDER BY size DESC, key DESC LIMIT %(limit)s"""

# Keys of which there is a history, those without a value included.
REVISED_KEYS: Final = """
SELECT DISTINCT key FROM {schema}.revision WHERE session_id = %(id)s ORDER BY key"""

# How much expires in each of some spans of seconds from now, at most %(limit)s of each span. With
# ORDER BY the index on the expiry is read in its order, and no further than the limit. The
# conditions are those of the indexes, so the rows themselves are mostly not read.
SPANS: Final = """unnest(%(begins)b::float8[], %(ends)b::float8[]) WITH ORDINALITY
    AS span(begins, ends, number)"""
OF_SESSIONS: Final = {"table": "session", "condition": "revoked_at IS NULL"}
OF_VALUES: Final = {"table": "entry", "condition": "expires_at IS NOT NULL"}
_AHEAD: Final = """
SELECT (SELECT count(*) FROM (
    SELECT FROM {{schema}}.{table}
    WHERE expires_at > now() + make_interval(secs => span.begins)
        AND expires_at <= now() + make_interval(secs => span.ends) AND {condition}
    ORDER BY expires_at LIMIT %(limit)s) AS due)
FROM {spans}
ORDER BY span.number"""
SESSIONS_AHEAD: Final = _AHEAD.format(spans=SPANS, **OF_SESSIONS)
VALUES_AHEAD: Final = _AHEAD.format(spans=SPANS, **OF_VALUES)
# What the planner estimates for one span. It reads the statistics, and no rows. With the condition
# of the index of `entry` it would count twice that few values have an expiry.
_ESTIMATE: Final = """
EXPLAIN (FORMAT JSON) SELECT FROM {{schema}}.{table}
WHERE expires_at > now() + make_interval(secs => %(begins)s::float8)
    AND expires_at <= now() + make_interval(secs => %(ends)s::float8) AND {condition}"""
SESSIONS_AHEAD_ESTIMATED: Final = _ESTIMATE.format(table="session", condition="revoked_at IS NULL")
VALUES_AHEAD_ESTIMATED: Final = _ESTIMATE.format(table="entry", condition="kind IS NOT NULL")
