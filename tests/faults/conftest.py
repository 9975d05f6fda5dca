"""The servers that tests break, and stores over them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import memory
import pytest
from pooler import pooled
from postgres_server import Server
from sqlalchemy.engine import URL

from streamlit_pgstate import Store, connect


@pytest.fixture(scope="session")
def machine() -> Iterator[Server]:
    folder = Path(tempfile.mkdtemp(prefix="pgstate-faults-", dir=memory.folder()))
    folder.chmod(0o755)
    server = Server(folder / "data")
    server.create()
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


@pytest.fixture
def pooled_url(own: Server) -> Iterator[str]:
    """The URL of a pgbouncer in transaction mode: four connections for everybody."""
    with pooled(own.url) as url:
        yield url
