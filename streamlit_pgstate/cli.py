"""The command ``pgstate``: how the database stands, and its migration.

For operators: a line for each fact, an exit code for scripts, no traceback, no password. Reads
``secrets.toml`` by itself and imports the rest late, so that ``--help`` is there at once.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from streamlit_pgstate.errors import ConfigError, PgStateError, StoreUnavailable

if TYPE_CHECKING:
    from streamlit_pgstate.postgres.engine import Database
    from streamlit_pgstate.postgres.migrate import Layout
    from streamlit_pgstate.settings import Settings

ACTION_NEEDED = 1
USAGE = 2
UNREACHABLE = 3

_NO_DATABASE = (
    "No database is configured. Give its URL as --url, as the environment variable PGSTATE_URL, "
    "or as `url` under [connections.pgstate] in .streamlit/secrets.toml; or install the "
    'embedded PostgreSQL: pip install "streamlit-pgstate[embedded]"'
)
_NOT_INSTALLED = (
    'The embedded PostgreSQL is not installed. Run: pip install "streamlit-pgstate[embedded]"'
)
_ADVICE_FOR_NEW = "nothing by hand: the app makes it, or run: pgstate migrate --embedded"
_ADVICE_FOR_NOTHING = (
    "run this in the folder of the app, or name its database: --url, PGSTATE_URL, secrets.toml. "
    "An embedded one is made by the app, or by: pgstate migrate --embedded"
)
_NO_DATABASE_HERE = (
    "No database is configured for the folder {home}. Run this in the folder of the app; or give "
    "the URL as --url, as the environment variable PGSTATE_URL, or as `url` under "
    "[connections.pgstate] in .streamlit/secrets.toml; or, if the app uses the embedded "
    "PostgreSQL, run: pgstate migrate --embedded"
)
_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


class _Place(NamedTuple):
    """Which database is meant, and who said so."""

    settings: Settings
    source: str
    is_named: bool = True
    """Whether anybody said so: without a word it is the embedded one of the present folder."""


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    url = click.option(
        "--url",
        metavar="URL",
        help="The database: postgresql://user:password@host:5432/database. Others on this "
        "machine can see it while the command runs: better use PGSTATE_URL.",
    )
    schema = click.option(
        "--schema", metavar="NAME", help="Where the tables are. [default: pgstate]"
    )
    embedded = click.option(
        "--embedded",
        is_flag=True,
        help="The embedded PostgreSQL, in .pgstate of the present folder, whatever is configured.",
    )
    return url(schema(embedded(command)))


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="`pgstate COMMAND --help` says more.",
)
@click.version_option(package_name="streamlit-pgstate", prog_name="pgstate")
def main() -> None:
    """The database of a Streamlit app that uses streamlit-pgstate.

    Which database: the first of

    \b
      --url or --embedded, and --schema
      url, schema under [connections.pgstate] in .streamlit/secrets.toml
      PGSTATE_URL, PGSTATE_SCHEMA in the environment
      the embedded PostgreSQL, in .pgstate; `migrate` wants to hear --embedded then

    that is there; both folders are those in the present folder, so run it beside the app. An
    app that sets its url in code (pgstate.configure) needs the same one as --url.

    \b
    Examples:
      pgstate status
      pgstate migrate
      pgstate migrate --embedded
      PGSTATE_URL=postgresql://me:secret@db.example.com/app pgstate status
      pgstate migrate --schema team_a

    \b
    Exit codes:
      0  fine, nothing is left to do
      1  something must be done: the tables are missing, older or newer than needed
      2  the options or settings are wrong, or the server refuses the user
      3  the database cannot be reached, or does not answer
    """
    # Without a handler Python prints warnings: what went wrong would be said twice.
    logging.getLogger("streamlit_pgstate").addHandler(logging.NullHandler())


@main.command()
@_options
def status(url: str | None, schema: str | None, embedded: bool) -> None:
    """Say how the database stands and what to do. Changes nothing.

    \b
    Exit codes:
      0  the tables are as this version needs them
      1  something must be done: they are missing, older or newer; the last line says what
      2  the options or settings are wrong, or the server refuses the user
      3  the database cannot be reached, or does not answer

    \b
    Example, before an app is started:
      pgstate status || pgstate migrate
    """
    with _errors_in_one_line():
        place = _place(url, schema, embedded=embedded)
        if _is_embedded_and_new(place.settings):
            _say("Database", f"none yet in {place.source}")
            _say("To do", _ADVICE_FOR_NEW if place.is_named else _ADVICE_FOR_NOTHING)
            raise SystemExit(ACTION_NEEDED)
        with _database(place.settings) as database:
            present = _describe(database, place)
    raise SystemExit(0 if present.is_current else ACTION_NEEDED)


@main.command()
@_options
def migrate(url: str | None, schema: str | None, embedded: bool) -> None:
    """Make the tables, or bring older ones up to this version.

    Where no database is configured it does nothing, and says so: the embedded PostgreSQL is made
    and migrated with --embedded only.

    All or nothing, in one transaction; run it as often as you like, from several machines at
    once if need be. Needs a user who may create tables in the schema. Stop the apps of the
    older version before: they go on with the old layout in mind.

    \b
    Exit codes:
      0  the tables are as this version needs them
      1  they are newer than this version: upgrade streamlit-pgstate
      2  the options or settings are wrong, or the user may not create tables
      3  the database cannot be reached, or another migration takes too long

    \b
    Example:
      pgstate migrate --url postgresql://owner@db.example.com/app
    """
    from streamlit_pgstate.postgres import migrate

    with _errors_in_one_line():
        place = _place(url, schema, embedded=embedded)
        if not place.is_named:
            raise ConfigError(_NO_DATABASE_HERE.format(home=place.settings.home))
        with _database(place.settings) as database:
            before = migrate.upgrade(database, place.settings)
            what = f"schema {place.settings.schema!r} of {database.place} ({place.source})"
            if before.is_current:
                click.echo(f"Nothing to do: {what} has layout {before.found}.")
            else:
                found = before.found or "nothing"
                click.echo(f"Migrated {what} from {found} to {before.needed}.")


@contextlib.contextmanager
def _errors_in_one_line() -> Iterator[None]:
    """Errors of ours as a line ``Error: …`` and an exit code."""
    try:
        yield
    except PgStateError as error:
        click.echo(f"Error: {error.in_full}", err=True)
        raise SystemExit(_exit_code(error)) from error


def _exit_code(error: PgStateError) -> int:
    if isinstance(error, StoreUnavailable):
        return UNREACHABLE
    return USAGE if isinstance(error, ConfigError) else ACTION_NEEDED


@contextlib.contextmanager
def _database(settings: Settings) -> Iterator[Database]:
    from streamlit_pgstate.postgres import engine

    database = engine.Database(settings)
    try:
        yield database
    finally:
        database.close()


# Which database


def _place(url: str | None, schema: str | None, *, embedded: bool) -> _Place:
    """The database that the options, the secrets or the environment name, in this order."""
    from streamlit_pgstate.settings import Settings

    if embedded and url:
        raise ConfigError("--url and --embedded name two databases. Leave out one of them.")
    secrets, environment = _secrets(), dict(os.environ)
    if embedded:
        secrets.pop("url", None)
        environment.pop("PGSTATE_URL", None)
    settings = Settings.read(
        {"url": url, "schema": schema}, secrets=secrets, environment=environment, home=Path.cwd()
    )
    if url:
        return _Place(settings, "from --url")
    if "url" in secrets:
        return _Place(settings, "from .streamlit/secrets.toml")
    if settings.url is not None:
        return _Place(settings, "from PGSTATE_URL")
    return _embedded_place(settings, is_named=embedded)


def _embedded_place(settings: Settings, *, is_named: bool) -> _Place:
    from streamlit_pgstate.postgres import embedded

    if not embedded.installed():
        raise ConfigError(_NOT_INSTALLED if is_named else _NO_DATABASE)
    return _Place(settings, str(settings.home / ".pgstate"), is_named)


def _secrets() -> dict[str, Any]:
    """`[connections.pgstate]` where Streamlit looks: the user's file, then the present folder's.

    A table of the second file replaces that of the first as a whole, as it does in Streamlit.
    """
    from streamlit_pgstate import settings

    found: dict[str, Any] = {}
    for folder in (Path.home(), Path.cwd()):
        found |= settings.read_toml(folder / ".streamlit" / "secrets.toml")
    return settings.connection_in(found)


def _is_embedded_and_new(settings: Settings) -> bool:
    """Whether to connect would make a new embedded database, which `status` must not."""
    data = settings.home / ".pgstate" / "data" / "PG_VERSION"
    try:
        return settings.url is None and not data.exists()
    except PermissionError:  # the folder is the server's, if root ran it: so there is one
        return False


# What to say of it


def _describe(database: Database, place: _Place) -> Layout:
    from streamlit_pgstate.postgres import migrate

    with database.connection() as connection:
        version = connection.info.parameter_status("server_version")
    _say("Database", f"{database.place} ({place.source})")
    _say("Server", f"PostgreSQL {version}")
    _say("Schema", place.settings.schema)
    present = migrate.layout(database, place.settings)
    _say("Layout", f"{present.found or 'none'} found, {present.needed} needed")
    if present.found is not None:
        _say("Stored", _stored(place.settings))
    _say("To do", _advice(present, database))
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
        f"{totals.sessions:,} sessions, {totals.entries:,} values, {_size(totals.bytes)} "
        f"({_size(totals.bytes_on_disk)} on disk)"
    )


def _advice(present: Layout, database: Database) -> str:
    if present.is_current:
        return "nothing"
    if present.is_newer:
        return (
            "the tables are newer than this version of streamlit-pgstate. "
            "Run: pip install --upgrade streamlit-pgstate"
        )
    if present.found is None:
        return f"there are no tables yet. Run, with the same options: {database.place.migration}"
    return (
        f"the tables are older than needed. Run, with the same options: {database.place.migration}"
    )


def _say(name: str, value: str) -> None:
    click.echo(f"{name + ':':<10} {value}")


def _size(number: float) -> str:
    """Bytes as people read them."""
    for unit in _UNITS:
        if number < 1024 or unit == _UNITS[-1]:
            break
        number /= 1024
    return f"{number:,.0f} {unit}" if unit == "bytes" else f"{number:,.1f} {unit}"


if __name__ == "__main__":
    main()
