"""Migrations: an empty schema fills itself, an older one waits, a newer one is refused."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
import sqlalchemy
from alembic import config as alembic_config
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from counters import wrong_counters
from sqlalchemy.engine import make_url

from streamlit_pgstate import (
    ConfigError,
    MigrationRequired,
    PgStateError,
    Store,
    StoreUnavailable,
    connect,
)
from streamlit_pgstate.postgres import engine, migrate, schema

ROOT = Path(__file__).parents[2]
PRESENT = migrate.HEAD

SECOND = '''
"""A second revision, for tests."""
from alembic import context, op
revision, down_revision, branch_labels, depends_on = "9999", "PRESENT", None, None
def upgrade():
    schema = context.get_context().version_table_schema
    op.execute(f'CREATE TABLE "{schema}".extra (n int)')
    BODY
def downgrade():
    schema = context.get_context().version_table_schema
    op.drop_table("extra", schema=schema)
'''


@pytest.fixture
def second_revision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., contextlib.AbstractContextManager[None]]:
    """Within this context the package is a later one, which has another revision, 9999."""

    @contextlib.contextmanager
    def patched(body: str = "") -> Iterator[None]:
        scripts = tmp_path / secrets.token_hex(4)
        shutil.copytree(ROOT / "alembic", scripts, ignore=shutil.ignore_patterns("__pycache__"))
        (scripts / "versions" / "9999_second.py").write_text(
            SECOND.replace("PRESENT", PRESENT).replace("BODY", body)
        )
        with monkeypatch.context() as patch:
            patch.setattr(migrate, "_SCRIPTS", scripts)
            patch.setattr(migrate, "HEAD", "9999")
            yield

    return patched


@contextlib.contextmanager
def opened(url: str, **settings: object) -> Iterator[Store]:
    store = connect(url, **settings)
    try:
        yield store
    finally:
        store.close()


def rows(url: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(statement).fetchall()  # type: ignore[arg-type]


def tables(url: str) -> set[tuple[object, ...]]:
    return set(
        rows(
            url,
            "SELECT schemaname, tablename FROM pg_tables "
            "WHERE schemaname NOT IN ('pg_catalog', 'information_schema')",
        )
    )


def version(url: str) -> list[tuple[object, ...]]:
    return rows(url, "SELECT version_num FROM pgstate.alembic_version")


OURS = {("pgstate", name) for name in (*schema.TABLES, "alembic_version")}


def test_the_first_verb_fills_an_empty_database(empty_url: str) -> None:
    with opened(empty_url) as store:
        assert tables(empty_url) == set()  # to connect is not enough
        store.state(store.new_token())["n"] = 1
    assert tables(empty_url) == OURS
    assert version(empty_url) == [(migrate.HEAD,)]


def test_without_auto_migrate_an_empty_database_stays_empty(empty_url: str) -> None:
    with opened(empty_url, auto_migrate=False) as store:
        with pytest.raises(MigrationRequired, match=r"has no tables yet.*Run: pgstate migrate"):
            store.new_token()
        assert tables(empty_url) == set()
        store.migrate()
        assert store.state(store.new_token()).keys() == []


def test_to_ask_for_the_layout_changes_nothing(empty_url: str) -> None:
    with opened(empty_url) as store:
        assert store.layout() == migrate.Layout(None, migrate.HEAD)
        assert tables(empty_url) == set()
        store.migrate()
        assert store.layout().is_current


def test_an_older_layout_is_refused_and_left_as_it_is_until_asked(
    url: str, second_revision: Callable[..., contextlib.AbstractContextManager[None]]
) -> None:
    with opened(url) as store:
        token = store.new_token()
        store.state(token)["n"] = 1
    with second_revision(), opened(url) as store:
        with pytest.raises(
            MigrationRequired, match=rf"older layout {PRESENT}.*9999.*pgstate migrate"
        ):
            store.state(token)
        assert tables(url) == OURS
        assert version(url) == [(PRESENT,)]
        store.migrate()
        assert store.state(token)["n"] == 1
        assert version(url) == [("9999",)]


def test_a_newer_layout_is_refused_by_both_and_left_as_it_is(
    url: str, second_revision: Callable[..., contextlib.AbstractContextManager[None]]
) -> None:
    with second_revision(), opened(url) as store:
        store.migrate()
    with opened(url) as store:
        assert store.layout().is_newer
        for verb in (store.new_token, store.migrate):
            with pytest.raises(MigrationRequired, match=r"layout 9999, made by a newer version"):
                verb()
    assert version(url) == [("9999",)]


def test_a_second_migration_does_nothing(url: str) -> None:
    before = rows(url, "SELECT value, xmin::text FROM pgstate.setting")
    with opened(url) as store:
        store.migrate()
    assert rows(url, "SELECT value, xmin::text FROM pgstate.setting") == before


TEN_PROCESSES = """
import multiprocessing, sys
import alembic.command
import streamlit_pgstate as pgstate

