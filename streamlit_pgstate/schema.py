"""The tables as SQLAlchemy knows them: what `alembic check` compares the migrations with.

What each column is for stands as a comment in the database itself (``\\d+`` in psql).
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Double,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSON

TABLES = ("session", "entry", "body", "revision", "setting")

_KEY = Text(collation="C")
_TIME = DateTime(timezone=True)


def metadata(schema: str) -> MetaData:
    """The five tables in `schema`."""
    tables = MetaData(schema=schema)
    Table(
        "session",
        tables,
        Column("id", Uuid, primary_key=True),
        Column("app", Text, nullable=False),
        Column("scope", Text, nullable=False, server_default=text("'browser'")),
        Column("version", BigInteger, nullable=False),
        Column("token_hash", LargeBinary),
        Column("previous_hash", LargeBinary),
        Column("rotated_at", _TIME),
        Column("created_at", _TIME, nullable=False),
        Column("seen_at", _TIME, nullable=False),
        Column("expires_at", _TIME, nullable=False),
        Column("revoked_at", _TIME),
    )
    Table(
        "entry",
        tables,
        Column("session_id", Uuid, nullable=False),
        Column("key", _KEY, nullable=False),
        Column("version", BigInteger, nullable=False),
        Column("kind", Text),
        Column("size", BigInteger, nullable=False),
        Column("changed_at", _TIME, nullable=False),
        Column("expires_at", _TIME),
        Column("ttl", Double),
        Column("value", JSON),
        Column("body", LargeBinary),
        Column("digest", LargeBinary),
        PrimaryKeyConstraint("session_id", "key"),
    )
    Table(
        "body",
        tables,
        Column("session_id", Uuid, nullable=False),
        Column("digest", LargeBinary, nullable=False),
        Column("part", Integer, nullable=False),
        Column("data", LargeBinary, nullable=False),
        PrimaryKeyConstraint("session_id", "digest", "part"),
    )
    Table(
        "revision",
        tables,
        Column("session_id", Uuid, nullable=False),
        Column("key", _KEY, nullable=False),
        Column("version", BigInteger, nullable=False),
        Column("changed_at", _TIME, nullable=False),
        Column("operation", Text, nullable=False),
        Column("kind", Text),
        Column("size", BigInteger, nullable=False),
        Column("value", JSON),
        Column("body", LargeBinary),
        Column("digest", LargeBinary),
        PrimaryKeyConstraint("session_id", "key", "version"),
    )
    Table(
        "setting",
        tables,
        Column("name", Text, primary_key=True),
        Column("value", Text, nullable=False),
    )
    return tables
