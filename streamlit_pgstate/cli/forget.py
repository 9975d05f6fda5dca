"""The command `forget`: deletes all that a session holds."""

from __future__ import annotations

import click

from streamlit_pgstate.cli.group import ACTION_NEEDED
from streamlit_pgstate.cli.options import on_database, session_argument
from streamlit_pgstate.cli.printing import count, size
from streamlit_pgstate.cli.target import Where, find_existing, tables_of


@click.command()
@on_database
@session_argument
@click.option("--yes", is_flag=True, help="Do not ask.")
def forget(where: Where, session: str, yes: bool) -> None:
    """Delete all that a session holds, for ever, and refuse its token from now on.

    It asks before it deletes. An open page of the visitor begins anew, empty, with its next click.
    What is left is a row without a value, which keeps the token refused; gc deletes it after two
    days. Backups of the database still hold what they held.

    \b
    Exit codes:
      0  done, or it was forgotten already
      1  there is no such session, or you have not confirmed
      2  an option or a setting is wrong or missing, or several ids begin so
      3  the database cannot be reached, or does not answer

    \b
    Examples:
      pgstate forget 6c3f1f5e
      pgstate forget 6c3f1f5e-7a0b-4d52-9d0e-3c0b8a1f4e77 --yes
    """
    from streamlit_pgstate.postgres.rows import SessionRef

    with tables_of(find_existing(where).settings) as tables:
        row = tables.inspection.find(session, to_change=True)
        what = f"{count(row.keys, 'value')} ({size(row.bytes)}) of session {row.id}"
        if row.revoked_at is not None and not row.keys:
            click.echo(f"Nothing to do: session {row.id} was forgotten already.")
            return
        if not yes and not click.confirm(f"Delete {what}, app {row.app!r}, for ever?", err=True):
            click.echo("Nothing was deleted.", err=True)
            raise SystemExit(ACTION_NEEDED)
        tables.sessions.forget(SessionRef(row.id))
        click.echo(f"Deleted {what}.")
