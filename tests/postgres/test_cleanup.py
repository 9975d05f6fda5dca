"""What nobody can reach any more is deleted, and nothing else, while others write."""

from __future__ import annotations

import contextlib
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner
from everything import in_everything
from gate import Gate
from noise import noise

from streamlit_pgstate import State, Store, UnknownToken, cli, connect
from streamlit_pgstate.postgres.cleanup import Cleaned, Turns
from streamlit_pgstate.postgres.rows import SessionRef

SQL = psycopg.Connection[Any]
LARGE = noise(100_000, "x")


@pytest.fixture
def url(emptied_url: str, reads_rows: None) -> str:
    """Replaces the fixture of the same name: no test of this file leaves other tables."""
    return emptied_url


def one(sql: SQL, statement: str, *parameters: object) -> Any:
    row = sql.execute(statement, parameters).fetchone()  # type: ignore[arg-type]  # not a literal
    assert row is not None
    return row[0]


def count(sql: SQL, table: str, where: str = "true") -> int:
    return int(one(sql, f"SELECT count(*) FROM pgstate.{table} WHERE {where}"))


def orphans(sql: SQL) -> int:
    return count(
        sql,
        "body b",
        "NOT EXISTS (SELECT FROM pgstate.entry e "
        "WHERE e.session_id = b.session_id AND e.digest = b.digest)",
    )


def let_pass(sql: SQL, hours: float) -> None:
    """All that is stored is older by so much, and expires sooner."""
    for table, columns in {
        "session": ("created_at", "seen_at", "expires_at", "revoked_at", "rotated_at"),
        "entry": ("changed_at", "expires_at"),
        "body": ("sent_at",),
    }.items():
        changes = ", ".join(f"{name} = {name} - interval '{hours} hours'" for name in columns)
        sql.execute(f"UPDATE pgstate.{table} SET {changes}")  # type: ignore[arg-type]  # not a literal


def test_what_is_in_use_is_left_alone(state: State, store: Store, token: str, sql: SQL) -> None:
    state.update({"small": 1, "large": LARGE})
    state.set("for a while", 2, ttl=timedelta(days=9))
    let_pass(sql, 72)
    assert store.gc() == Cleaned()
    assert dict(store.state(token)) == {"small": 1, "large": LARGE, "for a while": 2}


def test_an_expired_session_is_emptied_at_once_and_its_row_goes_two_days_later(
    state: State, store: Store, token: str, sql: SQL
) -> None:
    state.update({"small": 1, "large": LARGE})
    let_pass(sql, 24 * 30 + 1)
    assert store.gc() == Cleaned(sessions=1)
    assert [count(sql, table) for table in ("session", "entry", "body")] == [1, 0, 0]
    for hours in (0, 24):
        let_pass(sql, hours)
        assert store.gc() == Cleaned()
        with pytest.raises(UnknownToken):
            store.state(token)
    let_pass(sql, 25)
    assert store.gc() == Cleaned(rows=1)
    assert count(sql, "session") == 0


def test_after_forget_and_gc_nothing_of_the_visitor_is_left_but_an_empty_row(
    state: State, store: Store, sql: SQL
) -> None:
    state.update({"my secret": "my secret", "large": LARGE})
    state.forget()
    sql.execute(  # a large value was being sent while the session was forgotten
        "INSERT INTO pgstate.body (session_id, digest, part, data) VALUES (%s, %s, 0, %s)",
        (state.id, b"d" * 32, LARGE),
    )
    assert store.gc() == Cleaned(bodies=1)
    assert [count(sql, table) for table in ("session", "entry", "body")] == [1, 0, 0]
    let_pass(sql, 48)
    store.gc()
    assert count(sql, "session") == 0


def test_a_users_state_that_has_expired_begins_anew(store: Store, sql: SQL) -> None:
    ref = SessionRef(uuid.uuid4(), scope="user")
    state = store._opened(ref, cache=True)
    state["k"] = LARGE
    let_pass(sql, 24 * 403)
    assert store.gc() == Cleaned(sessions=1)
    again = store._opened(ref, cache=True)
    assert dict(again) == {}
    again["k"] = 2
    let_pass(sql, 72)
    store.gc()
    assert dict(store._opened(ref, cache=True)) == {"k": 2}


