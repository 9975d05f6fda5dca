"""Work that may take long, shown to whoever waits for it: what is done, and how far it is.

The thread that works is busy, so another one looks five times a second whether somebody has
waited for long. Work that ends before costs a microsecond.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Final, Protocol

PATIENCE: Final = 0.8
"""Seconds without a sign: from about one on, people wonder whether anything happens."""

_LOOKS_EVERY: Final = 0.2
_DRAWS_EVERY: Final = 0.1
_RESTS_AFTER: Final = 10.0
"""Seconds without work after which the thread that looks ends."""


class Audience(Protocol):
    """Somebody who waits, and can be shown something; called on a thread of its own."""

    def show(self, text: str, fraction: float) -> None: ...
    def hide(self) -> None: ...


class Work:
    """Work on a value; a context manager around all of it.

    Args:
        doing: what is done: "Saving 'matrix'", for instance.
        find_audience: who waits for the work of the calling thread; None for nobody.
    """

    __slots__ = (
        "_audience",
        "_doing",
        "_done",
        "_drawer",
        "_ended",
        "_find_audience",
        "_since",
        "_total",
    )

    def __init__(self, doing: str, find_audience: Callable[[], Audience | None]) -> None:
        self._doing = doing
        self._find_audience = find_audience
        self._done = self._total = 0

    def reach(self, done: int, total: int) -> None:
        """Say that `done` of `total` bytes have travelled."""
        self._done, self._total = done, total

    def __enter__(self) -> Work:
        self._audience = self._find_audience()
        if self._audience is not None:
            self._since = time.monotonic()
            self._drawer: threading.Thread | None = None
            self._ended: threading.Event | None = None
            _watch.add(self)
        return self

    def __exit__(self, *_: object) -> None:
        if self._audience is None:
            return
        _watch.remove(self)
        if self._drawer is not None and self._ended is not None:
            self._ended.set()
            self._drawer.join()

    @property
    def is_slow(self) -> bool:
        return self._ended is None and time.monotonic() - self._since > PATIENCE

    def show(self) -> None:
        """Show it from now on, until it ends."""
        self._ended = threading.Event()
        self._drawer = threading.Thread(target=self._draw, name="pgstate-progress", daemon=True)
        self._drawer.start()

    def _draw(self) -> None:
        audience, ended, shown = self._audience, self._ended, None
        if audience is None or ended is None:
            return
        # Whatever happens to a picture, the work goes on.
        with contextlib.suppress(Exception):
            while not ended.wait(0 if shown is None else _DRAWS_EVERY):
                if shown != (shown := (self._text(), self._fraction())):
                    audience.show(*shown)
            audience.hide()

    def _text(self) -> str:
        if not self._total:
            return f"{self._doing} …"
        return f"{self._doing}: {self._done >> 20:,} of {-(-self._total >> 20):,} MiB"

    def _fraction(self) -> float:
        return min(1.0, self._done / self._total) if self._total else 0.0


class _Watch:
    """All work of the process that somebody waits for, and the thread that looks at it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._works: set[Work] = set()
        self._thread: threading.Thread | None = None

    def add(self, work: Work) -> None:
        with self._lock:
            self._works.add(work)
            if self._thread is None or not self._thread.is_alive():  # not after a fork
                self._thread = threading.Thread(
                    target=self._look, name="pgstate-progress-watch", daemon=True
                )
                self._thread.start()

    def remove(self, work: Work) -> None:
        """After this nothing begins to show it."""
        with self._lock:
            self._works.discard(work)

    def _look(self) -> None:
        busy = time.monotonic()
        while True:
            time.sleep(_LOOKS_EVERY)
            with self._lock:
                if self._works:
                    busy = time.monotonic()
                elif time.monotonic() - busy > _RESTS_AFTER:
                    self._thread = None
                    return
                for work in self._works:
                    if work.is_slow:
                        work.show()


_watch = _Watch()
