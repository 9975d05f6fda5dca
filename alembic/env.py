"""Runs the migrations: on the connection `pgstate migrate` hands over, or from the command line.

`alembic upgrade head`, typed at the root of the repository, connects with the settings of the
environment (PGSTATE_URL, PGSTATE_SCHEMA), as the package itself does.
"""

from __future__ import annotations

from alembic import context

from streamlit_pgstate.postgres import engine, migrate, schema
from streamlit_pgstate.settings import Settings


def run(connection, name):
    def only_ours(kind_name, kind, parents):
        if kind == "schema":
            return kind_name == name
        return kind != "table" or kind_name in schema.TABLES

    context.configure(
        connection=connection,
        target_metadata=schema.metadata(name),
        version_table="alembic_version",
        version_table_schema=name,
        include_schemas=True,
        include_name=only_ours,
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        context.run_migrations()


def run_from_command_line():
    settings = Settings.read({})
    database = engine.Database(settings)
    try:
        with migrate.exclusively(database, settings) as connection:
            # Where a user is named as the schema, that is the default one, and reflection leaves
            # its name out: `alembic check` would miss every table.
            connection.dialect.default_schema_name = None
            migrate.create_schema(connection, settings.schema)
            run(connection, settings.schema)
    finally:
        database.close()


handed_over = context.config.attributes.get("connection")
if context.is_offline_mode():
    raise SystemExit("streamlit-pgstate migrates over a connection only: leave out --sql.")
if handed_over is not None:
    run(handed_over, context.config.attributes["schema"])
else:
    run_from_command_line()
