"""Compress large bodies by zstd, if they shrink. The kind says so: ``pandas.frame+zstd``.

A compressed body is the length of the original body (8 bytes, little-endian) and zstd frames, one
after the other. Together they make the original: zstd itself reads them like a single one. Each
holds 1 MiB of it, so that several threads compress and decompress at once. What was stored before
this was so has a single frame for all of it.
"""

from __future__ import annotations

import io
from typing import Any, NamedTuple

from .payload import Body, DamagedError
from .threads import on_threads

__all__ = ["MIN_SIZE", "SUFFIX", "pack", "unpack", "unpack_view"]

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

_MAX_BLOCKS = 256
"""Blocks in a frame of 1 MiB at most. zstd writes 8, of 128 KiB each."""

# The descriptor of a frame: how its size is written, that its content is in one segment, and what
# `pack` never writes, which are a window, a checksum and a dictionary.
_MAGIC = (0xFD2FB528).to_bytes(4, "little")
_SIZE_BYTES = (1, 2, 4, 8)
_ONE_SEGMENT = 0x20
_NOT_SIZE = 0x3F


def pack(kind: str, body: bytes) -> tuple[str, bytes]:
    """Compress a body if it is large and shrinks; returns the kind and the body to store."""
    if not MIN_SIZE <= len(body) <= _MAX_SIZE or not _shrinks(body):
        return kind, body
    packed = _packed(body)
    if len(packed) > _WORTH * len(body):
        return kind, body
    return kind + SUFFIX, packed


def unpack(body: Body) -> bytes:
    """Return the original of a body that `pack` compressed.

    Raises:
        DamagedError: the body is damaged, or its stated length is more than `pack` compresses.
    """
    return _unpacked(_frames_of(body), _size_of(body))


def unpack_view(body: Body) -> Body:
    """As `unpack`, on several threads where the original is large: 8 MB take half the time.

    It is no `bytes` then, but a view of them that nobody else has.
    """
    size, frames = _size_of(body), _frames_of(body)
    pieces = _pieces(frames, size)
    if len(pieces) < 2:
        return _unpacked(frames, size)
    import numpy as np  # takes 70 ms, and only large values need it

    whole = np.empty(size, "u1")

    def fill(piece: _Piece) -> None:
        start, end, place = piece
        length = min(_PIECE, size - place)
        part = _decompressed(frames[start:end], length, asbytes=False)
        whole[place : place + length] = np.frombuffer(part, "u1")

    on_threads(fill, pieces)
    return whole.data.toreadonly()


def _size_of(body: Body) -> int:
    size = int.from_bytes(body[:_LENGTH_BYTES], "little")
    if not MIN_SIZE <= size <= _MAX_SIZE:
        raise DamagedError("a compressed body of an impossible size")
    return size


def _frames_of(body: Body) -> memoryview:
    return memoryview(body)[_LENGTH_BYTES:]


def _unpacked(frames: memoryview, size: int) -> bytes:
    unpacked: bytes = _decompressed(frames, size, asbytes=True)
    return unpacked


def _decompressed(frames: memoryview, size: int, *, asbytes: bool) -> Any:
    try:
        unpacked = _codec().decompress(frames, size, asbytes=asbytes)
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


class _Piece(NamedTuple):
    """Where a frame starts and ends, and where in the original its content goes."""

    start: int
    end: int
    place: int


def _pieces(frames: memoryview, size: int) -> list[_Piece]:
    """Return the frames, if they are as `pack` writes them; else none.

    Other frames are well-formed, too, or damaged. To decompress them in one call tells.
    """
    found: list[_Piece] = []
    end = 0
    for place in range(0, size, _PIECE):
        start, end = end, _end_of(frames, end)
        if not end:
            return []
        found.append(_Piece(start, end, place))
    return found if end == len(frames) else []


def _end_of(frames: memoryview, start: int) -> int:
    """Return where the frame ends that starts here; 0 if it is not as `pack` writes it.

    The format is that of RFC 8878: magic number, descriptor, sizes, then blocks behind a header of
    3 bytes each, of which the lowest bit says that it is the last one.
    """
    head = bytes(frames[start : start + 5])
    if len(head) < 5 or not head.startswith(_MAGIC) or head[4] & _NOT_SIZE != _ONE_SEGMENT:
        return 0
    at = start + 5 + _SIZE_BYTES[head[4] >> 6]
    for _ in range(_MAX_BLOCKS):
        header = int.from_bytes(frames[at : at + 3], "little")
        is_run = header >> 1 & 3 == 1  # one byte, repeated
        at += 3 + (1 if is_run else header >> 3)
        if at > len(frames):
            return 0
        if header & 1:
            return at
    return 0
