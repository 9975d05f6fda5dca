"""The large values that a process keeps: read and decoded once, whoever asks, within a bound."""

from __future__ import annotations

import math
import os
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pandas as pd
import pytest
from noise import noise

from streamlit_pgstate.codecs import Payload, encode, register
from streamlit_pgstate.postgres import counters
from streamlit_pgstate.settings import Settings
from streamlit_pgstate.state import kept_values
from streamlit_pgstate.state.kept_values import KeptValues, Name, Read, Wanted, place_of

MIB = 2**20
SESSION = uuid.uuid4()
FRAME = pd.DataFrame({"n": range(20_000)})


@pytest.fixture
def kept() -> KeptValues:
    return KeptValues()


def name_of(payload: Payload, session: uuid.UUID = SESSION, place: bytes = b"here") -> Name:
    return Name(place, session, payload.kind, payload.digest)


def wanted(value: object, read: Read | None = None, **more: Any) -> Wanted:
    payload = encode(value, key="k")
    fields = {"on_progress": lambda done, total: None, "limit": 100 * MIB, **more}
    return Wanted(name_of(payload), "k", read or (lambda _: payload), **fields)


def never(_: object) -> Payload:
    raise AssertionError("read once more")


class Decodes:
    """How many values were decoded since."""

    def __init__(self) -> None:
        self._before = self._now()

    def _now(self) -> int:
        return counters.read().numbers.get(("cache miss", "values"), 0)

    @property
    def count(self) -> int:
        return self._now() - self._before


class Held:
    """A read that waits until it is let go. Counts how often it is called."""

    def __init__(self, value: object, *errors: Exception) -> None:
        self.payload = encode(value, key="k")
        self.errors = list(errors)
        self.began, self.goes_on, self.count = threading.Event(), threading.Event(), 0

    def __call__(self, on_progress: Callable[[int, int], object]) -> Payload:
        self.count += 1
        self.began.set()
        assert self.goes_on.wait(30)
        on_progress(self.count, 1)
        if self.errors:
            raise self.errors.pop(0)
        return self.payload


def waiting(kept: KeptValues, number: int) -> None:
    """Wait until so many threads wait for the only flight, beside the one that reads."""
    deadline = time.monotonic() + 30
    while True:
        flights = list(kept._flights.values())
        if flights and len(flights[0].waiting) >= number + 1:
            return
        assert time.monotonic() < deadline
        os.sched_yield()


def test_a_value_is_read_and_decoded_once_and_each_caller_has_its_own(kept: KeptValues) -> None:
    decodes = Decodes()
    first = kept.value(wanted(FRAME))
    first.iloc[0, 0] = 99
    for _ in range(3):
        found = kept.value(wanted(FRAME, never))
        pd.testing.assert_frame_equal(found, FRAME)
        found.iloc[0, 0] = 99
    assert decodes.count == 1


def test_what_has_no_master_is_read_once_and_decoded_for_each(kept: KeptValues) -> None:
    frame = pd.DataFrame({"o": [[1], [2]]})
    decodes = Decodes()
    kept.value(wanted(frame))["o"][0].append(2)
    assert kept.value(wanted(frame, never))["o"][0] == [1]
    assert decodes.count == 2


def test_all_who_ask_at_once_wait_for_one_read_and_one_decoding(kept: KeptValues) -> None:
    read, decodes, told = Held(FRAME), Decodes(), []
    ask = wanted(FRAME, read, on_progress=lambda done, total: told.append((done, total)))
    with ThreadPoolExecutor(20) as threads:
        futures = [threads.submit(kept.value, ask) for _ in range(20)]
        waiting(kept, 19)
        read.goes_on.set()
        found = [future.result(30) for future in futures]
    assert (read.count, decodes.count) == (1, 1)
    assert len({id(frame) for frame in found}) == 20
    assert all(frame.equals(FRAME) for frame in found)
    assert told == [(1, 1)] * 20


def test_so_do_they_where_the_value_is_too_large_to_be_kept(kept: KeptValues) -> None:
    read = Held(FRAME)
    ask = wanted(FRAME, read, limit=1000)
    with ThreadPoolExecutor(5) as threads:
        futures = [threads.submit(kept.value, ask) for _ in range(5)]
        waiting(kept, 4)
        read.goes_on.set()
        assert all(future.result(30).equals(FRAME) for future in futures)
    assert read.count == 1
    assert kept.size == 0


