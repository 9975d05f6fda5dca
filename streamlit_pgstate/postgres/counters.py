"""Counters: what this process has done since it started, as numbers. Does no I/O.

Anything from the database up to the verbs counts here. `state.metrics` reads the counters, and
gives the numbers their names.

Each thread counts in numbers of its own, without a lock. A lock of all threads would be held now
and then by a thread that waits for the interpreter. It could also be asked for twice by one thread:
Python may run a finalizer, and so one of our functions, at any moment. To count takes 0.2 µs this
way, and to time a verb 0.4 µs. The numbers of a thread that has ended are added to those of the
past.
"""

from __future__ import annotations

import threading
import time
import weakref
from bisect import bisect_left
from collections import defaultdict, deque
from dataclasses import dataclass, field
from time import perf_counter
from typing import Final, TypeAlias

from streamlit_pgstate.postgres import fork

Name: TypeAlias = str | tuple[str, ...]
"""What is counted: a word, or a word and what tells its kinds apart. Never a key or an id, as each
name takes memory for as long as the process runs."""

BOUNDS: Final = (
    *(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
"""Upper bounds, in seconds, by which durations are counted. A verb without a round trip is below
the first one, and the last one is the default of `timeout`."""

_SHORT: Final = BOUNDS[0]
"""Most verbs take less, so they are spared the search."""


@dataclass(frozen=True, slots=True)
class Durations:
    """How often something was done, and how long it took."""

    counts: tuple[int, ...] = (0,) * (len(BOUNDS) + 1)
    """How often it took as long as each of `BOUNDS` at most, and longer than the one before. The
    last number counts what took longer than all of them."""
    seconds: float = 0.0
    """All of them together."""

    @property
    def count(self) -> int:
        return sum(self.counts)


@dataclass(frozen=True, slots=True)
class Counted:
    """The numbers of all threads, as of one moment."""

    numbers: dict[Name, int] = field(default_factory=dict)
    durations: dict[Name, Durations] = field(default_factory=dict)


class Numbers:
    """The numbers of one thread. No other thread changes them."""

    __slots__ = ("began", "durations", "is_in_verb", "numbers")

    def __init__(self) -> None:
        self.numbers: defaultdict[Name, int] = defaultdict(int)
        self.durations: dict[Name, list[float]] = {}
        """By name: how often it took how long, as in `Durations`; and last the seconds."""
        self.is_in_verb = False
        """Whether a verb runs. Those that it calls are a part of it."""
        self.began = 0.0
        """When it has begun, by `time.perf_counter`."""

    def end_verb(self, name: Name) -> None:
        """Count the verb that has begun last, whatever has become of it."""
        self.time_of(name, perf_counter() - self.began)
        self.is_in_verb = False

    def time_of(self, name: Name, seconds: float) -> None:
        row = self.durations.get(name)
        if row is None:
            row = self.durations[name] = list(_NO_DURATIONS)
        row[0 if seconds <= _SHORT else bisect_left(BOUNDS, seconds)] += 1
        row[-1] += seconds

    def add(self, other: Numbers) -> None:
        """Add the numbers of another thread, which may go on to count."""
        for name, number in other.numbers.copy().items():
            self.numbers[name] += number
        for name, row in other.durations.copy().items():
            mine = self.durations.get(name, _NO_DURATIONS)
            self.durations[name] = [a + b for a, b in zip(mine, row, strict=True)]


_NO_DURATIONS: Final[list[float]] = [0] * (len(BOUNDS) + 1) + [0.0]


class _End:
    """Is dropped when its thread ends."""

    __slots__ = ("__weakref__",)


class _Threads:
    """The numbers of all threads."""

    def __init__(self) -> None:
        self._begin()
        fork.remember(self)

    def after_fork(self) -> None:
        global _local
        self._begin()
        _local = self.local

    def _begin(self) -> None:
        """Begin at 0: the parent goes on to say what it has done itself."""
        self._lock = threading.RLock()
        """Held to begin a thread and to read. Reentrant: a finalizer may begin one meanwhile."""
        self._living: dict[int, Numbers] = {}
        self._ended: deque[int] = deque()
        """Threads that have ended. Finalizers add to it, and take no lock."""
        self._past = Numbers()
        self.latest: dict[str, float] = {}
        self._next = 0
        self.local = _Local(self)
        """Each thread finds its own numbers here."""
        self.started_at = time.time()
        """When counting began, in seconds since 1970."""

    def begin(self, end: _End) -> Numbers:
        """The numbers of a thread that has just begun to count."""
        numbers = Numbers()
        with self._lock:
            self._add_ended()
            self._next += 1
            self._living[self._next] = numbers
            weakref.finalize(end, self._ended.append, self._next).atexit = False
        return numbers

    def _add_ended(self) -> None:
        while self._ended:
            self._past.add(self._living.pop(self._ended.popleft()))

    def read(self) -> Counted:
        """The numbers of all threads, added up."""
        with self._lock:
            self._add_ended()
            total = Numbers()
            total.add(self._past)
            for numbers in list(self._living.values()):
                total.add(numbers)
        durations = {
            name: Durations(tuple(int(number) for number in row[:-1]), row[-1])
            for name, row in total.durations.items()
        }
        return Counted(dict(total.numbers), durations)


class _Local(threading.local):
    """The numbers of the thread that asks."""

    def __init__(self, threads: _Threads) -> None:  # called in each thread, when it first asks
        self.end = _End()
        self.numbers = threads.begin(self.end)


_threads = _Threads()
_local = _threads.local


def count(name: Name, number: int = 1) -> None:
    """Add to a number."""
    _local.numbers.numbers[name] += number


def time_of(name: Name, seconds: float) -> None:
    """Count that something was done, and how long it took."""
    _local.numbers.time_of(name, seconds)


def note_latest(name: str) -> None:
    """Note that something was done just now."""
    _threads.latest[name] = time.time()


def latest(name: str) -> float | None:
    """When this process did it last, in seconds since 1970; None if it never did."""
    return _threads.latest.get(name)


def begin_verb() -> Numbers | None:
    """Note that a verb begins in this thread. None if it is a part of another one.

    Whoever gets numbers calls their `end_verb`, whatever becomes of the verb.
    """
    numbers = _local.numbers
    if numbers.is_in_verb:
        return None
    numbers.is_in_verb = True
    numbers.began = perf_counter()
    return numbers


def read() -> Counted:
    """The numbers of all threads, added up."""
    return _threads.read()


def started_at() -> float:
    """When this process began to count, in seconds since 1970."""
    return _threads.started_at
