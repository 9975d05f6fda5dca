"""Fixtures of the tests of persist()."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

import streamlit_pgstate as pgstate
from streamlit_pgstate import State, Store

Script = str | Callable[[], None]


@pytest.fixture
def url(emptied_url: str) -> str:
    """Replaces the fixture of the same name: no test of this folder leaves other tables."""
    return emptied_url


@pytest.fixture
def state(store: Store, token: str) -> State:
    """The visitor's state, as PostgreSQL has it at each moment."""
    return store.state(token, cache=False)


@pytest.fixture
def tab(
    url: str, store: Store, token: str, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Script], AppTest]:
    """Open another tab of the same visitor's."""
    monkeypatch.setenv("PGSTATE_URL", url)

    def make(script: Script) -> AppTest:
        lines = "import datetime as dt, streamlit as st, streamlit_pgstate as pgstate\n"
        app = (
            AppTest.from_string(lines + textwrap.dedent(script), default_timeout=30)
            if isinstance(script, str)
            else AppTest.from_function(script, default_timeout=30)
        )
        pgstate.testing.visit(app, store, token)
        return app

    return make
