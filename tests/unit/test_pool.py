"""Who gets which connection, and who is next: without a server."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from types import FrameType

import pytest

from streamlit_pgstate.postgres.pool import Exhausted, Pool

LATER = 30.0


def soon() -> float:
    return time.monotonic() + LATER


def await_queue(pool: Pool[str], waiting: int) -> None:
    until = soon()
    while pool.waiting != waiting:
        assert time.monotonic() < until
        time.sleep(0.001)


class Waiter:
    """A thread that waits for a place, and notes what it got."""

    def __init__(self, pool: Pool[str], got: list[object], name: str) -> None:
        def wait() -> None:
            got.append((name, pool.take(soon())))

        already = pool.waiting
        self.thread = threading.Thread(target=wait)
        self.thread.start()
        await_queue(pool, already + 1)


def test_the_connection_that_was_used_last_is_used_first_so_that_others_become_spare() -> None:
    pool: Pool[str] = Pool(3)
    assert [pool.take(soon()) for _ in range(3)] == [None] * 3
    for name in ("one", "two", "three"):
        pool.give_back(name)
    assert (pool.taken, pool.idle) == (0, 3)
    assert [pool.take(soon()) for _ in range(2)] == ["three", "two"]
    assert pool.another() == "one"
    assert pool.another() is None


def test_a_place_without_its_connection_is_one_for_a_new_connection() -> None:
    pool: Pool[str] = Pool(1)
    pool.take(soon())
    pool.give_back(None)
    assert (pool.taken, pool.idle) == (0, 0)
    assert pool.take(soon()) is None


def test_whoever_has_waited_longest_is_next_and_nobody_passes_the_queue() -> None:
    pool: Pool[str] = Pool(1)
    pool.take(soon())
    got: list[object] = []
    waiters = [Waiter(pool, got, name) for name in ("first", "second", "third")]
    pool.give_back("one")
    with pytest.raises(Exhausted):  # it comes just then, and others have waited
        pool.take(until=0.0)
    waiters[0].thread.join(LATER)
    pool.give_back(None)  # it was closed: the next one opens another
    waiters[1].thread.join(LATER)
    pool.give_back("two")
    waiters[2].thread.join(LATER)
    assert got == [("first", "one"), ("second", None), ("third", "two")]
    pool.give_back("two")
    assert (pool.taken, pool.idle, pool.waiting) == (0, 1, 0)


def test_whoever_has_waited_long_enough_leaves_the_queue() -> None:
    pool: Pool[str] = Pool(1)
    pool.take(soon())
    with pytest.raises(Exhausted):
        pool.take(time.monotonic() + 0.01)
    assert pool.waiting == 0
    pool.give_back("one")
    assert pool.take(until=0.0) == "one"


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no such signals on Windows")
def test_ctrl_c_in_the_queue_loses_no_place() -> None:
    pool: Pool[str] = Pool(1)
    pool.take(soon())

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    former = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        with pytest.raises(KeyboardInterrupt):
            pool.take(soon())
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)
    pool.give_back("one")
    assert (pool.taken, pool.idle, pool.waiting) == (0, 1, 0)


def test_ten_threads_never_hold_more_than_three_and_share_them_evenly() -> None:
    pool: Pool[str] = Pool(3)
    turns, held, most, lock = [0] * 10, 0, 0, threading.Lock()
    begun, ends = threading.Barrier(11), threading.Event()

    def work(number: int) -> None:
        nonlocal held, most
        begun.wait()
        while not ends.is_set():
            connection = pool.take(soon())
            with lock:
                held += 1
                most = max(most, held)
            time.sleep(0.0002)  # as a statement: others run meanwhile
            with lock:
                held -= 1
            pool.give_back(connection or "new")
            turns[number] += 1

    threads = [threading.Thread(target=work, args=[number]) for number in range(10)]
    for thread in threads:
        thread.start()
    begun.wait()
    while sum(turns) < 1000:
        time.sleep(0.001)
    ends.set()
    for thread in threads:
        thread.join()
    assert most == 3
    assert min(turns) > max(turns) / 2
    assert (pool.taken, pool.waiting) == (0, 0)
    assert pool.idle <= 3


@pytest.mark.parametrize(
    ("is_spare", "left"),
    [(lambda _: True, 0), (lambda _: False, 3), (lambda name: name < "three", 2)],
)
def test_idle_connections_that_are_spare_are_taken_out(
    is_spare: Callable[[str], bool], left: int
) -> None:
    pool: Pool[str] = Pool(3)
    names = ["one", "three", "two"]
    for _ in names:
        pool.take(soon())
    for name in names:
        pool.give_back(name)
    found = pool.remove(is_spare)
    assert len(found) == 3 - left
    assert pool.idle == left
    assert not {pool.another() for _ in range(left)} & set(found)


def test_a_finalizer_or_a_signal_handler_may_use_the_pool_that_its_own_thread_is_changing() -> None:
    pool: Pool[str] = Pool(2)
    pool.take(soon())
    pool.give_back("one")

    def uses_it(name: str) -> bool:
        pool.give_back(pool.take(soon()))
        return True

    removing = threading.Thread(target=pool.remove, args=(uses_it,), daemon=True)
    removing.start()
    removing.join(LATER / 10)
    assert not removing.is_alive()
    assert (pool.taken, pool.idle) == (0, 0)
