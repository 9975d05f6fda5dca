"""The servers that tests break, and stores over them."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from machine import Server, free_port
from sqlalchemy.engine import URL

from streamlit_pgstate import Store, connect
from streamlit_pgstate.postgres.embedded.supervisor import as_user


@pytest.fixture(scope="module")
def machine() -> Iterator[Server]:
    folder = Path(tempfile.mkdtemp(prefix="pgstate-faults-"))
    folder.chmod(0o755)
    server = Server(folder)
    yield server
    server.kill()
    shutil.rmtree(folder)


@pytest.fixture
def own(machine: Server) -> Iterator[Server]:
    """A running server that a test may kill and freeze, with empty tables."""
    machine.start()
    with machine.sql() as sql:
        sql.execute("DROP SCHEMA IF EXISTS pgstate CASCADE")
    yield machine
    machine.start()


@pytest.fixture
def opened() -> Iterator[Callable[..., Store]]:
    stores: list[Store] = []

    def make(url: str | URL, **settings: Any) -> Store:
        text = url if isinstance(url, str) else url.render_as_string(hide_password=False)
        stores.append(connect(text, **settings))
        return stores[-1]

    yield make
    for store in stores:
        store.close()


def pgbouncer() -> str:
    """The program: the system's, or one that is installed now."""
    path = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/usr/local/sbin"
    found = shutil.which("pgbouncer", path=path)
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "update", "-qq"], check=True)
        subprocess.run(["apt-get", "install", "-qq", "-y", "pgbouncer"], check=True)
        found = shutil.which("pgbouncer", path=path)
    assert found, "install pgbouncer (apt-get install pgbouncer): these tests need it"
    return found


@pytest.fixture
def pooled_url(own: Server) -> Iterator[str]:
    """The URL of a pgbouncer in transaction mode: four connections for everybody."""
    port = free_port()
    folder = Path(tempfile.mkdtemp(prefix="pgstate-bouncer-"))
    folder.chmod(0o755)
    config = folder / "pgbouncer.ini"
    config.write_text(
        f"""[databases]
postgres = host={own.data} port={own.port} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 4
max_client_conn = 200
server_login_retry = 1
"""
    )
    process = subprocess.Popen(
        [pgbouncer(), "-q", str(config)], stderr=subprocess.DEVNULL, **as_user(own.user)
    )
    url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
    until = time.monotonic() + 20
    while True:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            assert process.poll() is None
            assert time.monotonic() < until
        else:
            break
    yield url
    process.terminate()
    process.wait(30)
    shutil.rmtree(folder)
