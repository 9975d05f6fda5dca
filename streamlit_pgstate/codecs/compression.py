"""Compress large bodies by zstd, if they shrink. The kind says so: ``pandas.frame+zstd``.

A compressed body is the length of the original body (8 bytes, little-endian) and zstd frames, one
after the other. Together they make the original: zstd itself reads them like a single one. Each
holds 1 MiB of it, so that several threads compress and decompress at once. What was stored before
this was so has a single frame for all of it.
"""

from __future__ import annotations

import io
from typing import Any

from .payload import Body, DamagedError
from .threads import Helpers, on_threads

__all__ = ["MIN_SIZE", "SUFFIX", "Unpacking", "pack", "stated_size", "unpack"]

SUFFIX = "+zstd"

# zstd at level 1 shrinks a mixed frame of 8 MB to 0.27 of its size in 13 ms; lz4 shrinks it to
# 0.53 in 7 ms. PostgreSQL takes 8 ms to write 1 MB, so zstd is faster in all. Both read equally
# fast: 1.3 ms per MB.
_LEVEL = 1

MIN_SIZE = 64 << 10
"""The smallest body in bytes that `pack` tries to compress."""

_MAX_SIZE = 1 << 30  # limits the memory that a small compressed body can ask for
_LENGTH_BYTES = 8

# Four samples of 8 KiB show in 0.1 ms whether a body shrinks. Compressing random floats or
# pictures in whole, to find that they do not, would take 50 ms per MB.
_SAMPLES = 4
_SAMPLE_SIZE = 8 << 10
_WORTH = 0.8  # a compressed body is kept if it has at most this share of the size

_PIECE = 1 << 20
"""Bytes of the original in one frame. Of 128 KiB to 8 MiB, 1 MiB was as fast as any, and the frames
of an 8 MB body were together as small as one for all of it."""

_AT_ONCE = 16
"""So many frames are written before they are put to those before them: that is what a body takes of
memory beside the original and the compressed one."""

_MOST_REST = 2 * _PIECE
"""Bytes of a frame that is not yet there in whole. One of 1 MiB has at most some bytes more."""

_MAX_BLOCKS = 256
"""Blocks in a frame of 1 MiB at most. zstd writes 8, of 128 KiB each."""

# The descriptor of a frame: how its size is written, whether its content is in one segment, which
# leaves out the size of the window, and what `pack` never writes: a checksum and a dictionary.
_MAGIC = (0xFD2FB528).to_bytes(4, "little")
_SIZE_BYTES = (1, 2, 4, 8)
_ONE_SEGMENT = 0x20
_NEVER_WRITTEN = 0x1F


def pack(kind: str, body: bytes) -> tuple[str, bytes]:
    """Compress a body if it is large and shrinks; returns the kind and the body to store."""
    if not MIN_SIZE <= len(body) <= _MAX_SIZE or not _shrinks(body):
        return kind, body
    packed = _packed(body)
    if len(packed) > _WORTH * len(body):
        return kind, body
    return kind + SUFFIX, packed


def stated_size(body: bytes) -> int:
    """Return the length of the original, as a body that `pack` compressed states it."""
    return int.from_bytes(body[:_LENGTH_BYTES], "little")


def unpack(body: bytes) -> Body:
    """Return the original of a body that `pack` compressed: a read-only view of it if it is large.

    Raises:
        DamagedError: the body is damaged, or its stated length is more than `pack` compresses.
    """
    size = stated_size(body)
    if not MIN_SIZE <= size <= _MAX_SIZE:
        raise DamagedError("a compressed body of an impossible size")
    with Unpacking() as unpacking:
        unpacking.add(body)
        original = unpacking.finish()
    if original is not None:
        return original
    # It has one frame, or is damaged.
    return _decompressed(memoryview(body)[_LENGTH_BYTES:], size)


