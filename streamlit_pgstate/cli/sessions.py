"""The command `sessions`: lists the sessions in use."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import click

from streamlit_pgstate.cli.options import as_json_option, on_database
from streamlit_pgstate.cli.printing import as_json, safe, size, table, time
from streamlit_pgstate.cli.target import Where, find_existing, tables_of
from streamlit_pgstate.errors import ConfigError

if TYPE_CHECKING:
    from streamlit_pgstate.postgres.inspection import SessionRow

_HEAD = ("ID", "APP", "SCOPE", "KEYS", "SIZE", "CREATED", "SEEN", "EXPIRES")


@click.command()
@on_database
@click.option("--largest", is_flag=True, help="The largest first. Reads all rows of sessions once.")
@click.option("--oldest", is_flag=True, help="The oldest first.")
@click.option("--app", metavar="NAME", help="Only sessions of this app.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, metavar="N")
@click.option("--after", metavar="POSITION", help="Go on there: the page before has printed it.")
@as_json_option
def sessions(
    where: Where,
    largest: bool,
    oldest: bool,
    app: str | None,
    limit: int,
    after: str | None,
    json: bool,
) -> None:
    """List the sessions that are in use, those first that expire last: mostly those seen last.

    An ID is what pgstate.session().id shows in the app. Other commands take it, or its first
    digits. KEYS and SIZE count what the session holds, as encoded. SEEN moves at most once an hour.

    It is safe on a large database: it reads one page, locks nothing, and reads no values.

    \b
    Exit codes:
      0  done
      1  the tables are missing, or older or newer than this version needs
      2  an option or a setting is wrong or missing, or the server refuses the user
      3  the database cannot be reached, or does not answer

    \b
    Examples:
      pgstate sessions --limit 10
      pgstate sessions --largest --app shop
      pgstate sessions --json | jq -r '.sessions[].id'
    """
    from streamlit_pgstate.postgres.inspection import Order

    if largest and oldest:
        raise ConfigError("--largest and --oldest are two orders. Leave out one of them.")
    order = Order.BYTES if largest else Order.AGE if oldest else Order.EXPIRY
    with tables_of(find_existing(where).settings) as tables:
        page = tables.inspection.sessions(order, app=app, after=after, limit=limit)
    if json:
        as_json({"sessions": [fields_of(row) for row in page.sessions], "next": page.next})
        return
    if not page.sessions:
        click.echo("No sessions.")
        return
    table(_HEAD, [_line(row) for row in page.sessions], right=("KEYS", "SIZE"))
    if page.next:
        click.echo(f"\nThere are more. Run the same with: --after {page.next}")


def _line(row: SessionRow) -> tuple[str, ...]:
    times = (time(row.created_at), time(row.seen_at), time(row.expires_at))
    return (str(row.id), safe(row.app), row.scope, f"{row.keys:,}", size(row.bytes), *times)


def fields_of(row: SessionRow) -> dict[str, Any]:
    """Return what JSON says of a session."""
    return dataclasses.asdict(row) | {"ended": row.ended}
