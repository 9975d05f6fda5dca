"""State: a mapping over one session, with a cache that knows what it has missed.

Sits between the store, which speaks rows, and a script, which speaks Python values. Answers
as of its last refresh plus its own writes; holds encoded bytes, never the caller's objects.
"""

from __future__ import annotations

import functools
import logging
import math
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import (
    Callable,
    ItemsView,
    Iterable,
    Iterator,
    Mapping,
    MutableMapping,
    Sequence,
    ValuesView,
)
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from streamlit_pgstate import codecs
from streamlit_pgstate.codecs import Payload
from streamlit_pgstate.errors import (
    ConfigError,
    DecodeError,
    InvalidKey,
    LimitExceeded,
    PgStateError,
    StoreUnavailable,
    UnknownToken,
    shortened,
)
from streamlit_pgstate.postgres import fork
from streamlit_pgstate.postgres.store import (
    Basis,
    Changes,
    EntryRow,
    SessionRef,
    Store,
    Write,
)
from streamlit_pgstate.postgres.token import Token
from streamlit_pgstate.state import reads
from streamlit_pgstate.state.handover import Handover
from streamlit_pgstate.state.progress import Work
from streamlit_pgstate.state.views import Items, Values, Walk

_LOG = logging.getLogger(__name__)

_WHOLE_AFTER = timedelta(hours=20).total_seconds()
"""A deleted key leaves its row for a day; a cache older than this may have missed one."""

_KEPT_BODY_BYTES = 64 * 2**20
"""Bodies of large values that one state keeps once read: a few frames, not a whole heap."""

_MAX_ATTEMPTS = 100
"""Tries of a write that met other writers; each meeting means that one of them got through."""

_MAX_KEY_LENGTH = 255

_RAISE: Final = object()


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """What is known of a session; times are None until its first write makes a row.

    `durable`: True once the browser is known to keep the token, False where it can't, None
    until it has answered, and outside Streamlit.
    """

    id: uuid.UUID
    app: str
    scope: str
    created_at: datetime | None
    seen_at: datetime | None
    expires_at: datetime | None
    keys: int
    bytes: int
    durable: bool | None = None


