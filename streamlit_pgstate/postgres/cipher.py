"""The cipher of a session: turns encoded values into what its rows hold, and back.

`entries` and `bodies` seal just before a statement is sent, and open just after a row has come. All
other code works with plain bodies. Without the setting `encryption_key` the cipher is `PLAIN`,
which stores bodies as they are; `encryption` has the other one.

Keys, kinds, sizes and times are not sealed. A value is compared with what is stored by its plain
body, or by its digest: a cipher may seal the same body differently each time.
"""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable
from typing import Final, NamedTuple, Protocol, TypeAlias

from streamlit_pgstate.codecs import Payload, digest_of

MAGIC: Final = b"\xc5pgs\x01"
"""Sealed bytes begin with it. The last byte is the version of the format."""

KEY_ID_BYTES: Final = 8
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16

OVERHEAD: Final = len(MAGIC) + KEY_ID_BYTES + NONCE_BYTES + TAG_BYTES
"""How many bytes a sealed value is longer than the plain one. A visitor may store plain bytes
that begin with `MAGIC`. Their length is the `size` of the entry, so they are not taken for
sealed ones."""

_NO_KEY: Final = (
    "is encrypted, and this process has no encryption key. Set `encryption_key` as the other "
    "processes of the app have it."
)
_DAMAGED: Final = (
    "is damaged: rows are missing or changed in the table `body`. Restore them from a backup, set "
    "the value again, or delete the key."
)


class UnopenedError(Exception):
    """A stored value cannot be opened.

    Internal: `cached_session` raises `DecodeError` instead. The message goes on after the name of
    the key: "is …", what to do included. It holds no part of the value.
    """


class Large(NamedTuple):
    """A large value, whose body lies in the table `body`."""

    kind: str
    size: int
    digest: bytes


class Cipher(Protocol):
    """How the values of one session are stored. Methods may be called by several threads at once.

    What was sealed for one session, key and kind opens in no other place.
    """

    def digest(self, payload: Payload) -> bytes:
        """Return the name of a large body in its session: 32 bytes, the same for equal values."""

    def seal(
        self, key: str, payload: Payload, digest: bytes | None
    ) -> tuple[str | None, bytes | None]:
        """Return what the columns `value` and `body` of an entry hold.

        Args:
            key: the key of the entry.
            payload: its value.
            digest: of a large value, whose body is not in the entry.
        """

    def open(
        self,
        key: str,
        kind: str,
        size: int,
        text: str | None,
        body: bytes | None,
        digest: bytes | None,
    ) -> bytes | None:
        """Return the plain body of a small value. None for a large one, whose entry is good.

        The arguments are the columns of the entry; `text` is the column `value`.

        Raises:
            UnopenedError: the entry was changed or moved, or its encryption key is unknown.
        """

    def seal_chunk(self, large: Large, part: int, data: memoryview) -> bytes | memoryview:
        """Return the bytes to store for one chunk of a large body."""

    def open_chunk(self, large: Large, part: int, data: bytes) -> bytes:
        """Return what `seal_chunk` was given; `data` itself if that is not sealed.

        Raises:
            UnopenedError: the chunk was changed or moved, or its encryption key is unknown.
        """


class _Plain:
    """Stores bodies as they are."""

    def digest(self, payload: Payload) -> bytes:
        return payload.digest

    def seal(
        self, key: str, payload: Payload, digest: bytes | None
    ) -> tuple[str | None, bytes | None]:
        if digest is not None:
            return None, None
        if payload.kind == "json":
            return payload.body.decode(), None
        return None, payload.body

    def open(
        self,
        key: str,
        kind: str,
        size: int,
        text: str | None,
        body: bytes | None,
        digest: bytes | None,
    ) -> bytes | None:
        if text is not None:
            return text.encode()
        if is_sealed(size, body, digest):
            raise UnopenedError(_NO_KEY)
        return body

    def seal_chunk(self, large: Large, part: int, data: memoryview) -> memoryview:
        return data

    def open_chunk(self, large: Large, part: int, data: bytes) -> bytes:
        return data


PLAIN: Final[Cipher] = _Plain()

FindCipher: TypeAlias = Callable[[uuid.UUID], Cipher]
"""Finds the cipher of a session by its id."""


def is_sealed(size: int, body: bytes | None, digest: bytes | None) -> bool:
    """Whether an entry with these columns was sealed, by whatever key.

    The entry of a large value has a `body` only if it is sealed: see `Cipher.seal`.
    """
    if body is None or not body.startswith(MAGIC):
        return False
    return digest is not None or len(body) == size + OVERHEAD


class LargeBody:
    """Puts a large body together from its chunks, as they come.

    Args:
        cipher: that of the session.
        large: what the entry says of the body.
        on_opened: is called with each chunk, opened. It must not raise.
    """

    def __init__(
        self,
        cipher: Cipher,
        large: Large,
        *,
        on_opened: Callable[[bytes], object] | None = None,
    ) -> None:
        self._on_opened = on_opened
        self._cipher = cipher
        self._large = large
        self._opened = io.BytesIO()  # grows in place, and getvalue() makes no copy
        self._digest = digest_of(large.kind)
        self._parts = 0
        self._is_sealed = True
        self._failure: UnopenedError | None = None

    def add(self, data: bytes) -> int:
        """Add the next chunk, and return how many bytes there are so far. Raises nothing.

        An exception would break the connection that the other chunks still come on. The digest of
        plain chunks is computed here, while the server prepares the next one.
        """
        if self._failure is None:
            try:
                opened = self._cipher.open_chunk(self._large, self._parts, data)
            except UnopenedError as failure:
                self._failure = failure
            else:
                self._compute_digest(opened, is_plain=opened is data)
                self._opened.write(opened)
                if self._on_opened is not None:
                    self._on_opened(opened)
        self._parts += 1
        return self._opened.tell()

    def _compute_digest(self, opened: bytes, *, is_plain: bool) -> None:
        """Go on with the digest, from the first plain chunk on: of sealed ones none is needed."""
        if is_plain and self._is_sealed:
            self._is_sealed = False
            with self._opened.getbuffer() as before:
                self._digest.update(before)
        if not self._is_sealed:
            self._digest.update(opened)

    def whole(self) -> bytes:
        """Return the body.

        Sealed chunks have shown by now that they belong here, and their length that none is
        missing. Plain bytes have a digest.

        Raises:
            UnopenedError: chunks are missing, or were changed or moved.
        """
        if self._failure is not None:
            raise self._failure
        body = self._opened.getvalue()
        if len(body) != self._large.size:
            raise UnopenedError(_DAMAGED)
        if not self._is_sealed and self._digest.digest() != self._large.digest:
            raise UnopenedError(_DAMAGED)
        return body
