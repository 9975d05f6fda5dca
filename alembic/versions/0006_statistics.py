"""Statistics: how many entries a session has, so that the plan of a page load is made once.

PostgreSQL keeps the plan of a prepared statement only if it is not much dearer than one that is
made for the parameters at hand. While the statistics list all sessions of a small app, a session
that is newer than they are seems to have one entry, and a plan for it cheap. So READ and DELETE
were planned at each call: 200 µs of the server's CPU instead of 50. Now the statistics list one
session at most, and every other one has the average. No row is written.
"""

from __future__ import annotations

from alembic import context, op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ENTRIES_OF_A_SESSION = 20
"""The planner's guess. It counts for nothing else: each plan names a session."""


def upgrade() -> None:
    _of_sessions("SET STATISTICS 1", f"SET (n_distinct = {-1 / ENTRIES_OF_A_SESSION})")


def downgrade() -> None:
    _of_sessions("SET STATISTICS -1", "RESET (n_distinct)")


def _of_sessions(*changes: str) -> None:
    schema = context.get_context().version_table_schema
    alone = [f"ALTER COLUMN session_id {change}" for change in changes]
    op.execute(f'ALTER TABLE "{schema}".entry {", ".join(alone)}')
    # ANALYZE reads the table anew: at once, so that nobody waits for autovacuum.
    op.execute(f'ANALYZE "{schema}".entry (session_id)')
