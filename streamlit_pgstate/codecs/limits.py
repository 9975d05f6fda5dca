"""Refuse values that are too deep, too large or too repetitive to be written as JSON text.

The limits apply to the value that this thread is writing. Each check is made before the value
costs much time or memory.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from math import inf
from typing import Any

from . import forms, registered
from .kinds import CONTAINERS, LEAVES, PLAIN
from .payload import RefusedError, TooLargeError
from .refusals import classes, unhashable

__all__ = ["PART_DEPTH", "check_depth", "check_repetitions", "check_size", "now"]

# 200 levels of a value are at most 600 levels of JSON text, as a "$dict" takes three. Python's
# parser stops near 1,000 levels, less what the caller's stack already holds. PostgreSQL's parser,
# with 2 MB of stack, stops above 6,000.
_MAX_DEPTH = 200

PART_DEPTH = 8
"""How many levels deeper than a part its values count (cells of an object array, attrs of a frame).
Writing a part takes up to 15 stack frames, which is as much as 8 levels take. Reading takes fewer.
"""

# A list that holds one list twice, which holds one list twice, and so on for 60 levels, would
# never be written to its end. After every _LOOK_EVERY containers, `check_repetitions` computes how
# long the whole value will be. Repetitions may add at most _MAX_REPEATED units to that, where a
# unit is a container or eight items of one.
_LOOK_EVERY = 1 << 18
_MAX_REPEATED = 20_000_000
_SHORT = 64  # shorter containers of leaves are not remembered: 1e6 of them would take 200 MB
_visits = itertools.count(1)


class _Now(threading.local):
    """The state of the value that this thread is writing."""

    max_bytes = inf  # the largest body; set again for each value
    add_part: Callable[[object], int | None] | None = None  # takes a value that is not plain
    unseen: object = None  # the whole value, until `check_repetitions` has looked at it
    unseen_owner: registered.Registered | None = None  # the owner inside whose value that is
    depth = 0  # the level at which the part that is being written starts
    owner: registered.Registered | None = None  # the registered type inside whose value this is


now = _Now()


def check_size(size: int) -> None:
    """Check a lower bound of the body's size in bytes, before the bytes are copied or computed.

    Raises:
        TooLargeError: the size is over the limit.
    """
    if size > now.max_bytes:
        raise TooLargeError(size)


def check_depth(depth: int) -> None:
    """Check the depth of a container. Once every `_LOOK_EVERY` calls, check the repetitions, too.

    Raises:
        RefusedError: the value is too deep, or too repetitive.
    """
    if depth >= _MAX_DEPTH:
        raise RefusedError(
            f"more than {_MAX_DEPTH} levels deep, or contains itself. "
            "Keep a flatter structure, or the parts under keys of their own"
        )
    if not next(_visits) % _LOOK_EVERY:
        check_repetitions()


def check_repetitions() -> None:
    """Check that a value is not far longer when written than it is in memory.

    Looks only once at each value.

    Raises:
        RefusedError: the value holds containers too many times.
    """
    root, now.unseen = now.unseen, None
    if root is None:
        return
    lengths: dict[int, tuple[int, object]] = {}
    own = 0

    def length(value: Any, depth: int, owner: registered.Registered | None) -> int:
        nonlocal own
        inner, owner = _inner(value, owner)
        if inner is None:
            return 0
        if id(value) not in lengths:
            check_depth(depth)
            alone = 1 + len(inner) // 8
            own += alone
            rest = [] if classes(inner) <= LEAVES else inner
            if not rest and len(inner) <= _SHORT:
                return alone
            # Holding the value keeps its id from being used again.
            lengths[id(value)] = alone + sum(length(item, depth + 1, owner) for item in rest), value
        return lengths[id(value)][0]

    if length(root, 0, now.unseen_owner) > own + _MAX_REPEATED:
        raise RefusedError(
            "far longer written than it is in memory, by containers that it holds many times. "
            "Keep each container once, and beside it the places that use it",
            is_whole=True,
        )


def _inner(
    value: Any, owner: registered.Registered | None
) -> tuple[list[Any] | None, registered.Registered | None]:
    """List what a container or a registered value holds, and the owner of that.

    None instead of a list for any other value.
    """
    if type(value) is dict:
        return [*value, *value.values()], owner
    if unhashable(value):
        return None, owner
    if type(value) in CONTAINERS:
        return list(value), owner
    if type(value) in PLAIN:
        return None, owner
    entry = registered.find(type(value), owner)
    try:
        if entry is None:
            inner = forms.inner(value)
            return (None if inner is None else [inner]), owner
        dumped = entry.way.dump(value)
    except RefusedError:  # where it is written, it is refused with the way to it
        return None, owner
    return ([dumped] if entry.way.make is None else [*dumped]), entry.owner or entry
