"""Every verb that writes, with what it answers and leaves; and the others who write beside it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from noise import noise

from streamlit_pgstate import State, Store, connect
from streamlit_pgstate.postgres.chunks import CHUNK
from streamlit_pgstate.postgres.rows import SMALL, SessionRef

At = Literal["question", "answer"]
LARGE = noise(2 * SMALL)


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


def user(store: Store, name: str) -> State:
    """The state of a user, which has no token."""
    ref = SessionRef(uuid.uuid5(uuid.NAMESPACE_OID, name), scope="user")
    return store._opened(ref, cache=True)


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