class State(MutableMapping[str, Any]):
    """All verbs over one session, as methods and as a mapping. `Store.state` makes one.

    Safe for threads, and forked children. What `get` returns is the caller's own: changing it
    changes nothing stored. Pickled, it holds the session's id and neither URL nor token: where
    it is unpickled it connects, at the first verb, with the settings that it finds there.

    Example:
        >>> state["size"] = 10  # doctest: +SKIP
        >>> state.modify("visits", lambda n: n + 1, default=0)  # doctest: +SKIP
        1
    """

    def __init__(self, store: Store, ref: SessionRef, *, cache: bool = True) -> None:
        self._prepare(store, ref, cache=cache)
        self._load()

    def _prepare(self, store: Store | Handover, ref: SessionRef, *, cache: bool) -> None:
        self._source = store
        self._ref = ref
        self._cached = cache
        self.on_rotate: Callable[[Token], object] = _ignore
        """Called with the new token: whoever keeps the old one has to keep this one."""
        self.durable: bool | None = True if ref.is_known_by_id else None
        """Whether the visitor can come back to it: where the browser keeps the token, or where it
        needs none. None where that is not known."""
        self.identity = object()
        """Tells it from all other states, in what runs have read: see `reads`."""
        self.after_fork()
        fork.remember(self)

    def after_fork(self) -> None:
        """Begin as one that was never used: a thread may have been at work on it."""
        self._lock = threading.RLock()
        self._bodies: OrderedDict[bytes, bytes] = OrderedDict()
        self._walk: Walk[EntryRow] = Walk()
        self._steps = 0
        """Grows with each change of the cache."""
        self._forget_cache()
        self._is_unread = True

    @property
    def _store(self) -> Store:
        if isinstance(self._source, Handover):
            self._source = self._source.connect()
        return self._source

    def __reduce__(self) -> tuple[Callable[..., State], tuple[Handover, bool]]:
        """For a worker: the session, whose row is there from now on, so that it may write."""
        if isinstance(self._source, Handover):
            return _unpickled, (self._source, self._cached)
        with self._lock:
            if not self._version:
                self._load()
            if not self._version:
                self._store.make(self._ref)
                self._load()
            return _unpickled, (Handover.of(self._ref, self._source), self._cached)

    @property
    def id(self) -> uuid.UUID:
        """The session's id: not a secret, and no way in by itself."""
        return self._ref.id

    @property
    def scope(self) -> str:
        """Whose state it is: "browser", "tab", "user" or "app"."""
        return self._ref.scope

    @property
    def is_stored(self) -> bool:
        """Whether the session was known to have a row at the last refresh or write."""
        return self._version > 0

    def __repr__(self) -> str:
        return f"<State of session {self.id}>"

    # Reading

    @shortened
    def get(self, key: str, default: Any = None) -> Any:
        """The value under `key`, the caller's own; `default` where there is none.

        Raises:
            InvalidKey: `key` cannot be a key.
            DecodeError: the row cannot be read by this version; it is left as it is.
        """
        check_key(key)
        with self._lock:
            self._load_if_unread()
            entry = self._read(key)
        if entry is None:
            self._walk.end()
            return default
        try:
            return self._value(key, entry)
        except KeyError:
            return default

    @shortened
    def __getitem__(self, key: str) -> Any:
        check_key(key)
        with self._lock:
            self._load_if_unread()
            at_start = self._walk.step(key)
            entry = self._read(key) or at_start
            if entry is None:
                raise KeyError(key)
        if entry.body is not None:  # as `_value`, which here would cost each look-up a call
            return codecs.decode(Payload(entry.kind or "", entry.body), key=key)
        return self._value(key, entry)

    def _value(self, key: str, entry: EntryRow) -> Any:
        """The value of an entry; of a newer one, where a large value was replaced meanwhile.

        Raises:
            KeyError: a large value was deleted meanwhile.
        """
        if entry.body is not None:
            return codecs.decode(Payload(entry.kind or "", entry.body), key=key)
        with Work(f"Reading {key!r}") as work:
            with self._lock:
                payload = self._payload(key, entry, work)
            return codecs.decode(payload, key=key)

    @property
    def version(self) -> int:
        """Grows with each write of the session; 0 where nothing was ever written."""
        return self._version

    def versions(self) -> dict[str, int]:
        """The version that wrote each value; one that renewed its expiry alone does not count."""
        with self._lock:
            self._load_if_unread()
            rows = ((key, self._live(key)) for key in self._entries)
            return {key: self._value_version(row) for key, row in rows if row}

    def _value_version(self, entry: EntryRow | None) -> int:
        """The version that wrote an entry's value; 0 for none."""
        return self._renewed.get(entry.key, entry.version) if entry else 0

    def version_of(self, key: str) -> int:
        """The session's version that wrote the value under `key`; 0 where there is none."""
        with self._lock:
            self._load_if_unread()
            entry = self._read(key)
            return entry.version if entry else 0

    def __contains__(self, key: object) -> bool:
        with self._lock:
            self._load_if_unread()
            is_there = isinstance(key, str) and self._read(key) is not None
        if not is_there:
            self._walk.end()
        return is_there

    def keys(self) -> list[str]:  # type: ignore[override]  # sorted names, as in DESIGN
        """The names of all keys that hold a value, sorted."""
        rows = self._rows()
        self._walk.begin(rows)
        return [key for key, _ in rows]

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __len__(self) -> int:
        return len(self._rows())

    def items(self) -> ItemsView[str, Any]:
        """All keys with their values, sorted. Each iteration shows those of its beginning.

        It reads one value after the other. A large one that was deleted meanwhile is left out.
        """
        return Items(self, self._pairs)

    def values(self) -> ValuesView[Any]:
        """The values of all keys; as `items`."""
        return Values(self, self._pairs)

    def _pairs(self) -> Iterator[tuple[str, Any]]:
        for key, entry in self._rows():
            with self._lock:
                self._read(key)
            try:
                value = self._value(key, entry)
            except KeyError:
                continue
            yield key, value

    def _rows(self) -> list[tuple[str, EntryRow]]:
        with self._lock:
            self._load_if_unread()
            rows = [(key, row) for key in sorted(self._entries) if (row := self._live(key))]
            self._note_names(key for key, _ in rows)
            return rows

    @shortened
    def session(self) -> SessionInfo:
        """What is known of the session, as of now: two round trips."""
        with self._lock:
            self.refresh()
            times = self._store.times(self._ref)
            live = [entry for entry in map(self._live, self._entries) if entry is not None]
            return SessionInfo(
                id=self.id,
                app=times.app if times else self._store.settings.app,
                scope=times.scope if times else self._ref.scope,
                created_at=times.created_at if times else None,
                seen_at=times.seen_at if times else None,
                expires_at=times.expires_at if times else None,
                keys=len(live),
                bytes=sum(entry.size for entry in live),
                durable=self.durable,
            )

    # Writing

    @shortened
    def set(self, key: str, value: Any, *, ttl: float | timedelta | None = None) -> None:
        """Store `value`; committed when this returns. What is already there is not written.

        Args:
            key: 1 to 255 characters.
            value: see docs/values.md for what can be kept.
            ttl: seconds, or a timedelta, until it is gone, counted anew by each `set`, of the
                same value too; None for never.

        Raises:
            InvalidKey: `key` cannot be a key.
            UnsupportedType: the value holds what cannot be kept exactly.
            LimitExceeded: it is too large; nothing was sent.
        """
        self._store_all({key: value}, ttl=ttl)

    @shortened
    def __setitem__(self, key: str, value: Any) -> None:
        self.set(key, value)

    @shortened
    def update(self, mapping: Mapping[str, Any], /) -> None:  # type: ignore[override]
        """Store all values of `mapping` in one transaction, or none; without a ttl.

        Raises as `set`.
        """
        self._store_all(dict(mapping))

    @shortened
    def modify(self, key: str, fn: Callable[[Any], Any], default: Any = None) -> Any:
        """Replace the value by `fn(value)`, atomically; returns the new value.

        A ttl stays, and is counted anew.

        Args:
            key: as in `set`.
            fn: gets the value, or `default` where there is none; runs again when another
                writer was faster, so it should do nothing but compute.
            default: as in `get`.

        Raises:
            StoreUnavailable: others were faster each time; or the connection broke, so that
                nobody knows whether this change was stored.
        """
        self._walk.end()
        for _ in range(_MAX_ATTEMPTS):
            with self._lock:
                self._load_if_unread()
                entry = self._live(check_key(key))
                if run := reads.present():
                    found = self._value_version(entry)
                    run.of(self.identity).modified.setdefault(key, found)
            with Work(f"Reading {key!r}") as work:
                try:
                    with self._lock:
                        payload = self._payload(key, entry, work) if entry else None
                except KeyError:  # another tab has just deleted it
                    entry = payload = None
                old = default if payload is None else codecs.decode(payload, key=key)
            value = fn(old)
            del old, payload  # large ones need not lie beside the new one while that is saved
            with Work(f"Saving {key!r}") as work:
                new = self._encode(key, value)
                with self._lock:
                    if self._replace(Write(key, new), entry, work):
                        return codecs.decode(new, key=key)
                    if key in self._deadlines:
                        self._load()  # whether it has expired is for the database's clock to say
                    else:
                        self.refresh()
        raise _outrun(
            f"{key!r} was changed by others {_MAX_ATTEMPTS} times while modify() tried. "
            "Spread the writers over several keys."
        )

    def _replace(self, write: Write, entry: EntryRow | None, work: Work) -> bool:
        """Store what modify() made of `entry`; False where that is no longer current."""
        present = self._live(write.key)
        if (present and present.version) != (entry and entry.version):
            return False  # another thread was faster: `_basis` speaks of its entry, not of ours
        write = replace(write, ttl=entry.ttl if entry else None)
        if entry and _is_same(entry, write):
            if write.ttl is None:
                return True
            if write.is_large:
                return self._renew(write, entry)
        self._check_limits([write])
        if self._send_ahead([write], work):
            present = self._live(write.key)
            if (present and present.version) != (entry and entry.version):
                return False
        expected = entry.version if entry else 0
        version = self._store.write(self._ref, [write], self._basis([write.key]), expected=expected)
        if version is not None:
            self._remember([write], version)
        return version is not None

    @shortened
    def delete(self, key: str) -> bool:
        """Delete `key`; whether there was one."""
        check_key(key)
        with self._lock:
            if self._is_unread:
                self._load()
            return self._delete([key]) > 0

    @shortened
    def encode(self, key: str, value: Any) -> Payload:
        """What `set` would store of `value`, for `amend`. Raises as `set`."""
        return self._encode(check_key(key), value)

    @shortened
    def amend(self, payloads: Mapping[str, Payload], deleted: Iterable[str]) -> None:
        """Store what `encode` gave and delete the keys `deleted`, in one statement, or do nothing.

        A key that is in both is stored. A ttl stays, and counts anew where the value is
        another one. Raises as `set`.
        """
        gone = [key for key in dict.fromkeys(map(check_key, deleted)) if key not in payloads]
        with Work(f"Saving {_names(list(payloads))}") as work, self._lock:
            self._load_if_unread()
            held = {key: self._live(key) for key in (*payloads, *gone)}
            writes = [
                Write(key, payload, ttl=entry.ttl if (entry := held[key]) else None)
                for key, payload in payloads.items()
            ]
            writes = [write for write in writes if not _is_same(held[write.key], write)]
            writes += [Write(key, None) for key in gone if held[key]]
            self._write(writes, work)

    @shortened
    def __delitem__(self, key: str) -> None:
        if not self.delete(key):
            raise KeyError(key)

    def pop(self, key: str, default: Any = _RAISE) -> Any:
        """Delete `key` and return its value, to one of all who try; `default` to the others.

        Raises:
            KeyError: there is none, and no `default`.
        """
        try:
            value = self[key]
            del self[key]
        except KeyError:
            if default is _RAISE:
                raise
            return default
        return value

    @shortened
    def clear(self) -> int:  # type: ignore[override]
        """Delete all keys; how many went."""
        with self._lock:
            self.refresh()
            return self._delete(list(self._entries)) if self._entries else 0

    # The session

    @shortened
    def refresh(self) -> None:
        """Take over what others have changed since the last refresh: one round trip.

        Raises:
            UnknownToken: the session was forgotten or has expired.
        """
        self._walk.end()
        with self._lock:
            self._catch_up()

    def catch_up(self) -> None:
        """As `refresh`, beside the script: nobody else has to wait for the answer.

        Where this state was used meanwhile it stays as it is, and the next call brings the rest.

        Raises:
            PgStateError: as it is, also in a script; the page does not say so.
        """
        with self._lock:
            ref, steps = self._ref, self._steps
        try:
            take_over = self._ask()
        except UnknownToken:
            if self._ref is not ref:  # it has got another token meanwhile
                return
            raise
        with self._lock:
            if self._steps == steps:
                take_over()

    @shortened
    def rotate(self) -> str:
        """Give the state a new token and return it; the old one works for two more minutes.

        Raises:
            UnknownToken: this state was opened by its id, without a token.
        """
        with self._lock:
            if self._ref.is_known_by_id:
                raise ConfigError(f"The state of scope {self.scope!r} has no token to rotate.")
            if self.scope == "tab":
                raise ConfigError("The token of a tab is not rotated: no other tab has it.")
            if self._ref.token_hash is None:
                raise UnknownToken(
                    "A state that was opened by its id has no token to rotate. "
                    "Open it with Store.state(token)."
                )
            token = self._store.rotate(self._ref) or self._store.signer.mint()
            self._ref = SessionRef.of(token)
        self.on_rotate(token)
        return token.text

    def follow(self, ref: SessionRef) -> None:
        """Go on under another token of the same session, and refresh.

        Raises:
            UnknownToken: it is not one; nothing has changed.
        """
        with self._lock:
            before, self._ref = self._ref, ref
            try:
                self.refresh()
            except UnknownToken:
                self._ref = before
                raise

    def release(self) -> None:
        """Go on without a token, like a job: nobody will tell this state of a rotated one."""
        if self.is_stored:
            self._ref = SessionRef(self.id, scope=self._ref.scope)

    @shortened
    def forget(self) -> None:
        """Delete all values and the token; nothing can bring them back.

        A user's state has no token: it goes on, empty, on all devices.

        Raises:
            ConfigError: the state is the app's.
        """
        if self.scope == "app":
            raise ConfigError(
                "The state of scope 'app' belongs to all visitors, so none can forget it. "
                "To empty it, call clear()."
            )
        self._forget()

    def discard(self) -> None:
        """The same where nobody has asked for it: should it fail, it expires by itself."""
        try:
            self._forget()
        except PgStateError as error:
            _LOG.debug("What nobody needs any more was not deleted: %s", error)

    def _forget(self) -> None:
        with self._lock:
            self._walk.end()
            if self._ref.is_known_by_id:
                self._store.empty(self._ref)
                self._load()
            else:
                self._store.forget(self._ref)
                self._forget_cache()

    @shortened
    def take_over(self, other: State, *keys: str) -> list[str]:
        """Have the keys of `other` that this state lacks; they are in `other` no more.

        Args:
            other: a state of the same store.
            *keys: which of them; without any, all.

        Returns:
            Their names, sorted.

        Raises:
            LimitExceeded: this state would grow over a limit; nothing was moved.
            UnknownToken: `other` was forgotten or has expired.
        """
        with other._lock, self._lock:
            if self._is_unread:
                self._load()
            other._load_if_unread()
            wanted = [key for key in sorted(other._entries) if not keys or key in keys]
            rows = [row for row in map(other._live, wanted) if row and not self._live(row.key)]
            if not rows:
                return []
            if excess := self._excess({row.key: row.size for row in rows}):
                raise LimitExceeded(
                    f"Taking over {_names([row.key for row in rows])} would make {excess}"
                )
            moved = self._store.move(other._ref, self._ref, [row.key for row in rows])
            other.refresh()
            self.refresh()
            other._note_written(moved, other._version, deleted=True)
            self._note_written(moved, self._version)
            return moved

    # The cache

    def _must_load(self) -> bool:
        return (
            not self._cached
            or self._version == 0
            or self._breaks != self._store.breaks
            or time.monotonic() - self._loaded_at > _WHOLE_AFTER
        )

    def _catch_up(self) -> None:
        self._ask()()

    def _load(self) -> None:
        self._ask_for_all()()

    def _ask(self) -> Callable[[], None]:
        """Ask for what others have changed; what is given takes it over."""
        if self._must_load():
            return self._ask_for_all()
        since, breaks = self._version, self._breaks
        try:
            changes = self._store.refresh(self._ref, since=since, slide=self._due)
        except UnknownToken:
            if not self._ref.is_known_by_id:
                raise
            return self._ask_for_all()
        if changes.version < since or breaks != self._store.breaks:
            return self._ask_for_all()  # the database was set back to an older state, perhaps
        return functools.partial(self._take_over, changes)

    def _ask_for_all(self) -> Callable[[], None]:
        """Ask for all entries; what is given begins anew with them."""
        breaks = self._store.breaks
        try:
            changes = self._store.load(self._ref)
        except UnknownToken:
            if not self._ref.is_known_by_id:
                raise
            self._store.empty(self._ref, only_if_dead=True)
            changes = self._store.load(self._ref)
        return functools.partial(self._begin_with, changes, breaks)

    def _begin_with(self, changes: Changes, breaks: int) -> None:
        before, versions = self._entries, self._renewed
        self._is_unread = False
        self._forget_cache()
        self._loaded_at = time.monotonic()
        self._breaks = breaks
        self._take_over(changes)
        self._renewed.update(
            (key, versions.get(key, row.version))
            for key, row in before.items()
            if key in self._entries and _has_value_of(row, self._entries[key])
        )

    def _take_over(self, changes: Changes) -> None:
        self._steps += 1
        self._version, self._due, entries = changes
        for entry in entries:
            self._put(entry)

    def _put(self, entry: EntryRow) -> None:
        self._steps += 1
        replaced = self._entries.pop(entry.key, None)
        self._size += entry.size - (replaced.size if replaced else 0)
        if replaced and _has_value_of(replaced, entry):
            self._renewed.setdefault(entry.key, replaced.version)
        elif self._renewed:
            self._renewed.pop(entry.key, None)
        if entry.kind is not None:
            self._entries[entry.key] = entry
        if entry.seconds_left is not None:
            self._deadlines[entry.key] = time.monotonic() + entry.seconds_left
        elif self._deadlines:
            self._deadlines.pop(entry.key, None)

    def _forget_cache(self) -> None:
        self._steps += 1
        self._entries: dict[str, EntryRow] = {}
        self._deadlines: dict[str, float] = {}
        """When keys with a ttl expire, by this process's own clock."""
        self._renewed: dict[str, int] = {}
        """The versions that wrote values which were perhaps written again, with another expiry."""
        self._bodies.clear()
        self._size = 0
        """The sizes of all entries added up, for the limit."""
        self._version = 0
        """The session's version up to which everything is known; 0: it has no row yet."""
        self._due = False
        self._breaks = -1
        self._loaded_at = -math.inf

    def _load_if_unread(self) -> None:
        if self._is_unread or not self._cached:
            self._load()

    def _read(self, key: str) -> EntryRow | None:
        """`_live`, and note that the run at hand has read it."""
        entry = self._live(key)
        if run := reads.present():
            run.of(self.identity).read.setdefault(key, self._value_version(entry))
        return entry

    def _note_names(self, names: Iterable[str]) -> None:
        run = reads.present()
        if run is not None and (noted := run.of(self.identity)).names is None:
            noted.names = frozenset(names)

    def _note_written(self, keys: Iterable[str], version: int, *, deleted: bool = False) -> None:
        if run := reads.present():
            live = {key: None if deleted else self._live(key) for key in keys}
            written = {key: self._value_version(entry) for key, entry in live.items()}
            run.of(self.identity).write(written, version)

    def _live(self, key: str) -> EntryRow | None:
        deadline = self._deadlines.get(key)
        if deadline is not None and time.monotonic() >= deadline:
            return None
        return self._entries.get(key)

    def _payload(self, key: str, row: EntryRow, work: Work) -> Payload:
        kind = row.kind or ""
        if row.body is not None:
            return Payload(kind, row.body)
        body = self._large_body(row, work)
        if body is None:
            self._catch_up()  # another writer has replaced it since
            entry = self._live(key)
            if entry is None:
                raise KeyError(key)
            body = entry.body if entry.body is not None else self._large_body(entry, work)
            kind = entry.kind or ""
        if body is None:
            raise DecodeError(
                f"{key!r} (kind {kind!r}) is incomplete: rows are missing in the table `body`. "
                "Restore them from a backup, or delete the key."
            )
        return Payload(kind, body)

    def _large_body(self, row: EntryRow, work: Work) -> bytes | None:
        digest = row.digest or b""
        if digest in self._bodies:
            self._bodies.move_to_end(digest)
            return self._bodies[digest]
        body = self._store.read_body(self._ref, digest, size=row.size, on_progress=work.reach)
        if len(body) != row.size:
            return None
        self._keep_body(digest, body)
        return body

    def _keep_body(self, digest: bytes, body: bytes) -> None:
        if not self._cached or len(body) > _KEPT_BODY_BYTES:
            return
        self._bodies[digest] = body
        while sum(map(len, self._bodies.values())) > _KEPT_BODY_BYTES:
            self._bodies.popitem(last=False)

    # Writes

    def _encode(self, key: str, value: Any) -> Payload:
        return codecs.encode(value, key=key, limit=self._store.settings.max_value_bytes)

    def _store_all(self, values: dict[str, Any], *, ttl: float | timedelta | None = None) -> None:
        for key in values:
            check_key(key)
        seconds = _ttl_seconds(ttl)
        with Work(f"Saving {_names(list(values))}") as work:
            payloads = {key: self._encode(key, value) for key, value in values.items()}
            with self._lock:
                self._load_if_unread()
                writes = [Write(key, payload, seconds) for key, payload in payloads.items()]
                self._write([write for write in writes if self._says_more(write)], work)

    def _says_more(self, write: Write) -> bool:
        """Whether it changes the entry: the value, or when it expires."""
        entry = self._live(write.key)
        held_until = entry.ttl if entry else None
        return not (_is_same(entry, write) and write.ttl is None and held_until is None)

    def _write(self, writes: list[Write], work: Work) -> None:
        self._walk.end()
        if not writes or (len(writes) == 1 and self._renews(writes[0])):
            return
        self._check_limits(writes)
        keys = [write.key for write in writes]
        self._send_ahead(writes, work)
        for _ in range(_MAX_ATTEMPTS):
            version = self._store.write(self._ref, writes, self._basis(keys))
            if version is not None:
                self._remember(writes, version)
                return
            known = self._version
            self.refresh()  # raises where the session is refused: that is the common reason
            if self._version == known:
                # Another tab has dropped the same content meanwhile.
                self._send_ahead(writes, work)
        raise _outrun(
            f"{_names(keys)} could not be written: others wrote to this session "
            f"{_MAX_ATTEMPTS} times meanwhile. Write less often."
        )

    def _renews(self, write: Write) -> bool:
        """Whether the entry held this large value already, so that its expiry alone was set."""
        tried = 0
        while (entry := self._live(write.key)) and entry.version != tried:
            if not write.is_large or not _is_same(entry, write):
                return False
            if self._renew(write, entry):
                return True
            tried = entry.version
            self.refresh()  # where that brings nothing new, it has expired by the database's clock
        return False

    def _renew(self, write: Write, entry: EntryRow) -> bool:
        version = self._store.renew(self._ref, write, expected=entry.version)
        if version is not None:
            self._remember([write], version)
        return version is not None

    def _send_ahead(self, writes: list[Write], work: Work) -> bool:
        """Send what is too large for one statement, then see what others wrote meanwhile."""
        is_sent = self._store.send_ahead(self._ref, writes, on_progress=work.reach)
        if is_sent:
            self.refresh()
        return is_sent

    def _delete(self, keys: list[str]) -> int:
        version, existed = self._store.delete(self._ref, keys, self._basis(keys))
        self._walk.end()
        for key in keys:
            self._put(_row_of(Write(key, None), version))
        self._note_written(keys, version, deleted=True)
        self._reach(version)
        return existed

    def _basis(self, keys: list[str]) -> Basis:
        held = [self._entries[key] for key in keys if key in self._entries]
        dropping = {entry.digest for entry in held if entry.digest is not None}
        return Basis(version=self._version, dropping=dropping)

    def _remember(self, writes: list[Write], version: int) -> None:
        for write in writes:
            self._put(_row_of(write, version))
            self._note_written([write.key], version, deleted=write.payload is None)
            if write.is_large and write.payload:
                self._keep_body(write.payload.digest, write.payload.body)
        self._reach(version)

    def _reach(self, version: int) -> None:
        """Move to our own write's version, if nothing by others lies between.

        Else the cache stays where it is, and the next refresh brings what it missed.
        """
        if version == self._version + 1:
            self._version = version

    def _check_limits(self, writes: list[Write]) -> None:
        """Refuse what would grow the session over a limit, as far as this cache knows."""
        sizes = {write.key: write.payload.size for write in writes if write.payload}
        deleted = [write.key for write in writes if write.payload is None]
        if self._excess(sizes, deleted) and (expired := self._expired()):
            self._delete(expired)
        if excess := self._excess(sizes, deleted):
            names, size = _names(list(sizes)), sum(sizes.values())
            raise LimitExceeded(f"{names} ({size:,} bytes) would make {excess}")

    def _excess(self, sizes: Mapping[str, int], deleted: Sequence[str] = ()) -> str | None:
        """What would be too much with entries of these sizes; None for nothing."""
        settings = self._store.settings
        held = [self._entries[key] for key in (*sizes, *deleted) if key in self._entries]
        more = len(sizes) - len(held)
        count = len(self._entries) + more
        if more > 0 and count > settings.max_keys:
            return (
                f"{count:,} keys in this session, over max_keys ({settings.max_keys:,}). "
                "Delete some, or raise the setting."
            )
        growth = sum(sizes.values()) - sum(row.size for row in held)
        if growth > 0 and self._size + growth > settings.max_session_bytes:
            return (
                f"{self._size + growth:,} bytes in this session, over max_session_bytes "
                f"({settings.max_session_bytes:,}). Delete some keys, or raise the setting."
            )
        return None

    def _expired(self) -> list[str]:
        return [key for key in self._deadlines if self._live(key) is None]


