"""Ctrl-C in each command: one line, exit code 130, and nothing half done."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from everything import in_everything

from streamlit_pgstate import State, Store, connect

COMMANDS = {
    "status": ["status"],
    "sessions": ["sessions", "--largest"],
    "show": ["show", "{id}", "large"],
    "copy": ["copy", "{id}", "--token-to", "token"],
    "export": ["export", "{id}", "--to", "out"],
    "import": ["import", "exported"],
    "forget": ["forget", "{id}", "--yes"],
    "gc": ["gc"],
    "rekey": ["rekey"],
    "doctor": ["doctor"],
}


@pytest.fixture
def url(new_database: Callable[..., str], template: str) -> str:
    return new_database(template)


@pytest.fixture
def state(store: Store) -> State:
    state = store.state(store.new_token())
    state.update({"small": 1, "large": os.urandom(100_000)})
    return state


def begun(folder: Path, url: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "streamlit_pgstate.cli", *arguments],
        cwd=folder,
        env=os.environ
        | {"PGSTATE_URL": url, "PGSTATE_ENCRYPTION_KEY": "A" * 43, "PGSTATE_TIMEOUT": "60s"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def await_waiting(url: str, process: subprocess.Popen[str], *, kind: str) -> None:
    """Until a statement of the command waits for a lock. Other tests wait in other databases."""
    question = """SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)
        WHERE NOT granted AND datname = current_database() AND (%s = 'any' OR locktype = %s)"""
    with psycopg.connect(url, autocommit=True) as watcher:
        while watcher.execute(question, (kind, kind)).fetchone() == (0,):
            if process.poll() is not None:
                pytest.fail(f"It ended: {process.communicate()}")


def contents(url: str) -> list[object]:
    with psycopg.connect(url) as connection:
        return [
            connection.execute(f"SELECT * FROM pgstate.{table} ORDER BY 1, 2").fetchall()
            for table in ("session", "entry", "body", "revision")
        ]


@pytest.mark.parametrize(
    "command",
    [
        *("import", "export", "gc", "doctor"),
        *in_everything("status", "sessions", "show", "copy", "forget", "rekey"),
    ],
)
def test_ctrl_c_is_one_line_and_leaves_nothing_half_done(
    command: str, url: str, state: State, store: Store, folder: Path
) -> None:
    if command == "import":
        assert begun(folder, url, "export", str(state.id), "--to", "exported").wait(60) == 0
    # An export waits for `body` when it has begun to write the folder.
    tables = ("body",) if command == "export" else ("session", "body", "entry")
    before, files = contents(url), sorted(folder.rglob("*"))
    with psycopg.connect(url) as other:
        for table in tables:
            other.execute(f"LOCK TABLE pgstate.{table} IN ACCESS EXCLUSIVE MODE")
        arguments = [part.replace("{id}", str(state.id)) for part in COMMANDS[command]]
        process = begun(folder, url, *arguments)
        await_waiting(url, process, kind="any")
        process.send_signal(signal.SIGINT)
        out, said = process.communicate(timeout=30)
    assert process.returncode == 130, (out, said)
    assert said.strip().startswith("Interrupted. ")
    assert said.strip().count("\n") == 0
    assert sorted(folder.rglob("*")) == files
    assert contents(url) == before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_an_export_that_is_ended_by_a_signal_leaves_no_decrypted_data(
    url: str, state: State, folder: Path, number: signal.Signals
) -> None:
    before = sorted(folder.rglob("*"))
    with psycopg.connect(url) as other:
        other.execute("LOCK TABLE pgstate.body IN ACCESS EXCLUSIVE MODE")
        process = begun(folder, url, "export", str(state.id), "--to", "new/below")
        await_waiting(url, process, kind="any")
        assert sorted(folder.rglob("*")) != before
        process.send_signal(number)
        out, said = process.communicate(timeout=30)
    assert process.returncode == 128 + number, (out, said)
    assert "Traceback" not in said
    assert sorted(folder.rglob("*")) == before


def test_ctrl_c_in_a_large_import_takes_back_what_was_sent_ahead(
    url: str, state: State, folder: Path
) -> None:
    state["larger"] = os.urandom(6_000_000)
    assert begun(folder, url, "export", str(state.id), "--to", "exported").wait(60) == 0
    before = contents(url)
    with psycopg.connect(url) as other:
        other.execute("LOCK TABLE pgstate.entry IN EXCLUSIVE MODE")  # readers do not wait
        process = begun(folder, url, "import", "exported")
        await_waiting(url, process, kind="relation")
        with psycopg.connect(url) as watcher:
            sent = watcher.execute("SELECT count(DISTINCT session_id) FROM pgstate.body")
            assert sent.fetchone() == (2,)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert said.strip() == "Interrupted. Nothing was changed."
    assert contents(url) == before


def test_ctrl_c_in_a_migration_changes_nothing(
    new_database: Callable[..., str], folder: Path
) -> None:
    from streamlit_pgstate.postgres import migrate

    url = new_database()
    with psycopg.connect(url) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", (migrate._LOCK_ID,))
        process = begun(folder, url, "migrate")
        await_waiting(url, process, kind="advisory")
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert said.strip() == "Interrupted. Nothing was changed."
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT to_regclass('pgstate.session')").fetchone() == (None,)


def test_two_cleanups_at_once_do_no_harm(url: str, folder: Path) -> None:
    store = connect(url)
    for _ in range(50):
        store.state(store.new_token())["a"] = 1
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE pgstate.session SET expires_at = now()")
    both = [begun(folder, url, "gc") for _ in range(2)]
    said = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    ended = [int(out.split()[1].replace(",", "")) for out, _ in said]
    assert sum(ended) == 50
    assert store.totals().sessions == 0
    store.close()
