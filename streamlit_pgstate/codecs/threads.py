"""Do pieces of work on several threads at once: for `compression`, whose work leaves Python's lock.

The threads end with the call that has started them. Those of a pool would stay, and a forked child
would wait for threads that only its parent has. To start one takes 0.05 ms.
"""

from __future__ import annotations

import contextlib
import os
import queue
import threading
from collections.abc import Callable, Iterable
from typing import Final, Generic, TypeVar

__all__ = ["Helpers", "on_threads"]

_T = TypeVar("_T")
_R = TypeVar("_R")

_MOST: Final = 4
"""Processors that one call uses at most, its own included: other visitors need some, too."""


class Helpers(Generic[_T]):
    """Threads that work on what they are given, while the caller does something else.

    There is one for each processor but the caller's, and at most three. Where none can be started,
    as on a single processor, or at the end of the process, `finish` does all.

    `finish` or `dismiss` has to be called in the end.

    Args:
        work: is called with each item, for several at once.
    """

    def __init__(self, work: Callable[[_T], object]) -> None:
        self._work = work
        self._items: queue.SimpleQueue[tuple[_T] | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._may_start = min(_processors(), _MOST) - 1
        self._failures: list[BaseException] = []

    def give(self, item: _T) -> None:
        """Have `work` called with an item, and return at once."""
        self._items.put((item,))
        if len(self._threads) >= self._may_start:
            return
        thread = threading.Thread(target=self._run, daemon=True)
        try:
            thread.start()
        except RuntimeError:  # no thread can be started
            self._may_start = 0
        else:
            self._threads.append(thread)

    def finish(self) -> None:
        """Take part in the work until all is done.

        Raises:
            BaseException: what `work` has raised first. Items after that one may be left.
        """
        try:
            self._do_what_is_left()
        finally:
            self.dismiss()
        if self._failures:
            raise self._failures[0]

    def dismiss(self) -> None:
        """End the threads. What they have not begun is left."""
        self._drop_all()
        for _ in self._threads:
            self._items.put(None)
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def _run(self) -> None:
        while (item := self._items.get()) is not None:
            self._do(*item)

    def _do_what_is_left(self) -> None:
        with contextlib.suppress(queue.Empty):
            while (item := self._items.get_nowait()) is not None:
                self._do(*item)

    def _do(self, item: _T) -> None:
        if self._failures:
            return
        try:
            self._work(item)
        except BaseException as error:  # noqa: BLE001 - `finish` raises it, in the caller's thread
            self._failures.append(error)

    def _drop_all(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                self._items.get_nowait()


def on_threads(work: Callable[[_T], _R], items: Iterable[_T]) -> list[_R]:
    """Return what `work` makes of each item, in their order. The calling thread takes part.

    Args:
        work: is called for several items at once.
        items: what it is called with.

    Raises:
        BaseException: what `work` has raised first.
    """
    results: dict[int, _R] = {}

    def keep(numbered: tuple[int, _T]) -> None:
        number, item = numbered
        results[number] = work(item)

    helpers = Helpers(keep)
    for numbered in enumerate(items):
        helpers.give(numbered)
    helpers.finish()
    return [results[number] for number in range(len(results))]


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
