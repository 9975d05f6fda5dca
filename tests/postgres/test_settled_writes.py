"""A write whose connection breaks is made once: before it arrives, after it, and in between."""

from __future__ import annotations

import contextlib
import itertools
import math
import random
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Literal

import psycopg
import pytest
from everything import in_everything
from gate import Gate
from noise import noise

from streamlit_pgstate import State, Store, StoreUnavailable, UnknownToken, connect
from streamlit_pgstate.postgres.chunks import CHUNK
from streamlit_pgstate.postgres.rows import SMALL, SessionRef
from streamlit_pgstate.postgres.statements.parts.write import SLOTS

pytestmark = pytest.mark.faults

At = Literal["question", "answer"]
LARGE = noise(2 * SMALL)


@pytest.fixture
def url(emptied_url: str) -> str:
    """Replaces the fixture of the same name: no test of this file leaves other tables."""
    return emptied_url


@pytest.fixture
def behind(gate: Gate) -> Iterator[Store]:
    """A store that reaches its database through the gate."""
    store = connect(gate.url)
    yield store
    store.close()


def amend(state: State, values: dict[str, Any], deleted: list[str]) -> int:
    session = state._session
    session.amend({key: session.encode(key, value) for key, value in values.items()}, deleted)
    return 0


@dataclass(frozen=True)
class Case:
    """A verb, on a state that holds `before`."""

    verb: Callable[[State], object]
    answer: object
    after: dict[str, Any]
    before: dict[str, Any]


HELD = {"n": 1, "large": LARGE}
CASES = {
    "set": Case(lambda s: s.set("n", 5), None, {**HELD, "n": 5}, HELD),
    "set a new key": Case(lambda s: s.set("new", 5), None, {**HELD, "new": 5}, HELD),
    "set a large value": Case(
        lambda s: s.set("large", LARGE[1:]), None, {"n": 1, "large": LARGE[1:]}, HELD
    ),
    "renew": Case(lambda s: s.set("large", LARGE, ttl=60), None, HELD, HELD),
    "update": Case(lambda s: s.update({"n": 5, "new": 6}), None, {**HELD, "n": 5, "new": 6}, HELD),
    "modify": Case(lambda s: s.modify("n", lambda n: n + 1), 2, {**HELD, "n": 2}, HELD),
    "modify a large value": Case(
        lambda s: len(s.modify("large", lambda held: held + b"x")),
        len(LARGE) + 1,
        {"n": 1, "large": LARGE + b"x"},
        HELD,
    ),
    "delete": Case(lambda s: s.delete("n"), True, {"large": LARGE}, HELD),
    "delete a large value": Case(lambda s: s.delete("large"), True, {"n": 1}, HELD),
    "delete what is not there": Case(lambda s: s.delete("new"), False, HELD, HELD),
    "clear": Case(lambda s: s.clear(), 2, {}, HELD),
    "pop": Case(lambda s: s.pop("n"), 1, {"large": LARGE}, HELD),
    "setdefault": Case(lambda s: s.setdefault("new", 5), 5, {**HELD, "new": 5}, HELD),
    "amend": Case(lambda s: amend(s, {"n": 5}, ["large"]), 0, {"n": 5}, HELD),
    "the first set": Case(lambda s: s.set("n", 5), None, {"n": 5}, {}),
    "the first set of a large value": Case(lambda s: s.set("n", LARGE), None, {"n": LARGE}, {}),
    "the first modify": Case(lambda s: s.modify("n", lambda n: n + 1, default=0), 1, {"n": 1}, {}),
    "the first delete": Case(lambda s: s.delete("n"), False, {}, {}),
}
HUGE = noise(5 * CHUNK)
LONG_CASES = {
    "set a huge value": Case(lambda s: s.set("n", HUGE), None, {**HELD, "n": HUGE}, HELD),
    "modify a huge value": Case(
        lambda s: len(s.modify("n", lambda n: HUGE)), len(HUGE), {**HELD, "n": HUGE}, HELD
    ),
}


