"""The command `restore`: makes a former version of a key the present one."""

from __future__ import annotations

import click

from streamlit_pgstate.cli.copy import refuse_ended
from streamlit_pgstate.cli.options import on_database, session_argument
from streamlit_pgstate.cli.printing import safe
from streamlit_pgstate.cli.target import Where, find_existing, tables_of


@click.command()
@on_database
@session_argument
@click.argument("key")
@click.argument("version", type=int)
def restore(where: Where, session: str, key: str, version: int) -> None:
    """Make a former version of KEY the present one.

    VERSION is a number that pgstate history shows. It is a change of its own, as a new version, so
    it can be taken back by another restore, and the visitor's undo takes it back, too. An open page
    of the visitor shows it with the next click.

    \b
    Exit codes:
      0  done
      1  there is no such session, the version is gone, or a limit would be passed
      2  an option or a setting is wrong or missing, several ids begin so, or it has ended
      3  the database cannot be reached, or does not answer

    \b
    Examples:
      pgstate history 6c3f1f5e cart
      pgstate restore 6c3f1f5e cart 12
    """
    from streamlit_pgstate.postgres.rows import SessionRef
    from streamlit_pgstate.state.key import check_key
    from streamlit_pgstate.state.session import Session
    from streamlit_pgstate.state.surroundings import Surroundings

    with tables_of(find_existing(where).settings) as tables:
        row = tables.inspection.find(session, to_change=True)
        refuse_ended(row)
        session_of_row = Session(tables, SessionRef(row.id), surroundings=Surroundings())
        session_of_row.restore(check_key(key), version)
    click.echo(f"Restored {safe(key)} of session {row.id} to version {version}.")
