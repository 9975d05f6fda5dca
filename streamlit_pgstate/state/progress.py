"""The progress of work that may take long, shown to the person who waits for it.

The working thread is busy. A second thread checks five times a second whether some work has taken
longer than `PATIENCE`, and starts a third one that draws its progress. Work that ends sooner costs
a microsecond.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Final, Protocol

PATIENCE: Final = 0.8
"""Seconds before progress is shown. After about one second people wonder if anything happens."""

_CHECKS_EVERY: Final = 0.2
_DRAWS_EVERY: Final = 0.1
_RESTS_AFTER: Final = 10.0
"""Seconds without work after which the checking thread ends."""


class Audience(Protocol):
    """A person who waits. The methods are called on a thread of their own."""

    def show(self, text: str, fraction: float) -> None: ...
    def hide(self) -> None: ...


class Work:
    """Work on one value. Use it as a context manager around the work.

    Args:
        doing: what the person is told, such as "Saving 'matrix'"; or what makes that text, which
            is asked only if the work takes long.
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

    def __init__(
        self, doing: str | Callable[[], str], find_audience: Callable[[], Audience | None]
    ) -> None:
        self._doing = doing
        self._find_audience = find_audience
        self._done = self._total = 0

    def reach(self, done: int, total: int) -> None:
        """Note that `done` of `total` bytes were transferred."""
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
        """Show the progress from now on, until the work ends."""
        self._ended = threading.Event()
        self._drawer = threading.Thread(target=self._draw, name="pgstate-progress", daemon=True)
        self._drawer.start()

    def _draw(self) -> None:
        audience, ended, shown = self._audience, self._ended, None
        if audience is None or ended is None:
            return
        # An error while drawing must not fail the work.
        with contextlib.suppress(Exception):
            while not ended.wait(0 if shown is None else _DRAWS_EVERY):
                if shown != (shown := (self._text(), self._fraction())):
                    audience.show(*shown)
            audience.hide()

    def _text(self) -> str:
        doing = self._doing if isinstance(self._doing, str) else self._doing()
        if not self._total:
            return f"{doing} …"
        return f"{doing}: {self._done >> 20:,} of {-(-self._total >> 20):,} MiB"

    def _fraction(self) -> float:
        return min(1.0, self._done / self._total) if self._total else 0.0


class _Watch:
    """All work of this process that somebody waits for, and the thread that checks it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._works: set[Work] = set()
        self._thread: threading.Thread | None = None

    def add(self, work: Work) -> None:
        with self._lock:
            self._works.add(work)
            if self._thread is None or not self._thread.is_alive():  # not after a fork
                self._thread = threading.Thread(
                    target=self._check, name="pgstate-progress-watch", daemon=True
                )
                self._thread.start()

    def remove(self, work: Work) -> None:
        """Check this work no more. Nothing starts to show it after this call."""
        with self._lock:
            self._works.discard(work)

    def _check(self) -> None:
        busy = time.monotonic()
        while True:
            time.sleep(_CHECKS_EVERY)  # a value on its way gives no event that says «slow»
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