@pytest.mark.parametrize("at", ["question", "answer"])
@pytest.mark.parametrize("name", [*CASES, *in_everything(*LONG_CASES)])
def test_it_is_made_once(name: str, at: At, store: Store, behind: Store, gate: Gate) -> None:
    case = (CASES | LONG_CASES)[name]
    for after in itertools.count():
        token = behind.new_token()
        if case.before:
            store.state(token).update(case.before)
        state = behind.state(token)
        gate.cut(at, after=after)
        assert case.verb(state) == case.answer
        assert dict(store.state(token)) == case.after
        state.refresh()
        assert dict(state) == case.after
        if gate.mend():
            assert after > 0
            return


# Where another, whose write is acknowledged, writes the same key meanwhile


@dataclass(frozen=True)
class Between:
    """A verb, and what another does while the verb waits for its answer."""

    verb: Callable[[State], object]
    theirs: Callable[[State], object]
    after: dict[str, Any]
    """What is there if the verb came first."""
    reads: int = 0
    """How many statements only read."""


def set_to(value: object) -> Callable[[State], object]:
    return lambda state: state.set("n", value)


def add(number: int) -> Callable[[State], object]:
    return lambda state: state.modify("n", lambda n: n + number, default=0)


BETWEEN = {
    "set, modify": Between(set_to(10), add(1), {"n": 11}),
    "set, delete": Between(set_to(10), lambda s: s.delete("n"), {}),
    "set a large value, set": Between(set_to(LARGE), set_to(7), {"n": 7}),
    "update, set": Between(lambda s: s.update({"n": 2, "m": 3}), set_to(7), {"n": 7, "m": 3}),
    "amend, set": Between(lambda s: amend(s, {"n": 2}, []), set_to(7), {"n": 7}),
    "delete, set": Between(lambda s: s.delete("n"), set_to(7), {"n": 7}),
    "clear, set": Between(lambda s: s.clear(), set_to(7), {"n": 7}, reads=1),
    "modify, modify": Between(add(1), add(10), {"n": 12}),
}


@pytest.mark.parametrize("name", BETWEEN)
def test_it_does_not_undo_what_another_has_written_since(
    name: str, store: Store, behind: Store, gate: Gate
) -> None:
    token = store.new_token()
    other = store.state(token)
    other["n"] = 1
    state, case = behind.state(token), BETWEEN[name]
    gate.cut("answer", after=case.reads, then=lambda: case.theirs(other))
    answer = case.verb(state)
    assert not gate.mend()
    assert dict(store.state(token)) == case.after
    state.refresh()
    assert dict(state) == case.after
    assert answer == {"modify, modify": 2, "delete, set": True, "clear, set": 1}.get(name, answer)


def test_a_modify_that_did_not_arrive_is_made_of_what_another_has_written_since(
    store: Store, behind: Store, gate: Gate
) -> None:
    token = store.new_token()
    other = store.state(token)
    other["n"] = 1
    state = behind.state(token)
    gate.cut("question", then=lambda: other.modify("n", lambda n: n + 10))
    assert state.modify("n", lambda n: n + 1) == 12
    assert store.state(token)["n"] == 12


def test_of_two_that_delete_one_key_one_is_told_so_though_its_answer_is_lost(
    store: Store, behind: Store, gate: Gate
) -> None:
    token = store.new_token()
    other = store.state(token)
    theirs: list[bool] = []
    for at, answer in (("answer", True), ("question", False)):
        other["n"] = 1
        state = behind.state(token)
        gate.cut(at, then=lambda: theirs.append(other.delete("n")))
        assert state.delete("n") is answer
        assert theirs.pop() is not answer


@pytest.mark.parametrize("value", [1, LARGE], ids=["small", "large"])
def test_a_modify_that_another_has_overtaken_is_not_taken_for_one_that_was_stored(
    value: object, store: Store, behind: Store, gate: Gate
) -> None:
    token = store.new_token()
    other = store.state(token)
    other["n"] = value
    state = behind.state(token)
    made_of = list[object]()

    def overtaken(held: object) -> str:
        if not made_of:
            other["n"] = "theirs"
            gate.cut("answer")
        made_of.append(held)
        return f"{held!r} and ours"

    assert state.modify("n", overtaken) == "'theirs' and ours"
    assert made_of == [value, "theirs"]
    assert store.state(token)["n"] == "'theirs' and ours"


def test_an_expiry_that_another_has_overtaken_is_not_taken_for_one_that_was_renewed(
    store: Store, behind: Store, gate: Gate
) -> None:
    token = store.new_token()
    other = store.state(token)
    other.set("n", LARGE, ttl=60)
    state = behind.state(token)
    other["n"] = "theirs"
    gate.cut("answer")
    state.set("n", LARGE, ttl=60)
    assert store.state(token)["n"] == LARGE


