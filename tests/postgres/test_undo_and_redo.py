"""`undo` and `redo`: the changes of one run as a whole, whoever has made it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import psycopg
import pytest
from encrypted import KEY
from gate import Gate
from noise import noise

from streamlit_pgstate import LimitExceeded, State, Store, VersionGone, connect
from streamlit_pgstate.postgres.rows import SMALL

SQL = psycopg.Connection[Any]
Connect = Callable[..., Store]
InARun = Callable[[Callable[[], object]], None]

LARGE = SMALL + 1


@pytest.fixture
def url(keyed_url: str, reads_rows: None) -> str:
    """Replaces the fixture of the same name: no test of this file leaves other tables."""
    return keyed_url


@pytest.fixture
def store(connected: Connect) -> Store:
    return connected()


def test_outside_of_runs_each_call_is_undone_by_itself(state: State) -> None:
    state.update({"a": 1, "b": 1})
    state["a"] = 2
    state.modify("b", lambda n: n + 1)
    del state["a"]
    seen = [dict(state)]
    for keys in (["a"], ["b"], ["a"], ["a", "b"]):
        assert state.undo() == keys
        seen.append(dict(state))
    assert seen == [{"b": 2}, {"a": 2, "b": 2}, {"a": 2, "b": 1}, {"a": 1, "b": 1}, {}]
    assert state.undo() == []
    for there in seen[-2::-1]:
        assert state.redo()
        assert dict(state) == there
    assert state.redo() == []
    assert [it.operation for it in state.history("a")][:2] == ["redo", "redo"]


def test_a_session_without_a_row_has_nothing_to_undo(store: Store, token: str) -> None:
    state, other = store.state(token), store.state(token)
    assert state.undo() == state.redo() == []
    with pytest.raises(VersionGone, match="no version with a value"):
        state.restore("k", 1)
    other["k"] = 1
    assert state.undo() == ["k"]


def test_a_run_is_undone_as_a_whole(state: State, in_a_run: InARun) -> None:
    state.update({"a": 1, "gone": "there"})

    @in_a_run
    def run() -> None:
        state["a"] = 2
        state.modify("a", lambda n: n + 1)
        state.update({"b": 1, "c": noise(LARGE)})
        state.delete("gone")
        state.restore("a", 1)
        state["a"] = 4

    assert state.undo() == ["a", "b", "c", "gone"]
    assert dict(state) == {"a": 1, "gone": "there"}
    assert state.redo() == ["a", "b", "c", "gone"]
    assert dict(state) == {"a": 4, "b": 1, "c": noise(LARGE)}


def test_it_does_not_matter_who_has_made_the_run(store: Store, token: str) -> None:
    one, two = store.state(token), store.state(token)
    one["k"] = "one"
    two["k"] = "two"
    assert one.undo() == ["k"]
    assert one["k"] == "one"
    two.refresh()
    assert two["k"] == "one"
    assert two.redo() == ["k"]
    assert two["k"] == "two"


def test_a_new_change_ends_what_can_be_made_again(state: State) -> None:
    for number in range(3):
        state["k"] = number
    state.undo()
    state["k"] = "new"
    assert state.redo() == []
    assert state.undo() == ["k"]
    assert state["k"] == 1
    assert state.undo() == ["k"]
    assert state["k"] == 0
    for found in (1, "new"):
        state.redo()
        assert state["k"] == found


def test_to_delete_what_is_not_there_is_no_change(state: State) -> None:
    state["k"] = 1
    state["k"] = 2
    state.undo()
    state.delete("nothing")
    state.clear()
    state.undo()
    state.delete("nothing")
    assert state.redo() == ["k"]
    state.undo()
    assert state.undo() == ["k"]


def test_undo_passes_a_run_that_has_set_and_deleted_a_key(state: State, in_a_run: InARun) -> None:
    state["b"] = 1
    state.delete("b")

    @in_a_run
    def run() -> None:
        state["b"] = 2
        state.delete("b")

    for _ in range(2):
        assert state.undo() == ["b"]
        assert state["b"] == 1
        assert state.redo() == ["b"]
        assert "b" not in state
        assert state.redo() == []
    for expected in ({"b": 1}, {}):
        assert state.undo() == ["b"]
        assert dict(state) == expected
    assert state.undo() == []


def test_undo_tells_of_the_keys_alone_whose_values_change(state: State, in_a_run: InARun) -> None:
    @in_a_run
    def run() -> None:
        state["a"] = 1
        state["b"] = 2
        state.delete("b")

    assert state.undo() == ["a"]
    assert state.redo() == ["a"]


def test_a_deletion_by_a_tab_that_has_not_seen_another_one_is_a_version(
    store: Store, token: str, sql: SQL
) -> None:
    state, stale = store.state(token), store.state(token)
    state["k"] = 1
    stale.refresh()
    del state["k"]
    stale._session.amend({}, ["k"])
    state.refresh()
    assert [it.operation for it in state.history("k")] == ["delete", "delete", "set"]
    assert (
        sql.execute(
            "SELECT version FROM pgstate.entry EXCEPT SELECT version FROM pgstate.revision"
        ).fetchall()
        == []
    )
    assert state.undo() == ["k"]
    assert state["k"] == 1


def test_a_restore_is_undone_as_any_change(state: State) -> None:
    for number in range(3):
        state["k"] = number
    state.restore("k", 1)
    assert state.undo() == ["k"]
    assert state["k"] == 2


def test_what_others_have_changed_since_without_a_history_stays(connected: Connect) -> None:
    keeping, other = connected(), connected(history=0)
    token = keeping.new_token()
    state, without = keeping.state(token), other.state(token)
    state.update({"a": 1, "b": 1})
    state.update({"a": 2, "b": 2})
    without["a"] = "theirs"
    assert state.undo() == ["b"]
    assert dict(state) == {"a": "theirs", "b": 1}
    assert state.undo() == ["b"]
    assert dict(state) == {"a": "theirs"}


def test_a_run_of_which_nothing_is_left_is_passed_over(connected: Connect) -> None:
    keeping, other = connected(), connected(history=0)
    token = keeping.new_token()
    state, without = keeping.state(token), other.state(token)
    state["a"] = 1
    state["b"] = 1
    without["b"] = "theirs"
    assert state.undo() == ["a"]
    assert dict(state) == {"b": "theirs"}


def test_undo_goes_back_as_far_as_there_are_versions(connected: Connect) -> None:
    store = connected(history=5)
    state = store.state(store.new_token())
    for number in range(10):
        state["k"] = number
    for number in (8, 7, 6, 5):
        state.undo()
        assert state["k"] == number
    before = state.version
    with pytest.raises(VersionGone, match=r"undo\(\) has changed nothing: .*'k'.*last 5 versions"):
        state.undo()
    state.refresh()
    assert (state["k"], state.version) == (5, before)
    assert len(state.history("k")) == 5
    for _ in range(3):
        for number in (6, 7, 8, 9):
            state.redo()
            assert state["k"] == number
        for number in (8, 7, 6, 5):
            state.undo()
            assert state["k"] == number


def test_where_one_key_is_gone_none_is_undone(connected: Connect) -> None:
    store = connected(history=2)
    state = store.state(store.new_token())
    state["b"] = 1
    state.update({"a": 1, "b": 2})
    state["b"] = 3
    state.undo()
    state["b"] = 4
    state.undo()
    with pytest.raises(VersionGone, match="'b'"):
        state.undo()
    assert dict(state) == {"a": 1, "b": 2}


def test_what_the_limit_has_trimmed_is_not_taken_for_nothing(
    connected: Connect, in_a_run: InARun
) -> None:
    store = connected(history=20, max_session_bytes=1000)
    state = store.state(store.new_token())
    state["k"] = "x" * 500

    @in_a_run
    def run() -> None:
        del state["k"]
        state["k"] = "y" * 400

    state["z"] = "q" * 490
    assert state.undo() == ["z"]
    with pytest.raises(VersionGone, match="'k'"):
        state.undo()
    assert dict(state) == {"k": "y" * 400}


def test_a_full_history_takes_the_first_value_back(connected: Connect, in_a_run: InARun) -> None:
    store = connected(history=3)
    state = store.state(store.new_token())

    @in_a_run
    def run() -> None:
        state["a"] = 0
        state["k"] = 0

    state["k"] = 1
    state["k"] = 2
    for expected in ({"a": 0, "k": 1}, {"a": 0, "k": 0}, {}):
        state.undo()
        assert dict(state) == expected


def test_a_value_whose_expiry_was_renewed_in_a_run_is_taken_back(
    state: State, in_a_run: InARun
) -> None:
    large = noise(LARGE)

    @in_a_run
    def run() -> None:
        state["other"] = 1
        for _ in range(2):
            state.set("large", large, ttl=60)

    assert state.undo() == ["large", "other"]
    assert dict(state) == {}


def test_what_has_expired_does_not_come_back(state: State, sql: SQL) -> None:
    state.set("k", "code", ttl=0.05)
    state["k"] = "other"
    sql.execute("SELECT pg_sleep(0.1)")
    assert state.undo() == ["k"]
    assert "k" not in state


@pytest.mark.parametrize("settings", [{}, {"encryption_key": KEY}], ids=["plain", "encrypted"])
def test_large_values_come_back_without_being_sent(
    settings: Any, connected: Connect, sql: SQL
) -> None:
    store = connected(**settings)
    state = store.state(store.new_token())
    for number in range(3):
        state["k"] = noise(LARGE, str(number))
    state.undo()
    state.undo()
    assert store.state_of(state.id)["k"] == noise(LARGE, "0")
    state.redo()
    assert store.state_of(state.id)["k"] == noise(LARGE, "1")
    (bodies,) = sql.execute("SELECT count(*) FROM pgstate.body").fetchone() or (None,)
    assert bodies == 3


def test_undo_keeps_to_the_limits(connected: Connect) -> None:
    store = connected()
    token = store.new_token()
    before = store.state(token)
    before.update({"a": noise(LARGE), "b": 1})
    before.update({"a": 1, "b": 2})
    state = connected(max_session_bytes=LARGE).state(token)
    with pytest.raises(LimitExceeded, match=r"what undo\(\) brings back.*max_session_bytes"):
        state.undo()
    assert dict(state) == {"a": 1, "b": 2}


def test_undo_beside_writers_changes_what_they_have_written_or_nothing(
    connected: Connect,
) -> None:
    store = connected(history=100)  # each undo is a version, too
    token = store.new_token()
    states = [store.state(token) for _ in range(4)]
    states[0]["n"] = 0

    def write(place: int) -> int:
        undone = 0
        for number in range(10):
            if place % 2:
                states[place][f"k{place}"] = number
            else:
                undone += bool(states[place].undo())
        return undone

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(write, range(4)))
    state = store.state(token)
    while state.undo():
        pass
    assert dict(state) == {}


@pytest.mark.faults
@pytest.mark.parametrize("at", ["question", "answer"])
@pytest.mark.parametrize("verb", ["undo", "redo", "restore", "set", "delete"])
def test_a_broken_connection_makes_one_version(
    verb: str, at: Literal["question", "answer"], gate: Gate, store: Store
) -> None:
    behind = connect(gate.url, history=10)
    verbs: dict[str, tuple[Callable[[State], object], Any]] = {
        "undo": (lambda state: state.undo(), 0),
        "redo": (lambda state: state.redo(), 2),
        "restore": (lambda state: state.restore("k", 1), 0),
        "set": (lambda state: state.set("k", "new"), "new"),
        "delete": (lambda state: state.delete("k"), None),
    }
    make, expected = verbs[verb]
    for after in itertools.count():
        token = behind.new_token()
        state = behind.state(token)
        for number in range(3):
            state["k"] = number
        state.undo()
        before = len(state.history("k"))
        gate.cut(at, after=after)
        found = make(state)
        is_over = gate.mend()
        assert found == (["k"] if verb in {"undo", "redo"} else True if verb == "delete" else None)
        assert len(state.history("k")) == before + 1
        assert state.get("k") == store.state(token).get("k") == expected
        if is_over:
            assert after > 0
            break
    behind.close()
