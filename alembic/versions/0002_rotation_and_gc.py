"""A rotated token waits for its browser; gc has indexes; writes have ids; an identity.

The copies of a tab's state name what was copied, so that they can be counted.

No index covers a column that an ordinary write changes, so such writes stay HOT. `expires_at` of a
session moves at most hourly. The time of a chunk, the ids of writes and the epoch have constant
defaults: no row is rewritten.
"""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

INDEXES = (
    ("session_expires", "session", "expires_at", "revoked_at IS NULL"),
    ("session_revoked", "session", "revoked_at", "revoked_at IS NOT NULL"),
    ("entry_expires", "entry", "expires_at", "expires_at IS NOT NULL"),
    ("entry_deleted", "entry", "session_id", "kind IS NULL"),
    ("session_copies", "session", "copy_of", "copy_of IS NOT NULL"),
)


def upgrade() -> None:
    schema = context.get_context().version_table_schema
    op.add_column(
        "session",
        sa.Column(
            "pending_hash", sa.LargeBinary, comment="a new token, until a browser presents it"
        ),
        schema=schema,
    )
    op.add_column("session", sa.Column("pending_at", sa.DateTime(timezone=True)), schema=schema)
    op.add_column(
        "session",
        sa.Column(
            "login_hash", sa.LargeBinary, comment="whose login the token is of, as a keyed hash"
        ),
        schema=schema,
    )
    op.add_column(
        "session",
        sa.Column(
            "previous_login",
            sa.LargeBinary,
            comment="the login that has replaced previous_hash, and with which alone it works",
        ),
        schema=schema,
    )
    op.add_column(
        "session",
        sa.Column(
            "writes",
            ARRAY(sa.BigInteger),
            nullable=False,
            server_default=sa.text("'{}'"),
            comment="the last writes: slot, number, version after it, values it deleted",
        ),
        schema=schema,
    )
    op.add_column(
        "session",
        sa.Column(
            "epoch",
            sa.BigInteger,
            nullable=False,
            server_default=sa.text("0"),
            comment="which life of the session: another one after forget, where no token opens it",
        ),
        schema=schema,
    )
    op.add_column(
        "session",
        sa.Column(
            "copy_of", sa.Uuid, comment="the tab's state of which this is a copy, or a copy's copy"
        ),
        schema=schema,
    )
    op.add_column(
        "body",
        sa.Column(
            "sent_at",
            sa.DateTime(timezone=True),
            nullable=False,
            server_default=sa.text("now()"),
            comment="when it was last sent: gc leaves what was sent just now",
        ),
        schema=schema,
    )
    for name, table, column, where in INDEXES:
        op.create_index(name, table, [column], schema=schema, postgresql_where=sa.text(where))
    # The downgrade leaves it there, so that browsers find their tokens after the next upgrade.
    new_identity = sa.text(
        f"""INSERT INTO "{schema}".setting VALUES ('identity', :identity)
            ON CONFLICT (name) DO NOTHING"""  # noqa: S608 - a checked name
    )
    op.execute(new_identity.bindparams(identity=secrets.token_hex(8)))
    comment("previous_hash", "the token before the present one", schema)
    comment("rotated_at", "when the present token replaced it", schema)
    comment("body", "other small values, and all that are encrypted", schema, table="entry")
    comment("digest", "SHA-256 of kind and body, keyed if encrypted", schema, table="body")


def downgrade() -> None:
    schema = context.get_context().version_table_schema
    # A token that was replaced at a login opens nothing.
    op.execute(
        f"""UPDATE "{schema}".session SET previous_hash = NULL
            WHERE previous_login IS NOT NULL"""  # noqa: S608 - a checked name
    )
    # Where a rotation waits for its browser, both tokens go on to work for two minutes.
    op.execute(
        f"""UPDATE "{schema}".session SET previous_hash = token_hash, token_hash = pending_hash,
            rotated_at = now() WHERE pending_hash IS NOT NULL"""  # noqa: S608 - a checked name
    )
    comment("previous_hash", "the one before the last rotate", schema)
    comment("rotated_at", None, schema)
    comment("body", "other small values", schema, table="entry")
    comment("digest", "SHA-256 of kind and body", schema, table="body")
    for name, table, *_ in reversed(INDEXES):
        op.drop_index(name, table, schema=schema)
    op.drop_column("body", "sent_at", schema=schema)
    for column in (
        "copy_of",
        "epoch",
        "writes",
        "previous_login",
        "login_hash",
        "pending_at",
        "pending_hash",
    ):
        op.drop_column("session", column, schema=schema)


def comment(column: str, text: str | None, schema: str | None, *, table: str = "session") -> None:
    op.alter_column(table, column, comment=text, schema=schema)