def visit():
    store = pgstate.connect(sys.argv[1])
    together.wait(60)
    store.state(store.new_token())["n"] = 1

context = multiprocessing.get_context("fork")  # ten processes, and one import
together = context.Barrier(10)
processes = [context.Process(target=visit) for _ in range(10)]
for process in processes: process.start()
for process in processes: process.join(60)
assert [process.exitcode for process in processes] == [0] * 10
"""


def test_ten_processes_at_once_migrate_an_empty_database_once(empty_url: str) -> None:
    subprocess.run([sys.executable, "-c", TEN_PROCESSES, empty_url], check=True, timeout=120)
    assert rows(empty_url, "SELECT count(*) FROM pgstate.session") == [(10,)]
    names = rows(empty_url, "SELECT name FROM pgstate.setting ORDER BY name")
    assert names == [("identity",), ("signing_key",)]


def test_twenty_threads_at_once_migrate_an_empty_database_once(
    empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrations: list[str] = []
    run_alembic = migrate._run_alembic
    monkeypatch.setattr(
        migrate,
        "_run_alembic",
        lambda connection, name: (migrations.append(name), run_alembic(connection, name)),
    )
    together = threading.Barrier(20)

    def visit(_: int) -> None:
        with opened(empty_url) as store:
            together.wait()
            store.state(store.new_token())["n"] = 1

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(visit, range(20)))
    assert migrations == ["pgstate"]
    assert rows(empty_url, "SELECT count(*) FROM pgstate.session") == [(20,)]


def test_a_migration_that_fails_leaves_nothing_behind(
    empty_url: str, second_revision: Callable[..., contextlib.AbstractContextManager[None]]
) -> None:
    with second_revision("op.execute('SELECT 1/0')"), opened(empty_url) as store:
        with pytest.raises(PgStateError, match="22012"):
            store.migrate()
        assert tables(empty_url) == set()
        assert rows(empty_url, "SELECT 1 FROM pg_namespace WHERE nspname = 'pgstate'") == []
    with opened(empty_url) as store:
        store.migrate()
    with second_revision("op.execute('SELECT 1/0')"), opened(empty_url) as store:
        with pytest.raises(PgStateError, match="22012"):
            store.migrate()
        assert tables(empty_url) == OURS
        assert version(empty_url) == [(PRESENT,)]


def test_the_migration_of_older_tables_takes_as_long_as_it_takes(
    url: str,
    monkeypatch: pytest.MonkeyPatch,
    second_revision: Callable[..., contextlib.AbstractContextManager[None]],
) -> None:
    """A table of any size is migrated, also where the user's statements have a limit."""
    monkeypatch.setattr(engine, "_MIGRATION_TIMEOUT", 1)
    limited = make_url(url).update_query_dict({"options": "-c statement_timeout=1000"})
    body = "op.execute('SELECT pg_sleep(1.5)')"
    with (
        second_revision(body),
        opened(limited.render_as_string(hide_password=False)) as store,
    ):
        store.migrate()
        assert store.layout().is_current


def test_a_migration_that_waits_too_long_for_another_says_so(
    empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "_LOCK_TIMEOUT", 1)
    with psycopg.connect(empty_url) as other, opened(empty_url) as store:
        other.execute("SELECT pg_advisory_xact_lock(%s)", (migrate._LOCK_ID,))
        with pytest.raises(StoreUnavailable, match=r"Another migration .* over 1 s.*Wait for it"):
            store.migrate()
        assert tables(empty_url) == set()
        other.rollback()
        store.migrate()


