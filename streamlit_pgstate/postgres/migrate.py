"""Migrations: checks whether the schema has the layout of this version, and upgrades it.

Stands between Alembic and the code that connects. Alembic's scripts are in the top-level folder
``alembic/``, and in a wheel inside the package.
"""

from __future__ import annotations

import contextlib
import io
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import sqlalchemy
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from streamlit_pgstate.errors import ConfigError, MigrationRequired, StoreUnavailable
from streamlit_pgstate.postgres import distribution, fork, grants
from streamlit_pgstate.postgres.connection import TimedConnection, milliseconds
from streamlit_pgstate.postgres.engine import Database
from streamlit_pgstate.postgres.faults import translate
from streamlit_pgstate.postgres.schema import TABLES
from streamlit_pgstate.postgres.statements.distribution import IS_DISTRIBUTED
from streamlit_pgstate.settings import Settings

if TYPE_CHECKING:
    from alembic.config import Config

_HERE = Path(__file__).parents[1]
_SCRIPTS = next(
    path for path in (_HERE / "alembic", _HERE.parent / "alembic") if (path / "env.py").is_file()
)
_LOCK_ID = 0x706773746174  # "pgstat"; any number that all replicas and versions share would do
_LOCK_TIMEOUT = 60
"""Seconds that a replica waits for the migration of another one."""

_TABLE_LOCK_TIMEOUT = 10
"""Seconds that a migration waits for a table in use. Later statements on it have to wait, too."""

_MIGRATED_WITHIN = 7 * 86_400
"""Seconds for the migration of older tables: no limit, but one that can be computed with."""

_LOCK_NOT_AVAILABLE = "55P03"
_PERMISSION_DENIED = "42501"
_QUERY_CANCELED = "57014"


class _OneAtATime:
    """Alembic's `op` and `context` are global: two threads that migrate at once would share them.

    A child that is forked meanwhile gets a lock of its own, as nobody there releases the other.
    """

    def __init__(self) -> None:
        self.after_fork()
        fork.remember(self)

    def after_fork(self) -> None:
        self.lock = threading.Lock()


_migrations = _OneAtATime()

HEAD = "0006"
"""The newest revision of this version. A test compares it with the scripts in ``alembic/``."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The layout that a schema has, and the one that this version needs."""

    found: str | None
    """The revision in the database; None if it has none of our tables."""
    needed: str
    missing: tuple[str, ...] = ()
    """Tables that a schema of this layout has, and that are not there: somebody dropped them."""

    has_inactive_policies: bool = False
    """Whether the tables have row security, and it does not hold for the user in `url`."""

    is_distributed: bool = False
    """Whether the tables are distributed over several servers."""

    @property
    def is_current(self) -> bool:
        return self.found == self.needed

    @property
    def is_damaged(self) -> bool:
        """Whether tables are missing that no migration makes again."""
        return self.is_current and bool(self.missing)

    @property
    def is_newer(self) -> bool:
        """Whether a newer version of the package has migrated the schema."""
        return self.found is not None and self.found not in known_revisions()