def test_a_first_write_that_did_not_arrive_meets_the_first_write_of_another(
    store: Store, behind: Store, gate: Gate
) -> None:
    token = store.new_token()
    other, state = store.state(token), behind.state(token)
    gate.cut("question", then=lambda: other.set("theirs", 1))
    state["ours"] = 2
    assert dict(store.state(token)) == {"ours": 2, "theirs": 1}


def test_what_was_in_a_session_whose_row_was_deleted_does_not_come_back_by_a_lost_first_write(
    store: Store, behind: Store, gate: Gate, sql: Any
) -> None:
    token = store.new_token()
    store.state(token)["old"] = 1
    sql.execute("DELETE FROM pgstate.session")
    state = behind.state(token)
    gate.cut("question")
    state["new"] = 2
    assert dict(store.state(token)) == {"new": 2}


# Forgetting, adopting, rotating


@pytest.mark.parametrize("at", ["question", "answer"])
def test_a_session_is_forgotten(at: At, store: Store, behind: Store, gate: Gate) -> None:
    for after in itertools.count():
        token = behind.new_token()
        store.state(token)["n"] = 1
        state = behind.state(token)
        gate.cut(at, after=after)
        state.forget()
        with pytest.raises(UnknownToken):
            store.state(token)
        if gate.mend():
            return


def user(store: Store, name: str) -> State:
    """The state of a user, which has no token."""
    ref = SessionRef(uuid.uuid5(uuid.NAMESPACE_OID, name), scope="user")
    return store._opened(ref, cache=True)


@pytest.mark.parametrize("at", ["question", "answer"])
def test_a_user_is_forgotten_and_what_another_writes_afterwards_stays(
    at: At, store: Store, behind: Store, gate: Gate
) -> None:
    for after in itertools.count():
        ours, theirs = user(behind, f"{at} {after}"), user(store, f"{at} {after}")
        theirs["old"] = LARGE
        ours.refresh()
        gate.cut(at, after=after)
        ours.forget()
        with pytest.raises(UnknownToken):
            theirs["new"] = 1
        user(store, f"{at} {after}")["new"] = 1
        ours.refresh()
        assert dict(ours) == dict(user(store, f"{at} {after}")) == {"new": 1}
        if gate.mend():
            return


def test_a_forgotten_user_is_not_emptied_again_after_another_has_written(
    store: Store, behind: Store, gate: Gate, sql: Any
) -> None:
    ours = user(behind, "ann")

    def write_once_it_is_forgotten() -> None:
        theirs = user(store, "ann")
        if not len(theirs):
            theirs["new"] = 1
            gate.mend()

    for after in range(12):
        theirs = user(store, "ann")
        theirs["old"] = 1
        theirs.delete("new")
        gate.cut("answer", after=after, then=write_once_it_is_forgotten)
        ours.forget()
        if "new" in user(store, "ann"):
            return
        gate.mend()
    raise AssertionError("no answer was lost after the commit")


@pytest.mark.parametrize("value", [1, LARGE], ids=["small", "large"])
def test_a_user_who_is_forgotten_leaves_nothing_of_a_write_that_waited_before(
    value: object, url: str, store: Store, sql: Any
) -> None:
    """Its values came after the moment at which the statements of forget() began."""
    ours, theirs = user(store, f"{type(value)}"), user(store, f"{type(value)}")
    theirs["old"] = value
    ours.refresh()
    with ThreadPoolExecutor(2) as threads:
        with psycopg.connect(url) as other:
            other.execute("SELECT FROM pgstate.session FOR UPDATE")
            written = threads.submit(theirs.set, "new", value)
            waiting(sql, 1)
            forgotten = threads.submit(ours.forget)
            waiting(sql, 2)
        written.result()
        forgotten.result()
    held = dict(user(store, f"{type(value)}"))
    version = sql.execute("SELECT max(version) FROM pgstate.entry WHERE kind IS NOT NULL")
    if held:  # forget() had the lock first
        assert held == {"new": value}
        assert version.fetchone() == (user(store, f"{type(value)}").version,)
    bodies = sql.execute("SELECT count(*) FROM pgstate.body").fetchone()
    assert bodies == (1 if held and value is LARGE else 0,)


