"""Kept values: the large values that this process has in memory, for all sessions and threads.

A value is kept under the digest of its content, in its session. So it is never out of date: which
digest a key has now is in the session's entries, which come from the database. A restored backup,
or a server that counts versions anew, has other digests for other values.

A value is kept as a master, of which each caller gets a copy, or as encoded bytes. What was used
longest ago is let go if all would take more memory than the setting ``cache_bytes``.

While one thread reads and decodes a value, others that ask for it wait for that thread. It needs no
lock that they hold.
"""

from __future__ import annotations

import functools
import hashlib
import heapq
import math
import threading
import time
import uuid
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeAlias

from streamlit_pgstate import codecs
from streamlit_pgstate.codecs import Master, Payload
from streamlit_pgstate.postgres import counters, fork
from streamlit_pgstate.postgres.bodies import OnProgress
from streamlit_pgstate.settings import Settings

Read: TypeAlias = Callable[[OnProgress], Payload]
"""Reads an encoded value from the database. Raises if it cannot be read."""

_DECODES_FOR: Final = 10.0
"""Seconds for which a thread waits until another one has decoded a value. Then it reads the value
itself. Decoding may call functions of the user's, and these may wait for what this thread holds."""

_MOST_FAILED: Final = 2
"""For so many failed reads of others a thread waits. Then it reads the value itself. In an outage
it would otherwise wait for the timeouts of all others, one after the other."""

_MOST_OUTDATED: Final = 100
"""So many ends that have moved, or are of values that were let go, may wait for their time."""

_BODY_HIT: Final = ("cache hit", "bodies")
_BODY_MISS: Final = ("cache miss", "bodies")
_VALUE_HIT: Final = ("cache hit", "values")
_VALUE_MISS: Final = ("cache miss", "values")


class Name(NamedTuple):
    """Which value. The digest is that of its content: the same name means the same value."""

    place: bytes
    """Stands for the database, the schema and the encryption keys: see `place_of`."""
    session: uuid.UUID
    kind: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class Wanted:
    """A value that a caller asks for.

    Attributes:
        name: which value.
        key: its key, for errors.
        read: reads it, encoded, from the database.
        on_progress: called with the number of bytes read so far, and the number of all bytes.
        limit: the setting ``cache_bytes``.
        until: when it expires, by `time.monotonic`; infinity for never.
    """

    name: Name
    key: str
    read: Read
    on_progress: OnProgress
    limit: int
    until: float = math.inf


@dataclass(slots=True)
class _Kept:
    """What is kept of one value."""

    source: Master | Payload
    was_decoded: bool
    """Whether it is known that a payload is all there can be: the value has no master."""
    until: float


@dataclass(slots=True)
class _Flight:
    """One thread reads and decodes a value, and others wait for it."""

    thread: int = field(default_factory=threading.get_ident)
    """That which reads it."""
    is_read: threading.Event = field(default_factory=threading.Event)
    is_over: threading.Event = field(default_factory=threading.Event)
    source: Master | Payload | None = None
    """What those who wait make their value of; None as long as there is nothing."""
    is_void: bool = False
    """Whether the value was deleted meanwhile, so that it is not kept."""
    waiting: list[OnProgress] = field(default_factory=list)

    def reach(self, done: int, total: int) -> None:
        """Tell all how many bytes were read."""
        for on_progress in self.waiting:
            on_progress(done, total)

    def wait(self, on_progress: OnProgress) -> Master | Payload | None:
        """Wait for the end. None if the other thread has failed, or decodes for too long."""
        self.waiting.append(on_progress)
        self.is_read.wait()  # it waits for the server within the setting `timeout`
        self.is_over.wait(_DECODES_FOR)
        return self.source

    def end(self) -> None:
        self.is_read.set()
        self.is_over.set()


