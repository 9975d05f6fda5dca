"""The command `status`: which database it is, how much it holds, and what to do next."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import click

from streamlit_pgstate.cli.group import ACTION_NEEDED, exit_code
from streamlit_pgstate.cli.options import as_json_option, on_database
from streamlit_pgstate.cli.printing import as_json, count, fact, size, time
from streamlit_pgstate.cli.target import (
    Target,
    Where,
    database_of,
    find_target,
    is_embedded_and_new,
    tables_of,
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
_TO_CLEAN_UP = (
    "what has expired days ago is still there. Run: pgstate gc. An app does so by itself unless "
    "gc_interval is 0 or nobody visits it; then run it from cron, once a day"
)


@click.command()
@on_database
@as_json_option
def status(where: Where, json: bool) -> None:
    """Show the status of the database and what to do next. Changes nothing.

    It says whether the tables have the layout that this version needs, how much they hold, and
    whether the cleanup is behind: something has expired more than two days ago and is still there.

    \b
    Exit codes:
      0  nothing is to be done
      1  the tables are missing, or older or newer, or the cleanup is behind; the last line says
         what to do
      2  an option or a setting is wrong or missing, or the server refuses the user
      3  the database cannot be reached, or does not answer

    \b
    Examples:
      pgstate status || pgstate migrate
      pgstate status --json | jq .to_do
    """
    target, fault = find_target(where), None
    if is_embedded_and_new(target.settings):
        advice = _ADVICE_FOR_NEW if target.is_named else _ADVICE_FOR_NOTHING
        found = Status(database=f"none yet in {target.source}", to_do=advice)
    else:
        with database_of(target.settings) as database:
            found, fault = _found(database, target)
    if json:
        as_json(dataclasses.asdict(found) | {"ok": found.to_do is None})
    else:
        _print(found)
    if fault is not None:
        raise SystemExit(exit_code(fault))
    raise SystemExit(0 if found.to_do is None else ACTION_NEEDED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What is known of a database. Times are the server's, sizes are bytes."""

    database: str
    server: str | None = None
    schema: str | None = None
    layout_found: str | None = None
    layout_needed: str | None = None
    is_distributed: bool = False
    """Whether the tables are distributed over several servers."""
    sessions: int | None = None
    values: int | None = None
    bytes: int | None = None
    on_disk: dict[str, int] | None = None
    """By table, with its indexes."""
    oldest_session: datetime | None = None
    cleaned_at: datetime | None = None
    expired_sessions: int | None = None
    """How many wait for the cleanup; 10,000 stands for that many or more."""
    expired_since: datetime | None = None
    not_readable: str | None = None
    """Why the numbers above are missing."""
    to_do: str | None = None
    """What to do next; None if nothing is to be done."""


def _found(database: Database, target: Target) -> tuple[Status, PgStateError | None]:
    """What is known, and why what is stored could not be read."""
    from streamlit_pgstate.postgres import migrate

    with database.connection() as connection:
        version = connection.info.parameter_status("server_version")
    present = migrate.layout(database, target.settings)
    found = Status(
        database=f"{database.place} ({target.source})",
        server=f"PostgreSQL {version}",
        schema=target.settings.schema,
        layout_found=present.found,
        layout_needed=present.needed,
        is_distributed=present.is_distributed,
        to_do=_advice(present, database),
    )
    if present.is_damaged or not present.is_current:
        return found, None
    try:
        return _with_content(found, target.settings), None
    except PgStateError as error:
        to_do = f"what is stored could not be read: {error.in_full}"
        return dataclasses.replace(found, not_readable=error.in_full, to_do=to_do), error


def _with_content(found: Status, settings: Settings) -> Status:
    with tables_of(settings) as tables:
        overview, overdue = tables.inspection.overview(), tables.inspection.overdue()
    return dataclasses.replace(
        found,
        sessions=overview.sessions,
        values=overview.values,
        bytes=overview.bytes,
        on_disk=dict(overview.on_disk),
        oldest_session=overview.oldest,
        cleaned_at=overdue.cleaned_at,
        expired_sessions=overdue.sessions,
        expired_since=overdue.since,
        to_do=_TO_CLEAN_UP if overdue.is_behind(settings.gc_interval) else None,
    )


def _print(found: Status) -> None:
    fact("Database", found.database)
    if found.server and found.schema:
        fact("Server", found.server)
        fact("Schema", found.schema)
        distributed = ", distributed by Citus" if found.is_distributed else ""
        layouts = f"{found.layout_found or 'none'} found, {found.layout_needed} needed"
        fact("Layout", f"{layouts}{distributed}")
    if found.not_readable:
        fact("Stored", f"not readable: {found.not_readable}")
    if found.on_disk is not None:
        _print_content(found, sum(found.on_disk.values()))
    fact("To do", found.to_do or "nothing")


def _print_content(found: Status, on_disk: int) -> None:
    sessions, values = count(found.sessions or 0, "session"), count(found.values or 0, "value")
    fact("Stored", f"{sessions}, {values}, {size(found.bytes or 0)} ({size(on_disk)} on disk)")
    if found.oldest_session:
        fact("Oldest", f"the oldest session was made at {time(found.oldest_session)}")
    cleaned = time(found.cleaned_at) or "never by an app"
    waiting = "nothing waits for it"
    if found.expired_since:
        waiting = (
            f"{count(found.expired_sessions or 0, 'expired session')} and what has expired since "
            f"{time(found.expired_since)} wait for it"
        )
    fact("Cleanup", f"last begun: {cleaned}; {waiting}")


def _advice(present: Layout, database: Database) -> str | None:
    if present.is_damaged:
        return (
            f"tables are missing: {', '.join(present.missing)}. Restore the whole schema from a "
            f'backup. If nothing is to be kept, run: DROP SCHEMA "{database.place.schema}" '
            f"CASCADE, then, with the same options: {database.place.migration}"
        )
    if present.is_current:
        return None
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