@pytest.mark.parametrize("value", [1, LARGE], ids=["small", "large"])
def test_an_expired_key_goes_with_its_bytes(
    value: object, state: State, store: Store, sql: SQL
) -> None:
    state.set("gone", value, ttl=3600)
    state["kept"] = LARGE[::-1]
    let_pass(sql, 2)
    assert store.gc() == Cleaned(values=1)
    assert count(sql, "entry", "kind IS NOT NULL") == 1
    assert orphans(sql) == 0
    assert state["kept"] == LARGE[::-1]
    state["gone"] = 3
    assert state["gone"] == 3


def test_a_large_value_that_another_key_holds_stays(state: State, store: Store, sql: SQL) -> None:
    state.set("gone", LARGE, ttl=3600)
    state["kept"] = LARGE
    let_pass(sql, 2)
    assert store.gc() == Cleaned(values=1)
    assert store.state_of(state.id)["kept"] == LARGE


def test_the_name_of_a_deleted_key_goes_two_days_later(
    state: State, store: Store, sql: SQL
) -> None:
    state.update({"k": 1, "kept": 2})
    del state["k"]
    let_pass(sql, 47)
    assert store.gc() == Cleaned()
    let_pass(sql, 2)
    assert store.gc() == Cleaned(names=1)
    assert store.state_of(state.id).keys() == ["kept"]


def test_what_a_crash_has_left_goes_after_an_hour(store: Store, token: str, sql: SQL) -> None:
    for session_id in (uuid.uuid4(), store.state(token).id):
        sql.execute(
            "INSERT INTO pgstate.body (session_id, digest, part, data) VALUES (%s, %s, 0, %s)",
            (session_id, b"d" * 32, b"x"),
        )
    assert store.gc() == Cleaned()
    let_pass(sql, 1)
    assert store.gc() == Cleaned(bodies=2)


def test_a_value_that_is_sent_again_is_not_taken_for_a_leftover(
    state: State, store: Store, token: str, sql: SQL
) -> None:
    state["k"] = LARGE
    sql.execute("UPDATE pgstate.entry SET digest = NULL, body = 'x'")
    let_pass(sql, 2)
    fresh = store.state(token)
    fresh["k"] = LARGE
    assert store.gc() == Cleaned()
    assert store.state(token)["k"] == LARGE


@pytest.mark.parametrize("batch", [1, 3, 1_000])
def test_any_batch_deletes_all(batch: int, url: str, sql: SQL) -> None:
    store = connect(url, gc_batch=batch)
    states = [store.state(store.new_token()) for _ in range(7)]
    for state in states:
        state.update({"small": 1, "large": LARGE})
        state.set("expires", LARGE[::-1], ttl=60)
        state.set("expires too", 1, ttl=60)
        del state["small"]
    let_pass(sql, 24 * 3)
    assert store.gc() == Cleaned(values=14, names=7)
    let_pass(sql, 24 * 30)
    assert store.gc() == Cleaned(sessions=7)
    let_pass(sql, 24 * 3)
    assert store.gc() == Cleaned(rows=7)
    assert [count(sql, table) for table in ("session", "entry", "body")] == [0, 0, 0]
    store.close()


def test_it_does_not_wait_for_a_writer(state: State, store: Store, sql: SQL, url: str) -> None:
    state.update({"k": 1})
    state.set("expired", 1, ttl=60)
    let_pass(sql, 24 * 31)
    with psycopg.connect(url) as writer:
        writer.execute("SELECT FROM pgstate.session FOR UPDATE")
        began = time.monotonic()
        assert store.gc() == Cleaned()
        assert time.monotonic() - began < 5
    assert store.gc() == Cleaned(sessions=1)


# Bodies that are replaced go with the write that replaces them


