"""A process that writes, with two hands: threads that share a store and its states."""

from __future__ import annotations

import random
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from chaos import verdict
from chaos.calls import Caller, Nothing
from chaos.history import UNKNOWN
from chaos.journal import Journal
from chaos.plan import COUNTS, PAIR, Plan, begun_by, own_keys
from chaos.purse import Purse
from chaos.stored import appended, made, seen
from chaos.threads import ended_by_sigterm, work
from streamlit_pgstate import PgStateError, State, Store, StoreUnavailable, UnknownToken, connect

SIZES = {40_000: 4, 200_000: 3, 1_500_000: 2, 5_000_000: 1}
"""Of large values: in one chunk, in two, and sent ahead; how often each. What a failed write has
sent ahead stays for an hour, and each new standby copies it."""
PAUSE = 0.05
"""Seconds between two calls of one hand, on average."""
_AGAIN = 0.8
"""Of the calls of unknown outcome, how many are followed by the same verb on the same session."""
_IN_A_SET = 60
"""Names in a value that everybody appends to, before it is set anew."""


class Hand:
    """One thread, with keys of its own in each session that all share."""

    def __init__(self, plan: Plan, name: str, incarnation: int, store: Store, journal: Journal):
        self._plan = plan
        self._name = name
        self._keys = own_keys(name)
        self._store = store
        self._caller = Caller(journal, f"{name}.{incarnation}")
        self._random = random.Random(f"{plan.seed} {name} {incarnation}")
        self._purse = Purse(Path(plan.folder) / f"purse-{name}.json")

    def work(self, states: dict[str, State], stop: threading.Event) -> None:
        """Call one verb after the other."""
        verbs: list[tuple[int, Callable[[str, State], object]]] = [
            *((16, self._set_small), (8, self._set_large), (5, self._set_passing)),
            *((6, self._delete), (6, self._set_mixed), (20, self._append), (20, self._count)),
            *((8, self._update), (4, self._reopen), (3, self._refresh), (3, self._rotate)),
            *((3, self._forget), (3, self._take_over)),
        ]
        weights, calls = zip(*verbs, strict=True)
        session, call = "", self._refresh
        while not stop.is_set():
            is_tried_again = self._caller.last == UNKNOWN and self._random.random() < _AGAIN
            if not is_tried_again:
                session = self._random.choice(list(states))
                (call,) = self._random.choices(calls, weights)
            if call == self._reopen:
                states[session] = self._reopen(session, states[session])
            else:
                call(session, states[session])
            stop.wait(self._random.uniform(0, 2 * PAUSE))

    def _set_small(self, session: str, state: State) -> None:
        self._set(session, state, self._keys["small"], size=0)

    def _set_large(self, session: str, state: State) -> None:
        (size,) = self._random.choices(list(SIZES), list(SIZES.values()))
        self._set(session, state, self._keys["large"], size=size)

    def _set_mixed(self, session: str, state: State) -> None:
        self._set(session, state, self._keys["mixed"], size=self._random.choice((0, 0, 0, 50_000)))

    def _set_passing(self, session: str, state: State) -> None:
        size = self._random.choice((0, 50_000))
        self._set(session, state, self._keys["passing"], size=size, ttl=1.5)

    def _set(
        self, session: str, state: State, key: str, *, size: int, ttl: float | None = None
    ) -> None:
        base = self._caller.next_name()
        value = made(session, key, base, size=size)
        facts = {"verb": "set", "session": session, "keys": [key], "base": base, "ttl": ttl}
        self._caller.call(lambda: state.set(key, value, ttl=ttl), name=base, **facts)
        is_appended_to = key == self._keys["mixed"]  # to set it again takes away what was appended
        if self._caller.last == UNKNOWN and not is_appended_to and self._random.random() < 0.5:
            again = self._caller.next_name()
            self._caller.call(lambda: state.set(key, value, ttl=ttl), name=again, **facts)

    def _update(self, session: str, state: State) -> None:
        name = self._caller.next_name()
        sizes = self._random.choice(((0, 0), (0, 0), (0, 0), (5_000_000, 40_000)))
        values = {
            key: made(session, key, name, size=size) for key, size in zip(PAIR, sizes, strict=True)
        }
        facts = {"verb": "update", "session": session, "keys": PAIR, "base": name}
        self._caller.call(lambda: state.update(values), name=name, **facts)

    def _delete(self, session: str, state: State) -> None:
        key = self._keys[self._random.choice(("small", "large", "mixed"))]
        facts = {"verb": "delete", "session": session, "keys": [key]}
        name = self._caller.next_name()
        self._caller.call(
            lambda: state.delete(key), name=name, answer=lambda found: {"found": found}, **facts
        )

    def _append(self, session: str, state: State) -> None:
        other = self._random.choice(self._plan.hands)
        self._modify(session, state, own_keys(other)["mixed"], begins=False)

    def _count(self, session: str, state: State) -> None:
        self._modify(session, state, self._random.choice(COUNTS), begins=True)

    def _modify(self, session: str, state: State, key: str, *, begins: bool) -> None:
        """Append a name to the value; to nothing, and to a long list, only where it `begins`."""
        name = self._caller.next_name()

        def change(value: Any) -> Any:
            if value is None or len(value["appended"]) >= _IN_A_SET:
                if not begins:
                    raise Nothing
                value = made(session, key, begun_by(name))
            seen(value, session, key)
            return appended(value, name)

        def answer(value: Any) -> dict[str, Any]:
            found = seen(value, session, key)
            return {"base": found.base, "place": found.appended.index(name) + 1}

        facts = {"verb": "modify", "session": session, "keys": [key], "begins": begins}
        self._caller.call(lambda: state.modify(key, change), name=name, answer=answer, **facts)

    def _reopen(self, session: str, state: State) -> State:
        """Another state of the same session, by its token or by its id; with a cache or without."""
        is_cached = self._random.random() < 0.8
        try:
            if self._random.random() < 0.3:
                return self._store.state_of(state.id, cache=is_cached)
            return self._store.state(self._plan.sessions[session], cache=is_cached)
        except StoreUnavailable:
            return state
        except PgStateError as error:
            self._caller.note_strange(error)
            return state

    def _refresh(self, session: str, state: State) -> None:
        name = self._caller.next_name()
        self._caller.call(state.refresh, name=name, verb="refresh", session=session)

    # Sessions of the hand's own

    def _rotate(self, *_: object) -> None:
        """Rotate the token of the purse. It opens the session, whatever has become of the call."""
        tokens = self._purse.tokens()
        if not tokens:
            self._begin_purse()
            return
        state = self._opened_by_any(tokens)
        if state is None:
            return
        name = self._caller.next_name()
        new = self._caller.call(state.rotate, name=name, verb="rotate", session=self._name)
        if new is None:  # unknown, or a process that was killed has left a rotation half done
            if self._random.random() < 0.2:
                self._begin_purse()
            return
        self._purse.put(new, tokens[0])
        self._opened_by_any([new])
        self._opened_by_any([tokens[0]])  # for two minutes more

    def _begin_purse(self) -> None:
        def begin() -> str:
            token = self._store.new_token()
            self._store.state(token)["word"] = self._name
            return token

        name = self._caller.next_name()
        token = self._caller.call(begin, name=name, verb="begin", session=self._name)
        if token is not None:
            self._purse.put(token)

    def _opened_by_any(self, tokens: list[str]) -> State | None:
        """The state that the first good token opens; None during an outage."""
        for token in tokens:
            try:
                state = self._store.state(token)
            except UnknownToken:
                continue
            except StoreUnavailable:
                return None
            if state.get("word") != self._name:
                self._caller.note_broken(verdict.LOST, f"{self._name} has no word after a rotation")
            return state
        how = f"none of {len(tokens)} tokens opens the session of {self._name}"
        self._caller.note_broken(verdict.STRANDED, how)
        self._purse.put()
        return None

    def _filled(self, name: str) -> tuple[str, State] | None:
        """A new session with some values, and its token."""
        values = {
            f"part-{number}": made(name, f"part-{number}", name, size=size)
            for number, size in enumerate((0, 0, 100_000))
        }

        def fill() -> tuple[str, State]:
            token = self._store.new_token()
            state = self._store.state(token)
            state.update(values)
            return token, state

        call = f"{name} filled"
        return self._caller.call(fill, name=call, verb="fill", session=name)

    def _forget(self, *_: object) -> None:
        name = self._caller.next_name()
        if filled := self._filled(name):
            token, state = filled
            facts = {"verb": "forget", "session": name, "token": token, "id": str(state.id)}
            self._caller.call(state.forget, name=name, **facts)

    def _take_over(self, *_: object) -> None:
        name = self._caller.next_name()
        target = self._filled(f"{name} target")
        source = self._filled(name)
        if target is None or source is None:
            return
        # The target has all keys but these, so that they are free to be moved.
        moved = ["part-1", "part-2"]
        for key in moved:
            try:
                target[1].delete(key)
            except StoreUnavailable:
                return
        facts = {"verb": "take_over", "session": name, "keys": moved}
        tokens = {"source": source[0], "target": target[0]}
        self._caller.call(
            lambda: target[1].take_over(source[1], *moved), name=name, **facts, **tokens
        )


def main(plan_path: str, incarnation: str, *names: str) -> None:
    """Write until SIGTERM."""
    plan = Plan.read(Path(plan_path))
    stop = ended_by_sigterm()
    journal = Journal(Path(plan.folder) / f"{names[0]}.{incarnation}.journal")
    store = connect(plan.url, timeout=plan.timeout)
    states = _opened(store, plan, stop)
    hands = [Hand(plan, name, int(incarnation), store, journal) for name in names]
    work((partial(hand.work, dict(states), stop) for hand in hands), stop)


def _opened(store: Store, plan: Plan, stop: threading.Event) -> dict[str, State]:
    states: dict[str, State] = {}
    while len(states) < len(plan.sessions) and not stop.is_set():
        try:
            for name in plan.sessions.keys() - states.keys():
                states[name] = store.state(plan.sessions[name])
        except StoreUnavailable:
            stop.wait(0.1)
    return states


if __name__ == "__main__":
    main(*sys.argv[1:])
