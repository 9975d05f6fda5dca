"""The cache: the entries of one session, as of its last read and its own writes.

Holds encoded bytes, and of Python values only those that `mapping` puts into `decoded`; no bodies
of large values, which `kept_values` has. It does no I/O and has no lock: `cached_session` reads the
tables, and calls this under the lock of the session.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any, Final

from streamlit_pgstate.postgres import limits
from streamlit_pgstate.postgres.rows import (
    Changes,
    ClockReading,
    EntryRow,
    Reached,
    Snapshot,
    Write,
)
from streamlit_pgstate.settings import Settings
from streamlit_pgstate.state.ahead import Ahead

_WHOLE_AFTER: Final = timedelta(hours=20).total_seconds()
"""A cache that was loaded longer ago is loaded anew. A deleted key leaves a tombstone, from which
caches learn of the deletion. A cleanup deletes tombstones after two days: 20 h are well below."""


def _ignore(digest: bytes) -> None:
    """Nobody keeps bodies."""


class Cache:
    """What is known of the entries of one session.

    Args:
        on_gone: called with the digest of a large value that no entry has any more.
    """

    def __init__(self, on_gone: Callable[[bytes], object] = _ignore) -> None:
        self._on_gone = on_gone
        self.steps = 0
        """Grows with each change of the cache."""
        self._ahead: Ahead | None = None
        """By how much the server's clock is ahead of `time.monotonic`; None before the first read
        of a session with a row."""
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self.steps += 1
        self.entries: dict[str, EntryRow] = {}
        """All current entries by key, those included whose ttl has run out since."""
        self._expiries: dict[str, float] = {}
        """When keys with a ttl expire, by the server's clock; by ours as long as there is no
        `_ahead`."""
        self._by_us: set[str] = set()
        """The keys among these whose expiry was computed from our clock, as we have written them.
        It moves when more is known of the server's clock."""
        self._renewed: dict[str, int] = {}
        """For entries that were written again with the same value, which renews their expiry alone:
        the version that wrote the value."""
        self._uncertain: set[str] = set()
        """Keys whose last write failed, so that nobody knows whether it was stored; and keys whose
        large value was found damaged."""
        self.decoded: dict[str, tuple[EntryRow, Any]] = {}
        """Values by key, beside the entry that they are of, as far as nobody can change them in
        place: a `get` gives the same object again. Of small values only."""
        self._size = 0
        """The sizes of all entries added up."""
        self.version = 0
        """The session's version up to which everything is known; 0: it has no row yet."""
        self.reached = 0
        """The highest version that the session is known to have had."""
        self._breaks = 0
        """`Tables.breaks` before the last read of all entries."""
        self._server = 0.0
        """When the server was started that the last read came from; 0 before the first read of a
        session with a row."""
        self._loaded_at = -math.inf
        self._read_at = math.inf

    # What is there

    @property
    def age(self) -> float:
        """Seconds since the last read; 0 or less before the first."""
        return time.monotonic() - self._read_at

    def live(self, key: str) -> EntryRow | None:
        """The entry of `key`, if there is one that has not expired."""
        expiry = self._expiries.get(key)
        if expiry is not None and self._by_server(time.monotonic()) >= expiry:
            return None
        return self.entries.get(key)

    def holds(self, write: Write) -> bool:
        """Whether the value is known to be stored already, however long its entry still lives."""
        return write.key not in self._uncertain and _is_same(self.live(write.key), write)

    def may_hold(self, key: str) -> bool:
        """Whether there is a value under `key`, as far as is known."""
        return key in self._uncertain or self.live(key) is not None

    def live_rows(self) -> list[EntryRow]:
        """All entries that have not expired, by key."""
        return [row for key in sorted(self.entries) if (row := self.live(key))]

    def expires(self, key: str) -> bool:
        """Whether the entry of `key` has a ttl."""
        return key in self._expiries

    def until(self, key: str) -> float:
        """When the entry of `key` expires, by `time.monotonic`; infinity for never."""
        return self._expiries.get(key, math.inf) - self._by_server(0.0)

    def value_version(self, entry: EntryRow | None) -> int:
        """The version that wrote an entry's value; 0 for no entry.

        A later version that renewed its expiry alone does not count.
        """
        return self._renewed.get(entry.key, entry.version) if entry else 0

    def snapshot(self, keys: Iterable[str]) -> Snapshot:
        """What a write to `keys` is decided upon."""
        held = [self.entries[key] for key in keys if key in self.entries]
        return Snapshot(
            version=self.version,
            reached=Reached(self.reached, self._server),
            digests={entry.digest for entry in held if entry.digest is not None},
            sizes={entry.key: entry.size for entry in held},
            taken_at=time.monotonic(),
        )

    def excess(self, settings: Settings, writes: Sequence[Write]) -> str | None:
        """What these writes would make too much in the session, as far as is known.

        None for nothing. The statement that writes knows.
        """
        held = [self.entries[write.key] for write in writes if write.key in self.entries]
        sizes = [write.payload.size for write in writes if write.payload]
        more_keys = len(sizes) - len(held)
        more_bytes = sum(sizes) - sum(row.size for row in held)
        return limits.excess(
            settings,
            keys=len(self.entries) + more_keys,
            bytes=self._size + more_bytes,
            more_keys=more_keys,
            more_bytes=more_bytes,
        )

    # What a read brings

    def must_load(self, breaks: int) -> bool:
        """Whether all entries are to be read, and not only what changed since `version`.

        Args:
            breaks: `Tables.breaks` now.
        """
        return (
            self.version == 0
            or self._breaks != breaks
            or time.monotonic() - self._loaded_at > _WHOLE_AFTER
        )

    def is_continued_by(self, changes: Changes) -> bool:
        """Whether the changes are the ones since `version`.

        They are not if the database was set back to an older state, or another server has answered.
        It may lack versions that were read from the former one.
        """
        return changes.version >= self.version and self._server in {0.0, changes.server}

    def begin_with(self, changes: Changes, breaks: int) -> None:
        """Forget everything but the uncertain writes, and store all entries of the session.

        Args:
            changes: the entries.
            breaks: `Tables.breaks` before they were read.
        """
        before, versions, uncertain = self.entries, self._renewed, self._uncertain
        self.clear()
        self._loaded_at = time.monotonic()
        self._breaks = breaks
        self.apply(changes)
        self._renewed.update(
            (key, versions.get(key, row.version))
            for key, row in before.items()
            if key in self.entries and _has_value_of(row, self.entries[key])
        )
        # A statement without an answer may be committed after this read.
        self._uncertain = uncertain
        for digest in _digests(before) - _digests(self.entries):
            self._on_gone(digest)

    def apply(self, changes: Changes) -> None:
        """Store the entries that have changed since `version`."""
        self.steps += 1
        self._read_at = time.monotonic()
        self.version = self.reached = changes.version
        self._server = changes.server
        if changes.clock is not None:
            self._note_clock(changes.clock)
        read_at = changes.clock.server_time if changes.clock else 0.0
        for entry in changes.entries:
            self._keep_entry(entry, ttl_from=read_at)

    # What a write brings

    def remember(self, write: Write, version: int, *, sent_at: float) -> None:
        """Store an entry that we wrote in `version`. Does not keep its large body.

        Args:
            write: the write.
            version: the version of the session that it made.
            sent_at: a moment before it was sent, by `time.monotonic`. Its ttl counts from here, so
                that it ends no later than in the database.
        """
        self._keep_entry(_row_of(write, version), ttl_from=self._by_server(sent_at))
        if write.ttl is not None:
            self._by_us.add(write.key)

    def doubt(self, keys: Iterable[str]) -> None:
        """Note that a write of these keys failed, and may have been stored all the same."""
        self.steps += 1
        self._uncertain.update(keys)

    def reach(self, version: int) -> None:
        """Move on to the version of our own write, if no write by others lies between.

        Else the cache stays where it is, and the next refresh brings what it missed.
        """
        self.note_reached(version)
        if version == self.version + 1:
            self.version = version

    def note_reached(self, version: int) -> None:
        """Note that the session has reached a version, which the next refresh reads."""
        self.reached = max(self.reached, version)

    def _by_server(self, moment: float) -> float:
        """A moment of `time.monotonic`, by the server's clock."""
        return moment + (self._ahead.least if self._ahead else 0.0)

    def _note_clock(self, reading: ClockReading) -> None:
        """Compare our clock with the server's, by which values expire."""
        known = self._ahead
        if known is not None and known.learns_nothing_from(reading):
            return
        read = Ahead.of(reading)
        self._ahead = read if known is None else known.within(read) or read
        if known is None:
            more = read.least
        elif known.within(read):
            more = self._ahead.least - known.least
        else:
            return  # the expiries that we have computed hold by the server's clock
        for key in self._by_us:
            self._expiries[key] += more

    def _keep_entry(self, entry: EntryRow, *, ttl_from: float) -> None:
        self.steps += 1
        self._uncertain.discard(entry.key)
        replaced = self.entries.pop(entry.key, None)
        self.decoded.pop(entry.key, None)
        self._size += entry.size - (replaced.size if replaced else 0)
        if replaced and _has_value_of(replaced, entry):
            self._renewed.setdefault(entry.key, replaced.version)
        elif self._renewed:
            self._renewed.pop(entry.key, None)
        if entry.kind is not None:
            self.entries[entry.key] = entry
        if replaced is not None and replaced.digest is not None:
            self._note_gone(replaced.digest)
        if entry.seconds_left is not None:
            self._expiries[entry.key] = ttl_from + entry.seconds_left
        elif self._expiries:
            self._expiries.pop(entry.key, None)
        self._by_us.discard(entry.key)

    def _note_gone(self, digest: bytes) -> None:
        if all(row.digest != digest for row in self.entries.values()):
            self._on_gone(digest)


def _digests(entries: dict[str, EntryRow]) -> set[bytes]:
    return {row.digest for row in entries.values() if row.digest is not None}


def _is_same(entry: EntryRow | None, write: Write) -> bool:
    """Whether the entry holds the value that is to be written, however long it still lives."""
    payload = write.payload
    if entry is None or payload is None or entry.kind != payload.kind or entry.fault is not None:
        return False
    if entry.body is not None:
        return entry.body == payload.body
    return entry.size == payload.size and entry.digest == write.digest


def _has_value_of(row: EntryRow, other: EntryRow) -> bool:
    return row[2:6] == other[2:6]  # kind, size, body and digest


def _row_of(write: Write, version: int) -> EntryRow:
    """The row as a refresh would bring it."""
    payload, ttl, digest = write.payload, write.ttl, write.digest
    if payload is None:
        return EntryRow(write.key, version, None, 0, None, None, None, None)
    body = None if digest is not None else payload.body
    return EntryRow(write.key, version, payload.kind, payload.size, body, digest, ttl, ttl)