def test_a_job_that_has_missed_a_write_leaves_none_of_what_it_replaces(
    state: State, store: Store, token: str, sql: SQL
) -> None:
    state["k"] = LARGE
    job = store.state_of(state.id)
    store.state(token)["other"] = 1
    for number in range(20):
        job["k"] = noise(100_000, str(number))
    assert orphans(sql) == 0
    assert count(sql, "body", "part = 0") == 1


def test_two_tabs_with_overlapping_runs_leave_none(
    state: State, store: Store, token: str, sql: SQL
) -> None:
    other = store.state(token)
    state["mine"] = LARGE
    other.refresh()
    for number in range(20):
        other["theirs"] = noise(100_000, f"their {number}")
        state["mine"] = noise(100_000, f"my {number}")
    assert orphans(sql) == 0


def test_six_writers_by_modify_leave_none(store: Store, token: str, sql: SQL) -> None:
    store.state(token)["k"] = noise(40_000, "0")

    def write(writer: int) -> None:
        state = store.state(token)
        for number in range(10):
            new = noise(40_000, f"{writer} {number}")
            state.modify("k", lambda old, new=new: bytes(old[-9:] + new))

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(write, range(6)))
    assert orphans(sql) == 0


def test_clear_leaves_none_though_another_tab_has_written(
    state: State, store: Store, token: str, sql: SQL
) -> None:
    other = store.state(token)
    state["k"] = LARGE
    other["theirs"] = LARGE[::-1]
    state.delete("k")
    other.clear()
    assert count(sql, "body") == 0


@pytest.mark.parametrize("rounds", [6, *in_everything(12)])
def test_beside_writers_nothing_is_lost_and_nobody_fails(url: str, sql: SQL, rounds: int) -> None:
    """Of values that come, go, expire and are sent ahead, while four threads clean up."""
    ends = threading.Event()
    store = connect(url, gc_batch=5)
    huge = noise(5 * 2**20, "huge")

    def write(writer: int) -> None:
        state = store.state(store.new_token())
        for number in range(rounds):
            state[f"k{number % 3}"] = value = noise(60_000, f"{writer} {number}")
            state.set("short", value, ttl=0.001)
            state["huge"] = huge[writer:]
            state.delete("huge" if number % 2 else "nothing")
            state["count"] = number
            fresh = store.state_of(state.id)
            assert fresh[f"k{number % 3}"] == value
            assert fresh["count"] == number
            if not number % 2:
                assert fresh["huge"] == huge[writer:]

    def clean(_: int) -> None:
        with connect_for_a_while(url) as own:
            while not ends.is_set():
                own.gc()

    with ThreadPoolExecutor(8) as threads:
        cleaners = [threads.submit(clean, number) for number in range(4)]
        writers = [threads.submit(write, number) for number in range(4)]
        try:
            for writer in writers:
                writer.result(120)
        finally:
            ends.set()
        for cleaner in cleaners:
            cleaner.result(60)
    let_pass(sql, 2)
    store.gc()
    assert orphans(sql) == 0
    store.close()


def connect_for_a_while(url: str) -> contextlib.closing[Store]:
    return contextlib.closing(connect(url, gc_batch=5))


# By itself


def turns(store: Store, interval: timedelta = timedelta(hours=1)) -> Turns:
    return Turns(store._tables._cleanup, interval=interval, may_begin=lambda: True)


def test_of_all_replicas_one_takes_the_turn(state: State, store: Store, sql: SQL, url: str) -> None:
    state["k"] = 1
    let_pass(sql, 24 * 31)
    with connect_for_a_while(url) as replica:
        assert turns(store).take() == Cleaned(sessions=1)
        assert turns(replica).take() is None
        sql.execute(
            "UPDATE pgstate.setting SET value = (value::float8 - 3601)::text "
            "WHERE name = 'cleaned_up_at ' || current_user"
        )
        assert turns(replica).take() == Cleaned()


def test_a_turn_without_a_database_is_left_out(gate: Gate) -> None:
    with connect_for_a_while(gate.url) as store:
        store.totals()
        gate.shut()
        assert turns(store).take() is None
        gate.open()
        assert turns(store).take() == Cleaned()


