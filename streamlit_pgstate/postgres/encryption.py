"""Encryption at rest: the cipher of the setting `encryption_key`, AES-256-GCM.

It needs the package cryptography, so it is imported only where the setting is given.

Sealed bytes are: `MAGIC`, the id of the key, a random nonce, the ciphertext with its tag. What they
belong to is authenticated with them: the session, and then the key and the kind of an entry, or the
digest, the size and the number of a chunk.

Each session has keys of its own, derived from each key of the ring. With random nonces one key of
AES-GCM is good for 2^32 messages; no session is written so often.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import os
import struct
import uuid
from collections.abc import Callable, Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from streamlit_pgstate.codecs import Payload
from streamlit_pgstate.postgres.cipher import (
    KEY_ID_BYTES,
    MAGIC,
    NONCE_BYTES,
    OVERHEAD,
    FindCipher,
    Large,
    UnopenedError,
    is_sealed,
)

_PREFIX_BYTES: Final = len(MAGIC) + KEY_ID_BYTES
_HEAD_BYTES: Final = _PREFIX_BYTES + NONCE_BYTES

_SESSIONS: Final = 1024
"""So many sessions' keys are kept. To derive them again takes 10 µs."""

_UNKNOWN_KEY: Final = (
    "is encrypted with a key that is not in `encryption_key`. Add that key to the list, set the "
    "value again, or delete the key."
)
_CHANGED: Final = (
    "is damaged: it was changed in the database, or moved there from another session or key. "
    "Restore it from a backup, set the value again, or delete the key."
)
_NOT_SEALED: Final = (
    "is not encrypted, and this database is to hold encrypted values only. A process without "
    "`encryption_key` has written it, or somebody else has. Set the value again, delete the key, "
    "or, if you trust it, run: pgstate rekey --trust-plain"
)


class Keyring:
    """The keys of the setting `encryption_key`: the first seals, all open.

    Args:
        keys: 32 bytes each.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = {MAGIC + _derived(key, "id")[:KEY_ID_BYTES]: key for key in keys}
        self._first = keys[0]

    def __repr__(self) -> str:
        return f"<Keyring of {len(self._keys)}>"

    @property
    def prefix(self) -> bytes:
        """What all bytes begin with that the first key has sealed."""
        return next(iter(self._keys))

    def sign(self, text: str) -> str:
        """Return a signature of `text` by the first key."""
        return _signature(self._first, text)

    def has_signed(self, text: str, signature: str) -> bool:
        """Whether one of the keys has signed `text`."""
        given = signature.encode()
        return any(
            hmac.compare_digest(_signature(key, text).encode(), given)
            for key in self._keys.values()
        )

    def ciphers(self, *, may_be_plain: Callable[[], bool]) -> FindCipher:
        """Return the function that finds the cipher of a session by its id.

        Args:
            may_be_plain: whether a value that is not sealed may be read. It is called for such
                values only.
        """

        @functools.lru_cache(_SESSIONS)
        def cipher_of(session_id: uuid.UUID) -> SessionCipher:
            ciphers = {
                prefix: AESGCM(_derived(key, "seal", session_id.bytes))
                for prefix, key in self._keys.items()
            }
            digest_key = _derived(self._first, "digest", session_id.bytes)
            return SessionCipher(session_id, ciphers, digest_key, may_be_plain=may_be_plain)

        return cipher_of


class SessionCipher:
    """The cipher of one session. `Keyring.ciphers` makes it."""

    def __init__(
        self,
        session_id: uuid.UUID,
        ciphers: dict[bytes, AESGCM],
        digest_key: bytes,
        *,
        may_be_plain: Callable[[], bool],
    ) -> None:
        self._session = session_id.bytes
        self._ciphers = ciphers
        self._prefix, self._first = next(iter(ciphers.items()))
        self._digest_key = digest_key
        self._may_be_plain = may_be_plain

    def digest(self, payload: Payload) -> bytes:
        """Keyed, by a key of the session: it shows neither the value nor where it is, too."""
        keyed = hmac.new(self._digest_key, payload.kind.encode() + b"\0", hashlib.sha256)
        keyed.update(payload.body)
        return keyed.digest()

    def seal(self, key: str, payload: Payload, digest: bytes | None) -> tuple[None, bytes]:
        """For a large value the body holds nothing, and binds the digest to key and kind."""
        place = self._entry(key, payload.kind, digest)
        return None, self._seal(payload.body if digest is None else b"", place)

    def open(
        self,
        key: str,
        kind: str,
        size: int,
        text: str | None,
        body: bytes | None,
        digest: bytes | None,
    ) -> bytes | None:
        if body is not None and text is None:
            place = self._entry(key, kind, digest)
            opened = self._open(body, place)
            if opened is not None:
                return opened if digest is None else None
            if is_sealed(size, body, digest):
                raise UnopenedError(_UNKNOWN_KEY)
        if not self._may_be_plain():
            raise UnopenedError(_NOT_SEALED)
        return body if text is None else text.encode()

    def seal_chunk(self, large: Large, part: int, data: memoryview) -> bytes:
        return self._seal(data, self._chunk(large, part))

    def open_chunk(self, large: Large, part: int, data: bytes) -> bytes:
        """Plain chunks pass: `LargeBody` checks that their digest is that of the entry.

        It is no digest of plain bytes if the entry is sealed, and `open` has been asked about
        entries that are not.
        """
        opened = self._open(data, self._chunk(large, part))
        return data if opened is None else opened

    def _entry(self, key: str, kind: str, digest: bytes | None) -> bytes:
        if digest is None:
            return _framed(b"entry", self._session, key.encode(), kind.encode())
        return _framed(b"large", self._session, key.encode(), kind.encode(), digest)

    def _chunk(self, large: Large, part: int) -> bytes:
        size = large.size.to_bytes(8, "big", signed=True)
        return _framed(b"chunk", self._session, large.digest, size, part.to_bytes(4, "big"))

    def _seal(self, data: bytes | memoryview, place: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._first.encrypt(nonce, data, self._prefix + place)
        return b"".join((self._prefix, nonce, sealed))

    def _open(self, data: bytes, place: bytes) -> bytes | None:
        """Return what was sealed; None if none of our keys has sealed it."""
        prefix = data[:_PREFIX_BYTES]
        cipher = self._ciphers.get(prefix)
        if cipher is None:
            return None
        if len(data) < OVERHEAD:
            raise UnopenedError(_CHANGED)
        nonce = data[_PREFIX_BYTES:_HEAD_BYTES]
        try:
            return cipher.decrypt(nonce, memoryview(data)[_HEAD_BYTES:], prefix + place)
        except InvalidTag:
            raise UnopenedError(_CHANGED) from None


def _derived(key: bytes, purpose: str, *context: bytes) -> bytes:
    """Return a key for one purpose: one block of HKDF-Expand (RFC 5869).

    HKDF's first step, Extract, is for keys that are not uniform. These are random bytes.
    """
    info = _framed(b"streamlit-pgstate", purpose.encode(), *context)
    return hmac.digest(key, info + b"\x01", "sha256")


def _signature(key: bytes, text: str) -> str:
    return hmac.digest(_derived(key, "sign"), text.encode(), "sha256").hex()


def _framed(*parts: bytes) -> bytes:
    """Join the parts behind their lengths, so that no other parts give the same bytes."""
    return struct.pack(f">{len(parts)}I", *map(len, parts)) + b"".join(parts)
