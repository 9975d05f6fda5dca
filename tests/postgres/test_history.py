"""History: the last versions of each key, read, restored, trimmed and told."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from encrypted import KEY, OTHER_KEY
from noise import noise

from streamlit_pgstate import (
    ConfigError,
    InvalidKey,
    LimitExceeded,
    State,
    Store,
    UnknownToken,
    VersionGone,
    connect,
)
from streamlit_pgstate.postgres.chunks import IN_ONE_STATEMENT
from streamlit_pgstate.postgres.rows import SMALL

SQL = psycopg.Connection[Any]
Counter = Callable[[], contextlib.AbstractContextManager[list[str]]]
Connect = Callable[..., Store]

LARGE = SMALL + 1
HUGE = IN_ONE_STATEMENT + 1
SIZES = {"small": 10, "large": LARGE, "huge": HUGE}


@pytest.fixture
def url(keyed_url: str, reads_rows: None) -> str:
    """Replaces the fixture of the same name: no test of this file leaves other tables."""
    return keyed_url


@pytest.fixture
def store(connected: Connect) -> Store:
    return connected()


def told(state: State, key: str) -> list[tuple[str, str | None]]:
    return [(it.operation, it.kind) for it in state.history(key)]


def values(state: State, key: str) -> list[Any]:
    """The value of each version, the present one first."""
    return [state.get(key, version=it.version) for it in state.history(key)]


def rows(sql: SQL, question: str, *parameters: Any) -> list[tuple[Any, ...]]:
    return sql.execute(question, parameters).fetchall()  # type: ignore[arg-type]


def count(sql: SQL, table: str) -> int:
    return int(rows(sql, f"SELECT count(*) FROM pgstate.{table}")[0][0])


def bodies(sql: SQL) -> int:
    return int(rows(sql, "SELECT count(DISTINCT digest) FROM pgstate.body")[0][0])


def test_each_change_of_a_key_is_a_version(state: State) -> None:
    state["k"] = 1
    state.update({"k": 2, "other": 1})
    state.modify("k", lambda n: n + 1)
    state["k"] = b"4"
    del state["k"]
    assert told(state, "k") == [
        ("delete", None),
        ("set", "bytes"),
        ("modify", "json"),
        ("set", "json"),
        ("set", "json"),
    ]
    assert values(state, "k") == [None, b"4", 3, 2, 1]
    found = state.history("k")
    assert [it.version for it in found] == [5, 4, 3, 2, 1]
    assert [it.size for it in found] == [0, 1, 1, 1, 1]
    assert found == sorted(found, key=lambda it: it.changed_at, reverse=True)
    assert [it.version for it in state.history("k", limit=2)] == [5, 4]


def test_without_the_setting_there_is_the_present_version_alone(
    connected: Connect, sql: SQL
) -> None:
    store = connected(history=0)
    state = store.state(store.new_token())
    for number in range(3):
        state["k"] = number
    assert values(state, "k") == [2]
    assert count(sql, "revision") == 0
    for verb in (state.undo, state.redo):
        with pytest.raises(ConfigError, match=f"{verb.__name__}.*Set `history`"):
            verb()


@pytest.mark.parametrize("most", [1, 3])
@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_the_last_versions_are_kept_and_their_bodies(
    most: int, size: int, connected: Connect, sql: SQL
) -> None:
    store = connected(history=most)
    state = store.state(store.new_token())
    states = [noise(size, str(number)) for number in range(5)]
    for value in states:
        state["k"] = value
    assert values(state, "k") == states[::-1][:most]
    assert count(sql, "revision") == most
    assert bodies(sql) == (most if size > SMALL else 0)
    assert values(store.state_of(state.id), "k") == states[::-1][:most]


def test_a_frame_that_comes_back_is_stored_once(state: State, sql: SQL) -> None:
    value, other = noise(HUGE), noise(LARGE)
    for _ in range(3):
        state["k"] = value
        state["k"] = other
    assert count(sql, "revision") == 6
    assert bodies(sql) == 2


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("settings", [{}, {"encryption_key": KEY}], ids=["plain", "encrypted"])
def test_a_restore_is_a_change_of_its_own(
    size: int, settings: Any, connected: Connect, round_trips: Counter, sql: SQL
) -> None:
    store = connected(**settings)
    state = store.state(store.new_token())
    first, second = noise(size, "first"), noise(size, "second")
    state["k"] = first
    state["k"] = second
    one = state.history("k")[1]
    state.restore("k", one.version)
    assert state["k"] == first
    assert values(state, "k") == [first, second, first]
    assert told(state, "k")[0] == ("restore", one.kind)
    assert bodies(sql) == (2 if size > SMALL else 0)
    other = store.state_of(state.id)
    assert other["k"] == first
    assert other.version == state.version


def test_a_deleted_key_is_restored_with_its_value(state: State) -> None:
    state["k"] = noise(LARGE)
    version = state.history("k")[0].version
    state.clear()
    assert "k" not in state
    state.restore("k", version)
    assert state["k"] == noise(LARGE)
    assert told(state, "k")[:2] == [("restore", "bytes"), ("delete", None)]


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_the_present_version_is_restored_where_no_history_has_it(
    connected: Connect, size: int
) -> None:
    state = connected(history=0).state(connected().new_token())
    state["k"] = noise(size)
    state.restore("k", 1)
    assert state["k"] == noise(size)
    assert connected().state_of(state.id)["k"] == noise(size)


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_a_restore_without_the_setting_keeps_what_it_replaces(
    connected: Connect, size: int, sql: SQL
) -> None:
    keeping = connected()
    token = keeping.new_token()
    state, without = keeping.state(token), connected(history=0).state(token)
    states = [noise(size, str(number)) for number in range(3)]
    state["k"] = states[0]
    state["k"] = states[1]
    without["k"] = states[2]
    without.restore("k", 1)
    assert values(without, "k") == [states[0], *states[::-1]]
    [(held,)] = rows(sql, "SELECT history_bytes FROM pgstate.session")
    assert held == 4 * size
    state.refresh()
    assert state.undo() == ["k"]
    assert state["k"] == states[2]


def test_a_version_that_is_gone_is_told_with_those_that_there_are(connected: Connect) -> None:
    store = connected(history=2)
    state = store.state(store.new_token())
    for number in range(4):
        state["k"] = number
    with pytest.raises(VersionGone, match=r"'k' has no version 1 .*There are: 4, 3\."):
        state.restore("k", 1)
    assert state.get("k", "gone", version=1) == "gone"
    del state["k"]
    with pytest.raises(VersionGone, match=r"no version 5 with a value.*There are: 4\."):
        state.restore("k", 5)
    with pytest.raises(VersionGone, match=rf"no version {2**70} with a value.*There are: 4\."):
        state.restore("k", 2**70)
    with pytest.raises(VersionGone, match=r"'never' has no version with a value"):
        state.restore("never", 1)
    assert state.history("never") == []


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda state: state.history("k", limit=0), ConfigError),
        (lambda state: state.history("k", limit="2"), ConfigError),
        (lambda state: state.history(""), InvalidKey),
        (lambda state: state.get("k", version="1"), ConfigError),
        (lambda state: state.restore("k", True), ConfigError),
        (lambda state: state.restore("k", 2**70), VersionGone),
        (lambda state: state.restore("k\0", 1), InvalidKey),
    ],
)
def test_bad_input_is_refused(state: State, call: Any, error: type[Exception]) -> None:
    state["k"] = 1
    with pytest.raises(error):
        call(state)


def test_a_small_set_with_history_is_one_round_trip(state: State, round_trips: Counter) -> None:
    state["k"] = 0
    for verb in (
        lambda: state.set("k", 1),
        lambda: state.update({"k": 2, "other": 1}),
        lambda: state.modify("k", lambda n: n + 1),
        lambda: state.set("large", noise(LARGE)),
        lambda: state.set("k", 5, ttl=60),
        lambda: state.delete("k"),
        lambda: state.history("k"),
        lambda: state.get("k", version=1),
    ):
        with round_trips() as trips:
            verb()
        assert len(trips) == 1, trips


def test_the_first_write_of_a_session_with_history_is_one_round_trip(
    store: Store, token: str, round_trips: Counter
) -> None:
    state = store.state(token)
    with round_trips() as trips:
        state["k"] = 1
    assert len(trips) == 1, trips
    with round_trips() as trips:
        state["k"] = 2
    assert len(trips) == 1, trips


def test_what_others_wrote_without_history_is_a_version_from_the_next_write_on(
    connected: Connect,
) -> None:
    keeping, other = connected(), connected(history=0)
    token = keeping.new_token()
    state, without = keeping.state(token), other.state(token)
    without.refresh()
    state.update({"k": 1, "deleted": 1})
    without["k"] = 2
    without["large"] = noise(LARGE)
    del without["deleted"]
    assert values(state, "k") == [2, 1]
    state["k"] = 3
    assert values(state, "k") == [3, 2, 1]
    assert values(state, "large") == [noise(LARGE)]
    assert told(state, "deleted") == [("delete", None), ("set", "json")]


def test_a_history_that_is_switched_on_late_begins_with_what_is_there(
    connected: Connect,
) -> None:
    without = connected(history=0)
    token = without.new_token()
    without.state(token).update({"k": 1, "large": noise(LARGE), "deleted": 1})
    without.state(token).delete("deleted")
    state = connected().state(token)
    state["k"] = 2
    state["large"] = 1
    assert values(state, "k") == [2, 1]
    assert values(state, "large") == [1, noise(LARGE)]


def test_a_large_session_is_noted_in_several_transactions(
    connected: Connect, sql: SQL, round_trips: Counter
) -> None:
    without = connected(history=0)
    token = without.new_token()
    without.state(token).update({f"k{number:04}": number for number in range(1_200)})
    state = connected().state(token)
    state["k0000"] = "new"
    assert count(sql, "revision") == 1_201
    assert values(state, "k0000") == ["new", 0]
    with round_trips() as trips:
        state["k0001"] = "new"
    assert len(trips) == 1, trips


def test_what_a_process_without_history_replaces_stays_in_the_history(
    connected: Connect, sql: SQL
) -> None:
    keeping, other = connected(), connected(history=0)
    token = keeping.new_token()
    state = keeping.state(token)
    state["k"] = noise(LARGE)
    state["huge"] = noise(HUGE)
    without = other.state(token)
    without["k"] = noise(LARGE, "other")
    without.update({"huge": 1})
    without.delete("k")
    without.clear()
    without._session.tables.bodies.sweep(without._session._ref)
    assert values(state, "k")[-1] == noise(LARGE)
    assert values(state, "huge")[-1] == noise(HUGE)
    assert bodies(sql) == 2


@pytest.mark.parametrize("verb", ["set", "update", "delete", "upgrade"])
def test_a_write_that_waits_while_a_history_is_completed_deletes_no_body_of_it(
    connected: Connect, sql: SQL, url: str, verb: str
) -> None:
    keeping, other = connected(), connected(history=0)
    token = keeping.new_token()
    keeping.state(token)["k"] = "first"
    without = other.state(token)
    without["k"] = noise(LARGE)
    version = without.version
    history, ref = keeping._tables.history, without._session._ref

    def upgrade() -> None:
        newer = connected(history=0, shape=2, upgrade=lambda state, _: state.update(k=1))
        newer.state(token).refresh()

    verbs: dict[str, Callable[[], object]] = {
        "set": lambda: without.set("k", 1),
        "update": lambda: without.update({"k": 1, "other": noise(LARGE, "other")}),
        "delete": lambda: without.delete("k"),
        "upgrade": upgrade,
    }
    with psycopg.connect(url) as holder, ThreadPoolExecutor(2) as threads:
        holder.execute("SELECT FROM pgstate.session FOR UPDATE")
        completed = threads.submit(history.complete, ref)
        await_waiting(sql, 1)
        written = threads.submit(verbs[verb])
        await_waiting(sql, 2)
        holder.commit()
        completed.result()
        written.result()
    if verb == "upgrade":
        assert count(sql, "revision") == 0
    else:
        assert keeping.state(token).get("k", version=version) == noise(LARGE)


def await_waiting(sql: SQL, number: int) -> None:
    """Return when so many statements wait for a lock."""
    question = """SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'"""
    while rows(sql, question) != [(number,)]:
        pass


