"""A session as it is written: its entries, in as many tries as it takes.

Stands between `mapping`, which has Python values, and the tables. `cached_session` reads; this file
writes, and tries a write again where others wrote meanwhile. `session` has the token and the end.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

from streamlit_pgstate import codecs
from streamlit_pgstate.codecs import Payload
from streamlit_pgstate.errors import LimitExceeded, PgStateError, StoreUnavailable, UnknownToken
from streamlit_pgstate.postgres import limits
from streamlit_pgstate.postgres.faults import NOTHING_STORED, NothingStored, saying
from streamlit_pgstate.postgres.limits import SessionFull
from streamlit_pgstate.postgres.rows import SMALL, Change, EntryRow, Snapshot, Write
from streamlit_pgstate.settings import Settings
from streamlit_pgstate.state.cache import Cache
from streamlit_pgstate.state.cached_session import CachedSession
from streamlit_pgstate.state.key import check_key, named
from streamlit_pgstate.state.progress import Work

_LOG = logging.getLogger(__name__)
_T = TypeVar("_T")

_EXACT_WITHIN: Final = 0.1
"""Seconds. The cache counts the ttl of a value from before it was sent, the database from when it
was stored. If that took longer, the value's true expiry is read."""

_MOST_LEFT: Final = 8
"""Bodies that `modify` leaves until it has stored one. To delete them at once, each time that
another was faster, would make all who write large values look again as often."""

_MOVED: Final = "What was to be moved is stored: {}."

MAX_ATTEMPTS: Final = 100
"""Tries of a write that met other writers. Each meeting means that one of them got through."""


