"""`modify`, while others write: no change is lost, and none is made twice."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import Counter, deque
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

import streamlit_pgstate
from state.state_rows import again, rows, session_row
from streamlit_pgstate import State, Store

SQL = psycopg.Connection[Any]
MIB = 2**20


def test_modify_starts_from_the_default_and_returns_the_new_value(
    state: State, store: Store, token: str
) -> None:
    assert state.modify("n", lambda n: n + 1, default=10) == 11
    assert state.modify("n", lambda n: n + 1, default=10) == 12
    assert state.modify("x", lambda n: n) is None
    assert "x" in state
    assert again(state, store, token)["n"] == 12


def test_modify_works_on_a_counter_and_a_deque_of_its_own(
    state: State, store: Store, token: str
) -> None:
    default: Counter[str] = Counter()
    for word in ("a", "b", "a"):
        state.modify("counts", lambda counts, word=word: counts + Counter([word]), default=default)
        state.modify("last", lambda last, word=word: _with(last, word), default=deque(maxlen=2))
    found = again(state, store, token)
    assert (found["counts"], type(found["counts"])) == (Counter(a=2, b=1), Counter)
    assert found["last"] == deque(["b", "a"], 2)
    assert found["last"].maxlen == 2
    assert default == Counter()
    state["counts"]["c"] += 1  # of the caller's own
    assert "c" not in state["counts"]


def _with(last: deque[str], word: str) -> deque[str]:
    last.append(word)
    return last


def test_modify_without_a_value_and_a_default_says_what_the_function_got(state: State) -> None:
    with pytest.raises(TypeError) as failed:
        state.modify("n", lambda n: n + 1)
    assert failed.value.__notes__ == [
        "Nothing is stored under 'n' yet, so the function got None. Give it a value to start from: "
        "modify('n', …, default=0), for example."
    ]
    state["n"] = "a word"
    with pytest.raises(TypeError) as failed:
        state.modify("n", lambda n: n + 1)
    assert not hasattr(failed.value, "__notes__")


def test_modify_runs_again_when_another_writer_was_faster(
    state: State, store: Store, token: str
) -> None:
    state["n"] = 1
    other = again(state, store, token)
    seen: list[int] = []

    def add(n: int) -> int:
        if not seen:
            other["n"] = 100
        seen.append(n)
        return n + 1

    assert state.modify("n", add) == 101
    assert seen == [1, 100]


def test_modify_does_not_bring_back_what_another_writer_deleted(
    state: State, store: Store, token: str
) -> None:
    state["n"] = 1
    other = again(state, store, token)
    seen: list[Any] = []

    def add(n: int) -> int:
        if not seen:
            del other["n"]
        seen.append(n)
        return n + 1

    assert state.modify("n", add, default=50) == 51
    assert seen == [1, 50]


def test_an_exception_in_the_function_of_modify_changes_nothing(state: State, sql: SQL) -> None:
    state["n"] = 1
    before, session = rows(sql), session_row(sql)
    with pytest.raises(ZeroDivisionError):
        state.modify("n", lambda n: n // 0)
    assert rows(sql) == before
    assert session_row(sql) == session


@pytest.mark.parametrize("size", [10, 100_000, 5 * MIB])
def test_modify_meets_a_thread_that_shares_its_state(
    state: State, store: Store, token: str, size: int
) -> None:
    """The cache knows of the other's write, and must not take it for its own."""
    state["k"] = b"0" * size
    seen: list[bytes] = []

    def change(held: bytes) -> bytes:
        if not seen:
            writer = threading.Thread(target=lambda: state.set("k", b"1" * size))
            writer.start()
            writer.join()
        seen.append(held[:1])
        return held[:1] + b"2" * size

    assert state.modify("k", change) == b"1" + b"2" * size
    assert seen == [b"0", b"1"]
    assert again(state, store, token)["k"] == b"1" + b"2" * size


INCREMENT = """
import sys, types
package = types.ModuleType("streamlit_pgstate")  # without Streamlit, which takes 1 s to import
package.__path__ = [sys.argv[1]]
sys.modules["streamlit_pgstate"] = package
from streamlit_pgstate.settings import Settings
from streamlit_pgstate.postgres.tables import Tables
from streamlit_pgstate.state.surroundings import Surroundings
from streamlit_pgstate.state.store import Store

tables = Tables(Settings.read({"url": sys.argv[2]}, environment={}))
state = Store(tables, surroundings=Surroundings()).state(sys.argv[3])
print("ready", flush=True)
sys.stdin.readline()
for _ in range(int(sys.argv[4])):
    state.modify("n", lambda n: n + 1, default=0)
"""


def test_no_increment_of_many_threads_and_processes_is_lost(
    url: str, store: Store, token: str
) -> None:
    package = str(Path(streamlit_pgstate.__file__).parent)
    command = [sys.executable, "-c", INCREMENT, package, url, token, "60"]
    pipe = subprocess.PIPE
    processes = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(3)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    shared = store.state(token)

    def increment(own: bool) -> None:
        state = store.state(token) if own else shared
        for _ in range(40):
            state.modify("n", lambda n: n + 1, default=0)

    with ThreadPoolExecutor() as threads:
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        list(threads.map(increment, [True, True, False, False]))
    for process in processes:
        process.communicate()
        assert process.returncode == 0
    assert store.state(token)["n"] == 3 * 60 + 4 * 40
