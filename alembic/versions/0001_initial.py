"""The first five tables: sessions, entries, bodies of large values, revisions, settings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects.postgresql import JSON

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

KEY = sa.Text(collation="C")
TIME = sa.DateTime(timezone=True)

# seen_at, version and the counters change often, and no index covers them. If each page has free
# space, such updates are HOT: 88-100 % of them at fillfactor 70, 1 % at 100.
ROOM_FOR_HOT_UPDATES = {"session": 70, "entry": 80}

# The client compresses bodies that shrink, so pglz would only cost time: 1 MiB is written in 28 ms
# with it and in 8 ms without.
UNCOMPRESSED = (("body", "data"), ("entry", "body"), ("revision", "body"))


def upgrade() -> None:
    schema = context.get_context().version_table_schema
    op.create_table(
        "session",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("app", sa.Text, nullable=False, comment="the setting `app`"),
        sa.Column("scope", sa.Text, nullable=False, server_default=sa.text("'browser'")),
        sa.Column(
            "version", sa.BigInteger, nullable=False, comment="grows by one with every write"
        ),
        sa.Column("token_hash", sa.LargeBinary, comment="SHA-256 of the token's random part"),
        sa.Column("previous_hash", sa.LargeBinary, comment="the one before the last rotate"),
        sa.Column("rotated_at", TIME),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("seen_at", TIME, nullable=False, comment="moves at most once an hour"),
        sa.Column("expires_at", TIME, nullable=False, comment="moves with seen_at"),
        sa.Column("revoked_at", TIME, comment="forgotten: never used again"),
        schema=schema,
        comment="One container of state: what one token opens.",
    )
    op.create_table(
        "entry",
        sa.Column("session_id", sa.Uuid, nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column(
            "version", sa.BigInteger, nullable=False, comment="session.version of its last write"
        ),
        sa.Column("kind", sa.Text, comment="how it was written; NULL: deleted"),
        sa.Column("size", sa.BigInteger, nullable=False, comment="bytes as encoded"),
        sa.Column("changed_at", TIME, nullable=False),
        sa.Column("expires_at", TIME),
        sa.Column("ttl", sa.Double, comment="seconds, as `set` was given them"),
        sa.Column("value", JSON, comment="small plain values, as readable text"),
        sa.Column("body", sa.LargeBinary, comment="other small values"),
        sa.Column("digest", sa.LargeBinary, comment="large values: their rows in body"),
        sa.PrimaryKeyConstraint("session_id", "key"),
        schema=schema,
        comment="One current value a row.",
    )
    op.create_table(
        "body",
        sa.Column("session_id", sa.Uuid, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False, comment="SHA-256 of kind and body"),
        sa.Column("part", sa.Integer, nullable=False, comment="0, 1, 2, … put together in order"),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("session_id", "digest", "part"),
        schema=schema,
        comment="Bodies of large values in chunks, written once for the same content.",
    )
    op.create_table(
        "revision",
        sa.Column("session_id", sa.Uuid, nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("changed_at", TIME, nullable=False),
        sa.Column("operation", sa.Text, nullable=False),
        sa.Column("kind", sa.Text),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("value", JSON),
        sa.Column("body", sa.LargeBinary),
        sa.Column("digest", sa.LargeBinary),
        sa.PrimaryKeyConstraint("session_id", "key", "version"),
        schema=schema,
        comment="Older values, where history is on.",
    )
    op.create_table(
        "setting",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
        schema=schema,
        comment="What all replicas share.",
    )
    for table, fillfactor in ROOM_FOR_HOT_UPDATES.items():
        op.execute(f'ALTER TABLE "{schema}"."{table}" SET (fillfactor = {fillfactor})')
    for table, column in UNCOMPRESSED:
        op.execute(f'ALTER TABLE "{schema}"."{table}" ALTER COLUMN "{column}" SET STORAGE EXTERNAL')
    # The database makes it, of 244 random bits, so that the printed SQL holds no secret.
    op.execute(
        f"""INSERT INTO "{schema}".setting (name, value) VALUES ('signing_key',
            replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''))"""  # noqa: S608 - a checked name
    )


def downgrade() -> None:
    schema = context.get_context().version_table_schema
    for table in ("setting", "revision", "body", "entry", "session"):
        op.drop_table(table, schema=schema)
