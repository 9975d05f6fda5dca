"""The tables as a SQLAlchemy model: `alembic check` compares the migrations with it.

A comment in the database itself says what each column is for (``\\d+`` in psql).
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSON

TABLES = ("session", "entry", "body", "revision", "setting", "growth")

_KEY = Text(collation="C")
_TIME = DateTime(timezone=True)
_REVOKED = "when it was forgotten or moved, or a cleanup found it expired; NULL: none of these"


def metadata(schema: str) -> MetaData:
    """Return the model of the six tables in `schema`."""
    tables = MetaData(schema=schema)
    Table(
        "session",
        tables,
        Column(
            "id",
            Uuid,
            primary_key=True,
            comment="random; for the scopes user and app computed from the name",
        ),
        Column("app", Text, nullable=False, comment="the setting `app`"),
        Column(
            "scope",
            Text,
            nullable=False,
            server_default=text("'browser'"),
            comment="browser, tab, user or app: whose state it is",
        ),
        Column("version", BigInteger, nullable=False, comment="grows by one with every write"),
        Column("token_hash", LargeBinary, comment="SHA-256 of the token's random part"),
        Column("previous_hash", LargeBinary, comment="the token before the present one"),
        Column("rotated_at", _TIME, comment="when the present token replaced it"),
        Column(
            "created_at",
            _TIME,
            nullable=False,
            comment="of its first write; a copy has that of what was copied",
        ),
        Column("seen_at", _TIME, nullable=False, comment="moves at most once an hour"),
        Column("expires_at", _TIME, nullable=False, comment="moves with seen_at"),
        Column("revoked_at", _TIME, comment=_REVOKED),
        Column("pending_hash", LargeBinary, comment="a new token, until a browser presents it"),
        Column("pending_at", _TIME, comment="when pending_hash was stored"),
        Column("login_hash", LargeBinary, comment="whose login the token is of, as a keyed hash"),
        Column(
            "previous_login",
            LargeBinary,
            comment="the user at whose login previous_hash was replaced: it works for no other",
        ),
        Column(
            "writes",
            ARRAY(BigInteger),
            nullable=False,
            server_default=text("'{}'"),
            comment="the last writes: slot, number, version after it, values it deleted",
        ),
        Column(
            "epoch",
            BigInteger,
            nullable=False,
            server_default=text("0"),
            comment="scopes user and app: another number once it was forgotten or has expired",
        ),
        Column(
            "copy_of", Uuid, comment="the tab's state of which this is a copy, or a copy's copy"
        ),
        Column(
            "keys",
            BigInteger,
            nullable=False,
            server_default=text("0"),
            comment="its rows in entry that hold a value",
        ),
        Column(
            "bytes",
            BigInteger,
            nullable=False,
            server_default=text("0"),
            comment="the sizes of these values",
        ),
        Column("shape", Integer, comment="the setting `shape` of who has stored them; NULL: 1"),
        Column(
            "history_at",
            BigInteger,
            comment="the version up to which revision has all versions; NULL: it has none",
        ),
        Column(
            "history_bytes",
            BigInteger,
            nullable=False,
            server_default=text("0"),
            comment="the sizes in revision",
        ),
        Column("run", BigInteger, comment="which run of a script wrote last, with history"),
        Column(
            "undo",
            ARRAY(BigInteger),
            nullable=False,
            server_default=text("'{}'"),
            comment="the first versions of the runs that undo takes back, the next one first",
        ),
        Column(
            "redo",
            ARRAY(BigInteger),
            nullable=False,
            server_default=text("'{}'"),
            comment="as undo: those that redo makes again",
        ),
        Index("session_expires", "expires_at", postgresql_where=text("revoked_at IS NULL")),
        Index("session_revoked", "revoked_at", postgresql_where=text("revoked_at IS NOT NULL")),
        Index("session_created", "created_at", postgresql_where=text("revoked_at IS NULL")),
        Index("session_copies", "copy_of", postgresql_where=text("copy_of IS NOT NULL")),
        comment="One container of state: what one token opens.",
    )
    Table(
        "entry",
        tables,
        Column("session_id", Uuid, nullable=False, comment="the id of its session"),
        Column("key", _KEY, nullable=False, comment="as the script names it"),
        Column("version", BigInteger, nullable=False, comment="session.version of its last write"),
        Column("kind", Text, comment="how it was written; NULL: deleted"),
        Column("size", BigInteger, nullable=False, comment="bytes as encoded"),
        Column("changed_at", _TIME, nullable=False, comment="when it was written or deleted last"),
        Column("expires_at", _TIME, comment="from then on it counts as deleted; NULL: never"),
        Column("ttl", Double, comment="seconds, as `set` was given them"),
        Column("value", JSON, comment="small plain values, as readable text"),
        Column("body", LargeBinary, comment="other small values, and all that are encrypted"),
        Column("digest", LargeBinary, comment="large values: their rows in body"),
        Column("old_size", BigInteger, comment="of the value that its last write replaced"),
        Column("old_version", BigInteger, comment="the version that its last write replaced"),
        PrimaryKeyConstraint("session_id", "key"),
        Index("entry_expires", "expires_at", postgresql_where=text("expires_at IS NOT NULL")),
        Index("entry_deleted", "session_id", postgresql_where=text("kind IS NULL")),
        comment="One current value a row.",
    )
    Table(
        "body",
        tables,
        Column("session_id", Uuid, nullable=False, comment="the id of its session"),
        Column(
            "digest",
            LargeBinary,
            nullable=False,
            comment="SHA-256 of kind and body, keyed if encrypted",
        ),
        Column("part", Integer, nullable=False, comment="0, 1, 2, … put together in order"),
        Column(
            "data",
            LargeBinary,
            nullable=False,
            comment="a chunk of the value as encoded, or as encrypted",
        ),
        Column(
            "sent_at",
            _TIME,
            nullable=False,
            server_default=text("now()"),
            comment="when it was last sent: gc leaves what was sent just now",
        ),
        PrimaryKeyConstraint("session_id", "digest", "part"),
        comment="Bodies of large values in chunks, written once for the same content.",
    )
    Table(
        "revision",
        tables,
        Column("session_id", Uuid, nullable=False, comment="the id of its session"),
        Column("key", _KEY, nullable=False, comment="as in entry"),
        Column(
            "version",
            BigInteger,
            nullable=False,
            comment="session.version of the write that made it",
        ),
        Column("changed_at", _TIME, nullable=False, comment="when it was written"),
        Column(
            "operation",
            Text,
            nullable=False,
            comment="what made it: a set, a deletion or another verb",
        ),
        Column("kind", Text, comment="as in entry"),
        Column("size", BigInteger, nullable=False, comment="as in entry"),
        Column("value", JSON, comment="as in entry"),
        Column("body", LargeBinary, comment="as in entry"),
        Column("digest", LargeBinary, comment="as in entry"),
        Column("expires_at", _TIME, comment="as in entry"),
        Column("ttl", Double, comment="as in entry"),
        Column(
            "old_size", BigInteger, comment="of the value that it replaced; NULL: there was none"
        ),
        Column("old_version", BigInteger, comment="the version that it replaced; NULL: the first"),
        Column("run", BigInteger, comment="the first version of the run whose result it is"),
        Column("undone", BigInteger, comment="the run that was taken back from it, for redo"),
        PrimaryKeyConstraint("session_id", "key", "version"),
        Index(
            "revision_bodies", "session_id", "digest", postgresql_where=text("digest IS NOT NULL")
        ),
        Index("revision_expires", "expires_at", postgresql_where=text("expires_at IS NOT NULL")),
        comment="The last versions of each key, where the setting history is on.",
    )
    Table(
        "setting",
        tables,
        Column(
            "name",
            Text,
            primary_key=True,
            comment="of what is kept: signing_key, identity, and notes of the package",
        ),
        Column("value", Text, nullable=False, comment="its value as text"),
        comment="What all replicas share.",
    )
    Table(
        "growth",
        tables,
        Column("grain", Text, comment="hour or day: which period the row is of"),
        Column("at", _TIME, comment="when the period begins"),
        Column("measured_at", _TIME, nullable=False, comment="the last cleanup in the period"),
        Column(
            "sessions",
            BigInteger,
            nullable=False,
            comment="rows of session, mostly an estimate of the planner",
        ),
        Column("entries", BigInteger, nullable=False, comment="rows of entry, likewise"),
        Column("revisions", BigInteger, nullable=False, comment="rows of revision, likewise"),
        *(
            Column(f"{name}_bytes", BigInteger, nullable=False, comment="on disk, with indexes")
            for name in ("session", "entry", "body", "revision")
        ),
        PrimaryKeyConstraint("grain", "at"),
        comment="How large the tables were. A cleanup notes it.",
    )
    return tables