@pytest.mark.parametrize("size", [10, LARGE])
def test_writers_at_once_lose_no_version(store: Store, sql: SQL, size: int) -> None:
    keeper = connect_again(store, history=1000)
    token = keeper.new_token()
    keeper.state(token)["k"] = 0
    states = [keeper.state(token) for _ in range(4)]

    def write(place: int) -> None:
        for number in range(15):
            if number % 3:
                states[place]["k"] = noise(size, f"{place} {number}")
            else:
                states[place].modify("k", lambda _: noise(size, f"{place} {number}"))  # noqa: B023 - called at once

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(write, range(4)))
    state = keeper.state(token)
    assert state["k"] is not None
    versions = [it.version for it in state.history("k", limit=1000)]
    assert len(versions) == 61
    if size < SMALL:  # without them: the bodies that lost races leave are swept, as a version
        assert versions == list(range(61, 0, -1))
    found = values(state, "k")
    assert len({str(value) for value in found}) == 61
    keeper.close()


def connect_again(store: Store, **settings: Any) -> Store:
    url = store._tables.settings.url
    assert url is not None
    return connect(url, **settings)


def test_racing_writers_trim_to_the_setting(connected: Connect, sql: SQL) -> None:
    store = connected(history=3)
    token = store.new_token()
    store.state(token)["k"] = 0
    states = [store.state(token) for _ in range(4)]

    def write(state: State) -> None:
        for number in range(20):
            state["k"] = noise(LARGE, f"{id(state)} {number}")

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(write, states))
    assert len(states[0].history("k")) == 3
    states[0].refresh()
    states[0]["k"] = 1
    states[0]["k"] = 2
    assert count(sql, "revision") == 3
    assert bodies(sql) <= 2  # what the last two have left was deleted with them


