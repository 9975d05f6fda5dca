"""The command `migrate`: creates the tables, or upgrades older ones."""

from __future__ import annotations

import click

from streamlit_pgstate.cli.options import on_database
from streamlit_pgstate.cli.target import NO_DATABASE_HERE, Where, database_of, find_target
from streamlit_pgstate.errors import ConfigError


@click.command()
@on_database
def migrate(where: Where) -> None:
    """Create the tables, or upgrade older ones to the layout of this version.

    Stop apps that use an older version first, because they do not know the new layout. The user
    in the URL must be allowed to create tables in the schema.

    The migration is one transaction: if it fails, nothing has changed. You can run it again at
    any time, and from several machines at once.

    If no database is configured, it changes nothing and ends with exit code 2. To create or
    migrate the embedded PostgreSQL of the current folder, add --embedded.

    \b
    Exit codes:
      0  the tables have the layout that this version needs
      1  the tables are newer than this version: upgrade streamlit-pgstate
      2  an option or a setting is wrong or missing, or the user may not create tables
      3  the database cannot be reached, a table is in use, or another migration is running

    \b
    Example:
      pgstate migrate --url postgresql://owner@db.example.com/app
    """
    from streamlit_pgstate.postgres import migrate as migrations

    target = find_target(where)
    if not target.is_named:
        raise ConfigError(NO_DATABASE_HERE.format(home=target.settings.home))
    with database_of(target.settings) as database:
        before = migrations.upgrade(database, target.settings)
        what = f"schema {target.settings.schema!r} of {database.place} ({target.source})"
    if before.is_current:
        click.echo(f"Nothing to do: {what} has layout {before.found}.")
    else:
        click.echo(f"Migrated {what} from {before.found or 'nothing'} to {before.needed}.")
