"""A server that takes its libraries out of the garbage collector, and what its visitors leave."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable
from typing import Any

import pytest
from fuzz.liar import Liar
from served import Server
from streamlit.testing.v1 import AppTest

SCRIPT = "app_frozen.py"
LINE = "the garbage collector no longer looks at"


def seen(visitor: Liar, query: str = "") -> dict[str, Any]:
    page = visitor.run(query=query)
    assert not page.errors, page.errors
    found: dict[str, Any] = json.loads(page.text[-1])
    return found


def test_libraries_are_frozen_once_and_nothing_of_a_visitor_stays(
    new_app: Callable[..., Server],
) -> None:
    server = new_app(script=SCRIPT)
    with Liar(server.port) as visitor:
        with Liar(server.port):
            seen(visitor)
            seen(visitor)
            assert LINE not in server.log, "frozen with two sessions"
        for _ in range(10):  # until Streamlit knows that the other one has left
            if LINE in server.log:
                break
            seen(visitor)
        assert server.log.count(LINE) == 1
        frozen = seen(visitor)["frozen"]
    with Liar(server.port) as another:
        for _ in range(20):  # until the thread of the visitor's last run has ended
            left = seen(another, "look=1")
            if not left["alive"]:
                break
        assert left["alive"] == []
        assert seen(another)["frozen"] <= frozen
    assert server.log.count(LINE) == 1


def test_an_app_may_refuse(new_app: Callable[..., Server]) -> None:
    server = new_app(script=SCRIPT, environment={"PGSTATE_GC_FREEZE": "false"})
    with Liar(server.port) as visitor:
        before = seen(visitor)["frozen"]
        assert seen(visitor)["frozen"] <= before
    assert LINE not in server.log


def app() -> None:
    import streamlit as st

    import streamlit_pgstate as pgstate

    pgstate.persist(name="Ann")
    st.text_input("name", key="name")


def test_an_apptest_freezes_nothing(
    monkeypatch: pytest.MonkeyPatch, database: Callable[[], str]
) -> None:
    monkeypatch.setenv("PGSTATE_URL", database())
    before = gc.get_freeze_count()
    assert AppTest.from_function(app).run().run().text_input[0].value == "Ann"
    assert gc.get_freeze_count() <= before
