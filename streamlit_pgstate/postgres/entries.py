"""Entries: the keys and values of a session, read and written.

Each write is one statement. `Entries.write` chooses the cheapest. The cipher of the session seals
and opens its values here.
"""

from __future__ import annotations

import functools
import math
import time
import uuid
from collections.abc import Iterable, Sequence
from typing import Any, Final

from streamlit_pgstate.errors import Ending, Refusal
from streamlit_pgstate.postgres import chunks, counters
from streamlit_pgstate.postgres.access import Access
from streamlit_pgstate.postgres.bodies import ahead_parameters, are_too_large, bodies_of
from streamlit_pgstate.postgres.cipher import Cipher, UnopenedError
from streamlit_pgstate.postgres.history import TRIES, History, outrun_by_others
from streamlit_pgstate.postgres.limits import HistoryIncomplete, NotAsKnown, SessionFull
from streamlit_pgstate.postgres.rows import (
    Change,
    Changes,
    ClockReading,
    EntryRow,
    SessionRef,
    Snapshot,
    Write,
)
from streamlit_pgstate.postgres.sessions import unknown_session
from streamlit_pgstate.postgres.shapes import Fit, fit, newer
from streamlit_pgstate.postgres.writes import Run

_AFTER_A_FAILED_SLIDE: Final = 60.0
"""Seconds without another try to move a sliding expiry, after one has failed."""


