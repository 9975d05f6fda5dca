"""The shape of what a session holds, by the number that the app gives it.

NULL is the shape of an app that gives it none, so no row is rewritten, and the version before goes
on meanwhile. It does not know shapes: it writes into sessions of any.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import context, op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    schema = context.get_context().version_table_schema
    op.add_column(
        "session",
        sa.Column(
            "shape", sa.Integer, comment="the setting `shape` of who has stored them; NULL: 1"
        ),
        schema=schema,
    )


def downgrade() -> None:
    schema = context.get_context().version_table_schema
    op.drop_column("session", "shape", schema=schema)
