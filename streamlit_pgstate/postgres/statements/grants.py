"""Statements about what a role may do with the tables. `grants` fills them, so `of` has none."""

from __future__ import annotations

from typing import Final

GRANT_SCHEMA: Final = "GRANT USAGE ON SCHEMA {schema} TO {role}"
GRANT_TABLE: Final = "GRANT {privileges} ON TABLE {schema}.{table} TO {role}"

# Whether there is the role, and whether it owns the tables or is a superuser, so that it may do
# everything.
ROLE: Final = """
SELECT rolsuper OR EXISTS (
    SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = %(schema)s::text AND c.relkind = 'r'
        AND pg_has_role(r.oid, c.relowner, 'USAGE')
) FROM pg_roles AS r WHERE rolname = %(role)s::text"""

# Which of the privileges a role lacks, or the current user if `role` is null: pairs of a table and
# a privilege. An empty name is the schema. What is not there counts as granted. All are found by
# their oids, as the name of a table is not looked up without USAGE.
MISSING: Final = """
SELECT wanted.name, wanted.privilege
FROM unnest(%(names)b::text[], %(privileges)b::text[])
    WITH ORDINALITY AS wanted(name, privilege, number),
    (SELECT coalesce(%(role)s::text, current_user)::name AS role) AS asked
WHERE NOT CASE WHEN wanted.name = ''
    THEN (SELECT has_schema_privilege(asked.role, oid, wanted.privilege)
        FROM pg_namespace WHERE nspname = %(schema)s::text)
    ELSE (SELECT has_table_privilege(asked.role, c.oid, wanted.privilege)
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = %(schema)s::text AND c.relname = wanted.name) END
ORDER BY wanted.number"""


# Whether the database refuses to write, as a standby does.
ONLY_READS: Final = "SELECT current_setting('transaction_read_only')::boolean"
