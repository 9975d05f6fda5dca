"""The command ``pgstate``: shows the status of the database, migrates it, and looks after it.

For operators: it prints one line for each fact, an exit code tells scripts the result, and no
output holds a traceback or a password. It reads ``secrets.toml`` without Streamlit, and imports
other modules late, so that ``--help`` is quick.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from streamlit_pgstate.errors import ConfigError, PgStateError, StoreUnavailable

if TYPE_CHECKING:
    from streamlit_pgstate.postgres.cleanup import Cleaned
    from streamlit_pgstate.postgres.engine import Database
    from streamlit_pgstate.postgres.migrate import Layout
    from streamlit_pgstate.postgres.rekeying import Rekeyed
    from streamlit_pgstate.postgres.tables import Tables
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
_ADVICE_FOR_NEW = "start the app, which creates it, or run: pgstate migrate --embedded"
_ADVICE_FOR_NOTHING = (
    "run this in the folder of the app, or name its database: --url, PGSTATE_URL, secrets.toml. "
    "The app creates an embedded one when it starts, or run: pgstate migrate --embedded"
)
_NO_DATABASE_HERE = (
    "No database is configured for the folder {home}. Run this in the folder of the app; or give "
    "the URL as --url, as the environment variable PGSTATE_URL, or as `url` under "
    "[connections.pgstate] in .streamlit/secrets.toml; or, if the app uses the embedded "
    "PostgreSQL, run: pgstate migrate --embedded"
)
_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


class _Target(NamedTuple):
    """The database that the command works on."""

    settings: Settings
    source: str
    """Which option, file or variable names it; for an embedded one, its folder."""
    is_named: bool = True
    """False for the embedded one of the current folder, if no option asks for it."""


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    url = click.option(
        "--url",
        metavar="URL",
        help="The database, as postgresql://user:password@host:5432/database. Other users of this "
        "machine can see the option while the command runs, so PGSTATE_URL is safer.",
    )
    schema = click.option(
        "--schema", metavar="NAME", help="The schema of the tables. [default: pgstate]"
    )
    embedded = click.option(
        "--embedded",
        is_flag=True,
        help="Use the embedded PostgreSQL in .pgstate of the current folder, even if another "
        "database is configured.",
    )
    return url(schema(embedded(command)))


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="For more about a command: pgstate COMMAND --help",
)
@click.version_option(package_name="streamlit-pgstate", prog_name="pgstate")
def main() -> None:
    """Check, migrate, clean up or encrypt the database of a Streamlit app with streamlit-pgstate.

    Run it in the folder of the app. It takes the URL and the schema of the database from the
    first of these that has them:

    \b
      1. the options --url (or --embedded) and --schema
      2. url and schema under [connections.pgstate] in .streamlit/secrets.toml
      3. the environment variables PGSTATE_URL and PGSTATE_SCHEMA

    Without a URL it is the embedded PostgreSQL in .pgstate of the current folder. `migrate`
    changes that one only with --embedded. If the app sets its URL in code, by
    pgstate.configure(url=…), give the same URL as --url.

    \b
    Examples:
      pgstate status
      pgstate migrate
      pgstate migrate --embedded
      PGSTATE_URL=postgresql://me:secret@db.example.com/app pgstate status
      pgstate migrate --schema team_a
      pgstate gc --dry-run
      pgstate rekey --dry-run

    \b
    Exit codes:
      0  the tables have the layout that this version needs
      1  the tables are missing, or older or newer than this version needs
      2  an option or a setting is wrong or missing, or the server refuses the user
      3  the database cannot be reached, or does not answer
    """
    # Without a handler Python prints warnings: what went wrong would be said twice.
    logging.getLogger("streamlit_pgstate").addHandler(logging.NullHandler())


@main.command()
@_options
def status(url: str | None, schema: str | None, embedded: bool) -> None:
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
    with _errors_in_one_line():
        target = _find_target(url, schema, embedded=embedded)
        if _is_embedded_and_new(target.settings):
            _print("Database", f"none yet in {target.source}")
            _print("To do", _ADVICE_FOR_NEW if target.is_named else _ADVICE_FOR_NOTHING)
            raise SystemExit(ACTION_NEEDED)
        with _database(target.settings) as database:
            present = _describe(database, target)
    raise SystemExit(0 if present.is_current and not present.is_damaged else ACTION_NEEDED)


@main.command()
@_options
def migrate(url: str | None, schema: str | None, embedded: bool) -> None:
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
    from streamlit_pgstate.postgres import migrate

    with _errors_in_one_line():
        target = _find_target(url, schema, embedded=embedded)
        if not target.is_named:
            raise ConfigError(_NO_DATABASE_HERE.format(home=target.settings.home))
        with _database(target.settings) as database:
            before = migrate.upgrade(database, target.settings)
            what = f"schema {target.settings.schema!r} of {database.place} ({target.source})"
            if before.is_current:
                click.echo(f"Nothing to do: {what} has layout {before.found}.")
            else:
                found = before.found or "nothing"
                click.echo(f"Migrated {what} from {found} to {before.needed}.")


@main.command()
@_options
@click.option("--dry-run", is_flag=True, help="Count what would be deleted, and delete nothing.")
def gc(url: str | None, schema: str | None, embedded: bool, dry_run: bool) -> None:
    """Delete what nobody can reach any more: expired sessions, expired keys and leftovers.

    It is safe at any time, also while apps run, and several may run at once. An app does the same
    by itself every hour; if its setting gc_interval is 0, run this from cron, once a day.

    It deletes in small transactions (setting gc_batch). If it is interrupted, what it has deleted
    stays so: run it again.

    \b
    Exit codes:
      0  done
      1  the tables are missing, or older or newer than this version needs
      2  an option or a setting is wrong or missing, or the user may not delete
      3  the database cannot be reached, or does not answer

    \b
    Examples:
      pgstate gc --dry-run
      17 3 * * *  PGSTATE_URL=postgresql://app@db.example.com/app pgstate gc
    """
    with _errors_in_one_line():
        target = _find_target(url, schema, embedded=embedded)
        if _is_embedded_and_new(target.settings):
            raise ConfigError(_NO_DATABASE_HERE.format(home=target.settings.home))
        with _tables(target.settings) as tables:
            if dry_run:
                click.echo(f"Would delete {tables.count_cleanup()}.")
                return
            shows = sys.stderr.isatty()
            cleaned = tables.clean_up(_show_progress if shows else lambda _: None)
            if shows:
                click.echo(err=True)
            click.echo(f"Deleted {cleaned}.")


def _show_progress(done: Cleaned) -> None:
    click.echo(f"\r{done.total:,} rows", err=True, nl=False)


@main.command()
@_options
@click.option("--dry-run", is_flag=True, help="Count what would be encrypted, and change nothing.")
@click.option(
    "--trust-plain",
    is_flag=True,
    help="Encrypt values, too, that are not encrypted though all were: a process without the key "
    "has written them, or somebody else has.",
)
def rekey(
    url: str | None, schema: str | None, embedded: bool, dry_run: bool, trust_plain: bool
) -> None:
    """Encrypt all values with the first key of encryption_key: those of older keys, and plain ones.

    It reads encryption_key as the app does, from secrets.toml or PGSTATE_ENCRYPTION_KEY. First
    give all processes of the app the new key: to read, then to write. Then run this. Then remove
    the old key.

    It is safe while apps run. It takes one transaction for each session; writers of that session
    wait for it. If it is interrupted, what it has encrypted stays so: run it again.

    \b
    Exit codes:
      0  all values are encrypted with the first key
      1  some values could not be decrypted and are left as they were; or the tables are missing,
         or older or newer than this version needs
      2  an option or a setting is wrong or missing, or the user may not write
      3  the database cannot be reached, or does not answer

    \b
    Examples:
      pgstate rekey --dry-run
      PGSTATE_ENCRYPTION_KEY="$NEW_KEY,$OLD_KEY" pgstate rekey
    """
    with _errors_in_one_line():
        target = _find_target(url, schema, embedded=embedded)
        if _is_embedded_and_new(target.settings):
            raise ConfigError(_NO_DATABASE_HERE.format(home=target.settings.home))
        with _tables(target.settings) as tables:
            due = tables.count_rekey()
            if dry_run:
                click.echo(
                    f"Would encrypt {_count(due.values, 'value')} of "
                    f"{_count(due.sessions, 'session')}; {_are_encrypted(due)}."
                )
                return
            with _progress_of(due.values) as show:
                done = tables.rekey(trusts_plain=trust_plain, on_progress=show)
            said = f"Encrypted {_count(done.values, 'value')}; {_are_encrypted(due)}."
            if not done.left:
                click.echo(f"{said} The other keys can be removed from encryption_key now.")
                return
            for fault in done.faults:
                click.echo(fault)
            if more := done.left - len(done.faults):
                click.echo(f"… and {_count(more, 'value')} more.")
            left = _count(done.left, "value")
            click.echo(f"{said} {left} could not be decrypted. Keep all keys.")
            raise SystemExit(ACTION_NEEDED)


def _are_encrypted(found: Rekeyed) -> str:
    return f"{_count(found.before, 'value')} had been encrypted with the first key before"


@contextlib.contextmanager
def _progress_of(total: int) -> Iterator[Callable[[Rekeyed], object]]:
    """A progress bar over so many values, where a person looks on."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    with click.progressbar(length=total, file=sys.stderr) as bar:
        yield lambda done: bar.update(done.values - bar.pos)


