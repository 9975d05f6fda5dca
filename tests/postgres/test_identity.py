"""The identity of a database, and why it refuses a token: what browsers keep depends on both."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic import command
from alembic.config import Config

from streamlit_pgstate import MigrationRequired, Store, UnknownToken, connect
from streamlit_pgstate.errors import Refusal
from streamlit_pgstate.postgres.rows import Identity

SQL = psycopg.Connection[Any]


@pytest.fixture
def opened() -> Iterator[Callable[..., Store]]:
    stores: list[Store] = []

    def opened(url: str, **settings: Any) -> Store:
        stores.append(connect(url, **settings))
        return stores[-1]

    yield opened
    for store in stores:
        store.close()


def identity(store: Store) -> Identity:
    return store._tables.identity


def test_each_migration_makes_another_identity(
    empty_url: str, opened: Callable[..., Store]
) -> None:
    one, two = (opened(empty_url, schema=schema) for schema in ("one", "two"))
    assert re.fullmatch("[0-9a-f]{16}", identity(one).name)
    assert identity(one).name != identity(two).name
    assert identity(one).mark != identity(two).mark
    assert identity(opened(empty_url, schema="one")) == identity(one)


def test_a_copy_has_the_same_name_and_another_mark(
    url: str, template: str, new_database: Callable[..., str], opened: Callable[..., Store]
) -> None:
    original, copy = opened(url), opened(new_database(template))
    assert identity(copy).name == identity(original).name
    assert identity(copy).mark != identity(original).mark


def test_the_identity_outlives_a_downgrade_and_an_upgrade(
    empty_url: str, opened: Callable[..., Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = identity(opened(empty_url))
    monkeypatch.setenv("PGSTATE_URL", empty_url)
    config = Config(toml_file=Path(__file__).parents[2] / "pyproject.toml")
    command.downgrade(config, "0001")
    command.upgrade(config, "head")
    assert identity(opened(empty_url)) == before


def test_a_missing_identity_is_said_and_no_other_one_is_made(
    url: str, sql: SQL, opened: Callable[..., Store]
) -> None:
    sql.execute("DELETE FROM pgstate.setting WHERE name = 'identity'")
    with pytest.raises(MigrationRequired, match="`identity` is missing"):
        opened(url).new_token()
    with pytest.raises(MigrationRequired, match="`identity` is missing"):
        opened(url, signing_key="k" * 32).new_token()


@pytest.mark.parametrize("key", [None, "k" * 32])
def test_key_and_identity_are_one_round_trip(
    key: str | None, url: str, opened: Callable[..., Store], round_trips: Callable[[], Any]
) -> None:
    store = opened(url, signing_key=key)
    store.layout()
    store._tables._access.check_layout()
    with round_trips() as trips:
        store.new_token()
        identity(store)
        store.new_token()
    assert len(trips) == 1


def test_the_signing_key_is_in_no_log_of_a_migration(
    empty_url: str, opened: Callable[..., Store], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("sqlalchemy", "alembic", "psycopg", "streamlit_pgstate"):
        caplog.set_level(logging.DEBUG, logger=name)
    opened(empty_url).migrate()
    with psycopg.connect(empty_url) as connection:
        row = connection.execute(
            "SELECT value FROM pgstate.setting WHERE name = 'signing_key'"
        ).fetchone()
    assert row is not None
    assert 'INSERT INTO "pgstate".setting' in caplog.text
    assert row[0] not in caplog.text


# Why a token is refused


def refusal(store: Store, token: str) -> Refusal:
    with pytest.raises(UnknownToken) as caught:
        store.state(token)
    return caught.value.refusal


@pytest.fixture
def minted_ago(store: Store, monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], str]:
    def mint(ago: timedelta) -> str:
        now = time.time()
        with monkeypatch.context() as patch:
            patch.setattr(time, "time", lambda: now - ago.total_seconds())
            return store.new_token()

    return mint


def test_a_token_of_another_key_or_app_is_refused_by_the_key(
    store: Store, url: str, opened: Callable[..., Store]
) -> None:
    assert refusal(store, opened(url, signing_key="k" * 32).new_token()) is Refusal.KEY
    assert refusal(store, opened(url, app="other").new_token()) is Refusal.KEY


def test_a_token_that_is_too_old_or_from_the_future_is_refused_for_its_time(
    store: Store, minted_ago: Callable[[timedelta], str]
) -> None:
    assert refusal(store, minted_ago(timedelta(days=401))) is Refusal.TIME
    assert refusal(store, minted_ago(timedelta(hours=-25))) is Refusal.TIME


@pytest.mark.parametrize("text", ["", "nonsense", "a.b.c"])
def test_what_is_no_token_is_refused_for_good(text: str, store: Store) -> None:
    assert refusal(store, text) is Refusal.FINAL


def test_an_old_token_without_a_row_is_refused_by_the_database(
    store: Store, minted_ago: Callable[[timedelta], str]
) -> None:
    assert refusal(store, minted_ago(timedelta(hours=25))) is Refusal.DATABASE


def test_a_forgotten_token_is_refused_for_good(store: Store, token: str) -> None:
    store.state(token)["a"] = 1
    store.state(token).forget()
    assert refusal(store, token) is Refusal.FINAL


def test_an_expired_token_is_refused_by_the_database_also_after_gc(
    store: Store, token: str, sql: SQL
) -> None:
    """The expiry of a copy does not move with the original's."""
    store.state(token)["a"] = 1
    sql.execute("UPDATE pgstate.session SET expires_at = now() - interval '1 s'")
    assert refusal(store, token) is Refusal.DATABASE
    store.gc()
    revoked = sql.execute("SELECT revoked_at IS NOT NULL FROM pgstate.session").fetchall()
    assert revoked == [(True,)]
    assert refusal(store, token) is Refusal.DATABASE


def test_a_token_that_was_rotated_away_is_refused_by_the_database(
    store: Store, token: str, sql: SQL
) -> None:
    """In a copy that is older than the rotation it is the new one that is unknown."""
    state = store.state(token)
    state["a"] = 1
    new = state.rotate()
    assert new is not None
    store.state(new)
    sql.execute("UPDATE pgstate.session SET rotated_at = now() - interval '1 hour'")
    assert refusal(store, token) is Refusal.DATABASE


def test_a_process_that_runs_on_while_the_tables_are_made_anew_works_with_the_new_keys(
    empty_url: str, opened: Callable[..., Store]
) -> None:
    runs_on = opened(empty_url)
    former = runs_on.new_token()
    runs_on.state(former)["k"] = 1
    before = identity(runs_on)
    with psycopg.connect(empty_url) as sql:
        sql.execute("DROP SCHEMA pgstate CASCADE")
    with pytest.raises(MigrationRequired):
        runs_on.state(former)
    restarted = opened(empty_url)
    theirs = restarted.new_token()
    with pytest.raises(UnknownToken):
        runs_on.state(former)
    assert identity(runs_on) == identity(restarted) != before
    ours = runs_on.new_token()
    runs_on.state(ours)["order"] = "paid"
    assert restarted.state(ours)["order"] == "paid"
    assert dict(runs_on.state(theirs)) == {}
