"""Databases behind a gate that loses answers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from gate import Gate

from streamlit_pgstate import Store, connect


@pytest.fixture
def url(emptied_url: str, reads_rows: None) -> str:
    """Replaces the fixture of the same name: no test of this file leaves other tables."""
    return emptied_url


@pytest.fixture
def behind(gate: Gate) -> Iterator[Store]:
    """A store that reaches its database through the gate."""
    store = connect(gate.url)
    yield store
    store.close()