def test_a_migration_that_waits_too_long_for_a_table_names_the_cure(
    url: str,
    monkeypatch: pytest.MonkeyPatch,
    second_revision: Callable[..., contextlib.AbstractContextManager[None]],
) -> None:
    monkeypatch.setattr(migrate, "_TABLE_LOCK_TIMEOUT", 1)
    body = "op.execute(f'ALTER TABLE {schema}.entry ADD COLUMN extra int')"
    with second_revision(body), psycopg.connect(url) as other, opened(url) as store:
        other.execute("SELECT count(*) FROM pgstate.entry")
        with pytest.raises(StoreUnavailable, match=r"in use for over 1 s, so nothing was changed"):
            store.migrate()
        assert version(url) == [(PRESENT,)]


def test_another_alembic_history_in_the_same_database_is_not_touched(empty_url: str) -> None:
    with psycopg.connect(empty_url) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num varchar(32) NOT NULL)")
        connection.execute("INSERT INTO alembic_version VALUES ('their_own')")
        connection.execute("CREATE TABLE session (id int)")
    with opened(empty_url) as store:
        store.state(store.new_token())["n"] = 1
    assert rows(empty_url, "SELECT version_num FROM public.alembic_version") == [("their_own",)]
    assert tables(empty_url) == {*OURS, ("public", "alembic_version"), ("public", "session")}


def test_two_schemas_in_one_database_have_tables_and_keys_of_their_own(empty_url: str) -> None:
    with opened(empty_url) as one, opened(empty_url, schema="Team_B") as other:
        token = one.new_token()
        one.state(token)["n"] = 1
        other.state(other.new_token())["n"] = 2
        with pytest.raises(LookupError):
            other.state(token)
    theirs = {("Team_B", name) for _, name in OURS}
    assert tables(empty_url) == OURS | theirs


@contextlib.contextmanager
def role(admin: psycopg.Connection, url: str) -> Iterator[tuple[str, str]]:
    """A user who may connect and no more: its name, and the URL with it."""
    name, password = f"pgstate_role_{secrets.token_hex(4)}", secrets.token_hex(8)
    admin.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{password}'")  # type: ignore[arg-type]
    theirs = make_url(url).set(username=name, password=password)
    try:
        yield name, theirs.render_as_string(hide_password=False)
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"DROP OWNED BY {name}")  # type: ignore[arg-type]
        admin.execute(f"DROP ROLE {name}")  # type: ignore[arg-type]


def test_a_user_who_may_not_create_is_told_what_the_owner_must_run(
    empty_url: str, admin: psycopg.Connection
) -> None:
    with role(admin, empty_url) as (name, theirs):
        with opened(theirs) as store:
            for verb in (store.new_token, store.migrate):
                with pytest.raises(ConfigError, match="permission denied") as caught:
                    verb()
                assert (make_url(theirs).password or "") not in caught.value.in_full
                assert name not in str(caught.value)
            cure = re.search(r"run: (CREATE SCHEMA .*)", caught.value.detail)
            assert cure is not None
            with psycopg.connect(empty_url) as owner:
                owner.execute(cure[1])
            store.state(store.new_token())["n"] = 1
        assert rows(empty_url, f"SELECT count(*) FROM pg_tables WHERE tableowner = '{name}'") == [
            (len(OURS),)
        ]


def test_a_user_without_rights_on_existing_tables_is_refused_with_a_cure(
    url: str, admin: psycopg.Connection
) -> None:
    with role(admin, url) as (_, theirs), opened(theirs) as store:
        for verb in (store.new_token, store.migrate):
            with pytest.raises(ConfigError, match="may not use the tables"):
                verb()


def test_a_user_with_rights_on_the_rows_alone_can_run_the_app(
    url: str, admin: psycopg.Connection
) -> None:
    with role(admin, url) as (name, theirs):
        with psycopg.connect(url) as owner:
            owner.execute(f"GRANT USAGE ON SCHEMA pgstate TO {name}")  # type: ignore[arg-type]
            owner.execute(
                f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA pgstate TO {name}"  # type: ignore[arg-type]
            )
        with opened(theirs) as store:
            store.state(store.new_token())["n"] = 1


def test_the_scripts_have_one_head_and_it_is_the_one_that_the_package_needs() -> None:
    scripts = ScriptDirectory(str(ROOT / "alembic"))
    assert scripts.get_heads() == [migrate.HEAD]
    assert migrate.known_revisions() == {s.revision for s in scripts.walk_revisions()}


