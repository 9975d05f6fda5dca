"""The statements for distributed tables store the same. They run on one server here.

The functions that `pgstate migrate --citus` makes are there, so the store takes the tables for
distributed ones. Those of Citus itself are stood in for. On three nodes of Citus 13.2 all of this
was tried by hand: see docs/citus.md.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from counters import wrong_counters
from noise import noise

from streamlit_pgstate import State, Store, StoreUnavailable, connect
from streamlit_pgstate.postgres import distribution
from streamlit_pgstate.postgres.growth import Growth
from streamlit_pgstate.postgres.rows import SessionRef

SQL = psycopg.Connection[Any]
LARGE = noise(100_000, "x")

# Of one server, where a table is its only shard.
STANDINS = (
    "CREATE FUNCTION citus_total_relation_size(regclass) RETURNS bigint LANGUAGE sql "
    "AS 'SELECT pg_total_relation_size($1)'",
    "CREATE FUNCTION citus_relation_size(regclass) RETURNS bigint LANGUAGE sql "
    "AS 'SELECT pg_relation_size($1)'",
    """CREATE FUNCTION run_command_on_shards(name regclass, command text)
        RETURNS TABLE (success bool, result text) LANGUAGE plpgsql
        AS $$BEGIN EXECUTE format(command, name) INTO result; success = true; RETURN NEXT; END$$""",
)


@pytest.fixture(scope="module")
def distributed_url(database: Callable[[], str]) -> str:
    url = database()
    with psycopg.connect(url, autocommit=True) as sql:
        for statement in (*distribution.functions("pgstate"), *STANDINS):
            sql.execute(statement)  # type: ignore[arg-type]  # not a literal
    return url


@pytest.fixture
def url(distributed_url: str) -> Iterator[str]:
    yield distributed_url
    with psycopg.connect(distributed_url) as sql:
        assert wrong_counters(sql) == []


@pytest.fixture(scope="module")
def shared_store(distributed_url: str) -> Iterator[Store]:
    store = connect(distributed_url)
    yield store
    store.close()


@pytest.fixture
def store(shared_store: Store, url: str) -> Store:
    """One for all tests: each has a session of its own."""
    return shared_store


def sent_by(store: Store, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collects the names of the writes that the store sends from now on."""
    names: list[str] = []
    run = store._tables._access.writer.run

    def noting(name: str, *arguments: Any, **options: Any) -> Any:
        names.append(name)
        return run(name, *arguments, **options)

    monkeypatch.setattr(store._tables._access.writer, "run", noting)
    return names


def let_pass(sql: SQL, days: int) -> None:
    """All that is stored is older by so much, and expires sooner."""
    for table, columns in {
        "session": ("created_at", "seen_at", "expires_at", "revoked_at"),
        "entry": ("changed_at", "expires_at"),
    }.items():
        for column in columns:
            sql.execute(
                f"UPDATE pgstate.{table} SET {column} = {column} - interval '{days} days'"  # type: ignore[arg-type]
            )


def test_a_store_finds_out_that_the_tables_are_distributed(store: Store, state: State) -> None:
    assert store._tables.layout().is_distributed
    assert store._tables._sql.is_distributed


def test_tables_that_are_not_distributed_are_not_taken_for_it(shared_url: str) -> None:
    plain = connect(shared_url)
    assert not plain._tables.layout().is_distributed
    assert not plain._tables._sql.is_distributed
    plain.close()


