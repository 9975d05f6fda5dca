"""A rotated token waits for its browser; gc has indexes; writes have ids; an identity.

The copies of a tab's state name what was copied, so that they can be counted. A session counts its
keys and bytes, and an entry knows the size of what it replaced, so that limits are exact.

No index covers a column that an ordinary write changes, so such writes stay HOT. `expires_at` of a
session moves at most hourly. The time of a chunk, the ids of writes, the epoch and the counters
have constant defaults: no row is rewritten but those of sessions that hold values, which are
counted.
"""

from __future__ import annotations

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

COUNTERS = {
    "keys": "its rows in entry that hold a value",
    "bytes": "the sizes of these values",
}

REVOKED = "when it was forgotten or moved, or a cleanup found it expired; NULL: none of these"

COMMENTS = {
    "session": {
        "id": "random; for the scopes user and app computed from the name",
        "scope": "browser, tab, user or app: whose state it is",
        "created_at": "of its first write; a copy has that of what was copied",
        "pending_at": "when pending_hash was stored",
    },
    "entry": {
        "session_id": "the id of its session",
        "key": "as the script names it",
        "changed_at": "when it was written or deleted last",
        "expires_at": "from then on it counts as deleted; NULL: never",
    },
    "body": {
        "session_id": "the id of its session",
        "data": "a chunk of the value as encoded, or as encrypted",
    },
    "revision": {
        "session_id": "the id of its session",
        "key": "as in entry",
        "version": "session.version of the write that made it",
        "changed_at": "when it was written",
        "operation": "what made it: a set, a deletion or another verb",
        "kind": "as in entry",
        "size": "as in entry",
        "value": "as in entry",
        "body": "as in entry",
        "digest": "as in entry",
    },
    "setting": {
        "name": "of what is kept: signing_key, identity, and notes of the package",
        "value": "its value as text",
    },
}
"""Of columns that had none: each has one now, which `\\d+` in psql shows."""


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
            comment="the user at whose login previous_hash was replaced: it works for no other",
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
            comment="scopes user and app: another number once it was forgotten or has expired",
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
    for name, said in COUNTERS.items():
        op.add_column(
            "session",
            sa.Column(
                name, sa.BigInteger, nullable=False, server_default=sa.text("0"), comment=said
            ),
            schema=schema,
        )
    op.add_column(
        "entry",
        sa.Column("old_size", sa.BigInteger, comment="of the value that its last write replaced"),
        schema=schema,
    )
    op.execute(
        f"""UPDATE "{schema}".session SET keys = held.keys, bytes = held.bytes
            FROM (
                SELECT session_id, count(*) AS keys, sum(size) AS bytes
                FROM "{schema}".entry WHERE kind IS NOT NULL GROUP BY session_id
            ) AS held
            WHERE id = held.session_id"""  # noqa: S608 - a checked name
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
    op.execute(
        f"""INSERT INTO "{schema}".setting VALUES ('identity',
            left(encode(sha256(gen_random_uuid()::text::bytea), 'hex'), 16))
            ON CONFLICT (name) DO NOTHING"""  # noqa: S608 - a checked name
    )
    comment("revoked_at", REVOKED, schema)
    comment_on_revision("Older values. Not used in this version.", schema)
    comment("previous_hash", "the token before the present one", schema)
    comment("rotated_at", "when the present token replaced it", schema)
    comment("body", "other small values, and all that are encrypted", schema, table="entry")
    comment("digest", "SHA-256 of kind and body, keyed if encrypted", schema, table="body")
    for table, columns in COMMENTS.items():
        for column, text in columns.items():
            comment(column, text, schema, table=table)


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
    comment("revoked_at", "forgotten: never used again", schema)
    comment_on_revision("Older values, where history is on.", schema)
    comment("previous_hash", "the one before the last rotate", schema)
    comment("rotated_at", None, schema)
    comment("body", "other small values", schema, table="entry")
    comment("digest", "SHA-256 of kind and body", schema, table="body")
    for table, columns in COMMENTS.items():
        for column in columns:
            comment(column, None, schema, table=table)
    for name, table, *_ in reversed(INDEXES):
        op.drop_index(name, table, schema=schema)
    op.drop_column("body", "sent_at", schema=schema)
    op.drop_column("entry", "old_size", schema=schema)
    for column in (
        *("bytes", "keys", "copy_of", "epoch", "writes"),
        *("previous_login", "login_hash", "pending_at", "pending_hash"),
    ):
        op.drop_column("session", column, schema=schema)


def comment(column: str, text: str | None, schema: str | None, *, table: str = "session") -> None:
    op.alter_column(table, column, comment=text, schema=schema)


def comment_on_revision(text: str, schema: str | None) -> None:
    op.create_table_comment("revision", text, schema=schema)
