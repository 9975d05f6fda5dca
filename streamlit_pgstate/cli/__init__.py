"""The command ``pgstate``: shows the status of the database, migrates it, and looks after it.

For operators: it prints one line for each fact, an exit code tells scripts the result, and no
output holds a traceback or a password. It reads ``secrets.toml`` without Streamlit, and imports
other modules late, so that ``--help`` is quick. One command a file; `group` prints errors.
"""

from __future__ import annotations

import logging

import click

from streamlit_pgstate.cli import (
    capacity,
    copy,
    doctor,
    export,
    forget,
    gc,
    history,
    importing,
    inspecting,
    migrate,
    rekey,
    restore,
    sessions,
    show,
    status,
)
from streamlit_pgstate.cli.group import Commands

__all__ = ["main"]


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="For more about a command: pgstate COMMAND --help",
)
@click.version_option(package_name="streamlit-pgstate", prog_name="pgstate")
def main() -> None:
    """Look after the database of a Streamlit app with streamlit-pgstate.

    Run it in the folder of the app. It takes the URL and the schema of the database from the
    first of these that has them:

    \b
      1. the options --url (or --embedded) and --schema
      2. url and schema under [connections.pgstate] in .streamlit/secrets.toml
      3. the environment variables PGSTATE_URL and PGSTATE_SCHEMA

    Without a URL it is the embedded PostgreSQL in .pgstate of the current folder. `migrate`
    changes that one only with --embedded. If the app sets its URL in code, by
    pgstate.configure(url=…), give the same URL as --url.

    \b
    Examples:
      pgstate status
      pgstate migrate
      pgstate sessions --largest
      pgstate show 6c3f1f5e
      pgstate export 6c3f1f5e --to their-data
      PGSTATE_URL=postgresql://me:secret@db.example.com/app pgstate status
      pgstate migrate --schema team_a
      pgstate gc --dry-run

    \b
    Exit codes:
      0    done, or nothing is to be done
      1    something is to be done: the last line says what
      2    an option or a setting is wrong or missing, or the server refuses the user
      3    the database cannot be reached, or does not answer
      130  interrupted by Ctrl-C
    """
    # Without a handler Python prints warnings: what went wrong would be said twice.
    logging.getLogger("streamlit_pgstate").addHandler(logging.NullHandler())


for _command in (
    *(status.status, migrate.migrate, gc.gc, rekey.rekey, doctor.doctor),
    *(sessions.sessions, show.show, history.history, restore.restore, copy.copy),
    *(export.export, importing.import_, forget.forget),
    *(inspecting.inspect, capacity.capacity),
):
    main.add_command(_command)
