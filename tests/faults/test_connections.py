"""What an app meets when the database is not as it should be: our errors, with the cure in them.

Servers that are killed or frozen are the tests' own, with the programs of the embedded one.
"""

from __future__ import annotations

import contextlib
import os
import re
import resource
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from postgres_server import PASSWORD, Server, free_port, locked, waiting
from sqlalchemy.engine import URL, make_url
from streamlit.testing.v1 import AppTest

from streamlit_pgstate import (
    ConfigError,
    MigrationRequired,
    PgStateError,
    State,
    Store,
    StoreUnavailable,
)
from streamlit_pgstate.postgres.engine import POOL_OVERFLOW, POOL_SIZE
from streamlit_pgstate.state.surroundings import Surroundings

SQL = psycopg.Connection[Any]


@contextlib.contextmanager
def told(kind: type[PgStateError], *cures: str, secrets: tuple[str, ...] = ()) -> Iterator[None]:
    """The error is ours, with the cure; it shows no secret anywhere, and no place to visitors."""
    with pytest.raises(PgStateError) as caught:
        yield
    error = caught.value
    assert type(error) is kind, error
    for cure in cures:
        assert cure in error.in_full
    shown = "".join(traceback.format_exception(error)) + repr(error) + error.in_full
    for secret in (PASSWORD, *secrets):
        assert secret not in shown
    _, place, *_ = re.split(r"Database: (.+), schema '", error.detail)
    chain = "".join(line for each in chained(error) for line in each.format_exception_only())
    for name in (place, "connection to server", "FATAL"):
        assert name not in chain


def chained(error: BaseException) -> Iterator[traceback.TracebackException]:
    """An error and what Streamlit draws with it: its causes."""
    each: traceback.TracebackException | None = traceback.TracebackException.from_exception(error)
    while each is not None:
        yield each
        each = each.__cause__ or (None if each.__suppress_context__ else each.__context__)


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    start = time.monotonic()
    yield
    assert time.monotonic() - start < seconds


# What is wrong with the settings


def test_a_wrong_password_names_the_user_and_not_the_password(
    own: Server, opened: Callable[..., Store]
) -> None:
    wrong = own.tcp_url.replace(PASSWORD, PASSWORD + "-wrong")
    for url in (
        wrong,
        f"postgresql://127.0.0.1:{own.port}/postgres?user=postgres&password=x{PASSWORD}",
    ):
        with told(
            ConfigError, "password authentication failed. Check user", "user 'postgres'"
        ) as _:
            opened(url).new_token()
    opened(own.tcp_url).new_token()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda url: url.replace(f":{PASSWORD}", ""), "asks for a password"),
        (lambda url: f"{url}?sslmode=require", "has no TLS"),
        (lambda url: f"{url}?service=nowhere", "not in pg_service.conf"),
    ],
)
def test_what_another_try_meets_again_is_no_outage(
    change: Callable[[str], str], message: str, own: Server, opened: Callable[..., Store]
) -> None:
    with told(ConfigError, message, "libpq says"):
        opened(change(own.tcp_url)).new_token()


def test_an_error_of_the_connection_carries_its_cause(
    own: Server, opened: Callable[..., Store]
) -> None:
    store = opened(f"postgresql://postgres@127.0.0.1:{free_port()}/postgres")
    with pytest.raises(StoreUnavailable) as caught:
        store.new_token()
    assert isinstance(caught.value.cause, psycopg.Error)
    assert isinstance(caught.value, ConnectionError)


# What of it the page shows, and what the log


def _ask() -> None:
    import streamlit_pgstate as pgstate

    pgstate.get("a")


def _migrate() -> None:
    import streamlit_pgstate as pgstate

    pgstate.connect(auto_migrate=False).migrate()


def _in_a_thread() -> None:
    from concurrent.futures import ThreadPoolExecutor

    import streamlit_pgstate as pgstate

    with ThreadPoolExecutor(1) as threads:
        threads.submit(pgstate.connect().new_token).result()


