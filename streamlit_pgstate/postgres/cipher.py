"""The cipher: seals every stored body but small JSON where `keeps_text` is True, and opens it.

`tables` seals a body just before it becomes a parameter of a statement, and opens it just after a
row has come. All other code works with plain bodies. A value is compared with what is stored by
its plain body, or by its digest: a cipher may seal the same body differently each time. Keys,
kinds, sizes and times are not sealed.

Rows that were stored before a cipher was set stay as they are until their value changes:

- Small JSON in the column `value` is never sealed, so it is read as it is, whatever the cipher.
  A cipher therefore cannot refuse text that somebody else has put into that column.
- All other bodies are bytes, and go to `open` whoever wrote them. A cipher that is set on tables
  with values in them has to tell plain bytes from its own, by a prefix for example.
- Large values have the digest of the cipher that wrote them. The same value under another digest
  counts as another value: setting it writes it once more.
"""

from __future__ import annotations

from typing import Final, Protocol

from streamlit_pgstate.codecs import Payload


class Cipher(Protocol):
    """How bodies are stored in PostgreSQL. All methods may be called by several threads at once."""

    keeps_text: bool
    """Whether small JSON is stored unsealed in the column `value`, where psql shows it."""

    def seal(self, data: bytes | memoryview) -> bytes | memoryview:
        """Return the bytes to store for a small body, or for one chunk of a large one.

        `open` has to open the result on its own: two writers may each have stored some of the
        chunks of one body. It has to open in any session and under any key: the statements COPY
        and MOVE_BODIES carry sealed bytes to other sessions, and two keys with the same value share
        its rows.
        """

    def open(self, data: bytes) -> bytes:
        """Return what `seal` was given. The caller of the verb gets any exception as it is."""

    def digest(self, payload: Payload) -> bytes:
        """Return the name of a large body in its session: 32 bytes, the same for equal values.

        It is stored unsealed. Compute it with a secret key (HMAC, for example): a plain hash shows
        which sessions hold equal values, and confirms a guess of one.
        """

    def confirms(self, payload: Payload, digest: bytes) -> bool:
        """Whether the body that was read is the one that was stored under `digest`.

        A cipher whose `open` refuses changed bytes may return True, but for chunks that stand in
        another order. It must confirm what was stored before its key was set, too.
        """


class _Plain:
    """Stores bodies as they are."""

    keeps_text = True

    def seal(self, data: bytes | memoryview) -> bytes | memoryview:
        return data

    def open(self, data: bytes) -> bytes:
        return data

    def digest(self, payload: Payload) -> bytes:
        return payload.digest

    def confirms(self, payload: Payload, digest: bytes) -> bool:
        return payload.digest == digest


PLAIN: Final[Cipher] = _Plain()
