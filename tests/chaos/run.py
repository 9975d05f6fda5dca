"""A run, from its start to its verdict."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from chaos import verdict
from chaos.cluster import Cluster
from chaos.gaps import excused, gaps, watched
from chaos.history import History
from chaos.inspection import inspect
from chaos.journal import lines
from chaos.nemesis import Nemesis
from chaos.plan import Plan
from chaos.troop import Troop
from streamlit_pgstate import PgStateError, Store, StoreUnavailable, connect

TIMEOUT = 3.0
"""The setting `timeout` of all processes, in seconds."""
_SETTLED_AFTER = TIMEOUT + 1.0
"""Seconds after a process was killed until nothing it had sent is stored any more."""
_HANDS = ("a1", "a2", "b1", "b2", "c1", "c2", "d1", "d2")
_SESSIONS = ("one", "two", "three")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a run has come to.

    Attributes:
        calls: how many calls of each verb ended in each way.
        reads: how many values were read.
        faults: how often each was made.
        cleanups: how many cleanups there were, and how many met an outage.
        broken: promises, with what broke each.
        in_gaps: how many changes were acknowledged that an asynchronous standby may lack.
    """

    calls: Counter[tuple[str, str]]
    reads: int
    faults: Counter[str]
    cleanups: Counter[str]
    broken: list[tuple[str, str]]
    in_gaps: int


def run(
    folder: Path,
    *,
    seed: int,
    minutes: float = float("inf"),
    faults: Iterable[str] | None = None,
    writers: int = 3,
    is_synchronous: bool = True,
) -> Outcome:
    """Run it, and judge it.

    Args:
        folder: empty, for all files of the run.
        seed: decides what is done, but not when the processes get to it.
        minutes: how long faults are made. The last one is finished.
        faults: their names, in this order; None for all, in an order by chance.
        writers: how many processes write, each with two threads.
        is_synchronous: whether a commit waits for the standby.
    """
    cluster = Cluster(folder, is_synchronous=is_synchronous)
    try:
        cluster.create()
        hands = _HANDS[: 2 * writers]
        return _run(folder, cluster, hands, seed=seed, minutes=minutes, faults=faults)
    finally:
        cluster.close()


def _run(
    folder: Path,
    cluster: Cluster,
    hands: tuple[str, ...],
    *,
    seed: int,
    minutes: float,
    faults: Iterable[str] | None,
) -> Outcome:
    store = connect(cluster.url, timeout=TIMEOUT)
    store.migrate()
    plan = Plan(
        folder=str(folder),
        url=cluster.url,
        timeout=TIMEOUT,
        sessions={name: _new_session(store) for name in _SESSIONS},
        hands=hands,
        seed=seed,
    )
    plan.write(folder / "plan.json")
    pairs = zip(hands[::2], hands[1::2], strict=True)
    members = [*(("chaos.writer", pair) for pair in pairs), ("chaos.page", ("page",))]
    troop = Troop(plan, folder / "plan.json", members=members, readers=1)
    nemesis = Nemesis(cluster, troop, seed=seed, timeout=TIMEOUT)
    history = History()
    with _processes(troop), _cleaning(store) as cleanups, watched(cluster) as answers:
        history.broken += _strike(nemesis, troop, seed=seed, minutes=minutes, faults=faults)
    for path in sorted(folder.glob("*.journal")):
        history.add(lines(path), settled_after=_SETTLED_AFTER)
    # A synchronous standby lacks nothing.
    lost = [] if cluster.is_synchronous else gaps(answers, cluster.take_overs)
    in_gaps = excused(history, lost)
    with cluster.sql() as sql:
        inspect(history, plan, _patient(cluster), sql, lost)
    return _judged(history, nemesis.done, cleanups, in_gaps)


def _new_session(store: Store) -> str:
    token = store.new_token()
    store.state(token)["begun"] = True
    return token


def _patient(cluster: Cluster) -> Store:
    """A store for the inspection."""
    return connect(cluster.url, timeout=60, cache_bytes=0)


@contextlib.contextmanager
def _processes(troop: Troop) -> Iterator[None]:
    troop.begin()
    try:
        yield
        troop.end()
    finally:
        troop.kill()


@contextlib.contextmanager
def _cleaning(store: Store) -> Iterator[Counter[str]]:
    """Clean up all the time."""
    done, ended = Counter[str](), threading.Event()

    def clean() -> None:
        while not ended.wait(1):
            try:
                store.gc()
                done["done"] += 1
            except StoreUnavailable:
                done["met an outage"] += 1
            except PgStateError as error:
                done[f"failed: {error}"] += 1

    thread = threading.Thread(target=clean)
    thread.start()
    try:
        yield done
    finally:
        ended.set()
        thread.join()


def _strike(
    nemesis: Nemesis, troop: Troop, *, seed: int, minutes: float, faults: Iterable[str] | None
) -> Iterator[tuple[str, str]]:
    """Make one fault after the other; what does not go on after one is a broken promise."""
    pauses = random.Random(f"{seed} pauses")
    until = time.monotonic() + minutes * 60
    if not troop.await_progress():
        yield verdict.STUCK, "before the first fault"
    for name in nemesis.choices() if faults is None else faults:
        if time.monotonic() > until:
            return
        began = time.monotonic()
        nemesis.strike(name)
        mended = time.monotonic()
        if not troop.await_progress():
            yield verdict.STUCK, name
        print(
            f"{name}: {mended - began:.1f} s, then {time.monotonic() - mended:.1f} s "
            "until each process had written",
            flush=True,
        )
        time.sleep(pauses.uniform(0, 2))  # so that faults meet the writers anywhere


def _judged(
    history: History, faults: Counter[str], cleanups: Counter[str], in_gaps: int
) -> Outcome:
    calls = Counter[tuple[str, str]]()
    for change in {change.name: change for change in history.changes}.values():
        verb = "delete" if change.is_deletion else "set, update"
        if not change.name.startswith("begun by"):
            calls[verb, change.outcome] += 1
    for append in history.appends:
        calls["modify", append.outcome] += 1
    for call in history.others:
        calls[call["verb"], call["outcome"]] += 1
    return Outcome(
        calls=calls,
        reads=len(history.reads),
        faults=faults,
        cleanups=cleanups,
        broken=verdict.broken(history),
        in_gaps=in_gaps,
    )