@pytest.mark.parametrize("at", ["question", "answer"])
def test_what_is_taken_over_is_named(at: At, store: Store, behind: Store, gate: Gate) -> None:
    for after in itertools.count():
        token = behind.new_token()
        store.state(token).update({"a": 1, "b": LARGE, "kept": 1})
        ours, anonymous = user(behind, f"{at} {after}"), behind.state(token)
        ours["kept"] = 2
        gate.cut(at, after=after)
        assert ours.take_over(anonymous) == ["a", "b"]
        assert dict(ours) == {"a": 1, "b": LARGE, "kept": 2}
        assert dict(store.state(token)) == {"kept": 1}
        if gate.mend():
            return


@pytest.mark.parametrize("at", ["question", "answer"])
def test_a_rotated_token_works(at: At, store: Store, behind: Store, gate: Gate) -> None:
    for after in itertools.count():
        token = behind.new_token()
        store.state(token)["n"] = 1
        state = behind.state(token)
        gate.cut(at, after=after)
        assert store.state(state.rotate() or "")["n"] == 1
        if gate.mend():
            return


# What is known, and what nobody knows


@pytest.mark.parametrize("writers", [SLOTS - 1, SLOTS + 1])
def test_a_record_that_others_have_pushed_out_is_no_proof(
    writers: int, url: str, store: Store, behind: Store, gate: Gate
) -> None:
    token = store.new_token()
    store.state(token)["n"] = 1
    state = behind.state(token)
    others = [connect(url) for _ in range(writers)]

    def write() -> None:
        for number, other in enumerate(others):
            other.state(token)[f"k{number}"] = number

    gate.cut("answer", then=write)
    if writers < SLOTS:
        assert state.modify("n", lambda n: n + 1) == 2
    else:
        with pytest.raises(StoreUnavailable, match="Nobody knows whether this change was stored"):
            state.modify("n", lambda n: n + 1)
    state.refresh()
    assert state["n"] == 2  # and not once more
    assert state.modify("n", lambda n: n + 1) == 3
    for other in others:
        other.close()


def test_a_session_remembers_so_many_writers_and_goes_on_with_more(
    url: str, store: Store, behind: Store, gate: Gate
) -> None:
    token = store.new_token()
    store.state(token)["n"] = 0
    others = [connect(url) for _ in range(SLOTS + 2)]
    for other in others:
        other.state(token).modify("n", lambda n: n + 1)
    state = behind.state(token)
    gate.cut("question")  # the record cannot have been pushed out: nobody has written since
    assert state.modify("n", lambda n: n + 1) == SLOTS + 3
    for other in others:
        other.close()


@pytest.mark.parametrize("verb", ["set", "modify", "delete"])
def test_where_it_cannot_be_settled_in_time_the_error_says_that_nobody_knows(
    verb: str, store: Store, gate: Gate
) -> None:
    behind = connect(gate.url, timeout=0.3)
    state = behind.state(store.new_token())
    state["n"] = 1
    with gate.losing_answers(), pytest.raises(StoreUnavailable, match="Nobody knows"):
        CASES[verb].verb(state)
    behind.close()


def test_where_an_earlier_try_may_have_been_stored_the_error_does_not_say_that_nothing_was(
    store: Store, behind: Store, gate: Gate
) -> None:
    """The second one is refused, as the server is away by then."""
    for after in itertools.count():
        token = behind.new_token()
        store.state(token)["n"] = 1
        state = behind.state(token)
        gate.cut("answer", after=after, then=gate.shut)
        said = ""
        try:
            state.forget()
        except StoreUnavailable as error:
            said = str(error)
        gate.open()
        if gate.mend():
            return
        if "Nothing was stored" in said:
            assert store.state(token)["n"] == 1


def test_where_it_was_never_sent_the_error_says_that_nothing_was_stored(
    store: Store, gate: Gate
) -> None:
    behind = connect(gate.url, timeout=0.3)
    state = behind.state(store.new_token())
    state["n"] = 1
    gate.shut()
    with pytest.raises(StoreUnavailable, match="Nothing was stored"):
        state["n"] = 2
    behind.close()