def _in_another_process() -> None:
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    from job import new_token

    with ProcessPoolExecutor(1, get_context("spawn")) as processes:
        processes.submit(new_token).result()


def _as_the_cause_of_their_own() -> None:
    import streamlit_pgstate as pgstate

    try:
        pgstate.get("a")
    except pgstate.PgStateError as error:
        raise RuntimeError("Their own.") from error


@pytest.fixture
def shop(own: Server) -> Iterator[str]:
    """The URL of a user and a database whose names stand nowhere else."""
    with own.sql() as sql:
        sql.execute(f"CREATE USER ann_of_shop PASSWORD '{PASSWORD}'")
        sql.execute("CREATE DATABASE shop_of_ann")
        yield f"postgresql://ann_of_shop:{PASSWORD}@127.0.0.1:{own.port}/shop_of_ann"
        sql.execute("DROP DATABASE shop_of_ann WITH (FORCE)")
        sql.execute("DROP USER ann_of_shop")


WRONG = ["password", "database", "user", "tables", "option"]
ELSEWHERE = [_migrate, _in_a_thread, _in_another_process, _as_the_cause_of_their_own]


@pytest.mark.parametrize(
    ("wrong", "script"),
    [*((wrong, _ask) for wrong in WRONG), *(("password", script) for script in ELSEWHERE)],
)
def test_a_page_shows_visitors_neither_host_and_port_nor_user_database_and_schema(
    own: Server,
    shop: str,
    wrong: str,
    script: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    right = make_url(shop)
    url = {
        "password": right.set(password="another"),
        "database": right.set(database="another_of_ann"),
        "user": right.set(username="another_ann_of_shop"),
        "tables": right,
        "option": right.update_query_dict({"team_of_ann": "1"}),
    }[wrong]
    monkeypatch.setenv("PGSTATE_URL", url.render_as_string(hide_password=False))
    monkeypatch.setenv("PGSTATE_SCHEMA", "team_of_ann")
    monkeypatch.setenv("PGSTATE_AUTO_MIGRATE", "false")
    app = AppTest.from_function(script, default_timeout=60).run()
    (shown,) = app.exception
    page = "\n".join([shown.message, *shown.stack_trace])
    for name in ("127.0.0.1", str(own.port), "of_shop", "of_ann"):
        assert name not in page
    if script is not _in_another_process:
        place = f"Database: 127.0.0.1:{own.port}/{url.database}, schema 'team_of_ann'"
        said = [record.getMessage() for record in caplog.records if place in record.getMessage()]
        assert len(said) == 1
        assert f"user {url.username!r}." in said[0]


def test_an_unknown_database_is_named_with_the_way_to_create_it(
    own: Server, opened: Callable[..., Store]
) -> None:
    for url in (own.url, own.tcp_url):
        with told(ConfigError, "There is no database", 'CREATE DATABASE "missing"'):
            opened(make_url(url).set(database="missing")).new_token()


def test_an_unknown_host_is_named(opened: Callable[..., Store]) -> None:
    with told(StoreUnavailable, "nowhere.invalid", "host and port in `url`"):
        opened(f"postgresql://ann:{PASSWORD}@nowhere.invalid/app", timeout=5).new_token()


def test_a_closed_port_is_named(opened: Callable[..., Store]) -> None:
    port = free_port()
    with told(StoreUnavailable, f"127.0.0.1:{port}/app", "Connection refused"), within(15):
        opened(f"postgresql://ann:{PASSWORD}@127.0.0.1:{port}/app").new_token()


def test_a_missing_socket_is_named(opened: Callable[..., Store], tmp_path: Path) -> None:
    with told(StoreUnavailable, str(tmp_path), "No such file or directory"):
        opened(f"postgresql://ann:{PASSWORD}@/app?host={tmp_path}").new_token()


def test_a_misspelt_option_of_the_url_is_no_outage(
    own: Server, opened: Callable[..., Store]
) -> None:
    with told(ConfigError, "`url`", "sslmod"):
        opened(own.tcp_url + "?sslmod=require").new_token()


def test_of_several_hosts_the_one_that_is_up_serves(
    own: Server, opened: Callable[..., Store]
) -> None:
    hosts = f"host=127.0.0.1:{free_port()}&host=127.0.0.1:{own.port}"
    store = opened(f"postgresql://postgres:{PASSWORD}@/postgres?{hosts}")
    store.state(store.new_token())["k"] = 1


@pytest.fixture
def guest(admin: SQL, server: URL) -> Iterator[Callable[[str], URL]]:
    """The URL of a user with no rights, in a given database."""
    name = f"pgstate_guest_{os.getpid()}"
    admin.execute(f"CREATE USER {name}")
    yield lambda url: make_url(url).set(username=name, password=PASSWORD)
    admin.execute(f"DROP USER IF EXISTS {name}")


def test_no_right_to_create_the_schema_gives_the_statement_that_cures_it(
    empty_url: str, opened: Callable[..., Store], guest: Callable[[str], URL]
) -> None:
    url = guest(empty_url)
    name = url.username
    cure = f'CREATE SCHEMA "pgstate" AUTHORIZATION "{name}"'
    with told(ConfigError, "permission denied", cure):
        opened(url).new_token()
    with psycopg.connect(empty_url, autocommit=True) as sql:
        sql.execute(cure)
        store = opened(url)
        store.state(store.new_token())["k"] = 1
        store.close()
        sql.execute(f"DROP OWNED BY {name}")


def test_no_right_to_use_the_tables_gives_the_statements_that_cure_it(
    url: str, opened: Callable[..., Store], guest: Callable[[str], URL]
) -> None:
    guests = guest(url)
    cure = f'GRANT USAGE ON SCHEMA "pgstate" TO "{guests.username}"'
    with pytest.raises(ConfigError) as caught:
        opened(guests).new_token()
    assert cure in caught.value.detail
    assert str(guests.username) not in str(caught.value)
    with psycopg.connect(url, autocommit=True) as sql:
        sql.execute(caught.value.detail.partition("run: ")[2])
        store = opened(guests)
        store.state(store.new_token())["k"] = 1
        store.close()
        sql.execute(f"DROP OWNED BY {guests.username}")


def test_a_database_of_another_encoding_is_refused_before_anything_is_stored(
    admin: SQL, server: URL, opened: Callable[..., Store]
) -> None:
    name = f"pgstate_latin_{os.getpid()}"
    admin.execute(f"CREATE DATABASE {name} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    try:
        with told(ConfigError, "encoding LATIN1", "ENCODING 'UTF8' TEMPLATE template0"):
            opened(server.set(database=name)).new_token()
        with psycopg.connect(server.set(database=name).render_as_string(False)) as sql:
            assert sql.execute("SELECT to_regnamespace('pgstate')").fetchone() == (None,)
    finally:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_tables_dropped_under_the_app_ask_for_a_migration(store: Store, sql: SQL) -> None:
    token = store.new_token()
    state = store.state(token)
    state["k"] = 1
    sql.execute("DROP SCHEMA pgstate CASCADE")
    for verb in (
        lambda: state.set("k", 2),
        state.refresh,
        lambda: store.state(token),
        state.forget,
    ):
        with told(MigrationRequired, "pgstate status", secrets=(token,)):
            verb()
    store.migrate()
    with psycopg.connect(sql.info.dsn) as other:
        assert other.execute("SELECT count(*) FROM pgstate.entry").fetchone() == (0,)


# A server that goes away


@pytest.fixture
def state(own: Server, opened: Callable[..., Store]) -> State:
    store = opened(own.url, timeout=5)
    state = store.state(store.new_token())
    state["k"] = 0
    return state


VERBS: list[Callable[[State], object]] = [
    lambda state: state.refresh(),
    lambda state: state.set("k", 1),
    lambda state: state.set("large", b"x" * 100_000),
    lambda state: state.update({"k": 1, "l": 2}),
    lambda state: state.modify("k", lambda n: n + 1),
    lambda state: state.delete("k"),
    lambda state: state.clear(),
    lambda state: state.session(),
    lambda state: state.rotate(),
    lambda state: state.forget(),
]


@pytest.mark.parametrize("verb", VERBS, ids=range(10))
def test_a_state_goes_on_by_itself_after_its_idle_connection_was_ended(
    own: Server, state: State, verb: Callable[[State], object]
) -> None:
    with own.sql() as sql:
        sql.execute(
            """SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
            WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"""
        )
    verb(state)


def test_a_state_goes_on_by_itself_after_the_server_was_killed_and_started(
    own: Server, state: State, opened: Callable[..., Store]
) -> None:
    store = Store(state._session.tables, surroundings=Surroundings())
    token = store.new_token()
    other = store.state(token)
    other["k"] = "acknowledged"
    own.kill()
    with told(StoreUnavailable, "Is the server running", secrets=(token,)), within(15):
        other["k"] = "lost"
    with told(StoreUnavailable, "Is the server running"):
        state.refresh()
    assert state["k"] == 0  # what it knows, it still answers
    own.start()
    other.refresh()
    assert other["k"] == "acknowledged"
    assert state.modify("k", lambda n: n + 1) == 1
    assert opened(own.url).state(token)["k"] == "acknowledged"


def test_many_threads_lose_nothing_acknowledged_when_the_server_crashes_under_them(
    own: Server, opened: Callable[..., Store]
) -> None:
    store = opened(own.url, timeout=5)
    tokens = [store.new_token() for _ in range(4)]
    states = [store.state(token) for token in tokens]
    acknowledged: list[dict[str, int]] = [{} for _ in tokens]
    busy, ended = threading.Semaphore(0), threading.Event()

    def write(number: int) -> None:
        state = states[number]
        turn = 0
        while not ended.is_set():
            turn += 1
            try:
                state["k"] = turn
                state[f"k{turn}"] = turn
            except StoreUnavailable:
                ended.wait(0.01)
                continue
            acknowledged[number] |= {f"k{turn}": turn, "k": turn}
            busy.release()

    with ThreadPoolExecutor(4) as threads:
        written = [threads.submit(write, number) for number in range(4)]
        try:
            for _ in range(2):
                for _ in range(40):
                    assert busy.acquire(timeout=20)
                own.kill()
                own.start()
            for _ in range(80):
                assert busy.acquire(timeout=20)
        finally:
            ended.set()
        for each in written:
            each.result()
    for token, expected in zip(tokens, acknowledged, strict=True):
        found = dict(opened(own.url).state(token))
        assert {key: found.get(key) for key in expected if key != "k"} == {
            key: value for key, value in expected.items() if key != "k"
        }
        assert found["k"] >= expected["k"]


def test_a_write_whose_connection_breaks_in_the_middle_is_made_again(
    own: Server, state: State
) -> None:
    with ThreadPoolExecutor() as threads:
        with locked(own) as sql:
            written = threads.submit(state.set, "k", "new")
            sql.execute("SELECT pg_terminate_backend(%s, 5000)", (waiting(sql),))
            waiting(sql)  # the second try
        written.result()
    state.refresh()
    assert state["k"] == "new"


def test_a_modify_whose_connection_breaks_in_the_middle_is_made_once(
    own: Server, state: State
) -> None:
    with ThreadPoolExecutor() as threads:
        with locked(own) as sql:
            modified = threads.submit(state.modify, "k", lambda n: n + 1)
            sql.execute("SELECT pg_terminate_backend(%s, 5000)", (waiting(sql),))
            waiting(sql)  # the second try
        assert modified.result() == 1
    state.refresh()
    assert state["k"] == 1


def test_one_that_breaks_twice_is_told_and_tried_no_third_time(own: Server, state: State) -> None:
    with ThreadPoolExecutor() as threads, locked(own) as sql:
        written = threads.submit(state.set, "k", "new")
        for _ in range(2):
            sql.execute("SELECT pg_terminate_backend(%s, 5000)", (waiting(sql),))
        with told(StoreUnavailable, "cannot be reached"):
            written.result()


def test_a_locked_table_is_an_outage_after_the_timeout_and_nothing_is_written_later(
    own: Server, opened: Callable[..., Store]
) -> None:
    store = opened(own.url, timeout=0.5)
    token = store.new_token()
    state = store.state(token)
    state["k"] = 0
    with locked(own) as sql:
        for verb in (lambda: state.set("k", 1), lambda: state.modify("k", lambda n: n + 1)):
            with told(StoreUnavailable, "within 0.5 s", "`timeout`", secrets=(token,)), within(15):
                verb()
        left = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        with within(15):  # the server has been asked to cancel them
            while sql.execute(left).fetchone() != (0,):
                sql.execute("SELECT pg_stat_clear_snapshot()")
    state.refresh()
    assert state["k"] == 0
    state["k"] = 2
    assert store.state(token)["k"] == 2


def test_a_frozen_server_is_an_outage_after_the_timeout_and_then_all_is_well(
    own: Server, opened: Callable[..., Store]
) -> None:
    store = opened(own.url, timeout=1)
    token = store.new_token()
    state = store.state(token)
    state["k"] = 0
    with own.frozen():
        with told(StoreUnavailable, "did not answer within 1 s", secrets=(token,)), within(15):
            state.refresh()
        with told(StoreUnavailable, secrets=(token,)), within(15):  # with no connection open
            store.state(token)
    state.refresh()
    assert state["k"] == 0
    state["k"] = 1
    assert store.state(token)["k"] == 1


def test_a_server_that_is_read_only_says_so_and_is_left_when_another_takes_over(
    own: Server, state: State
) -> None:
    with own.sql() as sql:
        sql.execute("ALTER DATABASE postgres SET default_transaction_read_only = on")
        try:
            state._session.tables.close()
            with told(StoreUnavailable, "is read-only", "target_session_attrs=read-write"):
                state["k"] = 1
        finally:
            sql.execute("SET default_transaction_read_only = off")
            sql.execute("ALTER DATABASE postgres RESET default_transaction_read_only")
    state["k"] = 2  # on a new connection: those to the read-only one were given up
    state.refresh()
    assert state["k"] == 2


# Many at once


def test_with_all_connections_busy_a_thread_waits_no_longer_than_the_timeout(
    own: Server, opened: Callable[..., Store]
) -> None:
    most = POOL_SIZE + POOL_OVERFLOW
    store = opened(own.url, timeout=3)
    states = [store.state(store.new_token()) for _ in range(most + 1)]
    for state in states:
        state["k"] = 0
    quick = opened(own.url, timeout=30)
    slow = [quick.state_of(state.id) for state in states]
    quick._tables._database._engine.pool._timeout = 0.5  # type: ignore[attr-defined]
    with ThreadPoolExecutor(most + 1) as threads:
        with locked(own) as sql:
            written = [threads.submit(state.set, "k", 1) for state in slow[:most]]
            wait_until(sql, most)
            with told(StoreUnavailable, f"All {most} connections", "overloaded"), within(15):
                slow[most]["k"] = 1
        for each in written:
            each.result()
    slow[most]["k"] = 2
    assert quick.state_of(slow[most].id)["k"] == 2


def wait_until(sql: SQL, number: int) -> None:
    until = time.monotonic() + 20
    question = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    while sql.execute(question).fetchone() != (number,):
        assert time.monotonic() < until
        sql.execute("SELECT pg_stat_clear_snapshot()")


def test_more_threads_than_connections_all_get_their_turn(
    own: Server, opened: Callable[..., Store]
) -> None:
    store = opened(own.url)
    token = store.new_token()
    store.state(token)["n"] = 0

    def work(number: int) -> None:
        state = store.state(token)
        state[f"k{number}"] = number
        assert state[f"k{number}"] == number

    with ThreadPoolExecutor(60) as threads:
        list(threads.map(work, range(120)))
    assert len(store.state(token)) == 121


def test_a_server_with_no_connection_left_is_an_outage_and_no_wrong_setting(
    own: Server, opened: Callable[..., Store]
) -> None:
    store = opened(own.tcp_url.replace("postgres:", "crowd:"))
    with own.sql() as sql:
        sql.execute(f"CREATE USER crowd PASSWORD '{PASSWORD}' CONNECTION LIMIT 0")
        sql.execute("GRANT CREATE ON DATABASE postgres TO crowd")
        try:
            with told(StoreUnavailable, "cannot be reached"):
                store.new_token()
            sql.execute("ALTER USER crowd CONNECTION LIMIT 5")
            store.state(store.new_token())["k"] = 1
        finally:
            store.close()
            sql.execute("DROP OWNED BY crowd")
            sql.execute("DROP USER crowd")


def test_a_connection_that_is_in_use_when_its_store_is_closed_is_closed_afterwards(
    own: Server, opened: Callable[..., Store]
) -> None:
    store = opened(own.url)
    database = store._tables._database
    with database.connection() as connection:
        store.close()
        connection.execute("SELECT 1")
    assert connection.closed
    with database.connection() as another:
        another.execute("SELECT 1")
    assert not another.closed


def test_a_process_with_over_a_thousand_open_files_is_served(state: State) -> None:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = limits[1] if limits[1] != resource.RLIM_INFINITY else 4096
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, most), limits[1]))
    state._session.tables.close()
    files = [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)]
    try:
        for number in range(1, 4):
            state["k"] = number
            state.refresh()
        assert state["k"] == 3
        assert state._session.tables.contact.breaks == 0
    finally:
        for file in files:
            os.close(file)
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


