"""A TCP port that leads to PostgreSQL, and can be shut: the database is away, for one app alone."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from sqlalchemy.engine import URL, make_url


@dataclass
class _Cut:
    at: Literal["question", "answer"]
    after: int
    then: Callable[[], object]


class Gate:
    """What connects to it, reaches the server of `url` while it is open."""

    def __init__(self, url: str) -> None:
        self._target = make_url(url)
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self._port = probe.getsockname()[1]
        self._lock = threading.Lock()
        self._flows = threading.Event()
        self._flows.set()
        self._answers = threading.Event()
        self._answers.set()
        self._loses_answers = False
        self._cut: _Cut | None = None
        self._listener: socket.socket | None = None
        self._ends: set[socket.socket] = set()
        self._dropped: set[socket.socket] = set()
        self._held: dict[socket.socket, threading.Event] = {}
        self._breaks_answer: Callable[[], bool] = lambda: False
        self._opens_after = 0.0
        self.open()

    @property
    def url(self) -> str:
        """Of the same database, through the gate."""
        through = self._target.set(host="127.0.0.1", port=self._port, query={})
        return through.render_as_string(hide_password=False)

    @property
    def is_open(self) -> bool:
        """Whether new connections are accepted; not so after an answer was lost."""
        return self._listener is not None

    def open(self) -> None:
        if self._listener is None:
            self._listener = socket.create_server(("127.0.0.1", self._port), reuse_port=True)
            threading.Thread(target=self._accept, args=[self._listener], daemon=True).start()

    def shut(self) -> None:
        """Connections break, and new ones are refused."""
        listener, self._listener = self._listener, None
        if listener is not None:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        self.break_connections()

    def break_connections(self) -> None:
        """Connections break. New ones work."""
        with self._lock:
            ends, self._ends = self._ends, set()
        for end in ends:
            _close(end)

    def cut(
        self,
        at: Literal["question", "answer"],
        *,
        after: int = 0,
        then: Callable[[], object] = lambda: None,
    ) -> None:
        """Break all connections once, in place of a question, or of an answer.

        Args:
            at: of which.
            after: how many of them come through before.
            then: is called while the client still waits.
        """
        with self._lock:
            self._cut = _Cut(at, after, then)

    def mend(self) -> bool:
        """Cut no more. Whether the cut was still to come."""
        with self._lock:
            cut, self._cut = self._cut, None
        return cut is not None

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Connections stay, new ones are accepted, and nothing comes through."""
        self._flows.clear()
        try:
            yield
        finally:
            self._flows.set()

    @contextlib.contextmanager
    def muted(self) -> Iterator[None]:
        """What is asked comes through, and no answer does."""
        self._answers.clear()
        try:
            yield
        finally:
            self._answers.set()

    @contextlib.contextmanager
    def losing_answers(self) -> Iterator[None]:
        """What is asked comes through; in place of its answer everything breaks, as by `shut`."""
        self._loses_answers = True
        try:
            yield
        finally:
            self._loses_answers = False
            self.open()

    @contextlib.contextmanager
    def losing_some_answers(
        self, chance: float, *, by: random.Random, opens_after: float
    ) -> Iterator[None]:
        """In place of an answer, now and then, that connection breaks; the others go on.

        Args:
            chance: of each answer, to be lost.
            by: decides.
            opens_after: seconds that a new connection takes meanwhile.
        """
        self._opens_after = opens_after
        self._breaks_answer = lambda: by.random() < chance
        try:
            yield
        finally:
            self._breaks_answer = lambda: False
            self._opens_after = 0.0

    @contextlib.contextmanager
    def holding_present_ones(self) -> Iterator[None]:
        """What the connections of now carry comes through at the end only. New ones work."""
        end = threading.Event()
        with self._lock:
            self._held |= dict.fromkeys(self._ends, end)
        try:
            yield
        finally:
            end.set()

    def drop_silently(self) -> None:
        """The connections of now carry nothing any more, and nobody is told. New ones work."""
        with self._lock:
            self._dropped |= self._ends

    def _due(self, at: Literal["question", "answer"]) -> _Cut | None:
        with self._lock:
            cut = self._cut
            if cut is None or cut.at != at:
                return None
            cut.after -= 1
            if cut.after >= 0:
                return None
            self._cut = None
            return cut

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._join, args=[near], daemon=True).start()

    def _join(self, near: socket.socket) -> None:
        time.sleep(self._opens_after)
        try:
            far = _connected(self._target)
        except OSError:  # the server is away
            _close(near)
            return
        with self._lock:
            self._ends |= {near, far}
        answers = threading.Thread(target=self._carry, args=[far, near, self._answers], daemon=True)
        answers.start()
        self._carry(near, far, self._flows)
        answers.join()
        with self._lock:
            for end in (near, far):
                self._ends.discard(end)
                self._dropped.discard(end)
                self._held.pop(end, None)

    def _carry(self, source: socket.socket, target: socket.socket, flows: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if source in self._dropped:
                    continue
                if end := self._held.get(source):
                    end.wait()
                self._flows.wait()
                flows.wait()
                if cut := self._due("answer" if flows is self._answers else "question"):
                    cut.then()
                    self.break_connections()
                    return
                if self._loses_answers and flows is self._answers:
                    self.shut()
                    return
                if flows is self._answers and self._breaks_answer():
                    break
                target.sendall(data)
        _close(source)
        _close(target)


def _connected(url: URL) -> socket.socket:
    host = str(url.host or url.query.get("host") or "localhost")
    port = url.port or url.query.get("port") or 5432
    if not host.startswith("/"):
        return socket.create_connection((host, int(str(port))))
    far = socket.socket(socket.AF_UNIX)
    far.connect(f"{host}/.s.PGSQL.{port}")
    return far


def _close(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
