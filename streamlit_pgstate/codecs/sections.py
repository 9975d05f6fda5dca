"""The framing of kinds that are more than one text or one Arrow stream.

A body is the length of the header (8 bytes, little-endian), the header (JSON text of `plain`,
with the lengths of the sections under ``"sections"``), and the sections. Each section begins at
a multiple of 16, which is what NumPy and Arrow need to read in place; the gaps are zeros.
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
    """Put a body together, with one copy of each section.

    Args:
        header: how to read the sections.
        sections: bytes, or anything else that shows its own.

    Raises:
        RefusedError: the header holds what `plain` does not take.
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
    """Take a body apart: its header, and views on its sections.

    Raises:
        DamagedError: the lengths do not fit the body, or it is of a newer format.
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
        raise DamagedError("bytes after its end")
    return header, sections


def _lengths(header: dict[str, Any]) -> list[int]:
    lengths = header.get("sections")
    if type(lengths) is not list or any(type(n) is not int or n < 0 for n in lengths):
        raise DamagedError("sections without their lengths")
    return lengths
