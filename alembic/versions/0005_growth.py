"""Growth: how large the tables were, hour by hour and day by day; and the sessions by their age.

A cleanup fills the table, which has at most 710 rows. The index lets an operator page through the
sessions by age. No write changes `created_at`, so writes stay HOT.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import context, op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
NUMBERS = {
    "sessions": "rows of session, mostly an estimate of the planner",
    "entries": "rows of entry, likewise",
    "revisions": "rows of revision, likewise",
    "session_bytes": "on disk, with indexes",
    "entry_bytes": "on disk, with indexes",
    "body_bytes": "on disk, with indexes",
    "revision_bytes": "on disk, with indexes",
}


def upgrade() -> None:
    schema = context.get_context().version_table_schema
    op.create_table(
        "growth",
        sa.Column("grain", sa.Text, comment="hour or day: which period the row is of"),
        sa.Column("at", TIME, comment="when the period begins"),
        sa.Column("measured_at", TIME, nullable=False, comment="the last cleanup in the period"),
        *(
            sa.Column(name, sa.BigInteger, nullable=False, comment=said)
            for name, said in NUMBERS.items()
        ),
        sa.PrimaryKeyConstraint("grain", "at"),
        schema=schema,
        comment="How large the tables were. A cleanup notes it.",
    )
    op.create_index(
        "session_created",
        "session",
        ["created_at"],
        schema=schema,
        postgresql_where=sa.text("revoked_at IS NULL"),
    )


def downgrade() -> None:
    schema = context.get_context().version_table_schema
    op.drop_index("session_created", "session", schema=schema)
    op.drop_table("growth", schema=schema)
