"""`migrate --app-role`: the role of the app can do all that an app does, and no more."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy.engine import make_url

from streamlit_pgstate import ConfigError, PgStateError, Store, connect
from streamlit_pgstate.postgres import grants
from streamlit_pgstate.postgres.cleanup import Turns

from .conftest import Pgstate

ROLE = f'app "role" {os.getpid()}'


@pytest.fixture
def url(new_database: Callable[..., str]) -> str:
    """An empty database: its tables are made by the command under test."""
    return new_database()


@pytest.fixture
def role(admin: psycopg.Connection, url: str) -> Iterator[str]:
    quoted = psycopg.sql.Identifier(ROLE)
    admin.execute(psycopg.sql.SQL("CREATE ROLE {} LOGIN").format(quoted))
    yield ROLE
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(psycopg.sql.SQL("DROP OWNED BY {}").format(quoted))
    admin.execute(psycopg.sql.SQL("DROP ROLE {}").format(quoted))


@pytest.fixture
def app(pgstate: Pgstate, role: str, url: str) -> Iterator[Store]:
    """An app that connects as the role."""
    result = pgstate("migrate", "--app-role", role)
    assert result.exit_code == 0, result.output
    assert result.output.endswith(f"Granted the role {role!r} what an app needs.\n")
    store = connect(as_role(url, role))
    yield store
    store.close()


def as_role(url: str, role: str) -> str:
    return make_url(url).set(username=role).render_as_string(hide_password=False)


def works(store: Store) -> None:
    """All that an app does at run time."""
    token = store.new_token()
    state, other = store.state(token), store.state(store.new_token())
    state.update({"a": 1, "large": os.urandom(100_000), "larger": os.urandom(5_000_000)})
    state.set("soon", 1, ttl=1e-3)
    state["large"] = os.urandom(100_000)
    state.modify("a", lambda n: n + 1)
    del state["larger"]
    state.rotate()
    other["b"] = 1
    other.forget()
    store.gc()
    cleanup = store._tables._cleanup
    assert Turns(cleanup, interval=timedelta(0), may_begin=lambda: True).take() is not None
    assert state.session().keys == 2
    assert store._tables.browsing.growth.hours()
    assert store._tables.browsing.growth.largest().measured_at is not None


def test_an_app_with_that_role_works_with_everything_and_cleans_up(app: Store) -> None:
    works(app)
    app._tables.note_http_only()
    assert app._tables.needs_app()


def test_an_app_with_that_role_works_with_encryption(app: Store, url: str, role: str) -> None:
    store = connect(as_role(url, role), encryption_key="A" * 43, history=3)
    works(store)
    store.close()


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE pgstate.entry",
        "ALTER TABLE pgstate.entry ADD COLUMN mine text",
        "TRUNCATE pgstate.entry",
        "CREATE TABLE pgstate.mine (id int)",
        "CREATE INDEX ON pgstate.entry (key)",
        "DELETE FROM pgstate.setting",
        "UPDATE pgstate.alembic_version SET version_num = '0000'",
        "INSERT INTO pgstate.alembic_version VALUES ('0000')",
        "DROP SCHEMA pgstate CASCADE",
        "GRANT SELECT ON pgstate.entry TO PUBLIC",
    ],
)
def test_that_role_can_do_no_more(app: Store, url: str, role: str, statement: str) -> None:
    with psycopg.connect(url, user=role, autocommit=True) as connection:
        if statement.startswith("GRANT"):
            connection.execute(statement)  # a warning: nothing was granted
            found = connection.execute(
                "SELECT has_table_privilege('public', 'pgstate.entry', 'SELECT')"
            )
            assert found.fetchone() == (False,)
            return
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)


def test_that_role_cannot_migrate(app: Store, url: str, role: str, pgstate: Pgstate) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE pgstate.alembic_version SET version_num = '0001'")
    result = pgstate("migrate", "--url", as_role(url, role))
    assert result.exit_code != 0
    assert result.stderr.startswith("Error: ")


@pytest.mark.parametrize(
    ("table", "privilege"),
    [(table, privilege) for table, needed in grants.NEEDED.items() for privilege in needed],
)
def test_each_privilege_is_needed(
    app: Store, url: str, role: str, table: str, privilege: str, pgstate: Pgstate
) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        revoke = f"REVOKE {privilege} ON pgstate.{table} FROM {{}}"
        connection.execute(psycopg.sql.SQL(revoke).format(psycopg.sql.Identifier(role)))  # type: ignore[arg-type]
    store = connect(as_role(url, role), encryption_key="A" * 43, history=3)
    with pytest.raises((PgStateError, AssertionError)) as caught:
        works(store)
    store.close()
    assert caught.type is ConfigError or table in {"setting", "growth"}
    result = pgstate("doctor", "--url", as_role(url, role))
    if table != "alembic_version":
        assert result.exit_code == 1, result.output
        assert f"missing: {privilege} on {table}" in result.output


def test_a_role_that_is_not_there_or_may_do_everything_is_refused_before_anything_is_made(
    pgstate: Pgstate, url: str
) -> None:
    owner = make_url(url).username or ""
    for name, said in (("nobody here", 'CREATE ROLE "nobody here" LOGIN'), (owner, "superuser")):
        result = pgstate("migrate", "--app-role", name)
        assert result.exit_code == 2, result.output
        assert said in result.stderr
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT to_regclass('pgstate.session')").fetchone()
    assert found == (None,)


def test_privileges_are_granted_again_where_the_tables_are_there(
    pgstate: Pgstate, role: str
) -> None:
    assert pgstate("migrate").exit_code == 0
    result = pgstate("migrate", "--app-role", role)
    assert result.output.startswith("Nothing to do")
    assert "Granted the role" in result.output


def test_one_who_does_not_own_the_tables_cannot_grant_and_is_told_so(
    pgstate: Pgstate, role: str, url: str, admin: psycopg.Connection
) -> None:
    assert pgstate("migrate").exit_code == 0
    admin.execute("CREATE ROLE another_who_grants LOGIN")
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(
                "GRANT ALL ON ALL TABLES IN SCHEMA pgstate TO another_who_grants; "
                "GRANT USAGE ON SCHEMA pgstate TO another_who_grants WITH GRANT OPTION"
            )
        result = pgstate("migrate", "--app-role", role, "--url", as_role(url, "another_who_grants"))
        assert result.exit_code == 2, result.output
        assert "Granted" not in result.output
        assert "Run it as the owner of the tables." in result.stderr
        with psycopg.connect(url, autocommit=True) as connection:
            found = connection.execute(
                "SELECT has_schema_privilege(%s, 'pgstate', 'USAGE')", (role,)
            )
            assert found.fetchone() == (False,)
            connection.execute("DROP OWNED BY another_who_grants")
    finally:
        admin.execute("DROP ROLE another_who_grants")