class Unpacking:
    """Decompresses a body while its bytes come, on the processors that are idle meanwhile.

    It works for bodies that have several frames, as `pack` writes them. The bytes need no check
    before: zstd raises errors over any that are damaged. The end of the block ends the threads.
    """

    def __init__(self) -> None:
        self._helpers = Helpers(self._fill)
        self._rest = b""
        """What has come of the next frame. At first, of the length of the original."""
        self._size = 0
        self._place = 0
        """Where in the original the content of the next frame goes."""
        self._original = memoryview(b"")
        self._is_given_up = False

    def add(self, data: bytes) -> None:
        """Take the next bytes of the body. Raises nothing."""
        if self._is_given_up:
            return
        rest = memoryview(b"".join((self._rest, data)) if self._rest else data)
        if not self._size and len(rest) >= _LENGTH_BYTES:
            self._begin(int.from_bytes(rest[:_LENGTH_BYTES], "little"))
            rest = rest[_LENGTH_BYTES:]
        while self._place < self._size and (end := _end_of(rest)):
            self._helpers.give((rest[:end], self._place))
            self._place += _PIECE
            rest = rest[end:]
        self._is_given_up = self._is_given_up or len(rest) > _MOST_REST
        self._rest = b"" if self._is_given_up else bytes(rest)

    def finish(self) -> Body | None:
        """Return a read-only view of the original.

        None if the body is damaged, or is not of several frames.
        """
        if self._is_given_up or self._rest or not 0 < self._size <= self._place:
            return None
        try:
            self._helpers.finish()
        except DamagedError:
            return None
        return self._original.toreadonly()

    def __enter__(self) -> Unpacking:
        return self

    def __exit__(self, *error: object) -> None:
        self._helpers.dismiss()

    def _begin(self, size: int) -> None:
        if not _PIECE < size <= _MAX_SIZE:
            self._is_given_up = True
            return
        import numpy as np  # takes 70 ms, and only large values need it

        try:
            # NumPy asks for pages of 2 MiB. To touch a page for the first time takes 3 µs: with
            # 4 KiB each, as a `bytes` has them, that is as much for 80 MB as decompressing them.
            self._original = np.empty(size, "u1").data
        except MemoryError:
            self._is_given_up = True
        else:
            self._size = size

    def _fill(self, given: tuple[memoryview, int]) -> None:
        frame, place = given
        length = min(_PIECE, self._size - place)
        self._original[place : place + length] = _decompressed(frame, length)


def _decompressed(frames: memoryview, size: int) -> bytes:
    try:
        # Not into a buffer of Arrow, which gives memory back after 10 ms: a MB of fresh memory
        # takes as long as to decompress it.
        unpacked: bytes = _codec().decompress(frames, size, asbytes=True)
    except (OSError, MemoryError, ValueError) as cause:
        raise DamagedError("a compressed body that is damaged") from cause
    if len(unpacked) != size:
        raise DamagedError("a compressed body whose size differs from its stated length")
    return unpacked


def _packed(body: bytes) -> bytes:
    view = memoryview(body)
    pieces = [view[start : start + _PIECE] for start in range(0, len(body), _PIECE)]
    if len(pieces) == 1:
        return b"".join([_length(body), _codec().compress(body)])
    packed = io.BytesIO()  # grows in place, and getvalue() makes no copy
    packed.write(_length(body))
    for first in range(0, len(pieces), _AT_ONCE):
        for frame in on_threads(_compressed, pieces[first : first + _AT_ONCE]):
            packed.write(frame)
    return packed.getvalue()


def _compressed(piece: memoryview) -> bytes:
    frame: bytes = _codec().compress(piece, asbytes=True)
    return frame


def _length(body: bytes) -> bytes:
    return len(body).to_bytes(_LENGTH_BYTES, "little")


def _shrinks(body: bytes) -> bool:
    step = (len(body) - _SAMPLE_SIZE) // (_SAMPLES - 1)
    view = memoryview(body)
    sample = b"".join(view[n * step : n * step + _SAMPLE_SIZE] for n in range(_SAMPLES))
    return len(_codec().compress(sample)) < _WORTH * len(sample)


def _codec() -> Any:
    import pyarrow as pa  # takes 60 ms, and only large values need it

    return pa.Codec("zstd", compression_level=_LEVEL)


# --- frames ------------------------------------------------------------------------------


def _end_of(frames: memoryview) -> int:
    """Return where the first frame ends; 0 if not all of it is there yet.

    That is never so if it is not as `pack` writes frames.

    The format is that of RFC 8878: magic number, descriptor, sizes, then blocks behind a header of
    3 bytes each, of which the lowest bit says that it is the last one.
    """
    head = bytes(frames[:5])
    if len(head) < 5 or not head.startswith(_MAGIC) or head[4] & _NEVER_WRITTEN:
        return 0
    at = 5 + (not head[4] & _ONE_SEGMENT) + _SIZE_BYTES[head[4] >> 6]
    for _ in range(_MAX_BLOCKS):
        header = int.from_bytes(frames[at : at + 3], "little")
        is_run = header >> 1 & 3 == 1  # one byte, repeated
        at += 3 + (1 if is_run else header >> 3)
        if at > len(frames):
            return 0
        if header & 1:
            return at
    return 0