# pgbouncer


def test_through_pgbouncer_in_transaction_mode_many_threads_work_with_no_setting(
    pooled_url: str, own: Server, opened: Callable[..., Store]
) -> None:
    store = opened(pooled_url)
    token = store.new_token()

    def work(number: int) -> None:
        state = store.state(token)
        for turn in range(10):  # psycopg prepares a statement by itself at its fifth time
            state.modify("n", lambda n: n + 1, default=0)
            state[f"k{number}"] = [turn, "x" * (40_000 if turn == 5 else 1)]
            state.refresh()
        state.update({f"a{number}": 1, f"b{number}": b"x" * 100_000})
        state.delete(f"a{number}")

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(work, range(16)))
    found = dict(opened(own.url).state(token))
    assert found["n"] == 160
    assert len(found) == 1 + 16 + 16
    renewed = store.state(token)
    renewed.rotate()
    renewed.forget()


def test_through_pgbouncer_a_timeout_is_kept_and_a_lost_server_is_an_outage(
    pooled_url: str, own: Server, opened: Callable[..., Store]
) -> None:
    store = opened(pooled_url, timeout=1)
    token = store.new_token()
    state = store.state(token)
    state["k"] = 0
    with locked(own), told(StoreUnavailable, "within 1 s", secrets=(token,)), within(15):
        state["k"] = 1
    state.refresh()
    assert state["k"] == 0
    own.kill()
    with told(StoreUnavailable, secrets=(token,)), within(15):
        state["k"] = 2
    own.start()
    until = time.monotonic() + 20
    while True:
        try:
            state["k"] = 3
        except StoreUnavailable:  # pgbouncer waits before it tries again
            assert time.monotonic() < until
        else:
            break
    state.refresh()
    assert state["k"] == 3