def test_one_that_fails_lets_the_next_one_try(kept: KeptValues) -> None:
    read = Held(FRAME, OSError("gone"))
    with ThreadPoolExecutor(5) as threads:
        futures = [threads.submit(kept.value, wanted(FRAME, read)) for _ in range(5)]
        waiting(kept, 4)
        read.goes_on.set()
        failures = [future.exception(30) for future in futures]
    assert sorted(map(str, failures)) == ["None"] * 4 + ["gone"]
    assert kept._flights == {}


def test_in_an_outage_nobody_waits_for_all_others_in_turn(kept: KeptValues) -> None:
    read = Held(FRAME, *[OSError("gone")] * 20)
    with ThreadPoolExecutor(20) as threads:
        futures: list[Future[object]] = [
            threads.submit(kept.value, wanted(FRAME, read)) for _ in range(20)
        ]
        waiting(kept, 19)
        read.goes_on.set()
        assert all(isinstance(future.exception(30), OSError) for future in futures)
    assert kept._flights == {}


def test_a_function_that_reads_the_same_value_waits_for_nobody(kept: KeptValues) -> None:
    class Inner:
        pass

    depth = []

    def load(_: object) -> object:
        depth.append(1)
        return None if len(depth) > 1 else kept.value(wanted([Inner()]))

    register(Inner, name="of kept values", dump=lambda _: 0, load=load)
    assert kept.value(wanted([Inner()])) == [[None]]


def test_decoding_that_waits_for_a_waiting_thread_ends(
    kept: KeptValues, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_values, "_DECODES_FOR", 0.05)
    lock, decodes = threading.Lock(), threading.Event()

    class Locking:
        pass

    def load(_: object) -> object:
        decodes.set()
        with lock:
            return "loaded"

    register(Locking, name="that locks", dump=lambda _: 0, load=load)
    with ThreadPoolExecutor(1) as threads:
        with lock:
            other = threads.submit(kept.value, wanted([Locking()]))
            assert decodes.wait(30)
            flight = next(iter(kept._flights.values()))
            assert flight.wait(lambda done, total: None) is None  # not for ever
        assert other.result(30) == ["loaded"]