def test_a_lock_that_is_held_for_long_ends_a_write_within_the_timeout(
    url: str, store: Store
) -> None:
    state = connect(url, timeout=1).state(store.new_token())
    state["n"] = 1
    with psycopg.connect(url) as other:
        other.execute("SELECT FROM pgstate.session FOR UPDATE")
        for verb in ("set", "modify", "delete"):
            with pytest.raises(StoreUnavailable) as caught:
                CASES[verb].verb(state)
            assert "did not answer within 1 s" in str(caught.value)
            assert "Nothing was stored" in str(caught.value)
            assert "raise the setting `timeout`" in str(caught.value)


def test_a_backend_whose_client_has_gone_waits_for_no_lock(
    url: str, store: Store, sql: Any, gate: Gate
) -> None:
    """The server is not asked to cancel its statement: the way to it is cut."""
    behind = connect(gate.url, timeout=1)
    state = behind.state(store.new_token())
    state["n"] = 1
    with psycopg.connect(url) as other, ThreadPoolExecutor(1) as threads:
        other.execute("SELECT FROM pgstate.session FOR UPDATE")
        late = threads.submit(state.set, "n", 2)
        waiting(sql, 1)
        with gate.frozen():
            assert isinstance(late.exception(), StoreUnavailable)
            waiting(sql, 0)
    behind.close()


def test_where_connections_break_faster_than_new_ones_open_it_is_an_outage(
    store: Store, token: str
) -> None:
    state = store.state(token)
    state["n"] = 1
    store._tables._database._broke_at = math.inf  # one breaks while each new one opens
    for verb in (state.refresh, lambda: state.set("n", 2)):
        with pytest.raises(StoreUnavailable, match="the connection broke"):
            verb()
    store._tables._database._broke_at = -math.inf
    assert state.modify("n", lambda n: n + 1) == 2


@pytest.mark.parametrize("size", [1000, SMALL + 1, 600_000, 1_500_000])
def test_a_write_that_was_given_up_is_not_stored_over_a_newer_one(
    size: int, store: Store, sql: Any, gate: Gate
) -> None:
    """All of its bytes have left the client, and arrive when its time is over."""
    token = store.new_token()
    before = backends(sql)
    behind = connect(gate.url, timeout=1)
    state = behind.state(token)
    state["k"] = "old"
    late = backends(sql) - before
    with gate.holding_present_ones():
        with pytest.raises(StoreUnavailable):
            state["k"] = noise(size)
        store.state(token)["k"] = "newer"
    behind.close()
    until = time.monotonic() + 20
    while late & backends(sql):  # until it has done what it was sent, and has seen its client's end
        assert time.monotonic() < until
    assert store.state(token)["k"] == "newer"


@pytest.mark.parametrize("before", [{}, {"k": 1}])
def test_a_write_that_was_given_up_is_not_stored_though_many_others_have_written_since(
    before: dict[str, Any], url: str, store: Store, sql: Any, gate: Gate
) -> None:
    """Its deadline is not over, and the session's row does not list its number any more."""
    token = store.new_token()
    store.state(token).update(before)
    present = backends(sql)
    behind = connect(gate.url, timeout=1)
    state = behind.state(token)
    state.keys()
    late = backends(sql) - present
    with gate.holding_present_ones():
        with pytest.raises(StoreUnavailable, match="Nothing was stored"):
            state["k"] = noise(1_500_000)
        write_from_others(url, token, SLOTS)
    behind.close()
    until = time.monotonic() + 20
    while late & backends(sql):
        assert time.monotonic() < until
    assert store.state(token).get("k") == before.get("k")


@pytest.mark.parametrize("name", list(CASES))
def test_who_reads_and_then_writes_is_not_disturbed_by_many_others(
    name: str, url: str, store: Store
) -> None:
    case = CASES[name]
    token = store.new_token()
    write_from_others(url, token, 1)
    store.state(token).update(case.before)
    state = store.state(token)
    state.keys()
    write_from_others(url, token, SLOTS + 1)
    answer = case.verb(state)
    if name != "clear":  # which deletes what the others have written, too
        assert answer == case.answer
    left = dict(store.state(token))
    left.pop("of others", None)
    assert left == case.after


def write_from_others(url: str, token: str, number: int) -> None:
    """Each under a number of its own in the session's row."""
    for each in range(number):
        other = connect(url)
        other.state(token)["of others"] = each
        other.close()


