"""Statements that distribute the tables by Citus. `distribution` fills them, so `of` has none.

Each may be run again: it does nothing where it was done.
"""

from __future__ import annotations

from typing import Final

# `parts/dialect.py` says what these functions are for. They are called with a column of a row, so
# neither the planner nor the coordinator evaluates them, though they are declared immutable. In
# PL/pgSQL they are not inlined. Citus makes them on every server, and on each that is added later.
CLOCK_AT: Final = """
CREATE OR REPLACE FUNCTION {schema}.clock_at(of_row bigint) RETURNS timestamptz
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS
$$BEGIN RETURN clock_timestamp(); END$$"""
SERVER_AT: Final = """
CREATE OR REPLACE FUNCTION {schema}.server_at(of_row bigint) RETURNS bigint
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS
$$BEGIN RETURN (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint; END$$"""
WAIT_AT_MOST: Final = """
CREATE OR REPLACE FUNCTION {schema}.wait_at_most(of_row bigint, milliseconds text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE AS
$$BEGIN PERFORM set_config('lock_timeout', milliseconds, true); RETURN true; END$$"""

# One server after the other, as a transaction that has made tables on all must go on so.
ONE_BY_ONE: Final = "SET LOCAL citus.multi_shard_modify_mode = 'sequential'"

_IS_NOT_YET: Final = """
WHERE NOT EXISTS (
    SELECT FROM pg_dist_partition WHERE logicalrelid = '{schema}.{table}'::regclass)"""
DISTRIBUTE: Final = f"""
SELECT create_distributed_table('{{schema}}.{{table}}', '{{column}}', colocate_with => '{{with}}')
{_IS_NOT_YET.strip()}"""
# Its rows are on every server.
COPY_TO_ALL: Final = f"""
SELECT create_reference_table('{{schema}}.{{table}}')
{_IS_NOT_YET.strip()}"""
# What a table held before it was distributed stays beside its shards, where nobody reads it.
DROP_LOCAL_ROWS: Final = """
SELECT truncate_local_data_after_distributing_table('{schema}.{table}')"""

# The last of the functions: with it all is done.
IS_DISTRIBUTED: Final = (
    "to_regprocedure(format('%%I.wait_at_most(bigint, text)', %s::text)) IS NOT NULL"
)
"""Whether the tables of a schema are distributed."""

CITUS: Final = """
SELECT split_part(extversion, '.', 1)::int FROM pg_extension WHERE extname = 'citus'"""
"""The major version of Citus in this database; no row without it."""
