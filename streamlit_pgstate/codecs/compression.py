"""Large bodies that shrink are stored as zstd: recorded in the kind, as ``pandas.frame+zstd``.

A compressed body is the length of what it was (8 bytes, little-endian) and one zstd frame.
"""

from __future__ import annotations

from typing import Any

from .payload import DamagedError

__all__ = ["SUFFIX", "pack", "unpack"]

SUFFIX = "+zstd"

# Level 1 of zstd beside lz4, of a mixed frame of 8 MB: 0.27 of its size in 13 ms beside 0.53 in
# 7 ms. PostgreSQL takes 8 ms to write a MB. Reading is even: 1.3 ms a MB.
_LEVEL = 1

_MIN_SIZE = 64 << 10
_MAX_SIZE = 1 << 30  # so that few bytes cannot ask for more memory than this
_LENGTH_BYTES = 8

# Four samples of 8 KiB tell in 0.1 ms what random floats and pictures would show in 50 ms a MB.
_SAMPLES = 4
_SAMPLE_SIZE = 8 << 10
_WORTH = 0.8  # of the size, or less


def pack(kind: str, body: bytes) -> tuple[str, bytes]:
    """Compress a body if it is large and shrinks; else give it back as it is."""
    if not _MIN_SIZE <= len(body) <= _MAX_SIZE or not _shrinks(body):
        return kind, body
    packed = _codec().compress(body)
    if len(packed) > _WORTH * len(body):
        return kind, body
    return kind + SUFFIX, b"".join([len(body).to_bytes(_LENGTH_BYTES, "little"), packed])


def unpack(body: bytes) -> bytes:
    """Give the body that `pack` compressed.

    Raises:
        DamagedError: it is something else, or says that it is larger than `pack` takes.
    """
    size = int.from_bytes(body[:_LENGTH_BYTES], "little")
    if not _MIN_SIZE <= size <= _MAX_SIZE:
        raise DamagedError("a compressed body of an impossible size")
    try:
        unpacked: bytes = _codec().decompress(memoryview(body)[_LENGTH_BYTES:], size, asbytes=True)
    except (OSError, MemoryError, ValueError) as cause:
        raise DamagedError("a compressed body that is damaged") from cause
    if len(unpacked) != size:
        raise DamagedError("a compressed body of another size than it says")
    return unpacked


def _shrinks(body: bytes) -> bool:
    step = (len(body) - _SAMPLE_SIZE) // (_SAMPLES - 1)
    view = memoryview(body)
    sample = b"".join(view[n * step : n * step + _SAMPLE_SIZE] for n in range(_SAMPLES))
    return len(_codec().compress(sample)) < _WORTH * len(sample)


def _codec() -> Any:
    import pyarrow as pa  # only for large values: 60 ms

    return pa.Codec("zstd", compression_level=_LEVEL)
