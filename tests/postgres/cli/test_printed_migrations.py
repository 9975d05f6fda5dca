"""`migrate --sql`: the SQL of a migration, printed without a connection; and the limit of time."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from streamlit_pgstate import connect
from streamlit_pgstate.postgres import migrate

from .conftest import Pgstate


@pytest.fixture
def url(new_database: Callable[..., str]) -> str:
    return new_database()


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, pgstate: Pgstate) -> Pgstate:
    """A command line whose database cannot be reached."""
    monkeypatch.setenv("PGSTATE_URL", "postgresql://me:s3cr3t@127.0.0.1:1/app")
    return pgstate


def printed(pgstate: Pgstate, *arguments: str) -> str:
    result = pgstate("migrate", "--sql", *arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def tables(url: str, schema: str = "pgstate") -> list[tuple[Any, ...]]:
    """All columns, comments, indexes and options of the tables."""
    with psycopg.connect(url) as connection:
        columns = connection.execute(
            """SELECT c.relname, c.reloptions, a.attname, format_type(a.atttypid, a.atttypmod),
                a.attnotnull, a.attstorage::text, pg_get_expr(d.adbin, d.adrelid),
                col_description(c.oid, a.attnum), obj_description(c.oid)
            FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
            LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
            WHERE c.relnamespace = %s::regnamespace AND NOT a.attisdropped
            ORDER BY c.relname, a.attnum""",
            (schema,),
        ).fetchall()
        indexes = connection.execute(
            "SELECT replace(indexdef, schemaname || '.', '') FROM pg_indexes "
            "WHERE schemaname = %s ORDER BY 1",
            (schema,),
        ).fetchall()
    return columns + indexes


def test_it_is_the_same_each_time_and_needs_no_connection(nowhere: Pgstate) -> None:
    text = printed(nowhere)
    assert printed(nowhere) == text
    assert f"to layout {migrate.HEAD}." in text
    assert "s3cr3t" not in text
    assert (
        len(re.findall(r"^BEGIN;$", text, re.M)) == len(re.findall(r"^COMMIT;$", text, re.M)) == 1
    )


def test_it_makes_the_same_tables_as_migrate(
    pgstate: Pgstate, url: str, new_database: Callable[..., str]
) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(printed(pgstate).encode())
    other = new_database()
    assert pgstate("migrate", "--url", other).exit_code == 0
    assert tables(url) == tables(other)
    assert pgstate("status").exit_code == 0
    store = connect(url)
    state = store.state(store.new_token())
    state["a"] = 1
    store.close()


def test_each_database_makes_its_own_key_and_identity(
    pgstate: Pgstate, url: str, new_database: Callable[..., str]
) -> None:
    text, found = printed(pgstate), []
    for one in (url, new_database()):
        with psycopg.connect(one, autocommit=True) as connection:
            connection.execute(text.encode())
            found += connection.execute("SELECT value FROM pgstate.setting").fetchall()
    assert len(set(found)) == 4
    assert all(value not in text for (value,) in found)
    assert sorted(len(value) for (value,) in found) == [16, 16, 64, 64]


def test_another_schema_an_older_layout_and_a_limit(
    pgstate: Pgstate, url: str, new_database: Callable[..., str]
) -> None:
    text = printed(pgstate, "--schema", "team_a", "--statement-timeout", "10m")
    assert "SET LOCAL statement_timeout = 600000;" in text
    assert "pgstate." not in text.replace("streamlit-pgstate", "")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(text.encode())
    assert pgstate("status", "--schema", "team_a").exit_code == 0
    newest = printed(pgstate, "--from", "0001")
    assert "CREATE TABLE pgstate.session" not in newest
    assert newest.startswith("-- streamlit-pgstate: the schema 'pgstate', from layout 0001 to")
    unknown = pgstate("migrate", "--sql", "--from", "9999")
    assert unknown.exit_code == 2
    assert "There is no layout '9999'" in unknown.stderr
    assert pgstate("migrate", "--from", "0001").exit_code == 2


@pytest.mark.parametrize("wrong", ["soon", "0", "0.0004", "25d"])
def test_a_limit_that_postgresql_does_not_take_is_refused(pgstate: Pgstate, wrong: str) -> None:
    for more in ([], ["--sql"]):
        result = pgstate("migrate", "--statement-timeout", wrong, *more)
        assert result.exit_code == 2
        assert "--statement-timeout" in result.stderr


def test_a_migration_that_takes_longer_than_its_limit_changes_nothing(
    pgstate: Pgstate, url: str
) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(printed(pgstate).encode())
        connection.execute("UPDATE pgstate.alembic_version SET version_num = '0001'")
    before = tables(url)
    with psycopg.connect(url) as other:
        other.execute("LOCK TABLE pgstate.session IN ACCESS SHARE MODE")
        result = pgstate("migrate", "--statement-timeout", "0.2")
    assert result.exit_code == 3, result.output
    assert "took longer than its limit, so nothing was changed" in result.stderr
    assert tables(url) == before
