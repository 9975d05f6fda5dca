"""Bodies: the bytes of large values, which lie beside their entries, in the table `body`.

What is too large for one statement is sent ahead of the write that refers to it. `chunks` cuts it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from streamlit_pgstate import codecs
from streamlit_pgstate.codecs import Payload
from streamlit_pgstate.postgres import chunks, counters
from streamlit_pgstate.postgres.access import Access
from streamlit_pgstate.postgres.chunks import IN_ONE_STATEMENT
from streamlit_pgstate.postgres.cipher import Large, LargeBody
from streamlit_pgstate.postgres.cleanup import SENT_BEFORE
from streamlit_pgstate.postgres.rows import SessionRef, Write
from streamlit_pgstate.postgres.writes import Run

OnProgress: TypeAlias = Callable[[int, int], object]
"""Called with the number of bytes transferred so far, and the number of all bytes."""


class Bodies:
    """The bodies of one schema.

    Args:
        access: to their table.
    """

    def __init__(self, access: Access) -> None:
        self._access = access

    def digest(self, ref: SessionRef, payload: Payload) -> bytes:
        """Return the name of a large body in its session: see `Cipher.digest`."""
        return self._access.sealing.cipher_of(ref.id).digest(payload)

    def read(self, ref: SessionRef, large: Large, *, on_progress: OnProgress) -> bytes:
        """Read the bytes of a large value.

        Args:
            ref: the session.
            large: the value. The setting ``timeout`` applies to each MiB of it.
            on_progress: called with the number of bytes read so far, and that of all bytes.

        Raises:
            UnopenedError: rows are missing or changed; perhaps another writer has just replaced
                the value.
        """
        return self._read(ref, large, on_progress=on_progress).body

    def read_to_decode(self, ref: SessionRef, large: Large, *, on_progress: OnProgress) -> Payload:
        """Read a large value. If it is compressed, decompress it while its bytes come.

        The arguments and errors are those of `read`.
        """
        with contextlib.ExitStack() as stack:
            return self._read(ref, large, on_progress=on_progress, unpacked_in=stack)

    def _read(
        self,
        ref: SessionRef,
        large: Large,
        *,
        on_progress: OnProgress,
        unpacked_in: contextlib.ExitStack | None = None,
    ) -> Payload:
        cipher = self._access.sealing.cipher_of(ref.id)
        unpacking: codecs.Unpacking | None = None

        def joined(rows: Iterator[tuple[bytes]]) -> LargeBody:  # again, if the connection broke
            nonlocal unpacking
            if unpacked_in is not None and (unpacking := codecs.unpacking(large.kind)):
                unpacked_in.enter_context(unpacking)
            body = LargeBody(cipher, large, on_opened=unpacking.add if unpacking else None)
            for (data,) in rows:
                on_progress(body.add(data), large.size)
            return body

        parameters = {"id": ref.id, "digest": large.digest}
        statement = self._access.sql["READ_BODY"]
        # Only a whole body that was checked is decoded.
        body = self._access.database.stream(statement, parameters, joined).whole()
        counters.count("bytes read", len(body))
        payload = Payload(large.kind, body)
        payload.original = unpacking.finish() if unpacking else None
        return payload

    def sends_ahead(self, writes: Sequence[Write]) -> bool:
        """Whether the bodies of a write are too large for one statement: see `send_ahead`."""
        return are_too_large(bodies_of(writes))

    def send_ahead(
        self,
        ref: SessionRef,
        writes: Sequence[Write],
        *,
        on_progress: OnProgress,
        creates: bool = False,
    ) -> bool:
        """Store the bodies of an `Entries.write` if they are too large for one statement.

        No lock is held meanwhile. Rows that a crash leaves behind are garbage: no entry refers to
        them.

        Args:
            ref: the session.
            writes: as `write` will get them.
            on_progress: called with the number of bytes sent so far, and the number of all bytes.
            creates: whether the write will create the session's row.

        Returns:
            Whether the bodies are too large for one statement. True also if the session is refused:
            then nothing was stored, and `write` will store nothing.

        Raises:
            LimitExceeded: the write would create one session too many; nothing was stored.
        """
        bodies = bodies_of(writes)
        if not are_too_large(bodies):
            return False
        if creates:
            self._access.check_admission(ref)
        self._access.prepare(writes)
        parameters = {**self._access.parameters.of(ref), "may_create": ref.may_create}
        cipher = self._access.sealing.cipher_of(ref.id)
        sent, total = 0, _total(bodies)
        for batch in chunks.in_batches(chunks.chunks_of(bodies)):
            self._access.run("SEND_BODIES", {**parameters, **chunks.columns(cipher, batch)})
            size = sum(len(chunk.data) for chunk in batch)
            counters.count("bytes written", size)
            sent += size
            on_progress(sent, total)
        return True

    def discard_sent(self, ref: SessionRef, digests: Iterable[bytes]) -> None:
        """Delete bodies of `send_ahead`, unless an entry refers to them. Adds one to the version.

        Args:
            ref: the session.
            digests: of bodies whose write has stored nothing, as far as is known.
        """
        parameters = {"id": ref.id, "digest": sorted(digests)}

        def discard(run: Run) -> None:
            for step in ("LOCK_FOR_SWEEP", "DISCARD_SENT"):
                run(step, parameters)

        self._access.writer.repeat(discard)

    def sweep(self, ref: SessionRef) -> None:
        """Delete all bodies of the session that no entry refers to, and add one to its version.

        A write deletes only the bodies that it replaces, and only if nobody has written since its
        caller's last read.
        """
        parameters = {"id": ref.id, "sent_before": SENT_BEFORE.total_seconds()}
        with self._access.database.transaction() as connection:
            connection.execute(self._access.sql["LOCK_FOR_SWEEP"], parameters)
            connection.execute(self._access.sql["SWEEP"], parameters)


def bodies_of(writes: Iterable[Write]) -> dict[bytes, Payload]:
    """Return the large values by digest: equal values once."""
    found = {write.digest: write.payload for write in writes if write.digest and write.payload}
    return dict(sorted(found.items())) if found else {}  # always this order: no deadlocks


def _total(bodies: Mapping[bytes, Payload]) -> int:
    return sum(payload.size for payload in bodies.values())


def are_too_large(bodies: Mapping[bytes, Payload]) -> bool:
    """Whether the bodies have to be sent ahead of the write."""
    return _total(bodies) > IN_ONE_STATEMENT


def ahead_parameters(bodies: Mapping[bytes, Payload]) -> dict[str, Any]:
    """Return what a write checks of bodies that were sent ahead: how many chunks each has."""
    parts = [chunks.number_of(payload) for payload in bodies.values()]
    return {"ahead_digest": list(bodies), "ahead_parts": parts}
