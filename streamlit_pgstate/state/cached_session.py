"""A session as it is read: its entries, through a cache.

Stands between `mapping`, which has Python values, and the tables. `written_session` adds what
changes them.
"""

from __future__ import annotations

import dataclasses
import functools
import threading
import uuid
import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from streamlit_pgstate import codecs
from streamlit_pgstate.codecs import Payload
from streamlit_pgstate.errors import DecodeError, Ending, UnknownToken
from streamlit_pgstate.postgres import counters, fork
from streamlit_pgstate.postgres.bodies import OnProgress
from streamlit_pgstate.postgres.cipher import Large, UnopenedError
from streamlit_pgstate.postgres.rows import Changes, EntryRow, SessionRef, SessionTimes, Write
from streamlit_pgstate.postgres.tables import Tables
from streamlit_pgstate.settings import Settings
from streamlit_pgstate.state.cache import Cache
from streamlit_pgstate.state.handover import Arrival
from streamlit_pgstate.state.kept_values import OF_PROCESS, Name, Wanted, place_of
from streamlit_pgstate.state.progress import Work
from streamlit_pgstate.state.surroundings import Surroundings
from streamlit_pgstate.state.views import Walk

_HIT: Final = ("cache hit", "entries")
_MISS: Final = ("cache miss", "entries")
_BODY_HIT: Final = ("cache hit", "bodies")
_BODY_MISS: Final = ("cache miss", "bodies")


