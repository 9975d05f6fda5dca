"""What a value looks like on its way to a row: its kind, its bytes and their digest."""

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
]

Body = bytes | memoryview
"""What is read: the bytes of a row, or the part of them that a value inside another has."""


@dataclass(frozen=True, slots=True)
class Codec:
    """How the values of one kind become bytes and come back.

    Attributes:
        dump: raises `RefusedError` for what it cannot keep exactly.
        load: raises anything for a body that is damaged; gives a value of the caller's own.
    """

    dump: Callable[[Any], bytes]
    load: Callable[[Body], Any]


@dataclass(slots=True)  # not frozen: that makes each of a page load's gets 0.5 of 2 µs slower
class Payload:
    """An encoded value; nobody changes one.

    Attributes:
        kind: how the body was written; only known kinds are ever read.
        body: the bytes to store. They are not part of the `repr`.

    Example:
        >>> Payload("json", b"[1, 2]").size
        6
    """

    kind: str
    body: bytes = field(repr=False)
    _digest: bytes | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def size(self) -> int:
        """How many bytes the body has."""
        return len(self.body)

    @property
    def digest(self) -> bytes:
        """SHA-256 over kind, NUL and body: equal digests, equal stored values."""
        if self._digest is not None:
            return self._digest
        sha = sha256(self.kind.encode() + b"\0")
        sha.update(self.body)
        digest = sha.digest()
        # Hashing 80 MB takes about 50 ms: once is enough.
        self._digest = digest
        return digest


class RefusedError(Exception):
    """Inside the codecs: something cannot be kept. `encode` turns it into `UnsupportedType`."""

    def __init__(self, culprit: str, *, is_whole: bool = False) -> None:
        """Start the message.

        Args:
            culprit: what it is and what to keep instead, to stand behind "… is ".
            is_whole: it is not where it was noticed, but the whole value.
        """
        super().__init__(culprit)
        self.culprit = culprit
        self.is_whole = is_whole
        self.steps: list[str] = []  # from the culprit outwards

    def inside(self, step: str) -> RefusedError:
        """Note that what was refused lies at `step` of its container."""
        self.steps.append(step)
        return self


class TooLargeError(Exception):
    """Inside the codecs: a body is over the limit. `encode` turns it into `LimitExceeded`."""

    def __init__(self, size: int, *, is_whole: bool = False) -> None:
        """Say how many bytes it is known to have.

        Args:
            size: those that were counted so far.
            is_whole: they are all of them.
        """
        super().__init__(size)
        self.size = size
        self.is_whole = is_whole


class DamagedError(ValueError):
    """Inside the codecs: a body does not hold what its kind promises, or is of a newer version.

    The message names the part, never a value. `decode` turns it into `DecodeError`.
    """


class UnreadableError(DamagedError):
    """Inside the codecs: a body is sound, and something is missing here to read it.

    The message goes on after "'key' was written as 'kind'", and says what to do.
    """
