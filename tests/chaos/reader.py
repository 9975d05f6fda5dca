"""A process that reads all the time, in several ways at once, and notes what it sees."""

from __future__ import annotations

import random
import sys
import threading
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from chaos import journal, verdict
from chaos.calls import WRONG_VALUES, Caller
from chaos.journal import Journal
from chaos.plan import PAIR, Plan, keys
from chaos.stored import Seen, seen
from chaos.threads import ended_by_sigterm, work
from streamlit_pgstate import PgStateError, State, Store, StoreUnavailable, connect

PAUSE = 0.03
_KEYS = 8
"""How many keys one look takes, beside the pair."""


class Reader:
    """One thread that reads."""

    def __init__(self, plan: Plan, store: Store, journal: Journal, number: int) -> None:
        self._plan = plan
        self._store = store
        self._journal = journal
        self._caller = Caller(journal, f"reader {number}")
        self._random = random.Random(f"{plan.seed} reader {number}")
        self._keys = [key for key in keys(plan.hands) if key not in PAIR]

    def work(self, states: dict[str, State], stop: threading.Event) -> None:
        ways: list[Callable[[str, State], State]] = [self._refreshed, self._refreshed, self._opened]
        while not stop.is_set():
            session = self._random.choice(list(self._plan.sessions))
            begin = time.monotonic()
            try:
                if session in states:
                    states[session] = self._random.choice(ways)(session, states[session])
                else:
                    states[session] = self._store.state(self._plan.sessions[session])
            except StoreUnavailable:
                stop.wait(0.1)
                continue
            except PgStateError as error:
                self._caller.note_strange(error)
                stop.wait(0.1)
                continue
            self.look(session, states[session], begin, self._some_keys())
            stop.wait(self._random.uniform(0, 2 * PAUSE))

    def _refreshed(self, session: str, state: State) -> State:
        state.refresh()
        return state

    def _opened(self, session: str, state: State) -> State:
        return self._store.state(self._plan.sessions[session])

    def _some_keys(self) -> list[str]:
        return self._random.sample(self._keys, _KEYS)

    def look(self, session: str, state: State, begin: float, keys: list[str]) -> None:
        """Read keys of a state that was read at `begin` or later, and note them."""
        version = state.version
        pair = self._read(session, state, PAIR)
        if state.version == version:  # it was not read anew between the two
            self._compare(session, pair)
        found = pair | self._read(session, state, keys)
        lines = [_noted(key, value) for key, value in found.items()]
        self._journal.write(journal.READS, session=session, begin=begin, seen=lines)

    def _read(self, session: str, state: State, keys: Iterable[str]) -> dict[str, Seen | None]:
        found: dict[str, Seen | None] = {}
        for key in keys:
            try:
                value = state.get(key)
                found[key] = None if value is None else seen(value, session, key)
            except StoreUnavailable:
                continue
            except tuple(WRONG_VALUES) as error:
                self._caller.note_wrong_value(error)
            except Exception as error:  # noqa: BLE001 - any is a finding, which the verdict shows
                self._caller.note_strange(error)
        return found

    def _compare(self, session: str, pair: dict[str, Seen | None]) -> None:
        """Small values are as of one read; a large one is read by itself."""
        if len(pair) == len(PAIR) and not any(map(_is_large, pair.values())):
            left, right = pair.values()
            if left != right:
                self._caller.note_broken(verdict.TORN, f"{session}: {left} beside {right}")


def _is_large(value: Seen | None) -> bool:
    return value is not None and value.size > 0


def _noted(key: str, value: Seen | None) -> list[object]:
    if value is None:
        return [key, None, 0, None]
    return [key, value.base, len(value.appended), value.appended[-1] if value.appended else None]


def main(plan_path: str, number: str) -> None:
    """Read until SIGTERM."""
    plan = Plan.read(Path(plan_path))
    stop = ended_by_sigterm()
    journal = Journal(Path(plan.folder) / f"reader.{number}.journal")
    store = connect(plan.url, timeout=plan.timeout, cache_bytes=0)  # sees the rows each time
    readers = [Reader(plan, store, journal, each) for each in range(2)]
    work((partial(reader.work, {}, stop) for reader in readers), stop)


if __name__ == "__main__":
    main(*sys.argv[1:])
