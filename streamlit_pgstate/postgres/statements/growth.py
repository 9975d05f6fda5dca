"""Statements about growth: how large the tables are, and what takes the most room.

A cleanup runs those that write. None of them takes longer as the tables grow.
"""

# ruff: noqa: S608 - statements are joined from constants; only a checked schema name is inserted

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from streamlit_pgstate.postgres.statements.parts import dialect

# The size of a file is known without reading it. The rows are estimated as the planner does it:
# those that VACUUM or ANALYZE has found on each page, times the pages that there are now. A table
# of up to 8 MiB is counted, because it may never have been analysed.
_COUNTED: Final = 8 * 2**20


def whose(oid: str) -> str:
    """The row of one table in the catalogue."""
    return f"FROM pg_class WHERE oid = {oid}"


def rows_of(name: str, whose: str) -> str:
    """A query for the number of rows of one table."""
    return f"""SELECT CASE WHEN pg_relation_size(oid) <= {_COUNTED}
            THEN (SELECT count(*) FROM {name})
            WHEN relpages = 0 THEN 0 ELSE greatest(0, reltuples / relpages
                * pg_relation_size(oid) / current_setting('block_size')::int)::bigint END {whose}"""


def _rows(table: str) -> str:
    name = f"{{schema}}.{table}"
    return f"""({rows_of(name, whose(f"'{name}'::regclass"))})"""


def _bytes(table: str) -> str:
    return dialect.size_of(f"'{{schema}}.{table}'")


_NAMES: Final = (
    *("sessions", "entries", "revisions"),
    *("session_bytes", "entry_bytes", "body_bytes", "revision_bytes"),
)
_COLUMNS: Final = ", ".join(_NAMES)


def figures(rows: Callable[[str], str]) -> str:
    """A query for all figures, with an expression for the number of rows of a table."""
    numbers = (rows("session"), rows("entry"), rows("revision"))
    sizes = (_bytes("session"), _bytes("entry"), _bytes("body"), _bytes("revision"))
    return f"""
SELECT now(), {", ".join((*numbers, *sizes))}"""


FIGURES: Final = figures(_rows)
# Measured by FIGURES. One row for the present hour and one for the present day, whose figures are
# the last ones.
NOTE_GROWTH: Final = f"""
INSERT INTO {{schema}}.growth AS g (grain, at, measured_at, {_COLUMNS})
SELECT grain, date_trunc(grain, %(at)s::timestamptz AT TIME ZONE 'UTC') AT TIME ZONE 'UTC',
    %(at)s::timestamptz, {", ".join(f"%({name})s::bigint" for name in _NAMES)}
FROM unnest(ARRAY['hour', 'day']) AS grain
ON CONFLICT (grain, at) DO UPDATE SET measured_at = excluded.measured_at,
    sessions = excluded.sessions, entries = excluded.entries, revisions = excluded.revisions,
    session_bytes = excluded.session_bytes, entry_bytes = excluded.entry_bytes,
    body_bytes = excluded.body_bytes, revision_bytes = excluded.revision_bytes"""
# 336 rows of hours and 367 of days stay.
TRIM_GROWTH: Final = """
DELETE FROM {schema}.growth
WHERE grain = 'hour' AND at < now() - interval '14 days' OR at < now() - interval '366 days'"""
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
    {size} / current_setting('block_size')::int)))""".replace(
    "{size}", dialect.size_of("'{schema}.entry'", with_indexes=False)
)
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
