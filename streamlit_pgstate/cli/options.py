"""Options that several commands share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click

from streamlit_pgstate.cli.target import Where
from streamlit_pgstate.errors import ConfigError


def on_database(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that name its database. It gets them as its argument `where`."""

    @functools.wraps(command)
    def with_where(
        *args: Any, url: str | None, schema: str | None, embedded: bool, **options: Any
    ) -> Any:
        for text in (url, schema, *options.values()):
            _refuse_other_bytes(text)
        return command(*args, where=Where(url, schema, embedded), **options)

    return _url(_schema(_embedded(with_where)))


def _refuse_other_bytes(argument: object) -> None:
    """Refuse a text whose bytes are not UTF-8. Python stands half surrogate pairs for them."""
    if isinstance(argument, str) and any("\ud800" <= letter <= "\udfff" for letter in argument):
        raise ConfigError(f"The argument {argument!a} is not UTF-8 text. Type it in UTF-8.")


_url = click.option(
    "--url",
    metavar="URL",
    help="The database, as postgresql://user:password@host:5432/database. Other users of this "
    "machine can see the option while the command runs, so PGSTATE_URL is safer.",
)
_schema = click.option(
    "--schema", metavar="NAME", help="The schema of the tables. [default: pgstate]"
)
_embedded = click.option(
    "--embedded",
    is_flag=True,
    help="Use the embedded PostgreSQL in .pgstate of the current folder, even if another "
    "database is configured.",
)

session_argument = click.argument("session", metavar="SESSION")
as_json_option = click.option("--json", is_flag=True, help="Print JSON, for programs.")
