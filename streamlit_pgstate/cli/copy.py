"""The command `copy`: copies a session, to look into a visitor's trouble."""

from __future__ import annotations

import dataclasses
import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streamlit_pgstate.cli.options import on_database, session_argument
from streamlit_pgstate.cli.printing import count, size
from streamlit_pgstate.cli.target import Where, find_existing, tables_of
from streamlit_pgstate.cli.terminal import work
from streamlit_pgstate.errors import ConfigError, LimitExceeded

if TYPE_CHECKING:
    from streamlit_pgstate.postgres.inspection import SessionRow
    from streamlit_pgstate.settings import Settings

_COPIED_WITHIN = timedelta(minutes=10)
"""The server copies in one statement: 1 GiB takes it about half a minute."""


@click.command()
@on_database
@session_argument
@click.option(
    "--token-to",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the token of the copy into a new file that only you can read.",
)
def copy(where: Where, session: str, token_to: Path | None) -> None:
    """Copy all that a session holds into a new session, and print the new id.

    The visitor goes on undisturbed, and what you change in the copy does not reach them. Look at
    it with pgstate show, or open it in Python:

    \b
      store = pgstate.connect("postgresql://…")
      state = store.state_of("the id that was printed")

    No token is printed: whoever has one reads and changes the state, and terminals and logs keep
    what they show. With --token-to it is written into a file, for store.state(token).
    Delete the file after use, and the copy, too: it holds what the visitor has entered.

    \b
    Exit codes:
      0  done
      1  there is no such session, or there are too many copies of it
      2  an option or a setting is wrong or missing, several ids begin so, it has ended, or the file
         exists
      3  the database cannot be reached, or does not answer

    \b
    Examples:
      pgstate copy 6c3f1f5e
      pgstate forget --yes THE_NEW_ID
    """
    settings = find_existing(where).settings
    with tables_of(settings) as tables:
        row = tables.inspection.find(session)
    refuse_ended(row)
    copied = _copied(dataclasses.replace(settings, app=row.app), row, token_to)
    click.echo(
        f"Copied {count(row.keys, 'value')} ({size(row.bytes)}) of session {row.id}.\n"
        f"The copy is session {copied}.\n"
        f"Look at it with: pgstate show {copied}\n"
        f"Delete it after use with: pgstate forget {copied}"
    )


def refuse_ended(row: SessionRow) -> None:
    """Raise an error if a session has expired or was forgotten."""
    if row.ended is not None:
        raise ConfigError(
            f"Session {row.id} is {row.ended}: the visitor was promised that it is gone. "
            "Name a session that is in use: pgstate sessions"
        )


def _copied(settings: Settings, row: SessionRow, token_to: Path | None) -> str:
    from streamlit_pgstate.postgres.rows import SessionRef

    patient = dataclasses.replace(settings, timeout=max(settings.timeout, _COPIED_WITHIN))
    with tables_of(patient) as tables:
        token = tables.signer.mint()
        if token_to is not None:
            _write_secret(token_to, token.text)
        is_made = False
        try:
            with work("Copying"):
                tables.moves.copy(SessionRef(row.id), token)
            found = tables.sessions.times(SessionRef.of(token))
            is_made = found is not None
        finally:
            if token_to is not None and not is_made:
                token_to.unlink(missing_ok=True)
    if not is_made:
        raise LimitExceeded(
            f"Session {row.id} was not copied: there are 100 copies of it, or its copies would "
            "hold more together than max_session_bytes or max_keys allow. Forget former copies, "
            "or raise the setting, such as with PGSTATE_MAX_SESSION_BYTES=4GiB."
        )
    return str(token.session_id)


def _write_secret(path: Path, text: str) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be made ({error.strerror}). Name a new file as --token-to."
        ) from error
    with os.fdopen(descriptor, "w") as file:
        file.write(f"{text}\n")
