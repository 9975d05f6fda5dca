"""The threads of one process, which end together: at SIGTERM, or when one of them fails."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor


def ended_by_sigterm() -> threading.Event:
    """An event that SIGTERM sets."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    return stop


def work(tasks: Iterable[Callable[[], object]], stop: threading.Event) -> None:
    """Run each task in a thread of its own, until `stop` is set. Raises what a task has raised."""

    def run(task: Callable[[], object]) -> None:
        try:
            task()
        finally:
            stop.set()

    with ThreadPoolExecutor() as threads:
        running = [threads.submit(run, task) for task in tasks]
    for each in running:
        each.result()