def layout(database: Database, settings: Settings) -> Layout:
    """Read which revision the schema has. Changes nothing.

    Raises:
        PgStateError: the database cannot be reached or refuses.
    """
    with database.connection() as connection:
        table = f'"{settings.schema}"."alembic_version"'
        row = connection.execute("SELECT to_regclass(%s)", (table,)).fetchone()
        if row is None or row[0] is None:
            return Layout(None, HEAD)
        found = connection.execute(
            f"""SELECT (SELECT version_num FROM {table}), ARRAY(
                SELECT name FROM unnest(%s::text[]) AS name
                WHERE to_regclass(format('%%I.%%I', %s::text, name)) IS NULL
            ), EXISTS (
                SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname = %s AND c.relrowsecurity AND NOT row_security_active(c.oid)
            ), {IS_DISTRIBUTED}""",  # noqa: S608 - a checked name
            (list(TABLES), settings.schema, settings.schema, settings.schema),
        ).fetchone()
    revision, missing, has_inactive_policies, is_distributed = found or (None, [], False, False)
    if revision is None and len(missing) == len(TABLES):
        return Layout(None, HEAD)  # Alembic has taken all down to its base
    if revision is None:
        cure = f"INSERT INTO {table} VALUES ('{HEAD}')"  # noqa: S608 - shown, not run
        raise database.place.error(
            MigrationRequired,
            "The table alembic_version is empty, so nobody knows which layout the tables have. "
            "Restore its row from a backup.",
            advice=f"If this version of streamlit-pgstate made the tables, run: {cure}",
        )
    return Layout(
        revision,
        HEAD,
        tuple(missing),
        has_inactive_policies=bool(has_inactive_policies),
        is_distributed=bool(is_distributed),
    )


def require_current(database: Database, settings: Settings) -> Layout:
    """Check that the tables have this version's layout. Create them in an empty schema, if allowed.

    Returns:
        The layout that was found, or made.

    Raises:
        MigrationRequired: the tables are older or newer, or there are none and ``auto_migrate`` is
            False. Nothing was changed.
    """
    present = layout(database, settings)
    if present.found is None and settings.auto_migrate:
        upgrade(database, settings)
        return Layout(HEAD, HEAD)
    return _required(present, database, settings)


def require_still_current(database: Database, settings: Settings) -> Layout:
    """As `require_current`, after tables were missing. It makes none.

    Somebody has dropped them under a running app: whoever did that says when they are made anew.
    """
    return _required(layout(database, settings), database, settings)


def _required(present: Layout, database: Database, settings: Settings) -> Layout:
    if present.is_damaged:
        raise _damaged(present, database)
    if present.is_current:
        return present
    if present.is_newer:
        raise _newer(present, database)
    state = (
        "has no tables yet" if present.found is None else f"has the older layout {present.found}"
    )
    raise database.place.error(
        MigrationRequired,
        f"The database {state}; this version of streamlit-pgstate works with layout "
        f"{present.needed}. Run: {database.place.migration}",
        advice=f"Run: {database.place.migration} --schema {settings.schema}. If the app gives its "
        "URL to configure(), add --url.",
    )


def upgrade(
    database: Database,
    settings: Settings,
    *,
    limit: timedelta | None = None,
    app_role: str | None = None,
    distributes: bool = False,
) -> Layout:
    """Migrate the schema to this version's layout. Many processes and threads may do so at once.

    Args:
        database: where it is.
        settings: which schema.
        limit: how long one statement may take. None: as long as it does.
        app_role: a role that is granted what an app needs, in the same transaction.
        distributes: whether Citus distributes the tables over its servers. Tables that are
            distributed stay so, and those of a newer layout become so.

    Returns:
        The layout before the migration.

    Raises:
        MigrationRequired: the schema is newer than this version.
        ConfigError: the user may not create the schema or the tables, or may not grant the role
            what an app needs; or the tables cannot be distributed. Nothing was changed.
        StoreUnavailable: another migration, or a transaction on a table, held its lock too long; or
            a statement took longer than `limit`.
    """
    with _migrations.lock, exclusively(database, settings) as connection:
        before = layout(database, settings)  # another replica may have been faster
        if before.is_newer:
            raise _newer(before, database)
        if before.is_damaged:
            raise _damaged(before, database)
        if before.found is not None and not before.is_current:
            lift_time_limits(connection)
        if limit is not None:
            connection.execute(text(_limited(limit)))
        distributes = distributes or (before.is_distributed and not before.is_current)
        if distributes:
            distribution.check(_driver(connection))
            _run(connection, distribution.before())
        if not before.is_current:
            create_schema(connection, settings.schema)
            _run_alembic(connection, settings.schema)
        if distributes:
            _distribute(connection, settings.schema)
        if app_role is not None:
            _grant(connection, database, settings.schema, app_role)
        return before


