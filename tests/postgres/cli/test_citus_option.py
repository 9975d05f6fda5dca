"""`migrate --citus`: the tables are distributed, or it says why they cannot be."""

from __future__ import annotations

import json
from collections.abc import Callable

import psycopg
import pytest

from streamlit_pgstate.postgres import distribution
from streamlit_pgstate.postgres.schema import TABLES

from .conftest import Pgstate


@pytest.fixture
def url(new_database: Callable[..., str]) -> str:
    return new_database()


def test_a_database_without_citus_is_left_as_it_is(pgstate: Pgstate, url: str) -> None:
    result = pgstate("migrate", "--citus")
    assert result.exit_code == 2
    assert "the database has no extension citus" in result.stderr
    assert "CREATE EXTENSION citus" in result.stderr
    with psycopg.connect(url) as sql:
        assert sql.execute("SELECT to_regnamespace('pgstate')").fetchone() == (None,)


def test_the_printed_sql_distributes_every_table_and_makes_the_functions(pgstate: Pgstate) -> None:
    plain = pgstate("migrate", "--sql").stdout
    printed = pgstate("migrate", "--sql", "--citus", "--schema", "elsewhere").stdout
    for table in (*TABLES, "alembic_version"):
        assert f"""_table('"elsewhere".{table}'""" in printed
    assert printed.count("create_distributed_table") == 4
    assert printed.count("create_reference_table") == 3
    for name in ("clock_at", "server_at", "wait_at_most"):
        assert f'CREATE OR REPLACE FUNCTION "elsewhere".{name}' in printed
    assert printed.index("sequential") < printed.index("CREATE TABLE")
    assert "distributed" not in plain
    assert "FUNCTION" not in plain


def test_the_functions_can_be_made_again_and_say_that_the_tables_are_distributed(
    pgstate: Pgstate, url: str
) -> None:
    """They are ordinary SQL, and run on any server."""
    assert pgstate("migrate").exit_code == 0
    with psycopg.connect(url, autocommit=True) as sql:
        for statement in distribution.functions("pgstate") * 2:
            sql.execute(statement)  # type: ignore[arg-type]  # not a literal
        row = sql.execute(
            "SELECT clock_timestamp() - pgstate.clock_at(1) < '1 s'::interval, "
            "pgstate.wait_at_most(1, '5000'), pgstate.server_at(1) "
            "= (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint"
        ).fetchone()
        assert row == (True, True, True)
    assert pgstate("doctor").exit_code == 0
    assert json.loads(pgstate("status", "--json").stdout)["is_distributed"] is True
