"""The health of the database: each thing that can be wrong is told apart, within two seconds."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from gate import Gate
from sqlalchemy.engine import make_url

import streamlit_pgstate as pgstate
from streamlit_pgstate.page import apps
from streamlit_pgstate.postgres import grants
from streamlit_pgstate.postgres import health as checks
from streamlit_pgstate.postgres.health import Health, of_layout
from streamlit_pgstate.postgres.migrate import HEAD, Layout

Ask = Callable[..., Health]

TABLE = [
    (Layout(HEAD, HEAD), True, "ok", True),
    (Layout(None, HEAD), True, "empty", True),
    (Layout(None, HEAD), False, "empty", False),
    (Layout("0001", HEAD), True, "behind", False),
    (Layout("9999", HEAD), True, "ahead", False),
    (Layout(HEAD, HEAD, ("entry",)), True, "damaged", False),
]


@pytest.mark.parametrize(("layout", "auto_migrate", "status", "is_healthy"), TABLE)
def test_each_layout_means_one_thing(
    layout: Layout, auto_migrate: bool, status: str, is_healthy: bool
) -> None:
    found = of_layout(layout, auto_migrate=auto_migrate)
    assert (found.status, found.is_healthy) == (status, is_healthy)
    assert (found.layout, found.needed) == (layout.found, HEAD)


@pytest.fixture
def ask() -> Iterator[Ask]:
    """Asks once for the health of a database."""
    stores = []

    def ask(url: str, **settings: object) -> Health:
        store = pgstate.connect(url, **settings)  # type: ignore[arg-type]
        stores.append(store)
        return store.health()

    yield ask
    for store in stores:
        store.close()


def test_with_tables_of_this_version_it_is_ok(emptied_url: str, ask: Ask) -> None:
    found = ask(emptied_url)
    assert (found.status, found.layout, found.needed) == ("ok", HEAD, HEAD)
    assert 0 < found.seconds < 2


def test_an_empty_database_stays_empty(empty_url: str, ask: Ask) -> None:
    assert ask(empty_url).is_healthy
    found = ask(empty_url, auto_migrate=False)
    assert (found.status, found.is_healthy) == ("empty", False)
    assert "Run: pgstate migrate" in found.reason
    with psycopg.connect(empty_url) as connection:
        row = connection.execute("SELECT to_regnamespace('pgstate')").fetchone()
    assert row == (None,)


@pytest.mark.parametrize(
    ("layout", "status", "advice"),
    [("0001", "behind", "pgstate migrate"), ("9999", "ahead", "pip install --upgrade")],
)
def test_behind_this_version_is_told_from_newer_than_it(
    url: str, ask: Ask, layout: str, status: str, advice: str
) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE pgstate.alembic_version SET version_num = %s", (layout,))
    found = ask(url)
    assert (found.status, found.is_healthy, found.layout) == (status, False, layout)
    assert advice in found.reason


def test_missing_tables_are_damage(url: str, ask: Ask) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("DROP TABLE pgstate.body")
    assert ask(url).status == "damaged"


def test_a_wrong_password_and_a_missing_right_are_refusals_and_name_nothing(
    url: str, ask: Ask, admin: psycopg.Connection
) -> None:
    admin.execute("CREATE ROLE health_of_nobody LOGIN PASSWORD 'secret-of-theirs'")
    try:
        lacking = make_url(url).set(username="health_of_nobody", password="secret-of-theirs")
        found = ask(lacking.render_as_string(hide_password=False))
        assert (found.status, found.is_healthy) == ("refused", False)
        nobody = make_url(url).set(username="health_of_none")
        missing = ask(nobody.render_as_string(hide_password=False))
        assert (missing.status, missing.is_healthy) == ("refused", False)
        for text in (found.reason, missing.reason):
            for name in ("health_of", "secret", str(make_url(url).database), "pgstate."):
                assert name not in text
    finally:
        admin.execute("DROP ROLE health_of_nobody")


def test_a_database_that_only_reads_is_refused(emptied_url: str, empty_url: str, ask: Ask) -> None:
    for url in (emptied_url, empty_url):
        reads = make_url(url).update_query_dict({"options": "-c default_transaction_read_only=on"})
        found = ask(reads.render_as_string(hide_password=False))
        assert (found.status, found.is_healthy) == ("refused", False)
        assert "only reads" in found.reason


def test_a_user_who_lacks_one_privilege_is_refused(
    url: str, ask: Ask, admin: psycopg.Connection
) -> None:
    admin.execute("CREATE ROLE health_of_some LOGIN")
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            for statement in grants.statements("pgstate", "health_of_some"):
                connection.execute(statement)  # type: ignore[arg-type]
            some = make_url(url).set(username="health_of_some")
            shown = some.render_as_string(hide_password=False)
            assert ask(shown).status == "ok"
            connection.execute("REVOKE INSERT ON pgstate.entry FROM health_of_some")
            found = ask(shown)
            assert (found.status, found.is_healthy) == ("refused", False)
            assert "INSERT on entry" in found.reason
            assert "health_of" not in found.reason
            connection.execute("DROP OWNED BY health_of_some")
    finally:
        admin.execute("DROP ROLE health_of_some")


def test_a_server_that_is_away_is_unreachable_and_its_outage_is_logged_once(
    url: str, gate: Gate, caplog: pytest.LogCaptureFixture
) -> None:
    store = pgstate.connect(gate.url)
    state = store.state(store.new_token())
    assert store.health().status == "ok"
    outages = pgstate.metrics().outages
    gate.shut()
    with pytest.raises(pgstate.StoreUnavailable):
        state.refresh()
    store._tables._health._latest = None
    found = store.health()
    assert (found.status, found.is_healthy) == ("unreachable", False)
    assert caplog.text.count("This is logged once for each outage.") == 1
    assert pgstate.metrics().outages == outages + 1
    gate.open()
    store._tables._health._latest = None
    assert store.health().status == "ok"
    store.close()


def test_a_frozen_server_is_given_up_after_two_seconds(emptied_url: str) -> None:
    store = pgstate.connect(emptied_url, timeout="60s")
    with psycopg.connect(emptied_url) as holder:
        holder.execute("LOCK TABLE pgstate.alembic_version IN ACCESS EXCLUSIVE MODE")
        began = time.monotonic()
        found = store.health()
        assert found.status == "unreachable"
        assert time.monotonic() - began < 4
    store.close()


def test_it_is_asked_once_a_second_however_many_ask(
    emptied_url: str, round_trips: Callable[..., object]
) -> None:
    store = pgstate.connect(emptied_url)
    store.health()
    with round_trips() as trips:  # type: ignore[attr-defined]
        threads = [threading.Thread(target=store.health) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(trips) <= 4
    store.close()


def test_it_waits_for_no_connection_of_the_app(emptied_url: str) -> None:
    store = pgstate.connect(emptied_url)
    store.state(store.new_token())
    held = [store._tables._database._checkout(time.monotonic() + 10) for _ in range(20)]
    try:
        assert store.health().status == "ok"
        assert store._tables._database.connections().in_use == 20
    finally:
        for connection in held:
            store._tables._database._give_back(connection)
    store.close()


def test_an_embedded_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    settings = dataclasses.replace(pgstate.connect("postgresql://x/y").settings, url=None)
    check = checks.HealthCheck(dataclasses.replace(settings, home=tmp_path), outage_log=None)  # type: ignore[arg-type]
    assert check.run().status == "empty"
    assert list(tmp_path.iterdir()) == []


def test_without_a_store_it_is_that_of_the_process(
    emptied_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apps, "_of_app", {})
    monkeypatch.setenv("PGSTATE_URL", emptied_url)
    assert pgstate.health().status == "ok"
    monkeypatch.setenv("PGSTATE_URL", "mysql://somewhere/else")
    found = pgstate.health()
    assert (found.status, found.is_healthy) == ("misconfigured", False)
    assert "PGSTATE_URL" in found.reason