@contextlib.contextmanager
def _tables(settings: Settings) -> Iterator[Tables]:
    from streamlit_pgstate.postgres.tables import Tables

    tables = Tables(dataclasses.replace(settings, auto_migrate=False))
    try:
        yield tables
    finally:
        tables.close()


@contextlib.contextmanager
def _errors_in_one_line() -> Iterator[None]:
    """Print an error of this package as a line ``Error: …``, and exit with its exit code."""
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


def _find_target(url: str | None, schema: str | None, *, embedded: bool) -> _Target:
    """Find the database that the options, the secrets or the environment name, in this order."""
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
        return _Target(settings, "from --url")
    if "url" in secrets:
        return _Target(settings, "from .streamlit/secrets.toml")
    if settings.url is not None:
        return _Target(settings, "from PGSTATE_URL")
    return _embedded_target(settings, is_named=embedded)


def _embedded_target(settings: Settings, *, is_named: bool) -> _Target:
    from streamlit_pgstate.postgres import embedded

    if not embedded.installed():
        raise ConfigError(_NOT_INSTALLED if is_named else _NO_DATABASE)
    return _Target(settings, str(settings.home / ".pgstate"), is_named)


def _secrets() -> dict[str, Any]:
    """Read `[connections.pgstate]` from the files that Streamlit reads.

    They are the user's file and that of the current folder. A table in the second replaces the
    whole table of the first, as in Streamlit.
    """
    from streamlit_pgstate import settings

    found: dict[str, Any] = {}
    for folder in (Path.home(), Path.cwd()):
        found |= settings.read_toml(folder / ".streamlit" / "secrets.toml")
    return settings.connection_in(found)