class WrittenSession(CachedSession):
    """One session whose entries are written. Its constructor is that of `CachedSession`."""

    def after_fork(self) -> None:
        super().after_fork()
        self._leaves_bodies = False
        """Whether a write of a large value that lost a race may have left its body behind."""
        self._unreferenced: set[bytes] = set()
        """Digests of bodies that were sent ahead of a write. No entry refers to them, as far as is
        known: the write was not sent yet, has failed, or another one was faster."""

    @contextlib.contextmanager
    def _raising_as_a_verb(self) -> Iterator[None]:
        """Raise errors of this block as a verb raises them. For `amend`, which is no verb."""
        try:
            yield
        except PgStateError as error:
            raise self.surroundings.raised(error) from None

    # Writes

    def encode(self, key: str, value: Any) -> Payload:
        """What a write would store of `value`.

        Raises:
            InvalidKey: `key` cannot be a key.
            UnsupportedType: the value holds what cannot be kept exactly.
            LimitExceeded: it is too large.
        """
        return codecs.encode(value, key=check_key(key), limit=self.settings.max_value_bytes)

    def write_of(self, key: str, payload: Payload, *, ttl: float | None = None) -> Write:
        """A write of an encoded value; its body lies beside its entry where it is large."""
        digest = self.tables.bodies.digest(self._ref, payload) if payload.size > SMALL else None
        return Write(key, payload, ttl, digest)

    def store(self, payloads: Mapping[str, Payload], *, ttl: float | None, work: Work) -> None:
        """Store encoded values: all in one transaction. What is there already is not written.

        Raises:
            LimitExceeded: the session would grow over a limit.
        """
        with self.lock:
            self.load_if_unread()
            writes = [self.write_of(key, payload, ttl=ttl) for key, payload in payloads.items()]
            self._write(self._needed(writes, self._changes_entry), work)

    def bring(self, entries: Mapping[str, tuple[Payload, float | None]]) -> None:
        """Store encoded values that an export held, each with its ttl: all in one transaction.

        No verb calls it, so it turns errors into those of a verb itself.

        Raises:
            LimitExceeded: the session would grow over a limit.
        """
        with (
            self._raising_as_a_verb(),
            NothingStored(),
            self.work(f"Importing {named(list(entries))}") as work,
            self.lock,
        ):
            self.load_if_unread()
            writes = [
                self.write_of(check_key(key), payload, ttl=ttl)
                for key, (payload, ttl) in entries.items()
            ]
            try:
                self._write(self._needed(writes, self._changes_entry), work)
            except KeyboardInterrupt:
                self.discard_sent()
                raise

    def amend(self, payloads: Mapping[str, Payload], deleted: Iterable[str]) -> None:
        """Store what `encode` gave and delete the keys `deleted`, all or none.

        `persist` saves a run by this. Unlike `store`, it also deletes. Each entry keeps its ttl,
        which restarts if the value has changed. No verb calls it, so it turns errors into those of
        a verb itself. It takes one statement. Bodies over 4 MiB are sent ahead.

        A key that is in both is stored.

        Raises:
            LimitExceeded: the session would grow over a limit.
        """
        gone = [key for key in dict.fromkeys(map(check_key, deleted)) if key not in payloads]
        with (
            self._raising_as_a_verb(),
            NothingStored(),
            self.work(f"Saving {named(list(payloads))}") as work,
            self.lock,
        ):
            self.load_if_unread()
            held = {key: self._cache.live(key) for key in payloads}
            writes = [
                self.write_of(key, payload, ttl=entry.ttl if (entry := held[key]) else None)
                for key, payload in payloads.items()
            ]
            writes = self._needed(writes, lambda write: not self._cache.holds(write))
            writes += [Write(key, None) for key in gone if self._cache.may_hold(key)]
            self._write(writes, work, operation="persist")

    def delete(self, keys: Sequence[str]) -> int:
        """Delete entries in one statement; how many held a value."""
        with self.lock:
            if self._is_unread:
                self.load()
            return self._delete(keys)

    def delete_all(self) -> int:
        """Delete all entries; how many held a value."""
        with self.lock:
            self.refresh()
            return self._delete(list(self._cache.entries)) if self._cache.entries else 0

    def _delete(self, keys: Sequence[str]) -> int:
        with self._doubting(keys):
            snapshot = self._cache.snapshot(keys)
            version, existed = self.tables.entries.delete(
                self._ref, keys, snapshot, change=self.change("delete")
            )
        self._walk.end()
        for key in keys:
            self._cache.remember(Write(key, None), version, sent_at=snapshot.taken_at)
        self._note_written(keys, version, deleted=True)
        self._cache.reach(version)
        if snapshot.digests:
            self._sweep_if_others_wrote(snapshot.version, version)
        return existed

    def _sweep_if_others_wrote(self, known: int, version: int) -> None:
        """Delete the bodies that a write has replaced and could not delete itself.

        Others had written since the last read, so their entries might have referred to these
        bodies. If it fails, the next cleanup deletes them. The write is stored in either case.
        """
        if not known or (version == known + 1 and not self._leaves_bodies):
            return
        if self.settings.history and not self._leaves_bodies:
            return  # the history refers to what was replaced
        self._leaves_bodies = False
        if self._sweep():
            with contextlib.suppress(PgStateError):
                self._refresh_locked()

    def _sweep(self) -> bool:
        """Delete bodies that nothing refers to. Return False if that failed."""
        try:
            self.tables.bodies.sweep(self._ref)
        except PgStateError as error:
            _LOG.debug("Bodies were left to the next cleanup: %s", error)
            return False
        return True

    def _doubting(self, keys: Sequence[str]) -> _Doubting:
        """Around a write: if it fails, nobody knows whether it was stored.

        The answer may be lost after the commit. So the next `set` of the former value must be sent,
        not skipped.
        """
        return _Doubting(self._cache, keys)

    def _needed(self, writes: list[Write], changes: Callable[[Write], bool]) -> list[Write]:
        """Return the writes that change something, as of a read of the present run.

        A job has no runs, and its cache may be of any age: it asks before it skips a write.
        """
        needed = list(filter(changes, writes))
        if len(needed) == len(writes) or self._is_verified:
            return needed
        self._refresh_locked()
        return list(filter(changes, writes))

    def _changes_entry(self, write: Write) -> bool:
        """Whether it changes the entry: the value, or when it expires."""
        if write.ttl is not None or not self._cache.holds(write):
            return True
        entry = self._cache.live(write.key)
        return entry is None or entry.ttl is not None

    def change(self, operation: str) -> Change | None:
        """What the history notes of a write of this thread; None where none is kept."""
        if not self.settings.history:
            return None
        accesses = self.surroundings.find_accesses()
        return Change(operation, accesses.number) if accesses else Change.alone(operation)

    def _write(self, writes: list[Write], work: Work, *, operation: str = "set") -> None:
        self._walk.end()
        if writes and self._cache.age > self.tables.expiry_moves_every:
            self._refresh_locked()  # a write does not move the expiry, only a read does
        if not writes or (len(writes) == 1 and writes[0].digest and self._try_to_renew(writes[0])):
            return
        keys = [write.key for write in writes]
        self._send_ahead(writes, work)
        within_limits = WithinLimits(self, writes)
        for _ in range(MAX_ATTEMPTS):
            version, snapshot = within_limits.run(lambda: self._send_write(writes, operation))
            if version is not None:
                self._remember(writes, version, snapshot)
                if snapshot.digests or any(write.digest for write in writes):
                    self._sweep_if_others_wrote(snapshot.version, version)
                self._discard_left()
                return
            known = self._cache.version
            with _after_refusal():  # mostly the session is refused, and this raises
                self.refresh()
            if self._cache.version == known:
                # The version is unchanged, so only bodies that were sent ahead can be missing, as
                # another tab has replaced the same content: send them again.
                self._send_ahead(writes, work)
        raise outrun(
            f"{named(keys)} could not be written: others wrote to this session "
            f"{MAX_ATTEMPTS} times meanwhile. Write less often."
        )

    def _send_write(
        self, writes: list[Write], operation: str, *, expected: int | None = None
    ) -> tuple[int | None, Snapshot]:
        """Send a write. Return the version that it made, and the snapshot that it was based on."""
        keys = [write.key for write in writes]
        snapshot = self._cache.snapshot(keys)
        with self._doubting(keys):
            version = self.tables.entries.write(
                self._ref, writes, snapshot, expected=expected, change=self.change(operation)
            )
        return version, snapshot

    def _try_to_renew(self, write: Write) -> bool:
        """Renew the expiry if the entry holds this large value already. Return whether it did."""
        tried = 0
        while (entry := self._cache.live(write.key)) and entry.version != tried:
            if not self._cache.holds(write):
                return False
            if self._renew(write, entry):
                return True
            tried = entry.version
            with _after_refusal():
                self.refresh()  # if it brings nothing new, the database's clock says it has expired
        return False

    def _renew(self, write: Write, entry: EntryRow) -> bool:
        with self._doubting([write.key]):
            snapshot = self._cache.snapshot([write.key])
            version = self.tables.entries.renew(
                self._ref, write, snapshot, expected=entry.version, change=self.change("set")
            )
        if version is not None:
            self._remember([write], version, snapshot)
        return version is not None

    def _send_ahead(self, writes: list[Write], work: Work) -> bool:
        """Send what is too large for one statement, then see what others wrote meanwhile."""
        if not self.tables.bodies.sends_ahead(writes):
            return False
        self._refuse_before_sending(writes)
        self._unreferenced.update(write.digest for write in writes if write.digest)
        is_sent = self.tables.bodies.send_ahead(
            self._ref,
            writes,
            on_progress=work.reach,
            creates=not self._cache.version,
        )
        if is_sent:
            try:
                self.refresh()
            except UnknownToken:  # forgotten while the bodies were on their way: they are left
                self._sweep()
                raise
        return is_sent

    def _remember(self, writes: list[Write], version: int, snapshot: Snapshot) -> None:
        for write in writes:
            self._cache.remember(write, version, sent_at=snapshot.taken_at)
            self._keep_written(write)
            self._note_written([write.key], version, deleted=write.payload is None)
        if self._unreferenced:
            self._unreferenced.difference_update(write.digest for write in writes if write.digest)
        has_waited = time.monotonic() - snapshot.taken_at > _EXACT_WITHIN
        if has_waited and any(write.ttl is not None for write in writes):
            self._cache.note_reached(version)
            with contextlib.suppress(PgStateError):  # then the next refresh does it
                self._refresh_locked()
        else:
            self._cache.reach(version)

    # Limits: the statement that writes compares, so that no number of writers passes one

    def make_room(self, writes: Sequence[Write]) -> None:
        """Delete what has expired, and count anew what the session holds."""
        self._cache.note_reached(self.tables.entries.recount(self._ref))
        if self.tables.bodies.sends_ahead(writes):  # such a write needs to know the version
            self._refresh_locked()

    def _refuse_before_sending(self, writes: list[Write]) -> None:
        """Refuse large bodies before they are sent, where they would be refused afterwards.

        The cache may be out of date: the database is asked before anything is refused.
        """
        if self._cache.excess(self.settings, writes) is None:
            return
        self.tables.entries.recount(self._ref)
        self.load()
        if excess := self._cache.excess(self.settings, writes):
            raise _refused(_described(writes), excess)

    def discard_sent(self) -> None:
        """Delete bodies that were sent ahead of writes that have stored nothing.

        No limit counts them. If it fails, the next write that is stored tries it again, and the
        cleanup deletes them an hour later.
        """
        if not self._unreferenced:
            return
        try:
            self.tables.bodies.discard_sent(self._ref, self._unreferenced)
        except PgStateError as error:
            _LOG.debug("Bodies were left to the next write, or to the cleanup: %s", error)
        else:
            self._unreferenced.clear()

    def _discard_left(self) -> None:
        """Delete what earlier writes have left. This adds one to the version."""
        if self._unreferenced:
            self.discard_sent()
            with contextlib.suppress(PgStateError):
                self._refresh_locked()

    # A change that depends on the value

    def begin_modify(self, key: str) -> EntryRow | None:
        """The entry that a change of the value of `key` starts from."""
        with self.lock:
            self.load_if_unread()
            entry = self._cache.live(key)
            if accesses := self.surroundings.find_accesses():
                accesses.of(self).modified.setdefault(key, self._cache.value_version(entry))
            return entry

    def replace(
        self,
        key: str,
        payload: Payload,
        entry: EntryRow | None,
        work: Work,
        *,
        operation: str = "modify",
    ) -> bool:
        """Store a value that was computed from `entry`. Return False if the key has another entry.

        The value gets the ttl of `entry`. If others have written other keys meanwhile, it tries
        again. After False the cache is up to date, so the caller may compute the value again from
        the present entry.
        """
        with self.lock:
            write = self.write_of(key, payload, ttl=entry.ttl if entry else None)
            within_limits = WithinLimits(self, [write])
            for _ in range(MAX_ATTEMPTS):
                known = self._cache.version
                if self._replace(write, entry, work, within_limits, operation):
                    return True
                with _after_refusal():
                    if not self._cache.expires(key):
                        self.refresh()
                    if self._cache.expires(key) or self._cache.version == known:
                        self.load()  # it has expired by the database's clock, or its row is gone
                if not self._is_current(key, entry):
                    return False
            return False

    def _replace(
        self,
        write: Write,
        entry: EntryRow | None,
        work: Work,
        within_limits: WithinLimits,
        operation: str,
    ) -> bool:
        if not self._is_current(write.key, entry):
            return False  # another thread was faster: the snapshot would have its entry, not ours
        if entry and self._cache.holds(write):
            if write.ttl is None:
                self._refresh_locked()  # never against the cache alone
                return self._is_current(write.key, entry)
            if write.digest is not None:
                return self._renew(write, entry)
        if self._send_ahead([write], work) and not self._is_current(write.key, entry):
            return False
        expected = entry.version if entry else 0
        version, snapshot = within_limits.run(
            lambda: self._send_write([write], operation, expected=expected)
        )
        if version is not None:
            self._remember([write], version, snapshot)
            if snapshot.digests or write.digest:
                self._sweep_if_others_wrote(snapshot.version, version)
        elif write.digest:
            self._leaves_bodies = True
        if version is not None or len(self._unreferenced) >= _MOST_LEFT:
            self._discard_left()
        return version is not None

    def _is_current(self, key: str, entry: EntryRow | None) -> bool:
        present = self._cache.live(key)
        return (present and present.version) == (entry and entry.version)

    # Entries of another session

    def take_over(self, other: WrittenSession, keys: Sequence[str]) -> list[str]:
        """Move the entries of `other` that this session lacks.

        Args:
            other: a session of the same tables.
            keys: which of them; all keys if none is named.

        Returns:
            Their keys, sorted.

        Raises:
            LimitExceeded: this session would grow over a limit; nothing was moved.
            UnknownToken: `other` was forgotten or has expired.
        """
        # Always in this order: two sessions may take over from each other at once.
        first, second = sorted((self, other), key=lambda session: (session.id.int, id(session)))
        with first.lock, second.lock:
            with NothingStored():
                moved = self._moved(other, keys)
            if not moved:
                return []
            try:
                other.refresh()
                self.refresh()
            except StoreUnavailable as error:
                raise saying(error, _MOVED.format(named(moved))) from None
            other._note_written(moved, other.version, deleted=True)
            self._note_written(moved, self.version)
            return moved

    def _moved(self, other: WrittenSession, keys: Sequence[str]) -> list[str]:
        if self._is_unread:
            self.load()
        other.load_if_unread()
        names = [
            row.key
            for row in other._cache.live_rows()
            if (not keys or row.key in keys) and not self._cache.live(row.key)
        ]
        if not names:
            return []
        within_limits = WithinLimits(self, [], what=named(names))
        try:
            return within_limits.run(lambda: self.tables.moves.move(other._ref, self._ref, names))
        except UnknownToken:
            for session in (other, self):  # say so if a newer deploy has upgraded one meanwhile
                session.refresh()
            raise


