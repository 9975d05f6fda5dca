"""Fixtures of the tests of the embedded PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # where it cannot be imported, the tests are skipped
    from embedded_server.homes import Client, Home


@pytest.fixture(scope="session")
def template() -> Iterator[Path]:
    """The files of a server that has run: initdb takes 0.5 to 1.5 s."""
    from embedded_server.homes import ended, opened, server

    with opened() as home:
        client = home.client()
        assert client.url
        processes = server(home.data)
        client.end()
        assert ended(processes)
        yield home.data


@pytest.fixture
def home(template: Path) -> Iterator[Home]:
    from embedded_server.homes import opened

    with opened(template) as home:
        yield home


@pytest.fixture(scope="module")
def running(template: Path) -> Iterator[Client]:
    """A client of a server that many tests only look at."""
    from embedded_server.homes import opened

    with opened(template) as home:
        client = home.client()
        assert client.url
        yield client


@pytest.fixture
def empty() -> Iterator[Home]:
    """A home where no server has run yet."""
    from embedded_server.homes import opened

    with opened() as home:
        yield home
