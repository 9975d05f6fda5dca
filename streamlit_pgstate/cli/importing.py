"""The command `import`: stores what an export holds."""

from __future__ import annotations

import dataclasses
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streamlit_pgstate.cli.copy import refuse_ended
from streamlit_pgstate.cli.options import on_database
from streamlit_pgstate.cli.printing import count, safe, size
from streamlit_pgstate.cli.target import Where, find_existing, tables_of
from streamlit_pgstate.cli.terminal import find_terminal
from streamlit_pgstate.errors import ConfigError

if TYPE_CHECKING:
    from streamlit_pgstate.postgres.inspection import SessionRow
    from streamlit_pgstate.settings import Settings
    from streamlit_pgstate.state.archive.importing import Import


@click.command("import")
@on_database
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--session",
    metavar="SESSION",
    help="Store the values in this session: its id, or its first digits. Values of other keys "
    "there stay. [default: a new session]",
)
def import_(where: Where, folder: Path, session: str | None) -> None:
    """Store what pgstate export has written into a folder, all of it or nothing.

    All values are stored in one transaction, and come back exactly. A lifetime (ttl) counts anew.
    A value whose file was changed since the export is refused.

    Without --session it makes a new session, which belongs to no browser: open it by its id, as
    pgstate copy explains.

    \b
    Exit codes:
      0  done
      1  there is no such session, or a limit would be passed
      2  an option or a setting is wrong or missing, the session has ended, several ids begin so,
         or the folder is no export or was changed
      3  the database cannot be reached, or does not answer

    \b
    Examples:
      pgstate import their-data
      pgstate import their-data --session 6c3f1f5e
    """
    from streamlit_pgstate.state.archive import importing

    settings = find_existing(where).settings
    found = importing.read(folder, max_value_bytes=settings.max_value_bytes)
    if not found.entries:
        raise ConfigError(f"The export {folder} holds no values, so there is nothing to import.")
    target = _stored(settings, found, session)
    click.echo(
        f"Imported {count(len(found.entries), 'value')} ({size(found.bytes)}) into session "
        f"{target}."
    )
    for fault in found.faults:
        click.echo(f"The export lacked a value: {safe(fault)}", err=True)


def _stored(settings: Settings, found: Import, session: str | None) -> uuid.UUID:
    from streamlit_pgstate.postgres.rows import SessionRef
    from streamlit_pgstate.state.session import Session
    from streamlit_pgstate.state.surroundings import Surroundings

    if session is None:
        shape = found.shape if found.shape > 1 else None
        settings = dataclasses.replace(settings, app=found.app or settings.app, shape=shape)
    with tables_of(settings) as tables:
        if session is None:
            ref = SessionRef.of(tables.signer.mint())
        else:
            row = tables.inspection.find(session, to_change=True)
            refuse_ended(row)
            _refuse_another_shape(row, found)
            ref = SessionRef(row.id)
        surroundings = Surroundings(find_audience=find_terminal)
        Session(tables, ref, surroundings=surroundings).bring(found.entries)
    return ref.id


def _refuse_another_shape(row: SessionRow, found: Import) -> None:
    if row.shape != found.shape:
        raise ConfigError(
            f"The export has values of shape {found.shape}, and session {row.id} those of shape "
            f"{row.shape}. Leave out --session, to import them into a new session."
        )
