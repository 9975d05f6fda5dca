"""Resealing: opens what a session holds, and seals it anew, for another session or by another key.

The statements run one after the other on one connection; whoever opens it decides whether they are
one transaction.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias

from streamlit_pgstate.codecs import Payload
from streamlit_pgstate.postgres import chunks
from streamlit_pgstate.postgres.cipher import Cipher, Large, LargeBody, UnopenedError

Run: TypeAlias = Callable[[str, Mapping[str, Any]], list[tuple[Any, ...]]]
"""Runs a statement by its name, with its parameters, and returns its rows."""


class Home(NamedTuple):
    """A session, and the cipher of its values."""

    id: uuid.UUID
    cipher: Cipher


class Sealed(NamedTuple):
    """Some entries of a session, sealed anew, as the parameters of a statement."""

    key: list[str]
    body: list[bytes | None]
    digest: list[bytes | None]
    of_version: list[int]
    """The version that each value has, where several of a key are stored."""


class _Sent(NamedTuple):
    digest: bytes
    parts: int


class Resealing:
    """Seals values anew that are stored in one home, for another.

    Args:
        run: runs the statements.
        source: where the values are.
        target: what they are sealed for; it may be the same session with another cipher.
    """

    def __init__(self, run: Run, *, source: Home, target: Home) -> None:
        self._run = run
        self._source = source
        self._target = target
        self._sent: dict[bytes, _Sent] = {}
        """The bodies that were stored for the target, by the digests that they had."""
        self.faults: list[str] = []
        """Why entries could not be opened, which were left out."""

    @property
    def digests(self) -> list[bytes]:
        """The digests of the bodies that were stored for the target."""
        return [sent.digest for sent in self._sent.values()]

    def entries(self, rows: Iterable[tuple[Any, ...]]) -> Sealed:
        """Seal entries anew, and store their bodies. What cannot be opened is left out.

        Args:
            rows: of the statement SEALED_OF, or of one with the same columns.
        """
        sealed = Sealed([], [], [], [])
        for row in rows:
            try:
                body, digest = self._entry(*row)
            except UnopenedError as fault:
                self.faults.append(f"{row[0]!r} of session {self._source.id} {fault}")
                continue
            sealed.key.append(row[0])
            sealed.body.append(body)
            sealed.digest.append(digest)
            sealed.of_version.append(row[1])
        return sealed

    def send_ahead(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Store the bodies of large entries, before a transaction that will refer to them."""
        for row in rows:
            try:
                self._entry(*row)
            except UnopenedError:
                continue  # `entries` says so

    def forget_incomplete(self) -> None:
        """Forget bodies of `send_ahead` that somebody has deleted since. They are sent again."""
        for former, sent in list(self._sent.items()):
            parameters = {"id": self._target.id, "digest": sent.digest}
            if self._run("COUNT_PARTS", parameters)[0][0] != sent.parts:
                del self._sent[former]

    def _entry(
        self,
        key: str,
        version: int,
        kind: str,
        size: int,
        text: str | None,
        body: bytes | None,
        digest: bytes | None,
    ) -> tuple[bytes | None, bytes | None]:
        opened = self._source.cipher.open(key, kind, size, text, body, digest)
        payload = Payload(kind, opened or b"")
        if digest is not None:
            digest = self._body(Large(kind, size, digest))
        _, sealed = self._target.cipher.seal(key, payload, digest)
        return sealed, digest

    def _body(self, large: Large) -> bytes:
        """Store a large body for the target, and return its digest there."""
        if large.digest in self._sent:
            return self._sent[large.digest].digest
        read = LargeBody(self._source.cipher, large)
        for (data,) in self._run("READ_BODY", {"id": self._source.id, "digest": large.digest}):
            read.add(data)
        payload = Payload(large.kind, read.whole())
        digest = self._target.cipher.digest(payload)
        for batch in chunks.in_batches(chunks.chunks_of({digest: payload})):
            columns = chunks.columns(self._target.cipher, batch)
            self._run("KEEP_BODIES", {"to": self._target.id, **columns})
        self._sent[large.digest] = _Sent(digest, chunks.number_of(payload))
        return digest
