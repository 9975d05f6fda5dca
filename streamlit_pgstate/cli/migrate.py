"""The command `migrate`: creates the tables, or upgrades older ones."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import click

from streamlit_pgstate.cli.options import on_database
from streamlit_pgstate.cli.target import (
    NO_DATABASE_HERE,
    Target,
    Where,
    database_of,
    duration,
    find_schema,
    find_target,
)
from streamlit_pgstate.errors import ConfigError

# What `statement_timeout` can hold: milliseconds, of which 0 is no limit, in 31 bits.
_SHORTEST: Final = timedelta(milliseconds=1)
_LONGEST: Final = timedelta(days=24)


@click.command()
@on_database
@click.option(
    "--app-role",
    metavar="ROLE",
    help="Grant this role what an app needs at run time, and no more. The role must exist.",
)
@click.option(
    "--citus",
    is_flag=True,
    help="Distribute the tables over the servers of Citus, by session. The URL is the coordinator.",
)
@click.option(
    "--statement-timeout",
    metavar="DURATION",
    help="Give up if one statement takes longer, such as 90s or 10m. [default: no limit]",
)
@click.option(
    "--sql",
    is_flag=True,
    help="Print the SQL and do not connect. It is the same each time.",
)
@click.option(
    "--from",
    "found",
    metavar="LAYOUT",
    help="With --sql: the layout that the tables have, such as 0001. [default: no tables]",
)
def migrate(
    where: Where,
    app_role: str | None,
    citus: bool,
    statement_timeout: str | None,
    sql: bool,
    found: str | None,
) -> None:
    """Create the tables, or upgrade older ones to the layout of this version.

    Stop apps that use an older version first, because they do not know the new layout. The user
    in the URL must be allowed to create tables in the schema.

    The migration is one transaction: if it fails, nothing has changed. You can run it again at
    any time, and from several machines at once.

    If no database is configured, it changes nothing and ends with exit code 2. To create or
    migrate the embedded PostgreSQL of the current folder, add --embedded.

    With --sql it prints what it would run, for those who review or run SQL by themselves: pipe it
    to psql. The text holds no secret, so it can be kept beside the code: the signing key is made by
    the database when the SQL runs.

    \b
    Exit codes:
      0  the tables have the layout that this version needs
      1  the tables are newer than this version: upgrade streamlit-pgstate
      2  an option or a setting is wrong or missing, or the user may not create tables
      3  the database cannot be reached, a table is in use, or another migration is running

    \b
    Examples:
      pgstate migrate --url postgresql://owner@db.example.com/app
      pgstate migrate --app-role app --statement-timeout 10m
      pgstate migrate --sql --app-role app > pgstate.sql
      psql -v ON_ERROR_STOP=1 -f pgstate.sql
    """
    limit = _limit(statement_timeout)
    if sql:
        _print_sql(where, app_role=app_role, limit=limit, found=found, citus=citus)
        return
    if found is not None:
        raise ConfigError("--from is for --sql. Without it the layout is read from the database.")
    target = find_target(where)
    if not target.is_named:
        raise ConfigError(NO_DATABASE_HERE.format(home=target.settings.home))
    _migrate(target, app_role=app_role, limit=limit, citus=citus)


def _limit(text: str | None) -> timedelta | None:
    """Read what --statement-timeout gives.

    Raises:
        ConfigError: it is none that PostgreSQL takes.
    """
    if text is None:
        return None
    limit = duration("--statement-timeout", text)
    if not _SHORTEST <= limit <= _LONGEST:
        raise ConfigError(
            f"--statement-timeout is {text}, and PostgreSQL takes 1 ms to 24 days. Name such a "
            "duration, as 10m, or leave the option out for no limit."
        )
    return limit


def _print_sql(
    where: Where, *, app_role: str | None, limit: timedelta | None, found: str | None, citus: bool
) -> None:
    from streamlit_pgstate.postgres import migrate as migrations

    schema = find_schema(where)
    text = migrations.script(schema, app_role=app_role, limit=limit, found=found, distributes=citus)
    click.echo(text, nl=False)


def _migrate(target: Target, *, app_role: str | None, limit: timedelta | None, citus: bool) -> None:
    from streamlit_pgstate.postgres import grants
    from streamlit_pgstate.postgres import migrate as migrations

    settings = target.settings
    with database_of(settings) as database:
        if app_role is not None:
            grants.check_role(database, settings.schema, app_role)
        before = migrations.upgrade(
            database, settings, limit=limit, app_role=app_role, distributes=citus
        )
        what = f"schema {settings.schema!r} of {database.place} ({target.source})"
    if before.is_current:
        click.echo(f"Nothing to do: {what} has layout {before.found}.")
    else:
        click.echo(f"Migrated {what} from {before.found or 'nothing'} to {before.needed}.")
    if citus:
        click.echo("Citus has the tables distributed over its servers.")
    if app_role is not None:
        click.echo(f"Granted the role {app_role!r} what an app needs.")