def _distribute(connection: sqlalchemy.Connection, schema: str) -> None:
    lift_time_limits(connection)  # what is there is copied to the servers
    _run(connection, distribution.statements(schema))


def _run(connection: sqlalchemy.Connection, statements: list[str]) -> None:
    for statement in statements:
        connection.exec_driver_sql(statement.replace("%", "%%"))


def _grant(
    connection: sqlalchemy.Connection, database: Database, schema: str, app_role: str
) -> None:
    """Grant a role what an app needs. PostgreSQL only warns if the user may not grant it."""
    _run(connection, grants.statements(schema, app_role))
    lacking = grants.missing_of(_driver(connection), schema, app_role)
    if lacking:
        raise database.place.error(
            ConfigError,
            "The user in `url` may not grant the role what an app needs, so nothing was changed. "
            "Run it as the owner of the tables.",
            advice=f"The role {app_role!r} still lacks {grants.in_words(lacking)}.",
        )


def _limited(limit: timedelta) -> str:
    return f"SET LOCAL statement_timeout = {milliseconds(limit.total_seconds())}"


def script(
    schema: str,
    *,
    app_role: str | None = None,
    limit: timedelta | None = None,
    found: str | None = None,
    distributes: bool = False,
) -> str:
    """Return the SQL of a migration, without a connection. It is the same each time.

    It holds no secret: the database makes the signing key when it runs.

    Args:
        schema: a checked name.
        app_role: as in `upgrade`.
        limit: as in `upgrade`.
        found: the layout that the tables have; None for no tables.
        distributes: as in `upgrade`.

    Raises:
        ConfigError: there is no such layout, or no migration leads from it.
    """
    from alembic import command

    known = known_revisions()
    if found is not None and found not in known:
        raise ConfigError(
            f"There is no layout {found!r}. Layouts are: {', '.join(sorted(known))}. "
            "pgstate status says which one the tables have."
        )
    with _migrations.lock:
        config, output = _config(), io.StringIO()
        config.output_buffer = output
        config.attributes.update(
            schema=schema,
            before=[*_before(limit), *(distribution.before() if distributes else [])],
            after=[
                *(distribution.statements(schema) if distributes else []),
                *(grants.statements(schema, app_role) if app_role else []),
            ],
        )
        command.upgrade(config, f"{found}:{HEAD}" if found else HEAD, sql=True)
    came_from = f"from layout {found}" if found else "from nothing"
    head = (
        f"-- streamlit-pgstate: the schema {schema!r}, {came_from} to layout {HEAD}.\n"
        "-- Run it with: psql -v ON_ERROR_STOP=1 -f FILE\n\n"
    )
    return head + output.getvalue()


def _before(limit: timedelta | None) -> list[str]:
    """What comes first in the transaction: the limits, and the lock of all migrations."""
    limited = [] if limit is None else [_limited(limit)]
    lock = f"SELECT pg_advisory_xact_lock({_LOCK_ID})"
    return [
        f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}s'",
        lock,
        f"SET LOCAL lock_timeout = '{_TABLE_LOCK_TIMEOUT}s'",
        *limited,
    ]


@contextlib.contextmanager
def exclusively(database: Database, settings: Settings) -> Iterator[sqlalchemy.Connection]:
    """Open a transaction of SQLAlchemy that holds the lock for all migrations of this database.

    The lock belongs to the transaction, so it works through pgbouncer, and a crash releases it.
    """
    engine = database.transactional()
    try:
        with engine.begin() as connection:
            _take_lock(connection, database)
            connection.execute(text(f"SET LOCAL lock_timeout = '{_TABLE_LOCK_TIMEOUT}s'"))
            yield connection
    except DBAPIError as error:
        raise _translated(error, database) from None


