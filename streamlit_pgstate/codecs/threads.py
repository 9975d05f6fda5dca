"""Do pieces of work on several threads at once: for `compression`, whose work leaves Python's lock.

The threads end with the call. A pool would outlive it, and a forked child would wait for threads of
its parent that it does not have. To start one takes 0.05 ms.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

__all__ = ["on_threads"]

_T = TypeVar("_T")
_R = TypeVar("_R")

_MOST: Final = 4
"""Threads of one call at most, the caller's included: other visitors need processors, too."""


def on_threads(work: Callable[[_T], _R], items: Sequence[_T]) -> list[_R]:
    """Return what `work` makes of each item, in their order.

    The calling thread takes part, so this needs no other thread: where none can be started, as at
    the end of the process, the calling one does all.

    Args:
        work: is called for several items at once.
        items: each is given to `work` once, unless it has failed for another one.

    Raises:
        BaseException: what `work` has raised for the first item that has failed.
    """
    results: list[Any] = [None] * len(items)
    left = deque(enumerate(items))
    failures: list[BaseException] = []

    def do() -> None:
        while True:
            try:
                place, item = left.popleft()
            except IndexError:
                return
            try:
                results[place] = work(item)
            except BaseException as error:  # noqa: BLE001 - the calling thread raises it
                left.clear()
                failures.append(error)

    others = [threading.Thread(target=do) for _ in range(min(_processors(), _MOST, len(items)) - 1)]
    started: list[threading.Thread] = []
    with contextlib.suppress(RuntimeError):
        for thread in others:
            thread.start()
            started.append(thread)
    try:
        do()
    finally:
        left.clear()  # after Ctrl-C, the others end with the item that they are at
        for thread in started:
            thread.join()
    if failures:
        raise failures[0]
    return results


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
