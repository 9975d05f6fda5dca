"""The cipher: the one place through which every stored body passes, on its way in and out.

`tables` seals a body just before it becomes a parameter of a statement, and opens it just after a
row has come. All other code works with plain bodies. A value is compared with what is stored by
its plain body, or by its digest: a cipher may seal the same body differently each time.
"""

from __future__ import annotations

from typing import Final, Protocol

from streamlit_pgstate.codecs import Payload


class Cipher(Protocol):
    """How bodies stand in PostgreSQL."""

    keeps_text: bool
    """Whether small JSON stands in the column `value`, where psql shows it."""

    def seal(self, data: bytes | memoryview) -> bytes | memoryview:
        """The bytes to store for a small body, or for one chunk of a large one."""

    def open(self, data: bytes) -> bytes:
        """What `seal` was given."""

    def digest(self, payload: Payload) -> bytes:
        """The name of a large body in its session: the same for equal values, 32 bytes."""


class _Plain:
    """Bodies stand in PostgreSQL as they are."""

    keeps_text = True

    def seal(self, data: bytes | memoryview) -> bytes | memoryview:
        return data

    def open(self, data: bytes) -> bytes:
        return data

    def digest(self, payload: Payload) -> bytes:
        return payload.digest


PLAIN: Final[Cipher] = _Plain()