def test_the_model_and_the_migrations_make_the_same_tables(url: str) -> None:
    engine = sqlalchemy.create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    options = {
        "include_schemas": True,
        "version_table_schema": "pgstate",
        "compare_server_default": True,
        "include_name": lambda name, kind, _: kind != "schema" or name == "pgstate",
    }
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, schema.metadata("pgstate")) == []
    engine.dispose()


def test_each_table_and_each_column_says_what_it_is_for(url: str) -> None:
    silent = rows(
        url,
        """SELECT relname, attname FROM pg_class AS t JOIN pg_attribute AS c ON attrelid = t.oid
        WHERE relnamespace = 'pgstate'::regnamespace AND relkind = 'r' AND attnum > 0
            AND NOT attisdropped AND relname <> 'alembic_version'
            AND (col_description(t.oid, attnum) IS NULL OR obj_description(t.oid) IS NULL)""",
    )
    assert silent == []


def alembic(url: str, *arguments: str, **environment: str) -> str:
    """What the command says, typed at the root of the repository."""
    done = subprocess.run(
        [Path(sys.executable).with_name("alembic"), *arguments],
        cwd=ROOT,
        env={**os.environ, "PGSTATE_URL": url, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_alembic_works_at_the_root_of_the_repository(empty_url: str) -> None:
    alembic(empty_url, "upgrade", "head")
    assert tables(empty_url) == OURS
    assert alembic(empty_url, "current").strip() == f"{migrate.HEAD} (head)"
    assert "<base> -> 0001" in alembic(empty_url, "history")
    assert "No new upgrade operations" in alembic(empty_url, "check")
    alembic(empty_url, "downgrade", "base")
    assert tables(empty_url) == {("pgstate", "alembic_version")}
    with opened(empty_url) as store:  # empty again, and filled again
        store.state(store.new_token())["n"] = 1
    assert tables(empty_url) == OURS


def test_the_second_layout_counts_what_sessions_hold(
    empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("PGSTATE_URL", empty_url)
    command = alembic_config.main  # a process of its own for each would take 1 s of CPU
    command(["upgrade", "0001"])
    with psycopg.connect(empty_url) as sql:
        sql.execute(
            """INSERT INTO pgstate.session (id, app, version, created_at, seen_at, expires_at)
            SELECT md5(n::text)::uuid, 'app', 9, now(), now(), now() + interval '9 days'
            FROM generate_series(1, 3) n"""
        )
        sql.execute(
            """INSERT INTO pgstate.entry (session_id, key, version, kind, size, changed_at,
                expires_at, value)
            SELECT md5(n::text)::uuid, 'key' || k, 9, CASE WHEN k < 5 THEN 'json' END,
                CASE WHEN k < 5 THEN 100 * n + k ELSE 0 END, now(),
                CASE WHEN k = 4 THEN now() - interval '1 day' END,
                CASE WHEN k < 5 THEN '1'::json END
            FROM generate_series(1, 2) n, generate_series(1, 6) k"""
        )
    command(["upgrade", "head"])
    with psycopg.connect(empty_url, autocommit=True) as sql:
        counted = sql.execute("SELECT keys, bytes FROM pgstate.session ORDER BY bytes").fetchall()
        assert counted == [(0, 0), (4, 410), (4, 810)]
        assert wrong_counters(sql) == []
    command(["downgrade", "0001"])
    command(["upgrade", "head"])
    with psycopg.connect(empty_url, autocommit=True) as sql:
        assert wrong_counters(sql) == []


def test_alembic_works_with_a_schema_that_is_the_user_s_default(
    empty_url: str, admin: psycopg.Connection
) -> None:
    """A user named as the schema has it first in search_path, where reflection drops its name."""
    with role(admin, empty_url) as (name, theirs):
        with psycopg.connect(empty_url) as owner:
            owner.execute(f'CREATE SCHEMA "{name}" AUTHORIZATION "{name}"')  # type: ignore[arg-type]
        alembic(theirs, "upgrade", "head", PGSTATE_SCHEMA=name)
        assert tables(empty_url) == {(name, table) for _, table in OURS}
        said = alembic(theirs, "check", PGSTATE_SCHEMA=name)
        assert "No new upgrade operations" in said
