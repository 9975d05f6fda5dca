"""History: what a version of a key replaced, when it expires, and which run made it.

A session knows up to which version its history is whole, how much that holds, and which runs undo
and redo go to. All columns are NULL or have constant defaults, so no row is rewritten. The index on
`revision` has rows of large values only, the other one rows with a ttl.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

RUNS = {
    "undo": "the first versions of the runs that undo takes back, the next one first",
    "redo": "as undo: those that redo makes again",
}
INDEXES = (
    ("revision_bodies", ["session_id", "digest"], "digest IS NOT NULL"),
    ("revision_expires", ["expires_at"], "expires_at IS NOT NULL"),
)


def upgrade() -> None:
    schema = context.get_context().version_table_schema
    for column in of_session():
        op.add_column("session", column, schema=schema)
    op.add_column("entry", of_entry(), schema=schema)
    for column in of_revision():
        op.add_column("revision", column, schema=schema)
    for name, columns, where in INDEXES:
        op.create_index(name, "revision", columns, schema=schema, postgresql_where=sa.text(where))
    op.create_table_comment(
        "revision", "The last versions of each key, where the setting history is on.", schema=schema
    )


def downgrade() -> None:
    schema = context.get_context().version_table_schema
    # The version before never reads these rows, and would delete bodies that they refer to.
    op.execute(f'DELETE FROM "{schema}".revision')  # noqa: S608 - a checked name
    for name, *_ in INDEXES:
        op.drop_index(name, "revision", schema=schema)
    for column in of_revision():
        op.drop_column("revision", column.name, schema=schema)
    op.drop_column("entry", of_entry().name, schema=schema)
    for column in of_session():
        op.drop_column("session", column.name, schema=schema)
    op.create_table_comment("revision", "Older values. Not used in this version.", schema=schema)


def of_session() -> list[sa.Column]:
    return [
        sa.Column(
            "history_at",
            sa.BigInteger,
            comment="the version up to which revision has all versions; NULL: it has none",
        ),
        sa.Column(
            "history_bytes",
            sa.BigInteger,
            nullable=False,
            server_default=sa.text("0"),
            comment="the sizes in revision",
        ),
        sa.Column("run", sa.BigInteger, comment="which run of a script wrote last, with history"),
        *(
            sa.Column(
                name,
                ARRAY(sa.BigInteger),
                nullable=False,
                server_default=sa.text("'{}'"),
                comment=said,
            )
            for name, said in RUNS.items()
        ),
    ]


def of_entry() -> sa.Column:
    return sa.Column(
        "old_version", sa.BigInteger, comment="the version that its last write replaced"
    )


def of_revision() -> list[sa.Column]:
    return [
        sa.Column("expires_at", sa.DateTime(timezone=True), comment="as in entry"),
        sa.Column("ttl", sa.Double, comment="as in entry"),
        sa.Column(
            "old_size",
            sa.BigInteger,
            comment="of the value that it replaced; NULL: there was none",
        ),
        sa.Column(
            "old_version",
            sa.BigInteger,
            comment="the version that it replaced; NULL: the first",
        ),
        sa.Column("run", sa.BigInteger, comment="the first version of the run whose result it is"),
        sa.Column("undone", sa.BigInteger, comment="the run that was taken back from it, for redo"),
    ]
