"""The command `export`: writes a session into a folder."""

from __future__ import annotations

from pathlib import Path

import click

from streamlit_pgstate.cli.copy import refuse_ended
from streamlit_pgstate.cli.group import ACTION_NEEDED, cleaned_up_by_signals, if_interrupted
from streamlit_pgstate.cli.options import on_database, session_argument
from streamlit_pgstate.cli.printing import count, safe, size
from streamlit_pgstate.cli.target import Where, find_existing, tables_of
from streamlit_pgstate.cli.terminal import work


@click.command()
@on_database
@session_argument
@click.option(
    "--to",
    "folder",
    type=click.Path(path_type=Path),
    required=True,
    metavar="DIR",
    help="The folder, which must be new or empty.",
)
@click.option("--without-history", is_flag=True, help="Leave out former versions of the values.")
def export(where: Where, session: str, folder: Path, without_history: bool) -> None:
    """Write all that a session holds into a folder, such as for a person who asks for their data.

    Plain values become JSON, tables Parquet, and uploaded files what they were. All others, and
    tables once more, are in the folder bodies, exactly as stored. manifest.json lists them. Former
    versions of values, which the setting history keeps, and values that were deleted since are in
    the folder former.

    pgstate import reads the folder. It stores the present values, and no former versions.

    Encrypted values are written decrypted, so it needs encryption_key, from secrets.toml or
    PGSTATE_ENCRYPTION_KEY. Only you can read the folder.

    If it fails or is interrupted, nothing is left of it. A damaged value is named, and does not
    stop the others.

    \b
    Exit codes:
      0  done
      1  some values could not be read, and are not in the folder; if all are unreadable, there is
         no folder; or there is no such session
      2  an option or a setting is wrong or missing, several ids begin so, the session has ended,
         or the folder is not empty or cannot be written
      3  the database cannot be reached, or does not answer

    \b
    Example:
      pgstate export 6c3f1f5e --to their-data
    """
    from streamlit_pgstate.state.archive.export import export as export_session

    if_interrupted("Nothing is left of this export.")
    with cleaned_up_by_signals(), tables_of(find_existing(where).settings) as tables:
        row = tables.inspection.find(session)
        refuse_ended(row)
        history = None if without_history else tables.browsing
        with work(f"Exporting session {row.id}") as exporting:
            done = export_session(
                tables.inspection, row, folder, history=history, on_progress=exporting.reach
            )
    for fault in done.faults:
        click.echo(f"Not exported: {safe(fault)}", err=True)
    former = f" and {count(done.former, 'former version')}" if done.former else ""
    click.echo(
        f"Exported {count(done.values, 'value')} ({size(done.bytes)}){former} of session {row.id} "
        f"to {folder}."
    )
    if done.faults:
        click.echo(f"{count(len(done.faults), 'value')} could not be read.", err=True)
        raise SystemExit(ACTION_NEEDED)
