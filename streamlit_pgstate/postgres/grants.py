"""Grants: what the role of an app needs at run time, and no more."""

from __future__ import annotations

from typing import Any, Final

from streamlit_pgstate.errors import ConfigError
from streamlit_pgstate.postgres.connection import TimedConnection
from streamlit_pgstate.postgres.engine import Database
from streamlit_pgstate.postgres.statements.grants import (
    GRANT_SCHEMA,
    GRANT_TABLE,
    MISSING,
    ONLY_READS,
    ROLE,
)

_ROWS: Final = ("SELECT", "INSERT", "UPDATE", "DELETE")

NEEDED: Final = {
    "session": _ROWS,
    "entry": _ROWS,
    "body": _ROWS,
    "revision": _ROWS,
    "setting": ("SELECT", "INSERT", "UPDATE"),
    "growth": _ROWS,
    "alembic_version": ("SELECT",),
}
"""What the role of an app needs of each table. Of the schema it needs USAGE."""

REASONS: Final = {
    "": "to find the tables",
    "session": "to open, write, forget and clean up sessions",
    "entry": "to read, write and delete values",
    "body": "to read, write and delete large values",
    "revision": "to keep older values, to empty those whose ttl is over, and to delete them",
    "setting": "to read the signing key, and to note what all replicas share",
    "growth": "to note how large the tables are, in a cleanup",
    "alembic_version": "to check the layout of the tables",
}
"""Why it needs that; the empty name is the schema."""


def statements(schema: str, role: str) -> list[str]:
    """Return the statements that grant a role what an app needs.

    Args:
        schema: a checked name.
        role: any name of a role; it is quoted here.

    Example:
        >>> statements("pgstate", "app")[0]
        'GRANT USAGE ON SCHEMA "pgstate" TO "app"'
    """
    names = {"{schema}": f'"{schema}"', "{role}": _quoted(role)}
    granted = [GRANT_SCHEMA]
    granted += [
        GRANT_TABLE.replace("{privileges}", ", ".join(privileges)).replace("{table}", table)
        for table, privileges in NEEDED.items()
    ]
    for placeholder, name in names.items():
        granted = [statement.replace(placeholder, name) for statement in granted]
    return granted


def _quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def check_role(database: Database, schema: str, role: str) -> None:
    """Check that privileges can be granted to a role, before a migration is begun.

    Raises:
        ConfigError: there is no such role, or it may do everything already.
    """
    rows = database.query(ROLE, {"schema": schema, "role": role})
    if not rows:
        raise ConfigError(
            f"There is no role {role!r}. As an administrator of the server, run: "
            f"CREATE ROLE {_quoted(role)} LOGIN PASSWORD 'choose one'"
        )
    if rows[0][0]:
        raise ConfigError(
            f"The role {role!r} owns the tables or is a superuser, so it may do everything. Name "
            "another role as --app-role, and give the app a URL with that role."
        )


def missing(database: Database, schema: str) -> list[tuple[str, str]]:
    """Return what an app with this URL lacks: pairs of a table and a privilege.

    An empty name is the schema. The tables must exist.
    """
    return _pairs(database.query(MISSING, _asked(schema, role=None)))


def now(database: Database, schema: str) -> tuple[bool, list[tuple[str, str]]]:
    """Return whether the database only reads, and what `missing` returns: in one transaction."""
    with database.connection() as connection:
        [(only_reads,)] = connection.rows_of(ONLY_READS, {})
        return only_reads, _pairs(connection.rows_of(MISSING, _asked(schema, role=None)))


def missing_of(connection: TimedConnection, schema: str, role: str) -> list[tuple[str, str]]:
    """As `missing`, for another role, as the transaction of this connection sees it."""
    return _pairs(connection.rows_of(MISSING, _asked(schema, role=role)))


def _asked(schema: str, *, role: str | None) -> dict[str, Any]:
    wanted = [("", "USAGE")]
    wanted += [(table, privilege) for table, needed in NEEDED.items() for privilege in needed]
    return {
        "schema": schema,
        "role": role,
        "names": [name for name, _ in wanted],
        "privileges": [privilege for _, privilege in wanted],
    }


def _pairs(rows: list[tuple[Any, ...]]) -> list[tuple[str, str]]:
    return [(name, privilege) for name, privilege in rows]


def in_words(lacking: list[tuple[str, str]]) -> str:
    """Return what is lacking as a message names it.

    Example:
        >>> in_words([("", "USAGE"), ("entry", "SELECT")])
        'USAGE on the schema, SELECT on entry'
    """
    return ", ".join(f"{privilege} on {table or 'the schema'}" for table, privilege in lacking)
