"""The counters: nothing that a thread has counted is lost, and a forked child begins at 0."""

from __future__ import annotations

import os
import threading
import uuid

import pytest

from streamlit_pgstate.postgres import counters
from streamlit_pgstate.postgres.counters import BOUNDS, Durations


@pytest.fixture
def name() -> str:
    """Of something that no other test counts."""
    return f"test {uuid.uuid4()}"


def counted(name: str) -> int:
    return counters.read().numbers.get(name, 0)


def test_what_was_never_counted_is_not_there(name: str) -> None:
    assert name not in counters.read().numbers


def test_threads_that_have_ended_and_that_live_are_added_up(name: str) -> None:
    goes_on, has_counted = threading.Event(), threading.Barrier(4)

    def count() -> None:
        for _ in range(10_000):
            counters.count(name)

    def count_and_stay() -> None:
        count()
        has_counted.wait()
        goes_on.wait()

    ended = [threading.Thread(target=count) for _ in range(20)]
    living = [threading.Thread(target=count_and_stay) for _ in range(3)]
    for thread in (*ended, *living):
        thread.start()
    for thread in ended:
        thread.join()
    has_counted.wait()
    try:
        counters.count(name, 5)
        assert counted(name) == 230_005
    finally:
        goes_on.set()
    for thread in living:
        thread.join()
    assert counted(name) == 230_005


def test_threads_that_have_ended_leave_one_set_of_numbers_behind(name: str) -> None:
    for _ in range(50):
        thread = threading.Thread(target=counters.count, args=[name])
        thread.start()
        thread.join()
    assert counted(name) == 50
    living = {thread.ident for thread in threading.enumerate()}
    assert len(counters._threads._living) <= len(living) + 1


def test_a_reader_disturbs_no_writer(name: str) -> None:
    ends = threading.Event()

    def count() -> None:
        for number in range(20_000):
            counters.count((name, str(number % 100)))  # new names, while others read
            counters.time_of(name, 0.001)
        ends.set()

    thread = threading.Thread(target=count)
    thread.start()
    while not ends.is_set():
        counters.read()
    thread.join()
    found = counters.read()
    assert sum(found.numbers[name, str(number)] for number in range(100)) == 20_000
    assert found.durations[name].count == 20_000


def test_a_duration_counts_below_the_first_bound_that_it_does_not_exceed(name: str) -> None:
    for seconds in (0.0, BOUNDS[0], BOUNDS[0] * 1.01, BOUNDS[-1], BOUNDS[-1] * 2):
        counters.time_of(name, seconds)
    found = counters.read().durations[name]
    assert (found.counts[0], found.counts[1], found.counts[-2], found.counts[-1]) == (2, 1, 1, 1)
    assert found.count == 5
    assert found.seconds == pytest.approx(0.0005 + 0.000505 + 30)


def test_a_verb_that_another_one_calls_is_a_part_of_it() -> None:
    outer = counters.begin_verb()
    assert outer is not None
    assert counters.begin_verb() is None
    verb = ("verb", f"test {uuid.uuid4()}")
    outer.end_verb(verb)
    assert counters.read().durations[verb].count == 1
    after = counters.begin_verb()
    assert after is not None
    after.end_verb(verb)


def test_a_forked_child_begins_at_0_and_its_parent_goes_on(name: str) -> None:
    counters.count(name)
    child = os.fork()
    if not child:
        has_begun_anew = counted(name) == 0
        counters.count(name, 2)
        os._exit(0 if has_begun_anew and counted(name) == 2 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert counted(name) == 1


def test_nothing_is_no_duration() -> None:
    assert (Durations().count, Durations().seconds) == (0, 0.0)
