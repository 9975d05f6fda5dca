"""Fixtures of the tests of a new token for a state."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from gate import Gate

from streamlit_pgstate import State, Store, connect


@pytest.fixture
def url(emptied_url: str) -> str:
    """Replaces the fixture of the same name: no test of this folder leaves other tables."""
    return emptied_url


@pytest.fixture
def state(state: State) -> State:
    """With a row: without one there is nothing to keep."""
    state["k"] = 1
    return state


@pytest.fixture
def behind(gate: Gate) -> Iterator[Store]:
    """A store that reaches its database through the gate."""
    store = connect(gate.url, timeout=1)
    yield store
    store.close()
