"""What stops a value on its way to JSON text: too deep, too large, too often the same.

For the value that this thread is writing; each is noticed before it costs time or memory.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from math import inf
from typing import Any

from . import registered
from .kinds import CONTAINERS, LEAVES, PLAIN
from .payload import RefusedError, TooLargeError
from .refusals import classes, unhashable

__all__ = ["PART_DEPTH", "check_depth", "check_repetitions", "check_size", "now"]

# 200 levels are at most 600 in the JSON text (a "$dict" takes three). Python's parser stops
# near 1,000, less what the caller's stack holds; PostgreSQL's with 2 MB of stack above 6,000.
_MAX_DEPTH = 200

PART_DEPTH = 8
"""Values in a part (cells of an object array, attrs of a frame) are so many levels deeper than the
part. It takes up to 15 frames of the stack to write, as 8 levels do, and fewer to read."""

# A list that holds one list twice, which holds one list twice, …: 60 levels would never end.
# So every so often somebody looks how much is left to do. A value may be written at most this
# many containers (or eight items of one) long by repetitions.
_LOOK_EVERY = 1 << 18
_MAX_REPEATED = 20_000_000
_SHORT = 64  # items of a container that is not remembered: 1e6 of them would take 200 MB
_visits = itertools.count(1)


class _Now(threading.local):
    """The value that this thread is writing."""

    max_bytes = inf  # that a body may have: said anew for each value
    add_part: Callable[[object], int | None] | None = None  # takes what is not plain
    unseen: object = None  # the whole value, until somebody has looked how much there is to do
    depth = 0  # of the part that is being written


now = _Now()


def check_size(size: int) -> None:
    """Take notice of how many bytes a body has at least, before they are copied or computed.

    Raises:
        TooLargeError: more than are allowed.
    """
    if size > now.max_bytes:
        raise TooLargeError(size)


def check_depth(depth: int) -> None:
    """Refuse what is too deep, and now and then what would never end.

    Raises:
        RefusedError: as it says.
    """
    if depth >= _MAX_DEPTH:
        raise RefusedError(
            f"more than {_MAX_DEPTH} levels deep, or contains itself. "
            "Keep a flatter structure, or the parts under keys of their own"
        )
    if not next(_visits) % _LOOK_EVERY:
        check_repetitions()


def check_repetitions() -> None:
    """Refuse what would be far longer than it is large. Looks once at a value.

    Raises:
        RefusedError: as it says.
    """
    root, now.unseen = now.unseen, None
    if root is None:
        return
    lengths: dict[int, tuple[int, object]] = {}
    own = 0

    def length(value: Any, depth: int) -> int:
        nonlocal own
        inner = _inner(value)
        if inner is None:
            return 0
        if id(value) not in lengths:
            check_depth(depth)
            alone = 1 + len(inner) // 8
            own += alone
            rest = [] if classes(inner) <= LEAVES else inner
            if not rest and len(inner) <= _SHORT:
                return alone
            # The value is held, so that no other gets its id meanwhile.
            lengths[id(value)] = alone + sum(length(item, depth + 1) for item in rest), value
        return lengths[id(value)][0]

    if length(root, 0) > own + _MAX_REPEATED:
        raise RefusedError(
            "far longer written than it is in memory, by containers that it holds many times. "
            "Keep such a container once, and where it belongs beside it",
            is_whole=True,
        )


def _inner(value: Any) -> list[Any] | None:
    """What a container holds; None for what is none."""
    if type(value) is dict:
        return [*value, *value.values()]
    if unhashable(value):
        return None
    if type(value) in CONTAINERS:
        return list(value)
    entry = registered.find(type(value)) if type(value) not in PLAIN else None
    return None if entry is None else [entry.dump(value)]