def lift_time_limits(connection: sqlalchemy.Connection) -> None:
    """Let the statements of this transaction take as long as they do, but not wait for locks.

    An operator has started this migration. How long it takes depends on how much is stored, and one
    that is cut off begins anew the next time.
    """
    _driver(connection).deadline = time.monotonic() + _MIGRATED_WITHIN
    connection.execute(text("SET LOCAL statement_timeout = 0"))


def _driver(connection: sqlalchemy.Connection) -> TimedConnection:
    # SQLAlchemy has no type for its driver's connections.
    driver: TimedConnection = connection.connection.driver_connection  # type: ignore[assignment]
    return driver


def _take_lock(connection: sqlalchemy.Connection, database: Database) -> None:
    connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}s'"))
    try:
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK_ID})"))
    except DBAPIError as error:
        if _sqlstate(error) != _LOCK_NOT_AVAILABLE:
            raise
        raise database.place.error(
            StoreUnavailable,
            f"Another migration of the database has been running for over {_LOCK_TIMEOUT} s. "
            f"Wait for it, then run: {database.place.migration}",
            cause=error.orig,
        ) from None


def create_schema(connection: sqlalchemy.Connection, name: str) -> None:
    """Create the schema if it does not exist.

    Checks that first: CREATE SCHEMA IF NOT EXISTS needs the right to create even if it exists.
    """
    exists = text("SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = :name")
    if connection.execute(exists, {"name": name}).first() is None:
        connection.execute(text(f'CREATE SCHEMA "{name}"'))


def known_revisions() -> set[str]:
    """Return all revisions that this version can upgrade from, including its own."""
    from alembic.script import ScriptDirectory

    return {script.revision for script in ScriptDirectory(str(_SCRIPTS)).walk_revisions()}


def _run_alembic(connection: sqlalchemy.Connection, schema: str) -> None:
    from alembic import command

    config = _config()
    config.attributes.update(connection=connection, schema=schema)
    command.upgrade(config, "head")


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    return config


def _newer(present: Layout, database: Database) -> MigrationRequired:
    return database.place.error(
        MigrationRequired,
        f"The database has layout {present.found}, made by a newer version of "
        f"streamlit-pgstate; this one knows {present.needed}. "
        "Run: pip install --upgrade streamlit-pgstate",
    )


def _damaged(present: Layout, database: Database) -> MigrationRequired:
    return database.place.error(
        MigrationRequired,
        f"Tables are missing in the database: {', '.join(present.missing)}. A migration does not "
        "make them again, as what they held is gone. Restore the whole schema from a backup.",
        advice="If nothing is to be kept, run: "
        f'DROP SCHEMA "{database.place.schema}" CASCADE, then: {database.place.migration}',
    )


def _sqlstate(error: DBAPIError) -> str | None:
    return error.orig.sqlstate if isinstance(error.orig, psycopg.Error) else None


def _translated(error: DBAPIError, database: Database) -> Exception:
    original, place = error.orig, database.place
    if not isinstance(original, psycopg.Error):
        return error
    if original.sqlstate == _LOCK_NOT_AVAILABLE:
        return place.error(
            StoreUnavailable,
            f"A table of the database was in use for over {_TABLE_LOCK_TIMEOUT} s, so nothing "
            "was changed. End the transaction that holds it (pg_stat_activity shows it), then "
            f"run: {place.migration}",
            cause=original,
        )
    if original.sqlstate == _QUERY_CANCELED and "statement timeout" in str(original):
        return place.error(
            StoreUnavailable,
            "A statement of the migration took longer than its limit, so nothing was changed. "
            f"Give a longer --statement-timeout, or none, and run: {place.migration}",
            cause=original,
        )
    if original.sqlstate == _PERMISSION_DENIED:
        return place.error(
            ConfigError,
            "The tables could not be created: permission denied. The owner of the database has "
            "to create the schema for the user in `url`.",
            advice=f"As the owner of the database, run: {place.grant}",
            cause=original,
        )
    return translate(original, place)
