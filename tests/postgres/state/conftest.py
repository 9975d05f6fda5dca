"""Fixtures of the tests of a state."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from streamlit_pgstate import State, Store, connect


@pytest.fixture
def url(emptied_url: str) -> str:
    """Replaces the fixture of the same name: no test of this folder leaves other tables."""
    return emptied_url


@pytest.fixture
def limited(url: str) -> Iterator[Callable[..., State]]:
    """A new state under other settings."""
    stores: list[Store] = []

    def make(**settings: Any) -> State:
        stores.append(connect(url, **settings))
        return stores[-1].state(stores[-1].new_token())

    yield make
    for store in stores:
        store.close()


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Move the clock of this process; the database's stays."""

    def move(seconds: float) -> None:
        clock = SimpleNamespace(monotonic=lambda: time.monotonic() + seconds)
        for room in ("state.cache", "state.written_session", "postgres.entries"):
            monkeypatch.setattr(f"streamlit_pgstate.{room}.time", clock)

    return move
