"""The command `gc`: deletes what nobody can reach any more."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from streamlit_pgstate.cli.group import if_interrupted
from streamlit_pgstate.cli.options import on_database
from streamlit_pgstate.cli.target import Where, find_existing, tables_of

if TYPE_CHECKING:
    from streamlit_pgstate.postgres.cleanup import Cleaned


@click.command()
@on_database
@click.option("--dry-run", is_flag=True, help="Count what would be deleted, and delete nothing.")
def gc(where: Where, dry_run: bool) -> None:
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
    with tables_of(find_existing(where).settings) as tables:
        if dry_run:
            click.echo(f"Would delete {tables.count_cleanup()}.")
            return
        if_interrupted("What was deleted stays so: run it again for the rest.")
        shows = sys.stderr.isatty()
        cleaned = tables.clean_up(_show_progress if shows else lambda _: None)
        if shows:
            click.echo(err=True)
        click.echo(f"Deleted {cleaned}.")


def _show_progress(done: Cleaned) -> None:
    click.echo(f"\r{done.total:,} rows", err=True, nl=False)
