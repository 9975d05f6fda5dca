"""One database for many tests, for files whose tests don't change the tables."""

from __future__ import annotations

import contextlib
import contextvars
import functools
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from counters import wrong_counters
from gate import Gate
from sqlalchemy.engine import URL
from streamlit.components.v2 import manifest_scanner

from streamlit_pgstate import Store, connect
from streamlit_pgstate.state import accesses
from streamlit_pgstate.state.accesses import Accesses

# Each AppTest looks through all installed packages for components, for 0.1 s of CPU: the first will
# do. A whole collection at each run's end takes as long as a small script.
manifest_scanner.scan_component_manifests = functools.cache(
    manifest_scanner.scan_component_manifests
)
os.environ["STREAMLIT_RUNNER_POST_SCRIPT_GC"] = "false"


@pytest.fixture(scope="session")
def shared_url(server: URL, admin: psycopg.Connection[Any], template: str) -> Iterator[str]:
    name = f"pgstate_shared_{os.getpid()}"
    admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    yield server.set(database=name).render_as_string(hide_password=False)
    admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


_EMPTY = """
DELETE FROM pgstate.session;
DELETE FROM pgstate.entry;
DELETE FROM pgstate.body;
DELETE FROM pgstate.revision;
DELETE FROM pgstate.setting WHERE name NOT IN ('signing_key', 'identity')"""


class Caretaker:
    """One connection for all tests: a new one for each statement took 13 ms of CPU a test."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._sql = self._connected()

    def _connected(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self._url, autocommit=True)

    def do(self, step: Callable[[psycopg.Connection[Any]], Any]) -> Any:
        """What `step` returns. A test may have ended the connection: then the next one does it."""
        try:
            return step(self._sql)
        except psycopg.OperationalError:
            self._sql.close()
            self._sql = self._connected()
            return step(self._sql)

    def close(self) -> None:
        self._sql.close()


@pytest.fixture(scope="session")
def caretaker(shared_url: str) -> Iterator[Caretaker]:
    caretaker = Caretaker(shared_url)
    yield caretaker
    caretaker.close()


@pytest.fixture
def emptied_url(
    shared_url: str, caretaker: Caretaker, request: pytest.FixtureRequest
) -> Iterator[str]:
    """The URL of a database with our tables, emptied: 1 ms, where a clone takes 30 to 400.

    After the test each session counts what it holds, unless the test has changed entries by hand.
    """
    caretaker.do(lambda sql: sql.execute(_EMPTY))
    yield shared_url
    if not request.node.get_closest_marker("changes_entries"):
        assert caretaker.do(wrong_counters) == []


@pytest.fixture
def keyed_url(emptied_url: str, caretaker: Caretaker) -> Iterator[str]:
    """As `emptied_url`, for tests with an `encryption_key`: plain values may follow."""
    yield emptied_url
    caretaker.do(lambda sql: sql.execute("DELETE FROM pgstate.setting WHERE name = 'plain_values'"))


@pytest.fixture
def open_store(url: str) -> Iterator[Callable[..., Store]]:
    """Makes a store with these keys, or with none."""
    stores = []

    def make(*keys: str) -> Store:
        stores.append(connect(url, encryption_key=keys or None))
        return stores[-1]

    yield make
    for store in stores:
        store.close()


@pytest.fixture
def connected(url: str) -> Iterator[Callable[..., Store]]:
    """Make a store of this database; with a history of ten versions, if nothing else is said."""
    with contextlib.ExitStack() as stack:

        def make(**settings: Any) -> Store:
            store = connect(url, **{"history": 10, **settings})
            stack.callback(store.close)
            return store

        yield make


@pytest.fixture
def gate(url: str) -> Iterator[Gate]:
    """A way to the test's database that can be closed."""
    gate = Gate(url)
    yield gate
    gate.shut()


@pytest.fixture
def in_a_run() -> Callable[[Callable[[], object]], None]:
    """Calls a function as a run of a script: what it reads and writes is recorded."""

    def run(function: Callable[[], object]) -> None:
        def recorded() -> None:
            accesses.record_in(Accesses(object()))
            function()

        contextvars.copy_context().run(recorded)

    return run


@pytest.fixture(autouse=True)
def main_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streamlit leaves an AppTest's script as `__main__`, which a spawned process would run."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