def test_who_has_waited_for_another_to_decode_does_not_wait_once_more(
    kept: KeptValues, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits, goes_on, decodes = [], threading.Event(), threading.Event()
    wait = kept_values._Flight.wait

    def counted(flight: Any, on_progress: Any) -> Any:
        waits.append(flight)
        return wait(flight, on_progress)

    class Slow:
        pass

    def load(_: object) -> object:
        if not decodes.is_set():
            decodes.set()
            assert goes_on.wait(30)
        return "loaded"

    monkeypatch.setattr(kept_values, "_DECODES_FOR", 0.05)
    monkeypatch.setattr(kept_values._Flight, "wait", counted)
    register(Slow, name="that is slow", dump=lambda _: 0, load=load)
    with ThreadPoolExecutor(1) as threads:
        other = threads.submit(kept.value, wanted([Slow()]))
        assert decodes.wait(30)
        assert kept.value(wanted([Slow()])) == ["loaded"]
        assert len(waits) == 1
        goes_on.set()
        assert other.result(30) == ["loaded"]


# --- the bound -----------------------------------------------------------------------------


def test_what_was_used_longest_ago_is_let_go(kept: KeptValues) -> None:
    texts = [letter * MIB for letter in "abc"]
    limit = 2 * MIB + 1000
    for text in texts[:2]:
        kept.value(wanted(text, limit=limit))
    kept.value(wanted(texts[0], never, limit=limit))
    kept.value(wanted(texts[2], limit=limit))
    assert kept.size <= limit
    kept.value(wanted(texts[0], never, limit=limit))
    with pytest.raises(AssertionError, match="read once more"):
        kept.value(wanted(texts[1], never, limit=limit))


def test_what_alone_is_over_the_bound_is_not_kept_and_moves_nothing_out(kept: KeptValues) -> None:
    kept.value(wanted("a" * MIB, limit=2 * MIB))
    size = kept.size
    kept.value(wanted(noise(3 * MIB), limit=2 * MIB))
    assert kept.size == size


def test_a_written_body_is_decoded_when_it_is_first_asked_for(kept: KeptValues) -> None:
    payload = encode(FRAME, key="k")
    kept.keep_body(name_of(payload), payload.body, limit=10 * MIB)
    assert kept.size == payload.size
    assert kept.body(name_of(payload)) == payload.body
    assert kept.value(wanted(FRAME, never)).equals(FRAME)
    assert kept.body(name_of(payload)) is None  # it lies there decoded, and not twice
    kept.keep_body(name_of(payload), payload.body, limit=10 * MIB)
    decodes = Decodes()
    kept.value(wanted(FRAME, never))
    assert decodes.count == 0


# --- what is let go ------------------------------------------------------------------------


def test_what_was_deleted_is_let_go_at_once(kept: KeptValues) -> None:
    for text in ("a" * MIB, "b" * MIB):
        kept.value(wanted(text))
    kept.drop(b"here", SESSION, wanted("a" * MIB).name.digest)
    assert MIB < kept.size < 2 * MIB
    kept.drop(b"here", uuid.uuid4())
    kept.drop(b"there", SESSION)
    assert MIB < kept.size < 2 * MIB
    kept.drop(b"here", SESSION)
    assert kept.size == 0
    assert not kept._of_session


def test_what_is_deleted_while_it_is_read_is_not_kept(kept: KeptValues) -> None:
    read = Held(FRAME)
    with ThreadPoolExecutor(1) as threads:
        future = threads.submit(kept.value, wanted(FRAME, read))
        assert read.began.wait(30)
        kept.drop(b"here", SESSION)
        read.goes_on.set()
        assert future.result(30).equals(FRAME)
    assert kept.size == 0


def test_what_has_expired_is_let_go(kept: KeptValues) -> None:
    now = time.monotonic()
    kept.value(wanted("a" * MIB, until=now - 1))
    assert kept.size == 0
    kept.value(wanted("a" * MIB, until=now + 3600))
    kept.value(wanted("a" * MIB, never, until=math.inf))
    kept._ends[0] = (now - 1, kept._ends[0][1])
    assert kept.size > MIB  # its ttl was lifted


def test_ends_that_move_with_each_get_take_no_memory(kept: KeptValues) -> None:
    """Two tabs of one session reckon by clocks that differ by some microseconds."""
    payload = encode(FRAME, key="k")
    end = time.monotonic() + 3600
    for turn in range(1000):
        kept.value(Wanted(name_of(payload), "k", lambda _: payload, print, MIB, end + turn % 2))
    assert len(kept._ends) < 200
    kept._ends = [(time.monotonic() - 1, name) for _, name in kept._ends]
    kept._kept[name_of(payload)].until = time.monotonic() - 1
    assert kept.size == 0


# --- forks and places ------------------------------------------------------------------------


def test_a_forked_child_begins_empty_and_waits_for_no_thread_of_its_parent() -> None:
    kept, read = KeptValues(), Held(FRAME)
    kept.value(wanted("a" * MIB))
    with ThreadPoolExecutor(1) as threads:
        future = threads.submit(kept.value, wanted(FRAME, read))
        assert read.began.wait(30)
        with kept._lock:
            child = os.fork()
            if child == 0:
                is_right = kept.size == 0 and kept.value(wanted(FRAME)).equals(FRAME)
                os._exit(0 if is_right else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        read.goes_on.set()
        assert future.result(30).equals(FRAME)
    assert kept.size > MIB


def test_places_are_told_apart_by_database_schema_and_keys() -> None:
    key, other = "k" * 43 + "=", "l" * 43 + "="
    given = [
        {"url": "postgresql://localhost/a"},
        {"url": "postgresql://localhost/b"},
        {"url": "postgresql://me@localhost/a"},
        {"url": "postgresql://localhost/a", "schema": "other"},
        {"url": "postgresql://localhost/a", "encryption_key": key},
        {"url": "postgresql://localhost/a", "encryption_key": [key, other]},
        {},
    ]
    places = [place_of(Settings.read(each, environment={})) for each in given]
    assert len(set(places)) == len(given)
    assert place_of(Settings.read({**given[0], "app": "shop"}, environment={})) == places[0]