class KeptValues:
    """The large values that a process keeps. Safe for threads."""

    def __init__(self) -> None:
        self.after_fork()
        fork.remember(self)

    def after_fork(self) -> None:
        """Begin empty: another thread of the parent may have been at work on it."""
        self._lock = threading.RLock()
        """Held for microseconds: never while a value is read, decoded, copied or freed. Reentrant,
        because Python may run a finalizer meanwhile, and that may read a value."""
        self._kept: OrderedDict[Name, _Kept] = OrderedDict()
        """The last used one last."""
        self._of_session: defaultdict[tuple[bytes, uuid.UUID], set[Name]] = defaultdict(set)
        self._flights: dict[Name, _Flight] = {}
        self._ends: list[tuple[float, Name]] = []
        """A heap of when values expire. If that moves, the value is in it once more for a while."""
        self._size = 0

    def clear(self) -> None:
        """Let go everything."""
        with self._lock:
            kept, self._kept = self._kept, OrderedDict()
            self._of_session.clear()
            self._ends.clear()
            self._size = 0
        del kept  # here, without the lock: to free memory takes time

    @property
    def size(self) -> int:
        """How many bytes of memory all kept values take."""
        gone: list[_Kept] = []
        with self._lock:
            self._let_go_expired(gone)
            return self._size

    # Reading

    def value(self, wanted: Wanted) -> Any:
        """Return a value, the caller's own. It is read and decoded once for all who ask for it.

        Raises:
            DecodeError: it cannot be decoded.
            Exception: what `Wanted.read` raises. Others that wait then try it themselves.
        """
        failed = 0
        while True:
            kept, flight = self._look_up(wanted, failed)
            if flight is None:
                source: Master | Payload | None = kept.source if kept else None
            elif flight.thread == threading.get_ident():
                return self._read(wanted, kept, flight)
            else:
                source = flight.wait(wanted.on_progress)
                failed = failed + 1 if flight.is_over.is_set() else _MOST_FAILED
            if source is not None:
                counters.count(_BODY_HIT)
                return _own(source, wanted.key)

    def _look_up(self, wanted: Wanted, failed: int) -> tuple[_Kept | None, _Flight | None]:
        """Find what is kept, and the flight that reads it; a new one of this thread if none does.

        No flight: there is nothing to wait for.
        """
        gone: list[_Kept] = []
        with self._lock:
            kept = self._used(wanted.name, wanted.until, gone)
            if kept is not None and kept.was_decoded:
                return kept, None
            flight = self._flights.get(wanted.name)
            # A function of the user's, which this thread calls to decode the value, asks for it.
            is_own = flight is not None and flight.thread == threading.get_ident()
            if flight is None or is_own or failed == _MOST_FAILED:
                flight = _Flight()
                self._flights.setdefault(wanted.name, flight)
            return kept, flight

    def _read(self, wanted: Wanted, kept: _Kept | None, flight: _Flight) -> Any:
        """Read and decode a value in this thread, and keep it."""
        try:
            payload = kept.source if kept is not None else None
            if isinstance(payload, Payload):
                counters.count(_BODY_HIT)
            else:
                counters.count(_BODY_MISS)
                flight.waiting.append(wanted.on_progress)
                payload = wanted.read(flight.reach)
            flight.is_read.set()
            counters.count(_VALUE_MISS)
            value, flight.source = _decoded(payload, wanted)
            self._keep(wanted.name, _Kept(flight.source, True, wanted.until), wanted.limit, flight)
            return value
        finally:
            with self._lock:
                if self._flights.get(wanted.name) is flight:
                    del self._flights[wanted.name]
            flight.end()

    def body(self, name: Name, *, until: float = math.inf) -> bytes | None:
        """Return the encoded bytes of a value, if they are kept as they are in the database."""
        gone: list[_Kept] = []
        with self._lock:
            kept = self._used(name, until, gone)
        if kept is None or not isinstance(kept.source, Payload) or kept.source.kind != name.kind:
            return None
        return kept.source.body

    # Keeping and letting go

    def keep_body(self, name: Name, body: bytes, *, limit: int, until: float = math.inf) -> None:
        """Keep the encoded bytes of a value that was read or written, if nothing is kept of it."""
        gone: list[_Kept] = []
        with self._lock:
            if self._used(name, until, gone) is not None:
                return
        self._keep(name, _Kept(Payload(name.kind, body), False, until), limit)

    def drop(self, place: bytes, session: uuid.UUID, digest: bytes | None = None) -> None:
        """Let go a value that was deleted or replaced; all values of the session without a digest.

        What is just being read is not kept.
        """
        gone: list[_Kept] = []
        with self._lock:
            names = list(self._of_session.get((place, session), ()))
            gone += [self._let_go(name) for name in names if digest in {None, name.digest}]
            for name, flight in self._flights.items():
                if name[:2] == (place, session) and digest in {None, name.digest}:
                    flight.is_void = True

    def _used(self, name: Name, until: float, gone: list[_Kept]) -> _Kept | None:
        """What is kept of a value, which counts as used now; None for nothing."""
        self._let_go_expired(gone)
        kept = self._kept.get(name)
        if kept is None:
            return None
        self._kept.move_to_end(name)
        if kept.until != until:
            kept.until = until
            self._note_end(name, until)
        return kept

    def _keep(self, name: Name, kept: _Kept, limit: int, flight: _Flight | None = None) -> None:
        size = kept.source.size
        gone: list[_Kept] = []
        with self._lock:
            if size > limit or (flight is not None and flight.is_void):
                return
            if name in self._kept:
                gone.append(self._let_go(name))
            self._kept[name] = kept
            self._of_session[name[:2]].add(name)
            self._size += size
            self._note_end(name, kept.until)
            while self._size > limit:
                gone.append(self._let_go(next(iter(self._kept))))

    def _let_go(self, name: Name) -> _Kept:
        """Keep a value no more. The caller frees its memory, when it holds no lock."""
        kept = self._kept.pop(name)
        self._size -= kept.source.size
        names = self._of_session[name[:2]]
        names.discard(name)
        if not names:
            del self._of_session[name[:2]]
        return kept

    def _note_end(self, name: Name, until: float) -> None:
        if until < math.inf:
            heapq.heappush(self._ends, (until, name))
        if len(self._ends) > 2 * len(self._kept) + _MOST_OUTDATED:
            # Each tab reckons by a clock of its own, so each of its gets may move the end.
            ends = ((kept.until, name) for name, kept in self._kept.items())
            self._ends = sorted(end for end in ends if end[0] < math.inf)

    def _let_go_expired(self, gone: list[_Kept]) -> None:
        while self._ends and self._ends[0][0] <= time.monotonic():
            _, name = heapq.heappop(self._ends)
            kept = self._kept.get(name)
            if kept is not None and kept.until <= time.monotonic():
                gone.append(self._let_go(name))