def backends(sql: Any) -> set[int]:
    """The process ids of the backends of this database."""
    sql.execute("SELECT pg_stat_clear_snapshot()")
    question = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
    return {pid for (pid,) in sql.execute(question)}


def waiting(sql: Any, number: int) -> None:
    """Until so many backends of this database wait for a lock."""
    question = """SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'"""
    until = time.monotonic() + 10
    while sql.execute(question).fetchone() != (number,):
        assert time.monotonic() < until
        sql.execute("SELECT pg_stat_clear_snapshot()")


def test_all_connections_to_a_server_that_only_reads_are_given_up_at_once(
    url: str, store: Store, sql: Any
) -> None:
    """As to the old primary after a failover."""
    states = [store.state(store.new_token()) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda state: state.set("k", LARGE), states))
    database = sql.info.dbname
    for _ in range(4):
        with store._tables._database.connection() as one, ExitStack() as others:
            for _ in range(3):
                others.enter_context(store._tables._database.connection())
            one.execute("SELECT 1")
    sql.execute(f'ALTER DATABASE "{database}" SET default_transaction_read_only = on')
    store.close()
    with ExitStack() as held:  # four connections to the server that only reads
        for _ in range(4):
            held.enter_context(store._tables._database.connection())
    sql.execute("SET default_transaction_read_only = off")
    sql.execute(f'ALTER DATABASE "{database}" RESET default_transaction_read_only')
    states[0]["k"] = 1
    assert states[0].modify("k", lambda n: n + 1) == 2


# What others write beside it


@pytest.mark.parametrize("value", [1, LARGE, HUGE], ids=["small", "large", "huge"])
def test_a_modify_is_not_computed_again_because_others_write_other_keys(
    value: object, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = store.new_token()
    other, state = store.state(token), store.state(token)
    other["k"] = 0
    state.refresh()
    computed: list[object] = []
    writer = store._tables._access.writer
    put, interrupted = writer.run, itertools.count()

    def beside(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("PUT") and next(interrupted) < 3:
            with monkeypatch.context() as patch:
                patch.setattr(writer, "run", put)
                other["theirs"] = len(computed)
        return put(name, *args, **kwargs)

    monkeypatch.setattr(writer, "run", beside)
    state.modify("n", lambda _: computed.append(1) or value)
    assert len(computed) == 1
    assert store.state(token)["n"] == value


def test_a_first_modify_is_not_computed_again_because_another_writes_first(store: Store) -> None:
    token = store.new_token()
    other, state = store.state(token), store.state(token)
    computed: list[int] = []

    def compute(held: int) -> int:
        computed.append(held)
        other["theirs"] = 1
        return held + 1

    assert state.modify("n", compute, default=0) == 1
    assert computed == [0]


def test_setdefault_does_not_write_over_what_another_has_set(store: Store) -> None:
    token = store.new_token()
    ours, theirs = store.state(token), store.state(token)
    assert theirs.setdefault("n", "theirs") == "theirs"
    assert ours.setdefault("n", "ours") == "theirs"
    assert store.state(token)["n"] == "theirs"


# Many at once, while connections break at any moment


@pytest.mark.parametrize("writers", [4, *in_everything(16)])
def test_every_modify_counts_once_while_connections_break(
    writers: int, store: Store, behind: Store, gate: Gate
) -> None:
    token = store.new_token()
    store.state(token)["n"] = 0
    states = [behind.state(token) for _ in range(writers)]
    ended = threading.Event()
    chance = random.Random(writers)

    def cut() -> None:
        while not ended.wait(chance.uniform(0, 0.3)):
            gate.cut(chance.choice(["question", "answer"]), after=chance.randrange(3))

    def count(number: int) -> tuple[int, int]:
        counted, doubtful = 0, 0
        for turn in range(80):
            try:
                states[number].modify("n", lambda n: n + 1)
                counted += 1
            except StoreUnavailable as error:
                doubtful += "Nobody knows" in str(error)
            with contextlib.suppress(StoreUnavailable):
                states[number][f"k{number}"] = turn
        return counted, doubtful

    with ThreadPoolExecutor(writers + 1) as threads:
        cutter = threads.submit(cut)
        try:
            counts = list(threads.map(count, range(writers)))
        finally:
            ended.set()
        cutter.result()
    counted, doubtful = map(sum, zip(*counts, strict=True))
    assert counted <= store.state(token)["n"] <= counted + doubtful
    assert counted > 0