class Entries:
    """The entries of one schema.

    Args:
        access: to their table.
        history: keeps what is written.
    """

    def __init__(self, access: Access, history: History) -> None:
        self._access = access
        self._history = history
        self._slides_after = -math.inf

    def load(self, ref: SessionRef) -> Changes:
        """Read the session and all of its entries, including small bodies.

        Raises:
            UnknownToken: the session was forgotten, has expired, or its token was replaced; or it
                has no row and the token is too old to create one.
        """
        return self._read(ref, since=-1)

    def refresh(self, ref: SessionRef, *, since: int) -> Changes:
        """Read the session and the entries that have changed after version `since`.

        One round trip, by REFRESH. READ follows where that finds no row: where the sliding expiry
        is to move, which is so once an hour; with a token that is not the present one; and where
        the session is refused.

        Args:
            ref: the session.
            since: the version up to which the caller knows everything.

        Raises:
            UnknownToken: as `load`.
            ShapeError: a newer deploy of the app has stored them.
        """
        if time.monotonic() < self._slides_after:  # on a read-only server REFRESH finds none
            return self._read(ref, since=since)
        parameters = self._access.parameters.of(ref)
        asked = time.monotonic()
        rows = self._access.run("REFRESH", {**parameters, "since": since})
        received = time.monotonic()
        if not rows:
            return self._read(ref, since=since)
        version, epoch, shape, login, server, server_time = rows[0][:6]
        is_unchanged = rows[0][6] is None
        self._check_shape(shape, parameters["shape"])
        entries = [] if is_unchanged else self._opened(ref, [row[6:] for row in rows])
        clock = ClockReading(server_time, asked, received)
        return Changes(version, entries, epoch, login, False, clock, server, shape)

    def _read(self, ref: SessionRef, *, since: int) -> Changes:
        """As `refresh`, by READ alone, which serves each session, and says why one is refused."""
        parameters = self._access.parameters.of(ref)
        asked = time.monotonic()
        rows = self._access.run("READ", {**parameters, "since": since})
        received = time.monotonic()
        if not rows:
            # The caller has loaded a row before. Only a cleanup deletes it, two days after the
            # session ended.
            if not ref.may_create or (ref.has_tokenless_scope and ref.epoch):
                raise unknown_session(ref, ended=self._ended_unseen(ref))
            return Changes(0, [])
        _, version, condition, epoch, shape_text, login, _, server, server_time = rows[0]
        if condition == "forgotten":
            raise unknown_session(ref, Refusal.FINAL, ended="forgotten")
        if condition == "replaced at a login":
            raise unknown_session(ref, Refusal.LOGIN)
        if condition == "expired":
            raise unknown_session(ref, ended="expired")
        if condition == "refused":
            raise unknown_session(ref)
        if "pending" in condition and ref.is_presented:
            self._access.note("PRESENT", parameters)
        may_slide = "stale" in condition and time.monotonic() >= self._slides_after
        if may_slide and not self._access.note("SLIDE", parameters):
            self._slides_after = time.monotonic() + _AFTER_A_FAILED_SLIDE
        shape = int(shape_text)
        self._check_shape(shape, parameters["shape"])
        entries = self._opened(ref, rows[1:])
        is_replaced = "replaced" in condition
        clock = ClockReading(server_time, asked, received)
        return Changes(version, entries, epoch, login, is_replaced, clock, server, shape)

    def _opened(self, ref: SessionRef, rows: Sequence[tuple[Any, ...]]) -> list[EntryRow]:
        cipher = self._access.sealing.cipher_of(ref.id)
        entries = [_entry(cipher, row) for row in rows]
        if entries:
            counters.count("bytes read", sum(len(row.body) for row in entries if row.body))
        return entries

    @staticmethod
    def _check_shape(shape: int, known: int | None) -> None:
        if known is not None and fit(shape, known) is Fit.NEWER:
            raise newer(shape, known)

    def _ended_unseen(self, ref: SessionRef) -> Ending | None:
        """How a session has ended, as far as its token tells, if a cleanup has deleted its row.

        A token that is younger than `session_ttl` did not expire: nothing was stored under it, or
        its session was forgotten, or it is in another database.
        """
        return "expired" if ref.is_older_than(self._access.session_ttl) else None

    def rows(self, session_id: uuid.UUID) -> list[dict[str, Any]]:
        """Return the entries of a session as PostgreSQL stores them, for people to look at.

        `value` is the text of small plain values, and None for all others.
        """
        names = ("key", "version", "kind", "size", "changed_at", "expires_at", "value")
        rows = self._access.run("ROWS", {"id": session_id})
        return [dict(zip(names, row, strict=True)) for row in rows]

    def write(
        self,
        ref: SessionRef,
        writes: Sequence[Write],
        snapshot: Snapshot,
        *,
        expected: int | None = None,
        change: Change | None = None,
    ) -> int | None:
        """Store and delete entries, all or none, in one statement. Committed when this returns.

        Bodies that are too large for one statement must be stored already: see `Bodies.send_ahead`.

        Args:
            ref: the session.
            writes: what to write; each key once.
            snapshot: what the caller's cache holds. If it is out of date, nothing is written where
                the session's row is to be created or bodies were sent ahead. Other writes are
                written all the same, and leave replaced bodies behind as garbage.
            expected: the version that the entry of the only write must have, 0 for no entry.
                None: any version.
            change: what the history notes; None for a write that belongs to no run.

        Returns:
            The session's new version. None if nothing was written: the session is refused, the
            snapshot is out of date, or the entry has another version. A `refresh` tells which.

        Raises:
            SessionFull: the session would grow over a limit; nothing was written.
        """
        if len(writes) > 1:
            writes = sorted(writes, key=_key_of)  # always this order: no deadlocks
        self._access.prepare(writes)
        name, parameters = self._statement(ref, writes, snapshot, expected=expected)
        if name is None:
            return None
        creates = name == "CREATE_AND_PUT"
        if creates:
            self._access.admit(ref)
        parameters |= self._access.parameters.of(ref)
        parameters["expected"] = expected
        size = 0 if name == "PUT_AHEAD" else _bytes_of(writes)
        send = functools.partial(
            self._send,
            ref,
            change=change,
            reached=snapshot.reached,
            creates=creates,
            size=size,
        )
        try:
            rows = send(name, parameters)
        except NotAsKnown:
            rows = send("PUT_MANY" if name == "PUT_OVER" else "PUT", parameters)
        except SessionFull as full:
            full.is_first_write = creates
            raise
        if not rows:
            return None
        if "ahead_digest" in parameters:  # the bodies were counted when they were sent
            size = _bytes_of(write for write in writes if not write.digest)
        counters.count("bytes written", size)
        return int(rows[0][0])

    def _statement(
        self, ref: SessionRef, writes: Sequence[Write], snapshot: Snapshot, *, expected: int | None
    ) -> tuple[str | None, dict[str, Any]]:
        """Return the name of the cheapest statement that does it, and its parameters."""
        bodies = bodies_of(writes)
        is_plain = not bodies and not snapshot.digests
        if snapshot.version and is_plain and len(writes) == 1:
            parameters = self._one(ref, writes[0])
            if expected is not None:
                return ("PUT_IF" if expected else "PUT_NEW"), parameters
            has_it = writes[0].key in snapshot.sizes or not self._access.sql.is_distributed
            if snapshot.is_latest and has_it and not self._history.most:
                parameters["old_size"] = snapshot.sizes.get(writes[0].key)
                return "PUT_AS_KNOWN", parameters
            if not self._writes_over(writes, snapshot):
                return "PUT", parameters
        parameters = self._many(ref, writes)
        if snapshot.version and is_plain and expected is None:
            return "PUT_OVER" if self._writes_over(writes, snapshot) else "PUT_MANY", parameters
        parameters |= {
            "known": snapshot.version,
            "old_digest": [digest for digest in snapshot.digests if digest not in bodies],
        }
        if are_too_large(bodies):
            parameters |= ahead_parameters(bodies)
            bodies = {}
        cipher = self._access.sealing.cipher_of(ref.id)
        parameters |= chunks.columns(cipher, chunks.chunks_of(bodies))
        if not snapshot.version:
            return "CREATE_AND_PUT" if ref.may_create else None, parameters
        if "ahead_digest" in parameters:
            return "PUT_AHEAD", parameters
        return "PUT_LARGE" if expected is None else "PUT_LARGE_IF", parameters

    def _writes_over(self, writes: Sequence[Write], snapshot: Snapshot) -> bool:
        """Whether a statement is to be sent that only writes over what is there."""
        if self._history.most or not self._access.sql.is_distributed:
            return False
        return all(write.key in snapshot.sizes for write in writes)

    def upgrade(
        self, ref: SessionRef, writes: Sequence[Write], snapshot: Snapshot, *, old_shape: int
    ) -> int | None:
        """Store what the app's shape makes of all entries, all or nothing, in one statement.

        Args:
            ref: the session.
            writes: the entries that change, each once; without a payload they are deleted. Bodies
                that are too large for one statement must be stored already.
            snapshot: what the new entries were computed from.
            old_shape: the shape that they had.

        Returns:
            The session's new version. None if nothing was written: the session is refused, others
            have written meanwhile, or bodies are missing. A `load` tells which.

        Raises:
            SessionFull: the session would grow over a limit; nothing was written.
        """
        writes = sorted(writes, key=lambda write: write.key)
        self._access.prepare(writes)
        parameters = {**self._access.parameters.of(ref), "known": snapshot.version, "shape": None}
        parameters |= {"old_shape": old_shape}
        name = "UPGRADE_SHAPE"
        if writes:
            bodies = bodies_of(writes)
            parameters |= self._many(ref, writes)
            parameters["old_digest"] = [one for one in snapshot.digests if one not in bodies]
            name = "UPGRADE"
            if are_too_large(bodies):
                parameters |= ahead_parameters(bodies)
                name = "UPGRADE_AHEAD"
            else:
                cipher = self._access.sealing.cipher_of(ref.id)
                parameters |= chunks.columns(cipher, chunks.chunks_of(bodies))
        size = 0 if name == "UPGRADE_AHEAD" else _bytes_of(writes)
        rows = self._access.writer.run(name, parameters, reached=snapshot.reached, size=size)
        return int(rows[0][0]) if rows else None

    def _send(
        self,
        ref: SessionRef,
        name: str,
        parameters: dict[str, Any],
        *,
        change: Change | None,
        **options: Any,
    ) -> list[tuple[Any, ...]]:
        """Send a write; with history, the statement that keeps what it writes."""
        if not self._history.most:
            return self._access.writer.run(name, parameters, **options)
        parameters |= self._history.parameters(change or Change.alone())
        for _ in range(TRIES):
            try:
                rows = self._access.writer.run(f"{name}_WITH_HISTORY", parameters, **options)
            except HistoryIncomplete:
                self._history.complete(ref)
                continue
            # If the answer was lost, there are two columns. A cleanup deletes what may be left.
            for _, _, digests, is_too_large in (row for row in rows if len(row) > 2):
                if digests or is_too_large:
                    self._history.tidy(ref, digests or [], is_too_large=is_too_large)
            return rows
        raise outrun_by_others()

    def renew(
        self,
        ref: SessionRef,
        write: Write,
        snapshot: Snapshot,
        *,
        expected: int,
        change: Change | None = None,
    ) -> int | None:
        """Let the ttl of a large value count from now, if its entry holds the value already.

        Args:
            ref: the session.
            write: the value that the entry holds, with its new ttl.
            snapshot: what the caller's cache holds.
            expected: the version of the entry.
            change: as in `write`.

        Returns:
            The session's new version. None if nothing was written, as `write`.
        """
        parameters = {**self._access.parameters.of(ref), **self._one(ref, write)}
        parameters["expected"] = expected
        change = change or Change.alone()
        rows = self._send(ref, "RENEW", parameters, change=change, reached=snapshot.reached)
        return int(rows[0][0]) if rows else None

    def delete(
        self,
        ref: SessionRef,
        keys: Sequence[str],
        snapshot: Snapshot,
        *,
        change: Change | None = None,
    ) -> tuple[int, int]:
        """Delete entries, all in one statement. Committed when this returns.

        Args:
            ref: the session.
            keys: what to delete.
            snapshot: what the caller's cache holds.
            change: as in `write`.

        Returns:
            The session's new version, and how many of `keys` held a value. (0, 0) if the session
            has no row yet.

        Raises:
            UnknownToken: as `load`; nothing was deleted.
        """
        parameters = {
            **self._access.parameters.of(ref),
            "key": sorted(keys),
            "known": snapshot.version,
            "old_digest": list(snapshot.digests),
        }
        change = change or Change.alone("delete")
        rows = self._send(ref, "DELETE", parameters, change=change, reached=snapshot.reached)
        if rows:
            version, deleted, *_ = rows[0]
            return version, deleted
        if snapshot.version or not ref.may_create:
            self.refresh(ref, since=snapshot.version)  # says so if the shape is newer
            raise unknown_session(ref)
        return 0, 0

    def recount(self, ref: SessionRef) -> int:
        """Delete what has expired in the session, and count anew what it holds.

        Called before a write is refused that comes over a limit: values whose ttl is over count
        until they are deleted, and somebody may have deleted rows by hand.

        Returns:
            The session's version, to which this adds one; 0 if it has no row.
        """
        parameters = {"id": ref.id}

        def recount(run: Run) -> int:
            run("LOCK_FOR_SWEEP", parameters)
            rows = run("RECOUNT", parameters)
            return int(rows[0][0]) if rows else 0

        return self._access.writer.repeat(recount)

    # Rows, as statements take and return them

    def _one(self, ref: SessionRef, write: Write) -> dict[str, Any]:
        cipher = self._access.sealing.cipher_of(ref.id)
        return dict(zip(_COLUMNS, _values(cipher, write), strict=True))

    def _many(self, ref: SessionRef, writes: Iterable[Write]) -> dict[str, Any]:
        cipher = self._access.sealing.cipher_of(ref.id)
        columns = zip(*(_values(cipher, write) for write in writes), strict=True)
        return {name: list(column) for name, column in zip(_COLUMNS, columns, strict=True)}