def _decoded(payload: Payload, wanted: Wanted) -> tuple[Any, Master | Payload]:
    """Decode a value; returns it, and what others make theirs of."""
    if codecs.original_size(payload) > wanted.limit:
        return codecs.decode(payload, key=wanted.key), payload
    original = payload.original
    value, master = codecs.decode_with_master(payload, key=wanted.key)
    if master is not None and master.size <= wanted.limit:
        return value, master
    if payload.kind.startswith("json"):
        # It takes several times as long to parse as to decompress, and shrinks most.
        return value, payload
    payload.original = original  # `decode` has taken it away
    return value, codecs.unpacked(payload, key=wanted.key)


def _own(source: Master | Payload, key: str) -> Any:
    """The value, the caller's own."""
    if isinstance(source, Master):
        counters.count(_VALUE_HIT)
        return source.copy()
    counters.count(_VALUE_MISS)
    return codecs.decode(source, key=key)


@functools.lru_cache(maxsize=64)
def place_of(settings: Settings) -> bytes:
    """What stands for the database, the schema and the keys of these settings in names of values.

    Values are told apart by where they are, although the digest would do: who may write to one
    database must not read by it what another one holds.
    """
    url = settings.url
    parts = (
        str(settings.home) if url is None else url.render_as_string(hide_password=False),
        settings.schema,
        *settings.encryption_key,
    )
    return hashlib.sha256(repr(parts).encode()).digest()


OF_PROCESS: Final = KeptValues()
"""The values that this process keeps."""
