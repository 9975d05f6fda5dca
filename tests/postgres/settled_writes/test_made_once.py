"""A write whose connection breaks is made once: before it arrives, after it, and in between."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from everything import in_everything
from gate import Gate

from settled_writes.verbs import (
    CASES,
    LARGE,
    LONG_CASES,
    At,
    amend,
)
from streamlit_pgstate import State, Store

pytestmark = pytest.mark.faults


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