def test_a_value_whose_ttl_is_over_is_in_no_version(
    connected: Connect, store: Store, sql: SQL
) -> None:
    token = store.new_token()
    state = store.state(token)
    state.set("k", "code", ttl=0.05)
    state.set("large", noise(LARGE), ttl=0.05)
    version = state.history("k")[0].version
    sql.execute("SELECT pg_sleep(0.1)")
    assert told(state, "k") == [("set", None)]
    assert state.get("k", version=version) is None
    with pytest.raises(VersionGone):
        state.restore("k", version)
    store._tables.clean_up()
    assert rows(sql, "SELECT kind, value, body, digest FROM pgstate.revision") == [(None,) * 4] * 2
    assert count(sql, "body") == 0
    assert told(state, "k") == [("set", None)]
    state["k"] = "new"
    assert values(state, "k") == ["new", None]


def test_a_restored_value_keeps_its_ttl(state: State) -> None:
    state.set("k", "code", ttl=60)
    state["k"] = "other"
    state.restore("k", 1)
    row = state._session.read("k")
    assert row is not None
    assert row.ttl == 60
    assert row.seconds_left is not None
    assert row.seconds_left < 60


def test_a_renewed_ttl_is_a_version(state: State) -> None:
    large = noise(LARGE)
    for _ in range(2):
        state.set("large", large, ttl=60)
    assert told(state, "large") == [("set", "bytes")] * 2
    assert values(state, "large") == [large] * 2


