"""The command `history`: the versions of one key."""

from __future__ import annotations

import click

from streamlit_pgstate.cli.group import ACTION_NEEDED
from streamlit_pgstate.cli.options import as_json_option, on_database, session_argument
from streamlit_pgstate.cli.printing import as_json, size, table, time
from streamlit_pgstate.cli.target import Where, find_existing, tables_of

_HEAD = ("VERSION", "CHANGED", "BY", "KIND", "SIZE")


@click.command()
@on_database
@session_argument
@click.argument("key")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 10_000))
@as_json_option
def history(where: Where, session: str, key: str, limit: int, json: bool) -> None:
    """List the versions of KEY, the present one first.

    Former versions are there if the app has the setting `history`. A deletion is a version without
    a kind. It changes nothing, and the visitor does not notice.

    \b
    Exit codes:
      0  done
      1  there is no such session, or the key never had a value
      2  an option or a setting is wrong or missing, or several ids begin so
      3  the database cannot be reached, or does not answer

    \b
    Examples:
      pgstate history 6c3f1f5e cart
      pgstate history 6c3f1f5e cart --limit 5 --json
    """
    from streamlit_pgstate.postgres.rows import SessionRef

    with tables_of(find_existing(where).settings) as tables:
        row = tables.inspection.find(session)
        found = tables.history.read(SessionRef(row.id), key, limit=limit)
    if not found:
        click.echo(
            f"Error: Session {row.id} has no versions of {key!r}. To see its keys, run: "
            f"pgstate show {row.id}",
            err=True,
        )
        raise SystemExit(ACTION_NEEDED)
    if json:
        as_json([each._asdict() for each in found])
        return
    lines = [
        (
            str(each.version),
            time(each.changed_at),
            each.operation,
            each.kind or "–",
            size(each.size) if each.kind else "–",
        )
        for each in found
    ]
    table(_HEAD, lines, right=("VERSION", "SIZE"))
