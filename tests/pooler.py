"""A real pgbouncer in transaction mode, before a database."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
from postgres_server import free_port
from programs import program
from sqlalchemy.engine import make_url

from streamlit_pgstate.postgres.embedded.supervisor import as_user
from streamlit_pgstate.postgres.embedded.user import server_user


@contextlib.contextmanager
def pooled(url: str, *, connections: int = 4) -> Iterator[str]:
    """The URL of the same database through a pgbouncer, which asks for no password.

    Args:
        url: of the database.
        connections: how many pgbouncer opens, for all of its clients.
    """
    there = make_url(url)
    host, name = there.host or there.query["host"], there.database
    port = there.port or there.query.get("port") or 5432
    own_port = free_port()
    folder = Path(tempfile.mkdtemp(prefix="pgstate-bouncer-"))
    folder.chmod(0o755)
    user = server_user(folder, 30)  # pgbouncer refuses to run as root, too
    password = f"password={there.password}" if there.password else ""
    config = folder / "pgbouncer.ini"
    config.write_text(
        f"""[databases]
{name} = host={host} port={port} user={there.username} {password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own_port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {connections}
max_client_conn = 200
server_login_retry = 1
"""
    )
    process = subprocess.Popen(
        [program("pgbouncer"), "-q", str(config)], stderr=subprocess.DEVNULL, **as_user(user)
    )
    own_url = f"postgresql://{there.username}@127.0.0.1:{own_port}/{name}"
    try:
        _await_answer(own_url, process)
        yield own_url
    finally:
        process.terminate()
        process.wait(30)
        shutil.rmtree(folder)


def _await_answer(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 20
    while True:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            assert process.poll() is None
            assert time.monotonic() < until
        else:
            return
