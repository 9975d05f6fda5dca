"""The target: the database that a command works on, found in options, secrets and environment."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from streamlit_pgstate.errors import ConfigError

if TYPE_CHECKING:
    from streamlit_pgstate.postgres.engine import Database
    from streamlit_pgstate.postgres.tables import Tables
    from streamlit_pgstate.settings import Settings

_NO_DATABASE = (
    "No database is configured. Give its URL as --url, as the environment variable PGSTATE_URL, "
    "or as `url` under [connections.pgstate] in .streamlit/secrets.toml; or install the "
    'embedded PostgreSQL: pip install "streamlit-pgstate[embedded]"'
)
_NOT_INSTALLED = (
    'The embedded PostgreSQL is not installed. Run: pip install "streamlit-pgstate[embedded]"'
)
NO_DATABASE_HERE = (
    "No database is configured for the folder {home}. Run this in the folder of the app; or give "
    "the URL as --url, as the environment variable PGSTATE_URL, or as `url` under "
    "[connections.pgstate] in .streamlit/secrets.toml; or, if the app uses the embedded "
    "PostgreSQL, run: pgstate migrate --embedded"
)


class Where(NamedTuple):
    """What the options say of the database."""

    url: str | None = None
    schema: str | None = None
    embedded: bool = False


class Target(NamedTuple):
    """The database that the command works on."""

    settings: Settings
    source: str
    """Which option, file or variable names it; for an embedded one, its folder."""
    is_named: bool = True
    """False for the embedded one of the current folder, if no option asks for it."""


def find_target(where: Where) -> Target:
    """Find the database that the options, the secrets or the environment name, in this order."""
    from streamlit_pgstate.settings import Settings

    url, embedded = where.url, where.embedded
    if embedded and url:
        raise ConfigError("--url and --embedded name two databases. Leave out one of them.")
    secrets, environment = _secrets(), dict(os.environ)
    if embedded:
        secrets.pop("url", None)
        environment.pop("PGSTATE_URL", None)
    settings = Settings.read(
        {"url": url, "schema": where.schema},
        secrets=secrets,
        environment=environment,
        home=Path.cwd(),
    )
    if url:
        return Target(settings, "from --url")
    if "url" in secrets:
        return Target(settings, "from .streamlit/secrets.toml")
    if settings.url is not None:
        return Target(settings, "from PGSTATE_URL")
    return _embedded_target(settings, is_named=embedded)


def find_schema(where: Where) -> str:
    """Find the schema alone, for what needs no connection."""
    from streamlit_pgstate.settings import Settings

    return Settings.read({"schema": where.schema}, secrets=_secrets()).schema


def duration(source: str, text: str) -> timedelta:
    """Read a duration that an option gives, such as ``10m``.

    Raises:
        ConfigError: it is none. The message names `source`.
    """
    from streamlit_pgstate import settings

    return settings.read_duration(source, text)


def find_existing(where: Where) -> Target:
    """As `find_target`, for commands that create no embedded database.

    Raises:
        ConfigError: there is no database yet.
    """
    target = find_target(where)
    if is_embedded_and_new(target.settings):
        raise ConfigError(NO_DATABASE_HERE.format(home=target.settings.home))
    return target


def _embedded_target(settings: Settings, *, is_named: bool) -> Target:
    from streamlit_pgstate.postgres import embedded

    if not embedded.installed():
        raise ConfigError(_NOT_INSTALLED if is_named else _NO_DATABASE)
    return Target(settings, str(settings.home / ".pgstate"), is_named)


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


def is_embedded_and_new(settings: Settings) -> bool:
    """Whether to connect would create an embedded database, which `status` must not do."""
    data = settings.home / ".pgstate" / "data" / "PG_VERSION"
    try:
        return settings.url is None and not data.exists()
    except PermissionError:  # root has run the server, so its user owns the folder, which exists
        return False


@contextlib.contextmanager
def database_of(settings: Settings) -> Iterator[Database]:
    """The database of these settings, closed at the end of the block."""
    from streamlit_pgstate.postgres import engine

    database = engine.Database(settings)
    try:
        yield database
    finally:
        database.close()


@contextlib.contextmanager
def tables_of(settings: Settings) -> Iterator[Tables]:
    """The tables of these settings, which are not migrated, closed at the end of the block."""
    from streamlit_pgstate.postgres.tables import Tables

    tables = Tables(dataclasses.replace(settings, auto_migrate=False))
    try:
        yield tables
    finally:
        tables.close()