def _is_embedded_and_new(settings: Settings) -> bool:
    """Whether to connect would create an embedded database, which `status` must not do."""
    data = settings.home / ".pgstate" / "data" / "PG_VERSION"
    try:
        return settings.url is None and not data.exists()
    except PermissionError:  # root has run the server, so its user owns the folder, which exists
        return False


# What to print


def _describe(database: Database, target: _Target) -> Layout:
    from streamlit_pgstate.postgres import migrate

    with database.connection() as connection:
        version = connection.info.parameter_status("server_version")
    _print("Database", f"{database.place} ({target.source})")
    _print("Server", f"PostgreSQL {version}")
    _print("Schema", target.settings.schema)
    present = migrate.layout(database, target.settings)
    _print("Layout", f"{present.found or 'none'} found, {present.needed} needed")
    if present.found is not None:
        _print("Stored", _stored(target.settings))
    _print("To do", _advice(present, database))
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
        f"{_count(totals.sessions, 'session')}, {_count(totals.entries, 'value')}, "
        f"{_size(totals.bytes)} "
        f"({_size(totals.bytes_on_disk)} on disk)"
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


def _print(name: str, value: str) -> None:
    click.echo(f"{name + ':':<10} {value}")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _size(number: float) -> str:
    """Return a number of bytes with its unit."""
    for unit in _UNITS:
        if number < 1024 or unit == _UNITS[-1]:
            break
        number /= 1024
    return f"{number:,.0f} {unit}" if unit == "bytes" else f"{number:,.1f} {unit}"


if __name__ == "__main__":
    main()