def test_a_process_takes_turns_as_long_as_its_store_exists(
    url: str, sql: SQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    from streamlit_pgstate.postgres import cleanup

    monkeypatch.setattr(cleanup, "_FIRST_TURN_AFTER", 0.01)
    store = connect(url, gc_interval=0.05)
    state = store.state(store.new_token())
    state["k"] = 1
    let_pass(sql, 24 * 31)
    before = set(threading.enumerate())
    store._tables.clean_up_by_itself()
    store._tables.clean_up_by_itself()
    (thread,) = set(threading.enumerate()) - before
    until = time.monotonic() + 30
    while count(sql, "entry"):
        assert time.monotonic() < until
    store.close()
    del store, state
    thread.join(30)
    assert not thread.is_alive()


def test_with_an_interval_of_0_it_never_does(url: str) -> None:
    store = connect(url, gc_interval=0)
    before = threading.active_count()
    store._tables.clean_up_by_itself()
    assert threading.active_count() == before
    store.close()


# pgstate gc


@pytest.fixture
def pgstate(url: str) -> Callable[..., Any]:
    return lambda *arguments: CliRunner().invoke(cli.main, [*arguments, "--url", url])


def test_the_command_deletes_and_a_dry_run_only_counts(
    pgstate: Callable[..., Any], state: State, sql: SQL
) -> None:
    state.set("k", LARGE, ttl=60)
    let_pass(sql, 1)
    for arguments, word, left in ((["gc", "--dry-run"], "Would delete", 1), (["gc"], "Deleted", 0)):
        done = pgstate(*arguments)
        assert done.exit_code == 0, done.output
        assert done.stdout.strip() == (
            f"{word} 0 expired sessions, 0 rows of ended sessions, 1 expired values, "
            "0 names of deleted keys, 0 chunks of large values."
        )
        assert count(sql, "entry", "kind IS NOT NULL") == left


def test_the_command_makes_no_tables(empty_url: str) -> None:
    done = CliRunner().invoke(cli.main, ["gc", "--url", empty_url])
    assert done.exit_code == 1
    assert "pgstate migrate" in done.output


# Caches that have not heard of it


def test_a_cache_from_before_a_write_that_has_expired_hears_of_it(
    state: State, store: Store, token: str, sql: SQL
) -> None:
    state["k"] = "before"
    store.state(token).set("k", "for a minute", ttl=60)
    let_pass(sql, 1)
    store.gc()
    state.refresh()
    assert "k" not in state
    state["k"] = "before"
    assert store.state(token)["k"] == "before"


@pytest.mark.parametrize("value", [1, LARGE], ids=["small", "large"])
def test_modify_begins_with_the_default_where_the_row_is_gone(
    value: object, state: State, store: Store, token: str, sql: SQL
) -> None:
    state.update({"k": value, "other": 1})
    store.state(token).delete("k")
    let_pass(sql, 49)
    assert store.gc() == Cleaned(names=1)
    seen: list[object] = []

    def fn(held: object) -> object:
        seen.append(held)
        return [LARGE.hex(), len(seen)] if value is LARGE else [len(seen)]

    made = state.modify("k", fn, default="default")
    assert seen[-1] == "default"
    assert store.state(token)["k"] == made


def test_a_state_that_only_writes_does_not_expire(url: str, sql: SQL) -> None:
    store = connect(url, session_ttl=1)
    state = store.state(store.new_token())
    until = time.monotonic() + 2
    while time.monotonic() < until:
        state["n"] = time.monotonic()
        time.sleep(0.02)  # without a pause it takes 4 s of CPU
    assert count(sql, "session", "expires_at > now()") == 1
    store.close()


def test_a_process_of_another_layout_deletes_nothing(state: State, store: Store, sql: SQL) -> None:
    state["k"] = 1
    let_pass(sql, 24 * 31)
    turn = Turns(store._tables._cleanup, interval=timedelta(hours=1), may_begin=lambda: False)
    assert turn.take() is None
    assert count(sql, "entry") == 1