class WithinLimits:
    """A write, in as many tries as it takes. Makes room, once, before the write is refused.

    Args:
        session: where it goes.
        writes: what is written.
        what: what a message calls it, by default the keys and their size.
    """

    __slots__ = ("_has_made_room", "_session", "_what", "_writes")

    def __init__(
        self, session: WrittenSession, writes: Sequence[Write], *, what: str | None = None
    ) -> None:
        self._session = session
        self._writes = writes
        self._what = what
        self._has_made_room = False

    def run(self, write: Callable[[], _T]) -> _T:
        """Try it.

        Raises:
            LimitExceeded: the session would grow over a limit; nothing was stored.
        """
        while True:
            try:
                return write()
            except SessionFull as full:
                if self._has_made_room or full.is_first_write:
                    raise self._refused(full) from None
            self._has_made_room = True
            self._session.make_room(self._writes)

    def _refused(self, full: SessionFull) -> LimitExceeded:
        self._session.discard_sent()
        excess = limits.said(self._session.settings, full.limit, full.held)
        return _refused(self._what or _described(self._writes), excess)


class _Doubting:
    """A block with a write. A generator would take 1 µs longer."""

    __slots__ = ("_cache", "_keys")

    def __init__(self, cache: Cache, keys: Sequence[str]) -> None:
        self._cache = cache
        self._keys = keys

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        # Ctrl-C, too. A write that was refused has certainly stored nothing.
        if error is not None and not isinstance(error, SessionFull):
            self._cache.doubt(self._keys)


@contextlib.contextmanager
def _after_refusal() -> Iterator[None]:
    """Around a read that follows a write which has changed nothing: its refusal says so."""
    try:
        yield
    except UnknownToken as error:
        error.args = (f"{error} {NOTHING_STORED}",)
        raise


def _described(writes: Sequence[Write]) -> str:
    sizes = {write.key: write.payload.size for write in writes if write.payload}
    return f"{named(list(sizes))} ({sum(sizes.values()):,} bytes)"


def too_large(settings: Settings, writes: Sequence[Write], full: SessionFull) -> LimitExceeded:
    """The error that refuses writes which come over a limit of the session."""
    return _refused(_described(writes), limits.said(settings, full.limit, full.held))


def _refused(what: str, excess: str) -> LimitExceeded:
    return LimitExceeded(f"With {what} {excess}")


def outrun(message: str) -> StoreUnavailable:
    """No outage: the database is there, and others were faster each time."""
    error = StoreUnavailable(message)
    error.is_outage = False
    return error
