"""The gaps: what was acknowledged in them, an asynchronous standby may lack when it takes over.

A watch asks the primary all the time how far it has written its log. When a standby has taken over,
its own history says up to where it had that log. Whatever had been acknowledged before the last
answer of up to there is on the standby: a commit is acknowledged after it is in the log.
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import psycopg

from chaos import verdict
from chaos.cluster import Cluster, TakeOver, position
from chaos.history import ACKNOWLEDGED, UNKNOWN, Append, Change, History

_EVERY = 0.05
"""Seconds between two questions."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How far the log had been written at a time, at least up to where it then was."""

    at: float
    position: int


@dataclass(frozen=True, slots=True)
class Gap:
    """From the last moment that a standby surely had, to when it had taken over."""

    begin: float
    end: float

    def holds(self, begin: float, end: float) -> bool:
        """Whether a call of these times may have met it."""
        return begin <= self.end and end > self.begin


@contextlib.contextmanager
def watched(cluster: Cluster) -> Iterator[list[Answer]]:
    """Ask the primary how far it has written its log, for as long as the block lasts."""
    answers: list[Answer] = []
    ended = threading.Event()

    def watch() -> None:
        while not ended.is_set():
            with contextlib.suppress(psycopg.Error), cluster.primary.sql() as sql:
                while not ended.wait(_EVERY):
                    at = time.monotonic()  # before it is asked, so that the answer covers it
                    row = sql.execute("SELECT pg_current_wal_insert_lsn()::text").fetchone()
                    answers.append(Answer(at, position((row or ("",))[0])))
            ended.wait(_EVERY)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield answers
    finally:
        ended.set()
        thread.join()


def gaps(answers: Iterable[Answer], take_overs: Iterable[TakeOver]) -> list[Gap]:
    """One gap for each time that a standby has taken over."""
    answers, found, former = list(answers), [], -math.inf
    for taken in take_overs:
        had = [
            answer.at
            for answer in answers
            if former < answer.at < taken.at and answer.position <= taken.position
        ]
        found.append(Gap(max(had, default=former), taken.at))
        former = taken.at
    return found


def excused(history: History, found: list[Gap]) -> int:
    """Take back the acknowledgements that fell into a gap: nobody knows whether they hold.

    All else is judged as ever. What a process has noted of its own token, whose session it began or
    whose token it rotated in a gap, is no broken promise either.

    Returns:
        How many changes and appends that were.
    """
    before = _acknowledged(history)
    history.changes = [_excused(change, found) for change in history.changes]
    history.appends = [_excused(append, found) for append in history.appends]
    for call in history.others:
        if call["outcome"] == ACKNOWLEDGED and _has_ended_in_one(call["end"], found):
            call["outcome"] = UNKNOWN
    touched = {
        call["session"]
        for call in history.others
        if call["verb"] in {"begin", "rotate"} and met(found, call["begin"], call["end"])
    }
    of_tokens = {verdict.LOST, verdict.STRANDED}
    history.broken = [
        (promise, how)
        for promise, how in history.broken
        if promise not in of_tokens or touched.isdisjoint(how.split())
    ]
    return before - _acknowledged(history)


def met(found: list[Gap], begin: float, end: float) -> bool:
    """Whether a call of these times may have met a gap."""
    return any(gap.holds(begin, end) for gap in found)


def _excused(event: Any, found: list[Gap]) -> Any:
    assert isinstance(event, (Change, Append))
    is_excused = event.outcome == ACKNOWLEDGED and _has_ended_in_one(event.end, found)
    return replace(event, outcome=UNKNOWN) if is_excused else event


def _has_ended_in_one(end: float, found: list[Gap]) -> bool:
    return any(gap.begin < end <= gap.end for gap in found)


def _acknowledged(history: History) -> int:
    return sum(each.outcome == ACKNOWLEDGED for each in (*history.changes, *history.appends))
