"""Large bodies that shrink are stored as zstd: recorded in the kind, as ``pandas.frame+zstd``.

A compressed body is the length of what it was (8 bytes, little-endian) and one zstd frame.
"""

from __future__ import annotations

import io
from typing import Any

from .payload import DamagedError

__all__ = ["MIN_SIZE", "SUFFIX", "pack", "unpack"]

SUFFIX = "+zstd"

# Level 1 of zstd beside lz4, of a mixed frame of 8 MB: 0.27 of its size in 13 ms beside 0.53 in
# 7 ms. PostgreSQL takes 8 ms to write a MB. Reading is even: 1.3 ms a MB.
_LEVEL = 1

MIN_SIZE = 64 << 10
"""Bytes from which on `pack` looks at a body at all."""

_MAX_SIZE = 1 << 30  # so that few bytes cannot ask for more memory than this
_LENGTH_BYTES = 8

# Four samples of 8 KiB tell in 0.1 ms what random floats and pictures would show in 50 ms a MB.
_SAMPLES = 4
_SAMPLE_SIZE = 8 << 10
_WORTH = 0.8  # of the size, or less

# From here on what is compressed goes straight into the new body: of 64 MB in the same 0.3 s, with
# up to twice its size less in memory. For small bodies one call is quicker: 64 KiB in 0.1 ms.
_STREAMED_FROM = 8 << 20
_STEP = 1 << 20


def pack(kind: str, body: bytes) -> tuple[str, bytes]:
    """Compress a body if it is large and shrinks; else give it back as it is."""
    if not MIN_SIZE <= len(body) <= _MAX_SIZE or not _shrinks(body):
        return kind, body
    packed = _stream(body) if len(body) >= _STREAMED_FROM else _compress(body)
    if len(packed) > _WORTH * len(body):
        return kind, body
    return kind + SUFFIX, packed


def unpack(body: bytes) -> bytes:
    """Give the body that `pack` compressed.

    Raises:
        DamagedError: it is something else, or says that it is larger than `pack` takes.
    """
    size = int.from_bytes(body[:_LENGTH_BYTES], "little")
    if not MIN_SIZE <= size <= _MAX_SIZE:
        raise DamagedError("a compressed body of an impossible size")
    try:
        unpacked: bytes = _codec().decompress(memoryview(body)[_LENGTH_BYTES:], size, asbytes=True)
    except (OSError, MemoryError, ValueError) as cause:
        raise DamagedError("a compressed body that is damaged") from cause
    if len(unpacked) != size:
        raise DamagedError("a compressed body of another size than it says")
    return unpacked


def _compress(body: bytes) -> bytes:
    return b"".join([_length(body), _codec().compress(body)])


def _stream(body: bytes) -> bytes:
    import pyarrow as pa

    packed = _Sink()
    packed.write(_length(body))
    view = memoryview(body)
    # Arrow's own level for zstd is 1, too.
    with pa.CompressedOutputStream(pa.PythonFile(packed, "w"), "zstd") as stream:
        for start in range(0, len(body), _STEP):
            stream.write(view[start : start + _STEP])
    return packed.getvalue()


class _Sink(io.BytesIO):
    def close(self) -> None:
        """Stay open: the stream closes what it has written to."""


def _length(body: bytes) -> bytes:
    return len(body).to_bytes(_LENGTH_BYTES, "little")


def _shrinks(body: bytes) -> bool:
    step = (len(body) - _SAMPLE_SIZE) // (_SAMPLES - 1)
    view = memoryview(body)
    sample = b"".join(view[n * step : n * step + _SAMPLE_SIZE] for n in range(_SAMPLES))
    return len(_codec().compress(sample)) < _WORTH * len(sample)


def _codec() -> Any:
    import pyarrow as pa  # only for large values: 60 ms

    return pa.Codec("zstd", compression_level=_LEVEL)
