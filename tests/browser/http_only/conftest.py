"""The server under `pgstate.App`, and a store over its database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from served import Server

from streamlit_pgstate import Store, connect


@pytest.fixture(scope="session")
def app(http_only_app: Server) -> Server:
    return http_only_app


@pytest.fixture
def store(app: Server) -> Iterator[Store]:
    store = connect(app.url)
    yield store
    store.close()