class CachedSession:
    """One session and its cache.

    Safe for threads, and for forked children.

    Args:
        source: the tables; or a handover from another process, which connects when first used.
        ref: which session, and its token.
        surroundings: the callbacks by which it asks its process.
        cache: False loads all entries anew for each read, and for each write but a `delete`, which
            needs none. No large body is kept.
    """

    def __init__(
        self,
        source: Tables | Arrival,
        ref: SessionRef,
        *,
        surroundings: Surroundings,
        cache: bool = True,
    ) -> None:
        self._source = source
        self._ref = ref
        self._keeps = cache
        self.surroundings = surroundings
        self.after_fork()
        fork.remember(self)

    def after_fork(self) -> None:
        """Begin as one that was never used: a thread may have been at work on it."""
        self.lock = threading.RLock()
        """Held around each use of the cache and also while its SQL runs. So a large value that is
        written blocks other threads that use this session. It is not held while `value` reads a
        large value, nor while the function of `modify` runs, nor while the server answers
        `refresh_without_lock`. `version` and `is_stored` are read without it."""
        self._cache = Cache(_weakly(self._let_go))
        self._walk: Walk[EntryRow] = Walk()
        self._is_unread = True
        self.login: bytes | None = None
        """The login under which the session has its token, as of the last read; None for nobody."""
        self.is_replaced = False
        """Whether the token that this session was read with was replaced at that login."""
        self.revived_after: Ending | None = None
        """How a session without a token had ended before this object has begun it anew."""
        self.shape = 0
        """The shape of what is stored, as of the last read; 0 for a session without a row."""

    @property
    def tables(self) -> Tables:
        """The tables; connects where the session came from another process."""
        if isinstance(self._source, Arrival):
            self._source = self._source.connect()
        return self._source

    @property
    def settings(self) -> Settings:
        return self.tables.settings

    @property
    def id(self) -> uuid.UUID:
        return self._ref.id

    @property
    def scope(self) -> str:
        return self._ref.scope

    @property
    def version(self) -> int:
        """The session's version as of the last read or write: see `State.version`."""
        return self._cache.version

    @property
    def is_stored(self) -> bool:
        """Whether the session was known to have a row at the last refresh or write."""
        return self._cache.version > 0

    @property
    def is_begun_anew(self) -> bool:
        """Whether a session without a token has ended before, and was not written since."""
        return (self._ref.epoch or 0) < 0 and not self.value_versions()

    # Entries

    @property
    def decoded(self) -> dict[str, tuple[EntryRow, Any]]:
        """See `Cache.decoded`."""
        return self._cache.decoded

    def at_hand(self, key: str) -> tuple[EntryRow, Any] | None:
        """Return the entry of `key` and its value, where both are known; record that it was read.

        Most gets of a page are of such values. This takes 0.7 µs less than `look_up`, and the
        search in `decoded` that would follow.

        Returns:
            None where `look_up` has to look further, or has more to note.
        """
        cache = self._cache
        with self.lock:
            known = cache.decoded.get(key)
            if (
                known is None
                or known[0] is not cache.entries.get(key)
                or self._is_unread
                or not self._keeps
                or self._walk.is_under_way
                or cache.expires(key)
            ):
                return None
            counters.count(_HIT)
            if accesses := self.surroundings.find_accesses():
                accesses.of(self).read.setdefault(key, cache.value_version(known[0]))
            return known

    def read(self, key: str) -> EntryRow | None:
        """Return the entry of `key`, and record that this run has read it."""
        with self.lock:
            self._load_to_read()
            return self._noted(key)

    def look_up(self, key: str) -> EntryRow | None:
        """As `read`. In a walk, return also an entry that was deleted since the walk began."""
        with self.lock:
            self._load_to_read()
            at_start = self._walk.step(key)
            return self._noted(key) or at_start

    def rows(self) -> list[EntryRow]:
        """Return all entries by key, and record that this run has read their names."""
        with self.lock:
            self._load_to_read()
            rows = self._cache.live_rows()
            accesses = self.surroundings.find_accesses()
            if accesses is not None and (noted := accesses.of(self)).names is None:
                noted.names = frozenset(row.key for row in rows)
            return rows

    def begin_walk(self, rows: Sequence[EntryRow]) -> None:
        """Begin this thread's walk: it looks these up in their order, as `dict(state)` does."""
        self._walk.begin([(row.key, row) for row in rows])

    def end_walk(self) -> None:
        """End this thread's walk."""
        self._walk.end()

    def entry_version(self, key: str) -> int:
        """The version of the entry of `key`, which a renewed ttl raises, too; 0 for no entry."""
        entry = self.read(key)
        return entry.version if entry else 0

    def value_versions(self) -> dict[str, int]:
        """The version that wrote each value. Versions that renewed its ttl alone do not count."""
        with self.lock:
            self.load_if_unread()
            return {row.key: self._cache.value_version(row) for row in self._cache.live_rows()}

    def value(self, key: str, entry: EntryRow, work: Work) -> Any:
        """The value of an entry, the caller's own; of a newer one, where it was replaced meanwhile.

        Raises:
            KeyError: a large value was deleted meanwhile, or has expired.
            DecodeError: it cannot be decoded; or rows of it are missing or changed, or cannot be
                decrypted.
        """
        while True:
            try:
                return self._value(key, entry, work)
            except UnopenedError as fault:
                with self.lock:
                    entry = self._newer(key, entry, fault)

    def _value(self, key: str, entry: EntryRow, work: Work) -> Any:
        """The value of an entry.

        Raises:
            UnopenedError: rows of it are missing or changed, or cannot be decrypted.
        """
        if entry.body is not None or entry.fault is not None or not self._keeps_values:
            return codecs.decode(self._read_payload(entry, work), key=key)
        large = _large(entry)
        wanted = Wanted(
            self._name(large),
            key,
            functools.partial(self._read_large, large),
            work.reach,
            self.settings.cache_bytes,
            self._cache.until(key),
        )
        return OF_PROCESS.value(wanted)

    def payload(self, key: str, entry: EntryRow, work: Work) -> Payload:
        """The encoded value of an entry; of a newer one, where a large value was replaced.

        Raises:
            KeyError: a large value was deleted meanwhile, or has expired.
            DecodeError: rows of it are missing or changed, or cannot be decrypted.
        """
        with self.lock:
            while True:
                try:
                    return self._read_payload(entry, work)
                except UnopenedError as fault:
                    entry = self._newer(key, entry, fault)

    def _newer(self, key: str, entry: EntryRow, fault: UnopenedError) -> EntryRow:
        """The entry that has replaced one whose value cannot be opened.

        Raises:
            KeyError: there is none.
            DecodeError: nobody has replaced it.
        """
        if self._cache.expires(key):
            # The server's clock decides. Ours is late by as long as the answer was under way. A
            # cleanup that deletes an expired body leaves the entry its version, so a refresh would
            # not bring its end.
            self.load()
        else:
            self._refresh_locked()
            if self._has_kept(key, entry):
                self.load()  # a refresh does not bring the end of a key whose name is deleted
        newest = self._cache.live(key)
        if newest is None:
            raise KeyError(key)
        if newest.version != entry.version:
            return newest
        self._cache.doubt([key])  # to set the value again mends it
        raise DecodeError(f"{key!r} (kind {entry.kind!r}) {fault}")

    def _has_kept(self, key: str, entry: EntryRow) -> bool:
        present = self._cache.live(key)
        return present is not None and present.version == entry.version

    def _read_payload(self, row: EntryRow, work: Work) -> Payload:
        """The encoded value of an entry.

        Raises:
            UnopenedError: rows of it are missing or changed, or cannot be decrypted.
        """
        if row.fault is not None:
            raise UnopenedError(row.fault)
        if row.body is not None:
            return Payload(row.kind or "", row.body)
        large = _large(row)
        if not self._keeps_values:
            counters.count(_BODY_MISS)
            return self._read_large(large, work.reach)
        name, until = self._name(large), self._cache.until(row.key)
        kept = OF_PROCESS.body(name, until=until)
        counters.count(_BODY_MISS if kept is None else _BODY_HIT)
        if kept is not None:
            return Payload(large.kind, kept)
        payload = self._read_large(large, work.reach)
        limit = self.settings.cache_bytes
        OF_PROCESS.keep_body(name, payload.body, limit=limit, until=until)
        return payload

    def _read_large(self, large: Large, on_progress: OnProgress) -> Payload:
        return self.tables.bodies.read_to_decode(self._ref, large, on_progress=on_progress)

    # Large values in the memory of this process

    @functools.cached_property
    def _place(self) -> bytes:
        return place_of(self.settings)

    @property
    def _keeps_values(self) -> bool:
        return self._keeps and self.settings.cache_bytes > 0

    def _name(self, large: Large) -> Name:
        return Name(self._place, self.id, large.kind, large.digest)

    def _keep_written(self, write: Write) -> None:
        """Keep the body of a large value that was just stored: its writer mostly reads it next."""
        payload, digest = write.payload, write.digest
        if payload is None or digest is None or not self._keeps_values:
            return
        name = self._name(Large(payload.kind, payload.size, digest))
        limit, until = self.settings.cache_bytes, self._cache.until(write.key)
        OF_PROCESS.keep_body(name, payload.body, limit=limit, until=until)

    def _note_end(self, error: UnknownToken) -> None:
        """Let go all values of a session that has ended; not where a token is refused alone."""
        if error.ended is not None:
            self._let_go()

    def _let_go(self, digest: bytes | None = None) -> None:
        """Let go a large value that this session has no more; without a digest all of them."""
        OF_PROCESS.drop(self._place, self.id, digest)

    def times(self) -> tuple[SessionTimes | None, list[EntryRow]]:
        """When the session was made and seen, and all entries, as of now: two round trips."""
        with self.lock:
            self.refresh()
            return self.tables.sessions.times(self._ref), self._cache.live_rows()

    def work(self, doing: str | Callable[[], str]) -> Work:
        """Work on a value, shown to whoever waits for it."""
        return Work(doing, self.surroundings.find_audience)

    # What the present run has read and written

    def _noted(self, key: str) -> EntryRow | None:
        entry = self._cache.live(key)
        if accesses := self.surroundings.find_accesses():
            accesses.of(self).read.setdefault(key, self._cache.value_version(entry))
        return entry

    def _note_written(self, keys: Iterable[str], version: int, *, deleted: bool = False) -> None:
        if accesses := self.surroundings.find_accesses():
            cache = self._cache
            written = {key: 0 if deleted else cache.value_version(cache.live(key)) for key in keys}
            accesses.of(self).write(written, version)

    @property
    def _is_verified(self) -> bool:
        accesses = self.surroundings.find_accesses()
        return not self._keeps or (accesses is not None and accesses.of(self).is_verified)

    def _note_verified(self) -> None:
        if accesses := self.surroundings.find_accesses():
            accesses.of(self).is_verified = True

    # The cache

    def load_if_unread(self) -> None:
        """Read all entries, if none were read yet, or if nothing is kept between calls."""
        if self._is_unread or not self._keeps:
            self.load()

    def _load_to_read(self) -> None:
        """As `load_if_unread`, for a verb that reads: count whether a round trip was needed."""
        if self._keeps and not self._is_unread:
            counters.count(_HIT)
            return
        counters.count(_MISS)
        self.load()

    def load(self) -> None:
        """Read all entries anew."""
        apply = self._read_all()
        apply()

    def refresh(self) -> None:
        """Read what others have changed since the last refresh: one round trip.

        Raises:
            UnknownToken: the session was forgotten or has expired.
        """
        self._walk.end()
        with self.lock:
            self._refresh_locked()

    def refresh_without_lock(self) -> None:
        """As `refresh`, but no other thread has to wait for the server's answer.

        If this session was used meanwhile, the answer is dropped, and the next call asks again.

        Raises:
            PgStateError: as it is, also in a script; the page does not say so.
        """
        with self.lock:
            ref, cache, steps = self._ref, self._cache, self._cache.steps
        try:
            apply = self._read_changes()
        except UnknownToken:
            if self._ref is not ref:  # it has got another token meanwhile
                return
            raise
        with self.lock:
            if self._cache is cache and cache.steps == steps:
                apply()

    def _refresh_locked(self) -> None:
        apply = self._read_changes()
        apply()

    def _read_changes(self) -> Callable[[], None]:
        """Read what others have changed. The function returned puts it into the cache."""
        breaks = self.tables.breaks
        if not self._keeps or self._cache.must_load(breaks):
            return self._read_all()
        try:
            changes = self.tables.entries.refresh(self._ref, since=self._cache.version)
        except UnknownToken as error:
            self._note_end(error)
            if not self._may_revive:
                raise
            return self._read_all()
        if breaks != self.tables.breaks or not self._cache.is_continued_by(changes):
            return self._read_all()
        return functools.partial(self._apply, changes)

    @property
    def _may_revive(self) -> bool:
        """Whether a session that is found forgotten or expired begins anew, empty.

        A session of scope user or app cannot get another id, so it begins anew under the same one.
        An object that has loaded the former epoch does not revive it; it is refused.
        """
        return self._ref.has_tokenless_scope and self._ref.epoch is None

    def _apply(self, changes: Changes) -> None:
        self._cache.apply(changes)
        self._note_row(changes)
        self._note_verified()

    def _note_row(self, changes: Changes) -> None:
        self.login, self.is_replaced = changes.login, changes.is_replaced
        self.shape = changes.shape
        if self._ref.epoch != changes.epoch:  # at first, and when a row was made meanwhile
            self._ref = dataclasses.replace(self._ref, epoch=changes.epoch)

    def _read_all(self) -> Callable[[], None]:
        """Read all entries. The function returned replaces the cache by them."""
        breaks = self.tables.breaks
        try:
            changes = self.tables.entries.load(self._ref)
        except UnknownToken as error:
            self._note_end(error)
            if not self._may_revive:
                raise
            self.revived_after = error.ended
            self.tables.sessions.empty(self._ref, only_if_dead=True)
            changes = self.tables.entries.load(self._ref)
        return functools.partial(self._begin_with, changes, breaks)

    def _begin_with(self, changes: Changes, breaks: int) -> None:
        self._is_unread = False
        self._cache.begin_with(changes, breaks)
        self._note_row(changes)
        self._note_verified()


def _weakly(method: Callable[[bytes], object]) -> Callable[[bytes], None]:
    """Call a method as long as its object exists.

    So a session is in no circle of references, and what it has read is freed with its last user.
    """
    reference = weakref.WeakMethod(method)

    def call(digest: bytes) -> None:
        if (found := reference()) is not None:
            found(digest)

    return call


def _large(entry: EntryRow) -> Large:
    return Large(entry.kind or "", entry.size, entry.digest or b"")