def test_a_write_over_what_is_known_is_one_statement_without_an_insert(
    state: State, store: Store, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    state.update({"a": 1, "b": "two"})
    sent = sent_by(store, monkeypatch)
    state["a"] = 3
    state.modify("a", lambda n: n + 1)
    state.update({"a": 5, "b": "six"})
    assert sent == ["PUT_AS_KNOWN", "PUT_IF", "PUT_OVER"]
    for name in sent:
        assert "INSERT" not in store._tables._sql[name]
    assert dict(store.state(token)) == {"a": 5, "b": "six"}


def test_new_keys_are_inserted(
    state: State, store: Store, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    state["a"] = 1
    sent = sent_by(store, monkeypatch)
    state["b"] = 2
    state.modify("c", lambda n: n + 1, default=2)
    state.update({"a": 4, "d": 5})
    assert sent == ["PUT", "PUT_NEW", "PUT_MANY"]
    assert dict(store.state(token)) == {"a": 4, "b": 2, "c": 3, "d": 5}


@pytest.mark.changes_entries
def test_what_is_no_longer_there_is_written_all_the_same(
    state: State, store: Store, token: str, sql: SQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another has deleted the keys meanwhile, and a cleanup their rows."""
    state.update({"a": 1, "b": 2, "c": 3})
    for key in ("a", "b", "c"):
        store.state(token).delete(key)
    sql.execute("DELETE FROM pgstate.entry WHERE session_id = %s", (state.id,))
    sent = sent_by(store, monkeypatch)
    state["a"] = 4
    state.update({"b": 5, "c": 6})
    assert sent == ["PUT_AS_KNOWN", "PUT", "PUT_OVER", "PUT_MANY"]
    assert dict(store.state(token)) == {"a": 4, "b": 5, "c": 6}


def test_two_that_write_one_key_count_each_change(store: Store, state: State, token: str) -> None:
    other = store.state(token)
    state["n"] = 0
    other.refresh()
    for _ in range(5):
        state.modify("n", lambda n: n + 1)
        other.modify("n", lambda n: n + 1)
    assert store.state(token)["n"] == 10


def test_a_value_lives_for_its_ttl_which_counts_from_the_write(
    state: State, store: Store, sql: SQL
) -> None:
    state["a"] = 1
    for write in (
        lambda: state.set("a", 2, ttl=60),
        lambda: state.set("large", LARGE, ttl=60),
        lambda: state.set("large", LARGE, ttl=60),
    ):
        write()
        row = sql.execute(
            """SELECT extract(epoch FROM expires_at - changed_at)::float8 FROM pgstate.entry
            WHERE session_id = %s AND expires_at IS NOT NULL ORDER BY version DESC LIMIT 1""",
            (state.id,),
        ).fetchone()
        assert row is not None
        assert 60 <= row[0] < 61


def test_what_has_expired_is_not_counted_as_deleted(state: State, sql: SQL) -> None:
    state.set("a", 1, ttl=60)
    state["b"] = 2
    sql.execute(
        "UPDATE pgstate.entry SET expires_at = now() WHERE session_id = %s AND key = 'a'",
        (state.id,),
    )
    assert state.delete("b") is True
    state.refresh()
    assert state.delete("a") is False


@pytest.mark.parametrize("value", [1, LARGE])
def test_a_cleanup_deletes_session_by_session(url: str, sql: SQL, value: object) -> None:
    kept = connect(url, history=3)
    let_pass(sql, 40)
    kept.gc()
    ended, token = kept.state(kept.new_token()), kept.new_token()
    ended["a"] = value
    let_pass(sql, 40)
    state = kept.state(token)
    state.set("expires", value, ttl=60)
    state.update({"deleted": value, "stays": value})
    state["deleted"] = 2
    state.delete("deleted")
    sql.execute("UPDATE pgstate.entry SET expires_at = now() WHERE key = 'expires'")
    sql.execute("UPDATE pgstate.revision SET expires_at = now() WHERE key = 'expires'")
    sql.execute("UPDATE pgstate.entry SET changed_at = changed_at - interval '3 days'")
    cleaned = kept.gc()
    assert (cleaned.sessions, cleaned.values, cleaned.names) == (1, 2, 1)
    assert dict(kept.state(token)) == {"stays": value}
    left = sql.execute(
        "SELECT DISTINCT key FROM pgstate.revision WHERE session_id = %s ORDER BY key", (state.id,)
    ).fetchall()
    assert left == [("expires",), ("stays",)]
    assert kept.gc().total == 0
    kept.close()


def test_a_history_keeps_as_many_versions_as_it_should(url: str) -> None:
    kept = connect(url, history=3)
    state = kept.state(kept.new_token())
    for number in range(6):
        state["a"] = number
    assert [state.get("a", version=one.version) for one in state.history("a")] == [5, 4, 3]
    state.undo()
    assert state["a"] == 4
    kept.close()


def test_a_copy_and_a_move_take_everything(store: Store, state: State) -> None:
    state.update({"a": 1, "large": LARGE})
    copied = store._tables.signer.mint()
    store._tables.moves.copy(SessionRef(state.id), copied)
    assert dict(store.state(copied.text)) == {"a": 1, "large": LARGE}
    target = SessionRef(uuid.uuid4(), scope="user")
    moved = store._tables.moves.move(SessionRef(state.id), target, ["a", "large"])
    assert moved == ["a", "large"]
    assert store._tables.moves.move(SessionRef(state.id), target, ["a", "large"]) == []
    state.refresh()
    assert dict(state) == {}


def test_a_session_is_locked_while_it_is_copied(
    store: Store, state: State, sql: SQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over several servers a statement has no one snapshot."""
    state["a"] = 1
    met: list[str] = []
    monkeypatch.setattr(
        type(store._tables._access.sql),
        "__getitem__",
        lambda self, name: met.append(name) or dict.__getitem__(self, name),
    )
    store._tables.moves.copy(SessionRef(state.id), store._tables.signer.mint())
    assert met[-2:] == ["LOCK_TO_COPY", "COPY"]


def test_a_write_that_waits_too_long_for_a_lock_says_that_nothing_was_stored(
    url: str, state: State, token: str, sql: SQL
) -> None:
    state["a"] = 1
    impatient = connect(url, timeout=1)
    other = impatient.state(token)
    with sql.transaction():
        sql.execute("SELECT FROM pgstate.session WHERE id = %s FOR UPDATE", (state.id,))
        with pytest.raises(StoreUnavailable, match=r"held a lock. Nothing was stored"):
            other["a"] = 2
    other["a"] = 3
    state.refresh()
    assert state["a"] == 3
    impatient.close()


def test_what_is_forgotten_and_empty_begins_anew(store: Store) -> None:
    ref = SessionRef(uuid.uuid4(), scope="user")
    state = store._opened(ref, cache=True)
    state["a"] = 1
    state.forget()
    again = store._opened(ref, cache=True)
    assert dict(again) == {}
    again["b"] = 2
    assert dict(store._opened(ref, cache=True)) == {"b": 2}


def test_an_operator_sees_the_same_numbers(store: Store, state: State, url: str) -> None:
    state.set("a", 1, ttl=60)
    tables = store._tables
    overview, totals = tables.inspection.overview(), tables.totals()
    assert overview.sessions == totals.sessions > 0
    assert overview.values >= totals.entries > 0
    assert all(size > 0 for _, size in overview.on_disk)
    growth = Growth(tables._database, tables._sql)
    growth.note()
    assert growth.now().entries >= totals.entries
    assert growth.hours()[-1].bytes > 0
