"""Distribution: the tables over several servers, by Citus.

`migrate` calls it, within its transaction. Which statement runs there in which form is in
`statements/distributed.py` and `statements/parts/dialect.py`.
"""

from __future__ import annotations

from typing import Final

from streamlit_pgstate.errors import ConfigError
from streamlit_pgstate.postgres.connection import TimedConnection
from streamlit_pgstate.postgres.statements.distribution import (
    CITUS,
    CLOCK_AT,
    COPY_TO_ALL,
    DISTRIBUTE,
    DROP_LOCAL_ROWS,
    ONE_BY_ONE,
    SERVER_AT,
    WAIT_AT_MOST,
)

_BY_SESSION: Final = {
    "session": "id",
    "entry": "session_id",
    "body": "session_id",
    "revision": "session_id",
}
"""Tables whose rows lie where their session lies, and the column that names it."""

_EVERYWHERE: Final = ("setting", "growth", "alembic_version")
"""Small tables that every server has whole."""

LEAST_CITUS: Final = 11
"""The major version from which on Citus makes functions on servers that are added later."""


def before() -> list[str]:
    """Return what a transaction runs first that makes or changes distributed tables."""
    return [ONE_BY_ONE]


def statements(schema: str) -> list[str]:
    """Return the statements that distribute the tables of a schema. They may be run again.

    Args:
        schema: a checked name.

    Example:
        >>> len(statements("pgstate"))
        17
    """
    found = []
    for table, column in _BY_SESSION.items():
        near = "default" if table == "session" else f'"{schema}".session'
        parts = {"{table}": table, "{column}": column, "{with}": near}
        found.append(_filled(DISTRIBUTE, parts))
    found += [_filled(COPY_TO_ALL, {"{table}": table}) for table in _EVERYWHERE]
    found += [
        _filled(DROP_LOCAL_ROWS, {"{table}": table}) for table in (*_BY_SESSION, *_EVERYWHERE)
    ]
    return [*(_in_schema(statement, schema) for statement in found), *functions(schema)]


def functions(schema: str) -> list[str]:
    """Return the statements that make the functions which the statements call there."""
    return [_in_schema(function, schema) for function in (CLOCK_AT, SERVER_AT, WAIT_AT_MOST)]


def _in_schema(statement: str, schema: str) -> str:
    return statement.strip().replace("{schema}", f'"{schema}"')


def _filled(statement: str, parts: dict[str, str]) -> str:
    for name, value in parts.items():
        statement = statement.replace(name, value)
    return statement


def check(connection: TimedConnection) -> None:
    """Check that the database can distribute tables.

    Raises:
        ConfigError: it has no Citus, or too old a one.
    """
    rows = connection.rows_of(CITUS, {})
    if not rows:
        raise ConfigError(
            "The tables cannot be distributed: the database has no extension citus. As an "
            "administrator, run on every server: CREATE EXTENSION citus. Then name the others on "
            "the coordinator: SELECT citus_add_node('HOST', 5432). Nothing was changed."
        )
    if rows[0][0] < LEAST_CITUS:
        raise ConfigError(
            f"The tables cannot be distributed: the database has Citus {rows[0][0]}, and "
            f"{LEAST_CITUS} is the oldest that will do. Nothing was changed."
        )