def _key_of(write: Write) -> str:
    return write.key


def _bytes_of(writes: Iterable[Write]) -> int:
    """How many bytes the values have."""
    return sum([len(write.payload.body) for write in writes if write.payload])


_COLUMNS: Final = ("key", "kind", "size", "text", "body", "digest", "ttl")


def _values(cipher: Cipher, write: Write) -> tuple[Any, ...]:
    """Return one entry as `_COLUMNS`."""
    key, payload = write.key, write.payload
    if payload is None:  # the row becomes a tombstone, as after DELETE
        return key, None, 0, None, None, None, None
    text, body = cipher.seal(key, payload, write.digest)
    return key, payload.kind, payload.size, text, body, write.digest, write.ttl


def _entry(cipher: Cipher, row: tuple[Any, ...]) -> EntryRow:
    """Return a row of READ, opened. What cannot be opened has a fault, and hinders no other."""
    key, version, kind, size, text, body, digest, ttl, seconds_left = row
    if kind is None:
        return EntryRow(key, version, None, size, None, None, None, None)
    try:
        body = cipher.open(key, kind, size, text, body, digest)
    except UnopenedError as found:
        return EntryRow(key, version, kind, size, None, digest, ttl, seconds_left, str(found))
    return EntryRow(key, version, kind, size, body, digest, ttl, seconds_left)
