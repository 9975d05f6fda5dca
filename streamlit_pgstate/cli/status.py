"""The command `status`: which database it is, how much it holds, and what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from streamlit_pgstate.cli.group import ACTION_NEEDED
from streamlit_pgstate.cli.options import on_database
from streamlit_pgstate.cli.printing import count, fact, size
from streamlit_pgstate.cli.target import (
    Target,
    Where,
    database_of,
    find_target,
    is_embedded_and_new,
)
from streamlit_pgstate.errors import PgStateError

if TYPE_CHECKING:
    from streamlit_pgstate.postgres.engine import Database
    from streamlit_pgstate.postgres.migrate import Layout
    from streamlit_pgstate.settings import Settings

_ADVICE_FOR_NEW = "start the app, which creates it, or run: pgstate migrate --embedded"
_ADVICE_FOR_NOTHING = (
    "run this in the folder of the app, or name its database: --url, PGSTATE_URL, secrets.toml. "
    "The app creates an embedded one when it starts, or run: pgstate migrate --embedded"
)


@click.command()
@on_database
def status(where: Where) -> None:
    """Show the status of the database and what to do next. Changes nothing.

    \b
    Exit codes:
      0  the tables have the layout that this version needs
      1  the tables are missing, or older or newer; the last line says what to do
      2  an option or a setting is wrong or missing, or the server refuses the user
      3  the database cannot be reached, or does not answer

    \b
    Example, before the app starts:
      pgstate status || pgstate migrate
    """
    target = find_target(where)
    if is_embedded_and_new(target.settings):
        fact("Database", f"none yet in {target.source}")
        fact("To do", _ADVICE_FOR_NEW if target.is_named else _ADVICE_FOR_NOTHING)
        raise SystemExit(ACTION_NEEDED)
    with database_of(target.settings) as database:
        present = _describe(database, target)
    raise SystemExit(0 if present.is_current and not present.is_damaged else ACTION_NEEDED)


def _describe(database: Database, target: Target) -> Layout:
    from streamlit_pgstate.postgres import migrate

    with database.connection() as connection:
        version = connection.info.parameter_status("server_version")
    fact("Database", f"{database.place} ({target.source})")
    fact("Server", f"PostgreSQL {version}")
    fact("Schema", target.settings.schema)
    present = migrate.layout(database, target.settings)
    fact("Layout", f"{present.found or 'none'} found, {present.needed} needed")
    if present.found is not None:
        fact("Stored", _stored(target.settings))
    fact("To do", _advice(present, database))
    return present


def _stored(settings: Settings) -> str:
    from streamlit_pgstate.postgres.tables import Tables

    tables = Tables(settings)
    try:
        totals = tables.totals()
    except PgStateError as error:
        return f"not readable: {error.in_full}"
    finally:
        tables.close()
    return (
        f"{count(totals.sessions, 'session')}, {count(totals.entries, 'value')}, "
        f"{size(totals.bytes)} "
        f"({size(totals.bytes_on_disk)} on disk)"
    )


def _advice(present: Layout, database: Database) -> str:
    if present.is_damaged:
        return (
            f"tables are missing: {', '.join(present.missing)}. Restore the whole schema from a "
            f'backup. If nothing is to be kept, run: DROP SCHEMA "{database.place.schema}" '
            f"CASCADE, then, with the same options: {database.place.migration}"
        )
    if present.is_current:
        return "nothing"
    if present.is_newer:
        return (
            "the tables are newer than this version of streamlit-pgstate. "
            "Run: pip install --upgrade streamlit-pgstate"
        )
    if present.found is None:
        return (
            "there are no tables yet. Start the app, which makes them, or run, with the same "
            f"options: {database.place.migration}"
        )
    return (
        f"the tables are older than needed. Run, with the same options: {database.place.migration}"
    )
