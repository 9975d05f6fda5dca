"""The database ``pgstate`` of a running server: its URL, and whether it answers."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from streamlit_pgstate.postgres.embedded.supervisor import PORT

if TYPE_CHECKING:
    from pathlib import Path

DATABASE = "pgstate"


def url_at(sockets: Path) -> str:
    # Without a port here, PGPORT in the caller's environment would be used.
    return f"postgresql://postgres@/{DATABASE}?host={sockets}&port={PORT}"


def answers(url: str, until: float) -> bool:
    """Whether the server accepts connections. Creates the database if it does not exist."""
    import psycopg
    from psycopg.pq import PGconn, Ping

    # libpq rounds 1 second up to 2. A stopped server (SIGSTOP) accepts a connection and then does
    # not answer.
    seconds = max(2, min(5, int(until - time.monotonic())))
    try:
        psycopg.connect(url, connect_timeout=seconds).close()
    except psycopg.OperationalError:
        if PGconn.ping(f"{url}&connect_timeout={seconds}".encode()) != Ping.OK:
            return False
        _create(url.replace(f"/{DATABASE}?", "/postgres?", 1), seconds)
    return True


def _create(url: str, seconds: int) -> None:
    import psycopg
    from psycopg import errors

    # An OperationalError here means "too many clients": the server runs, and the caller's own
    # connection will report the error.
    with (
        contextlib.suppress(errors.DuplicateDatabase, psycopg.OperationalError),
        psycopg.connect(url, connect_timeout=seconds, autocommit=True) as connection,
    ):
        connection.execute(f"CREATE DATABASE {DATABASE}")