def test_the_history_keeps_to_the_limit_and_refuses_no_write(connected: Connect, sql: SQL) -> None:
    store = connected(history=100, max_session_bytes=10 * LARGE)
    state = store.state(store.new_token())
    state["first"] = "of all"
    for number in range(40):
        state[f"k{number % 3}"] = noise(LARGE, str(number))
    [(held,)] = rows(sql, "SELECT history_bytes FROM pgstate.session")
    assert held <= 10 * LARGE
    assert values(state, "first") == ["of all"]
    assert [state[f"k{n % 3}"] for n in (37, 38, 39)] == [
        noise(LARGE, str(n)) for n in (37, 38, 39)
    ]
    assert count(sql, "revision") == bodies(sql) + 1
    with pytest.raises(LimitExceeded):
        state["k4"] = noise(8 * LARGE)


def test_the_present_values_count_towards_the_limit_of_the_history(
    connected: Connect, sql: SQL
) -> None:
    store = connected(history=100, max_session_bytes=10 * LARGE)
    state = store.state(store.new_token())
    state["old"] = noise(5 * LARGE)
    for number in range(20):
        state["k"] = noise(LARGE, str(number))
        [(held,)] = rows(sql, "SELECT history_bytes FROM pgstate.session")
        assert held <= 10 * LARGE
        assert rows(sql, "SELECT sum(size)::bigint FROM pgstate.revision") == [(held,)]
    assert state["old"] == noise(5 * LARGE)


def test_a_restore_keeps_to_the_limits(connected: Connect) -> None:
    store = connected()
    token = store.new_token()
    before = store.state(token)
    before["a"] = noise(LARGE)
    del before["a"]
    before["b"] = noise(LARGE + 10)
    state = connected(max_session_bytes=2 * LARGE).state(token)
    with pytest.raises(LimitExceeded, match=r"version 1 of 'a'.*max_session_bytes"):
        state.restore("a", 1)
    assert "a" not in state
    assert state["b"] == noise(LARGE + 10)


def test_forget_and_gc_leave_nothing_of_the_history(store: Store, sql: SQL) -> None:
    for scope in ("token", "user"):
        state = store.state(store.new_token())
        if scope == "user":
            sql.execute("UPDATE pgstate.session SET scope = 'user'")
        for size in SIZES.values():
            state["k"] = noise(size)
        state["other"] = "secret"
        state.undo()
        state.forget()
        assert count(sql, "revision") == count(sql, "body") == 0
    store._tables.clean_up()
    for table in ("revision", "body"):
        assert count(sql, table) == 0
    assert rows(
        sql, "SELECT DISTINCT history_at, history_bytes, undo, redo FROM pgstate.session"
    ) == [(None, 0, [], [])]


