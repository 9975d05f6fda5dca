"""Others write to the same session, and connections break at any moment."""

from __future__ import annotations

import contextlib
import itertools
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from everything import in_everything
from gate import Gate

from settled_writes.verbs import (
    HUGE,
    LARGE,
)
from streamlit_pgstate import Store, StoreUnavailable

pytestmark = pytest.mark.faults


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
