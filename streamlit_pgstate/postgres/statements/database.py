"""Statements about the database and its connections, and the table `setting`."""

# ruff: noqa: S608 - statements are joined from constants; only a checked schema name is inserted

from __future__ import annotations

from typing import Final

from streamlit_pgstate.postgres.statements.parts import dialect, entry, write

# For operators, over all apps of the schema. Reads every row of `session` and `entry` once.
TOTALS: Final = f"""
SELECT (SELECT count(*) FROM {{schema}}.session WHERE revoked_at IS NULL AND expires_at > now()),
    held.keys, held.bytes,
    (SELECT sum({dialect.size_of("'{schema}.' || name")})::bigint
        FROM unnest(ARRAY['session', 'entry', 'body', 'revision']) AS name)
FROM (
    SELECT {write.HELD} FROM {{schema}}.entry WHERE {entry.HOLDS_A_VALUE}
) AS held"""

# A new connection: whether a pooler is in between, the server's clock, and the limits of the role.
SERVER: Final = """
SELECT pg_backend_pid(), extract(epoch FROM clock_timestamp())::float8,
    extract(epoch FROM current_setting('lock_timeout')::interval)::float8,
    extract(epoch FROM current_setting('statement_timeout')::interval)::float8,
    extract(epoch FROM current_setting('idle_in_transaction_session_timeout')::interval)::float8"""
CLOCK: Final = "SELECT extract(epoch FROM clock_timestamp())::float8"

# The limits of a transaction of several statements. They end it if its client is frozen or gone.
LIMITS: Final = """
SELECT set_config('statement_timeout', %(for_statement)s, true),
    set_config('idle_in_transaction_session_timeout', %(when_idle)s, true)"""

# The signing key, the identity, and which copy of the database this is. A copy from a template has
# another oid, one by a dump another oid of the table and another xmin of the row, and one of the
# server's files another address, port or folder, which only a superuser sees. All of these stay
# when the server is restarted. A `system_identifier` is the same in a copy of the files, and not
# every role may read it.
IDENTITY: Final = """
SELECT (SELECT value FROM {schema}.setting WHERE name = 'signing_key'), s.value,
    concat_ws('.', d.oid, s.tableoid, s.xmin, inet_server_addr(), current_setting('port'),
        (SELECT setting FROM pg_settings WHERE name = 'data_directory'))
FROM pg_database AS d LEFT JOIN {schema}.setting AS s ON s.name = 'identity'
WHERE d.datname = current_database()"""

# Which apps `pgstate.App` has ever served.
HTTP_ONLY: Final = "SELECT 1 FROM {schema}.setting WHERE name = %(name)s"
NOTE_HTTP_ONLY: Final = """
INSERT INTO {schema}.setting (name, value) VALUES (%(name)s, 'true')
ON CONFLICT (name) DO NOTHING"""
