"""Compress large bodies by zstd, if they shrink. The kind says so: ``pandas.frame+zstd``.

A compressed body is the length of the original body (8 bytes, little-endian) and one zstd frame.
"""

from __future__ import annotations

import io
from typing import Any

from .payload import DamagedError

__all__ = ["MIN_SIZE", "SUFFIX", "pack", "unpack"]

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

# Bodies of this size or more are compressed as a stream into the new body. For 64 MB this takes
# the same 0.3 s as a single call, and up to twice the body's size less memory. For small bodies a
# single call is faster: 64 KiB in 0.1 ms.
_STREAMED_FROM = 8 << 20
_STEP = 1 << 20


def pack(kind: str, body: bytes) -> tuple[str, bytes]:
    """Compress a body if it is large and shrinks; returns the kind and the body to store."""
    if not MIN_SIZE <= len(body) <= _MAX_SIZE or not _shrinks(body):
        return kind, body
    packed = _stream(body) if len(body) >= _STREAMED_FROM else _compress(body)
    if len(packed) > _WORTH * len(body):
        return kind, body
    return kind + SUFFIX, packed


def unpack(body: bytes) -> bytes:
    """Return the original of a body that `pack` compressed.

    Raises:
        DamagedError: the body is damaged, or its stated length is more than `pack` compresses.
    """
    size = int.from_bytes(body[:_LENGTH_BYTES], "little")
    if not MIN_SIZE <= size <= _MAX_SIZE:
        raise DamagedError("a compressed body of an impossible size")
    try:
        unpacked: bytes = _codec().decompress(memoryview(body)[_LENGTH_BYTES:], size, asbytes=True)
    except (OSError, MemoryError, ValueError) as cause:
        raise DamagedError("a compressed body that is damaged") from cause
    if len(unpacked) != size:
        raise DamagedError("a compressed body whose size differs from its stated length")
    return unpacked


def _compress(body: bytes) -> bytes:
    return b"".join([_length(body), _codec().compress(body)])


def _stream(body: bytes) -> bytes:
    import pyarrow as pa

    packed = _Sink()
    packed.write(_length(body))
    view = memoryview(body)
    # Arrow's default level for zstd is 1, which is _LEVEL.
    with pa.CompressedOutputStream(pa.PythonFile(packed, "w"), "zstd") as stream:
        for start in range(0, len(body), _STEP):
            stream.write(view[start : start + _STEP])
    return packed.getvalue()


class _Sink(io.BytesIO):
    def close(self) -> None:
        """Do nothing: Arrow's stream closes its sink, and `getvalue` needs an open one."""


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
