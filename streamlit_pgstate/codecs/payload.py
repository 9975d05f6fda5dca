"""The encoded form of a value (`Payload`), the interface of a `Codec`, and the internal errors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

__all__ = [
    "Body",
    "Codec",
    "DamagedError",
    "Payload",
    "RefusedError",
    "TooLargeError",
    "UnreadableError",
    "digest_of",
]

Body = bytes | memoryview
"""What a codec reads: all bytes of a row, or the view of one part of them."""


@dataclass(frozen=True, slots=True)
class Codec:
    """The two functions that write and read the values of one kind.

    Attributes:
        dump: writes a value as a body. Raises `RefusedError` for what it cannot keep exactly.
        load: makes a new value from a body. May raise any exception if the body is damaged.
    """

    dump: Callable[[Any], bytes]
    load: Callable[[Body], Any]


# Not frozen: that would make each `get` of a page load 0.5 µs slower, of about 2 µs.
@dataclass(slots=True)
class Payload:
    """An encoded value. Treat it as immutable.

    Attributes:
        kind: the name of the storage format of the body. Only known kinds are read.
        body: the bytes to store. The `repr` leaves them out.
        original: the body before it was compressed, where that is known already. The next `decode`
            takes it away, as it may be larger than the body.

    Example:
        >>> Payload("json", b"[1, 2]").size
        6
    """

    kind: str
    body: bytes = field(repr=False)
    original: Body | None = field(default=None, init=False, repr=False, compare=False)
    _digest: bytes | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def size(self) -> int:
        """The size of the body in bytes."""
        return len(self.body)

    @property
    def digest(self) -> bytes:
        """SHA-256 over kind, NUL and body. Equal digests mean equal stored values."""
        if self._digest is not None:
            return self._digest
        sha = digest_of(self.kind)
        sha.update(self.body)
        digest: bytes = sha.digest()
        # Computed once only: hashing 80 MB takes about 50 ms.
        self._digest = digest
        return digest


def digest_of(kind: str) -> Any:
    """Return the SHA-256 that `Payload.digest` is, of a body that is given to it piece by piece.

    Args:
        kind: the kind of the body.
    """
    return sha256(kind.encode() + b"\0")


class RefusedError(Exception):
    """A value cannot be kept exactly. Internal: `encode` raises `UnsupportedType` instead."""

    def __init__(self, culprit: str, *, is_whole: bool = False) -> None:
        """Describe the culprit. Callers then add the path to it with `inside`.

        Args:
            culprit: what was refused and what to keep instead. The message puts it after
                "… is ", so it starts with "a …", "of the dtype …" or the like.
            is_whole: the whole value is the culprit, and not the item where this was raised.
        """
        super().__init__(culprit)
        self.culprit = culprit
        self.is_whole = is_whole
        self.steps: list[str] = []  # the path, from the culprit outwards

    def inside(self, step: str) -> RefusedError:
        """Add `step`, such as ``[3]``, to the path: the culprit is at this place of a container."""
        self.steps.append(step)
        return self


class TooLargeError(Exception):
    """A body is over the limit. Internal: `encode` raises `LimitExceeded` instead."""

    def __init__(self, size: int, *, is_whole: bool = False) -> None:
        """Give the size that is known.

        Args:
            size: the bytes that were counted so far.
            is_whole: `size` is the size of the whole body, and not only a lower bound.
        """
        super().__init__(size)
        self.size = size
        self.is_whole = is_whole


class DamagedError(ValueError):
    """A body is not well-formed for its kind, or was written by a newer version.

    Internal: `decode` raises `DecodeError` instead, and puts the message after "it holds ". The
    message names the damaged part and never shows a value.
    """


class UnreadableError(DamagedError):
    """A body is not damaged, but something that is needed to read it is missing here.

    Internal: `decode` raises `DecodeError` instead, and puts the message after "'key' was written
    as 'kind', ". The message says what to do.
    """
