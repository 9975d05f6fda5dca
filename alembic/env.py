"""Runs the migrations, on the connection of `pgstate migrate` or from Alembic's command line.

`alembic upgrade head`, run at the root of the repository, connects with the settings of the
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


def print_sql(name):
    """Print the SQL of the migrations, without a connection: `pgstate migrate --sql`."""
    context.configure(
        dialect_name="postgresql",
        literal_binds=True,
        version_table="alembic_version",
        version_table_schema=name,
        transaction_per_migration=False,
    )
    found = context.config.attributes
    with context.begin_transaction():
        for statement in found.get("before", ()):
            context.execute(statement)
        context.execute(f'CREATE SCHEMA IF NOT EXISTS "{name}"')
        context.run_migrations()
        for statement in found.get("after", ()):
            context.execute(statement.replace(":", r"\:"))


def run_from_command_line():
    settings = Settings.read({})
    database = engine.Database(settings)
    try:
        with migrate.exclusively(database, settings) as connection:
            # If the user has the same name as the schema, the schema is the default one. Reflection
            # then leaves out its name, and `alembic check` would find no table.
            connection.dialect.default_schema_name = None
            migrate.lift_time_limits(connection)
            migrate.create_schema(connection, settings.schema)
            run(connection, settings.schema)
    finally:
        database.close()


connection = context.config.attributes.get("connection")
if context.is_offline_mode():
    print_sql(context.config.attributes.get("schema") or Settings.read({}).schema)
elif connection is not None:
    run(connection, context.config.attributes["schema"])
else:
    run_from_command_line()