def _ignore(token: Token) -> None:
    """Nobody keeps it but the caller."""


def _unpickled(handover: Handover, cache: bool) -> State:
    state = State.__new__(State)
    state._prepare(handover, handover.ref, cache=cache)
    return state


def _names(keys: list[str]) -> str:
    return ", ".join(map(repr, keys[:3])) + (", …" if len(keys) > 3 else "")


def check_key(key: object) -> str:
    """`key`, if it can be one.

    Raises:
        InvalidKey: says what is wrong with it.
    """
    if not isinstance(key, str):
        raise InvalidKey(f"A key must be text, not {type(key).__name__}: use str(key).")
    if not 1 <= len(key) <= _MAX_KEY_LENGTH:
        raise InvalidKey(
            f"A key must have 1 to {_MAX_KEY_LENGTH} characters; this one has {len(key)}."
        )
    if "\0" in key:
        raise InvalidKey(f"The key {key!r} holds a NUL character, which PostgreSQL refuses.")
    if not key.isascii() and any("\ud800" <= letter <= "\udfff" for letter in key):
        raise InvalidKey(f"The key {key!a} holds half a surrogate pair: it is not text.")
    return str(key)


def _is_same(entry: EntryRow | None, write: Write) -> bool:
    """Whether the entry holds the value; when it expires is another question."""
    payload = write.payload
    if entry is None or payload is None or entry.kind != payload.kind:
        return False
    if entry.body is not None:
        return entry.body == payload.body
    return entry.size == payload.size and entry.digest == payload.digest


def _has_value_of(row: EntryRow, other: EntryRow) -> bool:
    return row[2:6] == other[2:6]  # kind, size, body and digest


def _row_of(write: Write, version: int) -> EntryRow:
    """The row as a refresh would bring it."""
    payload, ttl = write.payload, write.ttl
    if payload is None:
        return EntryRow(write.key, version, None, 0, None, None, None, None)
    body = None if write.is_large else payload.body
    digest = payload.digest if write.is_large else None
    return EntryRow(write.key, version, payload.kind, payload.size, body, digest, ttl, ttl)


def _ttl_seconds(ttl: float | timedelta | None) -> float | None:
    if ttl is None:
        return None
    seconds = ttl.total_seconds() if isinstance(ttl, timedelta) else ttl
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise ConfigError(f"ttl must be seconds or a timedelta, not {type(ttl).__name__}.")
    if not 0 < seconds < 10**10:
        raise ConfigError(
            "ttl must be over 0 seconds (and under 300 years): use delete() to remove a key."
        )
    return float(seconds)


def _outrun(message: str) -> StoreUnavailable:
    """No outage: the database is there, and others were faster each time."""
    error = StoreUnavailable(message)
    error.is_outage = False
    return error
