"""Frame a header and several byte strings, the sections, as one body.

All kinds use this, except those whose body is a single text, a single byte string or an Arrow
stream. A body is the length of the header (8 bytes, little-endian), the header (JSON text of
`plain`, with the lengths of the sections under ``"sections"``), and the sections. Each section
starts at a multiple of 16, so that NumPy and Arrow can read it in place. The gaps hold zeros.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import plain
from .payload import Body, DamagedError

__all__ = ["join", "split"]

_FORMAT = 1
_ALIGNMENT = 16
_LENGTH_BYTES = 8


def join(header: dict[str, Any], sections: Sequence[Any]) -> bytes:
    """Make a body. Each section is copied once.

    Args:
        header: says how to read the sections. A dict of plain values.
        sections: bytes, or other objects that support the buffer protocol.

    Raises:
        RefusedError: the header holds a value that `plain` refuses.
    """
    lengths = [memoryview(section).nbytes for section in sections]
    text = plain.dump({"format": _FORMAT, **header, "sections": lengths})
    parts: list[Any] = [len(text).to_bytes(_LENGTH_BYTES, "little"), text]
    end = _LENGTH_BYTES + len(text)
    for section, length in zip(sections, lengths, strict=True):
        parts += [bytes(-end % _ALIGNMENT), section]
        end += -end % _ALIGNMENT + length
    return b"".join(parts)


def split(body: Body) -> tuple[dict[str, Any], list[memoryview]]:
    """Split a body into its header and views of its sections.

    Raises:
        DamagedError: the lengths do not match the body, or the format is newer.
    """
    view = memoryview(body)
    start = _LENGTH_BYTES + int.from_bytes(view[:_LENGTH_BYTES], "little")
    if len(view) < _LENGTH_BYTES or start > len(view):
        raise DamagedError("a body that was cut off")
    header = plain.load(view[_LENGTH_BYTES:start])
    if type(header) is not dict or header.get("format") != _FORMAT:
        raise DamagedError("a header of a newer format")
    sections = []
    for length in _lengths(header):
        start += -start % _ALIGNMENT
        if start + length > len(view):
            raise DamagedError("a body that was cut off")
        sections.append(view[start : start + length])
        start += length
    if start != len(view):
        raise DamagedError("bytes after the end of the body")
    return header, sections


def _lengths(header: dict[str, Any]) -> list[int]:
    lengths = header.get("sections")
    if type(lengths) is not list or any(type(n) is not int or n < 0 for n in lengths):
        raise DamagedError("sections without valid lengths")
    return lengths
