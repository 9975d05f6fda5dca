"""Containers that hold frames, arrays and the like: one JSON text, followed by the parts.

The text has the format of kind ``json``, and ``{"$part": 3}`` in it stands for the fourth part. An
object that occurs twice is written once. Reading makes a separate value for each place.
"""

from __future__ import annotations

import threading
from typing import Any

from . import kinds, plain, sections
from .limits import check_size
from .payload import Body, DamagedError, RefusedError

__all__ = ["read", "write"]

# How many bytes of parts reading may make in all: _MAX_TIMES * len(body) + _MAX_REPEATED. Without
# this limit, a small body could name one large part very many times.
_MAX_TIMES = 4
_MAX_REPEATED = 256 << 20

# How many parts reading may make in all: as many as a text of the body's length can name, and
# _MAX_PARTS more, for bundles that occur many times in another bundle. The limit on bytes does not
# cover this: even an empty frame takes 0.1 to 0.3 ms to make.
_PART_BYTES = len('{"$part":0}')
_MAX_PARTS = 20_000


class _Account(threading.local):
    """Counts what reading makes, or will make of what is being written.

    An object array may hold arrays, so bundles occur in bundles. They share one count, and the
    limits are those of the outermost bundle.
    """

    level = 0  # how many bundles, or parts, are open around this one
    limit = 0  # largest `bytes`, while reading
    bytes = 0  # of parts; bytes of a part that lies inside another part count once
    parts = 0  # all parts, those inside other parts included
    most = 0  # largest `parts`, while reading


_account = _Account()


def write(value: object) -> tuple[str, bytes]:
    """Write a container; returns the kind and the body.

    The kind is ``json`` if all that the container holds is plain, else ``bundle``.

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
            "that it holds many times. Keep each part once, and beside it the places that use it"
        )
    return "bundle", body


def read(kind: str, body: Body) -> Any:
    """Read a container that `write` wrote.

    Raises:
        DamagedError: the body is not well-formed.
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
    """The parts of one bundle. Each is written when it is met for the first time."""

    __slots__ = ("_met", "_size", "bodies", "kinds")

    def __init__(self) -> None:
        self.kinds: list[str] = []
        self.bodies: list[bytes] = []
        self._size = 0
        # id of a value: number of its part, bytes and parts that reading it makes, the value.
        # Holding the value keeps its id from being used again.
        self._met: dict[int, tuple[int, int, int, object]] = {}

    def add(self, value: object) -> int | None:
        """Add a value; returns the number of its part, or None if no kind stores its class."""
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
