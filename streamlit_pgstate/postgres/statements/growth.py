"""Statements about growth: how large the tables are, and what takes the most room.

A cleanup runs those that write. None of them takes longer as the tables grow.
"""

# ruff: noqa: S608 - statements are joined from constants; only a checked schema name is inserted

from __future__ import annotations

from typing import Final

# The size of a file is known without reading it. The rows are estimated as the planner does it:
# those that VACUUM or ANALYZE has found on each page, times the pages that there are now. A table
# of up to 8 MiB is counted, because it may never have been analysed.
_COUNTED: Final = 8 * 2**20


def _of(table: str, figure: str) -> str:
    return f"(SELECT {figure} FROM pg_class WHERE oid = '{{schema}}.{table}'::regclass)"


def _rows(table: str) -> str:
    return _of(
        table,
        f"""CASE WHEN pg_relation_size(oid) <= {_COUNTED}
            THEN (SELECT count(*) FROM {{schema}}.{table})
            WHEN relpages = 0 THEN 0 ELSE greatest(0, reltuples / relpages
                * pg_relation_size(oid) / current_setting('block_size')::int)::bigint END""",
    )


def _bytes(table: str) -> str:
    return _of(table, "pg_total_relation_size(oid)")


_COLUMNS: Final = """sessions, entries, revisions, session_bytes, entry_bytes, body_bytes,
    revision_bytes"""
FIGURES: Final = f"""
SELECT now(), {_rows("session")}, {_rows("entry")}, {_rows("revision")},
    {_bytes("session")}, {_bytes("entry")}, {_bytes("body")}, {_bytes("revision")}"""

# One row for the present hour and one for the present day, whose figures are the last ones.
NOTE_GROWTH: Final = f"""
INSERT INTO {{schema}}.growth AS g (grain, at, measured_at, {_COLUMNS})
SELECT grain, date_trunc(grain, now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC', figures.*
FROM unnest(ARRAY['hour', 'day']) AS grain, ({FIGURES}) AS figures
ON CONFLICT (grain, at) DO UPDATE SET measured_at = excluded.measured_at,
    sessions = excluded.sessions, entries = excluded.entries, revisions = excluded.revisions,
    session_bytes = excluded.session_bytes, entry_bytes = excluded.entry_bytes,
    body_bytes = excluded.body_bytes, revision_bytes = excluded.revision_bytes"""
# 336 rows of hours and 367 of days stay.
TRIM_GROWTH: Final = """
DELETE FROM {schema}.growth
WHERE at < now() - CASE grain WHEN 'hour' THEN interval '14 days' ELSE interval '366 days' END"""
GROWTH: Final = f"""
SELECT at, measured_at, {_COLUMNS} FROM {{schema}}.growth WHERE grain = %(name)s::text
ORDER BY at"""

# Some sessions, in the order of their ids, and how much each holds.
WALK_SESSIONS: Final = """
SELECT id, CASE WHEN revoked_at IS NULL THEN bytes + history_bytes ELSE 0 END
FROM {schema}.session WHERE id > %(after)s::uuid ORDER BY id LIMIT %(limit)s"""
# Reads some pages of `entry` by chance: all of them in a small table. The last two columns are how
# many values it has found, and which share of the table it has read.
_SHARE: Final = """least(1, %(pages)s::float8 / (SELECT greatest(1,
    pg_relation_size('{schema}.entry'::regclass) / current_setting('block_size')::int)))"""
SAMPLE_KEYS: Final = f"""
SELECT key, count(*), sum(size)::bigint, (sum(count(*)) OVER ())::bigint, {_SHARE}
FROM {{schema}}.entry TABLESAMPLE SYSTEM (100 * {_SHARE})
WHERE kind IS NOT NULL GROUP BY key ORDER BY 3 DESC, key LIMIT %(limit)s"""
NOTED_LARGEST: Final = """
SELECT value FROM {schema}.setting WHERE name = 'largest ' || current_user"""
NOTE_LARGEST: Final = """
INSERT INTO {schema}.setting (name, value) VALUES ('largest ' || current_user, %(text)s::text)
ON CONFLICT (name) DO UPDATE SET value = excluded.value"""
SESSIONS_HELD: Final = """
SELECT id, bytes + history_bytes FROM {schema}.session
WHERE id = ANY (%(ids)b::uuid[]) AND revoked_at IS NULL"""
