"""What an app meets when the database is not as it should be: our errors, with the cure in them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from postgres_server import PASSWORD, Server, free_port
from sqlalchemy.engine import URL, make_url
from streamlit.testing.v1 import AppTest
from told import told, within

from streamlit_pgstate import (
    ConfigError,
    MigrationRequired,
    Store,
    StoreUnavailable,
)

SQL = psycopg.Connection[Any]


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
        with told(MigrationRequired, "pgstate ", secrets=(token,)):
            verb()
    store.migrate()
    with psycopg.connect(sql.info.dsn) as other:
        assert other.execute("SELECT count(*) FROM pgstate.entry").fetchone() == (0,)