def test_the_history_of_an_expired_session_goes_with_it(store: Store, sql: SQL) -> None:
    state = store.state(store.new_token())
    state["k"] = noise(LARGE)
    state["k"] = 1
    sql.execute("UPDATE pgstate.session SET expires_at = now()")
    store._tables.clean_up()
    assert count(sql, "revision") == count(sql, "entry") == count(sql, "body") == 0


def test_with_the_name_of_a_deleted_key_goes_its_history(store: Store, sql: SQL) -> None:
    state = store.state(store.new_token())
    state.update({"k": noise(LARGE), "stays": 1})
    del state["k"]
    store._tables.clean_up()
    assert len(state.history("k")) == 2
    sql.execute("UPDATE pgstate.entry SET changed_at = changed_at - interval '3 days'")
    store._tables.clean_up()
    assert state.history("k") == []
    assert values(state, "stays") == [1]
    assert bodies(sql) == 0
    assert rows(sql, "SELECT key FROM pgstate.entry") == [("stays",)]


def test_the_history_stays_behind_of_what_is_taken_over_and_is_deleted(
    store: Store, sql: SQL
) -> None:
    target, source = (store.state(store.new_token()) for _ in range(2))
    for number in range(3):
        source.update({"k": noise(LARGE, str(number)), "small": number, "both": number})
    target["both"] = noise(LARGE)
    target["both"] = "present"
    assert target.take_over(source) == ["k", "small"]
    assert values(target, "k") == [noise(LARGE, "2")]
    assert values(target, "small") == [2]
    assert values(source, "k") == [None]
    assert values(source, "both") == [2, 1, 0]
    assert values(target, "both") == ["present", noise(LARGE)]
    assert bodies(sql) == 2
    target["k"] = source["k"] = 1
    assert values(target, "k") == [1, noise(LARGE, "2")]
    assert [value for value in values(source, "k") if value] == [1]


def test_a_kill_between_a_write_and_what_it_leaves_is_healed_by_gc(
    connected: Connect, sql: SQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = connected(history=1)
    state = store.state(store.new_token())
    state["k"] = noise(LARGE)
    monkeypatch.setattr(type(store._tables.history), "tidy", lambda *_, **__: None)
    state["k"] = 1
    assert bodies(sql) == 1
    store._tables.clean_up()
    assert bodies(sql) == 0
    assert values(state, "k") == [1]


def test_what_a_new_session_row_finds_of_a_former_one_is_deleted(store: Store, sql: SQL) -> None:
    token = store.new_token()
    state = store.state(token)
    state["k"] = "former"
    state["k"] = "former, too"
    sql.execute("DELETE FROM pgstate.session")
    store.state(token)["other"] = 1
    state = store.state(token)
    state["k"] = "new"
    assert values(state, "k") == ["new"]


def test_a_refused_session_shows_no_history(store: Store, token: str) -> None:
    state, other = store.state(token), store.state(token)
    state["k"] = 1
    other.refresh()
    state.forget()
    for verb in (
        lambda: other.history("k"),
        lambda: other.get("k", version=5),
        lambda: other.restore("k", 1),
        other.undo,
        other.redo,
    ):
        with pytest.raises(UnknownToken):
            verb()


def test_an_encrypted_history_shows_nothing_and_is_sealed_anew_by_rekey(
    connected: Connect, sql: SQL
) -> None:
    store = connected(encryption_key=KEY)
    token = store.new_token()
    state = store.state(token)
    kept = ["a word", noise(LARGE), {"a": [1, 2]}, noise(HUGE)]
    for value in kept:
        state["k"] = value
    both = connected(encryption_key=[OTHER_KEY, KEY])
    before = rows(sql, "SELECT body FROM pgstate.revision WHERE kind IS NOT NULL")
    done = both._tables.rekey()
    assert done.left == 0
    assert done.values == 5
    assert not set(before) & set(rows(sql, "SELECT body FROM pgstate.revision"))
    assert bodies(sql) == 2
    later = connected(encryption_key=OTHER_KEY).state(token)
    assert values(later, "k") == kept[::-1]
    later["k"] = 1
    assert values(later, "k") == [1, *kept[::-1]]
    assert both._tables.rekey().values == 0
