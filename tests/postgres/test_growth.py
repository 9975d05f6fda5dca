"""A cleanup notes how large the tables are and what takes the most room, at a fixed cost."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from noise import noise

from streamlit_pgstate import Store, connect
from streamlit_pgstate.postgres import growth
from streamlit_pgstate.postgres.browsing import Span
from streamlit_pgstate.postgres.growth import Growth, KeyShare

SQL = psycopg.Connection[Any]


def growth_of(store: Store) -> Growth:
    return store._tables.browsing.growth


def a_session(store: Store, **values: object) -> uuid.UUID:
    state = store.state(store.new_token())
    state.update(values)
    return state.id


def test_nothing_is_noted_before_the_first_cleanup(store: Store) -> None:
    noted = growth_of(store)
    assert noted.hours() == noted.days() == []
    assert noted.largest().measured_at is None


def test_a_cleanup_notes_the_sizes_of_the_hour_and_of_the_day(store: Store) -> None:
    a_session(store, a=1, b=noise(100_000, "b"))
    store.gc()
    [hour], [day] = growth_of(store).hours(), growth_of(store).days()
    for row in (hour, day):
        assert (row.sessions, row.entries, row.revisions) == (1, 2, 0)
        assert row.body_bytes > 100_000
        assert row.bytes > row.body_bytes + row.entry_bytes
    assert hour.at.minute == 0
    assert day.at.hour == 0


def test_a_second_cleanup_in_the_hour_replaces_what_the_first_has_noted(store: Store) -> None:
    store.gc()
    a_session(store, a=1)
    store.gc()
    [hour] = growth_of(store).hours()
    assert hour.entries == 1


def test_what_is_older_than_two_weeks_is_kept_by_the_day_and_for_a_year(
    store: Store, sql: SQL
) -> None:
    store.gc()
    for days in (10, 20, 400):
        sql.execute(
            """INSERT INTO pgstate.growth SELECT grain, at - make_interval(days => %(days)s),
                measured_at, 0, 0, 0, 0, 0, 0, 0 FROM pgstate.growth
                WHERE at > now() - interval '2 days'""",
            {"days": days},
        )
    store.gc()
    noted = growth_of(store)
    assert [len(noted.hours()), len(noted.days())] == [2, 3]


def test_the_largest_sessions_are_found_in_a_walk_that_goes_on(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(growth, "_SESSIONS_AT_ONCE", 2)
    ids = {a_session(store, text="x" * 100 * number): number for number in range(1, 6)}
    noted = growth_of(store)
    noted.note(walks_for=0)
    assert len(noted.largest().sessions) == 2
    assert noted.largest().has_met_all is None
    noted.note(walks_for=0)
    noted.note(walks_for=0)
    found = noted.largest()
    assert [ids[id_] for id_ in found.sessions] == [5, 4, 3, 2, 1]
    assert found.has_met_all is not None
    assert found.walked_to == uuid.UUID(int=0)


def test_a_forgotten_session_is_no_longer_named_after_a_cleanup(store: Store, sql: SQL) -> None:
    stays, goes = a_session(store, a=1), a_session(store, a="larger")
    store.gc()
    assert growth_of(store).largest().sessions == (goes, stays)
    store.state_of(goes).forget()
    store.gc()
    assert growth_of(store).largest().sessions == (stays,)
    noted = sql.execute("SELECT value FROM pgstate.setting WHERE name LIKE 'largest %'").fetchall()
    assert str(goes) not in str(noted)


def test_the_largest_keys_are_added_up_over_all_sessions(store: Store) -> None:
    a_session(store, cart="x" * 98, page=1)
    a_session(store, cart="x" * 198, page=2)
    store.gc()
    found = growth_of(store).largest()
    assert found.keys == (KeyShare("cart", 2, 300), KeyShare("page", 2, 2))
    assert (found.sampled, found.share) == (4, 1.0)


def test_of_a_large_table_a_sample_is_read(store: Store, sql: SQL) -> None:
    id_ = a_session(store, a=1)
    sql.execute(
        """INSERT INTO pgstate.entry (session_id, key, version, kind, size, changed_at, value)
        SELECT gen_random_uuid(), 'k', 1, 'json', 1000, now(), to_json(repeat('v', 998))
        FROM generate_series(1, 8000)"""
    )
    store.gc()
    found = growth_of(store).largest()
    assert 0 < found.share < 1
    assert 0 < found.sampled < 8000
    estimate = found.keys[0].values / found.share
    assert estimate == pytest.approx(8000, rel=0.3)
    assert id_ in found.sessions


def test_a_role_that_may_not_write_there_cleans_up_all_the_same(
    store: Store, sql: SQL, url: str
) -> None:
    a_session(store, a=1)
    sql.execute("UPDATE pgstate.session SET expires_at = now() - interval '3 days'")
    sql.execute("CREATE ROLE without_growth LOGIN")
    try:
        sql.execute("GRANT USAGE ON SCHEMA pgstate TO without_growth")
        sql.execute("GRANT ALL ON ALL TABLES IN SCHEMA pgstate TO without_growth")
        sql.execute("REVOKE ALL ON pgstate.growth FROM without_growth")
        separator = "&" if "?" in url else "?"
        other = connect(f"{url}{separator}user=without_growth")
        assert other.gc().sessions == 1
        other.close()
        assert growth_of(store).hours() == []
    finally:
        sql.execute("DROP OWNED BY without_growth")
        sql.execute("DROP ROLE without_growth")


def test_what_expires_soon_is_counted_by_spans(store: Store) -> None:
    state = store.state(store.new_token())
    for number, hours in enumerate((0.5, 2, 2, 40)):
        state.set(f"k{number}", number, ttl=timedelta(hours=hours))
    spans = [Span(0, 3600), Span(3600, 6 * 3600), Span(6 * 3600, 86400), Span(86400, 3 * 86400)]
    dues = store._tables.browsing.values_ahead(spans)
    assert [due.number for due in dues] == [1, 2, 0, 1]
    assert not any(due.is_estimate for due in dues)
    assert [due.number for due in store._tables.browsing.sessions_ahead(spans)] == [0, 0, 0, 0]


def test_of_many_that_expire_the_planner_estimates_the_number(store: Store, sql: SQL) -> None:
    id_ = a_session(store, a=1)
    sql.execute(
        """INSERT INTO pgstate.entry (session_id, key, version, kind, size, changed_at, value,
            expires_at) SELECT %s, n::text, 1, 'json', 1, now(), '1',
            now() + n * interval '1 second' FROM generate_series(1, 3600) AS n""",
        (id_,),
    )
    sql.execute("ANALYZE pgstate.entry")
    [due] = store._tables.browsing.values_ahead([Span(0, 3600)])
    assert due.is_estimate
    assert due.number == pytest.approx(3600, rel=0.1)
