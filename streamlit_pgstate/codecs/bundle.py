"""Containers that hold frames, arrays and others: one JSON text, and its parts behind it.

In the text, which is that of kind ``json``, ``{"$part": 3}`` stands for the fourth part. A part
that is met twice is written once; each place gets a value of its own.
"""

from __future__ import annotations

import threading
from typing import Any

from . import kinds, plain, sections
from .limits import check_size
from .payload import Body, DamagedError, RefusedError

__all__ = ["read", "write"]

# Bytes of parts that reading makes, in all: so many times those of the body, and so many more.
_MAX_TIMES = 4
_MAX_REPEATED = 256 << 20

# Parts that reading makes, in all: as many as a text of the body's length may name, and so many
# more, by bundles that stand in a bundle many times. A frame of no bytes takes 0.1 to 0.3 ms.
_PART_BYTES = len('{"$part":0}')
_MAX_PARTS = 20_000


class _Account(threading.local):
    # An object array may hold arrays, which makes bundles in bundles. The outermost decides.
    level = 0
    limit = 0  # while reading
    bytes = 0  # of parts that stand for themselves, not those that lie in others once more
    parts = 0  # all of them
    most = 0  # of these, while reading


_account = _Account()


def write(value: object) -> tuple[str, bytes]:
    """Write a container, and give its kind: ``json`` where all is plain, else ``bundle``.

    Raises:
        RefusedError: something in it cannot be kept, or is repeated too often.
    """
    parts = _Parts()
    text = plain.dump(value, parts.add)
    if not parts.kinds:
        return "json", text
    body = sections.join({"parts": parts.kinds}, [text, *parts.bodies])
    if not _account.level and (
        _account.bytes > _limit(body) or _account.parts > _limit_of_parts(body)
    ):
        raise RefusedError(
            f"over {_MAX_REPEATED >> 20} MB or {_MAX_PARTS:,} parts larger when read, by parts "
            "that it holds many times. Keep such a part once, and where it belongs beside it"
        )
    return "bundle", body


def read(kind: str, body: Body) -> Any:
    """Read what `write` wrote.

    Raises:
        DamagedError: it is something else.
    """
    if kind == "json":
        return plain.load(body)
    if kind != "bundle":
        raise DamagedError("a container of an unknown kind")
    header, (text, *bodies) = sections.split(body)
    names = header["parts"]
    if len(names) != len(bodies) or not all(map(kinds.is_part, names)):
        raise DamagedError("parts of an unknown kind")

    def part(number: int) -> Any:
        if type(number) is not int or number < 0:
            raise DamagedError("a part without a number")
        size = _account.bytes + len(bodies[number])
        _account.parts += 1
        if size > _account.limit or _account.parts > _account.most:
            raise DamagedError("parts that are repeated too often")
        value = kinds.load(names[number], bodies[number])
        _account.bytes = max(size, _account.bytes)
        return value

    if not _account.level:
        _account.bytes, _account.limit = 0, _limit(body)
        _account.parts, _account.most = 0, _limit_of_parts(body)
    _account.level += 1
    try:
        return plain.load(text, part)
    finally:
        _account.level -= 1


class _Parts:
    """The parts of one bundle, each written when it is met first."""

    __slots__ = ("_met", "_size", "bodies", "kinds")

    def __init__(self) -> None:
        self.kinds: list[str] = []
        self.bodies: list[bytes] = []
        self._size = 0
        # holds the values, so that no other gets an id meanwhile
        self._met: dict[int, tuple[int, int, int, object]] = {}

    def add(self, value: object) -> int | None:
        """The number of the part that holds the value; None if no kind takes it."""
        if not self.kinds and not _account.level:
            _account.bytes = _account.parts = 0
        met = self._met.get(id(value))
        if met is None:
            kind = kinds.kind_of(type(value))
            if kind is None:
                return None
            met = self._met[id(value)] = self._write(kind, value)
        number, size, parts, _ = met
        _account.bytes += size
        _account.parts += parts
        return number

    def _write(self, kind: str, value: object) -> tuple[int, int, int, object]:
        before, parts = _account.bytes, _account.parts
        _account.level += 1
        try:
            body = kinds.dump(kind, value)
        finally:
            _account.level -= 1
        size = max(len(body), _account.bytes - before)
        count = 1 + _account.parts - parts
        _account.bytes, _account.parts = before, parts
        self._size += len(body)
        check_size(self._size)
        self.kinds.append(kind)
        self.bodies.append(body)
        return len(self.kinds) - 1, size, count, value


def _limit(body: Body) -> int:
    return _MAX_TIMES * len(body) + _MAX_REPEATED


def _limit_of_parts(body: Body) -> int:
    return len(body) // _PART_BYTES + _MAX_PARTS
