"""An error that the server sends, and that a busy client reads just before its own limit.

It was taken for an answer without rows: a state looked empty, a write looked as if it had not been
stored. A chaos run found it on a machine with too much to do.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from typing import Any

import psycopg
import pytest

from streamlit_pgstate import Store, StoreUnavailable, connect
from streamlit_pgstate.postgres.connection import TimedConnection

pytestmark = pytest.mark.faults

TIMEOUT = 1.0
LATE = 0.95
"""Seconds after which the client reads the error: in the last tenth of its limit."""


def read_late(gen: Generator[Any, Any, Any], began: float) -> Generator[Any, Any, Any]:
    """The same, by a client that has something else to do when an error arrives."""
    try:
        return (yield from gen)
    except psycopg.Error:
        time.sleep(max(0.0, began + LATE - time.monotonic()))  # what else it has to do
        raise


@pytest.fixture
def store(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """Replaces the fixture of the same name: its client reads errors late."""
    wait = TimedConnection.wait

    def late(self: TimedConnection, gen: Generator[Any, Any, Any], *args: Any) -> Any:
        return wait(self, read_late(gen, time.monotonic()), *args)

    store = connect(url, timeout=TIMEOUT)
    store.migrate()
    monkeypatch.setattr(TimedConnection, "wait", late)
    yield store
    store.close()


VERBS: dict[str, Callable[[Store, str], object]] = {
    "load": lambda store, token: store.state(token).keys(),
    "get": lambda store, token: store.state(token, cache=False).get("k"),
    "set": lambda store, token: store.state(token).set("k", 2),
    "modify": lambda store, token: store.state(token).modify("k", lambda n: n + 1),
}


@pytest.mark.parametrize("verb", VERBS)
def test_it_is_an_error_and_no_empty_answer(verb: str, store: Store, url: str, sql: Any) -> None:
    token = store.new_token()
    store.state(token)["k"] = 1
    sql.execute(f"ALTER DATABASE \"{sql.info.dbname}\" SET statement_timeout = '300ms'")
    store.close()
    with psycopg.connect(url) as other:
        other.execute("LOCK pgstate.session")
        with pytest.raises(StoreUnavailable):
            VERBS[verb](store, token)
    assert store.state(token)["k"] == 1
